"""Sweeps that Optuna steers."""
