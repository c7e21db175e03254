"""The composed YAML becomes one checked object, or an error that lists everything wrong with it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

from runner.config.components import instance, validated
from runner.config.layers import check_layers
from runner.config.plain import Plain, hash_of
from runner.config.schema import Data, Frame, Optim, Sweep, Tracking, Train
from runner.config.schema import Schedule as ScheduleFrame
from runner.config.updates import groups, rule
from runner.data.augment import Augmentation, augmentation
from runner.data.dataset import Source
from runner.data.labels import Labels, as_labels
from runner.data.learnt import Fitted
from runner.data.reconstruction import Reconstruction
from runner.data.text import Text
from runner.errors import ConfigError, DataError, unknown
from runner.metrics import Accuracy, ConfusionMatrix, Metric, OfLabel, TopK
from runner.nn.layers.layer import Build
from runner.nn.link import link_of
from runner.nn.losses import KLDiv, Loss
from runner.objective import remember, smaller_is_better
from runner.optim.groups import Group
from runner.optim.rules import Rule
from runner.optim.schedules import Schedule, WarmUp
from runner.plugins.changed import TAG as PLUGINS
from runner.plugins.changed import tag_of
from runner.plugins.join import join
from runner.plugins.kinds import check_made
from runner.plugins.load import Plugin, load_all
from runner.plugins.mistakes import mistakes_told
from runner.registry import Registry
from runner.types import Task

AUTO_METRICS: Mapping[Task, list[str]] = {
    "classification": ["accuracy"],
    "regression": ["rmse", "mae", "r2"],
    "multilabel": ["accuracy", "f1", "auroc"],
}
"""What is measured where a config leaves that open."""

MOST_CONFUSED = 5000
"""The most classes that a confusion matrix can have."""

LABELS = 20
"""The most labels of which each is measured by itself, too."""


@dataclass(frozen=True)
class Config:
    """A checked config: values in their types, components as objects, layers ready to be built.

    ``rule`` is that of parameters in no group; ``build.rule_of`` makes one for all of them.
    """

    seed: int
    device: Literal["auto", "cpu", "cuda"]
    objective: str
    layers: dict[str, Build]
    loss: Loss
    rule: Rule
    groups: tuple[Group, ...]
    optim: Optim
    schedule: Schedule
    metrics: list[Metric]
    confusion_matrix: bool
    source: Source
    data: Data
    augmentation: Augmentation | None
    train: Train
    tracking: Tracking
    sweep: Sweep
    registry: Registry
    plugins: tuple[Plugin, ...]
    plain: Plain

    @property
    def tags(self) -> dict[str, str]:
        """What its run is tagged with."""
        better = "smaller" if smaller_is_better(self.objective) else "larger"
        code = {PLUGINS: tag_of(self.plain["plugins"])} if self.plain["plugins"] else {}
        return {"config_hash": self.hash, "objective_better": better, **code}

    @property
    def metrics_followed(self) -> dict[str, str]:
        """The metrics that training goes by, by the keys that name them."""
        named = {
            "objective": self.objective,
            "schedule.metric": self.plain["schedule"].get("metric"),
            "train.early_stopping.metric": self.train.early_stopping.metric,
        }
        return {key: name for key, name in named.items() if name is not None}

    @property
    def hash(self) -> str:
        """16 hex digits that name what is computed."""
        return hash_of(self.plain, {plugin.name: plugin.digest for plugin in self.plugins})


def check(plain: Plain, kept: Mapping[str, str] | None = None) -> Config:
    """Check a resolved config.

    Args:
        plain: the config.
        kept: what a trained model keeps of the data that it has learnt from, if the data are for that model.

    Raises:
        ConfigError: with every problem found, each naming key, value and what is allowed.
    """
    problems: list[str] = []
    frame = validated(Frame.model_validate_json, "", plain, problems)
    plugins = load_all(plugins_named(plain))
    with mistakes_told(plugins, plain, before_run=True):
        return checked(plain, frame, plugins, problems, kept)


def checked(
    plain: Plain,
    frame: Frame | None,
    plugins: tuple[Plugin, ...],
    problems: list[str],
    kept: Mapping[str, str] | None,
) -> Config:
    """Check the components that a config names; see ``check``."""
    registry = join(plugins)

    def section(
        table: Mapping[str, Callable[..., Any]], name: str, shared: Collection[str] = ()
    ) -> Any | None:
        given = plain.get(name)
        if not isinstance(given, Mapping):
            return None  # which is in the frame's problems already
        arguments = own_arguments(registry, given) if name == "data" else given
        return instance(registry, table, name, arguments, problems, shared)

    loss = check_made(section(registry.losses, "loss"), "LOSSES", "loss", problems)
    source = readable(section(registry.sources, "data"), kept, loss, problems)
    if source and frame and frame.data.target == "input":
        source = Reconstruction(source.source if isinstance(source, Labels) else source)
    optim = plain.get("optim")
    own_rule = rule(registry, "optim", optim, problems) if isinstance(optim, Mapping) else None
    made = section(registry.schedules, "schedule", ScheduleFrame.model_fields)
    schedule = check_made(made, "SCHEDULES", "schedule", problems)
    metrics = check_metrics(registry, frame.train.metrics, source.task, problems) if frame and source else []
    if source and source.task == "multilabel" and 1 < source.out_shape[-1] <= LABELS:
        metrics += [OfLabel(metric, label) for metric in metrics for label in range(source.out_shape[-1])]
    model = plain.get("model")
    given_layers = model.get("layers") if isinstance(model, Mapping) else None
    outputs = source.out_shape[-1] if source else 1
    indices = outputs if kept is not None or isinstance(source, Text) else None
    layers = check_layers(registry, given_layers, outputs, indices, problems)
    augmented = None
    if frame and frame.data.augment and source and not problems:
        augmented = augmentation("data.augment", frame.data.augment, source.in_shape, problems)
    if own_rule is not None and frame is not None:
        own_groups = groups(registry, "optim", plain["optim"], own_rule, problems)
    if problems or frame is None or not (source and loss and own_rule and schedule):
        raise ConfigError(dict.fromkeys(problems))
    config = Config(
        seed=frame.seed,
        device=frame.device,
        objective=frame.objective,
        layers=layers,
        loss=loss,
        rule=own_rule,
        groups=own_groups,
        optim=frame.optim,
        schedule=warmed_up(schedule, frame.schedule),
        metrics=[metric for metric in metrics if not isinstance(metric, Accuracy | ConfusionMatrix)],
        confusion_matrix=any(isinstance(metric, ConfusionMatrix) for metric in metrics),
        source=source,
        data=frame.data,
        augmentation=augmented,
        train=frame.train.model_copy(update={"epochs": 1}) if frame.train.fast_dev_run else frame.train,
        tracking=frame.tracking,
        sweep=frame.sweep,
        registry=registry,
        plugins=plugins,
        plain=plain,
    )
    check_together(config)
    for metric in metrics:
        remember(metric.name, getattr(metric, "smaller_is_better", None))
    return config


def warmed_up(schedule: Schedule, frame: ScheduleFrame) -> Schedule:
    """The schedule, after a warm-up if one is wanted."""
    epochs, steps = frame.warmup_epochs, frame.warmup_steps
    return WarmUp(schedule, epochs, steps, frame.warmup_start_factor) if epochs or steps else schedule


def plugins_named(plain: Plain) -> list[str]:
    """The plugins that a config names, as far as they are names."""
    given = plain.get("plugins")
    return [name for name in given if isinstance(name, str)] if isinstance(given, list) else []


def readable(
    source: Source | None, kept: Mapping[str, str] | None, loss: Loss | None, problems: list[str]
) -> Source | None:
    """The source, if it can say what it gives, which one of files may have to look up in them."""
    if source is None:
        return None
    try:
        if kept is not None and isinstance(source, Fitted):
            source = source.as_learnt(kept)
        if check_made(source, "SOURCES", "data", problems) is None:
            return None
        if loss is not None and "multilabel" in loss.tasks:
            source = as_labels(source)
    except DataError as error:
        problems.append(f"data: {error}")
        return None
    except RuntimeError:
        if any(problem.startswith("data.root:") for problem in problems):
            return None  # nobody's home folder
        raise
    return source


def check_together(config: Config) -> None:
    """Check what only shows when parts meet.

    Raises:
        ConfigError: if loss and data are of different kinds, or the objective is no metric of theirs.
    """
    problems = []
    task, suited, outputs = config.source.task, config.loss.tasks, config.source.out_shape[-1]
    loss, data = config.plain["loss"]["type"], config.plain["data"]["type"]
    if task not in suited:
        known = [name for name, each in config.registry.losses.items() if suits(each, task)]
        problems.append(
            f"loss.type: '{loss}' is for {' and '.join(suited)}, but data.type '{data}' is {task}. "
            f"Known for {task}: {', '.join(known)}"
        )
    for name, values in ((name, getattr(config.loss, name, None)) for name in ("weight", "pos_weight")):
        if isinstance(values, tuple) and len(values) != outputs:
            problems.append(f"loss.{name}: has {len(values)}, data.type '{data}' needs {outputs}")
    ignored = getattr(config.loss, "ignore_index", None)
    if isinstance(ignored, int) and ignored >= outputs:
        problems.append(f"loss.ignore_index: {ignored} is no class, data.type '{data}' has {outputs}")
    for metric in config.metrics:
        if isinstance(metric, TopK) and metric.k > outputs:
            problems.append(f"train.metrics: top_k has k={metric.k}, data.type '{data}' {outputs} classes")
    if config.confusion_matrix and outputs > MOST_CONFUSED:
        problems.append(
            f"train.metrics: a confusion_matrix of {outputs:,} classes has {outputs**2:,} cells, it is for "
            f"at most {MOST_CONFUSED:,} classes"
        )
    kinds = ("loss",) if task == "regression" else ("loss", "accuracy")
    held_out = ("test",) if config.data.val is None else ("val", "test")
    metrics = [f"{part}/{kind}" for part in ("train", *held_out) for kind in kinds]
    metrics += [f"{part}/{metric.name}" for part in held_out for metric in config.metrics]
    for key, name in config.metrics_followed.items():
        if name not in metrics and name.startswith("val/") and config.data.val is None:
            problems.append(f"{key}: there is no '{name}' without a validation part, use data.val=0.1")
        elif name not in metrics:
            problems.append(unknown(key, name, metrics))
    standardized = task == "regression" and getattr(config.source, "standardize_target", False)
    of_probabilities = isinstance(config.loss, KLDiv) or link_of(config.loss, task).name != "identity"
    if standardized and of_probabilities:
        problems.append(f"loss.type: '{loss}' is of probabilities, use data.standardize_target=false")
    if config.data.mixup is not None and isinstance(config.source, Text):
        problems.append(f"data.mixup: {config.data.mixup} mixes inputs, but data.type '{data}' has indices")
    if config.data.val is not None and config.train.overfit_batches is not None:
        problems.append("data.val: with train.overfit_batches there is nothing to set apart, use null")
    registered = config.tracking.registered
    if registered is not None and config.tracking.log_model is False:
        problems.append(f"tracking.log_model: False leaves no model to register as '{registered}', use auto")
    if problems:
        raise ConfigError(problems)


def check_metrics(registry: Registry, given: object, task: Task, problems: list[str]) -> list[Metric]:
    """What shall be measured; loss and accuracy are counted whether they are named or not."""
    if given == "auto":
        given = AUTO_METRICS[task]
    if not isinstance(given, list):
        problems.append(f"train.metrics: {given!r} should be auto or a list of names")
        return []
    known = {name: metric for name, metric in registry.metrics.items() if suits(metric, task)}
    found: list[Metric | None] = []
    for place, each in enumerate(given):
        if isinstance(each, str) and each not in known:
            problems.append(unknown("train.metrics", each, known, f"unknown for {task}"))
        else:
            named = {"type": each} if isinstance(each, str) else each
            path = f"train.metrics.{place}"
            metric = check_made(instance(registry, known, path, named, problems), "METRICS", path, problems)
            if metric is not None and task not in metric.tasks:
                problems.append(unknown("train.metrics", named["type"], known, f"unknown for {task}"))
            found.append(metric)
    return [metric for metric in found if metric]


def suits(component: Any, task: Task) -> bool:
    """Whether losses or metrics of a class may be for a task: tasks may be set when one is made."""
    tasks = getattr(component, "tasks", None)
    return not isinstance(tasks, tuple) or task in tasks


def own_arguments(registry: Registry, data: Mapping[str, Any]) -> Plain:
    """A source's own arguments: what every source is asked is its affair if it asks for it by name."""
    source = registry.sources.get(str(data.get("type")))
    asked = signature(source).parameters.keys() if source else set()
    foreign = Data.model_fields.keys() - {"type"} - asked
    return {key: value for key, value in data.items() if key not in foreign}
