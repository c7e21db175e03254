"""What training needs beside the built parts: data, and first values of the parameters."""

import torch

from runner.build import Parts
from runner.config import Config
from runner.data.dataset import Dataset
from runner.errors import RunnerError
from runner.parallel import Workers


def load(config: Config, device: torch.device, workers: Workers) -> Dataset:
    """The data, as many training samples of it as the config wants, on the device.

    Raises:
        DataError: if it cannot be had.
    """
    with workers.first_goes_first():  # who may have to download it
        data = config.source.load()
    return Dataset(data.train.first(config.limit).to(device), data.test.to(device))


def draw_parameters(parts: Parts) -> None:
    """Give every parameter its first value.

    Raises:
        RunnerError: if there is not enough memory.
    """
    try:
        parts.store.seal(parts.init_generator, parts.device)
        seed_noise(parts)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise RunnerError(f"model: does not fit into memory: {error}") from error


def seed_noise(parts: Parts) -> None:
    """Let layers that draw at random draw the same in each run of a seed: on a GPU torch's own generator."""
    if parts.device.type == "cpu":
        parts.store.generator = torch.Generator().manual_seed(parts.noise_seed)
    else:
        torch.cuda.manual_seed(parts.noise_seed)
