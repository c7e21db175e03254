"""``python -m runner.predict``: the same as ``runner predict``."""

import sys

from runner.commands.predict import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
