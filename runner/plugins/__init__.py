"""A user's own layers, losses, rules and so on: modules with tables of names, joined to the built-in ones."""
