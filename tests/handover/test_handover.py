"""A run that was packed is a run in another's store, and gives the same there."""

import shutil
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Run
from mlflow.models import Model

import runner
from runner.again.rerun import IS_AS_IT_WAS, rerun
from runner.again.resume import MAKES_THE_RUN, resume
from runner.commands.arguments import parse
from runner.commands.evaluate import KNOWN as EVALUATE
from runner.commands.evaluate import evaluate
from runner.commands.export import KNOWN as EXPORT
from runner.commands.export import export
from runner.commands.pack import KNOWN as PACK
from runner.commands.pack import pack
from runner.commands.predict import KNOWN as PREDICT
from runner.commands.predict import predict
from runner.commands.rerun import KNOWN as RERUN
from runner.commands.resume import KNOWN as RESUME
from runner.commands.show import KNOWN as SHOW
from runner.commands.show import show
from runner.commands.unpack import KNOWN as UNPACK
from runner.commands.unpack import unpack
from runner.config import sqlite_uri
from runner.errors import ConfigError, TrackingError
from runner.tracking.journal import EVENTS
from tests.conftest import client_of, runs_in

PARTS = """
from factors import FACTOR


class Scaled:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        return x * FACTOR


LAYERS = {"scaled": Scaled}
"""

INPUTS = np.linspace(0, 5, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Path:
    """A folder with a run whose model has a layer of a plug-in that imports a file beside it."""
    folder = tmp_path_factory.mktemp("origin")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    (folder / "parts.py").write_text(PARTS)
    (folder / "factors.py").write_text("FACTOR = 0.5\n")
    np.save(folder / "x.npy", INPUTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runner.run(
            [
                *("data=iris", "train.epochs=3", "tracking.experiment=flowers", "tracking.pictures=false"),
                *("plugins=[parts.py]", "model.layers.a1.type=scaled"),
                "train.checkpoint_every=1",
            ]
        )
        (run,) = runs_in(folder, "flowers")
        client_of(folder).log_metric(run.info.run_id, "evaluate/odd", float("nan"), timestamp=7, step=-3)
        client_of(folder).log_metric(run.info.run_id, "evaluate/odd", 0.1 + 0.2, timestamp=8, step=2**40)
        client_of(folder).log_metric(run.info.run_id, "evaluate/odd", -np.inf, timestamp=8, step=0)
        client_of(folder).log_dict(run.info.run_id, {"a": [1]}, "own notes/für alle.json")
        pack(parse([run.info.run_id, "output=run.zip"], PACK))
        predict(parse([run.info.run_id, "input=x.npy", "output=y.npy", "plugins=true"], PREDICT))
    return folder


@pytest.fixture(scope="module")
def taken(origin: Path, tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Path:
    """Another's folder, in which it was unpacked; nothing is left of the plug-in's files beside it."""
    folder = tmp_path_factory.mktemp("taken")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    np.save(folder / "x.npy", INPUTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert unpack(parse([str(origin / "run.zip")], UNPACK)) == 0
    return folder


@pytest.fixture
def there(taken: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(taken)
    return taken


def first(folder: Path) -> Run:
    return runs_in(folder, "flowers")[-1]


def models_of(run: Run) -> list[LoggedModelOutput]:
    return [] if run.outputs is None else list(run.outputs.model_outputs)


def history(folder: Path, run_id: str) -> dict[str, list[tuple[int, int, str]]]:
    client = client_of(folder)
    names = client.get_run(run_id).data.metrics
    return {
        name: sorted(
            (row.step, row.timestamp, repr(row.value)) for row in client.get_metric_history(run_id, name)
        )
        for name in names
    }


def files(client: MlflowClient, run_id: str, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    path = Path(client.download_artifacts(run_id, "", str(folder)))
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_all_that_the_store_has_of_a_run_is_there(origin: Path, taken: Path, tmp_path: Path) -> None:
    before, after = first(origin), first(taken)
    assert history(taken, after.info.run_id) == history(origin, before.info.run_id)
    assert files(client_of(taken), after.info.run_id, tmp_path / "b") == files(
        client_of(origin), before.info.run_id, tmp_path / "a"
    )
    assert after.data.params == before.data.params
    for name in ("status", "start_time", "end_time", "run_name"):
        assert getattr(after.info, name) == getattr(before.info, name)
    about_the_store = ("runner.", "unpacked_from", "mlflow.note.content")
    kept = {key: value for key, value in before.data.tags.items() if not key.startswith(about_the_store)}
    assert kept == {key: after.data.tags[key] for key in kept}
    assert after.data.tags["unpacked_from"] == before.info.run_id
    assert before.info.run_id not in after.data.tags["mlflow.note.content"]
    assert after.info.run_id in after.data.tags["mlflow.note.content"]
    assert after.inputs is not None
    assert before.inputs is not None
    assert after.inputs.to_dictionary() == before.inputs.to_dictionary()
    assert [each.step for each in models_of(after)] == [each.step for each in models_of(before)] == [3]


def test_what_was_packed_once_is_the_same_bytes_again(
    origin: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(origin)
    pack(parse([first(origin).info.run_id, f"output={tmp_path / 'again.zip'}"], PACK))
    assert (tmp_path / "again.zip").read_bytes() == (origin / "run.zip").read_bytes()


def test_its_model_predicts_the_same_and_its_code_needs_a_word(origin: Path, there: Path) -> None:
    run_id = first(there).info.run_id
    with pytest.raises(ConfigError, match="it runs only if you say so"):
        predict(parse([run_id, "input=x.npy", "output=y.npy"], PREDICT))
    predict(parse([run_id, "input=x.npy", "output=y.npy", "plugins=true"], PREDICT))
    assert (there / "y.npy").read_bytes() == (origin / "y.npy").read_bytes()
    export(parse([run_id, "format=safetensors", "output=m.safetensors", "plugins=true"], EXPORT))


def test_it_is_evaluated_and_shown_like_a_run_of_one_s_own(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = first(there)
    evaluate(parse([run.info.run_id, "plugins=true"], EVALUATE))
    show(parse([run.info.run_id], SHOW))
    shown = capsys.readouterr().out
    assert f"test/accuracy         {run.data.metrics['test/accuracy']:.6g}" in shown
    assert "unpacked_from" in shown


def test_mlflow_loads_its_model_as_it_loads_every_run_s(
    origin: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = []
    for folder in (origin, there):
        client = client_of(folder)
        output = models_of(first(folder))[-1]
        place = client.get_logged_model(output.model_id).artifact_location
        models.append(Model.load(unquote(urlsplit(place).path)))
    before, after = models
    assert before.signature == after.signature
    assert before.flavors["python_function"].keys() == after.flavors["python_function"].keys()


def test_its_plug_ins_lie_in_its_folder_and_do_it_again(there: Path, one_thread: None) -> None:
    run = first(there)
    parts = Path(run.data.tags["runner.folder"]) / "plugins" / "0" / "parts.py"
    assert (parts.with_name("factors.py")).read_text() == "FACTOR = 0.5\n"
    words = [run.info.run_id, f"plugins=[{parts}]"]
    assert rerun(parse(words, RERUN, IS_AS_IT_WAS), "python -m runner", None) == 0


def test_it_is_trained_on_from_its_checkpoint(
    origin: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None
) -> None:
    (tmp_path / "outputs").mkdir()
    shutil.copy(ready_store, tmp_path / "outputs" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    unpack(parse([str(origin / "run.zip"), "folder=here/run"], UNPACK))
    run = first(tmp_path)
    assert Path(run.data.tags["runner.folder"]) == tmp_path / "here" / "run"
    words = [run.info.run_id, "train.epochs=5", "plugins=[here/run/plugins/0/parts.py]"]
    assert resume(parse(words, RESUME, MAKES_THE_RUN), "python -m runner", None) == 0
    steps = [step for step, *_ in history(tmp_path, run.info.run_id)["train/loss"]]
    assert steps == [1, 2, 3, 4, 5]


def test_the_same_file_twice_makes_one_run(
    origin: Path, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [run.info.run_id for run in runs_in(there, "flowers")]
    folders = set((there / "outputs").rglob("*"))
    assert unpack(parse([str(origin / "run.zip")], UNPACK)) == 0
    assert "is in the store already, nothing was unpacked" in capsys.readouterr().out
    assert [run.info.run_id for run in runs_in(there, "flowers")] == before
    assert set((there / "outputs").rglob("*")) == folders


def test_where_it_was_packed_it_is_there_already(
    origin: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(origin)
    unpack(parse(["run.zip"], UNPACK))
    assert f"run {first(origin).info.run_id}: is in the store already" in capsys.readouterr().out


def test_it_can_come_into_another_experiment_without_its_checkpoint(
    origin: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(origin)
    pack(parse([first(origin).info.run_id, f"output={tmp_path / 'small.zip'}", "checkpoint=false"], PACK))
    with zipfile.ZipFile(tmp_path / "small.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("checkpoint")]
    store = tmp_path / "mlflow.db"
    shutil.copy(ready_store, store)
    monkeypatch.chdir(tmp_path)
    uri = sqlite_uri.from_path(store)
    unpack(parse(["small.zip", "experiment=theirs", f"tracking.uri={uri}"], UNPACK))
    client = MlflowClient(uri)
    found = client.get_experiment_by_name("theirs")
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    assert not list((tmp_path / "outputs").rglob(EVENTS))
    assert not (Path(run.data.tags["runner.folder"]) / "checkpoints").exists()


def test_what_is_no_run_that_has_ended_is_not_packed(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(origin)
    client = client_of(origin)
    found = client.get_experiment_by_name("Default")
    assert found is not None
    going = client.create_run(found.experiment_id).info.run_id
    with pytest.raises(ConfigError, match="is RUNNING: it can be packed when it has ended"):
        pack(parse([going], PACK))
    client.set_tag(going, "sweep_id", going)
    client.set_tag(going, "best_run_id", "b" * 32)
    with pytest.raises(ConfigError, match=r"is a sweep\. Name one of its jobs.*its best: b{32}"):
        pack(parse([going], PACK))
    assert not list(origin.glob(f"*{going[:8]}*"))


def test_a_job_of_a_sweep_becomes_a_run_of_its_own(
    origin: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(origin)
    client = client_of(origin)
    found = client.get_experiment_by_name("Default")
    assert found is not None
    job = client.create_run(
        found.experiment_id, tags={"sweep_id": "s1", "mlflow.parentRunId": "s1", "job": "3"}
    )
    client.set_terminated(job.info.run_id, "FAILED")
    client.set_tag(job.info.run_id, "failure", "epoch 1: train/loss is nan")
    pack(parse([job.info.run_id, f"output={tmp_path / 'job.zip'}"], PACK))
    (tmp_path / "outputs").mkdir()
    shutil.copy(ready_store, tmp_path / "outputs" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    unpack(parse(["job.zip"], UNPACK))
    (run,) = runs_in(tmp_path, "Default")
    tags = run.data.tags
    assert run.info.status == "FAILED"
    assert tags["failure"] == "epoch 1: train/loss is nan"
    assert tags["unpacked_from_sweep"] == "s1"
    assert not {"sweep_id", "mlflow.parentRunId", "job"} & tags.keys()


def test_a_store_that_cannot_be_used_leaves_nothing(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.db").write_bytes(b"no database")
    uri = sqlite_uri.from_path(tmp_path / "broken.db")
    with pytest.raises(TrackingError):
        unpack(parse([str(origin / "run.zip"), f"tracking.uri={uri}"], UNPACK))
    assert [path.name for path in tmp_path.iterdir()] == ["broken.db"]
