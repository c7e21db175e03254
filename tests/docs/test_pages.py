"""Whoever follows README or a page of docs/ line by line gets what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag

import pytest
import yaml

from benchmarks.server import mlflow_server
from runner.config.compose import conf_folder
from tests.conftest import REPOSITORY
from tests.docs.otherwise import OTHERWISE
from tests.docs.page import PAGES, anchors, blocks, links
from tests.docs.reader import Reader, store_in

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server."""
    with mlflow_server(tmp_path_factory.mktemp("server"), 1) as address:
        yield address


@pytest.mark.slow
@pages
def test_what_a_page_says_works_from_its_first_line_to_its_last(
    page: Path, tmp_path: Path, ready_store: Path, request: pytest.FixtureRequest
) -> None:
    store_in(tmp_path, ready_store)
    address = request.getfixturevalue("server") if "http://localhost:5000" in page.read_text() else ""
    reader = Reader(tmp_path, address)
    for block in blocks(page):
        reader.take(block)
    assert not reader.failures, "\n\n".join(reader.failures)


@pages
def test_every_block_is_of_a_kind_that_the_tests_know(page: Path) -> None:
    for block in blocks(page):
        assert block.language in ("sh", "python", "yaml", "text"), f"line {block.line}"
        if block.language == "yaml":
            assert block.file, f"line {block.line}: a block of YAML begins with the name of its file"
            assert yaml.safe_load(block.text)
        if block.language == "python":
            compile(block.text, f"{page.name}, line {block.line}", "exec")


@pages
def test_every_file_that_a_page_shows_is_used_by_a_command_after_it(page: Path) -> None:
    shown = list(blocks(page))
    for place, block in enumerate(shown):
        if block.file is not None:
            later = " ".join(each.text for each in shown[place + 1 :] if each.language in ("sh", "text"))
            assert Path(block.file).stem in later, f"line {block.line}: {block.file}"


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, anchor = urldefrag(link)
        if path.startswith("https://"):
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_readme() -> None:
    reached = {(REPOSITORY / urldefrag(link)[0]).resolve() for link in links(PAGES[0])}
    assert set(PAGES[1:]) <= reached


def test_every_exception_is_one_of_some_command() -> None:
    typed = [part for page in PAGES for block in blocks(page) for line in block.commands
             for part in line.split(" && ")]  # fmt: skip
    for each in OTHERWISE:
        assert any(re.search(each.pattern, command) for command in typed), each.pattern


def test_readme_fits_three_screens_and_begins_with_two_commands() -> None:
    assert len(PAGES[0].read_text().splitlines()) <= 150
    first, second = [block.commands for block in blocks(PAGES[0]) if block.language == "sh"][:2]
    assert len(first) == len(second) == 1


def test_readme_names_all_that_there_is() -> None:
    text = PAGES[0].read_text()
    for group in ("model", "loss", "optim", "schedule", "data"):
        for file in (conf_folder() / group).iterdir():
            assert f"`{file.stem}`" in text, f"{group}={file.stem}"
