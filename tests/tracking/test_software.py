"""A run's tags tell with what software it is made."""

from pathlib import Path

from runner.tracking.software import code_digest, software_tags


def test_versions_are_told_of_all_that_computes() -> None:
    told = software_tags()
    names = [each.partition(" ")[0] for each in told["versions"].split(", ")]
    assert names == ["python", "torch", "torchvision", "mlflow", "numpy", "hydra-core"]
    assert told["runner_version"]


def test_edited_code_has_another_digest(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    file = tmp_path / "inner" / "a.py"
    file.write_text("1\n")
    before = code_digest(tmp_path)
    (tmp_path / "inner" / "a.pyc").write_text("2\n")
    assert code_digest(tmp_path) == before
    file.write_text("2\n")
    edited = code_digest(tmp_path)
    file.rename(tmp_path / "a.py")
    assert len({before, edited, code_digest(tmp_path)}) == 3
