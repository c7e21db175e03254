"""One experiment, from a checked config to a tracked result."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch

from runner.build import Parts, build
from runner.config import Config, check
from runner.data.dataset import Dataset
from runner.errors import DivergedError, RunnerError
from runner.launch import Launch
from runner.loop import Epoch, evaluate, fit
from runner.nn.layers.sequential import Sequential
from runner.nn.precision import at_precision, tf32
from runner.nn.store import ParameterStore
from runner.objective import lower_is_better
from runner.parallel import ALONE, Workers
from runner.tracking.log import history, run_log
from runner.tracking.model import log_model
from runner.tracking.terminal import Display, Silent, describe
from runner.tracking.tracker import LOG_NAME, NoTracker, Reporter, Tracker


@dataclass(frozen=True)
class Result:
    """What a run leaves in the process that ran it.

    Attributes:
        run_id: the run in MLflow.
        tracking_uri: the store that it is in.
        folder: the run's own folder.
        epochs: the metrics of each epoch.
        final: the metrics that are told once, at the end.
        objective: the final value of the config's ``objective``.
        model: the trained model; ``model.forward(store, x)`` predicts.
        store: its parameters.
    """

    run_id: str
    tracking_uri: str
    folder: Path
    epochs: list[Epoch]
    final: dict[str, float]
    objective: float
    model: Sequential
    store: ParameterStore


def run(config: Config, launch: Launch, display: Display, workers: Workers = ALONE) -> Result:
    """Build, train, report.

    Raises:
        ConfigError: if the parts don't fit together; nothing has been read or created then.
        RunnerError: if the data can't be had, the store can't be written, or the loss is no number any
            more; the run is FAILED then.
    """
    parts = build(config)
    workers.tell(json.dumps(config.plain))
    tags = {"config_hash": config.hash, "device": parts.device.type}
    with run_log(launch.folder / LOG_NAME), Tracker(config.plain, launch, tags) as tracker:
        data = load(config, parts.device, workers)
        draw_parameters(parts)
        epochs, final = train(config, parts, data, tracker, display, workers)
        wanted = config.tracking.log_model
        if wanted is True or (wanted == "auto" and launch.parent is None):
            log_model(tracker, config, parts.store, data.test.first(2).inputs)
    display.finish(epochs[-1], final, tracker.location)
    return Result(
        run_id=tracker.location.run_id,
        tracking_uri=tracker.location.uri,
        folder=launch.folder,
        epochs=epochs,
        final=final,
        objective=epochs[-1].metrics[config.objective],
        model=parts.model,
        store=parts.store,
    )


def follow(workers: Workers) -> None:
    """Train what the first of several workers trains, and tell nobody; nothing if it says nothing.

    Raises:
        RunnerError: if it can't be had here, diverges, or another worker has gone.
    """
    told = workers.tell("")
    if told:
        config = check(json.loads(told))
        parts = build(config)
        data = load(config, parts.device, workers)
        draw_parameters(parts)
        train(config, parts, data, NoTracker(), Silent(), workers)


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
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise RunnerError(f"model: does not fit into memory: {error}") from error


def train(
    config: Config, parts: Parts, data: Dataset, tracker: Reporter, display: Display, workers: Workers
) -> tuple[list[Epoch], dict[str, float]]:
    """Go through the epochs, telling of each as soon as it is done; then take stock.

    Raises:
        DivergedError: after the first epoch whose loss is no finite number.
    """
    history.info("%s: %s parameters on %s", tracker.name, parts.store.size, parts.device)
    model = at_precision(parts.model, config.train.precision)
    epochs: list[Epoch] = []
    with tf32(config.train.precision == "tf32"), display.training(tracker.name, parts, config.train.epochs):
        for epoch in fit(
            model,
            parts.store,
            config.loss,
            config.rule,
            config.schedule,
            data,
            epochs=config.train.epochs,
            batch_size=config.train.batch_size,
            generator=parts.order_generator if config.train.shuffle else None,
            workers=workers,
        ):
            epochs.append(epoch)
            tracker.metrics(epoch.metrics, epoch.number)
            display.epoch(epoch)
            history.info("%s", describe(epoch, config.train.epochs))
            stop_if_diverged(epoch, config.rule.lr)
        trained = evaluate(model, parts.store, config.loss, data.train, "final/train_", workers)
    final = best(epochs, config.objective) | trained
    tracker.metrics(final, step=config.train.epochs)
    history.info("%s", final)
    return epochs, final


def stop_if_diverged(epoch: Epoch, lr: float) -> None:
    """Training is over when a loss is no number any more.

    Raises:
        DivergedError: naming the epoch and the loss.
    """
    for name in ("train/loss", "test/loss"):
        value = epoch.metrics[name]
        if not math.isfinite(value):
            raise DivergedError(
                f"epoch {epoch.number}: {name} is {value}. A smaller optim.lr ({lr} now) "
                "or another initialiser may help"
            )


def best(epochs: list[Epoch], objective: str) -> dict[str, float]:
    """The epoch with the best objective, and what was measured after it."""
    sign = 1 if lower_is_better(objective) else -1
    epoch = min(epochs, key=lambda epoch: sign * epoch.metrics[objective])
    measured = {name: value for name, value in epoch.metrics.items() if name.startswith("test/")}
    return {"best/epoch": epoch.number} | {f"best/{name}": value for name, value in measured.items()}
