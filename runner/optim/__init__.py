"""Update rules and learning-rate schedules, over tensors alone."""
