"""A training's state on disk, from which it goes on as if nothing had happened."""
