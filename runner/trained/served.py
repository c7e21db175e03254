"""A trained model as MLflow serves it: rows or tensors in; classes with probabilities, or values, out."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from pandas import DataFrame
from torch import Tensor

from runner.data.array_file import tensor_of
from runner.data.dataset import Split
from runner.data.pixels import Inputs, are_pixels, scaled
from runner.errors import DataError
from runner.trained.names import names_of, table_of
from runner.trained.predictions import Predictions
from runner.trained.serving import Predictor, load
from runner.training.loop import evaluation_rows


class Served:
    """What MLflow's pyfunc flavour asks.

    Args:
        predictor: the model.

    Raises:
        DataError: if what lies beside the model is damaged.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._table = table_of(predictor.preprocessing)

    def predict(
        self, inputs: DataFrame | npt.NDArray[Any], params: object = None
    ) -> DataFrame | npt.NDArray[np.floating]:
        """What the model says of N samples.

        Args:
            inputs: ``[N, *in_shape]``; of a model that has learnt from a table rows with its columns.
            params: what MLflow hands on; there are none.

        Returns:
            Of a classifier a table: ``class``, and ``probability_<name>`` for each class. Of labels their
            probabilities ``[N, D]``. Of a regression the values ``[N, D]`` in the targets' own units; those
            of a table's label as its column.

        Raises:
            MlflowException: if the inputs are none for this model.
        """
        try:
            if self._table is None:
                samples = tensor_of(np.asarray(inputs))
            else:
                samples = self._table.transform(DataFrame(inputs), "inputs")
            said = predictions_for(samples, self._predictor)
        except DataError as error:  # which a server tells who has asked
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from error
        return said.values if said.classes is None and said.names is None else said.frame()


def predictions_for(samples: Tensor, predictor: Predictor, name: str = "inputs") -> Predictions:
    """A model's predictions, as many samples at a time as an evaluation takes.

    Args:
        samples: ``[N, *in_shape]``, of any type.
        predictor: the model.
        name: what the samples are called in messages.

    Raises:
        DataError: if what lies beside the model is damaged, or the samples are none of its inputs.
    """
    count = evaluation_rows(Split(samples, samples))
    pixels = are_pixels(name, samples, Inputs.kept(predictor.preprocessing))
    parts = [scaled(part, are_pixels=pixels) for part in torch.split(samples, count)]
    outputs = torch.cat([predictor.outputs(part.numpy()) for part in parts])
    classes = outputs.argmax(-1).numpy() if predictor.task == "classification" else None
    names = names_of(predictor.preprocessing, predictor.task)
    return Predictions(predictor.predictions(outputs).numpy(), classes, names, predictor.task)


def _load_pyfunc(data_path: str) -> Served:
    """The entry that MLflow's pyfunc flavour calls by this name; it has run the model's own code already."""
    return Served(load(Path(data_path), plugins=True))
