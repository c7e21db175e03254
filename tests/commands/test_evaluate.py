"""A trained run is evaluated again, and what comes of it joins the run."""

import contextlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

import runner
from runner.commands.arguments import parse
from runner.commands.evaluate import KNOWN, evaluate
from runner.commands.predict import KNOWN as KNOWN_TO_PREDICT
from runner.commands.predict import predict
from runner.errors import ConfigError, RunnerError, TrackingError
from tests.conftest import client_of
from tests.test_own_parts import examples


@dataclass(frozen=True)
class Trained:
    """A run in the store of a folder."""

    folder: Path
    run_id: str

    def evaluate(self, *words: str) -> dict[str, float]:
        """The run's metrics after an evaluation."""
        store = f"tracking.uri=sqlite:///{self.folder}/outputs/mlflow.db"
        evaluate(parse([f"run={self.run_id}", store, *words], KNOWN))
        return self.metrics()

    def metrics(self) -> dict[str, float]:
        return dict(client_of(self.folder).get_run(self.run_id).data.metrics)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    with contextlib.chdir(folder):
        return Trained(
            folder,
            runner.run(["train.epochs=2", "optim.lr=0.5", "data.val=0.1", "tracking.pictures=false"]).run_id,
        )


def test_evaluation_finds_what_training_found(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("test", "val"):
        found = trained.evaluate(f"part={part}")
        for name in (f"{part}/loss", f"{part}/accuracy"):
            assert found[f"evaluate/digits/{name}"] == pytest.approx(found[name])
    found = trained.evaluate("part=train")
    assert found["evaluate/digits/train/loss"] == pytest.approx(found["final/train_loss"])
    shown = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(shown["test/accuracy"]) == pytest.approx(found["test/accuracy"], rel=1e-4)
    history = client_of(trained.folder).get_metric_history(trained.run_id, "evaluate/digits/test/loss")
    assert [metric.step for metric in history] == [2]


def test_the_runs_data_can_be_changed_key_by_key(trained: Trained) -> None:
    few = trained.evaluate("part=train", "data.limit=10", "data.val=null")
    assert few["evaluate/digits/train/accuracy"] * 10 == pytest.approx(
        round(few["evaluate/digits/train/accuracy"] * 10)
    )


def test_other_data_takes_the_place_of_the_runs(in_tmp_path: Path) -> None:
    words = ["data=linear", "loss=mse", "model=linear", "optim.lr=0.1", "data.seed=1"]
    regression = Trained(in_tmp_path, runner.run([*words, "data.val=0.2", "objective=val/loss"]).run_id)
    same = regression.evaluate()["evaluate/linear/test/loss"]
    assert same == pytest.approx(regression.metrics()["test/loss"])
    other = regression.evaluate("data=linear", "part=train", "data.seed=2")
    assert other["evaluate/linear/train/loss"] > 10 * same, "another map"


@pytest.mark.slow
def test_another_table_is_read_by_what_the_model_has_learnt_from_its_own(in_tmp_path: Path) -> None:
    """Sizes far from those that were learnt, and one shelf of three."""

    def write(name: str, sizes: range) -> None:
        rows = [f"{x},{'low' if x < -15 else 'middle' if x < 15 else 'top'},{2 * x + 7}" for x in sizes]
        Path(name).write_text("\n".join(["size,shelf,price", *rows]) + "\n")

    write("old.csv", range(-50, 50))
    write("new.csv", range(200, 240))
    words = [
        "data=csv",
        "data.root=.",
        "data.file=old.csv",
        "model=linear",
        "optim.lr=0.2",
        "train.epochs=40",
    ]
    shelves = ["data.label=shelf", "data.ignore=[price]"]
    prices = ["data.label=price", "data.ignore=[shelf]", "loss=mse"]
    values = Trained(in_tmp_path, runner.run([*words, *prices]).run_id)
    assert values.metrics()["test/rmse"] < 1
    assert values.evaluate("data.file=new.csv")["evaluate/csv/test/rmse"] < 1, "prices differ by 500"
    classes = Trained(in_tmp_path, runner.run([*words, *shelves]).run_id)
    assert classes.evaluate("data.file=new.csv")["evaluate/csv/test/accuracy"] == 1, "all are top"


def test_a_config_from_before_some_keys_were_there_is_completed(in_tmp_path: Path) -> None:
    words = ["data=diabetes", "model=linear", "loss=mse", "optim=momentum", "optim.lr=0.1"]
    run = Trained(in_tmp_path, runner.run([*words, "train.epochs=2"]).run_id)
    (path,) = in_tmp_path.rglob(f"{run.run_id}/artifacts/config.yaml")
    recorded = yaml.safe_load(path.read_text())
    for section, keys in {
        "data": ["mixup", "standardize_target"],
        "train": ["accumulate", "overfit_batches"],
        "optim": ["groups"],
        "schedule": ["warmup_epochs"],
        "tracking": ["log_model"],
    }.items():
        for key in keys:
            del recorded[section][key]
    path.write_text(yaml.safe_dump(recorded))
    told = run.evaluate()
    assert told["evaluate/diabetes/test/rmse"] == pytest.approx(told["test/rmse"])
    assert told["evaluate/diabetes/test/loss"] == pytest.approx(told["test/loss"])


def test_data_of_another_kind_than_the_models_are_told(in_tmp_path: Path) -> None:
    words = ["data=linear", "data.features=10", "loss=mse", "model=linear", "optim.lr=0.1"]
    run = Trained(in_tmp_path, runner.run([*words, "train.epochs=1"]).run_id)
    with pytest.raises(ConfigError) as error:
        run.evaluate("data=diabetes")
    assert error.value.problems == [
        "data: the model keeps no table.json: it has learnt from data of another kind"
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data=linear"], "loss.type: 'cross_entropy' is for classification, but data.type 'linear' is"),
        (["data={type: tiny}", "plugins=[TINY]"], "data.type: 'tiny' gives [3] a sample, the model takes"),
        (["data.val=null", "part=val"], "part: there is no 'val', data.val=0.1 would set a tenth"),
        (["part=tests"], "part: unknown 'tests'. Did you mean 'test'?"),
        (["data.limits=3"], "data.limits: unknown key 'limits'"),
        (["seed=3"], "seed: unknown 'seed'. Known: data, device, part, plugins, run, tracking.uri"),
        (["data.limit=1,2"], "data.limit=1,2: one value is wanted"),
        (["~data.limit"], "~data.limit: one value is wanted"),
        (["device=gpu"], "device: unknown 'gpu'"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_told(trained: Trained, words: list[str], told: str) -> None:
    (trained.folder / "tiny.py").write_text(
        "import torch\nfrom runner.data.dataset import Dataset, Split\n\n"
        "class Tiny:\n    task, in_shape, out_shape = 'classification', (3,), (10,)\n\n"
        "    def load(self):\n        raise AssertionError('its shape says enough')\n\n"
        "SOURCES = {'tiny': Tiny}\n"
    )
    with pytest.raises(ConfigError) as error:
        trained.evaluate(*(word.replace("TINY", f"{trained.folder}/tiny.py") for word in words))
    assert error.value.problems[0].startswith(told)


def test_a_run_or_a_model_that_is_not_there_is_told(in_tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"^run: there is no run 'nope' in sqlite:"):
        evaluate(parse(["run=nope"], KNOWN))
    run_id = runner.run(["train.epochs=1", "tracking.log_model=false", "tracking.pictures=false"]).run_id
    with pytest.raises(RunnerError, match=rf"^run: '{run_id}' has logged no model; tracking\.log_model=true"):
        evaluate(parse([f"run={run_id}"], KNOWN))
    with pytest.raises(TrackingError, match=r"there is no store 'sqlite:///other\.db'"):
        evaluate(parse([f"run={run_id}", "tracking.uri=sqlite:///other.db"], KNOWN))
    assert not (in_tmp_path / "other.db").exists()


@pytest.mark.slow
def test_a_run_with_plugins_is_evaluated_with_them(in_tmp_path: Path) -> None:
    parts = in_tmp_path / "parts.py"
    parts.write_text("\n\n".join(examples()))
    words = [
        "plugins=[parts.py]",
        "data={type: sine}",
        "loss=mse",
        "loss.type=log_cosh",
        "model.layers.a1.type=swish",
    ]
    run = Trained(in_tmp_path, runner.run([*words, "train.epochs=1"]).run_id)
    with pytest.raises(ConfigError, match=f"^plugins: the run names code, {parts}: it runs only if you say"):
        run.evaluate()
    found = run.evaluate("plugins=true")
    assert found["evaluate/sine/test/loss"] == pytest.approx(run.metrics()["test/loss"])
    parts.rename(in_tmp_path / "moved.py")
    with pytest.raises(ConfigError, match=f"plugins: there is no file '{parts}'"):
        run.evaluate("plugins=true")
    evaluate(parse([f"run={run.run_id}", "plugins=[moved.py]"], KNOWN))
    with pytest.raises(ConfigError, match=r"plugins: 'moved\.py' should be true or a list of files and"):
        run.evaluate("plugins=moved.py")


@pytest.mark.slow
def test_code_that_a_store_holds_is_not_run_unasked(in_tmp_path: Path) -> None:
    parts = in_tmp_path / "parts.py"
    parts.write_text(examples()[0])
    words = ["plugins=[parts.py]", "model.layers.a1.type=swish", "train.epochs=1"]
    run_id = runner.run(words).run_id
    trap = "import pathlib\npathlib.Path('trap').touch()\n" + examples()[0]
    parts.write_text(trap)
    for carried in (in_tmp_path / "outputs" / "mlartifacts").rglob("parts.py"):
        carried.write_text(trap)
    (in_tmp_path / "own.py").write_text(examples()[0])
    np.save("images.npy", np.zeros((2, 1, 8, 8), np.float32))
    files = ["input=images.npy", "output=said.csv"]
    for told in ([], ["plugins=false"]):
        with pytest.raises(ConfigError, match="runs only if you say so, with plugins=true"):
            evaluate(parse([f"run={run_id}", *told], KNOWN))
        with pytest.raises(ConfigError, match="runs only if you say so, with plugins=true"):
            predict(parse([f"run={run_id}", *files, *told], KNOWN_TO_PREDICT))
    evaluate(parse([f"run={run_id}", "plugins=[own.py]"], KNOWN))
    predict(parse([f"run={run_id}", *files, "plugins=[own.py]"], KNOWN_TO_PREDICT))
    assert not Path("trap").exists()
    predict(parse([f"run={run_id}", *files, "plugins=true"], KNOWN_TO_PREDICT))
    assert Path("trap").exists()


def test_data_and_plugins_of_ones_own_yaml_are_found(trained: Trained) -> None:
    own = trained.folder / "my_conf"
    (own / "data").mkdir(parents=True)
    (own / "data" / "few.yaml").write_text("type: few\n")
    (own / "few.py").write_text(
        "from runner.data.dataset import Dataset\nfrom runner.data.digits import Digits\n\n"
        "class Few:\n    task, in_shape, out_shape = 'classification', (1, 8, 8), (10,)\n\n"
        "    def load(self):\n        digits = Digits().load()\n"
        "        return Dataset(train=digits.train, test=digits.train.first(7))\n\n"
        "SOURCES = {'few': Few}\n"
    )
    for flag in (["--config-dir", str(own)], [f"--config-dir={own}"]):
        found = trained.evaluate("data=few", "plugins=[few.py]", *flag)
        assert found["evaluate/few/test/accuracy"] * 7 == pytest.approx(
            round(found["evaluate/few/test/accuracy"] * 7)
        )
    with pytest.raises(ConfigError, match=r"config_dir: '.*/nowhere' is not a folder"):
        trained.evaluate("data=few", "--config-dir", "nowhere")
    with pytest.raises(ConfigError, match="--config-dir: expected one argument"):
        trained.evaluate("--config-dir")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "run: missing, write run=…\n"),
        (
            ["run=nope", "--part=test"],
            2,
            "--part=test: unknown, arguments are key=value, --config-dir or --help\n",
        ),
        (["run=nope"], 1, "run: there is no run 'nope' in sqlite:"),
    ],
)
def test_exit_codes_are_the_runners(in_tmp_path: Path, words: list[str], code: int, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner.evaluate", *words],
        cwd=in_tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1
