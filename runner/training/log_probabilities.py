"""Losses that take log-probabilities: of outputs that are none they have no minimum, and mean nothing."""

import logging

import torch

from runner.data.dataset import Split
from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss
from runner.nn.store import ParameterStore
from runner.training.look import outputs

log = logging.getLogger(__name__)

SAMPLES = 64
"""Of which the outputs are looked at."""

ROUNDING = 0.1
"""Probabilities in bfloat16 add up to 1 by so much."""


@torch.inference_mode()
def report_other_outputs(name: str, loss: Loss, model: Layer, store: ParameterStore, split: Split) -> None:
    """Log a line if the loss takes log-probabilities and the model's outputs are none.

    Args:
        name: of the loss, in the config.
        loss: the loss.
        model: the model; its parameters have values.
        store: its parameters.
        split: samples that it takes.
    """
    if not getattr(loss, "takes_log_probabilities", False):
        return
    sums = torch.cat(
        [each.double().exp().sum(-1).flatten() for each, _ in outputs(model, store, split.first(SAMPLES))]
    )
    if ((sums - 1).abs() > ROUNDING).any():
        log.warning(
            "loss.type: '%s' takes log-probabilities, but the model's outputs are none: their exponentials "
            "add up to %.3g … %.3g a sample, not to 1, so that the loss has no minimum. "
            "'+model.layers.log={type: log_softmax}' makes them such",
            *(name, sums.min(), sums.max()),
        )
