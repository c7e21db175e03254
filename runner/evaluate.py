"""``python -m runner.evaluate``: the same as ``runner evaluate``."""

from runner.commands.evaluate import main

if __name__ == "__main__":
    main()
