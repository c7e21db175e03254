"""Writing a trained model down."""

from pathlib import Path

from runner.config.check import Config
from runner.data.dataset import Dataset
from runner.nn.store import ParameterStore
from runner.tracking.saved_model import SavedModel
from runner.trained import serving


def save_model(folder: Path, config: Config, store: ParameterStore, data: Dataset, epochs: int) -> SavedModel:
    """Write a model's layers and weights into ``folder``, with two test samples as its example.

    Beside them lies what its data says has to be known to make inputs. ``epochs`` is how many it has been
    trained.
    """
    in_shape, out_shape = config.source.in_shape, config.source.out_shape
    layers = config.plain["model"]["layers"]
    task, units = config.source.task, data.test.units
    serving.save(folder, layers, in_shape, out_shape[-1], task, store, config.plugins, units)
    for name, text in data.preprocessing.items():
        (folder / name).write_text(text, encoding="utf-8")
    example = data.test.first(2).inputs.tolist()
    return SavedModel(folder, in_shape, out_shape, example, epochs)
