"""Trained models: written down, found again, asked for predictions."""
