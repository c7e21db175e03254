"""Classes that a part of a data set has no sample of: what is learnt or measured there leaves them out."""

import logging

from runner.data.class_names import output_names
from runner.data.dataset import Dataset, Source, Split
from runner.data.validation import classes_in

log = logging.getLogger(__name__)

PARTS = {"train/": "training", "val/": "validation", "test/": "test"}

NAMED = 10
"""The most classes that a line names."""


def report_absent_classes(source: Source, data: Dataset) -> None:
    """Log a line for each part that lacks some of the classes."""
    for part, split in (("train/", data.train), *data.held_out):
        if absent := absent_from(split, source.out_shape[-1]):
            names = output_names(source, data.preprocessing)
            named = ", ".join(f"'{names[place]}'" for place in absent[:NAMED])
            more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
            log.warning(
                "data: the %s part (%d samples) has none of %d of the %d classes: %s%s",
                *(PARTS[part], len(split), len(absent), len(names), named, more),
            )


def absent_from(split: Split, classes: int) -> list[int]:
    """The classes, 0 to ``classes``, of which a part has no sample."""
    found = classes_in(split)
    if found is None:
        return []
    counts = found.bincount(minlength=classes)
    split.let_go()
    return [int(place) for place in (counts == 0).nonzero().flatten()]
