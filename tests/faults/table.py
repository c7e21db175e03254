"""The table at the end of the tests: which faults were injected, and how often nothing was lost."""

from collections.abc import Iterable

import pytest

INJECTED = "injected"
"""The property by which a test tells how many faults it has injected, if not one."""


def fault_table(passed: Iterable[pytest.TestReport], failed: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each fault: how many were injected, how many of them lost nothing, and what it was."""
    counts: dict[str, list[int]] = {}
    for reports, survived in ((passed, True), (failed, False)):
        for report in reports:
            number = next((value for name, value in report.user_properties if name == INJECTED), None)
            if report.when != "call" or (number is None and not report.nodeid.startswith("tests/faults/")):
                continue
            assert isinstance(number, int | None)
            told = counts.setdefault(in_words(report.nodeid), [0, 0])
            told[0] += number or 1
            told[1] += (number or 1) * survived
    return [f"{sum_:>6} {whole:>6}  {fault}" for fault, (sum_, whole) in sorted(counts.items())]


def in_words(nodeid: str) -> str:
    """A test's name as a sentence, after the file that it is in."""
    file, _, name = nodeid.partition("::")
    words = name.partition("[")[0].rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"{file.rpartition('/')[2].removeprefix('test_').removesuffix('.py').replace('_', ' ')}: {words}"
