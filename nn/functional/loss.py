"""Losses: plain functions of arrays or Tensors, with PyTorch's names and arguments.

What PyTorch has given up, `size_average` and `reduce`, is not here; arguments that stand behind these two there go by name.
Shapes that would broadcast by mistake are errors, and so are integers where floats belong. Knows no module.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from autograd import DtypeError, ShapeError
from autograd.ops import activations, losses

from .activation import pairwise_distance
from .inputs import broadcast, floats, shape_of

engine: Any = autograd  # ops carry no types
ops: Any = losses
softplus: Any = activations.softplus

REDUCTIONS = ("mean", "sum", "none")


# --- what all of them share ------------------------------------------------------------------------------------------------


def check_reduction(function: str, reduction: str, known: tuple[str, ...] = REDUCTIONS) -> None:
    """An error unless the reduction is one that there is."""
    if reduction not in known:
        raise ValueError(f"{function}: reduction is {', '.join(map(repr, known[:-1]))} or {known[-1]!r}, not {reduction!r}")


def _reduced(values: Any, reduction: str) -> Any:
    if reduction == "none":
        return values
    if reduction == "mean" and 0 not in shape_of(values):
        return engine.mean(values)
    whole = engine.sum(values)
    return whole * math.nan if reduction == "mean" else whole  # of nothing: nan, and no warning


def _pair(function: str, input: Any, target: Any, reduction: str, names: tuple[str, str] = ("input", "target")) -> Any:
    """Input and target, if they are of floats and of one shape."""
    check_reduction(function, reduction)
    x, t = floats(function, input, names[0]), floats(function, target, names[1])
    if shape_of(x) != shape_of(t):
        _refuse_shapes(function, shape_of(x), shape_of(t), names)
    return x, t


def _refuse_shapes(function: str, a: tuple[int, ...], b: tuple[int, ...], names: tuple[str, str]) -> None:
    words = f"{function}: {names[0]} and {names[1]} have one shape, and these have {a} and {b}"
    try:
        both = np.broadcast_shapes(a, b)
    except ValueError:
        raise ShapeError(words) from None
    size = math.prod(a) == math.prod(b)
    fix = f". Perhaps {names[1]}.reshape{a}" if size else ""
    raise ShapeError(f"{words}: they would broadcast to {both}, which is hardly meant{fix}")


def _signs(function: str, target: Any) -> Any:
    """A target of 1 and -1, of integers or floats."""
    t = target if hasattr(target, "dtype") else np.asarray(target)
    if t.dtype.kind not in "if":
        raise DtypeError(f"{function}: expected a target of 1 and -1, got {t.dtype}")
    return t


def _indices(function: str, target: Any) -> Any:
    """A target of class indices."""
    t = target if hasattr(target, "dtype") else np.asarray(target)
    if t.dtype.kind not in "iu":
        raise DtypeError(f"{function}: expected a target of class indices, integers, got {t.dtype}: target.astype('int64')")
    return t


def _weighted_mean(values: Any, weight: Any, reduction: str) -> Any:
    """Losses times weights; their mean is over the sum of the weights."""
    if weight is None or reduction != "mean":
        return _reduced(values if weight is None else values * weight, reduction)
    return engine.sum(values * weight) / engine.sum(weight)


def _same_weight(function: str, weight: Any, x: Any) -> Any:
    if weight is not None and np.shape(weight) != np.shape(x):
        raise ShapeError(f"{function}: weight and input have one shape, and these have {np.shape(weight)} and {np.shape(x)}")
    return weight if weight is None or hasattr(weight, "dtype") else np.asarray(weight)


def _fits(function: str, name: str, weight: Any, x: Any) -> None:
    """An error for a weight that does not broadcast to the input's shape."""
    if weight is not None and broadcast(function, x, weight) != np.shape(x):
        raise ShapeError(f"{function}: {name} of shape {np.shape(weight)} for an input of shape {np.shape(x)}")


def _weighted(function: str, values: Any, weight: Any) -> Any:
    """Losses times weights, which may broadcast."""
    _fits(function, "weight", weight, values)
    return values if weight is None else values * weight


# --- of numbers ------------------------------------------------------------------------------------------------------------


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Any:
    """The mean of (input - target)**2, or the sum, or each by itself.

    >>> float(mse_loss([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    x, t = _pair("mse_loss", input, target, reduction)
    if weight is None and reduction != "none":
        return ops.squared_error(x, t, mean=reduction == "mean")
    return _weighted_mean(engine.square(engine.subtract(x, t)), _same_weight("mse_loss", weight, x), reduction)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Any:
    """abs(input - target), with slope 0 where they are equal."""
    x, t = _pair("l1_loss", input, target, reduction)
    return _weighted_mean(engine.abs(engine.subtract(x, t)), _same_weight("l1_loss", weight, x), reduction)


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """abs(d) - beta / 2 for d = input - target, and d * d / (2 * beta) where abs(d) is below beta."""
    x, t = _pair("smooth_l1_loss", input, target, reduction)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is at least 0, not {beta}")
    return _reduced(ops.smooth_absolute(engine.subtract(x, t), beta=float(beta)), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """d * d / 2 for d = input - target, and delta * (abs(d) - delta / 2) where abs(d) is above delta."""
    x, t = _pair("huber_loss", input, target, reduction)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta is above 0, not {delta}")
    values = ops.smooth_absolute(engine.subtract(x, t), beta=float(delta)) * float(delta)
    weight = _same_weight("huber_loss", weight, x)
    return _reduced(values if weight is None else values * weight, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """exp(x) - t * x, or with `log_input=False` x - t * log(x + eps): counts t of a Poisson distribution.

    With `full`, Stirling's t * log(t) - t + log(2 pi t) / 2 is added for targets above 1.
    """
    x, t = _pair("poisson_nll_loss", input, target, reduction)
    values = engine.exp(x) - t * x if log_input else x - t * engine.log(x + eps)
    if full:
        many = engine.where(t > 1, t, 1.0)
        stirling = many * engine.log(many) - many + 0.5 * engine.log(2 * math.pi * many)
        values = values + engine.where(t > 1, stirling, 0.0)
    return _reduced(values, reduction)


def gaussian_nll_loss(input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> Any:
    """(log(var) + (input - target)**2 / var) / 2, for a variance of at least eps: a number, or of the input's shape, in which
    the last axis may have length 1 or be missing. With `full`, log(2 pi) / 2 is added."""
    x, t = _pair("gaussian_nll_loss", input, target, reduction)
    shape = np.shape(x)
    v = floats("gaussian_nll_loss", np.full_like(t, var) if isinstance(var, (int, float)) else var, "var")
    if np.shape(v) != shape:
        if np.shape(v) == shape[:-1]:
            v = v.reshape((*shape[:-1], 1))
        elif np.shape(v) != (*shape[:-1], 1):
            raise ShapeError(f"gaussian_nll_loss: a variance of shape {np.shape(v)} for an input of shape {shape}")
    if eps <= 0:
        raise ValueError(f"gaussian_nll_loss: eps is above 0, not {eps}")
    v = ops.floored(v, low=float(eps))
    values = 0.5 * (engine.log(v) + engine.square(x - t) / v)
    return _reduced(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)


# --- of probabilities ------------------------------------------------------------------------------------------------------


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """-(t * log(x) + (1 - t) * log(1 - x)) for probabilities x, the logarithms at least -100.

    Better, because exact in the tails: `binary_cross_entropy_with_logits`.
    """
    x, t = _pair("binary_cross_entropy", input, target, reduction)
    return _reduced(_weighted("binary_cross_entropy", ops.binary_cross_entropy(x, t), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """The binary cross-entropy of sigmoid(x), without overflow; `pos_weight` multiplies what belongs to t.

    >>> float(binary_cross_entropy_with_logits([1000.0, -1000.0], [1.0, 1.0]))
    500.0
    """
    name = "binary_cross_entropy_with_logits"
    x, t = _pair(name, input, target, reduction)
    _fits(name, "pos_weight", pos_weight, x)
    values = ops.binary_logits(x, t, 1.0 if pos_weight is None else pos_weight)
    return _reduced(_weighted(name, values, weight), reduction)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """t * (log(t) - x), for log-probabilities x and probabilities t (with `log_target`, their logarithms).

    `reduction="batchmean"` is the sum divided by the length of the first axis: the divergence of the mathematicians.
    """
    check_reduction("kl_div", reduction, ("batchmean", *REDUCTIONS))
    x, t = _pair("kl_div", input, target, "mean")
    if log_target:
        values = ops.weigh(engine.subtract(t, x), engine.exp(t))
    else:
        values = engine.special.xlogy(t, t) - ops.weigh(x, t)
    if reduction == "batchmean":
        return engine.sum(values) / (np.shape(x)[0] if np.ndim(x) else 1)
    return _reduced(values, reduction)


# --- of classes ------------------------------------------------------------------------------------------------------------


def _rows(x: Any, t: Any) -> tuple[Any, Any]:
    """Input (N, C, d1, ...) and target (N, d1, ...) as (M, C) and (M,)."""
    if len(shape_of(x)) == 1:
        return x.reshape((1, -1)), t.reshape((1,))
    if len(shape_of(x)) == 2:
        return x, t
    return engine.moveaxis(x, 1, -1).reshape((-1, shape_of(x)[1])), t.reshape((-1,))


def _class_axis(function: str, x: Any, t: Any) -> None:
    """An error unless the target has the input's shape without its class axis."""
    shape = shape_of(x)
    if not shape:
        raise ShapeError(f"{function}: expected an input (C,), (N, C) or (N, C, ...), got a single number")
    wanted = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if shape_of(t) != wanted:
        column = "; a column of indices becomes a row by target.reshape(-1)" if shape_of(t) == (*wanted, 1) else ""
        raise ShapeError(
            f"{function}: for an input of shape {shape}, with the classes in axis {min(len(shape) - 1, 1)}, class indices "
            f"have the shape {wanted}, and these have {shape_of(t)}{column}"
        )


def _class_weight(function: str, weight: Any, classes: int) -> Any:
    w = floats(function, weight, "weight")
    if np.shape(w) != (classes,):
        raise ShapeError(f"{function}: expected a weight for each of {classes} classes, got shape {np.shape(w)}")
    return w


def _shares(function: str, x: Any, t: Any, weight: Any, ignore_index: int) -> tuple[Any, Any]:
    """The classes, checked, with 0 in place of those to ignore, and the weight of each row, which is 0 for these."""
    classes = np.shape(x)[1]
    known = ops.known_classes(t, classes=classes, ignore=ignore_index, function=function)
    kept = (t != ignore_index).astype(x.dtype)
    return known, kept if weight is None else _class_weight(function, weight, classes)[known] * kept


def _mean_of_rows(rows: Any, share: Any, reduction: str, shape: tuple[int, ...]) -> Any:
    """Rows, weighted already, reduced: their mean is over the sum of the weights, and nan with slope 0 where that is 0."""
    if reduction == "none":
        return rows.reshape(shape)
    if reduction == "sum":
        return engine.sum(rows)
    if rows.dtype == np.float16:  # in which neither sum goes beyond 65504
        return _mean_of_rows(rows.astype(np.float32), share.astype(np.float32), reduction, shape).astype(np.float16)
    whole = engine.sum(share)
    return engine.where(whole == 0, math.nan, engine.sum(rows) / engine.where(whole == 0, 1.0, whole))


def nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """-input at the classes of the target: input (N, C, ...) of log-probabilities, target (N, ...) of class indices."""
    check_reduction("nll_loss", reduction)
    x, t = floats("nll_loss", input), _indices("nll_loss", target)
    _class_axis("nll_loss", x, t)
    shape = np.shape(t)
    x, t = _rows(x, t)
    known, share = _shares("nll_loss", x, t, weight, ignore_index)
    rows = -ops.weigh(x[np.arange(len(t)), known], share)
    return _mean_of_rows(rows, share, reduction, shape)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log(softmax(input)) at the classes of the target: logits (N, C, ...), and class indices (N, ...) or probabilities
    (N, C, ...). The mean is over the weights of the classes that are not ignored.

    >>> round(float(cross_entropy([[0.0, 0.0], [100.0, 0.0]], [1, 0])), 6)
    0.346574
    """
    check_reduction("cross_entropy", reduction)
    x = floats("cross_entropy", input)
    t = target if hasattr(target, "dtype") else np.asarray(target)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is between 0 and 1, not {label_smoothing}")
    if t.dtype.kind == "f" and shape_of(t) == shape_of(x):
        return _soft_cross_entropy(x, t, weight, reduction, label_smoothing)
    t = _indices("cross_entropy", t)
    _class_axis("cross_entropy", x, t)
    shape = shape_of(t)
    x, t = _rows(x, t)
    if weight is None and not label_smoothing:
        values, _ = ops.class_entropy(x, t, reduction=reduction, ignore=ignore_index)
        return values.reshape(shape) if reduction == "none" else values
    _, share = _shares("cross_entropy", x, t, weight, ignore_index)
    rows = ops.weigh(ops.class_entropy(x, t, reduction="none", ignore=ignore_index)[0], share)
    if label_smoothing:
        logp = engine.log_softmax(x, axis=1)
        spread = engine.mean(logp if weight is None else ops.weigh(logp, weight), axis=1)
        spread = engine.where(t != ignore_index, spread, 0.0)
        rows = (1 - label_smoothing) * rows - label_smoothing * spread
    return _mean_of_rows(rows, share, reduction, shape)


def _soft_cross_entropy(x: Any, t: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    """The same for a target of probabilities; a probability of 0 counts for nothing, whatever the logit."""
    axis = min(np.ndim(x) - 1, 1)
    classes = np.shape(x)[axis]
    if smoothing:
        t = t * (1 - smoothing) + smoothing / classes
    if weight is not None:
        w = _class_weight("cross_entropy", weight, classes)
        t = t * w.reshape([classes if i == axis else 1 for i in range(np.ndim(x))])
    return _reduced(-engine.sum(ops.weigh(engine.log_softmax(x, axis=axis), t), axis=axis), reduction)


# --- with a margin ---------------------------------------------------------------------------------------------------------


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Any:
    """x where the target is 1, max(0, margin - x) where it is -1: x is a distance of things alike, or unlike."""
    check_reduction("hinge_embedding_loss", reduction)
    x, t = floats("hinge_embedding_loss", input), _signs("hinge_embedding_loss", target)
    if np.shape(x) != np.shape(t):
        _refuse_shapes("hinge_embedding_loss", np.shape(x), np.shape(t), ("input", "target"))
    return _reduced(engine.where(t == 1, x, engine.where(t == -1, engine.relu(margin - x), 0.0)), reduction)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """log(1 + exp(-t * x)), for targets of 1 and -1."""
    check_reduction("soft_margin_loss", reduction)
    x, t = floats("soft_margin_loss", input), _signs("soft_margin_loss", target)
    if np.shape(x) != np.shape(t):
        _refuse_shapes("soft_margin_loss", np.shape(x), np.shape(t), ("input", "target"))
    return _reduced(softplus(-t.astype(x.dtype) * x, threshold=math.inf), reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> Any:
    """max(0, -t * (input1 - input2) + margin): the first shall be the larger where t is 1, the smaller where it is -1."""
    a, b = _pair("margin_ranking_loss", input1, input2, reduction, ("input1", "input2"))
    t = _signs("margin_ranking_loss", target)
    if np.ndim(t) != np.ndim(a) or broadcast("margin_ranking_loss", a, t) != np.shape(a):
        _refuse_shapes("margin_ranking_loss", np.shape(a), np.shape(t), ("input1", "target"))
    return _reduced(engine.relu(margin - t.astype(a.dtype) * (a - b)), reduction)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> Any:
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1: inputs (N, D), target (N,)."""
    a, b = _pair("cosine_embedding_loss", input1, input2, reduction, ("input1", "input2"))
    t = _signs("cosine_embedding_loss", target)
    if np.ndim(a) not in (1, 2) or np.shape(t) != np.shape(a)[:-1]:
        words = f"expected inputs (N, D) and a target (N,), or (D,) and (), got {np.shape(a)} and {np.shape(t)}"
        raise ShapeError(f"cosine_embedding_loss: {words}")
    squares = (engine.sum(a * a, axis=-1) + 1e-12) * (engine.sum(b * b, axis=-1) + 1e-12)
    cosine = engine.sum(a * b, axis=-1) / engine.sqrt(squares)
    unlike = engine.where(t == -1, engine.relu(cosine - margin), 0.0)
    return _reduced(engine.where(t == 1, 1.0 - cosine, unlike), reduction)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """The sum over the other classes i of max(0, margin - x[target] + x[i])**p, divided by the number of classes."""
    check_reduction("multi_margin_loss", reduction)
    x, t = floats("multi_margin_loss", input), _indices("multi_margin_loss", target)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    if np.ndim(x) not in (1, 2):
        raise ShapeError(f"multi_margin_loss: expected an input (N, C) or (C,), got shape {np.shape(x)}")
    _class_axis("multi_margin_loss", x, t)
    shape = np.shape(t)
    x, t = _rows(x, t)
    classes = np.shape(x)[1]
    t = ops.known_classes(t, classes=classes, function="multi_margin_loss")
    short = engine.relu(margin - x[np.arange(len(t)), t][:, None] + x)
    short = engine.where(t[:, None] == np.arange(classes), 0.0, short if p == 1 else short * short)
    rows = engine.sum(short, axis=1) / classes
    if weight is not None:
        rows = rows * _class_weight("multi_margin_loss", weight, classes)[t]
    return _reduced(rows.reshape(shape), reduction)


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The sum over labels j and other classes i of max(0, 1 - x[j] + x[i]), divided by the number of classes.

    Input and target are (N, C) or (C,); the labels of a row stand first in the target, up to a -1.
    """
    check_reduction("multilabel_margin_loss", reduction)
    x, t = floats("multilabel_margin_loss", input), _indices("multilabel_margin_loss", target)
    if np.ndim(x) not in (1, 2) or np.shape(x) != np.shape(t):
        words = f"expected input and target (N, C) or (C,), got {np.shape(x)} and {np.shape(t)}"
        raise ShapeError(f"multilabel_margin_loss: {words}")
    shape, classes = np.shape(t)[:-1], np.shape(x)[-1]
    x, t = x.reshape((-1, classes)), t.reshape((-1, classes))
    known = ops.known_classes(t, classes=classes, ignore=-1, function="multilabel_margin_loss")
    given = (engine.cumsum(t < 0, axis=1) == 0)[:, :, None]
    labels = engine.any(given & (known[:, :, None] == np.arange(classes)), axis=1)[:, None, :]
    short = engine.relu(1.0 - engine.take_along_axis(x, known, 1)[:, :, None] + x[:, None, :])
    rows = engine.sum(engine.where(given & ~labels, short, 0.0), axis=(1, 2)) / classes
    return _reduced(rows.reshape(shape), reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """The mean over the last axis of the binary cross-entropy of sigmoid(input), for targets of 0 and 1."""
    x, t = _pair("multilabel_soft_margin_loss", input, target, reduction)
    values = _weighted("multilabel_soft_margin_loss", ops.binary_logits(x, t, 1.0), weight)
    return _reduced(engine.mean(values, axis=-1), reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), for any distance d; pairwise_distance by default.

    With `swap`, the negative's distance is that from the anchor or from the positive, whichever is smaller.
    """
    name, distance = "triplet_margin_with_distance_loss", distance_function or pairwise_distance
    return _triplet(name, anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), for d(a, b) the p-norm of a - b + eps."""

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    return _triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    name: str, anchor: Any, positive: Any, negative: Any, distance: Any, margin: Any, swap: bool, reduction: str
) -> Any:
    a, p = _pair(name, anchor, positive, reduction, ("anchor", "positive"))
    a, n = _pair(name, anchor, negative, reduction, ("anchor", "negative"))
    if margin <= 0:
        raise ValueError(f"{name}: margin is above 0, not {margin}")
    far = distance(a, n)
    if swap:
        far = engine.minimum(far, distance(p, n))
    return _reduced(engine.relu(distance(a, p) - far + margin), reduction)


# --- of sequences ----------------------------------------------------------------------------------------------------------


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Connectionist temporal classification: -log of the probability of each target, summed over its alignments.

    log_probs (T, N, C), or (T, C) for one sequence, from log_softmax; targets (N, S), or all of them one after another; the
    lengths (N,). The mean is of loss / target length. An impossible target costs infinity: `zero_infinity` makes it 0.
    """
    check_reduction("ctc_loss", reduction)
    x, t = floats("ctc_loss", log_probs, "log_probs"), _indices("ctc_loss", targets)
    frames, labels = (_indices("ctc_loss", lengths) for lengths in (input_lengths, target_lengths))
    single = np.ndim(x) == 2
    if single:
        x, frames, labels = x[:, None], engine.ravel(frames), engine.ravel(labels)
    known = np.ndim(x) == 3 and np.shape(frames) == np.shape(labels) == np.shape(x)[1:2] and np.ndim(t) in (1, 2)
    if not known:
        words = f"got {np.shape(log_probs)}, {np.shape(t)}, {np.shape(frames)} and {np.shape(labels)}"
        raise ShapeError(
            f"ctc_loss: expected log_probs (T, N, C), targets (N, S), input_lengths (N,) and target_lengths (N,), {words}"
        )
    if not 0 <= blank < np.shape(x)[2]:
        raise ValueError(f"ctc_loss: blank is one of the classes 0 to {np.shape(x)[2] - 1}, not {blank}")
    t = _padded(t, labels)
    if np.shape(t)[0] != np.shape(x)[1]:
        raise ShapeError(f"ctc_loss: {np.shape(t)[0]} targets for {np.shape(x)[1]} sequences")
    t = engine.where(np.arange(np.shape(t)[1]) < labels[:, None], t, 0)
    t = ops.known_classes(t, classes=np.shape(x)[2], function="ctc_loss")
    values = ops.ctc(x, t, frames, labels, blank=int(blank))
    if zero_infinity:
        values = engine.where(engine.isinf(values), 0.0, values)
    if reduction == "mean":
        values = values / engine.maximum(labels, 1).astype(x.dtype)
    return values[0] if single and reduction == "none" else _reduced(values, reduction)


def _padded(targets: Any, lengths: Any) -> Any:
    """Targets one after another as rows of one length."""
    if np.ndim(targets) == 2:
        return targets
    counts = np.asarray([int(n) for n in lengths])
    if counts.sum() != np.shape(targets)[0]:
        words = f"{counts.sum()} labels by target_lengths, and {np.shape(targets)[0]} in targets"
        raise ShapeError(f"ctc_loss: {words}, which holds the targets one after another")
    places = (counts.cumsum() - counts)[:, None] + np.arange(counts.max(initial=0))
    return targets[np.minimum(places, max(len(targets) - 1, 0))]
