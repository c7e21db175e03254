"""What a plugin's parts give is checked where they are called: a wrong answer is a line for their author."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.commands.evaluate import main as evaluate
from runner.commands.export import main as export
from runner.commands.predict import main as predict
from runner.errors import ConfigError, RunnerError
from runner.plugins.load import load
from runner.sweep.blocks import train_block
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.trial import CannotTrainError, trial
from runner.sweep.planning.way import Way
from tests.conftest import client_of, runs_in
from tests.sweep.composed import Heard, data_of, jobs_of

HEAD = """
from dataclasses import dataclass

import numpy as np
import torch

from runner.data.dataset import Dataset, Split
"""
LAYER = """
class Own:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        {}

LAYERS = {{"own": Own}}
"""
INITIALIZER = """
class Own:
    def weight(self, W, fans, generator):
        {}

    def bias(self, b, fans, generator):
        b.zero_()

INITIALIZERS = {{"own": Own}}
"""
LOSS = """
class Own:
    tasks = ("classification",)

    def __call__(self, prediction, target):
        {}

LOSSES = {{"own": Own}}
"""
METRIC = """
class Own:
    tasks, name = ("regression",), "own"

    def __call__(self, prediction, target):
        {}

METRICS = {{"own": Own}}
"""
RULE = """
@dataclass(frozen=True, kw_only=True)
class Own:
    lr: float = 0.1

    def init(self, params):
        {}

    def step(self, params, grads, state, lr):
        {}

RULES = {{"own": Own}}
"""
SCHEDULE = """
class Own:
    per_step = False

    def factor(self, moment):
        {}

SCHEDULES = {{"own": Own}}
"""
SOURCE = """
class Own:
    task, in_shape, out_shape = "regression", (2,), (1,)

    def load(self):
        x = torch.arange(40.0).reshape(20, 2)
        y = x.sum(1, keepdim=True)
        {}

SOURCES = {{"own": Own}}
"""

IN_LAYER = ("model=mlp", "model.layers.a1.type=own", "data=iris")
IN_INIT = ("model=mlp", "model.layers.l1.init.type=own", "data=iris")
IN_LOSS = ("model=mlp", "loss=own", "loss.type=own", "data=iris")
IN_METRIC = ("train.metrics=[own]", "data=linear", "loss=mse", "model=linear")
IN_RULE = ("optim=own", "optim.type=own", "data=iris", "model=linear")
IN_SCHEDULE = ("schedule=own", "schedule.type=own", "data=iris", "model=linear")
IN_SOURCE = ("data=own", "data.type=own", "loss=mse", "model=linear")
GOOD = "return Dataset(train=Split(x, y), test=Split(x, y))"


@dataclass(frozen=True)
class Case:
    """A part with a line of its own, the words that use it, its place in the config, and the message."""

    text: str
    words: tuple[str, ...]
    place: str
    told: str


def layer(line: str, told: str) -> Case:
    return Case(LAYER.format(line), IN_LAYER, "model.layers.a1", told)


def loss(line: str, told: str) -> Case:
    return Case(LOSS.format(line), IN_LOSS, "loss", told)


def metric(line: str, told: str) -> Case:
    return Case(METRIC.format(line), IN_METRIC, "train.metrics", told)


def schedule(line: str, told: str) -> Case:
    return Case(SCHEDULE.format(line), IN_SCHEDULE, "schedule", told)


def source(line: str, told: str) -> Case:
    return Case(SOURCE.format(line), IN_SOURCE, "data", told)


def rule(init: str, step: str, told: str) -> Case:
    return Case(RULE.format(init, step), IN_RULE, "optim", told)


def initializer(line: str, told: str) -> Case:
    return Case(INITIALIZER.format(line), IN_INIT, "model.layers.l1.init", told)


WRONG = {
    "a layer without return": layer("pass", "forward gives None for [20, 128], should give [20, 128] by its"),
    "a layer's tuple": layer("return x, x", "forward gives a tuple for [20, 128]"),
    "a layer's array": layer("return x.detach().numpy()", "forward gives a ndarray for [20, 128]"),
    "a layer of other width": layer(
        "return x[:, :3]", "forward gives a tensor [20, 3] for [20, 128], should"
    ),
    "a layer of other length": layer("return x.mean(0, keepdim=True)", "forward gives a tensor [1, 128] for"),
    "a layer of doubles": layer(
        "return x.double()", "forward gives float64 for float32, should give float32"
    ),
    "a loss a sample": loss("return prediction.sum(1)", "__call__ gives a tensor [20], should give a scalar"),
    "a loss that is a number": loss("return prediction.mean().item()", "__call__ gives 0"),
    "a loss that is none": loss("prediction.mean()", "__call__ gives None, should give a scalar tensor"),
    "a loss of numpy": loss(
        "return torch.tensor(prediction.detach().numpy().mean())", "__call__ gives a value with"
    ),
    "a loss without gradient": loss(
        "return prediction.detach().mean()", "__call__ gives a value without gradient"
    ),
    "a loss that counts": loss(
        "return (prediction.argmax(1) == target).sum()", "__call__ gives a tensor [], should"
    ),
    "a metric an output": metric(
        "return (prediction - target).repeat(1, 2).mean(0)", "__call__ gives a tensor [2],"
    ),
    "a metric's text": metric("return 'good'", "__call__ gives 'good', should give one number"),
    "a metric that is none": metric("pass", "__call__ gives None, should give one number"),
    "a rule without state": rule("pass", "pass", "init gives None, should give a dict of tensors"),
    "a rule that counts": rule(
        "return {'t': 0}", "state['t'] += 1", "init gives 0 as 't', should give tensors"
    ),
    "a rule that gives": rule("return {}", "return params - lr * grads", "step gives a tensor ["),
    "a rule of pairs": rule(
        "return {}", "return params - lr * grads, state", "step gives a tuple, should change"
    ),
    "a schedule's text": schedule("return '1'", "factor gives '1', should give a finite number"),
    "a schedule that is none": schedule("pass", "factor gives None, should give a finite number"),
    "a schedule of nothing": schedule("return float('nan')", "factor gives nan, should give a finite number"),
    "a source's tuple": source("return x, y", "load gives a tuple, should give a Dataset(train="),
    "a source that is none": source("pass", "load gives None, should give a Dataset("),
    "a source of pairs": source(
        "return Dataset(train=(x, y), test=(x, y))", "load gives a train part that is a tuple,"
    ),
    "a source without test": source(
        "return Dataset(train=Split(x, y), test=None)", "load gives a test part that is N"
    ),
    "a source of arrays": source(
        "return Dataset(train=Split(x.numpy(), y.numpy()), test=None)",
        "load gives a train part whose samples are a ndarray, should be a tensor",
    ),
    "a source of other inputs": source(
        "return Dataset(train=Split(x, y), test=Split(x[:, :1], y))",
        "load gives a test part in which the inputs are [1], not [2]",
    ),
    "a source of fewer targets": source(
        "return Dataset(train=Split(x, y[:5]), test=Split(x, y))",
        "load gives a train part in which there are 20 inputs, but 5 targets",
    ),
    "a source of nothing": source(
        "return Dataset(train=Split(x[:0], y[:0]), test=Split(x, y))",
        "load gives a train part in which nothing is there",
    ),
    "a source of no numbers": source(
        "return Dataset(train=Split(x, y / 0), test=Split(x, y))",
        "load gives a train part in which the target of sample 0 is not finite",
    ),
    "a source of flat targets": source(
        "return Dataset(train=Split(x, y[:, 0]), test=Split(x, y))",
        "load gives a train part whose targets [20] are of classification, its task is regression",
    ),
    "a source of wide targets": source(
        "return Dataset(train=Split(x, x), test=Split(x, y))",
        "load gives a train part whose targets are [2] a sample, should be [1]",
    ),
    "an initialiser that gives": initializer(
        "return torch.randn(W.shape)", "weight gives a tensor [4, 128], should write its values into"
    ),
    "an initialiser of nothing": initializer(
        "W.fill_(float('inf'))", "weight leaves values that are no finite"
    ),
    "a layer that raises": layer(
        "return x + torch.zeros(7)", "RuntimeError: The size of tensor a (128) must match"
    ),
    "a loss that raises": loss("return {}[1]", "KeyError: 1"),
    "a metric that raises": metric(
        "return prediction + torch.zeros(7, 7, 7)", "RuntimeError: The size of tensor"
    ),
    "a rule that raises": rule("return {}", "params.add_(torch.zeros(7))", "RuntimeError: The size of"),
    "a rule that raises at first": rule("return {'a': params[1, 2]}", "pass", "IndexError: "),
    "a schedule that raises": schedule(
        "return moment.nothing", "AttributeError: 'Moment' object has no attribute"
    ),
    "a source that raises": source("return Dataset(train=Split(x, y))", "TypeError: "),
    "an initialiser that raises": initializer("W.copy_(torch.zeros(7))", "RuntimeError: "),
}
QUICK = ("train.epochs=1", "train.batch_size=20", "tracking.log_model=false", "tracking.pictures=false")


def written(case: Case, folder: Path) -> tuple[str, int]:
    """The plugin's file, and the line of it that is wrong."""
    file, wrong = folder / "parts.py", case.text.splitlines()
    file.write_text(HEAD + case.text)
    good = (LAYER, INITIALIZER, LOSS, METRIC, RULE, SCHEDULE, SOURCE)
    known = {line for text in good for line in text.replace("{{", "{").replace("}}", "}").splitlines()}
    found = [number for number, line in enumerate(wrong, HEAD.count("\n") + 1) if line not in known]
    return str(file), found[-1] if case.told.startswith("step") or "add_" in case.text else found[0]


QUICKLY = {
    "a layer of other width", "a loss that is none", "a metric an output", "a rule that gives",
    "a source's tuple", "a schedule that is none", "a source of flat targets", "an initialiser that gives",
    "a metric that raises",
}  # fmt: skip


@pytest.mark.parametrize(
    "what", [each if each in QUICKLY else pytest.param(each, marks=pytest.mark.slow) for each in WRONG]
)
def test_a_wrong_answer_is_one_line_with_part_file_and_line(what: str, in_tmp_path: Path) -> None:
    case = WRONG[what]
    file, line = written(case, in_tmp_path)
    with pytest.raises(RunnerError) as error:
        runner.run([*QUICK, f"plugins=[{file}]", *case.words])
    assert str(error.value).startswith(f"{case.place} (own of {file}), line {line}: {case.told}")
    assert len(str(error.value).splitlines()) == 1
    (run,) = runs_in(in_tmp_path)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", str(error.value))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("what", ["a layer of other width", "a loss a sample", "a metric an output"])
def test_in_a_sweep_each_job_says_so_alone_and_in_a_stack(what: str, count: int, in_tmp_path: Path) -> None:
    case = WRONG[what]
    file, line = written(case, in_tmp_path)
    common = " ".join([*QUICK, f"plugins=[{file}]", *case.words])
    jobs = jobs_of(["seed=1", "seed=2"][:count], common, in_tmp_path / "sweep")
    heard = Heard()
    train_block(jobs, data_of(jobs[0]), heard.progress(), Stop())
    told = f"{case.place} (own of {file}), line {line}: {case.told}"
    assert len(heard.results) == count
    assert all(str(result.reason).startswith(told) for result in heard.results.values())


BROKEN = """
class Own:
    wrong = False

    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        return x

LAYERS = {"own": Own}
"""


def test_commands_that_take_a_trained_model_say_so(
    in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a model whose file was edited after the run: its layer is wrong then."""
    parts = in_tmp_path / "parts.py"
    parts.write_text(HEAD + BROKEN)
    result = runner.run([*QUICK, "tracking.log_model=true", f"plugins=[{parts}]", *IN_LAYER])
    np.save(in_tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    for stored in (in_tmp_path / "outputs" / "mlartifacts").rglob("parts.py"):
        stored.write_text(stored.read_text().replace("return x", "return x[:, 1:]"))
    line = (HEAD + BROKEN).splitlines().index("        return x") + 1
    told = f"model.layers.a1 (own of plugins/0/parts.py), line {line} of parts.py: forward gives a tensor ["
    run, allowed = f"run={result.run_id}", "plugins=true"
    capsys.readouterr()
    for command, words in (
        (predict, ("input=x.npy", "output=y.csv")),
        (evaluate, ()),
        (export, ("format=onnx", "output=m.onnx")),
    ):
        assert command([run, allowed, *words]) == 1
        errors = capsys.readouterr().err
        assert errors.startswith(told)
        assert len(errors.splitlines()) == 1


RIGHT = {
    "a metric's own number": ("mean", "return float((prediction - target).abs().mean())"),
    "a metric of numpy": ("mean", "return np.abs(prediction.numpy() - target.numpy()).mean()"),
    "a metric of one element": ("mean", "return (prediction - target).abs().mean().reshape(1, 1)"),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_metric_may_give_any_number(what: str, in_tmp_path: Path) -> None:
    _, line = RIGHT[what]
    parts = in_tmp_path / "parts.py"
    parts.write_text(HEAD + METRIC.format(line))
    words = [word for word in IN_METRIC if not word.startswith("train.metrics")]
    result = runner.run([*QUICK, f"plugins=[{parts}]", *words, "train.metrics=[own,mae]"])
    measured = result.epochs[-1].metrics
    assert measured["test/own"] == pytest.approx(measured["test/mae"], rel=1e-6)


MADE = """
class Loss:
    def __init__(self):
        self.tasks, self.link = ("regression",), "identity"

    def __call__(self, prediction, target):
        return ((prediction - target) ** 2).mean()


class Metric:
    def __init__(self, *, power: int = 1):
        self.tasks = ("regression",)
        self.name, self.smaller_is_better = f"power_{power}", True
        self.power = power

    def __call__(self, prediction, target):
        return ((prediction - target).abs() ** self.power).mean()


class Rule:
    def __init__(self, *, rate: float = 0.1):
        self._set(rate)

    def _set(self, rate):
        self.lr = rate

    def init(self, params):
        return {}

    def step(self, params, grads, state, lr):
        params.sub_(lr * grads)


class Schedule:
    def __init__(self):
        self.per_step = False

    def factor(self, moment):
        return torch.tensor(0.5)


class Source:
    def __init__(self, *, size: int = 2):
        self.task, self.in_shape, self.out_shape = "regression", (size,), (1,)

    def load(self):
        x = torch.linspace(0, 1, 20 * self.in_shape[0]).reshape(20, -1)
        y = x.sum(1, keepdim=True)
        return Dataset(train=Split(x, y), test=Split(x, y))


LOSSES, METRICS, RULES = {"own": Loss}, {"own": Metric}, {"own": Rule}
SCHEDULES, SOURCES = {"own": Schedule}, {"own": Source}
"""
ALL = (
    "plugins=[./parts.py]", "data=own", "data.type=own", "+data.size=3", "loss=own", "loss.type=own",
    "train.metrics=[{type: own, power: 1}]", "objective=test/power_1", "optim=own", "optim.type=own",
    "+optim.rate=0.2", "schedule=own", "schedule.type=own", "model=linear",
)  # fmt: skip


def test_attributes_that_are_set_when_a_part_is_made_count(in_tmp_path: Path) -> None:
    (in_tmp_path / "parts.py").write_text(HEAD + MADE)
    metrics = runner.run([*QUICK, *ALL]).epochs[-1].metrics
    assert metrics["lr"] == pytest.approx(0.2 * 0.5)
    assert metrics["test/power_1"] > 0
    with pytest.raises(ConfigError, match=r"loss\.type: 'own' is for regression, but data\.type 'iris'"):
        runner.run([*QUICK, ALL[0], "data=iris", "loss=own", "loss.type=own"])
    with pytest.raises(ConfigError, match=r"train\.metrics: unknown for classification 'own'"):
        runner.run([*QUICK, ALL[0], "data=iris", "train.metrics=[own]"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            '("regression",), "identity"',
            '"regression", "identity"',
            r"loss: Loss .* has 'regression' as tasks, which ",
        ),
        (
            '("regression",), "identity"',
            '("regression",), "logit"',
            r"loss: Loss .* has 'logit' as link, which ",
        ),
        ("self.power = power", "del self.tasks", r"train\.metrics\.0: Metric .* sets no tasks"),
        ("self.lr = rate", "self.lr = str(rate)", r"optim: Rule .* has '0\.2' as lr, which "),
        ("self.per_step = False", "self.per_step = 0", r"schedule: Schedule .* has 0 as per_step, which "),
        ("(size,), (1,)", "[size], (1,)", r"data: Source .* has \[3\] as in_shape, which "),
        ("(size,), (1,)", "(size,), 1", r"data: Source .* has 1 as out_shape, which "),
        ('= "regression", (size', '= "guess", (size', r"data: Source .* has 'guess' as task, which "),
    ],
)
def test_attributes_of_another_type_are_found_before_anything_runs(
    old: str, new: str, told: str, in_tmp_path: Path
) -> None:
    assert old in MADE
    (in_tmp_path / "parts.py").write_text(HEAD + MADE.replace(old, new).replace("self.name}", "name}"))
    with pytest.raises(ConfigError, match=told) as error:
        runner.run([*QUICK, *ALL])
    assert rf"of {in_tmp_path}/parts.py" in str(error.value)
    assert client_of(in_tmp_path).get_experiment_by_name("runner") is None


def test_a_class_whose_base_is_another_part_is_held_to_its_own_shape(in_tmp_path: Path) -> None:
    text = LAYER.format("return x") + (
        "\nclass Twice(Own):\n    def __init__(self, scope, in_shape):\n"
        "        super().__init__(scope, in_shape)\n        self.out_shape = (2 * in_shape[0],)\n\n"
        "    def forward(self, store, x):\n        return torch.cat([super().forward(store, x)] * 2, 1)\n\n"
        'LAYERS["twice"] = Twice\n'
    )
    (in_tmp_path / "parts.py").write_text(HEAD + text)
    words = ("plugins=[./parts.py]", "model=mlp", "model.layers.a1.type=twice", "data=iris")
    assert runner.run([*QUICK, *words]).epochs


def test_a_module_that_is_named_twice_is_checked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_schedule_module.py").write_text(SCHEDULE.format("return 1"))
    monkeypatch.syspath_prepend(tmp_path)
    one, other = (load("my_schedule_module").tables["SCHEDULES"]["own"] for _ in range(2))
    assert one.factor is other.factor
    assert one().factor(None) == 1


def test_a_metric_that_is_no_number_is_no_reason_to_give_a_whole_sweep_up(in_tmp_path: Path) -> None:
    case = WRONG["a metric an output"]
    file, _ = written(case, in_tmp_path)
    common = " ".join([*QUICK, f"plugins=[{file}]", *case.words])
    jobs = jobs_of(["seed=1", "seed=2"], common, in_tmp_path / "sweep")
    with pytest.raises(CannotTrainError, match="should give one number"):
        trial(jobs, data_of(jobs[0]), Way(1, 1, 1), Stop())
