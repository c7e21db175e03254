"""The runner from Python: for notebooks and tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch and mlflow take seconds to import: only when a run starts
    from runner.experiment import Result


def run(
    overrides: Sequence[str] = (), *, config_dir: Path | str | None = None, show: bool = False
) -> "Result":
    """Run one experiment, as the command line does.

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
    from runner.config.check import check
    from runner.config.compose import compose_run, launch_of
    from runner.experiment import run as run_experiment
    from runner.tracking.terminal import Silent, Terminal

    composed = compose_run(overrides, config_dir)
    config = check(composed.plain)
    folder = composed.make_folder()
    launch = launch_of(composed.hydra, folder, f"runner.run({list(overrides)})")
    return run_experiment(config, launch, Terminal() if show else Silent())
