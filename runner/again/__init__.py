"""Runs that were there before: gone on with, or done again."""
