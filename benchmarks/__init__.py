"""What the runner costs beside other ways to train the same thing: ``python -m benchmarks``."""
