"""The pages' pictures are made by the program."""

from pathlib import Path

import pytest
from PIL import Image

from docs import pictures
from docs.pictures import FOLDER, MEMBERS, draw_stack, draw_store, mlp
from runner.nn.stacked_store import stacked
from tests.docs.page import PAGES, links


@pytest.mark.slow
def test_the_store_and_a_stack_are_drawn_from_real_ones(in_tmp_path: Path) -> None:
    stores = [mlp(seed) for seed in range(MEMBERS)]
    assert [len(stacked(stores)), stores[0].size] == [8, 67], "of 4-8-3"
    draw_store(stores[0], in_tmp_path / "store.png")
    draw_stack(stacked(stores), in_tmp_path / "stack.png")
    for name in ("store.png", "stack.png"):
        assert size_of(in_tmp_path / name) == size_of(FOLDER / name)


def size_of(path: Path) -> tuple[int, int]:
    """A picture's width and height."""
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.slow
def test_one_command_makes_every_picture_that_a_page_shows(in_tmp_path: Path) -> None:
    pictures.main(in_tmp_path)
    made = {path.name for path in in_tmp_path.glob("*.png")}
    shown = {Path(link).name for page in PAGES for link in links(page) if link.endswith(".png")}
    assert made == shown == {path.name for path in FOLDER.iterdir()}
