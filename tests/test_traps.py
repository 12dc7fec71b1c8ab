"""Every row of `gradients/traps.json`: where mathematics leaves a choice, or where a common formula loses the gradient.

A row of the file is one expression at one point, with its value and the gradient of its sum. `CASES` says how to write the
expression; `KNOWN` holds what is not right, with the reason, and fails as soon as it is. Each gradient is taken in four ways:
by `grad`, by `backward`, by a recorded backward (`create_graph`), and, where it is finite, in forward mode.
"""

import json
import math
import re
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import autograd as ag
import nn.functional as F
from autograd import Tensor

ROWS = json.loads((Path(__file__).parent / "gradients" / "traps.json").read_text())
PRINTED = 1e-5  # the file prints six digits

# --- the expressions -------------------------------------------------------------------------------------------------------


def set_twice(x, v):
    y = x.copy()
    y[[0, 0]] = v
    return y


def reconstructed(u, s, vh):
    return (u * s) @ vh


def add_twice(x, v):
    y = x.copy()
    y[[0, 0]] += v
    return y


UNARY = """sign relu floor ceil round cbrt log log1p log10 exp reciprocal arcsin arctanh arccosh arcsinh tan arctan cosh tanh
    sqrt sinc square sigmoid logsumexp max amax min prod cumprod"""
WEIGHTS = np.array([1.0, 10.0, 100.0])

# By the whole id, or by what stands before the "@" of the point.
CASES = {
    **{name: getattr(ag, {"amax": "max"}.get(name, name)) for name in UNARY.split()},
    "abs": abs,
    "amax": np.amax,
    "maximum(x,0)": lambda x: ag.maximum(x, 0.0),
    "clip[-1,1]": lambda x: ag.clip(x, -1.0, 1.0),
    "clip lo=hi=0": lambda x: ag.clip(x, 0.0, 0.0),
    "mod(x,y)": lambda x, y: x % y,
    "fmod(x,y)": np.fmod,
    "x//y": lambda x, y: x // y,
    "sqrt(x*x)": lambda x: ag.sqrt(x * x),
    "sqrt(x**2)": lambda x: ag.sqrt(x**2),
    "sqrt(0*x)": lambda x: ag.sqrt(0 * x),
    "0*sqrt(x)": lambda x: 0 * ag.sqrt(x),
    "rsqrt": lambda x: 1 / ag.sqrt(x),
    "x/x": lambda x: x / x,
    "arctan2(y,x)": ag.arctan2,
    "pow(x,y)": lambda x, y: x**y,
    "x**0 (python int)": lambda x: x**0,
    "x**1 (python int)": lambda x: x**1,
    "x**2 (python int)": lambda x: x**2,
    "x**3 (python int)": lambda x: x**3,
    "x**-1 (python int)": lambda x: x**-1,
    "x**-2 (python int)": lambda x: x**-2,
    "x**array([0,1,2,3])": lambda x: x ** np.array([0, 1, 2, 3]),
    "1/(1+exp(-x))": lambda x: 1 / (1 + ag.exp(-x)),
    "logaddexp(x,0)": lambda x: ag.logaddexp(x, 0.0),
    "logaddexp": ag.logaddexp,
    "logaddexp2": ag.logaddexp2,
    "softmax[0]": lambda x: ag.softmax(x)[0],
    "log_softmax[0]": lambda x: ag.log_softmax(x)[0],
    "log_softmax[1]": lambda x: ag.log_softmax(x)[1],
    "max all equal": ag.max,
    "minimum": ag.minimum,
    "fmax": ag.fmax,
    "maximum": ag.maximum,
    "maximum(x,x)": lambda x: ag.maximum(x, x),
    "var ddof0": ag.var,
    "var ddof1": lambda x: ag.var(x, ddof=1),
    "std ddof0": ag.std,
    "std ddof1": lambda x: ag.std(x, ddof=1),
    "prod axis=1": lambda x: ag.prod(x, axis=1),
    "(0,3)+(1,3)": lambda a, b: a + b,
    "(2,0)@(0,3)": lambda a, b: a @ b,
    "(0,2)@(2,3)": lambda a, b: a @ b,
    "(2,)@(2,)": lambda a, b: a @ b,
    "(1,2)@(3,2,1) batched bcast": lambda a, b: a @ b,
    "x[[-1,2]]": lambda x: x[[-1, 2]],
    "x[mask]": lambda x: x[np.array([True, False, True])],
    "x[[]]": lambda x: x[[]],
    "x[::-1]*w": lambda x: x[::-1] * WEIGHTS,
    "x[[0,1],[1,1]] + x[:,1]": lambda x: x[[0, 1], [1, 1]] + x[:, 1],
    "y=x; y[[0,0]]=v  (repeated setitem)": set_twice,
    "y[[0,0]]+=v (repeated)": add_twice,
    "where(x>0,sqrt(x),0)": lambda x: ag.where(x > 0, ag.sqrt(x), 0.0),
    "where(x>0,log(x),0)": lambda x: ag.where(x > 0, ag.log(x), 0.0),
    "where(x!=0,1/x,0)": lambda x: ag.where(x != 0, 1 / x, 0.0),
    "where(x!=0,sin(x)/x,1)": lambda x: ag.where(x != 0, ag.sin(x) / x, 1.0),
    "where(x<15,x,10**exp(x))": lambda x: ag.where(x < 15, x, 10 ** ag.exp(x)),
    "where(x<0,exp(x),x+1)": lambda x: ag.where(x < 0, ag.exp(x), x + 1),
    "double where sqrt": lambda x: ag.where(x > 0, ag.sqrt(ag.where(x > 0, x, 1.0)), 0.0),
    "where(arctan2)": lambda x: ag.where(x != 0, ag.arctan2(x, x), 0.0),
    "where wrt both (cond True) size-1 bcast": lambda a, b: ag.where(np.array([True, False]), a, b),
    "x@x (vector dot self)": lambda x: x @ x,
    "concat same twice": lambda x: ag.concatenate([x, x]),
    "stack same twice": lambda x: ag.stack([x, x]),
    "concat with empty": lambda a, b: ag.concatenate([a, b]),
    "repeat(2)": lambda x: ag.repeat(x, 2),
    "tile(0)": lambda x: ag.tile(x, 0),
    "broadcast_to (0,2)": lambda x: ag.broadcast_to(x, (0, 2)),
    "pad reflect 2": lambda x: ag.pad(x, 2, mode="reflect"),
    "einsum ii->": lambda x: ag.einsum("ii->", x),
    "einsum ii->i": lambda x: ag.einsum("ii->i", x),
    "einsum ij->i": lambda x: ag.einsum("ij->i", x),
    "einsum ij,j->  (j summed, unique)": lambda a, b: ag.einsum("ij,k->i", a, b),
    "tensordot axes=0": lambda a, b: ag.tensordot(a, b, axes=0),
    "unused arg": lambda a, b: 2 * a,
    "constant output": lambda x: Tensor(3.0, requires_grad=False),
    "abs(complex) via re,im": lambda re, im: abs(re + 1j * im),
    "real(exp(1j*x))": lambda x: ag.real(ag.exp(1j * x)),
    "sum(x*x) f32 grad exact": lambda x: (x * x).sum(),
    "sqrt(x**2+1e-12) f32": lambda x: ag.sqrt(x**2 + 1e-12),
    **{name: getattr(ag, name) for name in ("nanmax", "nansum", "ptp", "cummax", "cross", "kron")},
    **{name: getattr(ag.special, name) for name in ["xlogy", "entr", "erf", "erfinv", "gammaln", "digamma", "log_ndtr"]},
    **{name: getattr(ag.linalg, name) for name in ("det", "pinv", "expm", "cholesky")},
    "sort ties sum(w*sort)": lambda x: ag.sort(x) * WEIGHTS,
    "median even": ag.median,
    "median ties even": ag.median,
    "quantile .5": lambda x: ag.quantile(x, 0.5),
    "trace (2,3)": ag.trace,
    "convolve full": ag.convolve,
    "interp at knot": lambda x: ag.interp(x, np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0])),
    "angle complex": lambda re, im: ag.angle(re + 1j * im),
    "rfft roundtrip irfft(rfft(x),n=3)*w": lambda x: ag.fft.irfft(ag.fft.rfft(x), n=3) * WEIGHTS,
    **{f"norm ord={order}": partial(ag.linalg.norm, ord=eval(order)) for order in ("None", "1", "2", "3", "0", "0.5")},
    "norm ord=inf": partial(ag.linalg.norm, ord=np.inf),
    "norm ord=-inf": partial(ag.linalg.norm, ord=-np.inf),
    "norm 2": partial(ag.linalg.norm, ord=2),
    "norm nuc": partial(ag.linalg.norm, ord="nuc"),
    "norm mat2": partial(ag.linalg.norm, ord=2),
    "norm mat1": partial(ag.linalg.norm, ord=1),
    "cholesky upper entry ignored?": ag.linalg.cholesky,
    "eigh eigenvalue sum": lambda x: ag.linalg.eigh(x)[0],
    "eigh vectors": lambda x: ag.linalg.eigh(x)[1] * np.array([[1.0, 2.0], [3.0, 4.0]]),
    "eigh values@[[2,1],[1,3]] w[1,10]": lambda x: ag.linalg.eigh(x)[0] * np.array([1.0, 10.0]),
    "eigh UPLO: upper ignored? values": lambda x: ag.linalg.eigh(x)[0],
    "svdvals": ag.linalg.svdvals,
    "svdvals@rank1 [[1,2],[2,4]]": ag.linalg.svdvals,
    "svd full S only (U,V unused)": lambda x: ag.linalg.svd(x)[1],
    "svd U*S": lambda x: ag.linalg.svd(x)[0] * ag.linalg.svd(x)[1],
    "svd USVt reconstruct": lambda x: reconstructed(*ag.linalg.svd(x)),
    **{name: getattr(F, name) for name in ("elu", "relu6", "hardtanh", "hardswish", "silu", "mish", "softplus", "logsigmoid")},
    "leaky_relu(.01)": F.leaky_relu,
    "softshrink(.5)": F.softshrink,
    "gelu_erf": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "cosine_similarity": partial(F.cosine_similarity, dim=0),
    "l1": lambda x: F.l1_loss(x, ag.zeros_like(x), reduction="none"),
    "huber(1)": lambda x: F.huber_loss(x, ag.zeros_like(x), reduction="none"),
    "smooth_l1 beta=0": lambda x: F.smooth_l1_loss(x, ag.zeros_like(x), reduction="none", beta=0.0),
    "bce p=0,t=0;p=1,t=1": lambda x: F.binary_cross_entropy(x, np.array([0.0, 1.0]), reduction="none"),
    "bce p=0,t=1;p=1,t=0": lambda x: F.binary_cross_entropy(x, np.array([1.0, 0.0]), reduction="none"),
    "cross_entropy soft target 0*-inf logits[[0,-inf]] t=[[1,0]]": lambda x: F.cross_entropy(x, np.array([[1.0, 0.0]])),
    "max_pool1d(2) tie [1,1]": lambda x: F.max_pool1d(x[None], 2)[0],
    "dropout p=1 train": partial(F.dropout, p=1.0),
}

# The row's value is what a peer returned, and not the function's: a median that is one of the elements, a norm that underflows,
# inf * 0. One is known to rounding only.
VALUES = {
    "median even@[4,1,3,2]": "2.5",
    "norm 2@[1e-200,1e-200]": "1.41421e-200",
    "svdvals@rank1 [[1,2],[2,4]]": "[5,0]",
    "gelu_erf@[-inf,inf]": "[0,inf]",
    "silu@-inf": "0",
    "cross_entropy soft target 0*-inf logits[[0,-inf]] t=[[1,0]]": "0",
}

# LAPACK's results are known to rounding only.
ROUNDED = {"eigh UPLO: upper ignored? values@[[2,9],[1,3]]": 1e-15, "svdvals@rank1 [[1,2],[2,4]]": 1e-15}

# Forward mode asks for the vectors of equal singular values by themselves, which move as the algorithm likes: nan.
BACKWARD_ONLY = {"svd USVt reconstruct@I"}

# What cannot be read off the row: an empty array in JSON has lost its shape.
SHAPES = {
    "(0,3)+(1,3)": [(0, 3), (1, 3)],
    "(2,0)@(0,3)": [(2, 0), (0, 3)],
    "(0,2)@(2,3)": [(0, 2), (2, 3)],
}

# Rows of ops that exist which do not pass, and why: (id, form of the input) -> reason.
KNOWN: dict[tuple[str, str], str] = {
    ("1/(1+exp(-x))@[-100,-89,-45] f32", "array"): "exp(100) and exp(89) are inf in float32, so the chain rule sees a slope "
    "of 0; sigmoid is the function that keeps the tail",
}


def expression_of(row):
    """The function of a row."""
    name = row["id"]
    return CASES.get(name) or CASES.get(name.rpartition("@")[0].strip())


# --- what a row asks for ---------------------------------------------------------------------------------------------------


def alternatives(text):
    """The answers that are right, one text each: of "C: 0|-inf", "[0,1,0] | all nan", "0 or None"."""
    text = text.removeprefix("C: ")
    inner = re.search(r"([-\w.]+)\|([-\w.]+)", text)
    if inner:
        head, tail = text[: inner.start()], text[inner.end() :]
        return alternatives(head + inner[1] + tail) + alternatives(head + inner[2] + tail)
    return re.split(r"\s+\|\s+|\s+or\s+", text)


def numbers(text):
    """A printed array, of numbers, nan and inf."""
    return np.array(eval(text, {"nan": math.nan, "inf": math.inf}), dtype=float)


def fits(got, text, rounding=0.0):
    """Whether a value is the printed one: to six digits, with zeros, infinities and nan exact. (-0 is 0.)"""
    if text == "None":
        return got is None
    text = text.removesuffix(" up to 1e-16").removesuffix(" with eps")
    if text == "nan (say why)":
        return bool(np.isnan(got).any())
    got = np.asarray(got)
    if text == "":  # the row gives no value
        return True
    if text == "zeros":
        return not got.any()
    if text == "all nan":
        return bool(np.isnan(got).all())
    if text.startswith("empty"):
        return got.shape == eval(text.removeprefix("empty"))
    if ".." in text:
        low, high = map(float, text.split(".."))
        return bool((low <= got).all() and (got <= high).all())
    want = numbers(text)
    if want.ndim and want.shape != got.shape:
        return False
    return bool(np.isclose(got.astype(float), want, rtol=PRINTED, atol=rounding, equal_nan=True).all())


def fits_any(got, text, rounding=0.0):
    return any(fits(got, choice, rounding) for choice in alternatives(text))


# --- a row, with its inputs in one form ------------------------------------------------------------------------------------


def forms_of(row):
    """A row of scalars is run on Python floats, on 0-d arrays and on arrays of one element."""
    scalars = all(isinstance(value, float) for value in row["inputs"])
    return ["array", "0-d", "float"] if scalars and row["dtype"] == "float64" else ["array"]


def inputs_of(row, form):
    shapes = SHAPES.get(row["id"]) or [None] * len(row["inputs"])
    arrays = [
        np.array(value, row["dtype"]).reshape(np.shape(value) if shape is None else shape)
        for value, shape in zip(row["inputs"], shapes, strict=True)
    ]
    if form == "float":
        return [float(a) for a in arrays]
    if form == "0-d":
        return [a[()] for a in arrays]
    return [np.atleast_1d(a) for a in arrays] if len(forms_of(row)) > 1 else arrays


def quiet(f):
    """f without the warnings of NumPy, which log(0) deserves: only forwards may warn, derivatives may not."""

    def run(*xs):
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return f(*xs)

    return run


def total(y):
    return y if y.shape == () else y.sum()


def by_backward(f, xs, **how):
    """The gradients that `backward` leaves on leaves, as Tensors or None."""
    leaves = [Tensor(x) for x in xs]
    y = quiet(lambda *xs: total(f(*xs)))(*leaves)
    if y.requires_grad:
        y.backward(**how)
    return [leaf.grad for leaf in leaves]


def by_forward_mode(f, xs):
    """The same gradients, entry by entry, each from one tangent."""
    gradients = []
    for i, x in enumerate(xs):
        gradient = np.zeros(np.shape(x))
        for place in np.ndindex(np.shape(x)):
            tangents = [np.zeros_like(other) for other in xs]
            tangents[i][place] = 1
            tangents = [float(t) if type(x) is float else t[()] for t, x in zip(tangents, xs, strict=True)]
            gradient[place] = np.sum(ag.jvp(quiet(f), tuple(xs), tuple(tangents))[1])
        gradients.append(gradient)
    return gradients


def same(a, b, rounding=0.0):
    """Equal but for rounding, infinities and nan included."""
    digits = 1e-6 if np.result_type(a) == np.float32 else 1e-12
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=digits, atol=rounding, equal_nan=True)


def check(row, form):
    """All that a row asks for."""
    f, xs = expression_of(row), inputs_of(row, form)
    if row["want"] == ["error"]:
        with pytest.raises(ValueError, match="zero-size array to reduction operation maximum which has no identity"):
            f(*map(Tensor, xs))
        return
    if row["want"] == ["LinAlgError"]:
        with pytest.raises(np.linalg.LinAlgError):
            f(*map(Tensor, xs))
        return
    check_value(row, form, f, xs)
    gradients = ag.grad(quiet(lambda *args: total(f(*args))), argnum=tuple(range(len(xs))))(*xs)
    check_wanted(row, form, xs, gradients)
    rounding = ROUNDED.get(row["id"], 0.0)
    check_backward(f, xs, gradients, rounding)
    if all(np.isfinite(g).all() for g in gradients):
        for g, t in zip(gradients, by_forward_mode(f, xs), strict=True):
            g = np.float64(g) if np.ndim(g) == 0 else g.astype(float)
            known = ~np.isnan(t) if row["id"] in BACKWARD_ONLY else np.ones_like(t, bool)
            assert known.all() != (row["id"] in BACKWARD_ONLY)
            assert same(g[known], t[known], rounding), f"forward mode gives {t}, backward {g}"


def check_value(row, form, f, xs):
    y = quiet(f)(*map(Tensor, xs)).detach()
    got = np.squeeze(y.numpy()) if len(forms_of(row)) > 1 and form == "array" else y.numpy()
    value = VALUES.get(row["id"], row["value"])
    assert fits_any(got, value, ROUNDED.get(row["id"], 0.0)), f"value {got}, wanted {value}"


def check_wanted(row, form, xs, gradients):
    for x, g, want in zip(xs, gradients, row["want"], strict=True):
        assert np.shape(g) == np.shape(x)
        assert type(g) is float if form == "float" else g.dtype == row["dtype"]
        assert fits_any(g, want, ROUNDED.get(row["id"], 0.0)), f"gradient {g}, wanted {want}"


def check_backward(f, xs, gradients, rounding):
    """backward, and a recorded backward, leave the same gradients, in the shape and dtype of the leaves."""
    for how in ({}, {"create_graph": True}):
        for x, g, left in zip(xs, gradients, by_backward(f, xs, **how), strict=True):
            if left is None:  # the output does not depend on this leaf
                assert not np.any(g)
                continue
            assert left.shape == np.shape(x)
            assert left.dtype == np.result_type(x)
            assert same(left.detach().numpy(), g, rounding), f"backward({how}) gives {left}, grad {g}"


# --- the tests -------------------------------------------------------------------------------------------------------------

RUN = [(row, form) for row in ROWS if expression_of(row) for form in forms_of(row)]


@pytest.mark.parametrize(("row", "form"), RUN, ids=[f"{row['id']} {form}" for row, form in RUN])
def test_row(row, form):
    if (row["id"], form) not in KNOWN:
        check(row, form)
        return
    with pytest.raises(AssertionError):
        check(row, form)


def test_every_row_is_run():
    assert [row["id"] for row in ROWS if expression_of(row) is None] == []


def test_tables_name_rows_that_exist():
    ids = {row["id"] for row in ROWS}
    assert len(ids) == len(ROWS)
    assert set(SHAPES) | set(VALUES) | set(ROUNDED) | BACKWARD_ONLY <= ids
    assert {name for name, _ in KNOWN} <= ids
    used = ids | {name.rpartition("@")[0].strip() for name in ids}
    assert set(CASES) <= used


@pytest.mark.parametrize(
    ("got", "text", "right"),
    [
        (0.5, "0.5", True),
        (0.50001, "0.5", False),
        (-0.0, "0", True),
        (1e-300, "0", False),
        (np.nan, "0|nan", True),
        (np.nan, "0", False),
        (np.inf, "C: 0|-inf", False),
        (-np.inf, "C: 0|-inf", True),
        (None, "0 or None", True),
        (2.5, "1..4", True),
        (4.5, "1..4", False),
        (np.zeros((0, 3)), "empty(0, 3)", True),
        (np.zeros((0, 2)), "empty(0, 3)", False),
        (np.zeros(2), "[[0,0]]", False),
        (np.array([np.nan, np.nan]), "[0,1] | all nan", True),
        (np.array([0.0, 1.0]), "[0,1] | all nan", True),
        (np.array([-np.inf, np.nan]), "[-inf|nan,nan]", True),
        (np.array([0.0, np.nan]), "[-inf|nan,nan]", False),
    ],
)
def test_comparison_can_fail(got, text, right):
    assert fits_any(got, text) is right
