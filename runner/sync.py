"""``python -m runner.sync``: the same as ``runner sync``."""

from runner.commands.sync import main

if __name__ == "__main__":
    main()
