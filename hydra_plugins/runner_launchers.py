"""Launchers, as Hydra insists on finding them in this namespace; what they do is in ``runner.sweep``."""
