"""What a trained model's outputs are called."""

import json
from collections.abc import Mapping

from runner.data.image_folder import IMAGES
from runner.data.table import TABLE, Table
from runner.data.text import VOCABULARY
from runner.types import Task


def table_of(kept: Mapping[str, str]) -> Table | None:
    """How rows become inputs, if a model has learnt from a table.

    Args:
        kept: texts by file names, beside the model.

    Raises:
        DataError: if its description is damaged.
    """
    return Table.from_json(kept[TABLE]) if TABLE in kept else None


def names_of(kept: Mapping[str, str], task: Task) -> tuple[str, ...] | None:
    """The classes' names, or that of a table's one value; None where the data have none.

    Raises:
        DataError: if a table's description is damaged.
    """
    table = table_of(kept)
    if table is not None:
        if task == "classification":
            return table.classes
        return (table.label,) if table.classes is None else None  # else the rows themselves are learnt
    if task == "classification" and IMAGES in kept:
        return tuple(json.loads(kept[IMAGES])["classes"])
    if task == "classification" and VOCABULARY in kept:
        return tuple(map(str, json.loads(kept[VOCABULARY])))
    return None
