"""A logged model as MLflow's own server serves it, and as MLflow loads it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import validate_serving_input
from pandas import DataFrame

import runner
from runner.data.carried import Diabetes
from runner.data.digits import Digits
from runner.experiment import Result
from tests.data.test_table_file import write_shop
from tests.faults.servers import free_port

pytestmark = pytest.mark.filterwarnings("ignore:.*validate_serving_input:FutureWarning")

SHOP = [
    "data=csv",
    "data.root=.",
    "data.file=shop.csv",
    "data.label=buys",
    "train.batch_size=32",
    "optim=momentum",
]
UNKNOWN_TOWN: list[list[Any]] = [[80, "Oslo"], [20, None], [None, "Oslo"], [80, "Atlantis"]]


@contextmanager
def served(result: Result, folder: Path) -> Iterator[str]:
    """``mlflow models serve`` of a run's model, as a user would start it; where it answers."""
    port, log = free_port(), folder / "server.log"
    command = [
        "models",
        "serve",
        "-m",
        f"runs:/{result.run_id}/model",
        "--env-manager",
        "local",
        "-p",
        str(port),
    ]
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command, "--host", "127.0.0.1"],
            env={**os.environ, "MLFLOW_TRACKING_URI": result.tracking_uri},
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 180
        while not is_up(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1):
            return True
    except OSError:
        return False


def asked(url: str, question: dict[str, Any]) -> list[Any]:
    request = urllib.request.Request(
        url, json.dumps(question).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        answer: list[Any] = json.load(reply)["predictions"]
    return answer


def refused(url: str, question: dict[str, Any]) -> tuple[int, str]:
    """The status and the message of an error."""
    with pytest.raises(HTTPError) as error:
        asked(url, question)
    with error.value as reply:
        return reply.code, json.load(reply)["message"]


@pytest.fixture
def shop(in_tmp_path: Path) -> Result:
    write_shop(in_tmp_path)
    return runner.run([*SHOP])


def model_of(result: Result, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", result.tracking_uri)
        return Path(mlflow.artifacts.download_artifacts(f"runs:/{result.run_id}/model"))


@pytest.mark.slow
def test_the_server_tells_the_class_of_digits_and_all_probabilities(in_tmp_path: Path) -> None:
    result = runner.run(["train.epochs=10", "optim=momentum"])
    test = Digits().load().test.first(20)
    with served(result, in_tmp_path) as url:
        for key in ("inputs", "instances"):
            said = asked(url, {key: test.inputs.tolist()})
            assert list(said[0]) == ["class", *(f"probability_{number}" for number in range(10))]
            assert all(isinstance(row["class"], int) for row in said)
            right = [row["class"] == label for row, label in zip(said, test.targets.tolist(), strict=True)]
            assert np.mean(right) > 0.8
            for row in said:
                probabilities = [row[f"probability_{number}"] for number in range(10)]
                assert sum(probabilities) == pytest.approx(1, abs=1e-5)
                assert int(np.argmax(probabilities)) == row["class"]
        assert refused(url, {"inputs": [[1, 2, 3]]})[0] == 400


@pytest.mark.slow
def test_the_server_takes_the_columns_of_a_table_by_name(shop: Result, in_tmp_path: Path) -> None:
    with served(shop, in_tmp_path) as url:
        said = asked(url, {"dataframe_split": {"columns": ["age", "town"], "data": UNKNOWN_TOWN}})
        assert list(said[0]) == ["class", "probability_no", "probability_yes"]
        assert [row["class"] for row in said[:2]] == ["yes", "no"]
        records = [{"town": town, "age": age, "of no use": 1} for age, town in UNKNOWN_TOWN]
        assert asked(url, {"dataframe_records": records}) == said
        for wrong, told in (
            ({"columns": ["age"], "data": [[3]]}, "missing inputs ['town']"),
            ({"columns": ["age", "town"], "data": [["old", "Rome"]]}, "column 'age': is not of numbers"),
        ):
            code, message = refused(url, {"dataframe_split": wrong})
            assert code == 400
            assert told in message


@pytest.mark.slow
def test_the_server_gives_values_in_the_units_of_the_target(in_tmp_path: Path) -> None:
    result = runner.run(["data=diabetes", "loss=mse", "optim=adam", "optim.lr=0.01"])
    names = Diabetes.names
    rows = Diabetes()._read()
    with served(result, in_tmp_path) as url:
        data = [list(row[:-1]) for row in rows]
        said = asked(url, {"dataframe_split": {"columns": list(names), "data": data}})
    assert list(said[0]) == [Diabetes.label]
    values = np.array([row[Diabetes.label] for row in said])
    assert np.corrcoef(values, rows[:, -1])[0, 1] > 0.6
    assert values.mean() == pytest.approx(rows[:, -1].mean(), rel=0.1)


def test_mlflow_loads_what_takes_whole_numbers_and_categories(
    shop: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_of(shop, monkeypatch)
    model = mlflow.pyfunc.load_model(str(folder))
    whole = DataFrame({"town": ["Oslo", "Lima"], "age": [80, 20], "buys": ["?", "?"]})
    said = model.predict(whole)
    assert said["class"].tolist() == ["yes", "no"]
    assert said["probability_yes"].dtype == np.float32
    signature = model.metadata.signature
    assert signature.inputs.input_names() == ["age", "town"]
    assert signature.outputs.input_names() == list(said.columns)
    assert list(model.input_example.columns) == ["age", "town"]
    again = validate_serving_input(str(folder), model.metadata.get_serving_input(str(folder)))
    assert again.equals(model.predict(model.input_example))
    with pytest.raises(MlflowException, match="missing inputs"):
        model.predict(DataFrame({"age": [3]}))


def test_a_text_model_says_a_character_for_each_place(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("song.txt").write_text("abcdefg" * 60)
    Path("my/model").mkdir(parents=True)
    Path("my/model/next.yaml").write_text(
        "layers:\n  e: {type: embedding, num_embeddings: 7, embedding_dim: 8}\n  l: {type: linear}\n"
    )
    words = [
        "data=text", "data.root=.", "data.file=song.txt", "data.length=5", "train.epochs=30",
        "optim=adam", "optim.lr=0.05", "model=next", "train.batch_size=8",
    ]  # fmt: skip
    result = runner.run(words, config_dir="my")
    folder = model_of(result, monkeypatch)
    model = mlflow.pyfunc.load_model(str(folder))
    said = model.predict(np.array([[0, 1, 2, 3, 4], [5, 6, 0, 1, 2]], np.float32))
    assert ["".join(places) for places in said["class"]] == ["bcdef", "gabcd"]
    assert np.stack(said["probability_b"]).argmax(1).tolist() == [0, 2]
    again = validate_serving_input(str(folder), model.metadata.get_serving_input(str(folder)))
    assert again["class"].map(list).equals(model.predict(model.input_example)["class"].map(list))


@pytest.mark.slow
def test_an_autoencoder_gives_the_values_of_what_it_has_seen(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, shape, width in (("digits", (1, 8, 8), 64), ("iris", None, 4)):
        result = runner.run([
            f"data={data}", "data.target=input", "model=autoencoder", "loss=mse", "train.epochs=2",
        ])  # fmt: skip
        model = mlflow.pyfunc.load_model(str(model_of(result, monkeypatch)))
        assert model.predict(model.input_example).shape == (2, width), data
        assert model.metadata.signature.outputs.inputs[0].shape == (-1, width)
        if shape is not None:
            assert model.metadata.signature.inputs.inputs[0].shape == (-1, *shape)
