"""Layers of layers: their names, and what is told when shapes do not fit."""

import pytest
import torch

from runner.config.plain import Plain
from runner.errors import ConfigError
from tests.nn.layers.test_adopted import built, refused

IMAGE = (3, 8, 8)


def conv(out_channels: int, **more: object) -> Plain:
    return {"type": "conv2d", "out_channels": out_channels, "kernel_size": 3, "padding": 1, **more}


def test_names_tell_where_a_layer_is() -> None:
    layers = {
        "c": conv(4),
        "res": {"type": "residual", "layers": {"a": conv(4)}},
        "par": {"type": "parallel", "branches": {"x": conv(2), "y": conv(3)}},
        "rep": {"type": "repeat", "n": 2, "layers": {"c": conv(5, bias=False)}},
        "again": {"type": "share", "of": "rep.1.c"},
    }
    model, store = built(layers, IMAGE)
    assert list(store.addresses) == [
        "c.W", "c.b", "res.a.W", "res.a.b", "par.x.W", "par.x.b", "par.y.W", "par.y.b",
        "rep.0.c.W", "rep.1.c.W",
    ]  # fmt: skip
    assert model.forward(store, torch.randn(2, *IMAGE)).shape == (2, *model.out_shape)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (
            {"c": conv(4), "res": {"type": "residual", "layers": {"a": conv(8)}}},
            "model.layers.res: needs a projection, as its layers give [8, 8, 8]; it gets [4, 8, 8] from "
            "model.layers.c",
        ),
        (
            {"c": conv(4), "res": {"type": "residual", "layers": {"a": conv(8, in_channels=3)}}},
            "model.layers.res.layers.a: expects 3 channels, gets 4 from model.layers.c",
        ),
        (
            {"res": {"type": "residual", "layers": {"a": conv(8), "b": conv(8, in_channels=3)}}},
            "model.layers.res.layers.b: expects 3 channels, gets 8 from model.layers.res.layers.a",
        ),
        (
            {"rep": {"type": "repeat", "n": 2, "layers": {"a": conv(8, in_channels=3)}}},
            "model.layers.rep.layers.a: expects 3 channels, gets 8 from model.layers.rep.layers.a",
        ),
        (
            {"par": {"type": "parallel", "branches": {"x": conv(2), "f": {"type": "flatten"}}}},
            "model.layers.par: its branches give [2, 8, 8], [192], which it cannot put one behind the other "
            "along dimension 1; it gets [3, 8, 8] from data",
        ),
        (
            {"c": conv(4), "s": {"type": "share", "of": "d"}},
            "model.layers.s: shares 'd', no layer before it (c); it gets [4, 8, 8] from model.layers.c",
        ),
        (
            {"r": {"type": "residual", "layers": {"projection": conv(3)}, "projection": conv(3)}},
            "model.layers.r: has a layer and a projection of one name; it gets [3, 8, 8] from data",
        ),
        (
            {"r": {"type": "sequential", "layers": {"1st": conv(3)}}},
            "model.layers.r.layers.1st: '1st' should match pattern",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_the_layer_and_what_feeds_it(layers: Plain, told: str) -> None:
    assert refused(layers, IMAGE).startswith(told)


def test_layers_of_layers_need_at_least_one() -> None:
    with pytest.raises(ConfigError, match="should have at least 1 item"):
        built({"s": {"type": "sequential", "layers": {}}}, IMAGE)
