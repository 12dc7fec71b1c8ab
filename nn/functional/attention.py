"""Attention: `scaled_dot_product_attention`, `multi_head_attention_forward`, and positions as waves and as rotations.

Masks are PyTorch's, which means two ways about booleans: in `scaled_dot_product_attention` true is where a query may look, in
`multi_head_attention_forward` and its layers true is where it may not. A query that may look nowhere gets zeros and gives no
gradient. Stands on the fused rule of `autograd.ops.attention`; knows no module.
"""

import math
from typing import Any

import numpy as np

import autograd
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import attention as rules

from .linear import linear

ops: Any = rules  # ops carry no types
draws: Any = autograd.random


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(scale * query key^T + mask) value: query (..., L, E), key (..., S, E), value (..., S, V), result (..., L, V).

    `attn_mask` has the shape of the scores (..., L, S), or one that broadcasts to it: booleans, true where a query may look,
    or floats that are added. With `is_causal`, query i looks at the keys up to i. `scale` is 1 / sqrt(E) unless given. With
    `enable_gqa` a head of key and value serves several heads (axis -3) of the query. `dropout_p` drops weights whenever it
    is above 0: pass 0.0 when not training.

    >>> scaled_dot_product_attention([[1.0]], [[0.0], [0.0]], [[2.0], [4.0]]).tolist()
    [[3.0]]
    """
    name = "scaled_dot_product_attention"
    q, k, v = (_floats(name, x, what) for x, what in ((query, "query"), (key, "key"), (value, "value")))
    if enable_gqa:
        k, v = (_shared(name, x, q.shape) for x in (k, v))
    _check_products(name, q.shape, k.shape, v.shape)
    lead = _together(name, q.shape[:-2], k.shape[:-2], "query", "key")
    scores = (*_together(name, lead, v.shape[:-2], "query and key", "value"), q.shape[-2], k.shape[-2])
    out, _ = _attend(name, q, k, v, _mask(name, attn_mask, scores), dropout_p, is_causal, scale, scores)
    return out


def _attend(
    name: str, q: Any, k: Any, v: Any, mask: Any, dropout: float, causal: bool, scale: float | None, scores: tuple[int, ...]
) -> Any:
    """The result and the weights."""
    if not isinstance(dropout, (int, float, np.number)) or not 0 <= dropout <= 1:
        raise DtypeError(f"{name}: dropout_p is a probability, between 0 and 1, and not {dropout!r}")
    dropout = float(dropout)  # one of NumPy's would make float64 of float32
    scale = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else float(scale)
    if dropout == 1:  # nothing is left
        mask, dropout = np.zeros(scores, bool), 0.0
    keep = draws.bernoulli(1 - dropout, scores) if dropout else True
    out, p = ops.attention(q, k, v, mask, keep, scale=scale, causal=causal, dropout=dropout)
    return out, (p * keep / (1 - dropout) if dropout else p)


def _floats(name: str, x: Any, what: str) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)
    if x.dtype.kind not in "fc":
        raise DtypeError(f"{name}: expected a {what} of floats, got {x.dtype}. Convert it: {what}.astype('float32')")
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected a {what} with at least 2 axes, (..., length, features), got shape {x.shape}")
    return x


def _check_products(name: str, q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...]) -> None:
    if q[-1] != k[-1]:
        raise ShapeError(f"{name}: query and key are to have equally many features in the last axis, got shapes {q} and {k}")
    if k[-2] != v[-2]:
        raise ShapeError(f"{name}: key and value are to be equally long in the last axis but one, got shapes {k} and {v}")


def _together(name: str, a: tuple[int, ...], b: tuple[int, ...], one: str, other: str) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise ShapeError(f"{name}: the leading axes of {one} and {other} do not broadcast: {a} and {b}") from None


def _mask(name: str, mask: Any, scores: tuple[int, ...]) -> Any:
    """A mask as the rule takes it, True for none; the error if it does not belong to the scores."""
    if mask is None:
        return True
    mask = mask if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype.kind not in "bf":
        raise DtypeError(f"{name}: expected attn_mask of booleans or floats, got {mask.dtype}. Did you mean attn_mask == 1?")
    if not _broadcasts(mask.shape, scores):
        raise ShapeError(f"{name}: expected attn_mask of shape {scores}, or one that broadcasts to it, got shape {mask.shape}")
    return mask if mask.ndim else np.broadcast_to(mask, scores[-2:])


def _broadcasts(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the wanted one."""
    ends = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(n in (1, m) for n, m in ends)


def _shared(name: str, x: Any, q: tuple[int, ...]) -> Any:
    """Each head of a key or value, as often as there are heads of the query for it."""
    if x.ndim < 3 or len(q) < 3 or x.shape[-3] == 0 or q[-3] % x.shape[-3]:
        raise ShapeError(f"{name}: the heads of the query are to be a multiple of those of key and value: {q} and {x.shape}")
    return np.repeat(x, q[-3] // x.shape[-3], axis=-3)


# --- many heads ------------------------------------------------------------------------------------------------------------


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    batch_first: bool = False,
) -> tuple[Any, Any]:
    """Attention by several heads, each on a share of the features; what `nn.MultiheadAttention` computes.

    query is (L, N, E), key and value are (S, N, ...); with `batch_first` the first two axes change places, and without a batch
    there is no N. `attn_mask` is (L, S) or (N * num_heads, L, S), `key_padding_mask` (N, S): booleans, true where a query may
    NOT look, or floats that are added. `is_causal` without an `attn_mask` makes the causal one; with one it changes nothing.
    Returns the result and, if wanted, the weights: (N, L, S), the mean over the heads, or else (N, num_heads, L, S).
    """
    name = "multi_head_attention_forward"
    q, k, v = (_floats(name, x, what) for x, what in ((query, "query"), (key, "key"), (value, "value")))
    batched, batch = q.ndim == 3, 0 if batch_first else 1
    _check_inputs(name, q, k, v, embed_dim_to_check, num_heads, batch)
    alone = (query is key, key is value)
    if not batched:
        q, k, v = (np.expand_dims(x, batch) for x in (q, k, v))
        key_padding_mask = None if key_padding_mask is None else np.expand_dims(_array(key_padding_mask), 0)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = _projected(q, k, v, alone, weights, in_proj_bias, embed_dim_to_check)
    added = 0
    if bias_k is not None:
        k, v = (_with_row(x, row, batch) for x, row in ((k, bias_k), (v, bias_v)))
        added += 1
    q, k, v = (_heads(x, num_heads, batch) for x in (q, k, v))
    k, v = (x if static is None else _static(name, static, q.shape) for x, static in ((k, static_k), (v, static_v)))
    if add_zero_attn:
        k, v = (np.concatenate([x, np.zeros_like(x[..., :1, :])], axis=2) for x in (k, v))
        added += 1
    scores = (*q.shape[:-1], k.shape[-2])
    mask, causal = _masks(name, attn_mask, key_padding_mask, is_causal, scores, added, q.dtype)
    out, p = _attend(name, q, k, v, mask, dropout_p if training else 0.0, causal, None, scores)
    out = np.transpose(out, (0, 2, 1, 3) if batch_first else (2, 0, 1, 3))
    out = linear(np.reshape(out, (*out.shape[:2], embed_dim_to_check)), out_proj_weight, out_proj_bias)
    p = (p.mean(axis=1) if average_attn_weights else p) if need_weights else None
    if not batched:
        out, p = np.squeeze(out, batch), None if p is None else p[0]
    return out, p


def _array(x: Any) -> Any:
    return x if isinstance(x, Tensor) else np.asarray(x)


def _check_inputs(name: str, q: Any, k: Any, v: Any, embed_dim: int, heads: int, batch: int) -> None:
    if q.ndim not in (2, 3) or not q.ndim == k.ndim == v.ndim:
        raise ShapeError(
            f"{name}: expected query, key and value with 3 axes each, or 2 without a batch, got shapes {q.shape}, {k.shape} "
            f"and {v.shape}"
        )
    if q.shape[-1] != embed_dim:
        raise ShapeError(
            f"{name}: expected {embed_dim} features in the last axis of query, got {q.shape[-1]} (shape {q.shape})"
        )
    if k.shape[:-1] != v.shape[:-1]:
        raise ShapeError(f"{name}: key and value differ in length or batch: {k.shape} and {v.shape}")
    if q.ndim == 3 and q.shape[batch] != k.shape[batch]:
        raise ShapeError(
            f"{name}: expected query and key of one batch, axis {batch}, got shapes {q.shape} and {k.shape}. Did you mean "
            f"batch_first={bool(batch)}?"
        )
    if heads < 1 or embed_dim % heads:
        raise ShapeError(f"{name}: {embed_dim} features cannot be shared by {heads} heads: take a divisor of {embed_dim}")


def _projected(q: Any, k: Any, v: Any, alone: tuple[bool, bool], weights: Any, bias: Any, n: int) -> Any:
    """query, key and value after their matrices; those that are one array go through one product."""
    biases: Any = (None,) * 3 if bias is None else [bias[:n], bias[n : 2 * n], bias[2 * n :]]
    if isinstance(weights, tuple):
        return [linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True)]
    if alone == (True, True):
        return np.split(linear(q, weights, bias), 3, axis=-1)
    if alone[1]:
        return [
            linear(q, weights[:n], biases[0]),
            *np.split(linear(k, weights[n:], None if bias is None else bias[n:]), 2, axis=-1),
        ]
    return [linear(x, weights[i * n : (i + 1) * n], biases[i]) for i, x in enumerate((q, k, v))]


def _with_row(x: Any, row: Any, batch: int) -> Any:
    """One more key, or value, at the end of each sequence."""
    shape = (x.shape[0], 1, x.shape[2]) if batch == 0 else (1, *x.shape[1:])
    return np.concatenate([x, np.broadcast_to(row, shape)], axis=1 - batch)


def _static(name: str, x: Any, q: tuple[int, ...]) -> Any:
    """A given key or value (N * heads, length, features of a head), as the heads of the query are."""
    x, (n, heads, _, features) = _array(x), q
    if x.ndim != 3 or x.shape[0] != n * heads or x.shape[2] != features:
        raise ShapeError(f"{name}: expected static_k and static_v of shape {(n * heads, 'S', features)}, got shape {x.shape}")
    return np.reshape(x, (n, heads, *x.shape[1:]))


def _heads(x: Any, heads: int, batch: int) -> Any:
    """(N, heads, length, features of a head)"""
    x = np.reshape(x, (*x.shape[:2], heads, x.shape[2] // heads))
    return np.transpose(x, (0, 2, 1, 3) if batch == 0 else (1, 2, 0, 3))


def _masks(
    name: str, attn: Any, padding: Any, causal: bool, scores: tuple[int, ...], added: int, dtype: Any
) -> tuple[Any, bool]:
    """Both masks as one, true where a query may look, or floats; and whether the rule shall mask what comes later."""
    n, heads, length, keys = scores
    keys -= added
    if causal and attn is None and (added or padding is not None):
        attn = ~np.tri(length, keys, dtype=bool)
    masks = []
    if attn is not None:
        attn = _array(attn)
        if attn.shape not in ((length, keys), (n * heads, length, keys)):
            raise ShapeError(
                f"{name}: expected attn_mask of shape {(length, keys)} or {(n * heads, length, keys)}, got {attn.shape}"
            )
        masks.append(attn if attn.ndim == 2 else np.reshape(attn, (n, heads, length, keys)))
    if padding is not None:
        padding = _array(padding)
        if padding.shape != (n, keys):
            raise ShapeError(f"{name}: expected key_padding_mask of shape {(n, keys)}, got {padding.shape}")
        masks.append(np.reshape(padding, (n, 1, 1, keys)))
    for mask in masks:
        if mask.dtype.kind not in "bf":
            raise DtypeError(f"{name}: expected masks of booleans or floats, got {mask.dtype}. Did you mean mask == 1?")
    if added:
        masks = [np.concatenate([m, np.zeros_like(m[..., :1], shape=(*m.shape[:-1], added))], axis=-1) for m in masks]
    return _joined(masks, dtype), causal and attn is None


def _joined(masks: list[Any], dtype: Any) -> Any:
    """Masks, of which the booleans are true where a query may not look, as one, true where it may; or of floats."""
    if not masks:
        return True
    if all(mask.dtype.kind == "b" for mask in masks):
        return ~masks[0] if len(masks) == 1 else ~(masks[0] | masks[1])
    floats = [np.where(mask, dtype.type(-np.inf), dtype.type(0)) if mask.dtype.kind == "b" else mask for mask in masks]
    return sum(floats[1:], floats[0])


# --- positions -------------------------------------------------------------------------------------------------------------


def sinusoidal_positions(length: int, dim: int, base: float = 10000.0, dtype: Any = np.float32) -> Any:
    """A table (length, dim) of waves: sin(p / base**(2i / dim)) at [p, 2i], and the cosine of the same at [p, 2i + 1].

    >>> sinusoidal_positions(2, 4).round(2).tolist() == np.array([[0, 1, 0, 1], [0.84, 0.54, 0.01, 1]], np.float32).tolist()
    True
    """
    angles = np.arange(length)[:, None] * base ** (-np.arange(0, dim, 2) / dim)
    table = np.empty((length, dim), dtype)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)[:, : dim // 2]
    return table


def rotary_positions(x: Any, positions: Any = None, base: float = 10000.0, interleaved: bool = False) -> Any:
    """Turns pairs of features by angles that grow with the position: pair i by p / base**(2i / dim). Apply it to query and key.

    x is (..., length, dim) with dim even; `positions` are 0, 1, 2 ... unless given, as an array (length,) or one that
    broadcasts to x without its last axis. The product of a query at p and a key at q then depends on p - q only. Pair i is
    made of the features i and i + dim/2 (as in Llama and GPT-NeoX); with `interleaved`, of 2i and 2i + 1 (as in RoFormer and
    GPT-J). A pair (a, b) becomes (a cos - b sin, a sin + b cos).

    >>> rotary_positions(np.array([[1.0, 0.0], [1.0, 0.0]])).round(2).tolist()
    [[1.0, 0.0], [0.54, 0.84]]
    """
    x = _floats("rotary_positions", x, "x")
    dim = x.shape[-1]
    if dim % 2:
        raise ShapeError(f"rotary_positions: features turn in pairs, so the last axis must be even, got shape {x.shape}")
    positions = np.arange(x.shape[-2]) if positions is None else _array(positions)
    if not _broadcasts(positions.shape, x.shape[:-1]):
        raise ShapeError(f"rotary_positions: expected positions that broadcast to {x.shape[:-1]}, got shape {positions.shape}")
    angles = np.expand_dims(positions, -1) * base ** (-np.arange(0, dim, 2) / dim)
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., : dim // 2], x[..., dim // 2 :])
    turned = [a * cos - b * sin, a * sin + b * cos]
    return np.reshape(np.stack(turned, axis=-1), x.shape) if interleaved else np.concatenate(turned, axis=-1)
