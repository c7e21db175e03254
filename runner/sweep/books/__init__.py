"""What a sweep tells the tracking store, by a process of its own."""
