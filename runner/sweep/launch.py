"""A batch of a sweep's jobs, from their overrides to their results, trained as fast as this machine can."""
