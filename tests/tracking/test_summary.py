"""The table of a model counts what is trained, layer by layer and in total."""

from runner.tracking.console import as_text
from runner.tracking.terminal import summary
from tests.sweep.composed import jobs_of


def test_rows_add_up_to_the_total_where_layers_have_buffers() -> None:
    (job,) = jobs_of(["model=cnn model.layers.c1.out_channels=3"])
    lines = as_text(summary(job.parts.model, job.parts.store)).splitlines()
    counts = [int(line.split()[-1].replace(",", "")) for line in lines[1:] if line.split()[-1][-1] != "]"]
    *rows, total = counts
    assert any(not address.trained for address in job.parts.store.addresses.values())
    assert sum(rows) == total == job.parts.store.size
