"""``runner --help``: the commands, the groups and their options, the composed config.

Hydra's own would say as much, after it has copied the whole config for each of the groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from runner.commands.arguments import HELP, without_config_dir
from runner.commands.exit_code import exit_code, shows_tracebacks
from runner.commands.table import COMMANDS

if TYPE_CHECKING:
    from hydra.conf import HydraConf
    from hydra.plugins.config_source import ConfigSource

RESOLVED = "--resolve"

FLAGS = (*HELP, RESOLVED, "--multirun", "-m", "--run", "-r", "--config-dir", "-cd")
"""What may stand beside ``--help``; with any other flag it is Hydra's help that is asked for."""

TEXT = """runner: from a YAML description of an experiment to a tracked result.

== Commands: runner <command> --help tells of each; without one, a run or with -m a sweep is trained ==
{commands}

== Groups: choose with group=option ==
{groups}

== Options: override with key=value ==
{options}
Examples
  runner model=mlp optim=momentum
  runner optim.lr=0.05 train.epochs=5
  runner -m optim=sgd,momentum seed=0,1,2
  runner --config-dir my_conf model=my_model
--cfg job --resolve prints the composed config, --hydra-help tells of Hydra's own flags."""


def is_asked_for(words: Sequence[str]) -> bool:
    """Whether the words ask for this help."""
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    return bool(HELP & flags) and flags <= set(FLAGS)


def main(words: Sequence[str]) -> int:
    """Print it; the exit code."""
    return exit_code(lambda: show(words), shows_tracebacks())


def show(words: Sequence[str]) -> int:
    """Print it, with the config that the words compose.

    Raises:
        ConfigError: if they can't be composed.
    """
    from omegaconf import OmegaConf

    from runner.config.compose import composed

    config_dir, others = without_config_dir(words)
    overrides = [word for word in others if not word.startswith("-")]
    with composed(overrides, config_dir) as (hydra, cfg):
        options = OmegaConf.to_yaml(cfg, resolve=RESOLVED in words)
        groups = {name: ", ".join(sorted(found)) for name, found in sorted(groups_of(hydra).items())}
    print(TEXT.format(commands=aligned(COMMANDS), groups=listed(groups), options=options))
    return 0


def aligned(summaries: Mapping[str, str]) -> str:
    """A line each, in columns."""
    width = max(map(len, summaries)) + 2
    return "\n".join(f"{name:<{width}}{summary}" for name, summary in summaries.items())


def listed(groups: Mapping[str, str]) -> str:
    """A line each."""
    return "\n".join(f"{name}: {options}" for name, options in groups.items())


def groups_of(hydra: "HydraConf") -> dict[str, set[str]]:
    """The options of each group in all folders of YAML but Hydra's own: here, the user's, installed ones."""
    from hydra._internal.sources_registry import SourcesRegistry

    groups: dict[str, set[str]] = {}
    for where in hydra.runtime.config_sources:
        if where.provider != "hydra":
            kind = SourcesRegistry.instance().resolve(where.schema)
            source = kind(where.provider, f"{where.schema}://{where.path}")
            for group, option in options_in(source, ""):
                groups.setdefault(group, set()).add(option)
    return groups


def options_in(source: "ConfigSource", folder: str) -> Iterator[tuple[str, str]]:
    """The groups in a folder, at any depth, each with each of its options; none of Hydra's settings."""
    from hydra.core.object_type import ObjectType

    for name in source.list(folder, ObjectType.GROUP):
        group = f"{folder}/{name}".lstrip("/")
        if group != "hydra":
            for option in source.list(group, ObjectType.CONFIG):
                yield group, option
            yield from options_in(source, group)
