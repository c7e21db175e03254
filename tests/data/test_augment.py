"""Images are changed at random while they are learnt from, and only then."""

from pathlib import Path

import pytest
import torch

import runner
from runner.data.augment import Augmentation, augmentation
from runner.data.batches import Batches, StackedBatches
from runner.data.dataset import Split

SPLIT = Split(torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(0)), torch.arange(20))
CPU = torch.device("cpu")
FLIP = {"type": "RandomHorizontalFlip"}
CROP = {"type": "RandomCrop", "size": 6, "padding": 2}


def made(*given: object) -> Augmentation:
    problems: list[str] = []
    found = augmentation("data.augment", given, (1, 6, 6), problems)
    assert not problems
    return found


def epochs(seed: int | None, count: int = 2) -> list[torch.Tensor]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batches = Batches(SPLIT, 8, generator, augmentation=made(CROP, FLIP))
    return [torch.cat([inputs.clone() for inputs, _ in batches]) for _ in range(count)]


def test_each_image_is_drawn_for_by_itself() -> None:
    flips = made(FLIP)
    batches = Batches(SPLIT, 20, None, augmentation=flips)
    ((inputs, _),) = batches
    is_flipped = [
        torch.equal(image, source.flip(-1)) for image, source in zip(inputs, SPLIT.samples, strict=True)
    ]
    is_same = [torch.equal(image, source) for image, source in zip(inputs, SPLIT.samples, strict=True)]
    assert sum(is_flipped) + sum(is_same) == 20
    assert 3 < sum(is_flipped) < 17


def test_each_epoch_changes_them_in_another_way_and_a_seed_names_them_all() -> None:
    for seed in (0, None):
        first, second = epochs(seed)
        assert not torch.equal(first, second)
        assert torch.equal(torch.cat(epochs(seed)), torch.cat([first, second]))
    assert not torch.equal(epochs(0)[0], epochs(1)[0])


def test_torchs_own_random_state_and_the_data_stay_as_they_are() -> None:
    before, samples = torch.get_rng_state(), SPLIT.samples.clone()
    epochs(0)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(SPLIT.samples, samples)


def test_a_member_of_a_stack_sees_what_it_would_see_alone() -> None:
    seeds = (3, None, 4)
    generators = [None if seed is None else torch.Generator().manual_seed(seed) for seed in seeds]
    stacked = StackedBatches(SPLIT, 8, generators, CPU, made(CROP, FLIP))
    both = [torch.cat([inputs.clone() for inputs, _ in stacked], dim=1) for _ in range(2)]
    for member, seed in enumerate(seeds):
        for epoch, alone in zip(both, epochs(seed), strict=True):
            assert torch.equal(epoch[member], alone)


@pytest.mark.parametrize(
    ("given", "in_shape", "message"),
    [
        (
            {"type": "RandomCropp"},
            (1, 6, 6),
            "data.augment.0.type: unknown 'RandomCropp'. Did you mean 'RandomCrop'",
        ),
        ({"type": "RandomCrop"}, (1, 6, 6), "data.augment.0: RandomCrop: .*size"),
        ({"type": "RandomCrop", "sizes": 6}, (1, 6, 6), "data.augment.0.sizes: unknown key.*'size'"),
        ({"type": "RandomCrop", "size": 5}, (1, 6, 6), r"makes \[1, 5, 5\] of images \[1, 6, 6\]"),
        ({"type": "RandomCrop", "size": 9}, (1, 6, 6), "does not work on images"),
        ({"type": "ToPILImage"}, (1, 6, 6), "makes Image of images"),
        (FLIP, (4,), r"is for images \[channels, height, width\], the samples are \[4\]"),
        ("RandomCrop", (1, 6, 6), "'RandomCrop' should be {type: <name"),
    ],
)
def test_what_cannot_be_done_is_told(given: object, in_shape: tuple[int, ...], message: str) -> None:
    problems: list[str] = []
    augmentation("data.augment", [given], in_shape, problems)
    (problem,) = problems
    with pytest.raises(runner.ConfigError, match=message):
        raise runner.ConfigError([problem])


def test_a_run_changes_what_it_trains_on_alone(in_tmp_path: Path) -> None:
    augment = "data.augment=[{type: RandomCrop, size: 8, padding: 1}]"
    result = runner.run(
        [augment, "train.epochs=3", "tracking.log_model=false", "tracking.pictures=false", "optim=momentum"]
    )
    trained = result.epochs[-1].metrics["train/accuracy"]
    assert result.final["final/train_accuracy"] > trained + 0.02
    with pytest.raises(runner.ConfigError, match=r"data.augment.0.type: unknown 'Crop'"):
        runner.run(["data.augment=[{type: Crop}]"])
