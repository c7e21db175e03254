"""``python -m runner <arguments>`` with a stopwatch around its own functions; the phases are its last line.

The parent hands over when it started this process (``BENCHMARK_STARTED``, seconds since 1970), so that
Python's own start can be told.
"""

import json
import os
import sys
import time

from benchmarks.stopwatch import Stopwatch

COMPOSING = "composing the config"
STARTING = "starting Python"
TRACKING = "writing metrics"

PHASES = {
    "runner.config.check:check": "checking the config",
    "runner.experiment:build": "building the model",
    "runner.experiment:draw_parameters": "building the model",
    "runner.tracking.tracker:Tracker.__enter__": "opening store and run",
    "runner.experiment:load": "reading the data",
    "runner.experiment:train": "training",
    "runner.training.loop:evaluate": "evaluating",
    "runner.experiment:evaluate": "evaluating",
    "runner.tracking.tracker:Tracker.metrics": TRACKING,
    "runner.experiment:save_model": "saving the model",
    "runner.experiment:drawn": "drawing the pictures",
    "runner.tracking.tracker:Tracker.__exit__": "ending the run",
}


def main() -> None:
    """Run it and print ``{phase: seconds}``; the exit code is the runner's."""
    watch = Stopwatch(PHASES)
    watch.seconds[STARTING] = time.time() - float(os.environ["BENCHMARK_STARTED"])
    code: int | str | None = 0
    with watch.phase(COMPOSING), watch.watching():
        from runner.__main__ import main as runner_main

        try:
            runner_main()
        except SystemExit as ended:
            code = ended.code
    print(json.dumps(watch.seconds))
    sys.exit(code)


if __name__ == "__main__":
    main()
