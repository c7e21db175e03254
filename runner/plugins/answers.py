"""What a plugin's parts give, held against what their tables' parts should give, wherever they are called.

A wrong answer would show in the runner's own code, lines later. So the methods of a plugin's classes check
what they give from when they are loaded on: whoever trains, evaluates or predicts just calls them.
"""

import dis
import math
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import unwrap
from numbers import Real
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor

from runner.data.dataset import Dataset, Source, Split
from runner.data.soundness import problem_in
from runner.errors import RunnerError
from runner.nn.layers.layer import Layer


class AnswerError(RunnerError):
    """A part gives what it should not.

    Args:
        part: the part.
        code: its method's.
        told: what that gives, and what it should.

    Attributes:
        part: the part.
        code: its method's.
        line: where the method returns, if there is one such place, else where it begins.
    """

    def __init__(self, part: object, code: CodeType, told: str) -> None:
        super().__init__(f"{code.co_name} {told}")
        self.part, self.code = part, code
        self.line = line_of_return(code)


class WrongError(ValueError):
    """An answer that is none; it says what it is instead."""


def line_of_return(code: CodeType) -> int:
    """The line in which a function returns, if there is one such, else that in which it begins."""
    returns = [each for each in dis.get_instructions(code) if each.opname.startswith("RETURN_")]
    lines = {each.positions.lineno for each in returns if each.positions and each.positions.lineno}
    return lines.pop() if len(lines) == 1 else code.co_firstlineno


def shown(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)}"
    return (
        repr(value)
        if value is None or isinstance(value, bool | int | float | str)
        else f"a {type(value).__name__}"
    )


def loss(part: object, given: Any, prediction: Tensor, *_: object) -> Tensor:
    """A scalar that gradients lead through."""
    if not isinstance(given, Tensor) or given.dim() or not given.is_floating_point():
        raise WrongError(f"gives {shown(given)}, should give a scalar tensor, such as a mean")
    if torch.is_grad_enabled() and prediction.requires_grad and not given.requires_grad:
        raise WrongError(
            "gives a value without gradient, should follow from the prediction by torch's operators"
        )
    return given


def metric(part: object, given: Any, prediction: Tensor, *_: object) -> Tensor:
    """A scalar tensor; a number is made one."""
    if isinstance(given, Tensor) and given.numel() == 1 and not given.is_complex():
        return given.reshape(())
    if isinstance(given, Real):
        return torch.tensor(float(given), dtype=torch.float64, device=prediction.device)
    raise WrongError(f"gives {shown(given)}, should give one number")


def layer(part: Layer, given: Any, store: object, x: Tensor) -> Tensor:
    """A batch of the layer's output shape."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return given  # type: ignore[no-any-return]
    wanted = [x.shape[0], *part.out_shape]
    if not isinstance(given, Tensor) or list(given.shape) != wanted:
        raise WrongError(f"gives {shown(given)} for {list(x.shape)}, should give {wanted} by its out_shape")
    if given.dtype == torch.float64 != x.dtype:
        raise WrongError(f"gives float64 for {str(x.dtype).removeprefix('torch.')}, should give float32")
    return given


def filled(part: object, given: Any, values: Tensor, *_: object) -> None:
    """Nothing: values are written in place."""
    if given is not None and given is not values:
        raise WrongError(f"gives {shown(given)}, should write its values into the tensor that it is given")
    if not values.isfinite().all():
        raise WrongError("leaves values that are no finite numbers")


def state(part: object, given: Any, *_: object) -> Mapping[str, Tensor]:
    """Tensors by name."""
    if not isinstance(given, Mapping):
        raise WrongError(f"gives {shown(given)}, should give a dict of tensors, {{}} if it keeps nothing")
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise WrongError(f"gives {shown(value)} as {name!r}, should give tensors")
    return given


def stepped(part: object, given: Any, *arguments: object) -> None:
    """Nothing: parameters and state are changed in place."""
    if given is not None and not any(given is argument for argument in arguments):
        raise WrongError(f"gives {shown(given)}, should change params and state in place")


def factor(part: object, given: Any, *_: object) -> float:
    """A finite number."""
    number = given.item() if isinstance(given, Tensor) and given.numel() == 1 else given
    if not isinstance(number, Real) or not math.isfinite(number):
        raise WrongError(f"gives {shown(given)}, should give a finite number")
    return float(number)


def dataset(part: Source, given: Any) -> Dataset:
    """A data set of the shapes that its source promises."""
    if not isinstance(given, Dataset):
        raise WrongError(f"gives {shown(given)}, should give a Dataset(train=Split(…), test=Split(…))")
    for name in ("train", "test", "val"):
        split = getattr(given, name)
        if (name != "val" or split is not None) and (told := problem_of(split, part)) is not None:
            raise WrongError(f"gives a {name} part {told}")
    return given


def problem_of(split: Any, source: Source) -> str | None:
    """What is wrong with a part of a source's data, if anything is."""
    if not isinstance(split, Split):
        return f"that is {shown(split)}, should be a Split(samples, targets)"
    for what in ("samples", "targets"):
        value = getattr(split, what)
        if not isinstance(value, Tensor) or not value.dim():
            return f"whose {what} are {shown(value)}, should be a tensor [N, …]"
    task = "regression" if source.task == "multilabel" and not split.labelled else source.task
    if split.task != task:
        return f"whose targets {list(split.targets.shape)} are of {split.task}, its task is {source.task}"
    told = problem_in(split, source)
    if told is not None:
        return f"in which {told}"
    wanted = source.out_shape if task != "classification" else source.out_shape[:-1]
    if tuple(split.targets.shape[1:]) != wanted:
        return f"whose targets are {list(split.targets.shape[1:])} a sample, should be {list(wanted)}"
    return None


Check = Callable[..., Any]
"""Takes a part, what its method gives and what that is called with; gives the answer or raises WrongError."""

CHECKS: Mapping[str, Mapping[str, Check]] = {
    "LAYERS": {"forward": layer},
    "INITIALIZERS": {"weight": filled, "bias": filled},
    "LOSSES": {"__call__": loss},
    "METRICS": {"__call__": metric},
    "RULES": {"init": state, "step": stepped},
    "SCHEDULES": {"factor": factor},
    "SOURCES": {"load": dataset},
}
"""What is checked, by tables and methods."""

CHECKED = "runner_checks"
"""The attribute of a method that is checked."""


def check_answers(tables: Mapping[str, Mapping[str, Any]], package: str) -> None:
    """Have the methods of a plugin's own classes checked whenever they are called.

    Args:
        tables: of the plugin.
        package: where its code is; classes from elsewhere are left alone.
    """
    for table, components in tables.items():
        for component in components.values():
            if isinstance(component, type) and is_in(component.__module__, package):
                for name, check in CHECKS[table].items():
                    method = defined(component, name, package)
                    if method is not None and (component, check) not in checks_of(method):
                        setattr(component, name, checked(component, method, check))


def is_in(module: str | None, package: str) -> bool:
    """Whether a module is in a package, or that itself."""
    return f"{module}.".startswith(f"{package}.")


def defined(component: type, name: str, package: str) -> FunctionType | None:
    """A method that the plugin's own code defines, in the class or in a base."""
    for base in component.__mro__:
        if name in vars(base):
            method = vars(base)[name]
            return method if isinstance(method, FunctionType) and is_in(base.__module__, package) else None
    return None


def checked(component: type, method: FunctionType, check: Check) -> Callable[..., Any]:
    """A method whose answers are checked, where a derived class's does not call it."""

    @wraps(method)
    def answer(self: object, *arguments: Any, **named: Any) -> Any:
        given = method(self, *arguments, **named)
        if type(self) is not component:
            return given
        try:
            return check(self, given, *arguments, *named.values())
        except WrongError as error:
            raise AnswerError(self, unwrap(method).__code__, str(error)) from None

    vars(answer)[CHECKED] = {*checks_of(method), (component, check)}
    return answer


def checks_of(method: FunctionType) -> set[tuple[type, Check]]:
    """The checks that a method has already, by the class: a module that is named again is loaded once."""
    return vars(method).get(CHECKED, set())  # type: ignore[no-any-return]
