"""``hydra/sweeper=optuna``: batches of trials, each chosen by what the ones before came to."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import pytest
import yaml
from hydra.core.utils import JobReturn

from runner.errors import ConfigError
from runner.process.signals import Terminated
from runner.sweep.points.space import Choice, Dimension, Interval, Range
from runner.sweep.record import JobResult, add_result
from tests.conftest import CommandLine
from tests.sweep.fake_launcher import FakeLauncher, FakeTrainer, Values, sweep, values_of

if TYPE_CHECKING:
    from optuna import Study

optuna = pytest.importorskip("optuna", reason="the extra [optuna] is not installed")

OPTUNA = "hydra/sweeper=optuna"
LR = "optim.lr=interval(0,1)"


def distance(values: Values) -> float:
    """How far ``optim.lr`` is from 0.3."""
    return abs(float(values["optim.lr"]) - 0.3)


def stored(folder: Path) -> tuple[str, str]:
    """The arguments for a study in a file."""
    return f"hydra.sweeper.storage=sqlite:///{folder}/new/optuna.db", "hydra.sweeper.study_name=rates"


def study_in(folder: Path) -> "Study":
    study: Study = optuna.load_study(study_name="rates", storage=f"sqlite:///{folder}/new/optuna.db")
    return study


def states(folder: Path) -> list[str]:
    return [trial.state.name for trial in study_in(folder).trials]


def test_trials_are_asked_for_in_batches_and_come_closer(tmp_path: Path) -> None:
    launcher = FakeLauncher(distance)
    sweep(tmp_path, launcher, OPTUNA, "hydra.sweeper.trials=40", LR, "train.epochs=2")
    assert [(first, len(batch)) for first, batch in launcher.batches] == [(0, 16), (16, 16), (32, 8)]
    means = [mean(distance(values_of(job)) for job in batch) for _, batch in launcher.batches]
    assert means[2] < means[0] / 2
    assert {job[1] for job in launcher.jobs} == {"train.epochs=2"}


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    launchers = [FakeLauncher(distance) for _ in range(3)]
    arguments = (OPTUNA, "hydra.sweeper.trials=14", "hydra.sweeper.batch_size=7", LR, "optim=sgd,momentum")
    for launcher, seed in zip(launchers, (0, 0, 1), strict=True):
        sweep(tmp_path, launcher, *arguments, f"hydra.sweeper.seed={seed}")
    assert launchers[0].jobs == launchers[1].jobs
    assert launchers[0].jobs != launchers[2].jobs


@pytest.mark.parametrize(
    ("dimension", "kind", "said"),
    [
        (Choice(("sgd", "momentum")), "Categorical", {"choices": ("sgd", "momentum")}),
        (Range((0, 3, 6, 9), 3), "Int", {"low": 0, "high": 9, "step": 3}),
        (Range((5, 4, 3), -1), "Int", {"low": 3, "high": 5, "step": 1}),
        (Range((0.1, 0.2, 0.30000000000000004), 0.1), "Float", {"low": 0.1, "high": 0.3, "step": 0.1}),
        (Interval(0.0, 1.0, integer=False, log=False), "Float", {"low": 0.0, "high": 1.0}),
        (Interval(1e-4, 1.0, integer=False, log=True), "Float", {"low": 1e-4, "high": 1.0, "log": True}),
        (Interval(1, 256, integer=True, log=True), "Int", {"low": 1, "high": 256, "log": True}),
    ],
    ids=str,
)
def test_each_kind_of_value_has_its_distribution(
    dimension: Dimension, kind: str, said: dict[str, object]
) -> None:
    from runner.sweep.optimize.parts import distribution

    assert distribution(dimension) == getattr(optuna.distributions, f"{kind}Distribution")(**said)


def test_values_are_typed_as_in_a_grid(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(
        tmp_path, launcher, OPTUNA, "hydra.sweeper.trials=30", "hydra.sweeper.sampler=random",
        "optim=sgd,momentum", "seed=range(0,10,3)", "optim.beta=range(0.1,0.35,0.1)",
        "train.epochs=int(interval(1,3))", "train.batch_size=4",
    )  # fmt: skip
    assert [set(typed) for typed in zip(*launcher.jobs, strict=True)] == [
        {"optim=sgd", "optim=momentum"},
        {"seed=0", "seed=3", "seed=6", "seed=9"},
        {f"optim.beta={beta}" for beta in (0.1, 0.2, 0.30000000000000004)},
        {"train.epochs=1", "train.epochs=2", "train.epochs=3"},
        {"train.batch_size=4"},
    ]


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "nsgaii", "nsgaiii", "qmc"])
def test_samplers_go_by_name(tmp_path: Path, sampler: str) -> None:
    launcher = FakeLauncher(distance)
    sweep(
        tmp_path, launcher, OPTUNA, f"hydra.sweeper.sampler={sampler}", "hydra.sweeper.trials=4", LR,
        "optim=sgd,momentum",
    )  # fmt: skip
    assert len({job[0] for job in launcher.jobs}) == 4


def test_samplers_that_learn_nothing_are_asked_for_all_at_once(tmp_path: Path) -> None:
    launcher = FakeLauncher(distance)
    sweep(tmp_path, launcher, OPTUNA, "hydra.sweeper.sampler={type: qmc, qmc_type: halton}", LR)
    assert [len(batch) for _, batch in launcher.batches] == [64]


def test_the_best_trial_is_written_down_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launcher = FakeLauncher(lambda values: math.nan if values["seed"] == "0" else float(values["seed"]))
    sweep(
        tmp_path, launcher, OPTUNA, "objective=test/accuracy", "hydra.sweeper.sampler=random",
        "seed=range(4)", "hydra.sweeper.trials=20",
    )  # fmt: skip
    told = yaml.safe_load((tmp_path / "optimization.yaml").read_text())
    assert told["objectives"] == {"test/accuracy": "maximize"}
    assert told["trials"] == {
        "complete": 20 - told["trials"]["fail"],
        "pruned": 0,
        "fail": told["trials"]["fail"],
    }
    assert told["trials"]["fail"] > 0
    (best,) = told["best"]
    assert best["values"] == {"test/accuracy": 3.0}
    assert best["params"] == {"seed": 3}
    assert best["overrides"] == ["objective=test/accuracy", "seed=3"]
    line = capsys.readouterr().out.splitlines()[-1]
    assert (
        line
        == f"best trial            {best['trial']} of 20: test/accuracy 3: objective=test/accuracy seed=3"
    )


def test_a_direction_may_be_given(tmp_path: Path) -> None:
    launcher = FakeLauncher(lambda values: float(values["seed"]))
    sweep(
        tmp_path, launcher, OPTUNA, "seed=0,1", "hydra.sweeper.trials=9", "hydra.sweeper.direction=maximize"
    )
    told = yaml.safe_load((tmp_path / "optimization.yaml").read_text())
    assert told["objectives"] == {"test/loss": "maximize"}
    assert told["best"][0]["params"] == {"seed": "1"}


def test_where_every_trial_fails_there_is_no_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(tmp_path, FakeLauncher(lambda _: math.nan), OPTUNA, LR, "hydra.sweeper.trials=3")
    assert yaml.safe_load((tmp_path / "optimization.yaml").read_text())["best"] == []
    assert capsys.readouterr().out == "best trial            none: no trial came to its end\n"


def test_a_stored_study_is_continued_by_its_name(tmp_path: Path) -> None:
    arguments = (OPTUNA, LR, "hydra.sweeper.sampler=random", *stored(tmp_path))
    first = FakeLauncher(distance)
    sweep(tmp_path / "a", first, *arguments, "hydra.sweeper.trials=4")
    second = FakeLauncher(distance)
    sweep(tmp_path / "b", second, *arguments, "hydra.sweeper.trials=6")
    assert [(start, len(batch)) for start, batch in second.batches] == [(0, 2)]
    values = [trial.params["optim.lr"] for trial in study_in(tmp_path).trials]
    assert len(set(values)) == 6, "the same seed does not draw the same again"
    third = FakeLauncher(distance)
    sweep(tmp_path / "c", third, *arguments, "hydra.sweeper.trials=6")
    assert not third.batches
    assert (tmp_path / "c" / "optimization.yaml").exists()


def test_trials_that_failed_or_were_left_running_are_had_again(tmp_path: Path) -> None:
    arguments = (OPTUNA, LR, "hydra.sweeper.trials=4", *stored(tmp_path))
    outcomes = iter([0.1, math.nan, 0.1, math.nan])
    sweep(tmp_path / "a", FakeLauncher(lambda _: next(outcomes)), *arguments)
    study_in(tmp_path).ask()  # and the process is killed
    again = FakeLauncher(distance)
    sweep(tmp_path / "b", again, *arguments)
    assert len(again.jobs) == 2
    assert states(tmp_path) == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "FAIL", "COMPLETE", "COMPLETE"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Terminated()], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_sweep_leaves_no_trial_running(tmp_path: Path, stop: BaseException) -> None:
    class Stopped(FakeLauncher):
        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
            if initial_job_idx:
                raise stop
            return super().launch(job_overrides, initial_job_idx)

    with pytest.raises(type(stop)):
        sweep(
            tmp_path, Stopped(distance), OPTUNA, LR, "hydra.sweeper.trials=6", "hydra.sweeper.batch_size=2",
            *stored(tmp_path),
        )  # fmt: skip
    assert states(tmp_path) == ["COMPLETE"] * 2 + ["FAIL"] * 2


def test_a_dry_run_asks_for_one_batch_and_leaves_no_trace(tmp_path: Path) -> None:
    launcher = FakeLauncher(lambda _: pytest.fail("trained"))
    launcher.run = lambda job, values: math.nan  # type: ignore[method-assign]
    sweep(tmp_path, launcher, OPTUNA, LR, "sweep.dry_run=true", *stored(tmp_path))
    assert [len(batch) for _, batch in launcher.batches] == [16]
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "optimization.yaml").exists()


def test_trials_that_fall_behind_are_pruned(tmp_path: Path) -> None:
    trainer = FakeTrainer(distance)
    sweep(
        tmp_path, trainer, OPTUNA, LR, "hydra.sweeper.trials=20", "hydra.sweeper.batch_size=10",
        "hydra.sweeper.pruner={type: median, n_startup_trials: 4}",
    )  # fmt: skip
    pruned = [job for job, epochs in trainer.trained.items() if epochs == 1]
    kept = [job for job, epochs in trainer.trained.items() if epochs == trainer.epochs]
    assert pruned
    assert len(pruned) + len(kept) == 20
    far = {job: distance(values_of(overrides)) for job, overrides in enumerate(trainer.jobs)}
    assert mean(far[job] for job in pruned) > mean(far[job] for job in kept)
    told = yaml.safe_load((tmp_path / "optimization.yaml").read_text())
    assert told["trials"] == {"complete": len(kept), "pruned": len(pruned), "fail": 0}


@pytest.mark.parametrize(
    "pruner",
    ["median", "hyperband", "successive_halving", "{type: percentile, percentile: 25}",
     "{type: threshold, upper: 0.2}", "{type: patient, wrapped_pruner: median, patience: 1}"],
)  # fmt: skip
def test_pruners_go_by_name(tmp_path: Path, pruner: str) -> None:
    trainer = FakeTrainer(distance)
    sweep(tmp_path, trainer, OPTUNA, LR, "hydra.sweeper.trials=8", f"hydra.sweeper.pruner={pruner}")
    assert len(trainer.trained) == 8


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("name", ["median", "hyperband", "successive_halving"])
def test_default_pruners_prune_the_same_trials_as_plain_optuna(
    tmp_path: Path, name: str, sampler: str
) -> None:
    """Jobs that run one after another know of those before them, whatever batch they were asked for in."""
    trainer = FakeTrainer(distance)
    arguments = (
        f"hydra.sweeper.pruner={name}",
        f"hydra.sweeper.sampler={sampler}",
        "hydra.sweeper.trials=30",
    )
    sweep(tmp_path, trainer, OPTUNA, LR, *arguments, *stored(tmp_path))
    from runner.sweep.optimize.parts import make_pruner

    plain = optuna.create_study(study_name="rates", pruner=make_pruner(name))
    for overrides in trainer.jobs:  # the values that the sampler has chosen
        value = distance(values_of(overrides))
        plain.enqueue_trial({"optim.lr": float(values_of(overrides)["optim.lr"])})
        trial = plain.ask({"optim.lr": optuna.distributions.FloatDistribution(0.0, 1.0)})
        for epoch in range(1, trainer.epochs + 1):
            trial.report(value, epoch)
            if trial.should_prune():
                plain.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            plain.tell(trial, value)
    assert states(tmp_path) == [trial.state.name for trial in plain.trials]
    assert "PRUNED" in states(tmp_path)


def test_a_pruner_begins_with_a_few_trials_that_others_are_held_against(tmp_path: Path) -> None:
    trainer = FakeTrainer(distance)
    sweep(tmp_path, trainer, OPTUNA, LR, "hydra.sweeper.trials=40", "hydra.sweeper.pruner=median")
    assert [len(batch) for _, batch in trainer.batches] == [5, 16, 16, 3]


class Recorder(FakeLauncher):
    """Leaves two metrics that can't both be had, as jobs leave them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, job: int, values: Values) -> float:
        """Run a job; those with a large rate fail."""
        lr = float(values["optim.lr"])
        if lr > 0.7:
            add_result(self.folder, JobResult(job, [], "FAILED", "diverged"))
            return math.nan
        metrics = {"test/loss": lr, "test/accuracy": lr}
        add_result(self.folder, JobResult(job, [], "FINISHED", objective=lr, metrics=metrics))
        return lr


def test_several_objectives_end_in_a_pareto_front(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(
        tmp_path, Recorder(tmp_path), OPTUNA, LR, "hydra.sweeper.trials=12",
        "hydra.sweeper.objectives=[test/loss,test/accuracy]",
    )  # fmt: skip
    told = yaml.safe_load((tmp_path / "optimization.yaml").read_text())
    assert told["objectives"] == {"test/loss": "minimize", "test/accuracy": "maximize"}
    assert told["trials"]["fail"] > 0
    assert len(told["best"]) == told["trials"]["complete"], "less of one is less of the other"
    for best in told["best"]:
        assert best["values"]["test/loss"] == best["params"]["optim.lr"]
    assert "12 that none beats in all" in capsys.readouterr().out


def test_an_objective_that_no_job_has_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        sweep(
            tmp_path, Recorder(tmp_path), OPTUNA, LR, "hydra.sweeper.trials=4",
            "hydra.sweeper.objectives=[test/loss,test/acuracy]",
        )  # fmt: skip
    assert str(error.value) == (
        "hydra.sweeper.objectives: unknown 'test/acuracy'. Did you mean 'test/accuracy'? "
        "Known: test/accuracy, test/loss"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["hydra.sweeper.sampler=tpee"],
         "hydra.sweeper.sampler: unknown 'tpee'. Did you mean 'tpe'? "
         "Known: cmaes, gp, nsgaii, nsgaiii, qmc, random, tpe"),
        (["hydra.sweeper.sampler={type: tpe, n_startup_trails: 3}"],
         "hydra.sweeper.sampler.n_startup_trails: unknown key 'n_startup_trails'. "
         "Did you mean 'n_startup_trials'? Known: "),
        (["hydra.sweeper.sampler={type: tpe, n_startup_trials: few}"],
         "hydra.sweeper.sampler.n_startup_trials: 'few' should be a number"),
        (["hydra.sweeper.sampler={n_startup_trials: 3}"],
         "hydra.sweeper.sampler: {'n_startup_trials': 3} should be a name or {type: <name>, …}"),
        (["hydra.sweeper.sampler={type: qmc, qmc_type: x}"], "hydra.sweeper.sampler: "),
        (["hydra.sweeper.pruner=medium"], "hydra.sweeper.pruner: unknown 'medium'. Did you mean 'median'? "),
        (["hydra.sweeper.pruner=percentile"],
         "hydra.sweeper.pruner.percentile: missing, percentile needs it"),
        (["hydra.sweeper.pruner=median"],
         "hydra.sweeper.pruner: median needs a launcher that tells of each epoch, "
         "which FakeLauncher does not"),
        (["hydra.sweeper.pruner=median", "hydra.sweeper.objectives=[test/loss,test/accuracy]"],
         "hydra.sweeper.pruner: median goes by the config's objective: hydra.sweeper.objectives has others"),
        (["hydra.sweeper.direction=down"],
         "hydra.sweeper.direction: unknown 'down'. Known: maximize, minimize"),
        (["hydra.sweeper.direction=[minimize,maximize]"],
         "hydra.sweeper.direction: 2 for 1 objectives (test/loss)"),
        (["hydra.sweeper.trials=0"], "hydra.sweeper.trials: 0 should be 1 or more"),
        (["hydra.sweeper.storage=sqlite:///x.db"],
         "hydra.sweeper.study_name: missing: it is how a stored study is found again"),
        (["hydra.sweeper.storage=nowhere://x", "hydra.sweeper.study_name=x"],
         "hydra.sweeper.storage: 'nowhere://x': "),
        (["objective=test/loss,test/accuracy"],
         "objective: cannot be swept here: a study's trials are all held to the same"),
        (["data=digits,iris"],
         "data: cannot be swept here: a study's trials are all held to the same data set"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_told_before_any_job_starts(tmp_path: Path, arguments: list[str], told: str) -> None:
    launcher = FakeLauncher(distance)
    with pytest.raises(ConfigError) as error:
        sweep(tmp_path, launcher, OPTUNA, LR, *arguments)
    assert str(error.value).startswith(told)
    assert "\n" not in str(error.value)
    assert not launcher.batches


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["optim=sgd,momentum", "objective=test/accuracy"], "hydra.sweeper.objectives: "),
        (["optim=momentum,sgd"], "optim: "),
        (["hydra.sweeper.direction=maximize", "optim=sgd,momentum"], "hydra.sweeper.objectives: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_another_search_does_not_continue_a_study(tmp_path: Path, changed: list[str], told: str) -> None:
    arguments = (OPTUNA, "hydra.sweeper.trials=1", *stored(tmp_path))
    sweep(tmp_path, FakeLauncher(), *arguments, "optim=sgd,momentum")
    with pytest.raises(ConfigError, match=r"Another .* starts a new one") as error:
        sweep(tmp_path, FakeLauncher(), *arguments, *changed)
    assert str(error.value).startswith(told)


def test_a_missing_package_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "runner.sweep.optimize.run", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"in the runner's checkout: pip install -e '\.\[optuna\]'"):
        sweep(tmp_path, FakeLauncher(), OPTUNA, LR)


@pytest.mark.slow
def test_the_command_line_trains_what_a_study_asks_for(in_tmp_path: Path, command_line: CommandLine) -> None:
    done = command_line(
        "-m", OPTUNA, "hydra.sweeper.trials=3", "hydra.sweeper.batch_size=2", "train.epochs=1",
        "optim.lr=tag(log,interval(1e-2,1))", "hydra.sweeper.objectives=[test/loss,test/accuracy]",
        "hydra.sweeper.storage=sqlite:///outputs/optuna.db", "hydra.sweeper.study_name=rates",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "of 3 that none beats in all: outputs/sweeps/" in done.stdout
    study = optuna.load_study(study_name="rates", storage=f"sqlite:///{in_tmp_path}/outputs/optuna.db")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
    assert all(0 < accuracy <= 1 for _, accuracy in (trial.values for trial in study.trials))
