"""Vectors for indices."""

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Fans, Initializer, Normal
from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegativeInt, PositiveInt, Shape


class Embedding:
    """The row of ``W`` [num_embeddings, embedding_dim] for each index.

    Inputs may be of any type, as data arrives as float32 (which has every integer up to 2^24); what stands
    behind the point is cut off.

    Args:
        scope: where ``W`` is allocated.
        in_shape: of the indices, any.
        num_embeddings: how many there are; indices are 0, 1, … up to one less.
        embedding_dim: the length of a vector.
        padding_idx: an index that stands for nothing: its vector is 0 and stays so.
        init: how ``W`` gets its first values: N(0, 1) as in torch.

    Raises:
        ShapeError: if there is no ``padding_idx`` among the indices.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        num_embeddings: PositiveInt,
        embedding_dim: PositiveInt,
        padding_idx: NonNegativeInt | None = None,
        init: Initializer = Normal(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        if padding_idx is not None and padding_idx >= num_embeddings:
            raise ShapeError(
                f"has {num_embeddings} indices, none is padding_idx {padding_idx}; gets {list(in_shape)}"
            )
        fans = Fans(num_embeddings, embedding_dim)

        def fill(W: Tensor, generator: torch.Generator) -> None:
            init.weight(W, fans, generator)
            if padding_idx is not None:
                W[padding_idx].zero_()

        self.num_embeddings, self.padding_idx = num_embeddings, padding_idx
        self.W = scope.allocate("W", (num_embeddings, embedding_dim), fill)
        self.out_shape: Shape = (*in_shape, embedding_dim)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """Indices ``[N, *in_shape]`` to ``[N, *in_shape, embedding_dim]``.

        Raises:
            IndexError: torch's, for an index that is none.
        """
        return F.embedding(x.long(), store[self.W], self.padding_idx)
