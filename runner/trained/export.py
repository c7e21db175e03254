"""A trained model as a file that other programs read: written, read back, compared, and only then kept."""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.jit._trace import TracerWarning

from runner.errors import RunnerError, first_line, how_to_install
from runner.trained.graph import Graph
from runner.trained.names import names_of
from runner.trained.serving import Predictor

TOLERANCE = 1e-4
"""How far outputs may be from the model's, by its largest where that is over 1."""

BATCHES = (1, 2, 5)
"""Samples at once that the outputs are compared for: the file has to take any number."""

INPUT = "input"
"""What an ONNX file's input is called."""

ABOUT = "runner.json"
"""The name of what a TorchScript file says of itself; an ONNX file has the same as properties."""

Outputs = npt.NDArray[np.floating]
Ask = Callable[[Tensor], Outputs]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        write: writes a model, with inputs that it takes and what is said of it, to a path; whether the file
            gives the layers' outputs as they are comes last.
        read: what answers as the file says; it may take the model's place in the ``Predictor``.
        needed: packages, beside the runner's own.
    """

    write: Callable[[Predictor, Tensor, Mapping[str, str], Path, bool], None]
    read: Callable[[Path, Predictor], Ask]
    needed: tuple[str, ...] = ()


def export(predictor: Predictor, example: Tensor, kind: str, path: Path, raw: bool | None = None) -> float:
    """Write a model; the largest difference between the file's outputs and the model's own.

    Args:
        predictor: the model, on the CPU.
        example: inputs that it takes, ``[n, *in_shape]``.
        kind: a name in ``FORMATS``.
        path: where; what was there before stays if something goes wrong.
        raw: whether the file gives the layers' outputs, not predictions; None: of a classifier alone.

    Raises:
        RunnerError: if a package is missing, the model has no such form, the outputs differ by more than
            ``TOLERANCE``, or the disk refuses.
    """
    form = FORMATS[kind]
    if missing := [name for name in form.needed if find_spec(name) is None]:
        raise RunnerError(f"format: {kind} needs {', '.join(missing)}: {how_to_install('export')}")
    if raw is None or kind == "safetensors":  # which holds weights, and no answers
        raw = predictor.gives_raw
    predictor.outputs(
        example.numpy()
    )  # a plugin's mistake shows here as it is, and not in a converter's words
    unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
    try:
        form.write(predictor, example, about(predictor, raw), unfinished, raw)
        difference = largest_difference(predictor, form, unfinished, example, raw)
        unfinished.replace(path)
    except OSError as error:
        raise RunnerError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return difference


def largest_difference(predictor: Predictor, form: Format, path: Path, example: Tensor, raw: bool) -> float:
    """How far a file's outputs are from the model's, at most, for batches of several sizes.

    Raises:
        RunnerError: if that is too far.
    """
    batches = [example[torch.arange(size) % len(example)] for size in BATCHES]
    expected = [predictor.answers(predictor.outputs(batch.numpy()), raw).numpy() for batch in batches]
    ask, differences = form.read(path, predictor), []
    for batch, outputs in zip(batches, expected, strict=True):
        given = ask(batch)
        if given.shape != outputs.shape:
            raise RunnerError(
                f"format: for {list(batch.shape)} the file gives {list(given.shape)}, "
                f"the model {list(outputs.shape)}"
            )
        differences.append(float(np.abs(given - outputs).max()))
    difference, allowed = max(differences), TOLERANCE * max(1.0, *(float(abs(o).max()) for o in expected))
    if not difference <= allowed:  # which NaN is not, either
        raise RunnerError(
            f"format: the file's outputs differ from the model's by {difference:.2g}, over {allowed:.2g}"
        )
    return difference


def about(predictor: Predictor, raw: bool) -> dict[str, str]:
    """What a file says of itself, and what lies beside the model: words and JSON, by their names."""
    names = names_of(predictor.preprocessing, predictor.task)
    told = {
        "layers": json.dumps(predictor.layers),
        "in_shape": json.dumps(predictor.in_shape),
        "out_shape": json.dumps(predictor.model.out_shape),
        "task": predictor.task,
        "outputs": outputs_of(predictor, raw),
        "link": predictor.link.name,
        "labels": json.dumps(names, ensure_ascii=False),
    }
    return told | dict(predictor.preprocessing)


def outputs_of(predictor: Predictor, raw: bool) -> str:
    """The name of the outputs."""
    if raw:
        return "logits" if predictor.task != "regression" else "outputs"
    return "values" if predictor.task == "regression" else "probabilities"


def write_onnx(predictor: Predictor, example: Tensor, told: Mapping[str, str], path: Path, raw: bool) -> None:
    """Write an ONNX file, weights included: from ``input`` [batch, …] to what ``outputs_of`` says.

    Raises:
        RunnerError: if torch finds no ONNX form of the model.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "_check_is_size", FutureWarning)  # torch's own, of its own loops
        try:
            program = torch.onnx.export(
                Graph(predictor, raw).eval(),
                (example,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[outputs_of(predictor, raw)],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
        except Exception as error:  # of several packages, some of them only in a cause
            raise RunnerError(f"format: the model has no ONNX form: {first_line(root(error))}") from error
    assert program is not None
    program.model.metadata_props.update(told)
    program.save(path, external_data=False)


def read_onnx(path: Path, predictor: Predictor) -> Ask:
    """Have onnxruntime answer."""
    from onnxruntime import InferenceSession

    session = InferenceSession(path, providers=["CPUExecutionProvider"])

    def ask(batch: Tensor) -> Outputs:
        (outputs,) = session.run(None, {INPUT: batch.numpy()})
        given: Outputs = outputs
        return given

    return ask


def write_torchscript(
    predictor: Predictor, example: Tensor, told: Mapping[str, str], path: Path, raw: bool
) -> None:
    """Write a file that ``torch.jit.load`` reads, without the runner.

    Raises:
        RunnerError: if torch cannot follow the model.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)
        warnings.simplefilter("ignore", TracerWarning)  # what they warn of is compared afterwards
        try:
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                Graph(predictor, raw).eval(), example, check_trace=False
            )
            torch.jit.save(traced, str(path), _extra_files={ABOUT: json.dumps(told)})
        except RuntimeError as error:
            raise RunnerError(f"format: the model has no TorchScript form: {first_line(error)}") from error


def read_torchscript(path: Path, predictor: Predictor) -> Ask:
    """Have torch answer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)
        module = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def ask(batch: Tensor) -> Outputs:
        given: Outputs = module(batch).numpy()
        return given

    return ask


def write_safetensors(
    predictor: Predictor, example: Tensor, told: Mapping[str, str], path: Path, raw: bool
) -> None:
    """Write the store's entries by their names."""
    entries = {name: value.cpu().contiguous() for name, value in predictor.store.state_dict().items()}
    units = None if predictor.units is None else vars(predictor.units)
    save_file(entries, path, metadata={**told, "units": json.dumps(units)})


def read_safetensors(path: Path, predictor: Predictor) -> Ask:
    """Have the model answer, with the file's values."""
    predictor.store.load(load_file(path))
    return lambda batch: predictor.predict(batch.numpy())


def root(error: BaseException) -> BaseException:
    """What an error goes back to."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


FORMATS: Mapping[str, Format] = {
    "onnx": Format(write_onnx, read_onnx, ("onnx", "onnxscript", "onnxruntime")),
    "torchscript": Format(write_torchscript, read_torchscript),
    "safetensors": Format(write_safetensors, read_safetensors),
}
