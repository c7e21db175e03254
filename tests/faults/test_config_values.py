"""Config values of wrong types, out of range, strange and nested: a checked config, or problems in lines."""

import copy
from functools import partial
from pathlib import Path

import pytest
from hypothesis import strategies as st

from runner.build import build
from runner.config.check import check
from runner.config.compose import compose_run
from runner.config.overrides import as_override, flatten
from runner.config.plain import Plain
from runner.errors import ConfigError
from tests.conftest import Injected
from tests.faults.strange import assert_lines, cases, damages, scalars, values

BASES: tuple[list[str], ...] = (
    [],
    ["optim=adamw", "schedule=warm_restarts", "model=lenet", "data=fashion_mnist"],
    ["optim=torch", "optim.type=torch.optim.Adam", "+optim.lr=0.1", "schedule=one_cycle", "data=blobs"],
    ["data=linear", "loss=huber", "model=regression", "schedule=reduce_on_plateau"],
    ["model=transformer", "data=text", "data.file=a.txt"],
    ["model=resnet", "data=cifar10"],
    ["data=csv", "data.file=a.csv", "data.label=y", "train.metrics=[f1,{type: top_k, k: 2}]"],
    ["data=spirals", "model=softmax", "+model.layers.n={type: torch.nn.LayerNorm, normalized_shape: 2}"],
)
"""Command lines whose configs have all kinds of keys."""

MODEL = """\
layers:
  flat: {type: flatten}
  l1: {type: linear, out_features: 16, init: {type: normal, std: 0.5}}
  a1: &act {type: relu}
  block: {type: residual, layers: {l: {type: linear, out_features: 16}, a: *act}}
  l2: {type: linear}
"""


def changed(plain: Plain, key: str, value: object) -> Plain:
    """The config with another value at a dotted key."""
    plain = copy.deepcopy(plain)
    *parents, last = key.split(".")
    section = plain
    for parent in parents:
        section = section[parent]
    section[last] = value
    return plain


def checked(plain: Plain) -> None:
    """A config that is checked can be built; what is wrong with any other is told in lines."""
    try:
        build(check(plain))
    except ConfigError as error:
        assert_lines(error.problems)


def keys_of(plain: Plain) -> list[str]:
    """Every key with a value, and the sections that they are in."""
    leaves = list(flatten(plain))
    sections = {key.rpartition(".")[0] for key in leaves} - {""}
    return [*leaves, *sorted(sections)]


@pytest.fixture(scope="module")
def configs() -> list[Plain]:
    return [compose_run(base, None).plain for base in BASES]


def check_changed(configs: list[Plain], place: float, which: int, value: object) -> None:
    plain = configs[which]
    keys = keys_of(plain)
    checked(changed(plain, keys[int(place * len(keys))], value))


def compose_changed(keys: list[str], place: float, value: object) -> None:
    override = f"{keys[int(place * len(keys))]}={value if isinstance(value, str) else as_override(value)}"
    try:
        plain = compose_run([override], None).plain
    except ConfigError as error:
        assert_lines(error.problems)
        return
    checked(plain)


def compose_damaged(folder: Path, damage: object) -> None:
    assert callable(damage)
    (folder / "model" / "own.yaml").write_bytes(damage(MODEL.encode()))
    try:
        plain = compose_run(["model=own"], folder).plain
    except ConfigError as error:
        assert_lines(error.problems)
        return
    checked(plain)


place = st.floats(0, 1, exclude_max=True)
which = st.integers(0, len(BASES) - 1)


def test_a_strange_value_anywhere_is_a_problem_in_a_line(configs: list[Plain], injected: Injected) -> None:
    count = cases(40, partial(check_changed, configs), place, which, values)
    assert count >= 40
    injected(count)


@pytest.mark.slow
def test_whatever_stands_in_a_config_is_a_problem_in_a_line(configs: list[Plain], injected: Injected) -> None:
    count = cases(1500, partial(check_changed, configs), place, which, values)
    assert count >= 1500
    injected(count)


@pytest.mark.parametrize("examples", [8, pytest.param(120, marks=pytest.mark.slow)])
def test_a_strange_override_is_a_problem_in_a_line(
    configs: list[Plain], examples: int, injected: Injected
) -> None:
    case = partial(compose_changed, keys_of(configs[0]))
    count = cases(examples, case, place, values | scalars)
    assert count >= examples
    injected(count)


@pytest.mark.parametrize("examples", [8, pytest.param(120, marks=pytest.mark.slow)])
def test_a_damaged_yaml_file_is_a_problem_in_a_line(
    tmp_path: Path, examples: int, injected: Injected
) -> None:
    (tmp_path / "model").mkdir()
    count = cases(examples, partial(compose_damaged, tmp_path), damages())
    assert count >= examples
    injected(count)
