"""Linear algebra as `autograd.linalg` offers it: solvers, determinants, norms, products and functions of matrices.

The names of numpy.linalg and of the array API's `linalg`, and the differentiable part of scipy.linalg. Matrices are the
last two axes. Stands on `decompositions`, whose functions it offers too, and on the other ops.
"""

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from ..errors import DtypeError, IndexingError, ShapeError
from ..rule import rule, sample
from ..tensor import implementations
from . import contraction, spellings
from .decompositions import (
    COMPLEX,
    HERMITIAN,
    POSITIVE,
    SPREAD,
    SQUARES,
    TALL,
    EighResult,
    EigResult,
    LinAlgError,
    MatrixError,
    QRResult,
    SVDResult,
    adjoint,
    below_diagonal,
    cholesky,
    conjugated,
    diagonals,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    inexact,
    lapack,
    matrix_hint,
    mirror,
    of_singular_values,
    on_diagonal,
    qr,
    refuse_no_matrix,
    square_hint,
    svd,
    svd_parts,
    svdvals,
    turned,
)
from .reduction import kept_shape, reduced_axes
from .spellings import as_array


class SlogdetResult(NamedTuple):
    """The sign of the determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def _solve_hint(raws, attributes):
    a, b = map(np.shape, raws[:2])
    if square_hint(raws, attributes):
        return square_hint(raws, attributes)
    rows = b[0] if len(b) == 1 else b[-2] if b else None
    if rows != a[-1]:
        return f"the matrix has {a[-1]} rows, so the right side needs {a[-1]} too, and shape {b} has {rows}"
    return f"the leading axes of {a} and {b} must broadcast; a right side of more than one axis is a stack of matrices"


# --- inverse, solve, determinant -------------------------------------------------------------------------------------------


@rule(
    numpy=np.linalg.inv,
    hint=square_hint,
    leading=True,
    x=lambda g, y: -turned(y) @ g @ turned(y),
    samples=[sample((3, 3)), sample((2, 2, 2)), sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]))],
)
def inv(x):
    """The inverse of a square matrix.

    >>> from autograd import Tensor, linalg
    >>> linalg.inv(Tensor([[2.0, 0.0], [0.0, 4.0]]))
    Tensor([[0.5 , 0.  ],
            [0.  , 0.25]], op=inv)
    """
    return lapack("inv", np.linalg.inv, x)


def _solve(g, a, b, y):
    if len(np.shape(b)) == 1:
        into_b = np.linalg.solve(turned(a), g[..., None])
        return -into_b @ y[..., None, :], into_b[..., 0]
    into_b = np.linalg.solve(turned(a), g)
    return -into_b @ turned(y), into_b


@rule(
    numpy=np.linalg.solve,
    hint=_solve_hint,
    vjp=_solve,
    samples=[
        sample((3, 3), (3, 2)),
        sample((3, 3), (3,)),
        sample((2, 2, 2), (2,)),
        sample((2, 2, 2), (2, 1)),
        sample((3, 3), (2, 3, 1)),
        sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]), np.array([1j, 0.5])),
    ],
)
def solve(a, b):
    """The x with a @ x = b. A right side with one axis is a vector, one with more is a stack of matrices.

    >>> from autograd import Tensor, linalg
    >>> linalg.solve(Tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 2.0])
    Tensor([1. , 0.5], op=solve)
    """
    return lapack("solve", np.linalg.solve, a, b)


@rule(
    numpy=np.linalg.det,
    hint=square_hint,
    leading=True,
    x=lambda g, x: g[..., None, None] * cofactors(x),
    samples=[sample((3, 3)), sample((2, 2, 2)), sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]))],
)
def det(x):
    """The determinant. Its gradient is the matrix of cofactors, at singular matrices too.

    >>> from autograd import Tensor, linalg
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> linalg.det(x).backward()
    >>> x.grad.numpy().round(12)
    array([[ 4., -3.],
           [-2.,  1.]])
    """
    return lapack("det", np.linalg.det, x)


def _products_without(s, count):
    """The products of all s but one (an axis more) or but two (two axes more): no division, so zeros do no harm."""
    n = np.shape(s)[-1]
    on = on_diagonal(n, s)
    if count == 1:
        return np.prod(np.where(on, 1.0, s[..., None, :]), axis=-1)
    rest = np.where(on[:, None, :] | on[None, :, :], 1.0, s[..., None, None, :])
    return np.where(on, 0.0, np.prod(rest, axis=-1))


def _cofactors(u, s, vh):
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None] * conjugated(
        (u * _products_without(s, 1)[..., None, :]) @ vh
    )


def _cofactors_x(g, x):
    # With x = U S V^H, and M = U^H dx V, the adjugate of S moves by -p_ij M_ij, and by the sum of p_ij M_jj on the diagonal,
    # where p_ij is the product of all singular values but the two. That form is its own transpose.
    u, s, vh = svd_parts(x, full_matrices=True)
    products = _products_without(s, 2)
    inner = adjoint(u) @ g @ adjoint(vh)
    mixed = (products @ diagonals(inner)[..., None]) * on_diagonal(np.shape(s)[-1], s) - products * inner
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None] * (conjugated(u) @ turned(mixed) @ conjugated(vh))


@rule(
    hint=square_hint,
    x=_cofactors_x,
    samples=[sample((3, 3)), sample((2, 2, 2)), sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]))],
)
def cofactors(x):
    """The cofactor of each element, the derivative of det: det(x) * inv(x).T, and as right where x is singular."""
    return _cofactors(*lapack("cofactors", np.linalg.svd, x))


def _slogdet_x(g, x, y):
    into_sign, into_log = g
    sign = y[0]
    singular = sign == 0
    factor = into_log + 1j * np.imag(into_sign * sign) if np.iscomplexobj(x) else into_log
    inverse = np.linalg.inv(np.where(singular[..., None, None], np.eye(np.shape(x)[-1], dtype=x.dtype, like=x), x))
    factor = np.where(singular & (into_log != 0), np.nan, np.where(singular, 0, factor))
    return factor[..., None, None] * turned(inverse)


@rule(
    hint=square_hint,
    x=_slogdet_x,
    samples=[sample((3, 3)), sample((2, 2, 2)), sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]))],
)
def slogdet_parts(x):
    """The sign of the determinant, and the logarithm of its absolute value. No gradient at singular matrices: nan."""
    return tuple(lapack("slogdet", np.linalg.slogdet, x))


def slogdet(a):
    """The sign (or phase) of the determinant and the logarithm of its absolute value: no overflow in large matrices.

    >>> from autograd import Tensor, linalg
    >>> linalg.slogdet(Tensor([[2.0, 0.0], [0.0, -4.0]])).sign
    Tensor(-1.0, op=output)
    """
    return SlogdetResult(*slogdet_parts(a))


# --- least squares ---------------------------------------------------------------------------------------------------------


def _pinv_x(g, x, y):
    """Of Golub and Pereyra, for matrices of the same rank: beyond them the pseudo-inverse jumps."""
    into, back = conjugated(g), adjoint(y)
    left = adjoint(into) @ y @ back
    right = back @ y @ adjoint(into)
    return conjugated(left - x @ (y @ left) + right - (right @ y) @ x - back @ into @ back)


@rule(
    hint=matrix_hint,
    x=_pinv_x,
    samples=[sample(TALL), sample(TALL.T.copy()), sample(SQUARES), sample(COMPLEX), sample(SQUARES, rcond=1e-8)],
)
def pseudo_inverse(x, *, rcond=1e-15):
    """The pseudo-inverse; singular values up to rcond times the largest count as zero."""
    return lapack("pinv", np.linalg.pinv, x, np.asarray(rcond))


def pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    """The pseudo-inverse of Moore and Penrose. Its gradient is that along matrices of the same rank.

    >>> from autograd import Tensor, linalg
    >>> linalg.pinv(Tensor([[2.0, 0.0], [0.0, 0.0]]))
    Tensor([[0.5, 0. ],
            [0. , 0. ]], op=pseudo_inverse)
    """
    a = inexact(a)
    refuse_no_matrix("pinv", a, square=hermitian)
    if rcond is not None and rtol is not np._NoValue:
        raise TypeError("pinv() takes rcond or rtol, which mean the same, and not both")
    if rcond is None:
        rcond = 1e-15 if rtol is np._NoValue else rtol
    if rcond is None:  # rtol=None
        rcond = max(np.shape(a)[-2:]) * float(np.finfo(a.dtype).eps)
    return pseudo_inverse(mirror(a, lower=True) if hermitian else a, rcond=np.asarray(rcond))


def _lstsq(g, a, b, y, rcond):
    x, residuals, _ = y
    into_x, into_residuals = (np.zeros_like(part) if into is None else into for into, part in zip(g[:2], y[:2], strict=True))
    vector = len(np.shape(b)) == 1
    if vector:
        b, x, into_x = b[:, None], x[:, None], into_x[:, None]
    inverse = pseudo_inverse(a, rcond=rcond)
    into_a = _pinv_x(into_x @ turned(b), a, inverse)
    if g[2] is not None:
        into_a = into_a + of_singular_values(g[2], a, *svd_parts(a, full_matrices=False))
    into_b = turned(inverse) @ into_x
    if np.shape(residuals)[0]:
        error = 2 * into_residuals * conjugated(b - a @ x)
        into_a, into_b = into_a - error @ turned(x), into_b + error
    return into_a, into_b[:, 0] if vector else into_b


def _lstsq_hint(raws, attributes):
    a, b = map(np.shape, raws)
    if len(a) != 2 or len(b) not in (1, 2):
        return f"lstsq takes one matrix and a vector or a matrix: shapes {a} and {b} have {len(a)} and {len(b)} axes"
    return f"the matrix has {a[0]} rows, and the right side {b[0]}: they must be equal"


@rule(
    hint=_lstsq_hint,
    partial=True,
    vjp=_lstsq,
    samples=[
        sample(TALL, np.array([0.4, -1.0, 2.0]), rcond=1e-8),
        sample(TALL, TALL[:, ::-1] + 0.3, rcond=1e-8),
        sample(TALL.T.copy(), np.array([0.4, -1.0]), rcond=1e-8),
        sample(COMPLEX, np.array([0.4, -1.0j, 2.0]), rcond=1e-8),
    ],
)
def lstsq_parts(a, b, *, rcond):
    """The solution of least squares, the sums of squared residuals, and the singular values."""
    if a.shape[0] != b.shape[0]:
        raise ValueError("incompatible shapes")
    x, residuals, _, s = lapack("lstsq", np.linalg.lstsq, a, b, rcond=rcond)
    return x, residuals, s


def lstsq(a, b, rcond=None):
    """The x that makes |a x - b| least, and of those the shortest: (x, residuals, rank, singular values), as NumPy has it.

    The residuals are empty where NumPy leaves them so: where a has less than full column rank, or no more rows than columns.

    >>> from autograd import Tensor, linalg
    >>> linalg.lstsq(Tensor([[1.0], [1.0]]), [1.0, 3.0])[0].numpy().round(12)
    array([2.])
    """
    a, b = inexact(a), inexact(b)
    if len(np.shape(a)) != 2:
        raise ShapeError(f"lstsq({np.shape(a)}, {np.shape(b)}): {_lstsq_hint([a, b], {})}")
    precision = float(np.finfo(np.result_type(a, b)).eps)
    if rcond is None:
        rcond = max(np.shape(a)) * precision
    if rcond < 0:
        rcond = precision
    x, residuals, s = lstsq_parts(a, b, rcond=rcond)
    rank = np.sum(s > rcond * s[:1], axis=-1, dtype=np.int32)
    return x, residuals, rank, s


@rule(numpy=np.linalg.matrix_rank, hint=matrix_hint, samples=[sample((3, 2))])
def matrix_rank(x, *, tol=None, hermitian=False, rtol=None):
    """The number of singular values above a tolerance: constant between its jumps, and so without a gradient."""
    return lapack("matrix_rank", np.linalg.matrix_rank, x, tol=tol, hermitian=hermitian, rtol=rtol)


# --- norms -----------------------------------------------------------------------------------------------------------------


def _power_norm_x(g, x, y, ord, axis, keepdims):
    kept = kept_shape(np.shape(x), axis)
    g, y = (g, y) if keepdims else (g.reshape(kept), y.reshape(kept))
    if ord == 2:
        return np.where(y == 0, 0, g * (conjugated(x) / np.where(y == 0, 1, y)))
    flat = (x == 0) | (y == 0)
    size = np.where(flat, 1, np.abs(x))
    turn = conjugated(x) / size if np.iscomplexobj(x) else np.sign(x)
    return np.where(flat, 0, g * turn * (size / np.where(flat, 1, y)) ** (ord - 1))


@rule(
    x=_power_norm_x,
    samples=[
        sample((3,), ord=2),
        sample((2, 3), ord=2, axis=1),
        sample((2, 3), ord=3, axis=0, keepdims=True),
        sample((3,), ord=0.5),
        sample((2, 3), ord=-2, axis=1),
        sample((2, 3, 2), ord=2, axis=(0, 2)),
        sample(np.array([1 + 2j, -0.5j, 0.3]), ord=2),
        sample(np.array([1 + 2j, -0.5j, 0.3]), ord=3),
    ],
)
def power_norm(x, *, ord, axis=None, keepdims=False):
    """The p-th root of the sum of |x|^p, for p that is neither 0 nor infinite; its slope at 0 is 0. No under- or overflow."""
    size = np.abs(x)
    if ord > 0:
        extreme = size.max(axis=axis, keepdims=True, initial=0)
    else:
        extreme = size.min(axis=axis, keepdims=True, initial=np.inf)
    _, exponent = np.frexp(extreme)
    unit = np.ldexp(np.ones_like(extreme), exponent - 1)  # a power of two: nothing is rounded
    with np.errstate(all="ignore"):  # 0 to a negative power is meant, and an underflow beside a larger element
        scaled = size / unit
        total = (scaled * scaled if ord == 2 else scaled**ord).sum(axis=axis, keepdims=keepdims)
        root = np.sqrt(total) if ord == 2 else total ** (1 / ord)
        return root * unit.reshape(np.shape(root))


def _largest(x, axis, keepdims=False):
    """The largest of numbers that are not negative; of none, zero."""
    empty = 0 in [np.shape(x)[a] for a in reduced_axes(np.ndim(x), axis)]
    return (np.sum if empty else np.max)(x, axis=axis, keepdims=keepdims)


def _norm_axes(name, x, axis):
    ndim = np.ndim(x)
    axes = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(operator.index(a) for a in axes)
    if any(not -ndim <= a < ndim for a in axes):
        raise IndexingError(f"{name}: axis={axis} of an array of shape {np.shape(x)}, which has {ndim} axes")
    return tuple(a % ndim for a in axes)


def _vector_norm(x, ord, axes, keepdims):
    if ord == math.inf:
        return _largest(np.abs(x), axes, keepdims)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:  # how many are not zero, as a float: constant between its jumps
        return np.sum(np.astype(x != 0, np.abs(x).dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if not isinstance(ord, (int, float, np.number)):
        raise ShapeError(f"norm: ord={ord!r} is no order of a vector norm: a number, inf or -inf is")
    return power_norm(x, ord=float(ord), axis=axes, keepdims=keepdims)


MATRIX_NORMS = {
    "fro": lambda x: power_norm(x, ord=2.0, axis=(-2, -1)),
    "f": lambda x: power_norm(x, ord=2.0, axis=(-2, -1)),
    None: lambda x: power_norm(x, ord=2.0, axis=(-2, -1)),
    # The absolute value of singular values says what the least slope is where one of them is zero.
    "nuc": lambda x: np.sum(np.abs(svdvals(x)), axis=-1),
    1: lambda x: _largest(np.sum(np.abs(x), axis=-2), -1),
    -1: lambda x: np.min(np.sum(np.abs(x), axis=-2), axis=-1),
    2: lambda x: _largest(np.abs(svdvals(x)), -1),
    -2: lambda x: np.min(np.abs(svdvals(x)), axis=-1),
    math.inf: lambda x: _largest(np.sum(np.abs(x), axis=-1), -1),
    -math.inf: lambda x: np.min(np.sum(np.abs(x), axis=-1), axis=-1),
}


def _matrix_norm(x, ord, axes, keepdims):
    if ord not in MATRIX_NORMS:
        raise ShapeError(f"norm: ord={ord!r} is no order of a matrix norm: 'fro', 'nuc', 1, -1, 2, -2, inf and -inf are")
    if axes[0] == axes[1]:
        raise ShapeError(f"norm: the two axes of a matrix differ, and both are {axes[0]}")
    y = MATRIX_NORMS[ord](np.moveaxis(x, axes, (-2, -1)))
    return np.reshape(y, kept_shape(np.shape(x), axes)) if keepdims else y


def norm(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm: of all elements, of the vectors along an axis, or of the matrices along two.

    Its gradient at zero is zero, and ties share it. Squared, take `squared_norm`, whose second derivative at zero is right.

    >>> from autograd import Tensor, linalg
    >>> linalg.norm(Tensor([3.0, 4.0]))
    Tensor(5.0, op=power_norm)
    """
    x = inexact(x)
    ndim = np.ndim(x)
    if axis is None and (ord is None or (ord in ("f", "fro") and ndim == 2)):
        return power_norm(x, ord=2.0, axis=tuple(range(ndim)), keepdims=keepdims)
    axes = _norm_axes("norm", x, axis)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ShapeError(f"norm of shape {np.shape(x)} over {len(axes)} axes: a vector has one, a matrix two. Name them by axis=")


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of the vectors along an axis; several axes, or all of them by default, count as one vector.

    >>> from autograd import Tensor, linalg
    >>> linalg.vector_norm(Tensor([[3.0, 4.0], [0.0, 1.0]]), axis=1)
    Tensor([5., 1.], op=power_norm)
    """
    x = inexact(x)
    return _vector_norm(x, ord, _norm_axes("vector_norm", x, axis), keepdims)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of each matrix: 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.

    >>> from autograd import Tensor, linalg
    >>> linalg.matrix_norm(Tensor([[3.0, 4.0], [0.0, 1.0]]), ord=1)
    Tensor(5.0, op=max)
    """
    x = inexact(x)
    refuse_no_matrix("matrix_norm", x)
    return _matrix_norm(x, ord, (np.ndim(x) - 2, np.ndim(x) - 1), keepdims)


def squared_norm(x, axis=None, keepdims=False):
    """The sum of |x|^2. Unlike norm(x)**2, it has its second derivative at zero, where norm has none.

    >>> from autograd import Tensor, linalg
    >>> linalg.squared_norm(Tensor([3.0, 4.0]))
    Tensor(25.0, op=sum)
    """
    x = inexact(x)
    return np.sum(np.real(x) ** 2 + np.imag(x) ** 2 if np.iscomplexobj(x) else x * x, axis=axis, keepdims=keepdims)


def cond(x, p=None):
    """The condition number: the norm times that of the inverse; by default the ratio of the extreme singular values.

    >>> from autograd import Tensor, linalg
    >>> linalg.cond(Tensor([[1.0, 0.0], [0.0, 4.0]]))
    Tensor(4.0, op=where)
    """
    x = inexact(x)
    refuse_no_matrix("cond", x, square=p not in (None, 2, -2))
    if not all(np.shape(x)[-2:]):
        raise MatrixError(f"cond of shape {np.shape(x)}: an empty matrix has no condition number")
    if p in (None, 2, -2):
        s = svdvals(x)
        most, least = s[..., 0], s[..., -1]
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite for a singular matrix, that of zeros included
            ratio = least / most if p == -2 else most / least
        return np.where(most == 0, np.inf, ratio)
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


# --- products --------------------------------------------------------------------------------------------------------------


def diagonal(x, /, *, offset=0):
    """The diagonal of each matrix, or one beside it.

    >>> from autograd import Tensor, linalg
    >>> linalg.diagonal(Tensor([[1.0, 2.0], [3.0, 4.0]])).numpy()
    array([1., 4.])
    """
    x = as_array(x)
    refuse_no_matrix("diagonal", x)
    return np.diagonal(x, offset, -2, -1)


def trace(x, /, *, offset=0, dtype=None):
    """The sum of the diagonal of each matrix.

    >>> from autograd import Tensor, linalg
    >>> linalg.trace(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.0, op=sum)
    """
    return np.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def trace_of_axes(a, offset=0, axis1=0, axis2=1, dtype=None):
    """numpy.trace: the sum of the diagonal that two axes have, the first two by default."""
    return trace(np.moveaxis(as_array(a), (axis1, axis2), (-2, -1)), offset=offset, dtype=dtype)


def cross_of_axes(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """numpy.cross: the vector product along an axis of three. A third element that is missing is 0; from two such vectors
    comes the last part of the product alone."""
    a, b = as_array(a), as_array(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    if not np.ndim(a) or not np.ndim(b) or {np.shape(a)[axisa], np.shape(b)[axisb]} - {2, 3}:
        raise ShapeError(f"cross({np.shape(a)}, {np.shape(b)}): three elements are wanted along the axes {axisa} and {axisb}")
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    (a0, a1, a2), (b0, b1, b2) = ([x[..., i] for i in range(np.shape(x)[-1])] + [0] * (3 - np.shape(x)[-1]) for x in (a, b))
    of_z = a0 * b1 - a1 * b0
    if np.shape(a)[-1] == np.shape(b)[-1] == 2:
        return of_z
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, of_z], axis=axisc)


def cross(x1, x2, /, *, axis=-1):
    """The vector product along an axis of length three.

    >>> from autograd import Tensor, linalg
    >>> linalg.cross(Tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0]).numpy()
    array([0., 0., 1.])
    """
    x1, x2 = as_array(x1), as_array(x2)
    if not np.ndim(x1) or not np.ndim(x2) or np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ShapeError(f"cross({np.shape(x1)}, {np.shape(x2)}): both need length 3 along axis {axis}")
    return cross_of_axes(x1, x2, axis=axis)


def kron(a, b):
    """The product of Kronecker: every element of a times the whole of b, in blocks.

    >>> from autograd import Tensor, linalg
    >>> linalg.kron(Tensor([1.0, 2.0]), [1.0, 10.0]).numpy()
    array([ 1., 10.,  2., 20.])
    """
    a, b = as_array(a), as_array(b)
    rank = max(np.ndim(a), np.ndim(b))
    of_a, of_b = ((1,) * (rank - np.ndim(x)) + np.shape(x) for x in (a, b))
    apart = np.reshape(a, tuple(n for length in of_a for n in (length, 1)))
    repeated = np.reshape(b, tuple(n for length in of_b for n in (1, length)))
    return np.reshape(apart * repeated, tuple(map(operator.mul, of_a, of_b)))


def outer(x1, x2, /):
    """Every element of one vector times every element of the other.

    >>> from autograd import Tensor, linalg
    >>> linalg.outer(Tensor([1.0, 2.0]), [3.0, 4.0]).shape
    (2, 2)
    """
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ShapeError(f"outer({np.shape(x1)}, {np.shape(x2)}): two vectors are wanted; np.outer flattens, this does not")
    return spellings.outer(x1, x2)


def vecdot(x1, x2, /, axis=-1):
    """The sum of conj(x1) * x2 along an axis.

    >>> from autograd import Tensor, linalg
    >>> linalg.vecdot(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0]).numpy()
    array([21., 43.])
    """
    x1, x2 = (np.moveaxis(as_array(x), axis, -1) for x in (x1, x2))
    n, m = np.shape(x1)[-1], np.shape(x2)[-1]
    if n != m:
        raise ShapeError(f"vecdot of vectors of {n} and of {m} elements along axis {axis}: they must be of one length")
    return (np.conj(x1)[..., None, :] @ x2[..., :, None])[..., 0, 0]


def matvec(x1, x2, /):
    """Each matrix times each vector: the last axis of x2, where matmul would take the last two for a matrix.

    >>> from autograd import Tensor, linalg
    >>> linalg.matvec(Tensor([[1.0, 2.0]]), [3.0, 4.0]).numpy()
    array([11.])
    """
    x1 = as_array(x1)
    refuse_no_matrix("matvec", x1)
    return (x1 @ as_array(x2)[..., None])[..., 0]


def vecmat(x1, x2, /):
    """The conjugate of each vector times each matrix."""
    x2 = as_array(x2)
    refuse_no_matrix("vecmat", x2)
    return (np.conj(as_array(x1))[..., None, :] @ x2)[..., 0, :]


matmul = contraction.matmul


def tensordot(x1, x2, /, *, axes=2):
    """The sum of products over pairs of axes: the last n of x1 and the first n of x2, or two lists of axes."""
    return spellings.tensordot(x1, x2, axes=axes)


def matrix_transpose(x, /):
    """Rows for columns in each matrix.

    >>> from autograd import Tensor, linalg
    >>> linalg.matrix_transpose(Tensor([[1.0, 2.0]])).shape
    (2, 1)
    """
    x = as_array(x)
    refuse_no_matrix("matrix_transpose", x)
    return turned(x)


def matrix_power(a, n):
    """A square matrix times itself, n times; a negative n means the inverse.

    >>> from autograd import Tensor, linalg
    >>> linalg.matrix_power(Tensor([[1.0, 1.0], [0.0, 1.0]]), 5).numpy()
    array([[1., 5.],
           [0., 1.]])
    """
    a, n = as_array(a), operator.index(n)
    refuse_no_matrix("matrix_power", a, square=True)
    if n == 0:
        return np.broadcast_to(np.eye(np.shape(a)[-1], dtype=a.dtype, like=a), np.shape(a))
    if n < 0:
        a, n = inv(a), -n
    result = None
    while n:
        if n % 2:
            result = a if result is None else result @ a
        n //= 2
        a = a @ a if n else a
    return result


def multi_dot(arrays):
    """The matrix product of several, in the order that costs least. The first and the last may be vectors.

    >>> from autograd import Tensor, linalg
    >>> linalg.multi_dot([Tensor([[1.0, 2.0]]), [[3.0], [4.0]], [[2.0]]]).numpy()
    array([[22.]])
    """
    arrays = [as_array(x) for x in arrays]
    if len(arrays) < 2 or any(np.ndim(x) != 2 for x in arrays[1:-1]) or {np.ndim(arrays[0]), np.ndim(arrays[-1])} - {1, 2}:
        shapes = ", ".join(str(np.shape(x)) for x in arrays)
        raise ShapeError(f"multi_dot({shapes}): two or more matrices are wanted; the first and the last may be vectors")
    sizes = [np.shape(x)[0] for x in arrays] + [np.shape(arrays[-1])[-1] if np.ndim(arrays[-1]) == 2 else 1]
    if np.ndim(arrays[0]) == 1:
        sizes[0:1] = [1]
    cuts = _cheapest_cuts(sizes)

    def product(i, j):
        return arrays[i] if i == j else product(i, cuts[i, j]) @ product(cuts[i, j] + 1, j)

    return product(0, len(arrays) - 1)


def _cheapest_cuts(sizes):
    """Where to cut each run of matrices, of sizes[i] by sizes[i + 1], so that the multiplications are fewest."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            prices = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(prices, key=lambda k: prices[k])
            cost[i, j] = prices[cuts[i, j]]
    return cuts


def tensorinv(a, ind=2):
    """The inverse of a tensor that maps its last axes to its first `ind` ones, as a matrix does.

    >>> from autograd import Tensor, linalg
    >>> linalg.tensorinv(Tensor([[2.0, 0.0], [0.0, 4.0]]), ind=1).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    a = as_array(a)
    shape = np.shape(a)
    left, right = shape[:ind], shape[ind:]
    if ind <= 0 or math.prod(left) != math.prod(right):
        raise ShapeError(f"tensorinv({shape}, ind={ind}): the first {ind} axes must have as many elements as the others")
    return np.reshape(inv(np.reshape(a, (math.prod(left), math.prod(right)))), right + left)


def tensorsolve(a, b, axes=None):
    """The x with tensordot(a, x, x.ndim) = b. `axes` of a go to its end first."""
    a, b = as_array(a), as_array(b)
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    shape = np.shape(a)[np.ndim(b) :]
    if math.prod(shape) ** 2 != math.prod(np.shape(a)) or math.prod(np.shape(b)) != math.prod(shape):
        raise ShapeError(f"tensorsolve({np.shape(a)}, {np.shape(b)}): after as many axes as b has, a needs as many elements")
    return np.reshape(solve(np.reshape(a, (math.prod(shape), math.prod(shape))), np.reshape(b, (-1,))), shape)


# --- triangular, banded and other systems ----------------------------------------------------------------------------------


def _triangle(x, lower, strict):
    below = below_diagonal(x) if lower else turned(below_diagonal(turned(x)))
    return np.where(below if strict else below | on_diagonal(np.shape(x)[-1], x), x, 0)


def _solve_triangular(g, a, y, transposed, lower, unit_diagonal):
    into_b = triangular_solve(a, g, transposed=not transposed, lower=lower, unit_diagonal=unit_diagonal)
    into_a = y @ turned(into_b) if transposed else into_b @ turned(y)
    return _triangle(-into_a, lower, unit_diagonal), into_b


@rule(
    hint=_solve_hint,
    host=True,
    vjp=_solve_triangular,
    samples=[
        sample(POSITIVE, (3, 2), lower=True),
        sample(POSITIVE, (3, 2), lower=False, transposed=True),
        sample(POSITIVE, (2, 3, 1), lower=True, unit_diagonal=True),
        sample(HERMITIAN, np.array([[1j], [0.5]]), lower=False),
    ],
)
def triangular_solve(a, b, *, transposed=False, lower=False, unit_diagonal=False):
    """The x with a @ x = b, or a.T @ x = b, of which one triangle of a is read."""
    import scipy.linalg

    options = {"trans": int(transposed), "lower": lower, "unit_diagonal": unit_diagonal, "check_finite": False}
    return lapack("solve_triangular", scipy.linalg.solve_triangular, a, b, **options)


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    """The x with a @ x = b for a triangular a; with trans 'T' (1) or 'C' (2), for its transpose or conjugate transpose.

    >>> from autograd import Tensor, linalg
    >>> linalg.solve_triangular(Tensor([[2.0, 0.0], [1.0, 1.0]]), [2.0, 3.0], lower=True).numpy()
    array([1., 2.])
    """
    a, b = inexact(a), inexact(b)
    refuse_no_matrix("solve_triangular", a, square=True)
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans not in (0, 1, 2):
        raise DtypeError(f"solve_triangular: trans={trans!r} is none of 0 or 'N', 1 or 'T', 2 or 'C'")
    vector = np.ndim(b) == 1
    x = triangular_solve(
        conjugated(a) if trans == 2 else a,
        b[:, None] if vector else b,
        transposed=trans > 0,
        lower=bool(lower),
        unit_diagonal=bool(unit_diagonal),
    )
    return x[..., 0] if vector else x


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """A Cholesky factor and which triangle it is, for `cho_solve`. The other triangle is zero."""
    return cholesky(a, upper=not lower), bool(lower)


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """The x with a @ x = b, from the Cholesky factor of a.

    >>> from autograd import Tensor, linalg
    >>> linalg.cho_solve(linalg.cho_factor(Tensor([[4.0, 0.0], [0.0, 1.0]])), [4.0, 1.0]).numpy()
    array([1., 1.])
    """
    factor, lower = c_and_lower
    first, last = (0, 2) if lower else (2, 0)
    return solve_triangular(factor, solve_triangular(factor, b, trans=first, lower=lower), trans=last, lower=lower)


def _solve_sylvester(g, a, b, y):
    into_q = solve_sylvester(turned(a), turned(b), g)
    return -into_q @ turned(y), -turned(y) @ into_q, into_q


@rule(
    host=True,
    vjp=_solve_sylvester,
    samples=[
        sample(POSITIVE, SQUARES[0], (3, 2)),
        sample(np.stack([POSITIVE, 2 * POSITIVE]), POSITIVE, (2, 3, 3)),
        sample(HERMITIAN, COMPLEX[:2], np.array([[1j, 2.0], [0.3, 0.4]])),
    ],
)
def solve_sylvester(a, b, q):
    """The x with a @ x + x @ b = q.

    >>> from autograd import Tensor, linalg
    >>> linalg.solve_sylvester(Tensor([[1.0]]), [[2.0]], [[6.0]]).numpy()
    array([[2.]])
    """
    import scipy.linalg

    if q.size == 0:
        return q + (a[..., :1, :1] + b[..., :1, :1])[..., : q.shape[-2], : q.shape[-1]]
    x = lapack("solve_sylvester", scipy.linalg.solve_sylvester, a, b, q)
    # LAPACK goes on with a small number for a sum of zero, and SciPy does not say so.
    of_a, of_b = (np.linalg.eigvals(matrix.astype(x.dtype)) for matrix in (a, b))
    least = np.abs(of_a[..., :, None] + of_b[..., None, :]).min(axis=(-2, -1))
    if np.any(least <= np.finfo(x.dtype).eps * (np.abs(of_a).max(axis=-1) + np.abs(of_b).max(axis=-1))):
        raise MatrixError("solve_sylvester: an eigenvalue of a is minus one of b, so there is no x, or more than one")
    return x


def _across(ab, below, above):
    """The band of the transpose: row by row, read from the other end and moved along."""
    rows, columns = np.indices((below + above + 1, np.shape(ab)[1]))
    source = columns + rows - below
    inside = (source >= 0) & (source < np.shape(ab)[1])
    return np.where(inside, ab[below + above - rows, np.where(inside, source, 0)], 0)


def _solve_banded(g, ab, y, below, above):
    into_b = banded_solve(_across(ab, below, above), g, below=above, above=below)
    rows, columns = np.indices(np.shape(ab))
    source = rows - above + columns
    inside = (source >= 0) & (source < np.shape(ab)[1])
    lines = into_b[np.where(inside, source, 0)] * y
    return np.where(inside, -(np.sum(lines, axis=-1) if len(np.shape(y)) == 2 else lines), 0), into_b


BAND = np.array([[0.7, 0.3, -0.4, 0.2], [2.0, 1.5, 3.0, -2.0], [0.1, -0.6, 0.5, 0.9], [0.3, 0.2, 0.8, 0.6]])


@rule(
    host=True,
    vjp=_solve_banded,
    samples=[
        sample(BAND, (4,), below=2, above=1),
        sample(BAND, (4, 2), below=2, above=1),
        sample(BAND[1:] * (1 + 0.2j), np.array([1j, 2.0, 0.4, -1.0]), below=2, above=0),
    ],
)
def banded_solve(ab, b, *, below, above):
    """The x with a @ x = b, for a matrix given by its diagonals."""
    import scipy.linalg

    return lapack("solve_banded", scipy.linalg.solve_banded, (below, above), ab, b, check_finite=False)


def solve_banded(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    """The x with a @ x = b, where ab[u + i - j, j] = a[i, j] holds the l diagonals below the main one and the u above.

    >>> from autograd import Tensor, linalg
    >>> linalg.solve_banded((0, 0), Tensor([[2.0, 4.0]]), [2.0, 2.0]).numpy()
    array([1. , 0.5])
    """
    below, above = map(operator.index, l_and_u)
    ab, b = inexact(ab), inexact(b)
    if np.ndim(ab) != 2 or np.shape(ab)[0] != below + above + 1 or np.ndim(b) not in (1, 2):
        wanted = f"{below} + 1 + {above} diagonals are wanted as rows, and a vector or a matrix"
        raise ShapeError(f"solve_banded({np.shape(ab)}, {np.shape(b)}): {wanted}")
    return banded_solve(ab, b, below=below, above=above)


def block_diag(*arrays):
    """The matrix with the given ones along its diagonal, and zeros elsewhere.

    >>> from autograd import Tensor, linalg
    >>> linalg.block_diag(Tensor([[1.0]]), [[2.0, 3.0]]).numpy()
    array([[1., 0., 0.],
           [0., 2., 3.]])
    """
    blocks = [np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x for x in map(as_array, arrays)]
    if any(np.ndim(x) != 2 for x in blocks):
        raise ShapeError(f"block_diag({', '.join(str(np.shape(x)) for x in arrays)}): matrices are wanted")
    widths = [np.shape(x)[1] for x in blocks]
    total = sum(widths)
    starts = [sum(widths[:i]) for i in range(len(widths))]
    rows = [np.pad(x, ((0, 0), (start, total - start - width))) for x, start, width in zip(blocks, starts, widths, strict=True)]
    return np.concatenate(rows, axis=0)


def toeplitz(c, r=None):
    """The matrix that is constant along its diagonals, with c as its first column and r (else conj(c)) as its first row.

    Of more axes, the last holds the column or the row, and the result is a stack of matrices.

    >>> from autograd import Tensor, linalg
    >>> linalg.toeplitz(Tensor([1.0, 2.0]), [1.0, 3.0]).numpy()
    array([[1., 3.],
           [2., 1.]])
    """
    c, r = (x if x is None or np.ndim(x) else np.reshape(x, (1,)) for x in (as_array(c), r if r is None else as_array(r)))
    r = np.conj(c) if r is None else r
    rows, columns = np.shape(c)[-1], np.shape(r)[-1]
    lead = np.broadcast_shapes(np.shape(c)[:-1], np.shape(r)[:-1])
    parts = [np.flip(np.broadcast_to(c, (*lead, rows)), -1), np.broadcast_to(r, (*lead, columns))[..., 1:]]
    return np.concatenate(parts, axis=-1)[..., rows - 1 - np.arange(rows)[:, None] + np.arange(columns)]


# --- functions of matrices -------------------------------------------------------------------------------------------------


def _frechet(function, x, g):
    """The transposed derivative of a function of matrices along g: the corner of its value at a matrix of twice the size."""
    x, n = turned(x), np.shape(x)[-1]
    above = np.concatenate([x, g], axis=-1)
    below = np.concatenate([np.zeros_like(x), x], axis=-1)
    return function(np.concatenate([above, below], axis=-2))[..., :n, n:]


@rule(
    host=True,
    hint=square_hint,
    x=lambda g, x: _frechet(expm, x, g),
    samples=[sample(SPREAD), sample((2, 2, 2)), sample(np.array([[1 + 2j, 0.5], [0.3j, -2.0]]))],
)
def expm(x):
    """The exponential of a square matrix: the sum of x^k / k!.

    >>> from autograd import Tensor, linalg
    >>> linalg.expm(Tensor([[0.0, 1.0], [0.0, 0.0]])).numpy()
    array([[1., 1.],
           [0., 1.]])
    """
    import scipy.linalg

    return lapack("expm", scipy.linalg.expm, x.astype(x.dtype.newbyteorder("="), copy=False))


def _in_double(name, function, x):
    """A function of matrices in double precision, and back."""
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError("no square matrix")
    if x.size == 0:
        return x.astype(dtype)
    y = lapack(name, function, x.astype(np.complex128 if dtype.kind == "c" else np.float64))
    return y.astype(np.result_type(dtype, np.complex64) if y.dtype.kind == "c" else dtype)


@rule(
    host=True,
    hint=square_hint,
    x=lambda g, y: solve_sylvester(turned(y), turned(y), g),
    samples=[sample(POSITIVE), sample(np.stack([POSITIVE, 2 * POSITIVE])), sample(HERMITIAN)],
)
def sqrtm(x):
    """The principal square root of a square matrix. Where the matrix is singular, asking for its gradient is an error.

    >>> from autograd import Tensor, linalg
    >>> linalg.sqrtm(Tensor([[4.0, 0.0], [0.0, 9.0]])).numpy()
    array([[2., 0.],
           [0., 3.]])
    """
    import scipy.linalg

    return _in_double("sqrtm", scipy.linalg.sqrtm, x)


@rule(
    host=True,
    hint=square_hint,
    x=lambda g, x: _frechet(logm, x, g),
    samples=[sample(POSITIVE), sample(np.stack([POSITIVE, 2 * POSITIVE])), sample(HERMITIAN)],
)
def logm(x):
    """The principal logarithm of a square matrix: expm(logm(x)) = x. SciPy warns of a singular one, which has none.

    >>> from autograd import Tensor, linalg
    >>> linalg.logm(Tensor([[1.0, 0.0], [0.0, 1.0]])).numpy()
    array([[0., 0.],
           [0., 0.]])
    """
    import scipy.linalg

    return _in_double("logm", scipy.linalg.logm, x)


def cosm(x):
    """The cosine of a square matrix."""
    x = inexact(x)
    return (expm(1j * x) + expm(-1j * x)) / 2 if np.iscomplexobj(x) else np.real(expm(1j * x))


def sinm(x):
    """The sine of a square matrix."""
    x = inexact(x)
    return (expm(1j * x) - expm(-1j * x)) / 2j if np.iscomplexobj(x) else np.imag(expm(1j * x))


def tanm(x):
    """The tangent of a square matrix."""
    return solve(cosm(x), sinm(x))


def coshm(x):
    """The hyperbolic cosine of a square matrix."""
    x = inexact(x)
    return (expm(x) + expm(-x)) / 2


def sinhm(x):
    """The hyperbolic sine of a square matrix."""
    x = inexact(x)
    return (expm(x) - expm(-x)) / 2


def tanhm(x):
    """The hyperbolic tangent of a square matrix."""
    return solve(coshm(x), sinhm(x))


def polar(a, side="right"):
    """(u, p) with a = u p, or a = p u for side 'left': u has orthonormal columns or rows, p is positive semidefinite.

    >>> from autograd import Tensor, linalg
    >>> linalg.polar(Tensor([[0.0, 2.0], [-2.0, 0.0]]))[1].numpy().round(12)
    array([[2., 0.],
           [0., 2.]])
    """
    if side not in ("left", "right"):
        raise DtypeError(f"polar: side={side!r} is neither 'left' nor 'right'")
    u, s, vh = svd(a, full_matrices=False)
    basis = u if side == "left" else adjoint(vh)
    return u @ vh, (basis * s[..., None, :]) @ adjoint(basis)


implementations.update(
    {
        np.linalg.slogdet: slogdet,
        np.linalg.cholesky: cholesky,
        np.linalg.eigh: eigh,
        np.linalg.eigvalsh: eigvalsh,
        np.linalg.eig: eig,
        np.linalg.eigvals: eigvals,
        np.linalg.svd: svd,
        np.linalg.svdvals: svdvals,
        np.linalg.qr: qr,
        np.linalg.pinv: pinv,
        np.linalg.lstsq: lstsq,
        np.linalg.norm: norm,
        np.linalg.vector_norm: vector_norm,
        np.linalg.matrix_norm: matrix_norm,
        np.linalg.cond: cond,
        np.linalg.diagonal: diagonal,
        np.linalg.trace: trace,
        np.linalg.cross: cross,
        np.linalg.outer: outer,
        np.linalg.vecdot: vecdot,
        np.linalg.tensordot: tensordot,
        np.linalg.matrix_transpose: matrix_transpose,
        np.linalg.matrix_power: matrix_power,
        np.linalg.multi_dot: multi_dot,
        np.linalg.tensorinv: tensorinv,
        np.linalg.tensorsolve: tensorsolve,
        np.trace: trace_of_axes,
        np.cross: cross_of_axes,
        np.kron: kron,
        np.vecdot: vecdot,
        np.matvec: matvec,
        np.vecmat: vecmat,
        np.matrix_transpose: matrix_transpose,
    }
)

__all__ = [
    "EigResult",
    "EighResult",
    "LinAlgError",
    "MatrixError",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "cond",
    "coshm",
    "cosm",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "kron",
    "logm",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "matvec",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "polar",
    "qr",
    "sinhm",
    "sinm",
    "slogdet",
    "solve",
    "solve_banded",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "squared_norm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "toeplitz",
    "trace",
    "vecdot",
    "vecmat",
    "vector_norm",
]
