"""Normalisation to mean zero and variance one: of rows (layer norm, RMS norm) or of channels (batch norm), one rule for each.

A rule returns what it found on the way as well: the normalised values before weight and bias, which its derivative reads, and
the statistics, in two passes and in float32 at least. Where the mean outweighs the rest, they are taken of differences to one
of the elements: constant rows give exactly zero, and an offset common to all costs no digits. Each rule is defined in
`definitions` as a plain function of ops. Stands on `rule` and on elementwise.
"""

import math

import numpy as np

from ..rule import rule, sample
from .elementwise import sqrt

# --- sums over a row, and over a channel -----------------------------------------------------------------------------------


def _row_totals(x):
    """Sums over the last axis. A product with ones takes a quarter of the time of x.sum(-1), for rows of a hundred elements."""
    return (x @ np.ones(x.shape[-1], x.dtype, like=x))[..., None]


def _row_products(x, w):
    """Sums of x * w over the last axis, which stays; without the array x * w."""
    return (x[..., None, :] @ w[..., :, None])[..., 0]


def _channel_totals(x):
    """Sums over all axes but the second, over the first of them in float64; in a shape that broadcasts against x."""
    items = _items(x)
    by_item = x if items is None else _row_totals(items)[..., 0]
    return _over_items(by_item, x)


def _channel_products(x, w):
    """The same sums of x * w."""
    items = _items(x)
    by_item = x * w if items is None else _row_products(items, _items(w))[..., 0]
    return _over_items(by_item, x)


def _items(x):
    """x as (N, C, L); None where it is (N, C)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:])) if x.ndim > 2 else None


def _over_items(by_item, x):
    total = by_item.sum(axis=0, dtype=np.promote_types(x.dtype, np.float64)).astype(x.dtype)
    return total.reshape(_per_channel(x))


def _per_channel(x):
    """The shape in which one value per channel broadcasts against x."""
    return (x.shape[1],) + (1,) * (x.ndim - 2)


def _count(x, var):
    return max(x.size // max(var.size, 1), 1)


def _first_of_row(x):
    return x[..., :1]


def _first_of_channel(x):
    return x[(slice(1), slice(None)) + (slice(1),) * (x.ndim - 2)]


# --- forward ---------------------------------------------------------------------------------------------------------------


def _standardised(x, totals, products, first, eps):
    """(x - mean) / sqrt(var + eps), mean, var; the mean is None unless there is a function that finds a first element."""
    x = x.astype(np.float32) if x.dtype.itemsize < 4 else x  # the squares of float16 end at 256
    if first is None:
        var = products(x, x)
        var /= _count(x, var)
        return x * (1 / np.sqrt(var + eps)), None, var
    centred, mean, var = _centred(x, totals, products)
    if (abs(mean) > 4 * np.sqrt(var)).any():  # its last digits matter
        start = first(x)
        centred, mean, var = _centred(x - start, totals, products)
        mean = start.reshape(mean.shape) + mean
    centred *= 1 / np.sqrt(var + eps)
    return centred, mean, var


def _centred(x, totals, products):
    mean = totals(x)
    n = _count(x, mean)
    mean /= n
    x = x - mean
    var = products(x, x)
    var /= n
    return x, mean, var


def _scaled(x, normal, scale):
    """normal * weight + bias, as far as they are given, in the dtype that x and they have together."""
    y = normal
    if scale:
        y = normal * scale[0]
    if len(scale) > 1:
        y += scale[1]
    dtype = np.result_type(x.dtype, *(s.dtype for s in scale))
    return y if y.dtype == dtype else y.astype(dtype)


# --- derivatives -----------------------------------------------------------------------------------------------------------


def _through_scale(g, g_in, normal, along, across):
    return g * (g_in - normal * along - across)


@rule(
    kind="elementwise",
    g_in=lambda g, scale: g * scale,
    normal=lambda g, scale, along: -g * (scale * along),
    scale=_through_scale,
    along=lambda g, normal, scale: -g * scale * normal,
    across=lambda g, scale: -g * scale,
    samples=[sample((2, 3), (2, 3), (3,), (2, 1), (2, 1)), sample((2, 3), (2, 3), (2, 1), (3,), ())],
)
def through_norm(g_in, normal, scale, along, across):
    """(g_in - normal * along - across) * scale: what is left of a cotangent behind a normalisation."""
    if np.broadcast_shapes(*map(np.shape, (g_in, normal, scale, along, across))) != normal.shape:
        return (g_in - normal * along - across) * scale
    d = normal * -along  # in memory of its own, and then in place: new memory is dear
    d += g_in
    d -= across
    d *= scale
    return d


def _wide(g, normal):
    return g.astype(normal.dtype) if g is not None and g.dtype.itemsize < normal.dtype.itemsize else g


def _from_statistics(g_mean, g_var, normal, inverse, n):
    """The cotangents of x from those of the mean and of the variance."""
    found = [] if g_mean is None else [np.broadcast_to(g_mean / n, normal.shape)]
    return found if g_var is None else [*found, normal * (g_var * (2 / n) / inverse)]


def _sum(found):
    return sum(found[1:], found[0])


def _layer_norm(g, scale, y, eps, centred):
    g_y, g_normal, *g_mean, g_var = g
    normal, var = y[1], y[-1]
    n, inverse = _count(normal, var), 1 / np.sqrt(var + eps)
    found = _from_statistics(g_mean[0] if centred else None, g_var, normal, inverse, n)
    into_scale = [None] * len(scale)
    if not scale and g_y is not None:
        g_normal = g_y if g_normal is None else g_y + g_normal
    elif g_y is not None:
        g_y = _wide(g_y, normal)
        product, w = g_y * normal, scale[0]
        into_scale = [_row_sums(part) for part in (product, g_y)[: len(scale)]]
        along = (product @ w)[..., None] / n
        across = (g_y @ w)[..., None] / n if centred else 0.0
        found.append(through_norm(g_y * w, normal, inverse, along, across))
    if g_normal is not None:
        g_normal = _wide(g_normal, normal)
        across = _row_totals(g_normal) / n if centred else 0.0
        found.append(through_norm(g_normal, normal, inverse, _row_products(g_normal, normal) / n, across))
    return _sum(found), *into_scale


def _row_sums(x):
    """The sum of all rows."""
    rows = x.reshape(x.size // max(x.shape[-1], 1), x.shape[-1])
    return np.ones(rows.shape[0], x.dtype, like=x) @ rows


def _batch_norm(g, scale, y, eps):
    g_y, g_normal, g_mean, g_var = g
    normal, var = y[1], y[-1]
    n, inverse = _count(normal, var), 1 / np.sqrt(var + eps)
    found = _from_statistics(g_mean, g_var, normal, inverse, n)
    into_scale = [None] * len(scale)
    for g_part, affine in ((g_y, scale), (g_normal, ())):
        if g_part is None:
            continue
        g_part = _wide(g_part, normal)
        sums = _channel_products(g_part, normal), _channel_totals(g_part)
        if affine:  # the weight is the same all over a channel, so these are the sums that its derivative needs as well
            into_scale = [part.reshape(-1) for part in sums[: len(affine)]]
        slope = inverse * affine[0].reshape(_per_channel(normal)) if affine else inverse
        found.append(through_norm(g_part, normal, slope, sums[0] / n, sums[1] / n))
    return _sum(found), *into_scale


# --- the rules -------------------------------------------------------------------------------------------------------------


@rule(
    vjp=_layer_norm,
    partial=True,
    samples=[
        sample((2, 5), (5,), (5,), eps=0.1),
        sample((2, 3, 4), (4,), (4,), eps=1e-5),
        sample((3, 4), (4,), eps=1e-5),
        sample((3, 4), eps=0.01),
        sample((4,), eps=0.01),
        sample((3, 4), (4,), eps=0.01, centred=False),
        sample((2, 1, 4), eps=0.01, centred=False),
    ],
)
def layer_norm(x, *scale, eps, centred=True):
    """(x - mean) / sqrt(var + eps) * weight + bias along the last axis; then the same without weight and bias, mean and var.

    `scale` is nothing, the weight, or weight and bias. With `centred=False` no mean is taken off, and none returned: the
    variance is the mean square then.
    """
    normal, mean, var = _standardised(x, _row_totals, _row_products, _first_of_row if centred else None, eps)
    return (_scaled(x, normal, scale), normal, mean, var) if centred else (_scaled(x, normal, scale), normal, var)


@rule(
    vjp=_batch_norm,
    partial=True,
    samples=[
        sample((5, 2), (2,), (2,), eps=0.1),
        sample((3, 2, 2), (2,), (2,), eps=1e-5),
        sample((2, 3, 2, 1), (3,), eps=1e-5),
        sample((4, 2), eps=0.01),
    ],
)
def batch_norm(x, *scale, eps):
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel, which is the second axis; then the same without weight and
    bias, mean and var, the last two in shapes that broadcast against x.

    `scale` is nothing, the weight, or weight and bias.
    """
    normal, mean, var = _standardised(x, _channel_totals, _channel_products, _first_of_channel, eps)
    scale = tuple(part.reshape(_per_channel(x)) for part in scale)
    return _scaled(x, normal, scale), normal, mean, var


@rule(samples=[sample((3,), (3,), 0.1, factor=1.5), sample((3,), (2, 3, 1), np.float64(0.5))])
def moving_average(running, found, momentum, *, factor=1.0):
    """(1 - momentum) * running + momentum * factor * found; of several rows that were found, the mean."""
    found = found.reshape(-1, *running.shape).mean(axis=0)
    return ((1 - momentum) * running + (momentum * factor) * found).astype(running.dtype)


# --- definitions -----------------------------------------------------------------------------------------------------------


def _defined(x, scale, axes, eps, centred=True):
    mean = x.mean(axis=axes, keepdims=True)
    x = x - mean if centred else x
    var = (x * x).mean(axis=axes, keepdims=True)
    normal = x / sqrt(var + eps)
    y = normal
    for part, op in zip(scale, (np.multiply, np.add), strict=False):
        y = op(y, part)
    return (y, normal, mean, var) if centred else (y, normal, var)


def _defined_layer_norm(x, *scale, eps, centred=True):
    return _defined(x, scale, (-1,), eps, centred)


def _defined_batch_norm(x, *scale, eps):
    y, normal, mean, var = _defined(x, [part.reshape(_per_channel(x)) for part in scale], (0, *range(2, x.ndim)), eps)
    return y, normal, mean[0], var[0]


definitions = {layer_norm: _defined_layer_norm, batch_norm: _defined_batch_norm}
