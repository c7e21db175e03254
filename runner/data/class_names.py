"""What the classes of a data set are called, and the values of one that has none."""

import json
from collections.abc import Mapping, Sequence

from runner.data.dataset import Source
from runner.data.image_folder import IMAGES
from runner.data.table import TABLE, Table
from runner.data.text import VOCABULARY


def output_names(source: Source, preprocessing: Mapping[str, str]) -> Sequence[str]:
    """A name for each number that a model gives for a sample, or for one place of a sequence.

    Where nothing tells them they are numbers.

    Args:
        source: which may have ``class_names`` of its own.
        preprocessing: what the data set that it has loaded keeps beside a model.
    """
    count = source.out_shape[-1]
    named = known_names(source, preprocessing)
    if named is not None and len(named) == count:
        return named
    if source.task == "classification":
        return [str(number) for number in range(count)]
    return ["value"] if count == 1 else [f"value {number}" for number in range(count)]


def known_names(source: Source, preprocessing: Mapping[str, str]) -> Sequence[str] | None:
    """The names that a table, a folder of images, a vocabulary or the source itself gives."""
    if TABLE in preprocessing:
        table = Table.from_json(preprocessing[TABLE])
        return (table.label,) if table.classes is None else table.classes
    if IMAGES in preprocessing:
        classes: list[str] = json.loads(preprocessing[IMAGES])["classes"]
        return classes
    if VOCABULARY in preprocessing:
        return [spelt(each) for each in json.loads(preprocessing[VOCABULARY])]
    own: Sequence[str] | None = getattr(source, "class_names", None)
    return own


def spelt(value: str | int) -> str:
    """A character, or a byte, so that it can be seen: as Python writes it where that is needed."""
    text = value if isinstance(value, str) else value.to_bytes().decode("latin-1")
    return text if text.isprintable() and not text.isspace() else repr(text)
