"""What a config is told by: its hash, its text."""

import copy

import pytest

from runner.config.plain import Plain, hash_of, in_order, to_yaml
from tests.sweep.composed import jobs_of

BLOCK = {"type": "residual", "layers": {"a": {"type": "relu"}, "b": {"type": "tanh"}}}


@pytest.fixture
def plain() -> Plain:
    return copy.deepcopy(jobs_of([""])[0].config.plain)


def with_block(plain: Plain, block: Plain) -> Plain:
    return {**plain, "model": {"layers": {**plain["model"]["layers"], "block": block}}}


def test_the_order_of_layers_counts_at_every_depth(plain: Plain) -> None:
    turned = {**BLOCK, "layers": dict(reversed(BLOCK["layers"].items()))}  # type: ignore[attr-defined]
    assert hash_of(with_block(plain, BLOCK), {}) != hash_of(with_block(plain, turned), {})
    assert hash_of(with_block(plain, BLOCK), {}) == hash_of(
        with_block(plain, dict(reversed(BLOCK.items()))), {}
    )


def test_where_files_lie_and_where_is_reported_to_is_no_part_of_what_is_computed(plain: Plain) -> None:
    before = hash_of(plain, {})
    plain["data"]["root"] = "elsewhere"
    plain["tracking"]["experiment"] = "another"
    assert hash_of(plain, {}) == before
    plain["data"]["limit"] = 100
    assert hash_of(plain, {}) != before


def test_a_word_can_be_left_out_of_each_layer_but_no_layer() -> None:
    layers = {
        "init": {"type": "relu"},
        "block": {
            "type": "residual",
            "layers": {"init": {"type": "linear", "init": {"type": "zeros"}}},
            "projection": {"type": "linear", "init": {"type": "zeros"}},
        },
    }
    assert in_order(layers, leave_out="init") == [
        ("init", {"type": "relu"}),
        (
            "block",
            {"type": "residual", "layers": [("init", {"type": "linear"})], "projection": {"type": "linear"}},
        ),
    ]


def test_yaml_keeps_the_order_and_every_letter() -> None:
    assert to_yaml({"b": 1, "a": "ü"}) == "b: 1\na: ü\n"
