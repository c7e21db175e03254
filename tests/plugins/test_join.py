"""What a plugin brings is held against what its table holds, and joins the built-in names."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from runner.errors import ConfigError
from runner.nn.init import Default, Initializer
from runner.nn.layers.activation import ReLU
from runner.nn.layers.layer import Build, Layers
from runner.nn.losses import MSE
from runner.optim.rules import SGD
from runner.optim.schedules import Constant
from runner.plugins.join import join
from runner.plugins.kinds import KINDS
from runner.plugins.load import Plugin
from runner.registry import (
    BUILT_IN,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    RULES,
    SCHEDULES,
    SOURCES,
)
from runner.types import Positive


def problems(table: str, name: Any, component: object) -> list[str]:
    with pytest.raises(ConfigError) as error:
        join([Plugin("mine", {table: {name: component}}, "mine")])
    start = f"plugins: mine: {table}[{name!r}]: "
    assert all(problem.startswith(start) for problem in error.value.problems)
    return [problem.removeprefix(start) for problem in error.value.problems]


def test_names_join_the_built_in_ones() -> None:
    registry = join([Plugin("mine", {"LAYERS": {"mine": ReLU}, "RULES": {"own": SGD}}, "mine")])
    assert registry.layers["mine"] is ReLU
    assert registry.layers["relu"] is ReLU
    assert registry.rules["own"] is SGD
    assert "mine" not in BUILT_IN.layers
    assert registry.losses == BUILT_IN.losses


def test_every_built_in_component_would_be_taken_from_a_plugin() -> None:
    built_in = {
        "LAYERS": LAYERS,
        "INITIALIZERS": INITIALIZERS,
        "LOSSES": LOSSES,
        "METRICS": METRICS,
        "RULES": RULES,
        "SCHEDULES": SCHEDULES,
        "SOURCES": SOURCES,
    }
    assert built_in.keys() == KINDS.keys()
    renamed = {
        table: {f"my_{name}": component for name, component in components.items()}
        for table, components in built_in.items()
    }
    assert join([Plugin("mine", renamed, "mine")]).sources["my_digits"] is SOURCES["digits"]


def test_a_plugins_initialiser_is_one_that_layers_take() -> None:
    registry = join([Plugin("mine", {"INITIALIZERS": {"mine": Default}}, "mine")])
    assert registry.nested[Initializer]["mine"] is Default


def test_a_name_that_is_taken_is_refused() -> None:
    assert problems("LAYERS", "relu", ReLU) == ["the name is taken by the built-in one"]
    with pytest.raises(ConfigError) as error:
        join([Plugin(name, {"LOSSES": {"own": MSE}}, name) for name in ("mine", "yours")])
    assert error.value.problems == ["plugins: yours: LOSSES['own']: the name is taken by mine"]


class OwnArguments:
    """A layer that takes everything that a layer may take."""

    def __init__(
        self, scope: Any, in_shape: Any, *, a: Positive, layers: Layers, b: Build | None, c: Initializer
    ) -> None: ...

    def forward(self, store: Any, x: Any) -> Any: ...


def test_arguments_may_be_of_every_type_that_a_config_can_give() -> None:
    assert "own" in join([Plugin("mine", {"LAYERS": {"own": OwnArguments}}, "mine")]).layers


class Module:
    def __init__(self, in_features: int, out_features: int) -> None: ...

    def forward(self, x: Any) -> Any: ...


class Unheard(ReLU):
    def __init__(self, scope: Any, in_shape: Any, *, kind: "Unheard_of") -> None: ...  # type: ignore  # noqa: F821  it is not


class NotAnnotated(ReLU):
    def __init__(self, scope, in_shape, *, slope) -> None: ...  # type: ignore  # they are not annotated


class Opaque(ReLU):
    def __init__(self, scope: Any, in_shape: Any, *, like: ReLU) -> None: ...


@dataclass(frozen=True)
class Positional(Constant):
    start: float = 1.0


class NoTasks:
    def __call__(self, prediction: Any, target: Any) -> Any: ...


class WrongTasks(MSE):
    tasks: ClassVar[Any] = "regression"


class NoRate:
    def init(self, params: Any) -> Any: ...

    def step(self, params: Any, grads: Any) -> Any: ...


class NoLoad:
    task: ClassVar[str] = "guessing"
    in_shape: ClassVar[tuple[int, ...]] = (1,)


@pytest.mark.parametrize(
    ("table", "component", "told"),
    [
        ("LAYERS", ReLU.forward, ["is no class, but <function "]),
        ("LAYERS", Module, [
            "takes (in_features: int, out_features: int) -> None, should take (scope, in_shape, *, …)",
            "has no forward(self, store, x)",
        ]),
        ("LAYERS", Unheard, ["has an annotation that cannot be read: name 'Unheard_of' is not defined"]),
        ("LAYERS", NotAnnotated, ["has an argument without annotation: slope"]),
        ("LAYERS", Opaque, ["has an argument whose type no config can give: like: <class"]),
        ("SCHEDULES", Positional, ["takes (start: float = 1.0) -> None, should take (*, …): its own"]),
        ("LOSSES", NoTasks, ["has no tasks"]),
        ("LOSSES", WrongTasks, ["has 'regression' as tasks, which should be a valid tuple"]),
        ("LOSSES", ReLU, [
            "takes (scope:",
            "has no __call__(self, prediction, target)",
            "has no tasks",
        ]),
        ("RULES", NoRate, ["has no step(self, params, grads, state, lr)", "has no lr"]),
        ("SOURCES", NoLoad, [
            "has no load(self)",
            "has 'guessing' as task, which should be",
            "has no out_shape",
        ]),
    ],
)  # fmt: skip
def test_what_a_table_does_not_hold_is_refused_and_why(
    table: str, component: object, told: list[str]
) -> None:
    found = problems(table, "own", component)
    assert len(found) == len(told)
    for problem, start in zip(found, told, strict=True):
        assert problem.startswith(start)


@pytest.mark.parametrize("name", [3, "two words", "torch.nn.Mine", ""])
def test_a_name_is_a_word(name: Any) -> None:
    assert problems("LAYERS", name, ReLU) == ["a name should be a word of letters, digits and _"]
