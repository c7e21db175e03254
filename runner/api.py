"""The runner from Python: for notebooks and tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import runner.process.forks  # noqa: F401  a fork is noted from now on

if TYPE_CHECKING:  # torch and mlflow take seconds to import: only when a run starts
    from runner.experiment import Result


def run(
    overrides: Sequence[str] = (), *, config_dir: Path | str | None = None, show: bool = False
) -> "Result":
    """Run one experiment, as the command line does, whatever the process around it has set torch to.

    Grad mode, default type and device, random states, logging and the environment are afterwards what they
    were. Runs in several threads go one after another.

    Args:
        overrides: what would be typed: ``["model=mlp", "optim.lr=0.1"]``.
        config_dir: a folder of your own YAML, as ``--config-dir``.
        show: whether to print the summary, the progress and the numbers.

    Returns:
        The metrics of each epoch, the run's id, the trained model and its parameters.

    Raises:
        ConfigError: if the config is wrong; nothing has been read or created then.
        RunnerError: if the run failed; it is FAILED in the store, too.
    """
    from runner.process.own_state import own_state

    with own_state():  # what is imported draws random numbers, too
        from runner.config.check import check
        from runner.config.compose import compose_run, launch_of
        from runner.experiment import run as run_experiment
        from runner.process.masking import masked_value
        from runner.tracking.terminal import Silent, Terminal

        composed = compose_run(overrides, config_dir)
        config = check(composed.plain)
        folder = composed.make_folder()
        called = f"runner.run({[masked_value(each) for each in overrides]})"
        launch = launch_of(composed.hydra, folder, called)
        return run_experiment(config, launch, Terminal() if show else Silent())
