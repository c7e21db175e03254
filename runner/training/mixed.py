"""A batch's loss, of its samples as they are or mixed two by two."""

import torch
from torch import Tensor

from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss
from runner.nn.store import ParameterStore


def loss_and_prediction(
    model: Layer, store: ParameterStore, loss: Loss, inputs: Tensor, targets: Tensor, share: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The mean loss, a scalar, and the predictions ``[N, …]``.

    Args:
        model: predicts.
        store: its parameters.
        loss: takes predictions and targets.
        inputs: ``[N, …]``.
        targets: ``[N, …]``.
        share: what a sample keeps of itself, a scalar, the rest being the one before it (``Mixup``); None
            leaves samples as they are.
    """
    if share is None:
        prediction = model.forward(store, inputs)
        return loss(prediction, targets), prediction
    prediction = model.forward(store, torch.lerp(inputs.roll(1, 0), inputs, share))
    return torch.lerp(loss(prediction, targets.roll(1, 0)), loss(prediction, targets), share), prediction
