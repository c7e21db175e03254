"""A sweep's own settings, checked before its first job."""

from omegaconf import DictConfig, OmegaConf

from runner.config.components import validated
from runner.config.compose import to_plain
from runner.config.plain import Plain
from runner.config.schema import Sweep, Tracking
from runner.errors import ConfigError


def own_settings(master: DictConfig) -> tuple[Sweep, Plain]:
    """How the sweep goes through its jobs, and the whole of the config that its jobs share.

    Raises:
        ConfigError: if ``sweep`` or ``tracking`` is wrong.
    """
    wanted = ("sweep", "tracking", "objective")
    plain = to_plain(OmegaConf.masked_copy(master, list(wanted)))
    problems: list[str] = []
    settings: Sweep = validated(Sweep.model_validate_json, "sweep", plain["sweep"], problems)
    tracking: Tracking = validated(Tracking.model_validate_json, "tracking", plain["tracking"], problems)
    if not problems and tracking.offline:
        problems.append("tracking.offline: true is for single runs: a sweep needs its store at the beginning")
    if problems:
        raise ConfigError(problems)
    return settings, plain
