"""A checked config becomes the objects of one experiment."""

from dataclasses import dataclass
from fnmatch import filter as matching
from math import prod

import numpy as np
import torch

from runner.config.check import Config
from runner.errors import ConfigError, unknown
from runner.nn.layers.adopted import Adopted
from runner.nn.layers.layer import Layers, ShapeError
from runner.nn.layers.normalization import BatchNorm
from runner.nn.layers.sequential import Sequential
from runner.nn.store import ParameterStore
from runner.optim.clipping import Clipped
from runner.optim.groups import grouped
from runner.optim.rules import Rule
from runner.optim.skipping import Skipping
from runner.plugins.mistakes import mistakes_told
from runner.process import torchrun
from runner.types import Shape


@dataclass(frozen=True)
class Parts:
    """A model that knows its shapes, with a store that is not yet sealed, and where and how it will run."""

    model: Sequential
    store: ParameterStore
    device: torch.device
    init_generator: torch.Generator
    order_generator: torch.Generator
    noise_seed: int
    average: float | None


def build(config: Config) -> Parts:
    """Build everything that needs no data; no parameter has a value yet.

    Raises:
        ConfigError: if shapes don't fit together, or the device is not there or can't compute so.
    """
    store = ParameterStore()
    with mistakes_told(config.plugins, config.plain, before_run=True):
        model = build_model(config.layers, config.source.in_shape, store)
    if model.out_shape != config.source.out_shape:
        raise ConfigError(
            [
                f"model.layers.{list(model.layers)[-1]}: gives {list(model.out_shape)} a sample, "
                f"data.type '{config.plain['data']['type']}' needs {list(config.source.out_shape)}"
            ]
        )
    if config.train.batch_size == 1:
        refuse_lone_samples(model)
    if store.size == 0:
        raise ConfigError(["model.layers: none of them has parameters, so there is nothing to learn"])
    check_groups(config, store)
    device = find_device(config.device)
    if config.train.precision == "tf32" and device.type != "cuda":
        raise ConfigError(
            [f"train.precision: 'tf32' is for NVIDIA GPUs, not for {device}. Use float32 or bf16"]
        )
    init_seed, order_seed, noise_seed = np.random.SeedSequence(config.seed).generate_state(3)
    return Parts(
        model=model,
        store=store,
        device=device,
        init_generator=torch.Generator().manual_seed(int(init_seed)),
        order_generator=torch.Generator().manual_seed(int(order_seed)),
        noise_seed=int(noise_seed),
        average=config.train.average,
    )


def refuse_lone_samples(model: Sequential) -> None:
    """Refuse batches of one sample where a channel has but one value in each: no mean would ever be taken.

    Raises:
        ConfigError: naming the layers.
    """
    problems = [
        f"train.batch_size: 1 leaves the batch norm '{name}' one value a channel, it should be at least 2"
        for name, (layer, in_shape) in model.built.items()
        if (isinstance(layer, BatchNorm) or (isinstance(layer, Adopted) and layer.is_batch_norm))
        and prod(in_shape[1:]) == 1
    ]
    if problems:
        raise ConfigError(problems)


def check_groups(config: Config, store: ParameterStore) -> None:
    """Check that there are parameters in every group.

    Raises:
        ConfigError: naming the pattern that matches none.
    """
    names = [name for name, address in store.addresses.items() if address.trained]
    problems = [
        unknown(f"optim.groups.{place}.match", group.match, names, "no parameter matches")
        for place, group in enumerate(config.groups)
        if not matching(names, group.match)
    ]
    if problems:
        raise ConfigError(problems)


def rule_of(config: Config, parts: Parts) -> Rule:
    """The update rule for all parameters of the built model, with groups, clipping and skipping."""
    rule = config.rule
    if config.groups:
        sizes = {name: address.size for name, address in parts.store.addresses.items() if address.trained}
        rule = grouped(rule, config.groups, sizes, torch.empty((), device=parts.device))
    clip_norm, clip_value = config.optim.clip_norm, config.optim.clip_value
    if clip_norm or clip_value:
        rule = Clipped(rule, clip_norm, clip_value)
    return Skipping(rule) if config.train.on_divergence == "skip" else rule


def build_model(layers: Layers, in_shape: Shape, store: ParameterStore) -> Sequential:
    """Chain the layers from the data's shape on, each allocating its parameters under its own name.

    Raises:
        ConfigError: naming the layer that can't take what arrives.
    """
    try:
        return Sequential(store.scope(), in_shape, layers=layers)
    except ShapeError as error:
        before = f"model.{error.before}" if error.before else "data"
        raise ConfigError([f"model.{error.place}: {error.told} from {before}"]) from error


def find_device(name: str) -> torch.device:
    """``auto`` is the GPU where there is one; torchrun gives each of its processes another.

    Raises:
        ConfigError: if ``cuda`` is asked for and torch sees none, or too few for torchrun's processes.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError(["device: 'cuda' is not here, torch sees no GPU. Use auto or cpu"])
    if not available or name == "cpu":
        return torch.device("cpu")
    index, count = torchrun.local_rank(), torch.cuda.device_count()
    if index >= count:
        raise ConfigError([f"device: no GPU for worker {index}, there are {count}. Start fewer, or use cpu"])
    torch.cuda.set_device(index)
    return torch.device("cuda", index)
