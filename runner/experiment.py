"""One experiment, from a checked config to a tracked result."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.build import Parts, build, rule_of
from runner.config import Config, check
from runner.confusion import confusion_tables
from runner.data.dataset import Dataset
from runner.launch import Launch
from runner.loop import Epoch, evaluate, fit
from runner.nn.layers.sequential import Sequential
from runner.nn.precision import at_precision, tf32
from runner.nn.store import ParameterStore
from runner.parallel import ALONE, Workers
from runner.plugins.mistakes import mistakes_told
from runner.prepare import draw_parameters, input_of, load, loss_of, seed_process
from runner.tracking.log import LOG_NAME, history, run_log
from runner.tracking.model import log_model
from runner.tracking.terminal import Display, Silent, describe
from runner.tracking.tracker import NoTracker, Reporter, Tracker
from runner.trained import save_model
from runner.verdict import best, is_best, kept, stop_if_diverged, stops


@dataclass(frozen=True)
class Result:
    """What a run leaves in the process that ran it.

    Attributes:
        run_id: the run in MLflow.
        tracking_uri: the store that it is in.
        folder: the run's own folder.
        epochs: the metrics of each epoch.
        final: the metrics that are told once, at the end.
        objective: the value of the config's ``objective`` after the epoch whose weights are kept.
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
    tags = {**config.tags, "device": parts.device.type}
    with (
        run_log(launch.folder / LOG_NAME),
        Tracker(config.plain, launch, tags) as tracker,
        mistakes_told(config.plugins, config.plain),
    ):
        data = load(config, parts.device, workers)
        tracker.learns_from(input_of(config, data))
        draw_parameters(parts)
        seed_process(parts, workers.rank)
        epochs, final = train(config, parts, data, tracker, display, workers)
        result = kept(epochs, config.train, config.objective)
        wanted = config.tracking.log_model
        if wanted is True or (wanted == "auto" and launch.parent is None):
            with TemporaryDirectory() as folder:
                saved = save_model(Path(folder), config, parts.store, data, result.number)
                log_model(tracker.client, tracker.location, saved)
    display.finish(result, final, tracker.location)
    return Result(
        run_id=tracker.location.run_id,
        tracking_uri=tracker.location.uri,
        folder=launch.folder,
        epochs=epochs,
        final=final,
        objective=result.metrics[config.objective],
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
        with mistakes_told(config.plugins, config.plain):
            data = load(config, parts.device, workers)
            draw_parameters(parts)
            seed_process(parts, workers.rank)
            train(config, parts, data, NoTracker(), Silent(), workers)


def train(
    config: Config, parts: Parts, data: Dataset, tracker: Reporter, display: Display, workers: Workers
) -> tuple[list[Epoch], dict[str, float]]:
    """Go through the epochs, telling of each as soon as it is done; then take stock.

    Raises:
        DivergedError: after the first epoch whose loss is no finite number.
    """
    history.info("%s: %s parameters on %s", tracker.name, parts.store.size, parts.device)
    model = at_precision(parts.model, config.train.precision)
    loss = loss_of(config, data)
    epochs: list[Epoch] = []
    with tf32(config.train.precision == "tf32"), display.training(tracker.name, parts, config.train.epochs):
        for epoch in fit(
            model,
            parts.store,
            loss,
            rule_of(config, parts),
            config.schedule,
            data,
            epochs=config.train.epochs,
            batch_size=config.train.batch_size,
            generator=parts.order_generator if config.train.shuffle else None,
            accumulate=config.train.accumulate,
            metrics=config.metrics,
            workers=workers,
        ):
            epochs.append(epoch)
            tracker.metrics(epoch.metrics, epoch.number)
            display.epoch(epoch)
            history.info("%s", describe(epoch, config.train.epochs))
            stop_if_diverged(epoch, config.rule.lr)
            if config.train.restore_best and is_best(epochs, config.objective):
                parts.store.remember()
            reason = workers.tell(stops(epochs, config.train, config.objective) or "")
            if reason:
                history.info("stopped after epoch %d: %s", epoch.number, reason)
                break
        parts.store.settle()
        trained = evaluate(
            model, parts.store, loss, data.train, "final/train_", workers, metrics=config.metrics
        )
        if config.confusion_matrix:
            tracker.leave(confusion_tables(model, parts.store, data, workers))
    final = best(epochs, config.objective) | trained
    tracker.metrics(final, step=epochs[-1].number)
    history.info("%s", final)
    return epochs, final
