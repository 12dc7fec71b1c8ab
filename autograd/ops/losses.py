"""Losses, each one op where one pass over the array pays or a composition would lose the gradient.

Losses are taken from logits, so that nothing overflows and no tail is lost, and a product with a weight of 0 is 0 whatever the
other factor is. What stands in a target is looked at in the forward, so in every run of a recorded Program as well. Every
rule has a definition in `definitions`, a plain function of ops. Stands on the other families; knows no module.
"""

import math
from functools import partial

import numpy as np

from ..errors import IndexingError
from ..rule import Domain, reals, rule, sample
from .activations import softplus
from .elementwise import absolute, exp, log, logaddexp, maximum, sigmoid, where
from .fused import log_softmax
from .reduction import sum as total

elementwise = partial(rule, kind="elementwise")
proper = Domain(0.0, 1.0)


# --- of numbers ------------------------------------------------------------------------------------------------------------


def _pulled_apart(g, x, w, mean):
    d = x - w
    return d * (g * (2 / max(d.size, 1) if mean else 2.0))


def _wide(x):
    """float16 as float32: sums of it end at 65504, and a batch of a thousand is soon there."""
    return x.astype(np.float32) if x.dtype.itemsize < 4 else x


@rule(
    x=_pulled_apart,
    w=lambda g, x, w, mean: -_pulled_apart(g, x, w, mean),
    samples=[sample((2, 3), (2, 3)), sample((4,), (4,), mean=False)],
)
def squared_error(x, w, *, mean=True):
    """The sum of (x - w)**2, or its mean: for x and w of one shape."""
    d = np.subtract(x, w).reshape(-1)
    wide = _wide(d)
    y = np.dot(wide, wide)
    y = y / (d.size or math.nan) if mean else y
    return y if wide is d else y.astype(d.dtype)


@elementwise(
    x=lambda g, x, beta: g * (np.clip(x / beta, -1, 1) if beta else np.sign(x)),
    samples=[sample((2, 3), beta=0.7), sample((2, 3), beta=0.0)],
    c="(fabs({x}) < {beta} ? 0.5 * {x} * {x} / {beta} : fabs({x}) - 0.5 * {beta})",
)
def smooth_absolute(x, *, beta=1.0):
    """abs(x) - beta / 2, and from -beta to beta the parabola x**2 / (2 * beta) that touches it."""
    a = np.abs(x)
    if beta == 0:
        return a
    inside = np.minimum(a, beta)
    return inside * inside * (0.5 / beta) + (a - inside)


@elementwise(x=lambda g, w: g * w, w=lambda g, x: g * x, c="({w} == 0 ? 0 : {w} * {x})")
def weigh(x, w):
    """w * x, and 0 where w is 0, whatever x is."""
    with np.errstate(invalid="ignore"):
        return np.where(w == 0, 0, w * x)


@elementwise(x=lambda g: g + 0.0, samples=[sample((2, 3), low=-5.0)])
def floored(x, *, low):
    """x, but not below a bound; negative x is an error. The slope is 1 everywhere, so that x may come back from below."""
    if low >= 0 and (x < 0).any():
        raise ValueError(f"a variance below 0: {np.min(x)}. Pass exp of a number of any sign, or its square")
    return np.maximum(x, low)


# --- of probabilities ------------------------------------------------------------------------------------------------------


def _share(x, w):
    """x / w, and 0 where x is 0."""
    return np.where(x == 0, 0, x / np.where((x == 0) & (w == 0), 1, w))


@elementwise(
    x=lambda g, x, t: g * (_share(1 - t, 1 - x) - _share(t, x)),
    t=lambda g, x: g * (np.maximum(np.log1p(-x), -100) - np.maximum(np.log(x), -100)),
    domain=proper,
    c="-({t} * fmax(log({x}), -100) + (1 - {t}) * fmax(log1p(-{x}), -100))",
)
def binary_cross_entropy(x, t):
    """-(t * log(x) + (1 - t) * log(1 - x)), with logarithms of at least -100."""
    if not ((x >= 0) & (x <= 1) | (x != x)).all():
        raise ValueError(
            f"the input should be probabilities, from 0 to 1, and holds {np.min(x)} to {np.max(x)}. Take a sigmoid first, or "
            "better binary_cross_entropy_with_logits"
        )
    with np.errstate(divide="ignore"):
        return -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))


def _softplus(x):
    return softplus(x, threshold=math.inf)


@elementwise(
    x=lambda g, x, t, w: g * ((1 - t) * sigmoid(x) - w * t * sigmoid(-x)),
    t=lambda g, x, w: g * (w * _softplus(-x) - _softplus(x)),
    w=lambda g, x, t: g * weigh(_softplus(-x), t),
    domain={"x": reals, "t": proper, "w": Domain(0.0, math.inf)},
    samples=[sample((2, 3), (2, 3), (3,)), sample((2, 3), (2, 3), 1.0)],
    c="((1 - {t}) * (fmax({x}, 0) + log1p(exp(-fabs({x})))) + {w} * {t} * (fmax(-{x}, 0) + log1p(exp(-fabs({x})))))",
)
def binary_logits(x, t, w):
    """(1 - t) * softplus(x) + w * t * softplus(-x): the cross-entropy of sigmoid(x) and t, with w for the positive."""
    a = np.abs(x)
    small = np.log1p(np.exp(-a))
    positive = x > 0
    with np.errstate(invalid="ignore"):
        side = np.where(positive, 1 - t, w * t)
        return np.where(side == 0, 0, side * a) + (1 - t + w * t) * small


# --- of classes ------------------------------------------------------------------------------------------------------------


def _classes(function, t, classes, ignore):
    """The class indices with 0 for those to ignore, and which are not to be ignored: None for all."""
    if not (ignore is not None and 0 <= ignore < classes) and (not t.size or (t.min() >= 0 and t.max() < classes)):
        return t, None
    wrong = (t < 0) | (t >= classes)
    kept = t == t if ignore is None else t != ignore
    wrong &= kept
    if wrong.any():
        first = t[wrong][0].item()
        known = f"there are {classes} classes, 0 to {classes - 1}"
        ignored = "" if ignore is None else f". To leave it out, pass ignore_index={first}; now that is {ignore}"
        raise IndexingError(f"{function}: the target holds class {first}, and {known}{ignored}")
    return np.where(kept, t, 0), kept


@rule(samples=[sample(np.array([0, 2, -100, 1]), classes=3, ignore=-100, function="nll_loss")])
def known_classes(t, *, classes, ignore=None, function):
    """Class indices, with 0 for those that are ignored; an error for one that is not a class."""
    return _classes(function, t, classes, ignore)[0]


def _class_entropy_x(g, t, y, reduction, ignore):
    of_loss, of_slope = g
    _, slope = y
    d = None
    if of_loss is not None:
        d = slope * (of_loss[:, None] if reduction == "none" else of_loss)
    if of_slope is not None:
        kept = (t != ignore)[:, None]
        share = 1 / np.maximum(kept.sum(), 1) if reduction == "mean" else 1
        p = slope / share + (t[:, None] == np.arange(slope.shape[1], like=slope))
        bent = np.where(kept, p * (of_slope - (of_slope * p).sum(axis=1, keepdims=True)) * share, 0)
        d = bent if d is None else d + bent
    return d


@rule(
    partial=True,
    x=_class_entropy_x,
    samples=[
        sample((3, 4), np.array([1, 0, 3])),
        sample((3, 2), np.array([1, -100, 0])),
        sample((3, 2), np.array([1, 0, 0]), reduction="none", ignore=0),
        sample((2, 3), np.array([2, 2]), reduction="sum"),
    ],
)
def class_entropy(x, t, *, reduction="mean", ignore=-100):
    """-log(softmax(x)) at the classes t, for logits x of shape (N, C); and its derivative with respect to x, on the way."""
    n, classes = x.shape
    t, kept = _classes("cross_entropy", t, classes, ignore)
    dtype, x = x.dtype, _wide(x)
    e = np.subtract(x, x.max(axis=1, keepdims=True), order="C")
    flat, places = e.reshape(-1), t + np.arange(0, n * classes, classes, like=x)
    at_target = flat[places]
    np.exp(e, out=e)
    flat[places] = 0
    others = e.sum(axis=1)
    losses = np.log1p(others + np.expm1(at_target)) - at_target  # exact, however small
    sums = others + np.exp(at_target)
    count = n if kept is None else kept.sum().item()
    if reduction == "mean":
        sums *= max(count, 1)
    np.divide(e, sums[:, None], out=e)
    flat[places] = -others / sums  # p - 1 without its cancellation
    if kept is not None:
        losses, e = np.where(kept, losses, 0), np.where(kept[:, None], e, 0)
    if reduction == "none":
        return losses.astype(dtype, copy=False), e
    y = losses.sum()
    return (y if reduction == "sum" else y / count if count else y * math.nan).astype(dtype), e


def _class_entropy(x, t, reduction="mean", ignore=-100):
    kept = t != ignore
    share = 1 / max(kept.sum(), 1) if reduction == "mean" else 1
    chosen = (np.where(kept, t, -1)[:, None] == np.arange(x.shape[1])) * 1.0
    logp = log_softmax(x, axis=1)
    slope = where(kept[:, None], (exp(logp) - chosen) * share, 0.0)
    losses = -total(logp * chosen, axis=1)
    return (losses if reduction == "none" else total(losses) * share), slope


# --- of sequences ----------------------------------------------------------------------------------------------------------

# Connectionist temporal classification: the sum over all ways to stretch a target over the frames of an input, with blanks
# between. A way walks through the states blank, 1st label, blank, 2nd label, ..., blank: each frame it stays, goes on by one,
# or, between labels that differ, by two. Logarithms all along. What cannot be is NEVER and not -inf, of which differences
# would be nan.

NEVER = -1e30


def _states(x, targets, blank):
    """The class of each state, (N, S), and what a step by two into it costs: nothing or NEVER."""
    n, length = targets.shape
    states = np.full((n, 2 * length + 1), blank, dtype=targets.dtype, like=targets)
    states[:, 1::2] = targets
    free = np.zeros(states.shape, bool, like=targets)
    free[:, 1:2] = True
    free[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return states, np.where(free, 0.0, NEVER).astype(x.dtype)


def _along(emitted, hop):
    """For each frame and state, the logarithm of all ways that stand there then: (T, N, S)."""
    pad = np.full_like(emitted[0, :, :1], NEVER)
    wide, found = np.concatenate([pad, pad * 0, *[pad] * hop.shape[1]], axis=1), []
    for frame in range(emitted.shape[0]):
        ways = np.logaddexp(np.logaddexp(wide[:, 2:], wide[:, 1:-1]), wide[:, :-2] + hop) + emitted[frame]
        found.append(ways)
        wide = np.concatenate([pad, pad, ways], axis=1)
    return np.stack(found)


def _against(emitted, hop, last, final):
    """For each frame and state, the logarithm of all ways to an end from there on, the frame itself not counted: (T, N, S)."""
    pad = np.full_like(emitted[0, :, :1], NEVER)
    ways, found = pad + final * 0, []
    for frame in reversed(range(emitted.shape[0])):
        ways = np.where((last == frame)[:, None], final, ways)
        found.append(ways)
        next = np.concatenate([ways + emitted[frame], pad, pad], axis=1)
        hopped = np.concatenate([(ways + emitted[frame] + hop)[:, 2:], pad, pad], axis=1)
        ways = np.logaddexp(np.logaddexp(next[:, :-2], next[:, 1:-1]), hopped[:, : hop.shape[1]])
    return np.stack(found[::-1])


def _ends(hop, target_lengths):
    """What it costs to end in each state: nothing in the last two of the target."""
    places = np.arange(hop.shape[1], like=hop) - 2 * target_lengths[:, None]
    return np.where((places == 0) | (places == -1), 0.0, NEVER).astype(hop.dtype)


def _emitted(x, states):
    return np.take_along_axis(x, np.broadcast_to(states, (x.shape[0], *states.shape)), 2)


def _ctc_x(g, x, targets, lengths, target_lengths, y, blank):
    states, hop = _states(x, targets, blank)
    emitted = _emitted(x, states)
    before = _along(emitted, hop)
    after = _against(emitted, hop, lengths - 1, _ends(hop, target_lengths))
    through = np.exp(before + after + np.where(np.isinf(y), 0, y)[:, None])  # the share of ways through each state
    chosen = (states[:, :, None] == np.arange(x.shape[2], like=x)).astype(x.dtype)
    return -np.swapaxes(np.swapaxes(through * g[:, None], 0, 1) @ chosen, 0, 1)


def _ctc(x, targets, lengths, target_lengths, blank=0):
    states, hop = _states(x, targets, blank)
    ways = _along(_emitted(x, states), hop)[lengths - 1, np.arange(len(lengths), like=lengths)] + _ends(hop, target_lengths)
    top = ways.max(axis=1)
    return -(top + np.log(np.exp(ways - top[:, None]).sum(axis=1)))


@rule(
    x=_ctc_x,
    samples=[
        sample((4, 2, 3), np.array([[1, 2], [1, 1]]), np.array([4, 3]), np.array([2, 2]), blank=0),
        sample((3, 2, 3), np.array([[0, 1], [0, 0]]), np.array([3, 2]), np.array([1, 0]), blank=2),
        sample((2, 1, 2), np.zeros((1, 0), int), np.array([2]), np.array([0])),
    ],
)
def ctc(x, targets, lengths, target_lengths, *, blank=0):
    """-log of the probability of each target, over all its alignments: log-probabilities x (T, N, C), targets (N, S)."""
    if x.dtype == np.float16:
        raise TypeError("the logarithms of improbable targets are out of reach for float16: use float32")
    if x.shape[1] and ((lengths < 1).any() or (lengths > x.shape[0]).any() or (target_lengths < 0).any()):
        raise ValueError(f"input lengths lie between 1 and the {x.shape[0]} frames that there are, target lengths from 0 on")
    if (target_lengths > targets.shape[1]).any():
        raise ValueError(f"a target of {np.max(target_lengths)} labels among targets of {targets.shape[1]}")
    y = _ctc(x, targets, lengths, target_lengths, blank)
    return np.where(y > -NEVER / 10, math.inf, y)


definitions = {
    squared_error: lambda x, w, mean=True: total((x - w) ** 2) / (x.size if mean else 1),
    smooth_absolute: lambda x, beta=1.0: where(absolute(x) < beta, x * x * (0.5 / (beta or 1)), absolute(x) - 0.5 * beta),
    weigh: lambda x, w: w * x,
    floored: lambda x, low: maximum(x, low),
    binary_cross_entropy: lambda x, t: -(t * log(x) + (1 - t) * log(1 - x)),
    binary_logits: lambda x, t, w: (1 - t) * logaddexp(0.0, x) + w * t * logaddexp(0.0, -x),
    class_entropy: _class_entropy,
    ctc: _ctc,
}
