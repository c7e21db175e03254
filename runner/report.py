"""``python -m runner.report``: the same as ``runner report``."""

from runner.commands.report import main

if __name__ == "__main__":
    main()
