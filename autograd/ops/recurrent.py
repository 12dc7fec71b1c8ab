"""Recurrent layers: one op for all steps of one layer in one direction, and one for its backward pass.

A cell is two functions of one step, in the table `CELLS`: forward, and the cotangents of what went in. Both run on arrays and
on Tensors, so the two loops around them are rules and, at the same time, the definitions that higher derivatives go through.
The product of inputs and weights of all steps is made outside, by one matrix product; the gradient of the recurrent weights is
one matrix product over all steps. Kept for the backward pass are the arguments of the gates, not their values: the slope of a
closed gate keeps its digits. Stands on rules and transforms; knows no module.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError
from ..rule import rule, sample
from ..transforms import vjp
from .elementwise import sigmoid

# --- gates -----------------------------------------------------------------------------------------------------------------


def _both_slopes(g, y):
    return (g[0] - g[1]) * y[0] * y[1]


@rule(leading=True, x=_both_slopes, samples=[sample((2, 3))])
def sigmoids(x):
    """sigmoid(x) and sigmoid(-x), each with all its digits: their product is the slope of both."""
    e = -x
    top = np.full(x.shape[-1:], _largest_exponent(x.dtype), x.dtype, like=x)
    np.minimum(e, top, out=e)  # a number in the place of this array would take five times as long
    np.exp(e, out=e)
    y = 1 + e
    np.divide(1, y, out=y)
    e *= y
    return y, e


def _largest_exponent(dtype):
    """Up to here exp(x) does not overflow, and exp(x) / (1 + exp(x)) is 1 and not nan."""
    return 0.99 * math.log(np.finfo(dtype).max)


def _slope_of_tanh(slope):
    """1 - tanh(x)**2 from the slope p * q of sigmoid(x), p = 1 - q: tanh(x) is (p*p - q*q) / (p*p + q*q)."""
    twice = 2 * slope
    return (twice / (1 - twice)) ** 2


def _parts(x, count):
    """The last axis in equal parts."""
    n = x.shape[-1] // count
    return [x[..., i * n : (i + 1) * n] for i in range(count)]


# --- cells -----------------------------------------------------------------------------------------------------------------


class Cell(NamedTuple):
    """One step: `step(z, k, h, c)` makes of the input's part z, the state's part k and the state (h, c) the new h and c, and
    what is kept for `pull(dh, dc, da, a, h, c, new_c)`: there da is the cotangent of what was kept (0.0 for none), and it
    returns those of z, k, h (0.0 for none beside that through k) and c. A cell without c has one of width 0."""

    step: Callable[..., Any]
    pull: Callable[..., Any]
    gates: int
    kept: int


def _lstm_step(z, k, h, c):
    a = z + k
    i, f, _, o = _parts(sigmoids(a)[0], 4)
    c = f * c + i * np.tanh(_parts(a, 4)[2])
    return o * np.tanh(c), c, a


def _lstm_pull(dh, dc, da, a, h, c, new_c):
    p, q = sigmoids(a)
    slope = p * q
    i, f, _, o = _parts(p, 4)
    slopes = _parts(slope, 4)
    p, q = sigmoids(new_c)
    dc = dc + dh * o * _slope_of_tanh(p * q)
    b = np.tanh(_parts(a, 4)[2])
    dz = np.concatenate(
        [dc * b * slopes[0], dc * c * slopes[1], dc * i * _slope_of_tanh(slopes[2]), dh * np.tanh(new_c) * slopes[3]], axis=-1
    )
    dz = dz + da if np.ndim(da) else dz
    return dz, dz, 0.0, dc * f


def _gru_step(z, k, h, c):
    n = h.shape[-1]
    gates = z[..., : 2 * n] + k[..., : 2 * n]
    r, u = _parts(gates, 2)
    b = z[..., 2 * n :] + sigmoid(r) * k[..., 2 * n :]
    old, new = sigmoids(u)
    return new * np.tanh(b) + old * h, c, np.concatenate([gates, b, k[..., 2 * n :]], axis=-1)


def _gru_pull(dh, dc, da, a, h, c, new_c):
    n = h.shape[-1]
    p, q = sigmoids(a[..., : 3 * n])
    slope_r, slope_u, slope_b = _parts(p * q, 3)
    r, old, _ = _parts(p, 3)
    _, new, _ = _parts(q, 3)
    dr, du, db, dk = _parts(da, 4) if np.ndim(da) else (0.0, 0.0, 0.0, 0.0)
    db = db + dh * new * _slope_of_tanh(slope_b)
    du = du + dh * (h - np.tanh(a[..., 2 * n : 3 * n])) * slope_u
    dr = dr + db * a[..., 3 * n :] * slope_r
    return np.concatenate([dr, du, db], axis=-1), np.concatenate([dr, du, dk + db * r], axis=-1), dh * old, dc


def _tanh_step(z, k, h, c):
    a = z + k
    return np.tanh(a), c, a


def _tanh_pull(dh, dc, da, a, h, c, new_c):
    p, q = sigmoids(a)
    dz = dh * _slope_of_tanh(p * q) + da
    return dz, dz, 0.0, dc


def _relu_step(z, k, h, c):
    a = z + k
    return np.maximum(a, 0), c, a


def _relu_pull(dh, dc, da, a, h, c, new_c):
    dz = dh * (a > 0) + da
    return dz, dz, 0.0, dc


CELLS = {
    "lstm": Cell(_lstm_step, _lstm_pull, 4, 4),
    "gru": Cell(_gru_step, _gru_pull, 3, 4),
    "tanh": Cell(_tanh_step, _tanh_pull, 1, 1),
    "relu": Cell(_relu_step, _relu_pull, 1, 1),
}


# --- all steps -------------------------------------------------------------------------------------------------------------


def _order(count, reverse):
    return range(count - 1, -1, -1) if reverse else range(count)


def _forward(z, w, b, r, mask, h, c, cell, reverse):
    """The loop over time: for each step its number, the new h and c and what is kept."""
    step, across = CELLS[cell].step, w.T
    for t in _order(len(z), reverse):
        k = h @ across + b if np.ndim(b) else h @ across
        new_h, new_c, a = step(z[t], k, h, c)
        if np.ndim(r):
            new_h = new_h @ r.T
        if np.ndim(mask):
            new_h, new_c = np.where(mask[t][:, None], new_h, h), np.where(mask[t][:, None], new_c, c)
        h, c = new_h, new_c
        yield t, (h, c, a), None


def _backward(g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse):
    """The loop back: for each step its number, the cotangents of z, of k where it is another, with a projection the factors of
    its gradient; and the cotangents of the h and c before it."""
    pull, steps = CELLS[cell].pull, _order(len(hs), reverse)
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for t, previous in zip(reversed(steps), [*reversed(steps[:-1]), None], strict=True):
        old_h, old_c = (h, c) if previous is None else (hs[previous], cs[previous])
        dh = dh + g_h[t] if np.ndim(g_h) else dh
        dc = dc + g_c[t] if np.ndim(g_c) else dc
        new_dh, new_dc = dh, dc
        if np.ndim(mask):
            alive = mask[t][:, None]
            new_dh, new_dc, dh, dc = dh * alive, dc * alive, dh * ~alive, dc * ~alive
        factors: tuple[Any, ...] = ()
        if np.ndim(r):
            factors = (new_dh, sigmoid(_parts(kept[t], 4)[3]) * np.tanh(cs[t]))
            new_dh = new_dh @ r
        g = g_kept[t] if np.ndim(g_kept) else 0.0
        dz, dk, past_h, past_c = pull(new_dh, new_dc, g, kept[t], old_h, old_c, cs[t])
        past_h = past_h + dk @ w if np.ndim(past_h) else dk @ w
        dh, dc = (dh + past_h, dc + past_c) if np.ndim(mask) else (past_h, past_c)
        yield t, (dz, *(() if dk is dz else (dk,)), *factors), (dh, dc)


def _gradients(found, g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse, biased):
    """The cotangents of z, w, b, r, h and c from what `_backward` found: products over all steps as one matrix product."""
    (dzs, *rest), (dh, dc) = found
    factors = [rest.pop(-2), rest.pop()] if np.ndim(r) else None
    dks = rest[0] if rest else dzs
    first = _order(len(hs), reverse)[0]
    later, earlier = (slice(None, -1), slice(1, None)) if reverse else (slice(1, None), slice(None, -1))
    dw = _outer(dks[later], hs[earlier]) + dks[first].T @ h
    db = dks.sum(axis=(0, 1)) if biased else np.zeros_like(dw[0, 0])
    return dzs, dw, db, _outer(*factors) if factors else np.zeros_like(db), dh, dc


def _stacked(steps, count):
    """What came step by step, in the order of time, and the last of what came beside it."""
    found = {t: (items, state) for t, items, state in steps}
    *_, (_, state) = found.values()
    return tuple(np.stack(items) for items in zip(*(found[t][0] for t in range(count)), strict=True)), state


def _filled(steps, count):
    """The same for arrays alone: each item goes to its place at once, while it is in the cache."""
    places = last = None
    for t, items, state in steps:
        if places is None:
            places = tuple(np.empty((count, *x.shape), x.dtype, like=x) for x in items)
        for place, x in zip(places, items, strict=True):
            place[t] = x
        last = state
    return places, last


def _outer(x, w):
    """The sum over all steps and rows of the products of each element of x with each of w."""
    return x.reshape(-1, x.shape[-1]).T @ w.reshape(-1, w.shape[-1])


# --- the usual LSTM, in place ----------------------------------------------------------------------------------------------

# The same arithmetic as `_lstm_step` and `_lstm_pull`, without an array made in the loop: two thirds of their time.


def _is_usual(cell, absent, *arrays):
    """An LSTM without masks and projections, on NumPy's arrays of one dtype."""
    usual = cell == "lstm" and not any(map(np.ndim, absent))
    return usual and all(type(x) is np.ndarray and x.dtype == arrays[0].dtype for x in arrays)


def _lstm_in_place(z, w, h, c, reverse):
    n = c.shape[-1]
    hs, cs, kept = (np.empty((len(z), *x.shape), z.dtype) for x in (h, c, z[0]))
    gates, work, across = np.empty(z.shape[1:], z.dtype), np.empty(c.shape, c.dtype), w.T
    i, f, o = gates[:, :n], gates[:, n : 2 * n], gates[:, 3 * n :]
    with np.errstate(over="ignore"):  # a gate that is shut: 1 / (1 + inf)
        for t in _order(len(z), reverse):
            a, new_h, new_c = kept[t], hs[t], cs[t]
            np.matmul(h, across, out=a)
            a += z[t]
            np.negative(a, out=gates)
            np.exp(gates, out=gates)
            gates += 1
            np.divide(1, gates, out=gates)
            np.tanh(a[:, 2 * n : 3 * n], out=new_c)
            new_c *= i
            np.multiply(f, c, out=work)
            new_c += work
            np.tanh(new_c, out=new_h)
            new_h *= o
            h, c = new_h, new_c
    return hs, cs, kept


def _lstm_pull_in_place(g_h, g_c, hs, cs, kept, w, h, c, reverse):
    n, steps = c.shape[-1], _order(len(hs), reverse)
    dzs = np.empty(kept.shape, kept.dtype)  # in plain order, for parts of it are written through another shape
    dh, dc, work = (np.zeros(x.shape, x.dtype) for x in (h, c, c))
    p, slopes, d = (np.empty((4, *c.shape), c.dtype) for _ in range(3))  # gate by gate: strides cost three times as much
    top = np.full_like(p, _largest_exponent(c.dtype))
    (i, f, _, o), (di, df, db, do) = p, d
    for t, previous in zip(reversed(steps), [*reversed(steps[:-1]), None], strict=True):
        a, dz = (x[t].reshape(len(c), 4, n).swapaxes(0, 1) for x in (kept, dzs))
        if np.ndim(g_h):
            dh += g_h[t]
        if np.ndim(g_c):
            dc += g_c[t]
        _to_sigmoid_and_slope(a, top, p, slopes)
        _to_slope_of_tanh(slopes[2], work)
        np.tanh(cs[t], out=do)
        do *= dh
        dh *= o
        _to_sigmoid_and_slope(cs[t], top[0], df, di)
        _to_slope_of_tanh(di, work)
        dh *= di
        dc += dh
        np.tanh(a[2], out=di)
        di *= dc
        np.multiply(dc, c if previous is None else cs[previous], out=df)
        np.multiply(dc, i, out=db)
        np.multiply(d, slopes, out=dz)
        dc *= f
        np.matmul(dzs[t], w, out=dh)
    return (dzs,), (dh, dc)


def _to_sigmoid_and_slope(a, top, p, slope):
    """sigmoid(a) and its slope, written to p and slope."""
    np.negative(a, out=slope)
    np.minimum(slope, top, out=slope)
    np.exp(slope, out=slope)
    np.add(slope, 1, out=p)
    np.divide(1, p, out=p)
    slope *= p  # the other side, sigmoid(-a)
    slope *= p


def _to_slope_of_tanh(slope, work):
    """`_slope_of_tanh` in the place of its argument."""
    slope *= 2
    np.subtract(1, slope, out=work)
    slope /= work
    slope *= slope


# --- the rules -------------------------------------------------------------------------------------------------------------


def _twice(g, g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse, biased):
    """The derivative of the backward pass, by the engine: the loop again, on Tensors."""

    def loop(g_h, g_c, g_kept, hs, cs, kept, w, r, h, c):
        return _pulled(g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse, biased)

    _, pull = vjp(loop, g_h, g_c, g_kept, hs, cs, kept, w, r, h, c)
    *before, past_cs, kept, w, r, dh, dc = pull(g)
    if not np.size(cs):  # a cell without c
        past_cs, dc = np.zeros_like(cs), np.zeros_like(c)
    return *before, past_cs, kept, w, r, None, dh, dc


MASK = np.array([[True, True], [True, False]])
BACK = [
    sample((2, 1, 1), (2, 1, 1), 0.0, (2, 1, 1), (2, 1, 1), (2, 1, 4), (4, 1), 0.0, True, (1, 1), (1, 1), cell="lstm"),
    sample((2, 2, 1), 0.0, (2, 2, 8), (2, 2, 1), (2, 2, 2), (2, 2, 8), (8, 1), (1, 2), MASK, (2, 1), (2, 2), cell="lstm"),
    sample((2, 2, 1), 0.0, (2, 2, 4), (2, 2, 1), (2, 2, 0), (2, 2, 4), (3, 1), 0.0, MASK, (2, 1), (2, 0), cell="gru"),
]


@rule(vjp=_twice, samples=[sample(*inputs, **cell, reverse=i > 1, biased=i > 0) for i, (inputs, cell) in enumerate(BACK)])
def recurrence_pull(g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, *, cell, reverse, biased):
    """The backward pass of `recurrence`: from the cotangents of its outputs (0.0 for none) to those of its inputs."""
    inputs = (g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse)
    if _is_usual(cell, (g_kept, r, mask), hs, cs, kept, w, h, c):
        found = _lstm_pull_in_place(g_h, g_c, hs, cs, kept, w, h, c, reverse)
    else:
        found = _filled(_backward(*inputs), len(hs))
    return _gradients(found, *inputs, biased)


def _recurrence_pull(g, y, w, b_shape, r, mask, h, c, cell, reverse):
    parts = [0.0 if part is None else part for part in g]
    found = recurrence_pull(*parts, *y, w, r, mask, h, c, cell=cell, reverse=reverse, biased=len(b_shape) > 0)
    dz, dw, db, dr, dh, dc = found
    return dz, dw, db if b_shape else None, dr if np.ndim(r) else None, None, dh, dc


SAMPLES = [
    sample((2, 2, 8), (8, 2), 0.0, 0.0, True, (2, 2), (2, 2), cell="lstm"),
    sample((2, 2, 8), (8, 1), (8,), (1, 2), MASK, (2, 1), (2, 2), cell="lstm", reverse=True),
    sample((2, 2, 6), (6, 2), (6,), 0.0, MASK, (2, 2), (2, 0), cell="gru"),
    sample((2, 2, 2), (2, 2), 0.0, 0.0, True, (2, 2), (2, 0), cell="tanh", reverse=True),
    sample((2, 2, 2), (2, 2), 0.0, 0.0, MASK, (2, 2), (2, 0), cell="relu"),
]


@rule(vjp=_recurrence_pull, partial=True, samples=SAMPLES)
def recurrence(z, w, b, r, mask, h, c, *, cell, reverse=False):
    """All steps of a recurrent layer in one direction; the states h and c after each of them, and what the gates were given.

    z is the inputs' part of the gates, (T, N, gates * H); w (gates * H, P) with the bias b makes the part of the state. h is
    (N, P) and c (N, H): the state before the first step. The matrix r (P, H) projects an LSTM's h, else P is H. Where the
    mask (T, N) is false a row keeps its state. b and r are 0.0 and the mask is True where there are none.
    """
    if not len(z):
        raise ShapeError("recurrence: expected at least one step")
    if _is_usual(cell, (b, r, mask), z, w, h, c):
        return _lstm_in_place(z, w, h, c, reverse)
    return _filled(_forward(z, w, b, r, mask, h, c, cell, reverse), len(z))[0]


def _sigmoids(x):
    return sigmoid(x), sigmoid(-x)


def _recurrence(z, w, b, r, mask, h, c, cell, reverse=False):
    return _stacked(_forward(z, w, b, r, mask, h, c, cell, reverse), len(z))[0]


def _pulled(g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse, biased):
    inputs = (g_h, g_c, g_kept, hs, cs, kept, w, r, mask, h, c, cell, reverse)
    return _gradients(_stacked(_backward(*inputs), len(hs)), *inputs, biased)


definitions = {sigmoids: _sigmoids, recurrence: _recurrence, recurrence_pull: _pulled}
