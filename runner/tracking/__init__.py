"""What a run reports to: MLflow, its own log file, the terminal."""
