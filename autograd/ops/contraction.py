"""Products that sum: matrix products in every shape that NumPy allows, and einsum. Stands on `rule` alone."""

import math

import numpy as np

from ..errors import ShapeError
from ..rule import rule, sample


def _matmul_x(g, x_shape, w):
    if np.ndim(w) == 1:
        return g[..., None] * w
    if len(x_shape) == 1:
        return (w @ g[..., None])[..., 0]
    return g @ np.swapaxes(w, -1, -2)


def _matmul_w(g, x, w_shape):
    if np.ndim(x) == 1:
        return x[..., None] * g[..., None, :] if len(w_shape) > 1 else g[..., None] * x
    if len(w_shape) == 1:
        return (np.swapaxes(x, -1, -2) @ g[..., None])[..., 0]
    if len(w_shape) == 2 and np.ndim(x) == g.ndim > 2:  # one matrix for a batch: one product sums over the batch by itself
        rows = math.prod(x.shape[:-1])
        return x.reshape(rows, w_shape[0]).T @ g.reshape(rows, w_shape[1])
    return np.swapaxes(x, -1, -2) @ g


def _matmul_hint(raws, attributes):
    a, b = map(np.shape, raws)
    if not a or not b:
        return "matmul needs arrays; for numbers use *"
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] == inner:
        return f"the leading axes {a[:-2]} and {b[:-2]} do not broadcast"
    which = "last but one" if len(b) > 1 else "only"
    words = f"the last axis of the first has length {a[-1]}, and the {which} axis of the second {inner}"
    if len(b) > 1 and a[-1] == b[-1]:
        return f"{words}: they must be equal. Did you mean x @ w.T?"
    if len(a) > 1 and a[-2] == inner:
        return f"{words}: they must be equal. Did you mean x.T @ w?"
    return f"{words}: they must be equal"


SHAPES = [
    sample((2, 3), (3, 4)),
    sample((3,), (3,)),
    sample((2, 3), (3,)),
    sample((3,), (3, 2)),
    sample((4, 2, 3), (3, 2)),
    sample((4, 2, 3), (3,)),
    sample((3,), (4, 3, 2)),
    sample((1, 2, 3), (4, 3, 2)),
    sample((4, 2, 3), (4, 3, 2)),
    sample((5, 1, 2, 3), (4, 3, 2)),
]


@rule(kind="multilinear", leading=True, x=_matmul_x, w=_matmul_w, numpy=np.matmul, hint=_matmul_hint, samples=SHAPES)
def matmul(x, w):
    """The matrix product x @ w; leading axes broadcast."""
    return x @ w


# --- einsum ----------------------------------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse(subscripts, ndims):
    """The labels of each operand and of the result, with the dots written out as labels of their own."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(f"einsum {subscripts!r} names {len(terms)} operands, and {len(ndims)} were given")
    spare = [letter for letter in LETTERS if letter not in subscripts]
    dots = max((n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True) if "..." in t), default=0)
    rest = "".join(spare[:dots])
    full = [
        t.replace("...", rest[dots - (n - len(t) + 3) :] if n > len(t) - 3 else "") for t, n in zip(terms, ndims, strict=True)
    ]
    if not arrow:
        right = "..." + "".join(sorted(c for c in set("".join(terms)) - {"."} if left.count(c) == 1))
    return full, right.replace("...", rest)


WORK = 100_000  # steps of the loop over all labels, from which on looking for a better order pays


def _operand(g, operands, operands_shape, subscripts, optimize, index):
    """Everything but the operand, contracted to its labels. Labels that only it has come from ones, repeated ones from eye."""
    terms, result = parse(subscripts, list(map(len, operands_shape)))
    shape, term = operands_shape[index], terms[index]
    spare = iter([letter for letter in LETTERS if letter not in "".join(terms) + result])
    front = "".join(next(spare) for _ in range(g.ndim - len(result)))
    labels, extra = front, []
    others = [(t, x) for i, (t, x) in enumerate(zip(terms, operands, strict=True)) if i != index]
    factors = [(front + result, g), *others]
    present = {pair for t, x in factors for pair in zip(t, np.shape(x), strict=True)}
    for label, length in zip(term, shape, strict=True):
        if label in labels:
            twin = next(spare)
            extra.append((label + twin, np.eye(length, dtype=g.dtype, like=g)))
            label = twin
        elif (label, length) not in present:  # nowhere else, or of length 1 there, which NumPy lets stand for any
            extra.append((label, np.ones(length, g.dtype, like=g)))
        labels += label
    factors += extra
    lengths = dict(sorted(pair for t, x in factors for pair in zip(t, np.shape(x), strict=True)))  # the longest of a label
    ordered = bool(optimize) or (len(factors) > 2 and math.prod(lengths.values()) > WORK)
    return np.einsum(",".join(t for t, _ in factors) + "->" + labels, *(x for _, x in factors), optimize=ordered)


@rule(
    leading=True,
    operands=_operand,
    view=True,
    samples=[
        sample((2, 3), (3, 4), subscripts="ij,jk->ik"),
        sample((3, 3), subscripts="ii->i"),
        sample((3, 3), subscripts="ii"),
        sample((2, 3), (3,), subscripts="ij,j->"),
        sample((2, 3), (2, 3), (3,), subscripts="ij,ij,j->i"),
        sample((4, 2, 3), (3, 2), subscripts="...ij,jk"),
        sample((2, 3), subscripts="ij->ji"),
        sample((4, 2, 3), (1, 3, 2), subscripts="...ij,...jk->...ik"),
        sample((2, 3), (3, 4), (4,), subscripts="ij,jk,k->i", optimize=True),
        sample((2, 3), (3, 4), (4,), subscripts="ij,jk,k->i", optimize=("einsum_path", (1, 2), (0, 1))),
        sample((3, 3, 2), (3, 2), subscripts="iij,ij->j", optimize="greedy"),
    ],
)
def einsum(*operands, subscripts, optimize=False):
    """Einstein's summation: `einsum("ij,jk->ik", a, b)`. An index may stand twice in one operand."""
    return np.einsum(subscripts, *operands, optimize=optimize)
