"""``runner export``: a trained model as a file that other programs read."""

from collections.abc import Sequence
from pathlib import Path

from runner.commands.arguments import Arguments, run_program
from runner.errors import ConfigError, unknown
from runner.process.importing import without_collections

USAGE = """runner export <run> format=<format> output=<file> [key=value …]

Writes the model that a run has logged as a file that needs no runner, reads it back, and says by how much its
outputs differ from the model's. It takes batches of any size [N, …], float32, as the model does: a table's
rows after table.json, which the file holds, too, and pixels divided by 255. It gives logits of a classifier,
probabilities of several labels, of a regression values in the targets' own units.

  run           the run's id, or as much of its beginning as no other has
  format        onnx: for onnxruntime and others (in the runner's checkout: pip install -e '.[export]');
                torchscript: for torch.jit.load, in Python and C++;
                safetensors: the weights by name, with layers, shapes and labels as metadata
  output        the file
  outputs       of onnx and torchscript: predictions: probabilities, also of a classifier; raw: what the last
                layer gives, of which the function 'link' makes predictions; auto (default): raw of a
                classifier, else predictions
  plugins       true lets the plugins run that the model carries, which are code from the store; or a list of
                files and modules of your own to take in their place
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: where files of plugins may lie"""

KNOWN = ("run!", "format!", "output!", "outputs", "plugins", "tracking.uri")
OUTPUTS = {"auto": None, "predictions": False, "raw": True}
FORMATS = ("onnx", "torchscript", "safetensors")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, export)


def export(arguments: Arguments) -> int:
    """Find, write, compare; the exit code.

    Raises:
        ConfigError: if the arguments are wrong.
        RunnerError: if run or model cannot be had, the model has no such form, or the file can't be written.
    """
    kind, target = arguments.required("format"), Path(arguments.required("output"))
    refuse(kind, target)
    raw = OUTPUTS[arguments.choice("outputs", tuple(OUTPUTS))]
    wanted = arguments.plugins()
    with without_collections():
        import torch

        from runner.trained.export import export as write
        from runner.trained.run import find
    run = find(arguments.store(), arguments.required("run"))
    predictor = run.load_model(torch.device("cpu"), wanted)
    with predictor.mistakes_told():
        difference = write(predictor, run.example(predictor), kind, target, raw)
    print(f"{target} holds the model; its outputs differ from the model's by at most {difference:.2g}")
    return 0


def refuse(kind: str, target: Path) -> None:
    """Refuse formats that are not known and folders that are not there, before anything slow.

    Raises:
        ConfigError: if there is one.
    """
    problems = [] if kind in FORMATS else [unknown("format", kind, FORMATS)]
    if not target.absolute().parent.is_dir():
        problems.append(f"output: there is no folder '{target.absolute().parent}'")
    elif target.is_dir():
        problems.append(f"output: '{target}' is a folder")
    if problems:
        raise ConfigError(problems)
