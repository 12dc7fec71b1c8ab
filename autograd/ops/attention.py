"""Attention: scores, softmax and the weighted sum as one op, which keeps the weights and nothing else.

Where a query may look at no key at all, its weights, its output and every gradient through it are zero. Stands on `rule`.
"""

import numpy as np

from ..rule import rule, sample


def _softmax_pull_twice(g, p, d):
    along = (p * d).sum(axis=-1, keepdims=True)
    return g * (d - along) - d * (g * p).sum(axis=-1, keepdims=True), softmax_pull(p, g)


@rule(vjp=_softmax_pull_twice, leading=True, samples=[sample((2, 3), (2, 3))])
def softmax_pull(p, d):
    """p * (d - sum(p * d)) along the last axis: from the cotangent d of a softmax p to that of its argument."""
    y = p * d
    np.subtract(d, _row_sums(y), out=y)
    y *= p
    return y


def _row_sums(x):
    """x.sum(axis=-1, keepdims=True), as a matrix product: a quarter of the time for rows of a hundred elements."""
    return x @ np.ones((x.shape[-1], 1), x.dtype, like=x)


def _attention_pull(g, q, k, v, mask, keep, y, scale, dropout):
    g_out, d = g
    p = y[1]
    used, dv = p, None
    if g_out is not None:
        through = g_out @ np.swapaxes(v, -1, -2)
        if np.ndim(keep):
            used, through = p * keep / (1 - dropout), through * keep / (1 - dropout)
        d = through if d is None else d + through
        dv = np.swapaxes(used, -1, -2) @ g_out
    ds = softmax_pull(p, d)
    dq, dk = (ds @ k) * scale, np.swapaxes(ds, -1, -2) @ (q * scale)
    return dq, dk, dv, ds if np.ndim(mask) and mask.dtype.kind == "f" else None, None


def _closed(scores, mask, causal):
    """The scores, in place, with the mask added, and -inf where a query may not look at a key."""
    inf = scores.dtype.type(np.inf)
    if causal:
        i, j = (np.arange(n, like=scores) for n in scores.shape[-2:])
        np.minimum(scores, np.where(i[:, None] < j, -inf, inf), out=scores)
    if np.ndim(mask) and mask.dtype == np.bool_:
        np.minimum(scores, np.where(mask, inf, -inf), out=scores)
    elif np.ndim(mask):
        scores += mask
    return scores


BIAS = np.array([[0.3, -np.inf, -np.inf], [-np.inf, -np.inf, -np.inf]])
KEEP = np.array([[True, False, True], [True, True, False]])
SAMPLES = [
    sample((2, 3), (4, 3), (4, 2), True, True, scale=0.5),
    sample((2, 2, 3), (2, 4, 3), (2, 4, 1), True, True, scale=1.0, causal=True),
    sample((2, 3), (3, 3), (3, 2), KEEP, KEEP, scale=0.5, dropout=0.25),
    sample((2, 2, 3), (2, 3, 3), (2, 3, 2), (2, 3), True, scale=0.5),
    sample((1, 2, 3), (2, 3, 3), (2, 3, 2), np.isfinite(BIAS), True, scale=0.5),
    sample((2, 3), (3, 3), (2, 3, 2), True, True, scale=0.5),
]


@rule(vjp=_attention_pull, partial=True, samples=SAMPLES)
def attention(q, k, v, mask, keep, *, scale, causal=False, dropout=0.0):
    """softmax(scale * q k^T + mask) v, and the softmax: for each query the mean of the values, weighed by likeness to the keys.

    q is (..., L, E), k (..., S, E), v (..., S, V). A mask of booleans is false where a query may not look; one of floats is
    added to the scores; it has their shape or one that broadcasts to it. With `causal`, query i looks at the keys up to i.
    Weights where `keep` is false are dropped, the others grow by 1 / (1 - dropout). Without a mask or keep, they are True.
    """
    wide = q.astype(np.float32) if q.dtype == np.float16 else q  # sums of products soon pass 65504
    p = _closed((wide * scale) @ np.swapaxes(k, -1, -2), mask, causal)
    top = p.max(axis=-1, keepdims=True, initial=-np.inf)
    p -= np.where(np.isneginf(top), 0, top)
    np.exp(p, out=p)
    total = _row_sums(p)
    p *= 1 / np.where(total == 0, 1, total)
    p = p.astype(np.result_type(q, k), copy=False)
    lead = np.broadcast_shapes(p.shape[:-2], v.shape[:-2], np.shape(keep)[:-2])
    if lead != p.shape[:-2]:  # each of the values has weights, and cotangents of weights, of its own
        p = np.broadcast_to(p, lead + p.shape[-2:])
    used = p * keep / (1 - dropout) if np.ndim(keep) else p
    return used @ v, p


def _defined(q, k, v, mask, keep, scale, causal=False, dropout=0.0):
    scores = scale * (q @ np.swapaxes(k, -1, -2))
    may = np.ones(np.shape(scores), bool)
    if causal:
        may = may & (np.arange(np.shape(scores)[-2])[:, None] >= np.arange(np.shape(scores)[-1]))
    if np.ndim(mask):
        may = may & (mask if mask.dtype == np.bool_ else np.isfinite(mask))
        scores = scores if mask.dtype == np.bool_ else scores + np.where(may, mask, 0)
    scores = np.where(may, scores, -1e30)
    e = np.where(may, np.exp(scores - scores.max(axis=-1, keepdims=True)), 0)
    total = e.sum(axis=-1, keepdims=True)
    p = e / np.where(total == 0, 1, total) * np.ones_like(v, shape=(*v.shape[:-2], 1, 1))
    return np.where(keep, p / (1 - dropout), 0) @ v, p


def _softmax_pull(p, d):
    return p * (d - (p * d).sum(axis=-1, keepdims=True))


definitions = {softmax_pull: _softmax_pull, attention: _defined}
