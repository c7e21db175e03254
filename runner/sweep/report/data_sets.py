"""A sweep's results by the data they were measured on: only those of one data set can be ranked."""

from collections.abc import Sequence

from runner.config.compose import key_of
from runner.process.masking import masked_value
from runner.sweep.record import JobResult
from runner.tracking.used_data import is_preparation

DIGITS = 8
"""So much of a digest is shown."""


def by_data(results: Sequence[JobResult]) -> list[list[JobResult]]:
    """The jobs of each data set together, in the order of their first ones.

    Two jobs have used one data set if their settings name the same, and it gave both the same values if it
    was prepared in the same way. Jobs that did not come to their data stand with the others if those have
    one.
    """
    groups: dict[tuple[str, str], list[JobResult]] = {}
    digests = digests_by_settings(results)
    for result in results:
        if result.data is not None:
            changed = any(len(digests[each]) > 1 for each in digests if each[0] == result.data.source)
            key = (result.data.source, result.data.digest if changed else "")
            groups.setdefault(key, []).append(result)
    without = [result for result in results if result.data is None]
    if without and (len(groups) != 1 or any(result.outcome == "FINISHED" for result in without)):
        return [*groups.values(), without]
    if without:
        return [list(results)]
    return list(groups.values())


def digests_by_settings(results: Sequence[JobResult]) -> dict[tuple[str, str], set[str]]:
    """The digests of what settings gave: several if the data have changed meanwhile."""
    digests: dict[tuple[str, str], set[str]] = {}
    for result in results:
        if (data := result.data) is not None:
            digests.setdefault((data.source, data.settings), set()).add(data.digest)
    return digests


def titles(groups: Sequence[Sequence[JobResult]]) -> list[str]:
    """The name of each data set beside the others: what was typed of it, its digest where that is one."""
    typed = [typed_of(group[0]) for group in groups]
    return [
        title if typed.count(title) == 1 else with_digest(title, group[0])
        for title, group in zip(typed, groups, strict=True)
    ]


def typed_of(result: JobResult) -> str:
    """The overrides of a job that are about data; the data's type if there are none."""
    words = [
        masked_value(each)
        for each in result.overrides
        if key_of(each).partition(".")[0] == "data" and not is_preparation(key_of(each))
    ]
    return " ".join(words) or f"data={'?' if result.data is None else result.data.name}"


def with_digest(title: str, result: JobResult) -> str:
    """A title, and the digest of the data."""
    return title if result.data is None else f"{title} (digest {result.data.digest[:DIGITS]}…)"
