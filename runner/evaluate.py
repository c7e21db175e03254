"""``python -m runner.evaluate``: the same as ``runner evaluate``."""

import sys

from runner.commands.evaluate import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
