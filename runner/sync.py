"""``python -m runner.sync``: the same as ``runner sync``."""

import sys

from runner.commands.sync import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
