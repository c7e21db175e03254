"""What git knows of the folder that a run is started in."""

import subprocess
from pathlib import Path

import pytest

from runner.tracking.repository import DIFF_BYTES, DIFF_NAME, Uncommitted, git_commit, uncommitted


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for words in (["init", "-q"], ["add", "a.txt"], ["commit", "-qm", "a"]):
        (tmp_path / "a.txt").write_text("before\n")
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def changes_in(folder: Path) -> Uncommitted:
    found = uncommitted(folder)
    assert found is not None
    return found


def test_outside_a_repository_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    assert uncommitted(tmp_path) is None


def test_what_is_committed_has_no_diff(repository: Path) -> None:
    (repository / "untracked.txt").write_text("nobody's\n")
    assert changes_in(repository).tags == {"git_dirty": "false"}
    assert changes_in(repository).files == {}


def test_a_change_has_a_diff_and_another_one_another(repository: Path) -> None:
    (repository / "a.txt").write_text("after https://me:secret@host/x\n")
    first = changes_in(repository)
    assert "-before\n+after https://***@host/x\n" in first.files[DIFF_NAME]
    (repository / "a.txt").write_text("later\n")
    assert first.tags["git_dirty"] == "true"
    assert changes_in(repository).tags["git_diff"] != first.tags["git_diff"]


def test_a_large_diff_is_cut_and_says_so(repository: Path) -> None:
    (repository / "a.txt").write_text("x" * 3 * DIFF_BYTES)
    diff = changes_in(repository).diff
    assert DIFF_BYTES < len(diff) < DIFF_BYTES + 100
    assert diff.endswith("\n[cut after 1,000,000 bytes]\n")


def test_no_program_is_run_that_the_repository_names(repository: Path) -> None:
    for key in ("core.fsmonitor", "diff.external", "diff.own.textconv", "diff.own.command"):
        command = ["git", "config", key, f"touch {repository}/run; true"]
        subprocess.run(command, cwd=repository, check=True)
    (repository / ".gitattributes").write_text("*.txt diff=own\n")
    (repository / "a.txt").write_text("after\n")
    assert "+after" in changes_in(repository).diff
    assert not (repository / "run").exists()
