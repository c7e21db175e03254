"""One experiment, from a checked config to a tracked result."""

import json
import logging
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.build import Parts, build, rule_of
from runner.checkpoints.file import CHECKPOINTS, read
from runner.checkpoints.keeper import Keeper
from runner.config.check import Config, check
from runner.config.schema import wanted
from runner.data.array_file import tensor_of
from runner.data.dataset import Dataset
from runner.errors import DataError
from runner.going_on import told_how_to_go_on
from runner.nn.layers.sequential import Sequential
from runner.nn.link import link_of
from runner.nn.precision import at_precision, tf32
from runner.nn.store import ParameterStore
from runner.plugins.mistakes import mistakes_told
from runner.prepare import draw_parameters, input_of, load, loss_of, refuse_foreign_indices
from runner.process.determinism import deterministic
from runner.process.launch import Launch
from runner.process.machine import machine_tags
from runner.process.parallel import ALONE, Workers
from runner.process.room import room_for
from runner.tracking.console import as_text
from runner.tracking.events import MODEL_FOLDER
from runner.tracking.log import LOG_NAME, history, run_log
from runner.tracking.resend import ended_if_left
from runner.tracking.terminal import SUMMARY_NAME, Display, Silent, describe, summary
from runner.tracking.tracker import NoTracker, Reporter, Tracker
from runner.tracking.used_data import UsedData
from runner.trained.drawing import drawn
from runner.trained.save import save_model
from runner.trained.serving import Predictor
from runner.training.confusion import confusion_tables
from runner.training.fitting import restore_from_file
from runner.training.log_probabilities import report_other_outputs
from runner.training.loop import Epoch, Training, evaluate
from runner.training.snapshot import Snapshot
from runner.training.verdict import best, best_epoch, diverged, divergence, is_best, kept, over

log = logging.getLogger(__name__)


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
        model: the trained model.
        store: its parameters.
        predictor: both, and what makes predictions of the model's outputs.
        data: which data it has used.
    """

    run_id: str
    tracking_uri: str
    folder: Path
    epochs: list[Epoch]
    final: dict[str, float]
    objective: float
    model: Sequential
    store: ParameterStore
    predictor: Predictor
    data: UsedData

    def predict(self, inputs: Tensor | npt.NDArray[Any]) -> Tensor:
        """The predictions for samples ``[N, *in_shape]``: pixels from 0 to 255 if it has learnt from pixels.

        Returns:
            Of a classifier the probabilities ``[N, …, C]``, of several labels theirs ``[N, D]``, of a
            regression the values ``[N, D]`` in the targets' own units.

        Raises:
            DataError: if the samples have another shape, or are none of its inputs.
        """
        from runner.trained.served import predictions_for  # which imports pandas

        samples = inputs if isinstance(inputs, Tensor) else tensor_of(np.asarray(inputs))
        if tuple(samples.shape[1:]) != self.predictor.in_shape:
            raise DataError(
                f"inputs: are {list(samples.shape)}, the model takes [N, "
                f"{', '.join(map(str, self.predictor.in_shape))}]"
            )
        return torch.from_numpy(predictions_for(samples, self.predictor).values)


@dataclass(frozen=True)
class Resumed:
    """A run that is gone on with.

    Attributes:
        run_id: its id.
        snapshot: what it goes on from; None: from its first values.
        path: the file of the checkpoint that the snapshot is from.
    """

    run_id: str
    snapshot: Snapshot | None = None
    path: Path | None = None


def run(
    config: Config,
    launch: Launch,
    display: Display,
    workers: Workers = ALONE,
    resumed: Resumed | None = None,
) -> Result:
    """Build, train, report; or go on with a run that was begun before.

    Raises:
        ConfigError: if the parts don't fit together; nothing has been read or created then.
        RunnerError: if the data can't be had, the store can't be written, or the loss is no number any
            more; the run is FAILED then.
    """
    parts = build(config)
    checkpoint = str(resumed.path) if resumed and resumed.path else None
    spooled = None if config.tracking.offline else str(launch.folder)
    workers.tell(json.dumps({"config": config.plain, "checkpoint": checkpoint, "spooled": spooled}))
    tags = {**config.tags, **machine_tags(parts.device), "workers": str(workers.size)}
    tags["parameters"] = str(parts.store.size)
    run_id = resumed.run_id if resumed else None
    with (
        run_log(launch.folder / LOG_NAME, goes_on=resumed is not None),
        Tracker(config.plain, launch, tags, run_id) as tracker,
        told_how_to_go_on(tracker.location, config.plain, workers.size)
        if launch.parent is None
        else nullcontext(),
        mistakes_told(config.plugins, config.plain),
    ):
        tracker.leave({SUMMARY_NAME: as_text(summary(parts.model, parts.store))})
        data = load(config, parts.device, workers)
        tracker.learns_from(input_of(config, data))
        draw_parameters(parts)
        about = {"run_id": tracker.location.run_id, "config": config.plain}
        with Keeper(launch.folder / CHECKPOINTS, config.train.checkpoint_interval, about) as keeper:
            snapshot = resumed.snapshot if resumed else None
            epochs, final = train(config, parts, data, tracker, display, workers, keeper, snapshot)
        result = kept(epochs, config.train, config.objective)
        is_single = launch.parent is None
        if config.tracking.keeps_model(in_sweep=not is_single):
            tracker.keep(save_model(launch.folder / MODEL_FOLDER, config, parts.store, data, result))
        if wanted(config.tracking.pictures, auto=is_single):
            tracker.leave(drawn(config, parts, data, epochs))
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
        predictor=predictor_of(config, parts, data),
        data=input_of(config, data).used,
    )


def predictor_of(config: Config, parts: Parts, data: Dataset) -> Predictor:
    """The trained model with what makes predictions of its outputs."""
    task, layers = config.source.task, config.plain["model"]["layers"]
    link, in_shape = link_of(config.loss, task).name, config.source.in_shape
    return Predictor(
        parts.model, layers, parts.store, in_shape, task, data.preprocessing, data.test.units, link
    )


def follow(workers: Workers) -> None:
    """Train what the first of several workers trains, and tell nobody; nothing if it says nothing.

    Raises:
        RunnerError: if it can't be had here, diverges, or another worker has gone.
    """
    told = workers.tell("")
    if told:
        said = json.loads(told)
        config = check(said["config"])
        parts = build(config)
        snapshot = read(Path(said["checkpoint"])).snapshot if said["checkpoint"] else None
        with (
            ended_if_left(Path(said["spooled"]), config.tracking.uri) if said["spooled"] else nullcontext(),
            mistakes_told(config.plugins, config.plain),
            Keeper(Path(), None, {}) as keeper,
        ):
            data = load(config, parts.device, workers)
            draw_parameters(parts)
            train(config, parts, data, NoTracker(), Silent(), workers, keeper, snapshot)


def train(
    config: Config,
    parts: Parts,
    data: Dataset,
    tracker: Reporter,
    display: Display,
    workers: Workers,
    keeper: Keeper,
    snapshot: Snapshot | None,
) -> tuple[list[Epoch], dict[str, float]]:
    """Go through the epochs that are left, telling of each as soon as it is done; then take stock.

    Raises:
        DataError: if the model begins with an embedding that has not all indices of the data.
        DivergedError: after the first epoch whose loss is no finite number.
        CheckpointError: if the snapshot is another model's.
    """
    history.info("%s: %s parameters on %s", tracker.name, parts.store.size, parts.device)
    refuse_foreign_indices(parts.model, data)
    model = at_precision(parts.model, config.train.precision)
    loss = loss_of(config, data)
    if workers.rank == 0:
        report_other_outputs(config.plain["loss"]["type"], loss, model, parts.store, data.train)
    training = training_of(config, parts, data, workers)
    epochs = gone_on(training, snapshot, config)
    for epoch in epochs:  # what the store has been told already it is not told again
        tracker.metrics(epoch.metrics, epoch.number)
    show = display.training(tracker.name, parts, config.train.epochs, len(epochs))
    on_divergence = config.train.on_divergence
    before = training.snapshot()
    smaller = "a smaller train.batch_size needs less"
    with (
        deterministic(config.train.deterministic),
        tf32(config.train.precision == "tf32"),
        room_for("training", smaller),
        show,
    ):
        while not workers.tell(over(epochs, config.train, config.objective)):
            epoch = training.epoch()
            problem = divergence(epoch, on_divergence)
            if problem and on_divergence == "stop" and epochs:
                training.restore(before)
                log.warning("stopped after epoch %d: in the next, %s", len(epochs), problem)
                break
            epochs.append(epoch)
            tracker.metrics(epoch.metrics, epoch.number)
            display.epoch(epoch)
            history.info("%s", describe(epoch, config.train.epochs))
            if problem:
                raise diverged(epoch, problem, training.fault(before), config.rule.lr)
            if config.train.restore_best and is_best(epochs, config.objective):
                parts.store.remember()
            before = training.snapshot()
            keeper.show(before, best_epoch(epochs, config.objective).number)
        history.info("%s", over(epochs, config.train, config.objective) or "diverged")
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


def training_of(config: Config, parts: Parts, data: Dataset, workers: Workers) -> Training:
    """The training that a config asks for, of parameters that are drawn."""
    return Training(
        at_precision(parts.model, config.train.precision),
        parts.store,
        loss_of(config, data),
        rule_of(config, parts),
        config.schedule,
        data,
        epochs=config.train.epochs,
        batch_size=config.train.batch_size,
        generator=parts.order_generator if config.train.shuffle else None,
        accumulate=config.train.accumulate,
        metrics=config.metrics,
        workers=workers,
        noise_seed=parts.noise_seed,
    )


def gone_on(training: Training, snapshot: Snapshot | None, config: Config) -> list[Epoch]:
    """The epochs that need not be trained any more, training being where they end.

    Raises:
        CheckpointError: if the snapshot is another model's.
    """
    if snapshot is None:
        return []
    restore_from_file(training, snapshot, config.metrics_followed.values())
    history.info("going on after epoch %d", snapshot.epoch)
    return [Epoch(number, metrics) for number, metrics in enumerate(training.history, 1)]
