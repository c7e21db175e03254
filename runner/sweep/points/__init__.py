"""Which values the jobs of a sweep have."""
