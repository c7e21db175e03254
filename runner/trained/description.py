"""``model.json``: what a model is made of, held against its types; it may come from anybody."""

from pathlib import Path
from typing import Annotated

from annotated_types import Gt, Lt
from pydantic import BaseModel, ConfigDict, ValidationError

from runner.config.plain import Plain
from runner.errors import ConfigError
from runner.nn.link import LinkName
from runner.types import Task

MODEL = "model.json"

MOST = 5
"""So many of its problems are named."""

Size = Annotated[int, Gt(0), Lt(2**40)]


class Scales(BaseModel):
    """The units that outputs are in: finite numbers, one a target."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)
    mean: list[float]
    std: list[float]


class Description(BaseModel):
    """A model as its file describes it; what other versions of the runner say beside is not looked at.

    Attributes:
        layers: as in a config.
        in_shape: of one input.
        outputs: how many the last layer gives.
        task: what they are.
        plugins: files beside it, and modules.
        units: those that the outputs are in, if not in the targets' own; an earlier version has none.
        link: what makes predictions of outputs; nor has it this.
    """

    model_config = ConfigDict(strict=True, frozen=True)
    layers: Plain
    in_shape: list[Size]
    outputs: Size
    task: Task
    plugins: list[str]
    units: Scales | None = None
    link: LinkName | None = None


def read(folder: Path) -> Description:
    """The description of the model in a folder.

    Raises:
        ConfigError: if it is none.
    """
    try:
        return Description.model_validate_json((folder / MODEL).read_bytes())
    except OSError as error:
        raise ConfigError([f"{MODEL}: cannot be read: {error.strerror}"]) from error
    except ValidationError as error:
        missing = [str(each["loc"][-1]) for each in error.errors() if each["type"] == "missing"]
        if missing:
            told = f"lacks {', '.join(sorted(missing))}: another version of the runner has written it"
            raise ConfigError([f"{MODEL}: {told}"]) from error
        problems = [".".join(map(str, each["loc"])) + f": {each['msg']}" for each in error.errors()]
        raise ConfigError(f"{MODEL}: {each.removeprefix(': ')}" for each in problems[:MOST]) from error
