"""The runner from Python: for notebooks and tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigError

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
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf, open_dict

    from runner.compose import CONFIG_ERRORS, conf_folder, explain, launch_of, register_resolvers, to_plain
    from runner.config import check
    from runner.experiment import run as run_experiment
    from runner.tracking.terminal import Silent, Terminal

    register_resolvers()
    search = [f"hydra.searchpath=[file://{Path(config_dir).absolute()}]"] if config_dir else []
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            cfg = compose("config", overrides=[*search, *overrides], return_hydra_config=True)
    except CONFIG_ERRORS as error:
        raise ConfigError([explain(error)]) from error
    hydra = cfg.hydra
    folder = Path(hydra.run.dir).absolute()
    with open_dict(cfg):
        del cfg["hydra"]
    config = check(to_plain(cfg))
    (folder / hydra.output_subdir).mkdir(parents=True)
    OmegaConf.save(cfg, folder / hydra.output_subdir / "config.yaml")
    OmegaConf.save(hydra.overrides.task, folder / hydra.output_subdir / "overrides.yaml")
    launch = launch_of(hydra, folder, f"runner.run({list(overrides)})")
    return run_experiment(config, launch, Terminal() if show else Silent())
