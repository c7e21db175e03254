"""A sweep is not continued, and no run stands for a job, on data that have changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.command_line import with_keys_of_sweep
from runner.data.digits import Digits
from runner.errors import ConfigError, DataError
from runner.sweep.same_data import has_changed, refuse_changed
from runner.tracking.finished import FinishedRun
from runner.tracking.used_data import UsedData
from tests.conftest import CommandLine, runs_in


def run_on(digest: str) -> FinishedRun:
    return FinishedRun("r1", {}, (), UsedData.of({"type": "digits"}, digest))


def test_a_run_counts_on_the_same_data_alone() -> None:
    data = replace(Digits().load(), digest="now")
    assert not has_changed(run_on("now"), lambda: data)
    assert has_changed(run_on("before"), lambda: data)
    with pytest.raises(ConfigError, match=r"than run 'r1'.*digest now instead of before.*data\.changed"):
        refuse_changed(run_on("before"), lambda: data)


def test_a_run_of_which_nothing_is_known_counts() -> None:
    def missing() -> None:
        raise DataError("gone")

    assert not has_changed(FinishedRun("r1", {}, ()), missing)  # type: ignore[arg-type]
    assert not has_changed(run_on("before"), missing)  # type: ignore[arg-type]


def test_what_allows_it_is_typed_as_for_a_run() -> None:
    words = ["-m", "sweep.resume=x", "data.changed=allow", "data.root=."]
    assert with_keys_of_sweep(words) == ["-m", "sweep.resume=x", "sweep.data_changed=allow", "data.root=."]
    assert with_keys_of_sweep(["plugins.changed=allow"]) == ["sweep.plugins_changed=allow"]


@pytest.mark.slow
def test_a_sweep_says_that_its_data_have_changed(command_line: CommandLine, in_tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    table = "\n".join(["x,y", *(f"{x},{y}" for x, y in rows)])
    (in_tmp_path / "a.csv").write_text(table)
    words = ["data=csv", "data.root=.", "data.file=a.csv", "data.label=y", "model=regression", "loss=mse"]
    quick = ["train.epochs=1", "tracking.pictures=false", "tracking.log_model=false", "sweep.mode=solo"]
    assert command_line("-m", *words, *quick, "seed=0,1").returncode == 0
    (in_tmp_path / "a.csv").write_text(table.replace(f"{rows[20][0]},", "7.5,"))
    (sweep,) = (run for run in runs_in(in_tmp_path) if "mlflow.parentRunId" not in run.data.tags)
    refused = command_line("-m", f"sweep.resume={sweep.info.run_id}", "data.root=.")
    assert refused.returncode == 2
    assert "data.type: 'csv' now has other data than run" in refused.stderr
    assert len(runs_in(in_tmp_path)) == 3
