"""Attention: each step of a sequence looks at the others."""

from math import sqrt

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Initializer, XavierUniform
from runner.nn.layers.dropout import dropped
from runner.nn.layers.encoding import check_sequence
from runner.nn.layers.layer import ShapeError
from runner.nn.layers.linear import Linear
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Probability, Shape

FEW_STEPS = 128
"""Sequences up to this long are attended to as the formula says: as fast, and models can be stacked.

Torch's own function, which never has all weights in memory at once, can't be called for several models, and
draws from its own generator.
"""


class MultiHeadAttention:
    """Self-attention (Vaswani et al., 2017): a head gives ``softmax(Q K^T / sqrt(d)) V``, d being its width.

    Q, K and V are linear maps of x, ``in_proj``: ``W`` [embed_dim, 3 embed_dim], ``b`` [1, 3 embed_dim];
    what the heads give goes side by side through ``out_proj``: ``W`` [embed_dim, embed_dim], ``b``
    [1, embed_dim].

    Args:
        scope: where the parameters are allocated.
        in_shape: ``[steps, embed_dim]``.
        num_heads: how many there are; each has its share of the width.
        dropout: in training, the share of steps that a step does not see, at random as in ``Dropout``.
        bias: whether the maps have a ``b``.
        causal: whether a step sees only itself and those before it.
        embed_dim: what the width has to be; inferred where it is left out.
        init: how the maps get their first values.

    Raises:
        ShapeError: if the sample is no sequence of ``embed_dim`` wide steps, or the heads can't share it.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        num_heads: PositiveInt,
        dropout: Probability = 0.0,
        bias: bool = True,
        causal: bool = False,
        embed_dim: PositiveInt | None = None,
        init: Initializer = XavierUniform(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        check_sequence(in_shape)
        width = in_shape[1]
        if embed_dim is not None and embed_dim != width:
            raise ShapeError(f"expects steps of {embed_dim}, gets {width}")
        if width % num_heads:
            raise ShapeError(f"cannot part a width among {num_heads} heads, gets {list(in_shape)}")
        self.num_heads, self.dropout, self.causal = num_heads, dropout, causal
        self.in_proj = Linear(scope.scope("in_proj"), in_shape, out_features=3 * width, bias=bias, init=init)
        self.out_proj = Linear(scope.scope("out_proj"), in_shape, out_features=width, bias=bias, init=init)
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, embed_dim]`` to the same shape."""
        projected = self.in_proj.forward(store, x).reshape(*x.shape[:2], 3, self.num_heads, -1)
        Q, K, V = projected.permute(2, 0, 3, 1, 4)  # each [N, heads, steps, d]
        draws = store.training and self.dropout > 0
        if draws or Q.shape[2] <= FEW_STEPS:
            weights = self._weights(Q, K)
            seen = dropped(store, weights, weights, self.dropout) @ V
        else:
            seen = F.scaled_dot_product_attention(Q, K, V, is_causal=self.causal)
        return self.out_proj.forward(store, seen.transpose(1, 2).flatten(2))

    def _weights(self, Q: Tensor, K: Tensor) -> Tensor:
        """How much each step sees of each ``[N, heads, steps, steps]``."""
        scores = Q @ K.transpose(-2, -1) / sqrt(Q.shape[-1])
        if self.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, float("-inf"))
        return torch.softmax(scores, -1)
