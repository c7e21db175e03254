"""A job composed the quick way is what Hydra itself would make of it."""

import copy
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.sweep.points.cells import Cell, Composer
from tests.sweep.composed import config_loader, master_of

JOBS = {
    "nothing": "",
    "a value": "seed=3",
    "values": "seed=3 optim.lr=0.1 train.epochs=2 train.shuffle=false",
    "a float as typed": "optim.lr=1e-3 optim.weight_decay=1",
    "null": "data.limit=null",
    "a string": "objective=train/loss",
    "a quoted string": "objective='train/loss'",
    "a list": "sweep.zip=[optim.lr,seed]",
    "a choice": "optim=momentum",
    "a choice and its values": "optim=momentum optim.beta=0.5 optim.lr=0.1",
    "values before a choice": "optim.beta=0.5 optim=momentum",
    "several choices": "optim=momentum model=linear data=linear loss=mse data.samples=10",
    "a choice with values of its own": "experiment=article",
    "a choice and what it sets": "experiment=article optim.lr=0.7 train.epochs=1",
    "an addition": "+optim.extra=3",
    "an addition beside values": "seed=1 +optim.extra=3 optim.lr=0.2",
    "a forced addition": "++optim.lr=0.2 ++optim.extra=1",
    "a new group of keys": "+more.and.more=1",
    "a deletion": "~optim.weight_decay",
    "a deletion by value": "~schedule.type=constant seed=2",
    "a deletion of a choice": "~experiment",
    "a mapping": "model.layers.l1.init={type:zeros} seed=1",
    "an added mapping": "++model.layers.l1.init={type:normal,std:0.1}",
    "a mapping of more keys": "+model.layers.l3={type:linear} +model.layers.a2={type:relu}",
    "a mapping for a choice": "optim={lr:0.5}",
    "into a mapping for a choice": "optim={lr:0.5} optim.lr=0.1",
    "a mapping for a choice over values": "optim.lr=0.1 optim={lr:0.5}",
    "into another's subtree": "++model.layers.l1.init={type:normal,std:0.1} model.layers.l1.init.std=0.3",
    "over another's subtree": "model.layers.l1.out_features=3 model.layers.l1={out_features:4,type:linear}",
    "into what is added": "+model.layers.l3={type:linear} model.layers.l3.type=relu",
    "what is added into": "+optim.more={a:1} +optim.more.b=2",
    "the same key twice": "seed=1 seed=2",
    "an added key twice": "+optim.extra=1 optim.extra=2",
    "an interpolation": "+data.seed=${seed} seed=4",
    "an interpolation of another job's value": "optim.lr=${optim.weight_decay} optim.weight_decay=0.5",
    "an interpolation of Hydra's": "data.root=${hydra:runtime.cwd}/data",
    "keys like another's beginning": "+optim.lr2=1 optim.lr=2",
    "Hydra's own": "hydra.sweep.subdir=here seed=2",
}
"""Overrides by what is special about them."""

NAMED = "hydra.sweep.subdir=${hydra.job.override_dirname}"

SWEEP = ("hydra.sweep.dir=/sweep", NAMED)

WRONG = {
    "an unknown key": "optim.lrr=3",
    "an unknown choice": "optim=momentun",
    "a choice of none": "experiment=null",
    "an unknown key in a mapping": "optim={lrr:3}",
    "a key under a value": "seed.x=3",
    "an addition of what is there": "+seed=3",
    "a deletion of what is not there": "~optim.lrr",
    "a package for a value": "seed@foo=1",
    "an interpolation of nothing": "seed=${nothing}",
    "an invalid override": "seed=[1",
}


@cache
def composer() -> Composer:
    """One for all jobs, so that none may leave anything for the next."""
    return Composer(config_loader(), master_of(*SWEEP))


def cells(*jobs: str, master: DictConfig | None = None) -> list[Cell]:
    used = composer() if master is None else Composer(config_loader(), master)
    return used.cells([job.split() for job in jobs], 0)


@cache
def by_hydra(job: str) -> object:
    """What Hydra composes."""
    return plain(config_loader().load_sweep_config(master_of(*SWEEP), job.split()))


def plain(config: DictConfig) -> object:
    """A config without what a job is told when it begins, as it is and resolved, and its folder's name."""
    config = copy.deepcopy(config)
    HydraConfig.instance().cfg = cast(HydraConf, config)
    OmegaConf.set_readonly(config.hydra, False)
    OmegaConf.set_struct(config, False)
    for key in ("job.id", "job.num", "runtime.output_dir", "overrides"):
        OmegaConf.update(config, f"hydra.{key}", "???")
    everything = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    assert isinstance(everything, dict)
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    return everything, OmegaConf.to_container(own, resolve=True), str(config.hydra.sweep.subdir)


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_job_is_what_hydra_makes_of_it(job: str) -> None:
    (cell,) = cells(job)
    assert cell.problem is None
    assert plain(cell.composed) == by_hydra(job)


@pytest.mark.parametrize("job", WRONG.values(), ids=WRONG)
def test_a_job_that_hydra_refuses_is_refused(job: str) -> None:
    with pytest.raises((HydraException, OmegaConfBaseException, ValueError)):
        by_hydra(job)
    (cell,) = cells(job)
    assert cell.problem is not None
    assert str(cell.problem)


def test_a_job_that_cannot_be_composed_hinders_no_other() -> None:
    bad, good = cells("optim.lrr=3", "optim.lr=0.5")
    assert str(bad.problem).startswith("optim.lrr: unknown key 'lrr'. Did you mean 'lr'? Known: ")
    assert good.problem is None
    assert good.plain["optim"]["lr"] == 0.5


@pytest.mark.parametrize("subdir", ["${hydra.job.num}", "${optim.lr}", "${hydra.job.override_dirname}"])
def test_jobs_that_cannot_be_composed_have_folders_of_their_own(subdir: str) -> None:
    master = master_of("hydra.sweep.dir=/sweep", f"hydra.sweep.subdir={subdir}")
    composed = cells("optim.lr=0.5", "optim.lrr=3", "optim.lrr=4", master=master)
    assert [cell.problem is None for cell in composed] == [True, False, False]
    assert len({cell.folder for cell in composed}) == 3


def test_a_job_knows_its_number_its_folder_and_what_was_typed() -> None:
    master = master_of()
    folder = Path(master.hydra.sweep.dir)  # has the time in it, and stays
    first, second = Composer(config_loader(), master).cells([["seed=1"], ["seed=2", "optim=momentum"]], 5)
    assert [first.job, second.job] == [5, 6]
    assert second.folder == (folder / "6").absolute()
    assert second.overrides == ["seed=2", "optim=momentum"]
    hydra = second.composed.hydra
    assert (hydra.job.num, hydra.job.id, list(hydra.overrides.task)) == (6, "6", second.overrides)
    assert hydra.runtime.choices.optim == "momentum"
    assert hydra.runtime.output_dir == str(second.folder)
    assert "hydra" not in second.cfg
    assert second.plain["optim"]["type"] == "momentum"


def test_a_folder_may_be_named_after_what_was_typed() -> None:
    cell, other = cells("seed=2 optim=momentum", "optim.lr=0.5")
    assert cell.folder == Path("/sweep/optim=momentum,seed=2")
    assert other.folder == Path("/sweep/optim.lr=0.5")


def test_some_keys_may_be_left_out_of_a_folders_name() -> None:
    master = master_of(
        "hydra.sweep.dir=/sweep",
        NAMED,
        "hydra.job.config.override_dirname.exclude_keys=[seed]",
        "hydra.job.config.override_dirname.kv_sep=_",
        "hydra.job.config.override_dirname.item_sep=-",
    )
    (cell,) = cells("seed=2 optim=momentum optim.lr=0.5", master=master)
    assert cell.folder == Path("/sweep/optim.lr_0.5-optim_momentum")


def test_composing_leaves_hydras_own_config_alone() -> None:
    before = HydraConfig.instance().cfg
    cells("seed=1", "optim.lrr=1")
    assert HydraConfig.instance().cfg is before


def test_jobs_that_differ_in_values_are_composed_by_hydra_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loader, composed = config_loader(), []
    load = loader.load_sweep_config

    def counted(master: DictConfig, overrides: list[str]) -> DictConfig:
        composed.append(overrides)
        return load(master, overrides)

    monkeypatch.setattr(loader, "load_sweep_config", counted)
    jobs = [*[f"seed={seed} optim.lr=0.{seed}" for seed in range(9)], *["optim=momentum seed=1"] * 3]
    cells(*jobs, master=master_of(*SWEEP))
    assert composed == [[], ["optim=momentum"]]
