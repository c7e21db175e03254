"""YAML whose aliases unfold to more than anybody has written, refused before Hydra reads it."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from yaml import MappingNode, Node, SequenceNode

from runner.errors import ConfigError

MOST = 100_000
"""Values in a file, those counted anew that an alias repeats."""

PLACES = ("*.yaml", "*/*.yaml", "*/*/*.yaml")
"""Where groups' options lie; a whole tree of other things may be below."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where it is there: ten times as fast."""


def refuse_unfolding(folder: Path) -> None:
    """Look through the YAML in a folder and its groups; what else is wrong with it is Hydra's to tell.

    Raises:
        ConfigError: if a file holds an alias of itself, or aliases that make more than ``MOST`` values.
    """
    files = [file for place in PLACES for file in folder.glob(place) if file.is_file()]
    for file in sorted(files):
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), Loader=LOADER)
            size = unfolded(root, {}) if root is not None else 0
        except (yaml.YAMLError, OSError, UnicodeDecodeError, RecursionError):
            continue
        if size > MOST:
            raise ConfigError([f"{file}: its aliases (*name) unfold to more than {MOST:,} values"])


def unfolded(node: Node, sizes: dict[int, int]) -> int:
    """How many values a node has once its aliases are written out; too many if it holds itself.

    Args:
        node: of YAML's graph, where an alias is the node that it names.
        sizes: those that are known, by the nodes' identities.
    """
    if id(node) not in sizes:
        sizes[id(node)] = MOST + 1  # what a node is worth inside itself
        sizes[id(node)] = 1 + sum(unfolded(inner, sizes) for inner in inside(node))
    return sizes[id(node)]


def inside(node: Node) -> Sequence[Node]:
    """What a node is made of."""
    if isinstance(node, MappingNode):
        return [each for pair in node.value for each in pair]
    return node.value if isinstance(node, SequenceNode) else []
