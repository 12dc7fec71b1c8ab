"""Attention as a layer, and the two ways to tell it of positions. Stands on `functional.attention`."""

from typing import Any

import numpy as np

from autograd import ShapeError, Tensor

from . import init
from .functional.attention import multi_head_attention_forward, rotary_positions, sinusoidal_positions
from .linear import Linear
from .module import Module, parameter


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that PyTorch shows it by."""


class MultiheadAttention(Module):
    """Attention by `num_heads` heads, each on embed_dim / num_heads features: returns the result and the weights.

    forward(query, key, value): (L, N, E), (S, N, kdim) and (S, N, vdim), or with `batch_first` (N, L, E) and so on, or without
    N. In masks of booleans, true is where a query may not look. `need_weights=False` saves the mean over the heads.

    >>> x = np.ones((3, 2, 4), np.float32)
    >>> result, weights = MultiheadAttention(4, 2)(x, x, x)
    >>> result.shape, weights.shape
    ((3, 2, 4), (2, 3, 3))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ShapeError(
                f"MultiheadAttention: embed_dim {embed_dim} is to be a multiple of num_heads, which is {num_heads}"
            )
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout = dropout
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self.in_proj_weight = self.q_proj_weight = self.k_proj_weight = self.v_proj_weight = None
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = parameter(3 * embed_dim, embed_dim, dtype=dtype, device=device)
        else:
            self.q_proj_weight = parameter(embed_dim, embed_dim, dtype=dtype, device=device)
            self.k_proj_weight = parameter(embed_dim, self.kdim, dtype=dtype, device=device)
            self.v_proj_weight = parameter(embed_dim, self.vdim, dtype=dtype, device=device)
        self.in_proj_bias = parameter(3 * embed_dim, dtype=dtype, device=device) if bias else None
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.bias_k = parameter(1, 1, embed_dim, dtype=dtype, device=device) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed_dim, dtype=dtype, device=device) if add_bias_kv else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew, except the matrix of `out_proj`, which is a layer of its own."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight, generator=generator)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for row in (self.bias_k, self.bias_v):
            if row is not None:
                init.xavier_normal_(row, generator=generator)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        return multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=self.in_proj_weight is None,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )


class SinusoidalPositions(Module):
    """x plus waves of its positions (`functional.sinusoidal_positions`): x is (L, N, dim), or (N, L, dim) with `batch_first`.

    >>> SinusoidalPositions(2)(np.zeros((3, 1, 2))).round(2).tolist()
    [[[0.0, 1.0]], [[0.84, 0.54]], [[0.91, -0.42]]]
    """

    def __init__(self, dim: int, base: float = 10000.0, batch_first: bool = False) -> None:
        self.dim = dim
        self.base = base
        self.batch_first = batch_first

    def forward(self, input: Any) -> Any:
        x = input if isinstance(input, Tensor) else np.asarray(input)
        if x.ndim not in (2, 3) or x.shape[-1] != self.dim:
            raise ShapeError(
                f"sinusoidal_positions: expected {self.dim} features in the last of 2 or 3 axes, got shape {x.shape}"
            )
        last = x.ndim == 2 or self.batch_first
        table = sinusoidal_positions(x.shape[-2 if last else 0], self.dim, self.base, x.dtype)
        return x + (table if last else table[:, None])

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}" + ", batch_first=True" * self.batch_first


class RotaryPositions(Module):
    """Turns query or key (..., length, dim) by its positions: see `functional.rotary_positions` for the convention.

    >>> RotaryPositions(2)(np.array([[1.0, 0.0], [1.0, 0.0]])).round(2).tolist()
    [[1.0, 0.0], [0.54, 0.84]]
    """

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False) -> None:
        if dim % 2:
            raise ShapeError(f"RotaryPositions: features turn in pairs, so dim must be even, got {dim}")
        self.dim = dim
        self.base = base
        self.interleaved = interleaved

    def forward(self, input: Any, positions: Any = None) -> Any:
        if np.shape(input)[-1:] != (self.dim,):
            raise ShapeError(f"rotary_positions: expected {self.dim} features in the last axis, got shape {np.shape(input)}")
        return rotary_positions(input, positions, self.base, self.interleaved)

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}" + ", interleaved=True" * self.interleaved
