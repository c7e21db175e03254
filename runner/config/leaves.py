"""The values of a config, one by one, by the dotted names of their places."""

from collections.abc import Iterator

from omegaconf import OmegaConf


def leaves(config: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Each place and its value; interpolations as they are written."""
    if OmegaConf.is_config(config):
        config = OmegaConf.to_container(config)
    if isinstance(config, dict):
        for key, value in config.items():
            yield from leaves(value, f"{place}.{key}" if place else str(key))
    elif isinstance(config, list):
        for number, value in enumerate(config):
            yield from leaves(value, f"{place}.{number}")
    else:
        yield place, config
