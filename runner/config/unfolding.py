"""YAML whose aliases unfold to more than anybody has written, refused before anything else reads it."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from yaml import MappingNode, Node, SequenceNode

from runner.errors import ConfigError

MOST = 100_000
"""Values in a file, those counted anew that an alias repeats."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where it is there: ten times as fast."""


def refuse_unfolding(file: Path, called: str | None = None) -> None:
    """Look through a file of YAML; what else is wrong with it is told by whoever reads it.

    Args:
        file: the file.
        called: what it is, if not that file.

    Raises:
        ConfigError: if it holds an alias of itself, or aliases that make more than ``MOST`` values.
    """
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=LOADER)
        size = unfolded(root, {}) if root is not None else 0
    except (yaml.YAMLError, OSError, UnicodeDecodeError, RecursionError):
        return
    if size > MOST:
        raise ConfigError([f"{called or file}: its aliases (*name) unfold to more than {MOST:,} values"])


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
