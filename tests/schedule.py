"""Which process runs which tests: a module's together, but for those that share nothing; the longest first.

A long module that begins last keeps one core busy while the others have nothing left to do.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

APART = (
    "tests/docs/test_pages.py",
    "tests/faults/test_resume.py",
    "tests/sweep/test_other_launchers.py",
    "tests/process/test_parallel.py",
    "tests/faults/test_store_made.py",
    "tests/faults/test_signals.py",
)
"""Long modules of which each test makes all that it needs: any process may have any of them."""

TOGETHER = (
    "tests/sweep/test_ray.py",
    "tests/faults/test_outage.py",
    "tests/sweep/test_launch.py",
    "tests/browser/test_pages.py",
    "tests/faults/test_between.py",
    "tests/faults/test_workers.py",
)
"""Long modules whose tests share what takes long to make."""

RAY = ("[clusters.md]", "[ray]")
"""What other tests that start Ray are called by: a machine has room for one cluster."""

LONGEST = {module: place for place, module in enumerate((*TOGETHER, *APART))}


def longest_first(items: list[pytest.Item]) -> None:
    """Order tests by how long their modules take; those of a module stay in their order."""
    items.sort(key=lambda item: LONGEST.get(item.nodeid.partition("::")[0], len(LONGEST)))


class Schedule(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out modules, and tests one by one where they share nothing."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        if test.endswith(RAY):
            return "tests/sweep/test_ray.py"
        return nodeid if module in APART else str(super()._split_scope(nodeid))
