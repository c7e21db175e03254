"""Which jobs can be trained, and which of them share a program."""

import pytest

from runner.config.compose import launch_of
from runner.errors import ConfigError
from runner.sweep.jobs import check_all, groups, make_job
from runner.sweep.points.cells import Composer
from tests.sweep.composed import config_loader, jobs_of, master_of

ONE_PROGRAM = {
    "seeds": ["seed=0", "seed=1"],
    "learning rates, whole ones too": ["optim.lr=1", "optim.lr=0.5", "optim.lr=1e-3"],
    "pairs of numbers of the rule": ["optim=adam", "optim=adam optim.betas=[0.8,0.99]"],
    "limits of the gradient": ["optim.clip_norm=1", "optim.clip_norm=2"],
    "numbers of the rule": ["optim=momentum optim.beta=0.5", "optim=momentum optim.weight_decay=0.1"],
    "schedules": ["schedule=constant", "schedule=cosine", "schedule=step schedule.step_size=3"],
    "initialisers": ["model.layers.l1.init.type=zeros", "++model.layers.l2.init={type:normal,std:0.1}"],
    "what is no part of a run": ["objective=train/loss", "objective=test/accuracy"],
}

PROGRAMS_OF_THEIR_OWN = {
    "rules": ["optim=sgd", "optim=momentum"],
    "switches of the rule": ["optim=adam", "optim=adam optim.amsgrad=true"],
    "groups of parameters": ["optim.groups=[{match:l1.W,lr:0.1}]", "optim.groups=[{match:l1.W,lr:0.2}]"],
    "whether gradients are clipped": ["optim.clip_norm=1", "optim.clip_norm=null"],
    "arguments of torch's optimisers": [
        "optim.type=torch.optim.SGD",
        "optim.type=torch.optim.SGD optim.lr=1",
    ],
    "shapes": ["model.layers.l1.out_features=8", "model.layers.l1.out_features=9"],
    "kinds of layers": ["model.layers.a1.type=relu", "model.layers.a1.type=tanh"],
    "names of layers": ["+model.layers.a2={type:relu}", "+model.layers.a3={type:relu}"],
    "batch sizes": ["train.batch_size=16", "train.batch_size=17"],
    "epochs": ["train.epochs=1", "train.epochs=2"],
    "orders": ["train.shuffle=true", "train.shuffle=false"],
    "precisions": ["train.precision=float32", "train.precision=bf16"],
    "data": ["data.limit=100", "data.limit=200"],
    "sources": ["data=linear loss=mse model=linear", "data=linear loss=mse model=linear data.seed=1"],
    "losses": ["data=linear loss=mse", "loss=cross_entropy"],
}


@pytest.mark.parametrize("overrides", ONE_PROGRAM.values(), ids=ONE_PROGRAM)
def test_jobs_may_share_a_program_and_differ_in(overrides: list[str]) -> None:
    jobs = jobs_of(overrides)
    assert [[job.number for job in group] for group in groups(jobs)] == [list(range(len(jobs)))]


@pytest.mark.parametrize("overrides", PROGRAMS_OF_THEIR_OWN.values(), ids=PROGRAMS_OF_THEIR_OWN)
def test_jobs_have_programs_of_their_own_if_they_differ_in(overrides: list[str]) -> None:
    assert [len(group) for group in groups(jobs_of(overrides))] == [1, 1]


def test_large_groups_come_first_and_jobs_stay_in_order() -> None:
    shapes = [8, 16, 16, 8, 16, 32]
    jobs = jobs_of([f"model.layers.l1.out_features={size}" for size in shapes])
    assert [[job.number for job in group] for group in groups(jobs)] == [[1, 2, 4], [0, 3], [5]]


def test_jobs_whose_config_is_wrong_are_told_apart() -> None:
    master = master_of("hydra.sweep.dir=/sweep")
    lines = [["seed=1"], ["optim.lr=-1"], ["optim.lrr=1"], ["+model.layers.l2.out_features=3"], ["loss=mse"]]
    jobs, problems = check_all(Composer(config_loader(), master).cells(lines, 3), "a command")
    assert [job.number for job in jobs] == [3]
    assert {problem.cell.job: str(problem.error) for problem in problems} == {
        4: "optim.lr: -1 should be greater than or equal to 0",
        5: "optim.lrr: unknown key 'lrr'. Did you mean 'lr'? "
        "Known: clip_norm, clip_value, groups, lr, type, weight_decay",
        6: "model.layers.l2: gives [3] a sample, data.type 'digits' needs [10]",
        7: "loss.type: 'mse' is for regression, but data.type 'digits' is classification. "
        "Known for classification: cross_entropy, nll, bce_with_logits, hinge",
    }
    assert problems[0].name == "optim.lr=-1"
    assert problems[0].launch.folder == problems[0].cell.folder


def test_a_job_that_cannot_be_composed_cannot_be_made() -> None:
    (cell,) = Composer(config_loader(), master_of("hydra.sweep.dir=/sweep")).cells([["optim.lrr=1"]], 0)
    with pytest.raises(ConfigError, match="unknown key 'lrr'"):
        make_job(cell, launch_of(cell.composed.hydra, cell.folder, "a command"))


def test_a_job_is_not_drawn_before_it_is_trained() -> None:
    (job,) = jobs_of(["optim=momentum optim.lr=0.5"])
    assert not job.parts.store.sealed
    assert job.name == "mlp-momentum lr=0.5 seed=0"
