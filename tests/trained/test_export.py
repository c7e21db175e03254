"""Every model of ``conf/model`` as a file in every format gives what the model gives."""

from pathlib import Path

import numpy as np
import pytest
import torch

from runner.data.units import Units
from runner.trained.export import FORMATS, export
from runner.trained.serving import Predictor
from tests.sweep.composed import jobs_of
from tests.test_models import LARGE_IMAGES, MODELS, OTHER_DATA

pytestmark = pytest.mark.usefixtures("one_thread")


def predictor_of(name: str, mnist_root: Path) -> Predictor:
    data = f"data=mnist data.root={mnist_root}" if name in LARGE_IMAGES else OTHER_DATA.get(name, "")
    (job,) = jobs_of([f"model={name} {data}"])
    config, parts = job.config, job.parts
    parts.store.seal(torch.Generator().manual_seed(0))
    parts.store.params.normal_(std=0.2, generator=torch.Generator().manual_seed(2))  # some begin with zeros
    units = Units((3.0,), (100.0,)) if name == "regression" else None
    layers = config.plain["model"]["layers"]
    source = config.source
    return Predictor(parts.model, layers, parts.store, source.in_shape, source.task, {}, units)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_a_file_gives_what_the_model_gives(name: str, kind: str, mnist_root: Path, tmp_path: Path) -> None:
    predictor = predictor_of(name, mnist_root)
    generator = torch.Generator().manual_seed(1)
    path = tmp_path / f"model.{kind}"
    example = torch.rand(2, *predictor.in_shape, generator=generator)
    largest = export(predictor, example, kind, path)
    ask = FORMATS[kind].read(path, predictor)
    for size in (1, 5):
        batch = torch.rand(size, *predictor.in_shape, generator=generator)
        expected = predictor.predict(batch.numpy())
        assert abs(expected).max() > 0
        np.testing.assert_allclose(ask(batch), expected, atol=1e-4)
    assert largest < 1e-4
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
