"""``python -m runner.predict``: the same as ``runner predict``."""

from runner.commands.predict import main

if __name__ == "__main__":
    main()
