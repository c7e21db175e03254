"""``hydra/sweeper=grid``: Hydra's own sweeper with keys that vary together."""

from pathlib import Path

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, LauncherTestSuite
from omegaconf import OmegaConf

from runner.errors import ConfigError
from tests.conftest import CommandLine
from tests.sweep.fake_launcher import FakeLauncher, sweep

as_an_old_program = pytest.mark.filterwarnings("ignore:Future Hydra versions:UserWarning")


@as_an_old_program
@pytest.mark.usefixtures("version_1_1")
@pytest.mark.parametrize(("launcher_name", "overrides"), [("basic", ["hydra/sweeper=grid"])])
class TestAsHydrasLaunchersWantIt(LauncherTestSuite):
    pass


@as_an_old_program
@pytest.mark.usefixtures("version_1_1")
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("basic", ["hydra/sweeper=grid", "hydra.sweeper.max_batch_size=2"])]
)
class TestInBatches(BatchedSweeperTestSuite):
    pass


def basic(*arguments: str) -> list[list[str]]:
    overrides = OverridesParser.create().parse_overrides(list(arguments))
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return batch


@pytest.mark.parametrize(
    "arguments",
    [
        ["optim=sgd,momentum", "seed=0,1,2", "train.epochs=2"],
        ["seed=range(3)", "optim.lr=range(0.1,0.4,0.1)"],
        ["optim.lr=1e-3,0.10,1", "+model.layers.l1.bias=true,false"],
        ["seed=0,1", "optim.lr=0.1", "seed=3,4"],
        ["seed=choice(3,1,2)", "optim.lr=sort(0.3,0.1)"],
        ["train={epochs:1,batch_size:2},{epochs:3}", "data.root='a b',null"],
        ["seed=1"],
        [],
    ],
    ids=" ".join,
)
def test_jobs_are_those_of_hydras_own_sweeper(tmp_path: Path, arguments: list[str]) -> None:
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, *arguments)
    assert launcher.jobs == basic(*arguments)


def test_groups_are_chosen_by_pattern(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, "optim=glob(ada*)")
    assert launcher.jobs == [["optim=adagrad"], ["optim=adam"], ["optim=adamw"]]


def test_a_batch_has_no_more_jobs_than_allowed(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, "hydra.sweeper.max_batch_size=2", "seed=range(5)")
    assert [(first, len(batch)) for first, batch in launcher.batches] == [(0, 2), (2, 2), (4, 1)]


def test_params_in_yaml_are_swept_unless_the_command_line_says_otherwise(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, "+hydra.sweeper.params={optim.lr:'0.1,0.2',seed:'0,1'}", "seed=7")
    assert launcher.jobs == [["optim.lr=0.1", "seed=7"], ["optim.lr=0.2", "seed=7"]]


def test_the_folder_tells_what_was_swept(tmp_path: Path) -> None:
    sweep(tmp_path / "new", FakeLauncher(), "optim.lr=0.1,0.2", "seed=0")
    record = OmegaConf.load(tmp_path / "new" / "multirun.yaml")
    assert record.hydra.overrides.task == ["optim.lr=0.1,0.2", "seed=0"]


def test_zipped_keys_vary_pairwise_and_cross_with_the_rest(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(
        tmp_path, launcher, "sweep.zip=[optim.beta,optim.lr]",
        "optim=momentum", "optim.lr=0.1,0.2", "seed=0,1", "optim.beta=0.8,0.9",
    )  # fmt: skip
    assert [" ".join(job[2:]) for job in launcher.jobs] == [
        "optim.lr=0.1 seed=0 optim.beta=0.8",
        "optim.lr=0.1 seed=1 optim.beta=0.8",
        "optim.lr=0.2 seed=0 optim.beta=0.9",
        "optim.lr=0.2 seed=1 optim.beta=0.9",
    ]


def test_there_may_be_several_zips_of_groups_and_added_keys(tmp_path: Path) -> None:
    launcher = FakeLauncher()
    sweep(
        tmp_path, launcher, "sweep.zip=[[optim,optim.lr],[seed,model.layers.l1.bias]]",
        "optim=sgd,momentum", "optim.lr=0.1,0.3", "seed=range(2)", "+model.layers.l1.bias=true,false",
    )  # fmt: skip
    assert [" ".join(job[1:]) for job in launcher.jobs] == [
        "optim=sgd optim.lr=0.1 seed=0 +model.layers.l1.bias=True",
        "optim=sgd optim.lr=0.1 seed=1 +model.layers.l1.bias=False",
        "optim=momentum optim.lr=0.3 seed=0 +model.layers.l1.bias=True",
        "optim=momentum optim.lr=0.3 seed=1 +model.layers.l1.bias=False",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep.zip=[optim.lr,sead]", "seed=0,1", "optim.lr=1,2"],
         "sweep.zip: no swept key 'sead'. Did you mean 'seed'? Known: optim.lr, seed"),
        (["sweep.zip=[optim.lr,seed]", "seed=0", "optim.lr=1,2"],
         "sweep.zip: no swept key 'seed'. Known: optim.lr"),
        (["sweep.zip=[optim.lr,seed]", "seed=0,1,2", "optim.lr=1,2"],
         "sweep.zip: keys that vary together need equally many values: optim.lr has 2, seed has 3"),
        (["sweep.zip=[[optim.lr,seed],[seed]]", "seed=0,1", "optim.lr=1,2"],
         "sweep.zip: 'seed' is named 2 times"),
        (["sweep.zip=seed", "seed=0,1"],
         "sweep.zip: 'seed' should be a list of keys, or a list of such lists"),
        (["sweep.zip=[seed,[optim.lr]]", "seed=0,1"],
         "sweep.zip: ['seed', ['optim.lr']] should be a list of keys, or a list of such lists"),
        (["sweep.mode=solo,stacked"],
         "sweep.mode: cannot be swept: it says how the sweep goes through its jobs"),
        (["tracking.uri=a,b"],
         "tracking.uri: cannot be swept: a sweep and its jobs report to one experiment of one store"),
        (["optim.lr=interval(0,1)"],
         "optim.lr: interval(0.0, 1.0) has no end of values. Sample it with hydra/sweeper=random or "
         "hydra/sweeper=optuna, or write range(start,stop,step)"),
        (["seed=range(3,3)"], "seed=range(3,3): there is no value in it"),
        (["seed=range(0,3,0)"], "seed=range(0,3,0): should have an end, and at most 1,000,000 values"),
        (["seed=range(0,nan)"], "seed=range(0,nan): should have an end, and at most 1,000,000 values"),
        (["seed=range(0,1e300)"], "seed=range(0,1e300): should have an end, and at most 1,000,000 values"),
        (["seed=tag(log,range(1,3))"], "seed: tag(log, …) is for interval(…) alone"),
        (["seed=0,1", "hydra.sweeper.max_batch_size=0"],
         "hydra.sweeper.max_batch_size: 0 should be 1 or more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_told_before_any_job_starts(tmp_path: Path, arguments: list[str], told: str) -> None:
    launcher = FakeLauncher()
    with pytest.raises(ConfigError) as error:
        sweep(tmp_path / "new", launcher, *arguments)
    assert str(error.value) == told
    assert not launcher.batches
    assert not (tmp_path / "new").exists()


def test_only_a_launcher_that_cannot_fail_a_job_alone_has_them_composed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = FakeLauncher()
    sweep(tmp_path, launcher, "optim.lrr=1,2")
    assert launcher.jobs == [["optim.lrr=1"], ["optim.lrr=2"]]
    monkeypatch.setattr(launcher, "composes_each_job", False)
    with pytest.raises(HydraException, match=r"optim\.lrr"):
        sweep(tmp_path, launcher, "optim.lrr=1,2")
    assert len(launcher.jobs) == 2


@pytest.mark.slow
def test_the_command_line_sweeps_by_grid_and_a_mistake_ends_with_2(command_line: CommandLine) -> None:
    done = command_line("-m", "seed=0,1", "sweep.zip=[sed]")
    assert done.returncode == 2
    assert done.stderr == "sweep.zip: no swept key 'sed'. Did you mean 'seed'? Known: seed\n"


def test_a_sweep_needs_its_store(command_line: CommandLine) -> None:
    done = command_line("-m", "seed=0,1", "tracking.offline=true")
    told = "tracking.offline: true is for single runs: a sweep needs its store at the beginning\n"
    assert (done.returncode, done.stderr) == (2, told)
