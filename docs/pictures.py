"""``python -m docs.pictures``: makes the pages' pictures anew, with the program itself (a minute).

``sweep.png`` is what README's sweep leaves; ``store.png`` and ``stack.png`` are drawn from real stores.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from matplotlib.axes import Axes

from runner.build import build
from runner.config.check import check
from runner.config.compose import compose_run
from runner.nn.stacked_store import StackedStore, stacked
from runner.nn.store import ParameterStore
from runner.pictures.figure import NAMED, new_figure, save
from runner.prepare import draw_parameters

FOLDER = Path(__file__).with_name("pictures")
README = Path(__file__).resolve().parent.parent / "README.md"

MEMBERS = 8
"""How many models the picture of a stack shows."""


def main(folder: Path = FOLDER) -> None:
    """Make all pictures."""
    folder.mkdir(exist_ok=True)
    draw_sweep(folder / "sweep.png")
    stores = [mlp(seed) for seed in range(MEMBERS)]
    draw_store(stores[0], folder / "store.png")
    draw_stack(stacked(stores), folder / "stack.png")


def sweep_command() -> list[str]:
    """README's sweep, as it is typed there."""
    (line,) = (line for line in README.read_text().splitlines() if line.startswith("runner -m "))
    return shlex.split(line)[1:]


def draw_sweep(path: Path) -> None:
    """Run README's sweep in an empty folder, and take the learning curves that it leaves."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "runner", *sweep_command()]
        environment = {**os.environ, "PYTHONPATH": str(README.parent)}
        subprocess.run(command, cwd=folder, env=environment, check=True)
        (made,) = Path(folder, "outputs", "sweeps").rglob("learning_curves.png")
        path.write_bytes(made.read_bytes())


def mlp(seed: int) -> ParameterStore:
    """The parameters of a small perceptron, as a run has them before its first step."""
    small = ["model.layers.l1.out_features=8", "data=iris", f"seed={seed}"]
    config = check(compose_run(small, None).plain)
    parts = build(config)
    draw_parameters(parts)
    return parts.store


def draw_store(store: ParameterStore, path: Path) -> None:
    """The buffer of parameters as a strip of its values, each address above its slice."""
    figure = new_figure(8, 1.6)
    axes = figure.add_subplot()
    strip(axes, store.params[None], store)
    axes.set_yticks([])
    save(figure, path)


def draw_stack(store: StackedStore, path: Path) -> None:
    """The buffer of a stack: a row a member."""
    figure = new_figure(8, 2.6)
    axes = figure.add_subplot()
    strip(axes, store.params, store)
    axes.set_ylabel("member")
    save(figure, path)


def strip(axes: Axes, values: torch.Tensor, store: ParameterStore) -> None:
    """Values ``[rows, P]`` as colours, and where each address begins and ends."""
    axes.imshow(values.numpy(), aspect="auto", cmap="coolwarm", interpolation="nearest")
    above = axes.get_xaxis_transform()  # across by places, up by the axes' height
    for color, address in zip(NAMED, store.addresses.values(), strict=False):
        begin, end = address.offset - 0.5, address.offset + address.size - 0.5
        axes.axvline(begin, color="black", linewidth=1)
        axes.plot(
            [begin + 0.2, end - 0.2], [1.06] * 2, color=color, linewidth=4, clip_on=False, transform=above
        )
        place, side = (end, "right") if address.size < 5 else ((begin + end) / 2, "center")
        label = f"{address.name} {list(address.shape)}"
        axes.text(place, 1.13, label, ha=side, fontsize="small", transform=above)
    axes.set_xlabel("place in the buffer")


if __name__ == "__main__":
    main()
