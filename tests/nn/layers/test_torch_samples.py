"""Layers on the samples that torch tests its own modules with: what a config can say gives the same."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from runner.config.components import layer
from runner.nn.layers.adopted import PREFIX, arguments_of, module_names
from runner.nn.layers.layer import Layer
from runner.nn.store import ParameterStore
from runner.registry import BUILT_IN
from tests.conftest import REPOSITORY
from tests.nn.layers.torch_samples import Sample
from tests.nn.layers.twins import NOT_OURS, TWINS

pytestmark = pytest.mark.slow  # torch takes seconds to make its samples

FIXED: Mapping[str, dict[str, object]] = {key: {"output": "sequence"} for key in ("rnn", "lstm", "gru")}
"""What torch's modules do without being told."""

OWN_SAMPLES: Mapping[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "AlphaDropout": ({"p": 0.3}, (2, 3)),
    "ChannelShuffle": ({"groups": 2}, (4, 3, 3)),
    "CrossMapLRN2d": ({"size": 3}, (4, 3, 3)),
    "Dropout": ({"p": 0.3}, (2, 3)),
    "Dropout1d": ({"p": 0.3}, (2, 3)),
    "Dropout2d": ({"p": 0.3}, (2, 3, 3)),
    "Dropout3d": ({"p": 0.3}, (2, 3, 3, 2)),
    "FeatureAlphaDropout": ({"p": 0.3}, (2, 3)),
    "Flatten": ({"start_dim": 2}, (2, 3, 4)),
    "Fold": ({"output_size": (4, 5), "kernel_size": (2, 2)}, (12, 12)),
    "Hardsigmoid": ({}, (2, 3)),
    "PixelShuffle": ({"upscale_factor": 2}, (4, 3, 3)),
    "PixelUnshuffle": ({"downscale_factor": 2}, (1, 4, 4)),
    "RReLU": ({}, (2, 3)),
    "Unflatten": ({"dim": 1, "unflattened_size": (2, 3)}, (6,)),
    "Unfold": ({"kernel_size": (2, 2)}, (2, 3, 4)),
    "Upsample": ({"scale_factor": 2}, (2, 3, 3)),
    "UpsamplingBilinear2d": ({"scale_factor": 2}, (2, 3, 3)),
    "UpsamplingNearest2d": ({"scale_factor": 2}, (2, 3, 3)),
}
"""Of modules that torch has no samples for."""

NOT_COMPARED: Mapping[str, tuple[str, ...]] = {
    "takes several inputs": (
        *("AdaptiveLogSoftmaxWithLoss", "Bilinear", "CosineSimilarity", "PairwiseDistance"),
        *("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "MultiheadAttention"),
        *("Transformer", "TransformerDecoder", "TransformerDecoderLayer"),
        *("RNNCell", "LSTMCell", "GRUCell"),
    ),
    "computes nothing by itself": (
        *("ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase"),
    ),
    "takes a module as argument": ("TransformerEncoder",),
    "takes integers alone": ("Embedding", "EmbeddingBag"),
    "is for several processes": ("SyncBatchNorm",),
    "is told random numbers in torch's samples": ("FractionalMaxPool2d", "FractionalMaxPool3d"),
}
"""Modules that are left out, and why; so are losses, and those that learn their shapes as they go (Lazy…)."""


def is_compared(name: str) -> bool:
    """Whether a model could have the module as a layer, and there are samples for it."""
    named = any(name in names for names in NOT_COMPARED.values())
    return not (named or "Loss" in name or name.startswith("Lazy"))


ADOPTED = [name for name in module_names() if is_compared(name)]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    file = tmp_path_factory.mktemp("samples") / "samples.pt"
    names = [*TWINS.values(), *ADOPTED]
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.nn.layers.torch_samples", str(file), *names],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"torch's private samples are not there: {made.stderr.strip().splitlines()[-1]}")
    return [Sample(**fields) for fields in torch.load(file, weights_only=False)]


@pytest.fixture(autouse=True)
def _draws_of_its_own() -> Iterator[None]:
    """Torch's own generator is what it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        yield


def usable(samples: list[Sample], name: str) -> list[Sample]:
    """Those with one input, a batch of samples; of a recurrent module single sequences, as a batch of one."""
    own = [sample for sample in samples if sample.module == name and len(sample.inputs) == 1]
    if name in ("RNN", "LSTM", "GRU"):
        return [one_sequence(sample) for sample in own if not sample.arguments.get("proj_size")]
    batched = [sample for sample in own if "no_batch_dim" not in sample.told and sample.inputs[0].dim() > 1]
    return [sample for sample in batched if (name, sample.told) != ("MaxPool2d", "3d_input")]


def one_sequence(sample: Sample) -> Sample:
    assert sample.inputs[0].dim() == 2
    arguments = {key: value for key, value in sample.arguments.items() if key != "proj_size"}
    return Sample(sample.module, arguments | {"batch_first": True}, [sample.inputs[0].unsqueeze(0)], "")


def own_sample(name: str) -> list[Sample]:
    if name not in OWN_SAMPLES:
        return []
    arguments, shape = OWN_SAMPLES[name]
    return [Sample(name, arguments, [torch.randn(3, *shape, dtype=torch.float64)], "")]


def cannot_be_said(value: object) -> bool:
    """Sizes that stay what they are, and a momentum that makes a mean of all batches."""
    return value is None or (isinstance(value, tuple) and None in value)


def built(config: dict[str, Any], shape: tuple[int, ...]) -> tuple[Layer, ParameterStore]:
    problems: list[str] = []
    build = layer(BUILT_IN, "layer", config, problems)
    assert not problems
    assert build is not None
    store = ParameterStore()
    made = build(store.scope(), shape)
    store.seal(torch.Generator(), dtype=torch.float64)
    store.generator = torch.Generator().manual_seed(2)
    return made, store


def check_same(made: Layer, store: ParameterStore, module: nn.Module, x: Tensor) -> None:
    """Outputs, their gradients by x, and outputs of what was trained so."""
    for learning in (True, False):
        module.train(learning)
        store.training = learning
        ours, theirs = (x.clone().requires_grad_(x.is_floating_point()) for _ in range(2))
        torch.manual_seed(2)
        output = made.forward(store, ours)
        torch.manual_seed(2)
        expected = module(theirs)
        expected = expected[0] if isinstance(expected, tuple) else expected
        torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12, equal_nan=True)
        assert output.shape == (len(x), *made.out_shape)
        if expected.requires_grad:
            torch.autograd.backward(output.square().sum())
            torch.autograd.backward(expected.square().sum())
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", TWINS)
def test_a_layer_gives_what_its_torch_module_gives(name: str, samples: list[Sample]) -> None:
    compared = 0
    for sample in usable(samples, TWINS[name]):
        arguments = {key: value for key, value in sample.arguments.items() if key != "batch_first"}
        if arguments.keys() & NOT_OURS or any(cannot_be_said(value) for value in arguments.values()):
            continue
        module = getattr(nn, TWINS[name])(**sample.arguments).double()
        config = {"type": name, **arguments, **FIXED.get(name, {})}
        made, store = built(config, tuple(sample.inputs[0].shape[1:]))
        for ours, theirs in zip(store.named_parameters().values(), module.parameters(), strict=True):
            ours.copy_(theirs.detach().T if name == "linear" and theirs.dim() == 2 else theirs.detach())
        check_same(made, store, module, sample.inputs[0])
        compared += 1
    assert compared > 0


@pytest.mark.parametrize("name", ADOPTED)
def test_an_adopted_module_gives_what_it_gives(name: str, samples: list[Sample]) -> None:
    compared = 0
    for sample in own_sample(name) or usable(samples, name):
        arguments = dict(sample.arguments)
        if "batch_first" in arguments_of(getattr(nn, name)):
            arguments["batch_first"] = True  # as samples come
        if "return_indices" in arguments or arguments.get("momentum", 0) is None:  # looks at values
            continue
        module = getattr(nn, name)(**arguments).double()
        made, store = built({"type": PREFIX + name, **arguments}, tuple(sample.inputs[0].shape[1:]))
        values = dict([*module.named_parameters(), *module.named_buffers()])
        for entry, ours in store.state_dict().items():
            ours.copy_(values[entry].detach())
        check_same(made, store, module, sample.inputs[0])
        compared += 1
    assert compared > 0
