"""A run as an archive describes it, checked type by type: whoever has written it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from mlflow.entities import Dataset
from mlflow.models import Model
from mlflow.types.schema import Array, ColSpec, DataType, Schema, TensorSpec
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from runner.errors import ConfigError
from runner.tracking.model import EXAMPLE
from runner.tracking.saved_model import SavedModel
from runner.trained.description import read as described

RUN = "run.json"
"""The file of the archive that describes the run."""

ARTIFACTS, MODEL, CHECKPOINT, PLUGINS = "artifacts", "model", "checkpoint", "plugins"
"""The archive's folders."""

LARGEST = 512 * 1024**2
"""Bytes of the description, metrics after each epoch included."""

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)

Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Time = Annotated[int, Field(ge=0, lt=2**53)]
Key = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[/\w.\- :@]+$")]
Param = Annotated[str, Field(max_length=6000)]
Tag = Annotated[str, Field(max_length=8000)]


class Metric(BaseModel):
    """A value of a metric, and when it was measured: after which epoch, at what time."""

    model_config = STRICT
    step: Whole
    time: Time
    value: float


class Data(BaseModel):
    """The data set that the run has used, as a ``DataInput`` has it."""

    model_config = STRICT
    settings: dict[str, Any]
    digest: Annotated[str, Field(max_length=36)]
    sizes: dict[str, NonNegativeInt]
    in_shape: list[PositiveInt]
    out_shape: list[PositiveInt]


class Column(BaseModel):
    """A column of a table that a model takes or gives: its name, its type as MLflow calls it."""

    model_config = STRICT
    name: str
    type: Literal["any", "boolean", "integer", "long", "float", "double", "string"]


class LoggedModel(BaseModel):
    """The model that the run has logged, as a ``SavedModel`` has it."""

    model_config = STRICT
    in_shape: list[PositiveInt]
    out_shape: list[PositiveInt]
    example: list[Any]
    step: Annotated[int, Field(ge=0, lt=2**63)]
    takes: list[Column] | None
    gives: list[Column] | None

    def saved_in(self, folder: Path) -> SavedModel:
        """The model that is in a folder."""
        return SavedModel(
            folder,
            tuple(self.in_shape),
            tuple(self.out_shape),
            self.example,
            self.step,
            None if self.takes is None else [(each.name, each.type) for each in self.takes],
            None if self.gives is None else [(each.name, each.type) for each in self.gives],
        )


class Packed(BaseModel):
    """A run that has ended."""

    model_config = STRICT
    run_id: Id
    experiment: Annotated[str, Field(min_length=1, max_length=250)]
    name: Annotated[str, Field(max_length=250)]
    status: Literal["FINISHED", "FAILED", "KILLED"]
    started: Time
    ended: Time
    params: dict[Key, Param]
    tags: dict[Key, Tag]
    metrics: dict[Key, list[Metric]]
    data: Data | None
    model: LoggedModel | None

    def to_json(self) -> str:
        """The text of the archive's file; JSON as Python writes it, with NaN and Infinity."""
        return json.dumps(self.model_dump(), indent=1)


def read(folder: Path, whose: str) -> Packed:
    """The description in an archive's folder.

    Raises:
        ConfigError: if it is none.
    """
    file = folder / RUN
    if not file.is_file() or file.stat().st_size > LARGEST:
        raise ConfigError([f"{whose}: has no {RUN}, or one that is larger than {LARGEST:,} bytes"])
    try:
        return Packed.model_validate(json.loads(file.read_bytes()))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        else:
            problem = "is no JSON"
        raise ConfigError([f"{whose}: {RUN}: {problem}"]) from error


def data_of(dataset: Dataset) -> Data:
    """A data set as the store has it.

    Raises:
        ValueError, KeyError, TypeError: if the runner has not written it.
    """
    specs = json.loads(str(dataset.schema))["mlflow_tensorspec"]
    shapes = {name: json.loads(spec)[0]["tensor-spec"]["shape"][1:] for name, spec in specs.items()}
    return Data(
        settings={**json.loads(dataset.source), "type": dataset.name},
        digest=dataset.digest,
        sizes=json.loads(str(dataset.profile)),
        in_shape=shapes["features"],
        out_shape=shapes["targets"],
    )


def model_of(folder: Path, data: Path, step: int) -> LoggedModel:
    """An MLflow model of the runner's, by its files.

    Args:
        folder: the MLflow model's.
        data: the folder in it that the runner's own files are in.
        step: the epochs that it has been trained.
    """
    signature, example = Model.load(folder).signature, json.loads((folder / EXAMPLE).read_bytes())
    description = described(data)
    gives = columns_of(signature.outputs)
    out_shape = [1] * depth_of(signature.outputs) + [description.outputs]
    if gives is None:
        out_shape = [int(size) for size in signature.outputs.inputs[0].shape[1:]]
    return LoggedModel(
        in_shape=description.in_shape,
        out_shape=out_shape,
        example=example["data"] if isinstance(example, Mapping) else example,
        step=step,
        takes=columns_of(signature.inputs),
        gives=gives,
    )


def columns_of(schema: Schema) -> list[Column] | None:
    """The names and types of a table's columns; None of a tensor."""
    if isinstance(schema.inputs[0], TensorSpec):
        return None
    return [Column(name=str(column.name), type=kind_of(column)) for column in schema.inputs]


def kind_of(column: ColSpec | TensorSpec) -> Any:
    """The type of a column's values, however deep they lie in lists."""
    kind = column.type
    while isinstance(kind, Array):
        kind = kind.dtype
    return kind.name if isinstance(kind, DataType) else "any"


def depth_of(schema: Schema) -> int:
    """How deep a column's values lie in lists."""
    kind, depth = getattr(schema.inputs[0], "type", None), 0
    while isinstance(kind, Array):
        kind, depth = kind.dtype, depth + 1
    return depth
