"""Matrices taken apart: Cholesky, Hermitian and general eigenvalues, singular values, QR; part of `autograd.linalg`.

Matrices are the last two axes. Where a function reads one triangle of a Hermitian matrix (cholesky, eigh), its gradient has
the symmetric form: that of the function on symmetric matrices. Where eigenvalues or singular values coincide, their vectors
are a choice of the algorithm: see `_quotients` for what is finite then, and what is nan. Stands on `rule` and on other ops.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import AutogradError, NoRuleError, ShapeError
from ..rule import rule, sample
from .spellings import as_array

LinAlgError = np.linalg.LinAlgError


class MatrixError(AutogradError, LinAlgError):
    """The values of a matrix do not allow what was asked for: it is singular, not positive definite, or nothing converged.

    Wrong: `linalg.inv(Tensor([[1.0, 2.0], [2.0, 4.0]]))`, whose rows depend on each other.
    Right: `linalg.pinv(...)` where that is meant, or a small multiple of the identity added first.
    """


class EighResult(NamedTuple):
    """The eigenvalues in ascending order, and the eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class EigResult(NamedTuple):
    """The eigenvalues, and the eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """The left singular vectors as columns, the singular values in descending order, the right vectors as rows."""

    U: Any
    S: Any
    Vh: Any


# --- what the rules share --------------------------------------------------------------------------------------------------


def lapack(name, function, *arrays, **options):
    """A function of LAPACK. What it says of shapes is left to the rule's hint, what it says of values is a MatrixError."""
    try:
        return function(*arrays, **options)
    except LinAlgError as error:
        shapes = [np.shape(array) for array in arrays]
        words = str(error)
        if "dimension" in words or "must be square" in words or "incompatible" in words.lower():
            raise ValueError(words) from None
        raise MatrixError(f"{name} of shape {', '.join(map(str, shapes))}: {words}") from None


def square_hint(raws, attributes):
    shape = np.shape(raws[0])
    if len(shape) < 2:
        return f"a matrix has at least two axes, and shape {shape} has {len(shape)}"
    if shape[-1] != shape[-2]:
        return f"a square matrix is wanted: the last two axes of {shape} have the lengths {shape[-2]} and {shape[-1]}"
    return ""


def matrix_hint(raws, attributes):
    shape = np.shape(raws[0])
    return f"a matrix has at least two axes, and shape {shape} has {len(shape)}" if len(shape) < 2 else ""


def turned(x):
    return np.swapaxes(x, -1, -2)


def adjoint(x):
    """The conjugate transpose of each matrix."""
    return np.conj(np.swapaxes(x, -1, -2)) if np.iscomplexobj(x) else np.swapaxes(x, -1, -2)


def conjugated(x):
    return np.conj(x) if np.iscomplexobj(x) else x


def _hermitian_part(x):
    return (x + adjoint(x)) / 2


def diagonals(x):
    return np.diagonal(x, axis1=-2, axis2=-1)


def below_diagonal(x):
    """Where an element of a matrix stands below the diagonal."""
    rows, columns = np.arange(np.shape(x)[-2], like=x), np.arange(np.shape(x)[-1], like=x)
    return rows[:, None] > columns


def on_diagonal(n, like):
    """Where an element stands on the diagonal."""
    return np.eye(n, dtype=bool, like=like)


def _over(x, w):
    """x / w, where zero over zero is zero, and anything else over zero is nan."""
    nothing = w == 0
    return np.where(nothing, np.where(x == 0, 0.0, np.nan), x / np.where(nothing, 1, w))


def inexact(x):
    """x as an array of floats or complex numbers."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else np.astype(x, np.dtype(float))


def refuse_no_matrix(name, x, square=False):
    shape = np.shape(x)
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        raise ShapeError(f"{name}({shape}): {square_hint([x], {}) if square else matrix_hint([x], {})}")


# --- Hermitian matrices ----------------------------------------------------------------------------------------------------


@rule(
    hint=square_hint,
    leading=True,
    x=lambda g, lower: _hermitian_part(g),
    # On matrices of one element the gradient is an ordinary one; on others it is the symmetric form, a convention that
    # finite differences do not see.
    samples=[sample((2, 1, 1), lower=True), sample(np.array([[1 + 2j]]), lower=False)],
)
def mirror(x, *, lower):
    """The Hermitian matrix of which x shows one triangle. Its gradient has the symmetric form: half on either side."""
    below = below_diagonal(x) if lower else turned(below_diagonal(turned(x)))
    return np.where(on_diagonal(x.shape[-1], x), x.real, np.where(below, x, adjoint(x)))


def _cholesky_x(g, y):
    inner = adjoint(y) @ conjugated(g)
    half = np.where(below_diagonal(y), inner, np.where(on_diagonal(np.shape(y)[-1], y), inner / 2, 0))
    back = np.linalg.solve(adjoint(y), _hermitian_part(half))
    return conjugated(adjoint(np.linalg.solve(adjoint(y), adjoint(back))))


POSITIVE = np.array([[2.0, 0.3, -0.5], [0.3, 1.5, 0.2], [-0.5, 0.2, 3.0]])
HERMITIAN = np.array([[2.0, 0.3 - 0.7j], [0.3 + 0.7j, 1.5]])


@rule(
    hint=square_hint,
    leading=True,
    x=_cholesky_x,
    samples=[sample(POSITIVE), sample(np.stack([POSITIVE, 2 * POSITIVE])), sample(HERMITIAN)],
)
def cholesky_lower(x):
    """The lower triangular L with x = L L^H, for the Hermitian part of a matrix."""
    return lapack("cholesky", np.linalg.cholesky, _hermitian_part(x))


def cholesky(a, /, *, upper=False):
    """The lower triangular L with a = L L^H, or the upper triangular U with a = U^H U. Reads that triangle of a only.

    >>> from autograd import Tensor, linalg
    >>> linalg.cholesky(Tensor([[4.0, 0.0], [2.0, 5.0]])).numpy()
    array([[2., 0.],
           [1., 2.]])
    """
    factor = cholesky_lower(mirror(inexact(a), lower=not upper))
    return adjoint(factor) if upper else factor


NOWHERE = np.zeros((3, 2), dtype=bool)


@rule(kind="multilinear", x=lambda g, where: only_zero(g, where), samples=[sample((3, 2), NOWHERE)])
def only_zero(x, where):
    """Zero for zero, and nan for anything else: how a derivative that nobody knows acts on x. Zero where it is not asked."""
    return np.where(where & (x != 0), np.nan, np.zeros_like(x))


def _undetermined(g, u, v, where, level):
    inner = adjoint(u) @ g @ v
    if level:
        noise = _grain(inner) * np.max(np.abs(inner), axis=(-2, -1), keepdims=True, initial=0)
        inner = _without_mean(inner, where)
        inner = np.where((np.abs(inner) <= noise) & (inner != 0), 0, inner)
    lost = only_zero(inner, where)
    return u @ (_without_mean(lost, where) if level else lost) @ adjoint(v), np.zeros_like(u), np.zeros_like(v), None


def _without_mean(x, among):
    """x, with the mean over those `among` which it stands subtracted from each element of the diagonal."""
    mean = _total(among, diagonals(x)) / np.maximum(np.sum(among, axis=-1), 1)
    return x - np.where(on_diagonal(np.shape(x)[-1], x), mean[..., None], 0)


@rule(
    vjp=_undetermined,
    samples=[sample((3, 2), (3, 3), (2, 2), NOWHERE), sample((2, 2), (2, 2), (2, 2), NOWHERE[:2], level=True)],
)
def undetermined(x, u, v, where, *, level=False):
    """Zero, as a part of a derivative that is known in value only: its own derivative is nan.

    That is for what moves the elements `where` of u^H x v; with `level`, it may move the same elements of a diagonal alike.
    """
    return np.zeros(np.broadcast_shapes(x.shape[:-2], where.shape[:-2]) + x.shape[-2:], x.dtype, like=x)


def _equals(w):
    """Which of the eigenvalues or singular values are the same, up to rounding."""
    grain = _grain(w) * np.max(np.abs(w), axis=-1, keepdims=True, initial=0)[..., None]
    return np.abs(w[..., None, :] - w[..., :, None]) <= grain


def _grain(w):
    return 16 * np.shape(w)[-1] * float(np.finfo(w.dtype).eps)


def _total(among, x):
    """For each element, the sum of x over those that it is equal to."""
    return np.sum(np.where(among, x[..., None, :], 0), axis=-1)


def _quotients(b, rim, d, w, agree=True):
    """The Hermitian matrix that a derivative of eigenvectors and eigenvalues w comes down to; and where it is not smooth.

    On the diagonal d, the cotangent of w; beside it b_ij / (w_j - w_i), of the skew part of b = V^H (cotangent of V). Where
    both w are the same, the loss is free of the choice of vectors only if the skew part is zero as well. What remains is a
    limit 0 / 0, which the cotangents do not hold in general: see `_limit` for when they do. A pair that takes no part in the
    loss, with cotangents of zero for both vectors and both values, has zero. Anything else is nan.
    `rim`, the lengths of the columns that b was made of, says how much of b is rounding; `agree`, where b may be trusted.
    """
    n = np.shape(w)[-1]
    if n == 0:
        return b, np.zeros_like(b, dtype=bool)
    grain, on = _grain(w), on_diagonal(n, w)
    skew, even = (b - adjoint(b)) / 2, _hermitian_part(b)
    noise = grain * (rim[..., None, :] + rim[..., :, None])
    still = np.abs(skew) <= noise
    gap, size, equal = w[..., None, :] - w[..., :, None], np.abs(w), _equals(w)
    tied = still & equal
    lost = ~still & (np.abs(gap) <= grain * (size[..., :, None] + size[..., None, :]))
    taken = rim + np.abs(d)
    apart = (taken[..., None, :] == 0) & (taken[..., :, None] == 0)
    touched = (rim[..., None, :] > 0) | (rim[..., :, None] > 0)  # the columns of f(W) = 0 are exactly zero
    none = np.where(touched | apart, 0, np.nan)
    limit = np.where(np.abs(even) <= noise, none, np.where(agree, _limit(even, d, w, equal, noise), np.nan))
    beside = np.where(tied, limit, np.where(lost, np.nan, skew / np.where(tied | lost, 1, gap)))
    # Forward mode asks for the slope at cotangents of zero. Vectors that are a choice have none.
    nothing = np.sum(taken, axis=-1, keepdims=True) == 0
    beside = beside + only_zero(skew, tied & nothing[..., None] & ~on)
    d = np.where(nothing, _among_equals(d, w), d)
    rough = np.sum(equal, axis=-1) > 1
    return np.where(on, np.where(still, d[..., None, :], np.nan), beside), rough[..., None, :] | rough[..., :, None]


def _limit(even, d, w, equal, noise):
    """What the cotangents tell of the limit, for the elements of `even` that belong to equal values.

    In a loss of V f(W) V^H alone, `even` is 2 f / f' times the answer. The diagonal tells that factor, since there the answer
    is d. It tells it beyond doubt where it is not the same all along, since a loss of the values adds the same to each. Where
    it is the same, f(w) = w is believed, a matrix put together again, and no other.
    """
    level = np.real(diagonals(even))
    square = _total(equal, level * level)
    known = np.sqrt(square) > _total(equal, diagonals(noise))
    ratio = np.where(known, _total(equal, d * level), 0) / np.where(known, square, 1)
    rough = math.sqrt(_grain(w))
    apart = np.abs(d[..., None, :] - ratio[..., :, None] * level[..., None, :])
    uneven = np.abs(level[..., None, :] - level[..., :, None])
    sure = np.sum(np.where(equal, uneven, 0), axis=-1) > rough * _total(equal, np.abs(level))
    sure = sure | (np.abs(2 * w * ratio - 1) <= rough)
    known = known & sure & (np.sum(np.where(equal, apart, 0), axis=-1) <= rough * _total(equal, np.abs(d)))
    return np.where(known[..., None], ratio[..., None] * even, np.nan)


def _lengths(x):
    """The lengths of the columns."""
    return np.sqrt(np.sum(np.real(x * conjugated(x)), axis=-2))


def _eigh_x(g, x, y):
    into_w, into_v = g
    w, v = y
    if into_v is None:
        return _of_eigenvalues(into_w, x, w, v)
    into_w = np.zeros_like(w) if into_w is None else into_w
    into_v = conjugated(into_v)
    inner, rough = _quotients(adjoint(v) @ into_v, _lengths(into_v), np.real(into_w), w)
    return conjugated(v @ inner @ adjoint(v)) + undetermined(x, v, v, rough)


def _of_eigenvalues(g, x, w, v):
    """The cotangent of a Hermitian matrix from that of its eigenvalues alone."""
    return conjugated((v * _among_equals(g, w)[..., None, :]) @ adjoint(v)) + undetermined(x, v, v, _repeated(w), level=True)


def _repeated(w):
    equal = _equals(w)
    return equal & (np.sum(equal, axis=-1) > 1)[..., None]


SPREAD = np.array([[1.0, 0.4, -0.3], [0.4, -1.5, 0.2], [-0.3, 0.2, 3.0]])


@rule(hint=square_hint, partial=True, x=_eigh_x, samples=[sample(SPREAD), sample(np.stack([SPREAD, SPREAD[::-1, ::-1]]))])
def eigh_parts(x, *, lower=True):
    """Eigenvalues and eigenvectors of the Hermitian part of a matrix. (The signs of the vectors depend on the triangle.)"""
    return tuple(lapack("eigh", np.linalg.eigh, _hermitian_part(x), UPLO="L" if lower else "U"))


def _among_equals(g, w):
    """The cotangents of eigenvalues or singular values, shared by those that are equal: the slope of least norm."""
    equal = _equals(w)
    return _total(equal, g) / np.sum(equal, axis=-1)


def _eigvalsh_x(g, x):
    return _of_eigenvalues(g, x, *eigh_parts(x))


@rule(
    hint=square_hint,
    leading=True,
    x=_eigvalsh_x,
    samples=[sample(SPREAD), sample(HERMITIAN), sample(np.stack([SPREAD, 2 * SPREAD]))],
)
def eigvalsh_values(x, *, lower=True):
    """The eigenvalues of the Hermitian part of a matrix, in ascending order."""
    return lapack("eigvalsh", np.linalg.eigvalsh, _hermitian_part(x), UPLO="L" if lower else "U")


def _lower_of(UPLO):
    if str(UPLO).upper() not in ("L", "U"):
        raise ShapeError(f"UPLO is 'L' or 'U', the triangle to be read, and not {UPLO!r}")
    return str(UPLO).upper() == "L"


def eigh(a, UPLO="L"):
    """Eigenvalues and eigenvectors of a Hermitian matrix, of which one triangle is read.

    Of equal eigenvalues, each gets the mean of their slopes; their vectors are a choice, and a loss that depends on it has the
    gradient nan. So have second derivatives there, unless they are asked for along a matrix that keeps the values equal.

    >>> from autograd import Tensor, linalg
    >>> linalg.eigh(Tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Tensor([1., 2.], op=output)
    """
    lower = _lower_of(UPLO)
    return EighResult(*eigh_parts(mirror(inexact(a), lower=lower), lower=lower))


def eigvalsh(a, UPLO="L"):
    """The eigenvalues of a Hermitian matrix, in ascending order."""
    lower = _lower_of(UPLO)
    return eigvalsh_values(mirror(inexact(a), lower=lower), lower=lower)


# --- general eigenvalues ---------------------------------------------------------------------------------------------------


def _eig_x(g, y):
    into_w, into_v = conjugated(g[0]), conjugated(g[1])
    w, v = y
    n = np.shape(w)[-1]
    if n == 0:
        return v
    rim = _lengths(into_v)
    # LAPACK makes every vector of length 1, and its largest component real.
    weight = np.sum(conjugated(into_v) * v, axis=-2)
    real_one = np.argmax(np.where(np.imag(v) == 0, np.abs(v), 0), axis=-2)
    chosen = np.arange(n, like=w)[:, None] == real_one[..., None, :]
    height = np.sum(np.where(chosen, np.real(v), 0), axis=-2)
    into_v = into_v - np.real(weight)[..., None, :] * v + 1j * chosen * (np.imag(weight) / height)[..., None, :]
    gap = conjugated(w[..., None, :] - w[..., :, None])
    size = np.abs(w)
    grain = 16 * n * float(np.finfo(w.dtype).eps)
    tied = np.abs(gap) <= grain * (size[..., :, None] + size[..., None, :])
    inner = adjoint(v) @ into_v
    beside = np.where(tied, np.where(rim[..., None, :] == 0, 0, np.nan), inner / np.where(tied, 1, gap))
    beside = beside + only_zero(inner, tied & (rim[..., None, :] == 0))  # as in _quotients
    inner = np.where(on_diagonal(n, w), into_w[..., None, :], beside)
    return conjugated(np.linalg.solve(adjoint(v), inner @ adjoint(v)))


@rule(
    hint=square_hint,
    x=_eig_x,
    samples=[
        sample((3, 3)),
        sample(np.array([[1.0, -2.0], [0.5, 1.3]])),
        sample(np.array([[[1 + 2j, 0.5], [0.3j, -2.0]], [[0.3, 1j], [0.7, 2.0]]])),
    ],
)
def eig_parts(x):
    """Eigenvalues and eigenvectors of a square matrix, always complex."""
    w, v = lapack("eig", np.linalg.eig, x)
    dtype = np.result_type(v.dtype, np.complex64)
    return w.astype(dtype), v.astype(dtype)


def eig(a):
    """Eigenvalues and eigenvectors of any square matrix: always complex, so that the dtype does not depend on the values.

    A loss of the vectors has a gradient where the eigenvalues differ. Their scale is LAPACK's: of length 1, the largest
    component real.

    >>> from autograd import Tensor, linalg
    >>> linalg.eig(Tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Tensor([2.+0.j, 1.+0.j], dtype=complex128, op=output)
    """
    return EigResult(*eig_parts(a))


def eigvals(a):
    """The eigenvalues of any square matrix: always complex."""
    return eig_parts(a)[0]


# --- singular values -------------------------------------------------------------------------------------------------------


def _outside(outer, inner, into_inner, into_outer, projected, s):
    """What moves singular vectors out of their span: the part of a derivative that divides by singular values."""
    if np.shape(outer)[-1] == 0:  # without the further columns
        return _over(into_inner - inner @ projected, s[..., None, :])
    return outer @ _over(adjoint(outer) @ into_inner - adjoint(adjoint(inner) @ into_outer), s[..., None, :])


def _choice_of_basis(outer, into_outer):
    """nan where a loss depends on the choice of the further columns, which only their span is determined by; else zero."""
    inner = adjoint(outer) @ into_outer
    rim = _lengths(into_outer)
    grain = 16 * np.shape(outer)[-2] * float(np.finfo(outer.dtype).eps)
    free = np.abs((inner - adjoint(inner)) / 2) > grain * (rim[..., None, :] + rim[..., :, None])
    return np.where(np.any(free, axis=(-2, -1)), np.nan, 0.0)[..., None, None]


def _svd_x(g, x, y):
    u, s, vh = y
    k = np.shape(s)[-1]
    if g[0] is None and g[2] is None:
        return of_singular_values(g[1], x, u[..., :k], s, vh[..., :k, :])
    into_u, into_s, into_vh = (np.zeros_like(part) if into is None else into for into, part in zip(g, y, strict=True))
    into_u, into_s, into_v = conjugated(into_u), np.real(into_s), turned(into_vh)
    v = adjoint(vh)
    u, u_rest, into_u, into_u_rest = u[..., :k], u[..., k:], into_u[..., :k], into_u[..., k:]
    v, v_rest, into_v, into_v_rest = v[..., :k], v[..., k:], into_v[..., :k], into_v[..., k:]
    of_u, of_v = adjoint(u) @ into_u, adjoint(v) @ into_v
    rim = _lengths(into_u) + _lengths(into_v)
    # In a loss of U f(S) V^H both sides say the same; one that moves U alone is taken for one that depends on the choice.
    agree = np.abs(of_u - adjoint(of_v)) <= 1e-6 * (rim[..., None, :] + rim[..., :, None])
    inner, rough = _quotients(of_u + of_v, rim, into_s, s, agree)
    apart = of_u - of_v
    inner = inner + _over((apart - adjoint(apart)) / 2, s[..., :, None] + s[..., None, :])
    into = u @ inner @ adjoint(v)
    if np.shape(u)[-2] > k:
        into = into + _outside(u_rest, u, into_u, into_u_rest, of_u, s) @ adjoint(v)
    if np.shape(v)[-2] > k:
        into = into + u @ adjoint(_outside(v_rest, v, into_v, into_v_rest, of_v, s))
    for rest, into_rest in ((u_rest, into_u_rest), (v_rest, into_v_rest)):
        if np.shape(rest)[-1]:
            into = into + _choice_of_basis(rest, into_rest)
    return conjugated(into) + undetermined(x, u, v, rough)


TALL = np.array([[1.0, -0.4], [0.7, 2.0], [0.3, 0.5]])
SQUARES = np.array([[[1.0, -0.4], [0.7, 2.0]], [[-0.2, 1.1], [1.9, 0.3]]])
COMPLEX = np.array([[1.0 + 0.5j, -0.4], [0.7j, 2.0 - 1j], [0.3, 0.5 + 0.1j]])


@rule(
    hint=matrix_hint,
    partial=True,
    x=_svd_x,
    samples=[
        sample(TALL, full_matrices=False),
        sample(TALL.T.copy(), full_matrices=False),
        sample(SQUARES, full_matrices=False),
        sample(TALL, full_matrices=True),
        sample(TALL.T.copy(), full_matrices=True),
    ],
)
def svd_parts(x, *, full_matrices):
    """The singular value decomposition: left vectors, values, right vectors."""
    return tuple(lapack("svd", np.linalg.svd, x, full_matrices=full_matrices))


def of_singular_values(g, x, u, s, vh):
    """The cotangent of a matrix from that of its singular values alone, which have a kink at zero."""
    m, k, n, v = np.shape(u)[-2], np.shape(s)[-1], np.shape(vh)[-1], adjoint(vh)
    zero = s == 0
    g = np.where(zero, 0, _among_equals(g, s))
    into = conjugated((u * g[..., None, :]) @ vh)
    into = into + undetermined(x, u, v, _repeated(s), level=True) + undetermined(x, u, v, zero[..., None, :] & zero[..., None])
    if m > k:
        into = into + undetermined(x, np.eye(m, dtype=u.dtype, like=u), v, np.repeat(zero[..., None, :], m, axis=-2))
    if n > k:
        into = into + undetermined(x, u, np.eye(n, dtype=u.dtype, like=u), np.repeat(zero[..., :, None], n, axis=-1))
    return into


def _svdvals_x(g, x):
    return of_singular_values(g, x, *svd_parts(x, full_matrices=False))


@rule(
    hint=matrix_hint,
    leading=True,
    x=_svdvals_x,
    samples=[sample(TALL), sample(TALL.T.copy()), sample(SQUARES), sample(COMPLEX)],
)
def svdvals(x):
    """The singular values, in descending order.

    >>> from autograd import Tensor, linalg
    >>> linalg.svdvals(Tensor([[1.0, 0.0], [0.0, -2.0]]))
    Tensor([2., 1.], op=svdvals)
    """
    return lapack("svdvals", np.linalg.svd, x, compute_uv=False)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """a = U S V^H with orthonormal columns in U and V; the values alone with compute_uv=False.

    >>> from autograd import Tensor, linalg
    >>> linalg.svd(Tensor([[1.0, 0.0], [0.0, -2.0]])).S
    Tensor([2., 1.], op=output)
    """
    a = inexact(a)
    if hermitian:
        return _svd_of_hermitian(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    return SVDResult(*svd_parts(a, full_matrices=bool(full_matrices)))


def _svd_of_hermitian(a, compute_uv):
    if not compute_uv:
        return -np.sort(-np.abs(eigvalsh(a)), axis=-1)
    w, v = eigh(a)
    order = np.flip(np.argsort(np.abs(w), axis=-1), -1)
    w, v = np.take_along_axis(w, order, axis=-1), np.take_along_axis(v, order[..., None, :], axis=-1)
    return SVDResult(v, np.abs(w), adjoint(v * np.where(w < 0, -1.0, 1.0)[..., None, :]))


# --- QR --------------------------------------------------------------------------------------------------------------------


def _qr_x(g, y):
    into_q, into_r = map(conjugated, g)
    q, r = y
    m, n = np.shape(q)[-2], np.shape(r)[-1]
    k = min(m, n)
    x_rest = None
    if n > k:  # the further columns are q @ r2
        r, r_rest, into_r, into_r_rest = r[..., :k], r[..., k:], into_r[..., :k], into_r[..., k:]
        into_q = into_q + q @ r_rest @ adjoint(into_r_rest)
        x_rest = q @ into_r_rest
    loose = 0.0
    if np.shape(q)[-1] > k:  # mode complete: the further columns turn as the first ones do
        q, q_rest, into_q, into_q_rest = q[..., :k], q[..., k:], into_q[..., :k], into_q[..., k:]
        r, into_r = r[..., :k, :], into_r[..., :k, :]
        loose = _choice_of_basis(q_rest, into_q_rest)
        into_q = into_q - q_rest @ adjoint(into_q_rest) @ q
    middle = into_r @ adjoint(r) - adjoint(q) @ into_q
    upper = np.where(turned(below_diagonal(turned(middle))), middle, np.where(on_diagonal(k, r), middle / 2, 0))
    x = adjoint(np.linalg.solve(r, adjoint(into_q + q @ (upper + adjoint(upper))))) + loose
    return conjugated(x if x_rest is None else np.concatenate([x, x_rest], axis=-1))


@rule(
    hint=matrix_hint,
    x=_qr_x,
    samples=[
        sample(TALL, complete=False),
        sample(TALL.T.copy(), complete=False),
        sample(SQUARES, complete=False),
        sample(COMPLEX, complete=False),
        sample(np.array([[1.0 + 0.5j, -0.4, 0.2j], [0.7j, 2.0 - 1j, 0.1]]), complete=False),
        sample(TALL, complete=True),
    ],
)
def qr_parts(x, *, complete):
    """The QR decomposition."""
    return tuple(lapack("qr", np.linalg.qr, x, mode="complete" if complete else "reduced"))


def qr(a, mode="reduced"):
    """a = Q R, with orthonormal columns in Q and an upper triangular R; mode 'r' returns R alone.

    Differentiable where the first min(rows, columns) columns of a are independent. In mode 'complete' the further columns of
    Q have a gradient in as far as the loss depends on their span, which alone is determined; else it is nan.

    >>> from autograd import Tensor, linalg
    >>> abs(linalg.qr(Tensor([[3.0], [4.0]])).R).numpy()
    array([[5.]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise NoRuleError(f"qr has no rule for mode={mode!r}; it knows 'reduced', 'complete' and 'r'")
    result = QRResult(*qr_parts(inexact(a), complete=mode == "complete"))
    return result.R if mode == "r" else result
