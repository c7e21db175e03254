"""What layers say of samples that they can't take, and of arguments that don't go together."""

from typing import Any

import pytest
import torch

from runner.nn.layers.embedding import Embedding
from runner.nn.layers.layer import ShapeError
from runner.nn.layers.prelu import PReLU
from runner.nn.layers.shape import Reshape
from runner.nn.store import ParameterStore
from runner.registry import LAYERS

REFUSED: list[tuple[str, tuple[int, ...], dict[str, Any], str]] = [
    ("bilinear", (3,), {"out_features": 2, "in_features": 4}, "expects 4 inputs, gets 3"),
    ("bilinear", (), {"out_features": 2}, "gets a single number"),
    ("embedding", (3,), {"num_embeddings": 4, "embedding_dim": 2, "padding_idx": 4}, "none is padding_idx 4"),
    ("conv1d", (2, 3, 4), {"out_channels": 2, "kernel_size": 3}, r"sequences \[channels, length\], gets"),
    ("conv2d", (3, 4), {"out_channels": 2, "kernel_size": 3}, r"images \[channels, height, width\], gets"),
    ("conv3d", (3, 4), {"out_channels": 2, "kernel_size": 3}, "volumes .* gets"),
    ("conv2d", (1, 4, 4), {"out_channels": 2, "kernel_size": (1, 2, 3)}, "one number or 2 for kernel_size"),
    (
        "conv2d",
        (1, 4, 4),
        {"out_channels": 2, "kernel_size": 5},
        r"window of \[5, 5\], gets images of \[4, 4\]",
    ),
    ("conv1d", (3, 4), {"out_channels": 2, "kernel_size": 3, "groups": 2}, "cannot part 3 channels"),
    ("conv1d", (3, 4), {"out_channels": 2, "kernel_size": 3, "in_channels": 2}, "expects 2 channels, gets 3"),
    (
        "conv2d",
        (1, 4, 4),
        {"out_channels": 1, "kernel_size": 3, "padding": "same", "stride": 2},
        "'same' with stride 1 alone",
    ),
    (
        "conv1d",
        (1, 2),
        {"out_channels": 1, "kernel_size": 3, "padding": 2, "padding_mode": "reflect"},
        r"cannot add 2 of 2 in padding_mode 'reflect', gets \[1, 2\]",
    ),
    ("conv_transpose2d", (1, 2, 2), {"out_channels": 1, "kernel_size": 2, "padding": 2}, "leaves nothing"),
    ("conv_transpose2d", (1, 2, 2), {"out_channels": 1, "kernel_size": 2, "output_padding": 1}, "less than"),
    ("max_pool1d", (3, 4), {"kernel_size": 2, "padding": 2}, "up to half its window"),
    ("avg_pool2d", (3, 4), {"kernel_size": 2}, "expects images"),
    ("adaptive_avg_pool1d", (3,), {"output_size": 1}, "expects sequences"),
    ("batch_norm1d", (3, 4, 4), {}, r"\[channels\] or \[channels, length\], gets"),
    ("batch_norm2d", (3, 4), {}, "expects images"),
    ("batch_norm2d", (3, 4, 4), {"num_features": 4}, "expects 4 channels, gets 3"),
    ("layer_norm", (3, 4), {"normalized_shape": (4, 3)}, r"end in \[4, 3\], gets \[3, 4\]"),
    ("rms_norm", (), {}, "gets"),
    ("group_norm", (3, 4), {"num_groups": 2}, "cannot part channels into 2 groups"),
    ("dropout2d", (3, 4), {}, "expects images"),
    ("gru", (3,), {"hidden_size": 2}, "expects sequences"),
    ("rnn", (3, 2), {"hidden_size": 2, "input_size": 3}, "expects steps of 3 inputs, gets 2"),
    ("sinusoidal_encoding", (3,), {}, "expects sequences"),
    ("reshape", (3, 2), {"shape": (4, -1)}, r"cannot make \[4, -1\] of 6 values"),
    ("reshape", (3, 2), {"shape": (-1, -1)}, "cannot make"),
    ("permute", (3, 2), {"dims": (1, 3)}, "orders dimensions"),
    ("prelu", (3, 2), {"num_parameters": 2}, "expects 2 channels"),
    ("softmax", (3, 2), {"dim": 3}, "along dimension 3, gets 2"),
    ("glu", (3,), {}, r"halves dimension 1, gets \[3\]"),
    ("hardtanh", (3,), {"min_val": 1.0}, "less than max_val"),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "told"), REFUSED)
def test_what_does_not_fit_is_refused_in_words(
    name: str, shape: tuple[int, ...], arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ShapeError, match=told):
        LAYERS[name](ParameterStore().scope("layer"), shape, **arguments)


def test_a_padding_index_stands_for_nothing_and_learns_nothing() -> None:
    store = ParameterStore()
    layer = Embedding(store.scope(), (3,), num_embeddings=4, embedding_dim=2, padding_idx=1)
    store.seal(torch.Generator().manual_seed(0))
    out = layer.forward(store, torch.tensor([[0.0, 1.0, 3.0]]))
    assert torch.equal(out[0, 1], torch.zeros(2))
    store.backward(out.sum())
    assert store.grads.view(4, 2).tolist() == [[1, 1], [0, 0], [0, 0], [1, 1]]


def test_prelu_has_one_slope_for_all_channels_unless_told() -> None:
    store = ParameterStore()
    layer = PReLU(store.scope(), (3, 2), init=0.5)
    store.seal(torch.Generator())
    assert torch.equal(layer.forward(store, -torch.ones(1, 3, 2)), torch.full((1, 3, 2), -0.5))


def test_one_size_of_a_shape_may_follow_from_the_others() -> None:
    assert Reshape(ParameterStore().scope(), (2, 6), shape=(3, -1, 2)).out_shape == (3, 2, 2)
