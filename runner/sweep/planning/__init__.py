"""Ways to train a group of jobs, and which of them is the fastest here."""
