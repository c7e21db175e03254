"""Runs that are handed to somebody else."""
