"""What is told of runs and sweeps in one file, which needs nothing beside itself: HTML."""
