"""A composed config becomes one checked object, or one error with everything that is wrong."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from runner.config.check import Config, check
from runner.config.compose import conf_folder, register_resolvers, to_plain
from runner.config.overrides import as_override, flatten
from runner.config.plain import Plain
from runner.data.digits import Digits
from runner.data.mnist import MNIST
from runner.errors import ConfigError
from runner.nn.init import Normal
from runner.nn.losses import MSE
from runner.optim.rules import Momentum
from runner.registry import INITIALIZERS, LAYERS, LOSSES, RULES, SCHEDULES, SOURCES


def plain(*overrides: str) -> Plain:
    register_resolvers()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return to_plain(compose("config", overrides=list(overrides)))


@pytest.fixture(scope="module")
def default() -> Plain:
    return plain()


def changed(config: Plain, path: str, value: object) -> Plain:
    config = copy.deepcopy(config)
    *parents, key = path.split(".")
    section = config
    for parent in parents:
        section = section[parent]
    section[key] = value
    return config


def problems(config: Plain) -> list[str]:
    with pytest.raises(ConfigError) as error:
        check(config)
    return error.value.problems


def said_of(config: Config, layer: str) -> dict[str, object]:
    """What a layer will be told beside its place and what arrives."""
    build = config.layers[layer]
    assert isinstance(build, partial)
    return build.keywords


def test_components_become_objects() -> None:
    config = check(
        plain(
            "optim=momentum", "optim.beta=0.8", "data=linear", "loss=mse", "model.layers.l1.init.type=normal"
        )
    )
    assert config.rule == Momentum(lr=1.0, beta=0.8)
    assert config.loss == MSE()
    assert said_of(config, "l1") == {"out_features": 128, "init": Normal(std=1.0)}


def test_the_last_layers_size_follows_from_the_data(default: Plain) -> None:
    assert said_of(check(default), "l2")["out_features"] == 10


def test_the_place_of_the_files_reaches_only_sources_that_read_files() -> None:
    assert check(plain("data=mnist", "data.root=somewhere")).source == MNIST(root=Path("somewhere"))
    assert check(plain("data.root=somewhere")).source == Digits()


BAD: list[tuple[str, object, str]] = [
    ("optim.type", "momentun",
     f"optim.type: unknown 'momentun'. Did you mean 'momentum'? Known: {', '.join(sorted(RULES))}"),
    ("optim.type", "adamax", "optim.type: unknown 'adamax'. Did you mean 'torch.optim.Adamax'? "
     f"Known: {', '.join(sorted(RULES))}"),
    ("model.layers.a1.type", "Upsample", "model.layers.a1.type: unknown 'Upsample'. "
     f"Did you mean 'torch.nn.Upsample'? Known: {', '.join(sorted(LAYERS))}"),
    ("model.layers.a1.type", "GeLU", "model.layers.a1.type: unknown 'GeLU'. Did you mean 'gelu'? "
     f"Known: {', '.join(sorted(LAYERS))}"),
    ("loss.ignore_index", 10, "loss.ignore_index: 10 is no class, data.type 'digits' has 10"),
    ("optim.lrr", 1, "optim.lrr: unknown key 'lrr'. Did you mean 'lr'? "
     "Known: clip_norm, clip_value, groups, lr, weight_decay"),
    ("optim.lr", -1, "optim.lr: -1 should be greater than or equal to 0"),
    ("optim.lr", "fast", "optim.lr: 'fast' should be a valid number"),
    ("optim.lr", True, "optim.lr: True should be a valid number"),
    ("optim.lr", [1, 2], "optim.lr: [1, 2] should be a valid number"),
    ("optim.lr", float("nan"), "optim.lr: nan should be a finite number"),
    ("optim", 3, "optim: 3 should be a mapping"),
    ("optim", {}, f"optim: {{}} should be {{type: <name>, …}}. Known: {', '.join(sorted(RULES))}"),
    ("seed", -1, "seed: -1 should be greater than or equal to 0"),
    ("seed", 2**64, f"seed: {2**64} should be less than {2**63}"),
    ("device", "gpu", "device: 'gpu' should be 'auto', 'cpu' or 'cuda'"),
    ("train.epochs", 1.5, "train.epochs: 1.5 should be a valid integer"),
    ("train.batch_size", 0, "train.batch_size: 0 should be greater than 0"),
    ("train.batch_size", 10**20, f"train.batch_size: {10**20} should be less than {2**63}"),
    ("model.layers.l1.init", {"type": "uniform", "a": 1, "b": 0},
     "model.layers.l1.init.a: 1.0 should not be greater than b: 0.0"),
    ("extra", 1, "extra: unknown key 'extra'. Did you mean 'train'? "
     "Known: data, device, loss, model, objective, optim, plugins, schedule, seed, sweep, tracking, train"),
    ("train.epoch", 1,
     "train.epoch: unknown key 'epoch'. Did you mean 'epochs'? "
     "Known: accumulate, average, batch_size, checkpoint_every, deterministic, early_stopping, epochs, "
     "fast_dev_run, max_time, metrics, on_divergence, overfit_batches, precision, restore_best, shuffle"),
    ("model.layers.l1.out_features", [1], "model.layers.l1.out_features: [1] should be a valid integer"),
    ("train.shuffle", "yes", "train.shuffle: 'yes' should be a valid boolean"),
    ("data.limit", 0, "data.limit: 0 should be greater than 0"),
    ("data.type", "minst",
     f"data.type: unknown 'minst'. Did you mean 'mnist'? Known: {', '.join(sorted(SOURCES))}"),
    ("tracking.uri", "", "tracking.uri: '' should have at least 1 character"),
    ("tracking.log_model", 3, "tracking.log_model: 3 should be True, False or 'auto'"),
    ("model.layers", {}, "model.layers: {} should have at least 1 item after validation, not 0"),
    ("model.layers.l1", "linear", "model.layers.l1: 'linear' should be a mapping"),
    ("model.layers.l1.type", "liner", "model.layers.l1.type: unknown 'liner'. Did you mean 'linear'? "
     f"Known: {', '.join(sorted(LAYERS))}"),
    ("model.layers.l1.out_features", None, "model.layers.l1.out_features: None should be a valid integer"),
    ("model.layers.l1.init.type", "zero", "model.layers.l1.init.type: unknown 'zero'. Did you mean 'zeros'? "
     "Known: default, kaiming_normal, kaiming_uniform, normal, orthogonal, uniform, xavier_normal, "
     "xavier_uniform, zeros"),
    ("loss", {"type": "mse"}, "loss.type: 'mse' is for regression, but data.type 'digits' is classification. "
     "Known for classification: cross_entropy, nll, bce_with_logits, hinge"),
    ("train.metrics", ["recal"], "train.metrics: unknown for classification 'recal'. Did you mean 'recall'? "
     "Known: accuracy, auroc, confusion_matrix, f1, perplexity, precision, recall, top_k"),
    ("train.metrics", ["rmse"], "train.metrics: unknown for classification 'rmse'. "
     "Known: accuracy, auroc, confusion_matrix, f1, perplexity, precision, recall, top_k"),
    ("train.metrics", "f1", "train.metrics: 'f1' should be auto or a list of names"),
    ("train.metrics", ["f1", {"type": "top_k", "k": 0}], "train.metrics.1.k: 0 should be greater than 0"),
    ("train.metrics", [{"type": "f1", "average": "micro"}],
     "train.metrics.0.average: 'micro' should be 'macro' or 'weighted'"),
    ("train.metrics", [3], "train.metrics.0: 3 should be {type: <name>, …}. Known: accuracy, auroc, "
     "confusion_matrix, f1, perplexity, precision, recall, top_k"),
    ("train.metrics", [{"type": "top_k", "k": 11}],
     "train.metrics: top_k has k=11, data.type 'digits' 10 classes"),
    ("loss.weight", [1.0, 2.0], "loss.weight: has 2, data.type 'digits' needs 10"),
    ("loss.weight", 3, "loss.weight: 3 should be a list or be 'balanced'"),
    ("loss.weight", [-1.0] * 10, "loss.weight: [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0] "
     "should be greater than or equal to 0 or be 'balanced'"),
    ("loss.label_smoothing", 2, "loss.label_smoothing: 2 should be less than or equal to 1"),
    ("loss", {"type": "hinge", "p": 3}, "loss.p: 3 should be 1 or 2"),
    ("objective", "test/acc", "objective: unknown 'test/acc'. Did you mean 'test/accuracy'? "
     "Known: test/accuracy, test/loss, train/accuracy, train/loss"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=[f"{path}={value}" for path, value, _ in BAD])
def test_a_problem_names_key_value_and_what_is_allowed(
    default: Plain, path: str, value: object, message: str
) -> None:
    assert message in problems(changed(default, path, value))


def test_the_objective_may_be_any_metric_that_is_measured() -> None:
    wanted = ("train.metrics=[f1,{type: f1, average: weighted}]", "data.val=0.2")
    assert check(plain("objective=val/f1_weighted", *wanted)).objective == "val/f1_weighted"
    assert problems(plain("objective=test/f1", *wanted)) == [
        "objective: unknown 'test/f1'. Did you mean 'test/f1_macro'? Known: test/accuracy, test/f1_macro, "
        "test/f1_weighted, test/loss, train/accuracy, train/loss, val/accuracy, val/f1_macro, "
        "val/f1_weighted, val/loss"
    ]
    assert check(plain("data=linear", "loss=mse", "objective=test/rmse")).objective == "test/rmse"


def test_accuracy_is_measured_once_whether_it_is_named_or_not() -> None:
    assert [metric.name for metric in check(plain("train.metrics=[accuracy,auroc]")).metrics] == ["auroc"]
    assert check(plain()).metrics == []


def test_all_problems_are_told_together(default: Plain) -> None:
    config = changed(changed(changed(default, "optim.lr", -1), "train.epochs", 0), "loss.type", "mes")
    assert [problem.split(":")[0] for problem in problems(config)] == [
        "train.epochs",
        "loss.type",
        "optim.lr",
    ]


def test_a_missing_section_or_argument_is_named(default: Plain) -> None:
    assert problems({key: value for key, value in default.items() if key != "optim"}) == ["optim: missing"]
    without_rate = {key: value for key, value in default["optim"].items() if key != "lr"}
    assert problems(changed(default, "optim", without_rate)) == ["optim.lr: missing, sgd needs it"]
    layers = {"l1": {"type": "linear"}, "l2": {"type": "linear"}}
    assert problems(changed(default, "model.layers", layers)) == [
        "model.layers.l1.out_features: missing, linear needs it"
    ]


def test_a_layers_name_can_be_part_of_a_parameters_name(default: Plain) -> None:
    (problem,) = problems(changed(default, "model.layers", {"a.b": {"type": "linear"}}))
    assert problem.startswith("model.layers.a.b")


@pytest.mark.parametrize("table", [INITIALIZERS, LAYERS, LOSSES, RULES, SCHEDULES, SOURCES])
def test_every_registered_name_says_what_it_is(table: dict[str, Callable[..., Any]]) -> None:
    assert all((component.__doc__ or "").strip() for component in table.values())


def test_params_can_be_pasted_back_as_overrides() -> None:
    config = plain("data=mnist", "data.root='some folder\\'s'", "train.shuffle=false", "data.limit=null")
    pairs = [f"{name}={value}" for name, value in flatten(config).items() if ".type" not in name]
    assert "data.limit=null" in pairs
    assert "train.shuffle=false" in pairs
    assert plain("data=mnist", *pairs) == config


@pytest.mark.parametrize(
    "value",
    ["null", "12", "1e3", "true", "a b", "it's", "x=y", "", "a,b", "$x", "\\", "\\'", "a(\\b", "\\\\x\\\\"],
)
def test_text_stays_text_as_an_override(value: str) -> None:
    assert plain(f"objective={as_override(value)}")["objective"] == value


def test_the_hash_names_what_is_computed(default: Plain) -> None:
    same = changed(default, "tracking.experiment", "elsewhere")
    assert check(same).hash == check(default).hash
    assert check(changed(default, "seed", 1)).hash != check(default).hash
    layers = default["model"]["layers"]
    reordered = {name: layers[name] for name in ("flat", "a1", "l1", "l2")}
    assert check(changed(default, "model.layers", reordered)).hash != check(default).hash


def test_an_argument_of_several_forms_names_them_in_one_problem(default: Plain) -> None:
    conv = {"type": "conv2d", "out_channels": 2, "kernel_size": -1}
    changed_layers = {"c1": conv, **default["model"]["layers"]}
    found = problems({**default, "model": {"layers": changed_layers}})
    assert found == ["model.layers.c1.kernel_size: -1 should be greater than 0 or be a list"]


def test_an_objective_of_a_part_that_is_not_there_is_told_how_to_have_it() -> None:
    with pytest.raises(ConfigError) as error:
        check(plain("objective=val/loss"))
    assert error.value.problems == [
        "objective: there is no 'val/loss' without a validation part, use data.val=0.1"
    ]
