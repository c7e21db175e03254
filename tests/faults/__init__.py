"""Faults that are injected for real, and what is left when they are over."""
