"""What a run's page in MLflow says of it in words: Markdown, put together from what is told of the run."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from runner.config.plain import Plain
from runner.objective import cost
from runner.process.launch import Launch
from runner.process.masking import masked, masked_values
from runner.tracking.console import PARTS
from runner.tracking.data_input import DataInput
from runner.tracking.location import which_store
from runner.tracking.outcome import Status

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""

RUN_ID = "<run id>"
"""Stands for it in a note, which is written before the store has given the run one."""

LENGTH, COMMAND_LENGTH, REASON_LENGTH, PART_LENGTH, ROWS = 4900, 1200, 1200, 200, 16
"""Characters of a note, since some stores take no tag of more than 5,000, of a command, of a reason, and of
what is said of a part; metrics that it tells of."""

NO_RESULT = "**No result yet.** The run is in training, or its process has vanished, as its status says."


class Note:
    """Hears what is told of a run, and writes it up.

    Args:
        plain: the resolved config; of a job that can't be trained it may be a wrong one.
        launch: how the run was started.
        tags: what it is tagged with.

    Attributes:
        data: what it learns from, as soon as that is known.
    """

    def __init__(self, plain: Plain, launch: Launch, tags: Mapping[str, str]) -> None:
        self._plain, self._launch, self._tags = masked_values(plain), launch, tags
        self._uri = at(plain, "tracking", "uri")
        self.data: DataInput | None = None
        self._last: tuple[int, Mapping[str, float]] = (0, {})
        self._best: tuple[int, Mapping[str, float]] = (0, {})
        self._final: dict[str, float] = {}
        self._seconds = 0.0

    def measure(self, values: Mapping[str, float], step: int) -> None:
        """Hear of metrics."""
        self._final |= {name: value for name, value in values.items() if name.startswith("final/")}
        epoch = {name: value for name, value in values.items() if name.startswith(PARTS)}
        if not epoch:
            return
        objective = str(self._plain.get("objective"))
        if self._last[0] == 0 or cost_of(objective, epoch) < cost_of(objective, self._best[1]):
            self._best = (step, epoch)
        self._last = (step, epoch)
        self._seconds += values.get("time/epoch_seconds", 0.0)

    def text(self, status: Status | None = None, reason: str | None = None) -> str:
        """What there is to say by now.

        Args:
            status: how the run has ended; None as long as it has not.
            reason: why, if not well.
        """
        blocks = [*self._result(status, reason), *self._what(), *self._commands(status)]
        return masked("\n\n".join(blocks))[:LENGTH]

    def _result(self, status: Status | None, reason: str | None) -> Iterable[str]:
        number = self._last[0]
        if status is None:
            yield NO_RESULT
        elif number == 0:
            yield f"**{status}** before an epoch was over."
        else:
            of = at(self._plain, "train", "epochs")
            yield f"**{status}** after {number} of {of} epochs, {self._seconds:.3g} s of training."
        if reason:
            yield fenced(masked(reason)[:REASON_LENGTH])
        if status is None or number == 0:
            return
        (best, best_values), values = self._best, self._last[1]
        rows: list[tuple[str, ...]] = [("", f"last: epoch {number}", f"best: epoch {best}")]
        rows += [(name, *(number_of(name, each) for each in (values, best_values))) for name in values]
        yield table(rows[: ROWS + 1], ":-- | --: | --:")
        if self._final:
            told = [f"{name.removeprefix('final/train_')} {value:.5g}" for name, value in self._final.items()]
            yield f"Over all that was learnt from, with the weights that are kept: {', '.join(told)}."

    def _what(self) -> Iterable[str]:
        plain, tags = self._plain, self._tags
        rows = [("what was run", ""), ("data", self._data()), ("model", self._model())]
        rows += [(key, component(plain.get(key))) for key in ("loss", "optim")]
        rows.append(("schedule", component(without_warm_up(plain.get("schedule")))))
        training = (
            f"{at(plain, 'train', 'epochs')} epochs, batch size {at(plain, 'train', 'batch_size')}, "
            f"seed {plain.get('seed')}, on {tags.get('device', plain.get('device'))}"
        )
        rows.append(("training", training))
        if self._launch.rerun_of is not None:
            rows.append(("does again", f"run {self._launch.rerun_of}"))
        yield table(rows, ":-- | :--")

    def _data(self) -> str:
        name = component(at(self._plain, "data", "type"))
        if self.data is None:
            return name
        sizes = ", ".join(f"{count:,} in {part}" for part, count in self.data.sizes.items())
        return f"{name}: {sizes}; inputs {list(self.data.in_shape)}, outputs {list(self.data.out_shape)}"

    def _model(self) -> str:
        size = self._tags.get("parameters")
        return self._launch.model if size is None else f"{self._launch.model}, {int(size):,} parameters"

    def _commands(self, status: Status | None) -> Iterable[str]:
        by = "Started by" if self._launch.job is None else f"Job {self._launch.job} of the sweep"
        yield f"{by}\n\n{fenced(self._launch.command[:COMMAND_LENGTH], 'sh')}"
        if status == "KILLED" and self._launch.job is None:
            yield f"To go on with it\n\n{fenced(self._command('resume'), 'sh')}"
        yield f"To do it again, and hold it against these numbers\n\n{fenced(self._command('rerun'), 'sh')}"

    def _command(self, key: str) -> str:
        """What does something with the run."""
        workers = self._tags.get("workers", "1")
        words = ["python"] if workers == "1" else ["torchrun", f"--nproc-per-node={workers}"]
        words += ["-m", "runner", f"{key}={RUN_ID}"]
        words += which_store(self._uri) if isinstance(self._uri, str) else []
        if self._plain.get("plugins"):
            words.append("plugins=true")
        return " ".join(word if RUN_ID in word else shlex.quote(word) for word in words)


def cost_of(objective: str, values: Mapping[str, float]) -> float:
    """A metric as something to make small; infinite if it was not measured."""
    return cost(objective, values.get(objective, float("nan")))


def number_of(name: str, values: Mapping[str, float]) -> str:
    """A metric's value, short."""
    return f"{values[name]:.5g}" if name in values else ""


def at(plain: Any, *path: str) -> Any:
    """A value of a config; None where there is no such place."""
    for key in path:
        plain = plain.get(key) if isinstance(plain, Mapping) else None
    return plain


def component(given: Any) -> str:
    """A part in short: its type and what numbers and words it was given."""
    if not isinstance(given, Mapping):
        return str(given)[:PART_LENGTH]
    told = [
        f"{key}={value}"
        for key, value in given.items()
        if key != "type" and isinstance(value, int | float | str) and value not in (0, False, "")
    ]
    return " ".join([str(given.get("type")), *told])[:PART_LENGTH]


def without_warm_up(schedule: Any) -> Any:
    """A schedule without what it says of its warm-up, if it has none."""
    if not isinstance(schedule, Mapping) or schedule.get("warmup_epochs") or schedule.get("warmup_steps"):
        return schedule
    return {key: value for key, value in schedule.items() if not key.startswith("warmup_")}


def table(rows: Iterable[tuple[str, ...]], alignment: str) -> str:
    """Markdown of a table, its first row being the heading."""
    lines = [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    return "\n".join([lines[0], f"| {alignment} |", *lines[1:]])


def cell(text: str) -> str:
    """A text in a table's cell, as it is."""
    return re.sub(r"([|\\`*_<\[\]])", r"\\\1", " ".join(text.split()))


def fenced(text: str, language: str = "") -> str:
    """A text as a block of code, whatever is in it."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
