"""What is drawn: figures of numbers, which know nothing of where they come from."""
