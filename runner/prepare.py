"""What training needs beside the built parts: data, and first values of the parameters."""

import json
from dataclasses import replace

import torch

from runner.build import Parts
from runner.config.check import Config
from runner.config.schema import Train
from runner.data.absent_classes import report_absent_classes
from runner.data.dataset import Dataset
from runner.data.digest import digest_of
from runner.data.mixup import Mixup
from runner.data.pixels import INPUTS, Inputs
from runner.data.soundness import refuse_unsound
from runner.data.validation import with_validation
from runner.errors import DataError, RunnerError
from runner.nn.layers.embedding import Embedding
from runner.nn.layers.sequential import Sequential
from runner.nn.losses import Loss, balanced
from runner.process.parallel import Workers
from runner.process.room import free_memory, room_for
from runner.tracking.data_input import DataInput


def load(config: Config, device: torch.device, workers: Workers) -> Dataset:
    """The data as the config wants it, on the device.

    Raises:
        DataError: if it cannot be had, or nothing can be learnt from it.
        RunnerError: if there is not enough memory.
    """
    with room_for("data"):
        return loaded(config, device, workers)


def loaded(config: Config, device: torch.device, workers: Workers) -> Dataset:
    """The same, without a word of memory."""
    with workers.first_goes_first():  # who may have to download it
        data = config.source.load()
    if config.source.task == "multilabel":
        data = data.with_labels()
    refuse_unsound(config.plain["data"]["type"], config.source, data)
    data = replace(data, train=data.train.first(config.data.limit))
    if config.data.val is not None and data.val is None:  # else its source has set it apart
        data = with_validation(data, config.data.val, config.data.val_seed)
    if workers.rank == 0:
        report_absent_classes(config.source, data)
    learnt = Inputs.of(data.train.samples, are_pixels=data.train.scale is not None, let_go=data.train.let_go)
    data = shortened(
        replace(data, preprocessing={**data.preprocessing, INPUTS: learnt.to_json()}), config.train
    )
    mixup = None if config.data.mixup is None else Mixup(config.data.mixup)
    return replace(data, augmentation=config.augmentation, mixup=mixup, digest=digest_of(data)).to(device)


def loss_of(config: Config, data: Dataset) -> Loss:
    """The loss; class weights that it takes from the data are those of the training part."""
    if config.source.task != "classification":  # whose targets may be larger than memory
        return config.loss
    return balanced(config.loss, data.train.expected, config.source.out_shape[-1])


def refuse_foreign_indices(model: Sequential, data: Dataset) -> None:
    """Hold data against the embedding that they go to first, if the model begins with one.

    Raises:
        DataError: if there are indices that it has not.
    """
    name, layer = next(iter(model.layers.items()))
    if not isinstance(layer, Embedding):
        return
    for part, split in (("train/", data.train), *data.held_out):
        low, high = (each.item() for each in split.samples.aminmax())
        if low <= -1 or high >= layer.num_embeddings:
            raise DataError(
                f"model.layers.{name}: has the indices 0 to {layer.num_embeddings - 1}, "
                f"the {part.removesuffix('/')} part of the data has {low:g} to {high:g}"
            )


def shortened(data: Dataset, train: Train) -> Dataset:
    """As much of the data as is wanted for a look at whether training works."""
    if train.fast_dev_run:
        val = data.val.first(train.batch_size) if data.val is not None else None
        few, tested = data.train.first(train.batch_size), data.test.first(train.batch_size)
        return replace(data, train=few, test=tested, val=val)
    if train.overfit_batches is not None:
        few = data.train.first(train.overfit_batches * train.batch_size)
        return replace(data, train=few, test=few, val=None)
    return data


def input_of(config: Config, data: Dataset) -> DataInput:
    """What is to be said of the data that a run learns from."""
    sizes = {prefix.removesuffix("/"): len(split) for prefix, split in data.held_out}
    return DataInput(
        settings=config.plain["data"],
        digest=data.digest,
        sizes={"train": len(data.train)} | sizes,
        in_shape=config.source.in_shape,
        out_shape=config.source.out_shape,
    )


def identity_of_data(config: Config) -> str:
    """What ``load`` depends on: configs that agree in it can share the data."""
    train = config.train
    shortening = (train.batch_size, train.overfit_batches) if train.overfit_batches else None
    dev_run = train.batch_size if train.fast_dev_run else None
    code = [plugin.digest for plugin in config.plugins]
    return json.dumps([config.plain["data"], code, shortening, dev_run], sort_keys=True)


def draw_parameters(parts: Parts) -> None:
    """Give every parameter its first value.

    Raises:
        RunnerError: if there is not enough memory.
    """
    size = 2 * 4 * parts.store.size  # values and gradients, float32
    if parts.device.type == "cpu" and size > (memory := free_memory()):
        raise RunnerError(
            f"model: does not fit into memory: no room for {parts.store.size:,} parameters and their "
            f"gradients, {size / 2**30:,.1f} GiB of {memory / 2**30:,.1f} GiB"
        )
    with room_for("model"):
        parts.store.seal(parts.init_generator, parts.device)
        parts.store.training = False  # but within a step
        if parts.average is not None:
            parts.store.keep_average(parts.average)
