"""``python -m runner.export``: the same as ``runner export``."""

from runner.commands.export import main

if __name__ == "__main__":
    main()
