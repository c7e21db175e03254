"""Hydra's loader of YAML, which takes folders of YAML for data: it looks at each file before Hydra does.

The runner's own YAML is trusted. All other (``--config-dir``, ``hydra.searchpath``, ``--config-path``) may
come from anybody: it reads no file outside of its folder, no environment, and starts nothing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra._internal import hydra as hydra_module
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.default_element import ResultDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.config.foreign_places import refuse_foreign_places
from runner.config.hydra_settings import Origins, refuse_hydra_settings
from runner.config.leaves import leaves
from runner.config.unfolding import refuse_unfolding
from runner.errors import ConfigError

RESOLVERS = (
    "now",
    "hydra",
    "python_version",
    "oc.select",
    "oc.dict.keys",
    "oc.dict.values",
    "oc.deprecated",
    "runner.unique_id",
    "runner.tracking_uri",
    "runner.experiment",
)
"""Interpolations that read nothing but the config, the clock, and where a store is."""

FILE = "file://"

INTERPOLATION = re.compile(r"\$\{\s*(?:[\w.\[\]@/-]+\s*\}|(?P<resolver>[A-Za-z_][\w.]*)\s*:|)")
"""A reference to a key, or the beginning of a resolver's call; the empty one is neither."""


def conf_folder() -> Path:
    """The runner's own YAML: beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parent / "conf"


@contextmanager
def checked_loading() -> Iterator[None]:
    """The context in which Hydra is started with the loader of this module."""
    theirs = vars(hydra_module)  # Hydra has no other way to be given one
    before, theirs["ConfigLoaderImpl"] = theirs["ConfigLoaderImpl"], CheckedLoader
    try:
        yield
    finally:
        theirs["ConfigLoaderImpl"] = before


class CheckedLoader(ConfigLoaderImpl):
    """Composes as Hydra does, and refuses YAML that is more than data.

    Raises:
        ConfigError: from any of its methods.
    """

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(CheckedSearchPath(config_search_path))
        self.repository = CheckedRepository(self.config_search_path)
        self._origins = Origins({})

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose, and look at what Hydra would make of its own node before it does."""
        self._origins = Origins({})
        cfg = super().load_configuration(
            config_name, overrides, run_mode, from_shell, validate_sweep_overrides
        )
        refuse_hydra_settings(cfg, overrides, self._origins)
        if self._origins.files:
            refuse_foreign_places(cfg, overrides, list(self._origins.files))
        return cfg

    def _compose_config_from_defaults_list(
        self, defaults: list[ResultDefault], repo: IConfigRepository
    ) -> DictConfig:
        cfg: DictConfig = super()._compose_config_from_defaults_list(defaults, repo)
        paths = [default.config_path for default in defaults if default.config_path is not None]
        found = [(path, result) for path in paths if (result := repo.load_config(path))]
        places = [(result.path.removeprefix(FILE), path, result.config) for path, result in found]
        self._origins = Origins(
            {
                file_of(folder, path): config
                for folder, path, config in places
                if "://" not in folder and is_foreign(folder)
            }
        )
        return cfg


class CheckedSearchPath(ConfigSearchPathImpl):
    """Where YAML is looked for: in folders, and in Hydra's own package. Others would be imported."""

    def __init__(self, other: ConfigSearchPath) -> None:
        super().__init__()
        self.config_search_path = list(other.get_path())

    def append(self, provider: str, path: str, anchor: SearchPathQuery | None = None) -> None:
        """Add a folder at the end."""
        scheme, colon, _ = path.partition("://")
        if colon and scheme not in ("file", "structured"):
            raise ConfigError(
                [f"hydra.searchpath: '{path}' should be a folder, file://…: others are imported"]
            )
        if provider == "hydra.searchpath in main":
            raise ConfigError([f"hydra.searchpath: '{path}' can be given on the command line alone"])
        super().append(provider, path, anchor)


class CheckedRepository(ConfigRepository):
    """Reads one file of YAML after another."""

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Read a file."""
        refuse_ways_out(config_path)
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        if source is not None and source.scheme() == "file" and is_foreign(source.path):
            refuse_links(Path(source.path), file_of(source.path, config_path))
            refuse_unfolding(file_of(source.path, config_path))
        result: ConfigResult | None = super().load_config(config_path)
        if result is not None and result.path.startswith(FILE):
            folder = result.path.removeprefix(FILE)
            if is_foreign(folder):
                refuse_foreign_resolvers(file_of(folder, config_path), result)
        return result


def is_foreign(folder: str) -> bool:
    """Whether a folder is somebody else's than the runner's own."""
    return Path(folder).resolve() != conf_folder()


def file_of(folder: str, config_path: str) -> Path:
    """The file in which a folder has a config."""
    return Path(folder, f"{config_path.removesuffix('.yaml')}.yaml")


def refuse_links(folder: Path, file: Path) -> None:
    """Refuse a file of a folder of YAML that is elsewhere, a link leading there.

    Raises:
        ConfigError: naming it.
    """
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ConfigError([f"{file}: a link leads out of the folder of YAML, '{folder}'"])


def refuse_ways_out(config_path: str) -> None:
    """Refuse names of YAML that lead out of the folder that they are looked for in.

    Raises:
        ConfigError: naming group and option.
    """
    parts = config_path.split("/")
    if ".." in parts or config_path.startswith("/"):
        at = parts.index("..") if ".." in parts else 1
        group, option = "/".join(parts[:at]), "/".join(parts[at:])
        raise ConfigError([f"{group or 'defaults'}: '{option}' is no name in a folder of YAML"])


def refuse_foreign_resolvers(file: Path, result: ConfigResult) -> None:
    """Refuse interpolations that read more than the config: the environment, or a text as a config.

    Raises:
        ConfigError: naming file and key.
    """
    chosen = leaves([vars(default) for default in result.defaults_list or ()], "defaults")
    problems = [
        f"{key}: '{text}' may refer to other keys alone; what else it reads is to be said on the command "
        f"line (in {file})"
        for key, text in (*leaves(result.config), *chosen)
        if isinstance(text, str) and not refers_to_config(text)
    ]
    if problems:
        raise ConfigError(problems)


def refers_to_config(text: str) -> bool:
    """Whether all interpolations of a text read the config alone."""
    return all(
        found["resolver"] in RESOLVERS or (found["resolver"] is None and found[0].endswith("}"))
        for found in INTERPOLATION.finditer(text)
    )
