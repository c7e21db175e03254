"""The git repository that a run is started in: its commit, and what has been changed since."""

import subprocess
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Timer

from runner.process.masking import masked

DIFF_NAME, DIFF_BYTES = "uncommitted.diff", 1_000_000
"""What is left of the changes with a run, and how much of it at most."""

SECONDS = 5.0
"""How long git may take."""

GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")
DIFF = (*GIT, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv")
"""Git looks, runs no program that the repository names, and writes nothing."""


@dataclass(frozen=True)
class Uncommitted:
    """Changes of tracked files that are in no commit; an empty ``diff`` says that there are none."""

    diff: str

    @property
    def tags(self) -> dict[str, str]:
        """What tells of them on a run."""
        if not self.diff:
            return {"git_dirty": "false"}
        return {"git_dirty": "true", "git_diff": sha256(self.diff.encode()).hexdigest()[:16]}

    @property
    def files(self) -> dict[str, str]:
        """What is left with a run, by its name."""
        return {DIFF_NAME: self.diff} if self.diff else {}


@cache
def git_commit(folder: Path) -> str | None:
    """The commit that a folder is at; None outside a git repository or without git."""
    try:
        found = subprocess.run(
            [*GIT, "rev-parse", "HEAD"],
            cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def uncommitted(folder: Path) -> Uncommitted | None:
    """What has been changed since the commit that a folder is at; None if it is at none."""
    if git_commit(folder) is None:
        return None
    try:
        with subprocess.Popen(DIFF, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as git:
            clock = Timer(SECONDS, git.kill)
            clock.start()
            assert git.stdout is not None
            found = git.stdout.read(DIFF_BYTES + 1)
            if len(found) > DIFF_BYTES:
                git.kill()
    except OSError:
        return None
    clock.cancel()
    text = masked(found[:DIFF_BYTES].decode(errors="replace"))
    if len(found) > DIFF_BYTES:
        return Uncommitted(f"{text}\n[cut after {DIFF_BYTES:,} bytes]\n")
    return Uncommitted(text) if git.returncode == 0 else None
