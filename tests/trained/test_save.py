"""A trained model that is written down."""

from pathlib import Path

import pytest
import torch

from runner.build import build
from runner.config.check import check
from runner.config.compose import compose_run
from runner.prepare import draw_parameters, load
from runner.process.parallel import ALONE
from runner.trained.save import save_model
from runner.training.loop import Epoch


@pytest.mark.usefixtures("one_thread")
def test_what_a_process_that_was_killed_has_left_is_no_part_of_a_model(tmp_path: Path) -> None:
    config = check(compose_run(["data=iris"], None).plain)
    parts, data = build(config), load(config, torch.device("cpu"), ALONE)
    draw_parameters(parts)
    folder = tmp_path / ".model"
    folder.mkdir()
    (folder / ".tmpAB12").write_bytes(b"half of the weights")
    save_model(folder, config, parts.store, data, Epoch(1, {"test/loss": 0.5}))
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.json", "weights.safetensors", "table.json", "inputs.json"}
