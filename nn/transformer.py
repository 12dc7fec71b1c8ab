"""The Transformer: layers of attention and of two matrices, stacks of them, and both stacks together. Stands on the layers."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import ShapeError

from . import init
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .functional.activation import gelu, relu
from .linear import Linear
from .module import Module
from .normalisation import LayerNorm

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": relu, "gelu": gelu}


def _activation(name: str, given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given not in ACTIVATIONS:
        raise ValueError(f'{name}: activation is "relu", "gelu" or a function, not {given!r}')
    return ACTIVATIONS[given]


class _Layer(Module):
    """The constructor of both layers: their attentions, two matrices, and a norm and a dropout for each of these parts."""

    attentions: tuple[str, ...] = ("self_attn",)

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = relu,
        layer_norm_eps: float = 1e-05,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        where = {"device": device, "dtype": dtype}
        parts = range(1, len(self.attentions) + 2)
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **where))
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **where))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _activation(type(self).__name__, activation)

    def _add(self, i: int, x: Any, part: Callable[[Any], Any]) -> Any:
        """x plus what its i-th part makes of it, with the norm and the dropout of this part."""
        norm, drop = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        return x + drop(part(norm(x))) if self.norm_first else norm(x + drop(part(x)))

    def _attend(self, name: str, x: Any, memory: Any, mask: Any, padding: Any, causal: bool) -> Any:
        attention = getattr(self, name)
        return attention(x, memory, memory, padding, need_weights=False, attn_mask=mask, is_causal=causal)[0]

    def _feed(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two matrices with an activation between; each is added to its input.

    With `norm_first` each looks at its input after a LayerNorm; else the sums are normed. src is (L, N, d_model), or
    (N, L, d_model) with `batch_first`. Masks are those of MultiheadAttention.

    >>> TransformerEncoderLayer(4, 2, dim_feedforward=8)(np.ones((3, 2, 4), np.float32)).shape
    (3, 2, 4)
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        x = self._add(1, src, lambda x: self._attend("self_attn", x, x, src_mask, src_key_padding_mask, is_causal))
        return self._add(2, x, self._feed)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself, then to a memory, then two matrices; each is added to its input.

    tgt is (L, N, d_model), memory (S, N, d_model); otherwise as TransformerEncoderLayer.

    >>> x = np.ones((3, 2, 4), np.float32)
    >>> TransformerDecoderLayer(4, 2, dim_feedforward=8)(x, x[:2]).shape
    (3, 2, 4)
    """

    attentions = "self_attn", "multihead_attn"

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        def look(x: Any) -> Any:
            return self._attend("self_attn", x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def remember(x: Any) -> Any:
            return self._attend("multihead_attn", x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)

        return self._add(3, self._add(2, self._add(1, tgt, look), remember), self._feed)


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after another, and then `norm`. The copies begin with equal parameters.

    >>> encoder = TransformerEncoder(TransformerEncoderLayer(4, 2, dim_feedforward=8), num_layers=2)
    >>> encoder(np.ones((3, 2, 4), np.float32)).shape
    (3, 2, 4)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None) -> Any:
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """`num_layers` copies of a layer, one after another, each looking at the same memory, and then `norm`.

    >>> decoder = TransformerDecoder(TransformerDecoderLayer(4, 2, dim_feedforward=8), num_layers=2)
    >>> x = np.ones((3, 2, 4), np.float32)
    >>> decoder(x, x[:2]).shape
    (3, 2, 4)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class Transformer(Module):
    """An encoder of one sequence and a decoder of another that looks at it: src (S, N, d_model) and tgt (L, N, d_model).

    >>> model = Transformer(4, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=8)
    >>> x = np.ones((3, 2, 4), np.float32)
    >>> model(x, x[:2], tgt_mask=model.generate_square_subsequent_mask(2)).shape
    (2, 2, 4)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-05,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps
        habits = batch_first, norm_first, bias, device, dtype

        def norm() -> Module:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder
        if custom_encoder is None:
            self.encoder = TransformerEncoder(TransformerEncoderLayer(*sizes, *habits), num_encoder_layers, norm())
        self.decoder = custom_decoder
        if custom_decoder is None:
            self.decoder = TransformerDecoder(TransformerDecoderLayer(*sizes, *habits), num_decoder_layers, norm())
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws all matrices anew, as `nn.init.xavier_uniform_` does."""
        for own in self.parameters():
            if own.ndim > 1:
                init.xavier_uniform_(own, generator=generator)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        shapes = np.shape(src), np.shape(tgt)
        if len(shapes[0]) != len(shapes[1]) or (len(shapes[0]) == 3 and len({s[1 - self.batch_first] for s in shapes}) > 1):
            raise ShapeError(f"transformer: src and tgt are to be of one batch, got shapes {shapes[0]} and {shapes[1]}")
        if any(shape[-1] != self.d_model for shape in shapes):
            raise ShapeError(
                f"transformer: expected {self.d_model} features in the last axes, got shapes {shapes[0]} and {shapes[1]}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """The causal mask (sz, sz), to be added: -inf above the diagonal, else 0.

        >>> Transformer.generate_square_subsequent_mask(2).tolist()
        [[0.0, -inf], [0.0, 0.0]]
        """
        return np.triu(np.full((sz, sz), -np.inf, dtype or np.float32), 1)
