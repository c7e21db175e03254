"""``runner predict``: what a trained model says of the rows of a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.arguments import DEVICES, Arguments, run_program
from runner.data.image_paths import images_in, is_image
from runner.errors import ConfigError, DataError
from runner.process.importing import without_collections

if TYPE_CHECKING:  # torch and mlflow are imported when there is something to predict
    from torch import Tensor

    from runner.trained.serving import Predictor

USAGE = """runner predict <run> input=<file> output=<file> [key=value …]

Writes what the model that a run has logged predicts for each row of a file: of a classifier the class and
the probabilities of all classes, of a regression the values.

  run           the run's id, or as much of its beginning as no other has
  input         .csv, .tsv: if the model has been trained on a table, its columns by name, written as those
                were (separator, decimal mark, encoding, missing values), else an input each, in order (a
                header may stand above); .parquet for models of tables; .npy [N, …], a sample each: pixels
                from 0 to 255, of any type, if the model was trained on pixels, else numbers as they are; or
                an image, or a folder of images, if it was trained on images
  output        .csv, or .npy: values [N, D], of a classifier records of 'class' and 'probabilities'; of
                images a row each by their names, of which .csv has a column 'file'
  plugins       true lets the plugins run that the model carries, which are code from the store; or a list of
                files and modules of your own to take in their place
  device        auto (default), cpu or cuda
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: where files of plugins may lie"""

KNOWN = ("run!", "input!", "output!", "plugins", "device", "tracking.uri")
TEXT = (".csv", ".tsv")
ENDINGS = {"input": (*TEXT, ".parquet", ".npy"), "output": (".csv", ".npy")}
"""Of the files that are read and written."""


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
    files = images_at(source)
    samples = decoded(files, predictor) if files else samples_in(source, predictor)
    with predictor.mistakes_told():
        predictions = predictions_for(samples, predictor, str(source))
    predictions.write(target, [name_in(source, file) for file in files])
    print(f"{len(predictions.values)} predictions are in {target}")
    return 0


def refuse_other_files(source: Path, target: Path) -> None:
    """Refuse files of kinds that are not known, before anything slow.

    Raises:
        ConfigError: if there is one.
    """
    problems = []
    if source.suffix not in ENDINGS["input"] and not images_at(source):
        wanted = f"end with {' or '.join(ENDINGS['input'])}, or be an image or a folder of images"
        problems.append(f"input: '{source}' should {wanted}")
    if target.suffix not in ENDINGS["output"]:
        problems.append(f"output: '{target}' should end with {' or '.join(ENDINGS['output'])}")
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


def images_at(source: Path) -> list[Path]:
    """The image that a path names, or those in the folder that it names; none of another kind."""
    if source.is_dir():
        return list(images_in(source))
    return [source] if is_image(source) else []


def name_in(source: Path, file: Path) -> str:
    """The name of an image within the folder that was named."""
    return file.name if file == source else file.relative_to(source).as_posix()


def decoded(files: Sequence[Path], predictor: "Predictor") -> "Tensor":
    """Images as the model was trained on them, uint8 ``[N, *in_shape]``.

    Raises:
        ConfigError: if it was trained on something else.
        DataError: if one can't be read.
    """
    import torch

    from runner.data.image_folder import IMAGES, images_of

    if IMAGES not in predictor.preprocessing:
        raise ConfigError([f"input: '{files[0]}' is an image, but the model was not trained on image files"])
    _, decoder = images_of(predictor.preprocessing[IMAGES])
    return torch.stack([decoder.decode(file) for file in files])


def samples_in(source: Path, predictor: "Predictor") -> "Tensor":
    """The samples of a file ``[N, *in_shape]``.

    Raises:
        DataError: if it cannot be read, or holds none for this model.
    """
    from runner.data import csv_file, parquet_file, rows
    from runner.trained.names import table_of

    table = table_of(predictor.preprocessing)
    if source.suffix == ".parquet":
        if table is None:
            raise DataError(
                f"{source}: is a table, the model takes {list(predictor.in_shape)}; use .npy or .csv"
            )
        return table.transform(parquet_file.read_parquet(source), str(source))
    if source.suffix not in TEXT:
        return rows.read_array(source, predictor.in_shape)
    if table is None:
        return rows.read_csv(source, predictor.in_shape)
    return table.transform(csv_file.read_csv(source, table.form), str(source))
