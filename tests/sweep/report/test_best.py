"""A job's overrides as an experiment file: it composes to the very config of the job."""

from pathlib import Path

import pytest

from runner.config.compose import compose_run, conf_folder
from runner.config.foreign_places import to_be_typed
from runner.errors import ConfigError
from runner.sweep.report.best import HEADER, Sources, as_experiment, compose_best


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """The runner's YAML, and a user's: a model, and experiments that say how they sweep."""
    files = {
        "model/deep.yaml": "layers: {flat: {type: flatten}, l1: {type: linear}}\n",
        "extra/more.yaml": "# @package _global_\ntrain: {batch_size: 7}\n",
        "experiment/best.yaml": (
            "# @package _global_\ndefaults: [override /optim: momentum, override /hydra/launcher: basic]\n"
            "hydra: {sweeper: {params: {optim.lr: '1,2'}}}\nsweep: {mode: solo}\n"
            "optim: {lr: 0.7, beta: 0.5}\n"
        ),
    }
    for name, text in files.items():
        (tmp_path / "my" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "my" / name).write_text(text)
    return Sources([conf_folder(), tmp_path / "my"], [f"file://{tmp_path / 'my'}"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["optim=momentum", "optim.lr=0.5", "seed=3"],
        ["model=deep", "++train.epochs=3"],
        ["experiment=article", "model=linear", "optim.lr=1e-3"],
        ["experiment=best", "optim.beta=0.9"],
        ["experiment=[best,article]", "schedule=constant"],
        ["+extra=more", "model=lenet"],
        ["optim={lr: 0.25}", "optim=momentum"],
        ["+model.layers.l3={type: linear, out_features: 4}", "+model.layers.l1.init.std=0.5"],
        ["tracking.experiment='a \"b\\'s\", 1e3'", "objective='1e3'", "device=cpu", "data.limit=null"],
        ["train.epochs=${oc.decode:'3'}", "+data.list=[1,'2',{a: null, b: on}]", "data.root=${oc.env:HOME}"],
        ["sweep.fail_fast=true"],
        [],
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_experiment_is_the_jobs_config(overrides: list[str], sources: Sources, tmp_path: Path) -> None:
    file = tmp_path / "best" / "experiment" / "best.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"{HEADER}\n{as_experiment(overrides, sources)}")
    wanted = compose_run([*sources.search_override(), *overrides], None).plain
    found = compose_best(tmp_path / "best", sources, to_be_typed(overrides)).plain
    del wanted["sweep"]
    assert found.pop("sweep") == compose_run([], None).plain["sweep"], "how it swept is left behind"
    assert found == wanted
    assert list(found["model"]["layers"]) == list(wanted["model"]["layers"]), "layers in their order"


def test_an_inherited_experiment_is_written_out_less_how_it_sweeps(sources: Sources) -> None:
    assert as_experiment(["experiment=best", "optim.beta=0.9"], sources) == (
        "defaults:\n- override /optim: momentum\noptim:\n  lr: 0.7\n  beta: 0.9\n"
    )


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("~model.layers.a1", "~model.layers.a1: YAML cannot delete a key"),
        ("model.layers={", "no viable alternative at input '{' See https.*"),
        ("experiment=gone", "experiment=gone: there is no experiment/gone.yaml any more"),
    ],
)
def test_what_yaml_cannot_say_is_refused(override: str, problem: str, sources: Sources) -> None:
    with pytest.raises(ConfigError, match=f"^{problem}$"):
        as_experiment([override], sources)
