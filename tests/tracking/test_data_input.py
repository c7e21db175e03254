"""What a run has learnt from is in the store."""

import json
from pathlib import Path

import pytest
from mlflow.entities import Dataset

import runner
from tests.conftest import CommandLine, client_of, runs_in

QUICK = ["train.epochs=1", "tracking.log_model=false", "tracking.pictures=false"]


def inputs_in(folder: Path) -> list[Dataset]:
    """The data of each run that has some, the newest first."""
    inputs = [each for run in runs_in(folder) if run.inputs for each in run.inputs.dataset_inputs]
    assert all(each.tags[0].value == "training" for each in inputs)
    return [each.dataset for each in inputs]


def test_a_run_tells_its_data_with_sizes_shapes_and_digest(in_tmp_path: Path) -> None:
    runner.run(["data.val=0.1", *QUICK])
    (dataset,) = inputs_in(in_tmp_path)
    assert dataset.name == "digits"
    assert json.loads(str(dataset.profile)) == {"train": 1293, "val": 144, "test": 360}
    assert "[-1, 1, 8, 8]" in str(dataset.schema)
    assert json.loads(dataset.source)["val"] == 0.1


@pytest.mark.slow
def test_the_digest_is_of_the_data_that_is_learnt_from(in_tmp_path: Path) -> None:
    for overrides in (["seed=0"], ["seed=1"], ["data.limit=100"]):
        runner.run([*overrides, *QUICK])
    fewer, second, first = inputs_in(in_tmp_path)
    assert first.digest == second.digest != fewer.digest


@pytest.mark.slow
def test_the_jobs_of_a_sweep_tell_theirs(command_line: CommandLine, in_tmp_path: Path) -> None:
    done = command_line("-m", "seed=0,1", "data=digits,iris", "sweep.mode=stacked", *QUICK)
    assert done.returncode == 0, done.stderr
    found = inputs_in(in_tmp_path)
    assert sorted(each.name for each in found) == ["digits", "digits", "iris", "iris"]
    assert len({each.digest for each in found}) == 2
    assert "2 data sets, which are not compared: the best of each" in done.stdout
    (parent,) = (run for run in runs_in(in_tmp_path) if "mlflow.parentRunId" not in run.data.tags)
    assert "best_run_id" not in parent.data.tags
    ranked = client_of(in_tmp_path).list_artifacts(parent.info.run_id)
    assert "report.html" in {file.path for file in ranked}
