"""``python -m runner.report``: the same as ``runner report``."""

import sys

from runner.commands.report import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
