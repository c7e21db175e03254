"""What there is beside training: a module a command."""
