"""Images changed at random while they are learnt from."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from runner.errors import unknown
from runner.types import Shape

NOT_FOR_CONFIGS = {"transforms", "lambd"}
"""Arguments that YAML can't say."""

TORCHS_OWN = Lock()
"""Held by who draws from torch's own random state, which is all that torchvision draws from."""


@dataclass(frozen=True)
class Augmentation:
    """Transforms of ``torchvision.transforms.v2`` one after the other, drawn anew for each image.

    They can't be recorded, so they are no part of a training step.

    Args:
        transforms: each takes and gives an image ``[channels, height, width]`` of the same shape.
    """

    transforms: Sequence[Callable[[Tensor], Tensor]]

    def __call__(self, images: Tensor, seeds: Tensor) -> None:
        """Change images ``[…, channels, height, width]`` where they are; ``seeds`` ``[…]`` say how."""
        with TORCHS_OWN, torch.random.fork_rng(devices=[]):
            for image, seed in zip(images.flatten(0, -4), seeds.flatten().tolist(), strict=True):
                torch.default_generator.manual_seed(seed)
                image.copy_(self.apply(image))

    def apply(self, image: Tensor) -> Tensor:
        """One image, changed."""
        for transform in self.transforms:
            image = transform(image)
        return image


def augmentation(path: str, given: Sequence[Any], in_shape: Shape, problems: list[str]) -> Augmentation:
    """Look ``[{type: <name>, <arguments>}, …]`` up, and try them on a black image.

    Adds to ``problems`` what is wrong with them. ``path`` is where they stand in the config.
    """
    found = len(problems)
    transforms = [transform(f"{path}.{place}", each, problems) for place, each in enumerate(given)]
    augmented = Augmentation([each for each in transforms if each is not None])
    if given and len(problems) == found:
        problems += refusals(path, augmented, in_shape)
    return augmented


def transform(path: str, given: Any, problems: list[str]) -> Callable[[Tensor], Tensor] | None:
    """Make one transform, or add to ``problems`` and return None."""
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        problems.append(f"{path}: {given!r} should be {{type: <name of torchvision.transforms.v2>, …}}")
        return None
    known = known_transforms()
    if given["type"] not in known:
        problems.append(unknown(f"{path}.type", given["type"], known))
        return None
    kind = known[given["type"]]
    arguments = {name: value for name, value in given.items() if name != "type"}
    parameters = inspect.signature(kind).parameters
    wrong = [
        unknown(f"{path}.{name}", name, parameters, "unknown key") for name in arguments.keys() - parameters
    ]
    problems += wrong
    try:
        made: Callable[[Tensor], Tensor] | None = None if wrong else kind(**arguments)
    except (TypeError, ValueError) as error:
        problems.append(f"{path}: {given['type']}: {error}")
        return None
    return made


def known_transforms() -> dict[str, Callable[..., Any]]:
    """Torchvision's transforms that a config can describe."""
    from torchvision.transforms import v2  # takes a second

    return {
        name: kind
        for name, kind in vars(v2).items()
        if inspect.isclass(kind)
        and issubclass(kind, v2.Transform)
        and not inspect.signature(kind).parameters.keys() & NOT_FOR_CONFIGS
    }


def refusals(path: str, augmented: Augmentation, in_shape: Shape) -> list[str]:
    """What is wrong with transforms for images of a shape."""
    if len(in_shape) != 3:
        return [f"{path}: is for images [channels, height, width], the samples are {list(in_shape)}"]
    try:
        with TORCHS_OWN, torch.random.fork_rng(devices=[]):
            changed = augmented.apply(torch.zeros(in_shape))
    except Exception as error:  # whatever torchvision says
        return [f"{path}: does not work on images {list(in_shape)}: {' '.join(str(error).split())}"]
    if not isinstance(changed, Tensor) or changed.shape != in_shape or not changed.is_floating_point():
        told = list(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        return [f"{path}: makes {told} of images {list(in_shape)}; they should stay what they are"]
    return []
