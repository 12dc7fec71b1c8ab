"""Tables of vectors that are looked up by index. Stands on `functional`."""

from typing import Any, Self

import numpy as np

from autograd import ShapeError, no_grad

from . import init
from .functional.embedding import embedding, embedding_bag, row_number
from .module import Module, Parameter, parameter


class _Table(Module):
    """The weight, (num_embeddings, embedding_dim), drawn from N(0, 1); the row `padding_idx` is zero at first."""

    weight: Parameter

    def _fill(self, weight: Any, freeze: bool, device: Any, dtype: Any) -> None:
        rows, dim = self.num_embeddings, self.embedding_dim
        self.padding_idx = row_number(type(self).__name__, self.padding_idx, rows)
        if weight is None:
            self.weight = parameter(rows, dim, dtype=dtype, device=device)
            self.reset_parameters()
        elif np.shape(weight) != (rows, dim):
            raise ShapeError(f"{type(self).__name__}: expected a weight of shape {(rows, dim)}, got shape {np.shape(weight)}")
        else:
            self.weight = Parameter(weight)
        self.weight.requires_grad = not freeze

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the table anew."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            with no_grad():
                kept = np.arange(self.num_embeddings) != self.padding_idx
                self.weight.data = np.where(np.expand_dims(kept, 1), self.weight, 0)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Self:
        """A layer with a table that exists already; its arguments are those of the layer."""
        if np.ndim(embeddings) != 2:
            raise ShapeError(f"{cls.__name__}: expected embeddings of shape (rows, dim), got shape {np.shape(embeddings)}")
        layer: Any = cls
        return layer(*np.shape(embeddings), _weight=embeddings, _freeze=freeze, **options)  # type: ignore[no-any-return]


class Embedding(_Table):
    """weight[indices]: a vector for each index. See `functional.embedding` for what the arguments mean.

    >>> Embedding(10, 3)([[1, 2], [4, 5]]).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._fill(_weight, _freeze, device, dtype)

    def forward(self, input: Any) -> Any:
        return embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}" + _listed(
            (f"padding_idx={self.padding_idx}", self.padding_idx is not None),
            (f"max_norm={self.max_norm}", self.max_norm is not None),
            (f"norm_type={self.norm_type}", self.norm_type != 2),
            (f"scale_grad_by_freq={self.scale_grad_by_freq}", self.scale_grad_by_freq),
            ("sparse=True", self.sparse),
        )


class EmbeddingBag(_Table):
    """For each bag of indices the sum, mean or largest elements of their vectors. See `functional.embedding_bag`.

    >>> EmbeddingBag(10, 3, mode="sum")([1, 2, 4, 5], offsets=[0, 3]).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        _freeze: bool = False,
    ) -> None:
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self.padding_idx = padding_idx
        self._fill(_weight, _freeze, device, dtype)

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        return embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}" + _listed(
            (f"max_norm={self.max_norm}", self.max_norm is not None),
            (f"norm_type={self.norm_type}", self.norm_type != 2),
            (f"scale_grad_by_freq={self.scale_grad_by_freq}", self.scale_grad_by_freq),
            (f"mode={self.mode!r}", True),
            (f"padding_idx={self.padding_idx}", self.padding_idx is not None),
        )


def _listed(*words: tuple[str, bool]) -> str:
    return "".join(f", {word}" for word, said in words if said)
