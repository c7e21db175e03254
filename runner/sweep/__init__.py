"""Sweeps: many runs under one parent."""
