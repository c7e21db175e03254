"""The config's frame: every key that is not a component's own, with its type and range.

Defaults stand in ``conf/`` alone, so that what is checked is what the store shows.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from runner.config.plain import Plain
from runner.config.registered import name_and_alias, registrable
from runner.types import Fraction, NonNegative, NonNegativeInt, Positive, PositiveInt, Precision, Seed, Share

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

DURATION = r"^\d{1,6}(\.\d{1,3})?[smh]$"
SECONDS = {"s": 1, "m": 60, "h": 3600}
"""What a duration is made of: ``30s``, ``1.5h``."""

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
NamedLayers = Annotated[dict[LayerName, Plain], Field(min_length=1)]


Choice = Literal[True, False, "auto"]
"""Whether something is wanted; ``auto`` leaves that to how the run is started."""


def wanted(choice: Choice, auto: bool) -> bool:
    """What a choice comes to where ``auto`` means that."""
    return auto if choice == "auto" else choice


class EarlyStopping(BaseModel):
    """When there is no use in another epoch.

    Attributes:
        patience: epochs without an improvement after which training stops; never if that is None.
        metric: what is to improve; the objective if that is None.
        min_delta: by how much, to count.
    """

    model_config = STRICT
    patience: PositiveInt | None
    metric: NonEmpty | None
    min_delta: NonNegative


class Train(BaseModel):
    """How long and in which pieces a model is trained."""

    model_config = STRICT
    epochs: PositiveInt
    batch_size: PositiveInt
    shuffle: bool
    precision: Precision
    deterministic: bool
    metrics: Any  # held against the registry
    accumulate: PositiveInt
    average: Fraction | None
    early_stopping: EarlyStopping
    restore_best: bool
    max_time: Positive | None
    on_divergence: Literal["fail", "stop", "skip"]
    checkpoint_every: PositiveInt | Annotated[str, StringConstraints(pattern=DURATION)] | None
    overfit_batches: PositiveInt | None
    fast_dev_run: bool

    @property
    def checkpoint_interval(self) -> float | None:
        """Epochs between two checkpoints as an int, seconds as a float; None: there are none."""
        every = self.checkpoint_every
        if not isinstance(every, str):
            return every
        number, unit = every[:-1], every[-1]
        return float(number) * SECONDS[unit]


class Tracking(BaseModel):
    """Where a run reports to."""

    model_config = STRICT
    uri: NonEmpty
    experiment: NonEmpty
    offline: bool
    log_model: Choice
    pictures: Choice
    system_metrics: Choice
    registered: Annotated[str, AfterValidator(registrable)] | None = Field(alias="register")

    @property
    def registration(self) -> tuple[str, str] | None:
        """The name that the model is registered by, and its new version's alias."""
        return None if self.registered is None else name_and_alias(self.registered)

    def keeps_model(self, in_sweep: bool) -> bool:
        """Whether the model of a run is kept, of one that is a job of a sweep or of one that is not."""
        return wanted(self.log_model, auto=not in_sweep or self.registered is not None)


class Sweep(BaseModel):
    """How ``-m`` goes through its jobs."""

    model_config = STRICT
    mode: Literal["auto", "stacked", "solo"] | PositiveInt
    fail_fast: bool
    skip_finished: bool
    resume: NonEmpty | None
    data_changed: Literal["refuse", "allow"] = "refuse"
    plugins_changed: Literal["refuse", "allow"] = "refuse"
    dry_run: bool
    zip: list[NonEmpty] | list[list[NonEmpty]]


class Model(BaseModel):
    """Named layers, each ``{type: <name>, <arguments>}``."""

    model_config = STRICT
    layers: NamedLayers


class Group(BaseModel):
    """Parameters by a pattern of their names; what else is said are hyperparameters of the rule."""

    model_config = STRICT | ConfigDict(extra="allow")
    match: NonEmpty


class Optim(BaseModel):
    """What every update rule is asked, beside its own arguments."""

    model_config = STRICT | ConfigDict(extra="allow")
    clip_norm: Positive | None
    clip_value: Positive | None
    groups: list[Group]


class Schedule(BaseModel):
    """What every schedule is asked, beside its own arguments."""

    model_config = STRICT | ConfigDict(extra="allow")
    warmup_epochs: NonNegativeInt
    warmup_steps: NonNegativeInt
    warmup_start_factor: NonNegative


def in_known_home(path: Path) -> Path:
    """Refuse ``~name`` where there is nobody of that name."""
    try:
        path.expanduser()
    except RuntimeError as error:
        raise PydanticCustomError("home", "should begin with a home folder that is there") from error
    return path


class Data(BaseModel):
    """What every data source is asked, beside its own arguments."""

    model_config = STRICT | ConfigDict(extra="allow")
    type: str
    root: Annotated[Path, AfterValidator(in_known_home)]
    limit: PositiveInt | None
    target: Literal["label", "input"]
    augment: list[Plain]
    mixup: Positive | None
    val: Share | None
    val_seed: Seed


class Frame(BaseModel):
    """Everything but the components' own arguments."""

    model_config = STRICT
    seed: Seed
    device: Literal["auto", "cpu", "cuda"]
    objective: NonEmpty
    model: Model
    loss: Plain
    optim: Optim
    schedule: Schedule
    data: Data
    train: Train
    tracking: Tracking
    sweep: Sweep
    plugins: list[NonEmpty]


def keys_at(path: list[Any]) -> list[str]:
    """The keys that may stand at a place in the frame."""
    section: type[BaseModel] = Frame
    for part in path:
        annotation = section.model_fields[part].annotation
        assert isinstance(annotation, type)
        section = annotation
    return [field.alias or name for name, field in section.model_fields.items()]
