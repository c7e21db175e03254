"""``runner predict``: what a trained model says of the rows of a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.arguments import DEVICES, Arguments, run_program
from runner.errors import ConfigError
from runner.process.importing import without_collections

if TYPE_CHECKING:  # torch and mlflow are imported when there is something to predict
    from torch import Tensor

    from runner.trained.serving import Predictor

USAGE = """runner predict <run> input=<file> output=<file> [key=value …]

Writes what the model that a run has logged predicts for each row of a file: of a classifier the class and
the probabilities of all classes, of a regression the values.

  run           the run's id, or as much of its beginning as no other has
  input         .csv: if the model has learnt from a table, its columns by name, else an input each, in
                order (a header may stand above); or .npy [N, …], a model's input each (uint8 are pixels,
                0 to 255 being 0 to 1)
  output        .csv, or .npy: values [N, D], of a classifier records of 'class' and 'probabilities'
  plugins       true lets the plugins run that the model carries, which are code from the store; or a list of
                files and modules of your own to take in their place
  device        auto (default), cpu or cuda
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: where files of plugins may lie"""

KNOWN = ("run!", "input!", "output!", "plugins", "device", "tracking.uri")
ENDINGS = (".csv", ".npy")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, predict)


def predict(arguments: Arguments) -> int:
    """Read, predict, write; the exit code.

    Raises:
        ConfigError: if the arguments are wrong.
        RunnerError: if run, model or rows cannot be had, or the rows are none for this model.
    """
    source, target = Path(arguments.required("input")), Path(arguments.required("output"))
    refuse_other_files(source, target)
    where, wanted = arguments.choice("device", DEVICES), arguments.plugins()
    with without_collections():
        from runner.build import find_device
        from runner.trained.run import find
        from runner.trained.served import predictions_for
    device = find_device(where)
    run = find(arguments.store(), arguments.required("run"))
    predictor = run.load_model(device, wanted)
    refuse_wide_rows(target, predictor)
    predictions = predictions_for(samples_in(source, predictor), predictor)
    predictions.write(target)
    print(f"{len(predictions.values)} predictions are in {target}")
    return 0


def refuse_other_files(source: Path, target: Path) -> None:
    """Refuse files of kinds that are not known, before anything slow.

    Raises:
        ConfigError: if there is one.
    """
    problems = [
        f"{key}: '{path}' should end with {' or '.join(ENDINGS)}"
        for key, path in (("input", source), ("output", target))
        if path.suffix not in ENDINGS
    ]
    if not target.absolute().parent.is_dir():
        problems.append(f"output: there is no folder '{target.absolute().parent}'")
    if problems:
        raise ConfigError(problems)


def refuse_wide_rows(target: Path, predictor: "Predictor") -> None:
    """Refuse to write what is no row of a table into one.

    Raises:
        ConfigError: if a prediction has several dimensions.
    """
    shape = predictor.model.out_shape
    if target.suffix == ".csv" and len(shape) > 1:
        raise ConfigError([f"output: a prediction is {list(shape)}, which no row of a table holds; use .npy"])


def samples_in(source: Path, predictor: "Predictor") -> "Tensor":
    """The samples of a file ``[N, *in_shape]``.

    Raises:
        DataError: if it cannot be read, or holds none for this model.
    """
    from runner.data import rows, table_file
    from runner.trained.names import table_of

    if source.suffix != ".csv":
        return rows.read_array(source, predictor.in_shape)
    table = table_of(predictor.preprocessing)
    if table is None:
        return rows.read_csv(source, predictor.in_shape)
    return table.transform(table_file.read_csv(source))
