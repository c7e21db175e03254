"""``python -m runner.export``: the same as ``runner export``."""

import sys

from runner.commands.export import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
