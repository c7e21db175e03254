"""Launchers beside the stacked one: job by job, or over a Ray cluster."""
