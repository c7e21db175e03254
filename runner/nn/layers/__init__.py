"""Layers, a file a family. A layer is written once, for one model, and holds only addresses and sizes."""
