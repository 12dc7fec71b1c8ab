"""What NumPy builds of moving elements, and its rarer elementwise functions, against NumPy itself.

One table of calls. Each goes through np.f on Tensors and through our own function on plain arrays; values, shapes and dtypes
are NumPy's, gradients are those of finite differences in both modes and to second order, and a recording replays.
"""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, record, vjp
from autograd.ops import arrangement, numbers, spellings
from autograd.tensor import implementations
from autograd.testing import check_grads
from autograd.tree import leaves, rebuild


def values(*shape: int, shift: float = 0.0) -> Any:
    """Distinct numbers of both signs, none near a whole number or a half."""
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % max(n, 1) - n / 2) * 0.37 + 0.113 + shift).reshape(shape)


V, W, M, N, C = values(5), values(5, shift=0.3), values(3, 4), values(3, 4, shift=0.05), values(2, 3, 4)
S = values(3, 3)
X = np.array([0.1, 0.4, 0.55, 1.2, 1.5])  # coordinates
Z = values(2, 3) + 1j * values(2, 3, shift=0.21)

Case = tuple[Any, tuple[Any, ...], dict[str, Any]]


def case(function: Any, *args: Any, **kwargs: Any) -> Case:
    return function, args, kwargs


MOVES = [
    *(case(np.diag, x, k) for x in (V, S, M) for k in (0, 1, -2)),
    *(case(np.diagflat, x, k) for x in (V, M) for k in (0, -1)),
    *(case(np.diagonal, x, k) for x in (S, M, C) for k in (0, 1, -1, 7)),
    case(np.diagonal, C, offset=1, axis1=2, axis2=0),
    case(np.linalg.diagonal, C, offset=-1),
    *(case(f, x, k) for f in (np.tril, np.triu) for x in (V, M, C) for k in (0, 1, -1)),
    *(case(np.rot90, x, k, axes) for x, axes in ((M, (0, 1)), (C, (2, 0)), (C, (-1, 1))) for k in (-1, 0, 1, 2, 3, 5)),
    case(np.fliplr, M),
    case(np.flipud, V),
    *(case(np.rollaxis, C, axis, start) for axis in (-1, 0, 1, 2) for start in (-1, 0, 1, 2, 3)),
    case(np.matrix_transpose, C),
    *(case(f, x) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d) for x in (np.array(0.3), V, M, C)),
    case(np.atleast_2d, V, M),
    case(np.vstack, [V, np.array([W, V])]),
    case(np.hstack, [V, W[:2]]),
    case(np.hstack, (M, N[:, :1])),
    case(np.dstack, [V, W]),
    case(np.dstack, [M, C[0]]),
    case(np.column_stack, [V, np.array([W, V]).T, 2 * V]),
    case(np.block, [[M, N], [N[:, :1], M, N[:, 1:]]]),
    case(np.block, [V, W]),
    case(np.block, [[[C, C], [C, 2 * C]]]),
    case(np.block, [[S, np.array(1.5).reshape(1, 1).repeat(3, 0)]]),
    case(np.append, M, N),
    case(np.append, M, N[:2], axis=0),
    case(np.insert, V, 2, np.array(9.5)),
    case(np.insert, V, [1, 1, 4], np.array([7.5, 8.5, 9.5])),
    case(np.insert, V, [1, 1, 4], np.array(7.5)),
    case(np.insert, V, -1, np.array([7.5, 8.5])),
    case(np.insert, V, [2], np.array([7.5, 8.5])),
    case(np.insert, M, 1, W[:3], axis=1),
    case(np.insert, M, [1], W[:3].reshape(3, 1), axis=1),
    case(np.insert, M, slice(0, 4, 2), N[:, :2], axis=1),
    case(np.insert, M, [0, 2], N[:, :2], axis=1),
    case(np.insert, V, np.array([True, False, True, False, False]), np.array([7.5, 8.5])),
    case(np.insert, M, 5, np.array(7.5)),
    case(np.delete, V, 1),
    case(np.delete, V, [0, -1]),
    case(np.delete, M, slice(None, None, 2), axis=1),
    case(np.delete, M, [True, False, True], axis=0),
    case(np.delete, M, 3),
    *(case(np.resize, M, shape) for shape in (5, (5, 4), (0,), (2, 2))),
    case(np.array_split, V, 3),
    case(np.array_split, M, [1, 2], axis=1),
    case(np.hsplit, M, 2),
    case(np.hsplit, V, [1, 3]),
    case(np.vsplit, M, [2]),
    case(np.dsplit, C, 2),
    case(np.split, V, [3, 1]),
    case(np.split, V, [2, 9]),
    case(np.split, V, np.array([-2])),
    case(np.unstack, M),
    case(np.unstack, C, axis=-1),
    case(np.broadcast_arrays, V, M[:, :1]),
    *(case(np.meshgrid, V, W[:2], indexing=i, sparse=s) for i in ("xy", "ij") for s in (True, False)),
    case(np.meshgrid, V, W[:2], X[:3]),
    case(np.meshgrid, V),
    case(np.meshgrid, V, np.array(0.4), copy=False),
    case(np.diff, V),
    case(np.diff, C, n=2, axis=1),
    case(np.diff, V, n=0),
    case(np.diff, V, n=7),
    case(np.diff, M, prepend=np.array(0.5), append=N[:, :2]),
    case(np.diff, M, axis=0, append=N),
    case(np.ediff1d, M),
    case(np.ediff1d, V, to_end=W[:2], to_begin=np.array(0.5)),
    *(case(np.gradient, V, edge_order=order) for order in (1, 2)),
    *(case(np.gradient, V, X, edge_order=order) for order in (1, 2)),
    *(case(np.gradient, V, np.array(0.3), edge_order=order) for order in (1, 2)),
    case(np.gradient, M),
    case(np.gradient, M, 0.5, X[:4]),
    case(np.gradient, C, axis=-1),
    case(np.gradient, C, 2.0, X[:3], axis=(0, 1)),
    case(np.gradient, V[:2]),
    case(np.choose, np.array([[0], [1], [1]]), [M, N]),
    case(np.choose, np.array([-1, 5, 1, 0]), [M, N], mode="clip"),
    case(np.choose, np.array([-1, 5, 1, 0]), [M, N], mode="wrap"),
    case(np.select, [M > 0.5, M > 0], [M, 2 * N], 0.25),
    case(np.select, [V > 0], [V], W),
    case(np.vander, V),
    case(np.vander, V, 3, increasing=True),
    case(np.logspace, np.array(0.2), np.array(1.1), 4),
    case(np.logspace, V[:3], W[:3], 4, endpoint=False, base=np.array(2.5), axis=-1),
    case(np.geomspace, np.array(0.2), np.array(3.1), 4),
    case(np.geomspace, np.array([0.2, -1.0]), np.array([3.1, -5.0]), 4, axis=1, endpoint=False),
    case(np.reshape, M, (2, 6), order="F"),
    case(np.reshape, C, (-1, 4), order="F"),
    case(np.reshape, M, 12, copy=True),
    case(np.reshape, M, shape=(4, 3)),
    case(np.ravel, C, order="F"),
    case(np.ravel, M),
    case(np.copy, M, order="F"),
    case(np.broadcast_to, V, (2, 5), subok=False),
    case(np.squeeze, C[:1], (0,)),
    case(np.expand_dims, V, (0, -1)),
    case(np.repeat, M, np.array([2, 0, 1]), axis=0),
    case(np.repeat, V, np.int64(2)),
    case(np.tile, V, np.array([2, 2])),
    case(np.tile, V, np.int64(2)),
    case(np.roll, M, (1, 2), axis=(0, 1)),
    case(np.roll, M, (1, 2)),
    case(np.take, V, [-7, 1, 9], mode="clip"),
    case(np.take, M, [[-7, 1, 9]], axis=1, mode="wrap"),
    case(np.take_along_axis, M, np.array([[1], [0], [3]]), axis=1),
    case(np.take_along_axis, M, np.array([[1, 0, 2, 2]]), axis=0),
    case(np.take_along_axis, M[:1], np.array([[1], [0], [3]]), axis=1),
    case(np.take_along_axis, M, np.array([7, 0]), axis=None),
    case(np.concatenate, [M, N], axis=None),
    case(np.concatenate, (M, N), axis=-1, dtype=np.float64),
    case(np.stack, [V, W], axis=-1, dtype=np.float64, casting="safe"),
    case(np.vdot, M, N),
    case(np.vdot, V, W),
    case(np.tensordot, C, N, axes=([1, 2], [0, 1])),
    case(np.einsum, "iji->j", np.concatenate([C, C], 2)[:, :, :2]),
    case(np.einsum, "ii,i", S, V[:3]),
    case(np.einsum, "...ij,kj->...k", C, M),
    case(np.einsum, "ba", M),
    *(case(np.einsum, "ij,kj,k->i", M, N, V[:3], optimize=o) for o in (True, "optimal", "greedy")),
    case(np.einsum, "ij,kj,k->i", M, N, V[:3], optimize=["einsum_path", (1, 2), (0, 1)]),
    case(np.einsum, M, [0, 1], N, [2, 1], [0, 2]),
    case(np.einsum, "ij,jk", M, N[:1, :2]),  # a label of length 1 in one operand stands for any length
    case(np.einsum, "ij,jk->ki", M[:, :1], N[:, 1:].T),
    case(np.einsum, "i,i,i", V[:1], W, V[:1]),
    case(np.einsum, "ii,i->i", S, V[:1]),
]  # fmt: skip
ELEMENTS = [
    *(case(f, M) for f in (np.deg2rad, np.radians, np.rad2deg, np.degrees, np.fabs, np.modf, np.frexp, np.spacing, np.fix)),
    case(np.around, M, 1),
    case(np.copysign, M, N[::-1]),
    case(np.heaviside, M, V[:4]),
    case(np.nextafter, M, N),
    case(np.ldexp, M, np.array([2, -1, 0, 3])),
    case(np.divmod, M, np.abs(N) + 0.2),
    case(np.float_power, np.abs(M), N),
    case(np.nan_to_num, M, copy=True, nan=3.0),
    case(np.nan_to_num, M, True, 3.0),
    case(np.angle, M),
    case(np.real_if_close, M),
]
MIRRORS = ("reflect", "symmetric")
PADS = [
    *(case(np.pad, V, width, mode=m) for m in spellings.MODES if m != "empty" for width in (2, (1, 3), ((0, 7),), [(9, 0)])),
    *(case(np.pad, M, width, mode=m) for m in spellings.MODES if m != "empty" for width in (1, ((1, 0), (2, 5)))),
    *(case(np.pad, x, w, m, reflect_type="odd") for m in MIRRORS for x in (V, M) for w in (1, (3, 2), (11, 12))),
    *(case(np.pad, M, 2, m, stat_length=n) for m in spellings.STATISTICS for n in (2, (1, 3), ((2, 1), (3, 9)))),
    case(np.pad, M, ((1, 2), (0, 1)), "constant", constant_values=((1.0, 2.0), (3.0, 4.0))),
    case(np.pad, M, 1, constant_values=(np.array(0.5), np.array(1.5))),
    case(np.pad, M, 2, constant_values=np.array([[0.5], [1.5]])),
    case(np.pad, M, 2, "linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0))),
    case(np.pad, V, (3, 2), "linear_ramp", end_values=(np.array(0.5), np.array(1.5))),
    case(np.pad, V[:1], 3, "reflect", reflect_type="odd"),
]  # fmt: skip
TABLE = MOVES + ELEMENTS + PADS
IDS = [f"{function.__name__}-{i}" for i, (function, _, _) in enumerate(TABLE)]
READERS = (np.real_if_close, np.split)  # their result depends on values, or has parts that overlap


def moving(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc"


def flat(y: Any) -> Any:
    """All floating-point outputs in one line."""
    parts = [part for part in (y if isinstance(y, (tuple, list)) else [y]) if part.dtype.kind in "fc"]
    return ag.concatenate([ag.asarray(part).reshape(-1) for part in parts])


def as_function(made: Case) -> tuple[Any, list[Any]]:
    """A call as a function of its floating-point arrays alone, and these."""
    function, args, kwargs = made
    everything = list(leaves((args, kwargs)))

    def f(*xs: Any) -> Any:
        given = iter(xs)
        now, named = rebuild((args, kwargs), iter([next(given) if moving(leaf) else leaf for leaf in everything]))
        return function(*now, **named)

    return f, [leaf for leaf in everything if moving(leaf)]


def plainly(y: Any) -> list[Any]:
    return [part.numpy() if isinstance(part, Tensor) else part for part in (y if isinstance(y, (tuple, list)) else [y])]


@pytest.mark.parametrize("made", TABLE, ids=IDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_dtypes_are_numpys(made: Case, dtype: Any) -> None:
    f, xs = as_function(made)
    xs = [x.astype(dtype) for x in xs]
    expected = f(*xs)
    tolerance = 1e-13 if dtype is np.float64 else 3e-6
    got = f(*map(Tensor, xs))
    assert type(got) is (type(expected) if isinstance(expected, (tuple, list)) else Tensor)
    ours = made[0]
    args, kwargs = rebuild(
        (made[1], made[2]), iter([leaf.astype(dtype) if moving(leaf) else leaf for leaf in leaves(made[1:])])
    )
    alone = implementations[ours](*args, **kwargs)
    for results in (got, alone):
        parts = results if isinstance(results, (tuple, list)) else [results]
        assert all(isinstance(part, Tensor) == (results is got) or ours in (np.logspace, np.geomspace) for part in parts)
        for ours_part, theirs in zip(plainly(results), plainly(expected), strict=True):
            assert np.shape(ours_part) == np.shape(theirs)
            assert ours_part.dtype == theirs.dtype
            np.testing.assert_allclose(ours_part, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("made", TABLE, ids=IDS)
def test_gradients_in_both_modes_and_to_second_order(made: Case) -> None:
    call, xs = as_function(made)

    def f(*ts: Any) -> Any:
        return flat(call(*map(ag.asarray, ts)))

    check_grads(f, *xs, order=1, rtol=1e-7)
    check_grads(lambda *ts: f(*ts) ** 2, *xs, rtol=1e-7)  # most of these are linear, and their squares are not


@pytest.mark.parametrize("made", [made for made in TABLE if made[0] not in READERS], ids=lambda made: made[0].__name__)
def test_a_recording_replays_with_other_values(made: Case) -> None:
    f, xs = as_function(made)
    _, program = record(lambda *ts: flat(f(*ts)), *xs)
    others = [x[::-1].copy() * 0.9 if x.ndim else x * 0.9 for x in xs]
    np.testing.assert_array_equal(program.run(*others).numpy(), flat(f(*map(Tensor, others))).numpy())


# --- what a table of calls cannot say --------------------------------------------------------------------------------------

EMPTY = np.zeros((0, 3))


@pytest.mark.parametrize(
    "made",
    [
        case(np.diag, np.zeros(0)),
        case(np.diagonal, EMPTY),
        case(np.tril, EMPTY),
        case(np.rot90, EMPTY),
        case(np.vstack, [EMPTY, EMPTY]),
        case(np.append, EMPTY, M[:, :3], axis=0),
        case(np.delete, EMPTY, [], axis=0),
        case(np.insert, EMPTY, 0, V[:3], axis=0),
        case(np.resize, EMPTY, (2, 2)),
        case(np.array_split, EMPTY, 2),
        case(np.meshgrid, np.zeros(0), V),
        case(np.diff, EMPTY, axis=0),
        case(np.choose, np.zeros((0,), int), [np.zeros(0), V[:1]]),
        case(np.select, [EMPTY > 0], [EMPTY]),
        case(np.pad, EMPTY, 1),
        case(np.pad, EMPTY, ((0, 0), (1, 1)), mode="reflect"),
        case(np.pad, EMPTY, ((0, 0), (1, 1)), mode="maximum"),
        case(np.einsum, "ij,ij->j", EMPTY, EMPTY),
        case(np.einsum, "ij,ij,ij->", EMPTY, EMPTY, EMPTY, optimize=True),
        case(np.tensordot, EMPTY, EMPTY, axes=([0], [0])),
        case(np.vdot, EMPTY, EMPTY),
        case(np.unstack, EMPTY),
        case(np.trim_zeros, np.zeros(3)),
        case(np.angle, EMPTY),
    ],
    ids=lambda made: made[0].__name__,
)
def test_arrays_without_elements(made: Case) -> None:
    f, xs = as_function(made)
    tensors = [Tensor(x) for x in xs]
    got, expected = f(*tensors), f(*xs)
    for ours, theirs in zip(plainly(got), plainly(expected), strict=True):
        assert ours.shape == theirs.shape
    parts = [part for part in (got if isinstance(got, (tuple, list)) else [got]) if part.node is not None]
    if parts:
        flat(parts).sum().backward()
        assert any(t.grad is not None and t.grad.shape == t.shape for t in tensors)


ERRORS: dict[str, tuple[type[Exception], Any]] = {
    "diag of three axes": (ag.ShapeError, lambda t: np.diag(t[None, None])),
    "fliplr of a vector": (ag.ShapeError, lambda t: np.fliplr(t)),
    "rot90 about one axis": (ag.ShapeError, lambda t: np.rot90(t[None], axes=(0, 0))),
    "rot90 beyond the axes": (ag.IndexingError, lambda t: np.rot90(t[None], 4, axes=(0, 5))),
    "rot90 of a number": (ag.IndexingError, lambda t: np.rot90(t[0])),
    "rollaxis beyond the axes": (ag.IndexingError, lambda t: np.rollaxis(t, 3)),
    "block of uneven lists": (ag.ShapeError, lambda t: np.block([[t], t])),
    "block of nothing": (ag.ShapeError, lambda t: np.block([[t], []])),
    "block of tuples": (ag.DtypeError, lambda t: arrangement.block([(t, t)])),
    "resize to a negative length": (ag.ShapeError, lambda t: np.resize(t, (-1,))),
    "array_split into none": (ag.ShapeError, lambda t: np.array_split(t, 0)),
    "array_split of a number": (ag.IndexingError, lambda t: np.array_split(t[0], 2)),
    "split into none": (ag.ShapeError, lambda t: np.split(t, 0)),
    "repeat beyond the axes": (ag.IndexingError, lambda t: np.repeat(t, [1, 2], axis=1)),
    "tensordot beyond the axes": (ag.IndexingError, lambda t: np.tensordot(t, t, axes=((1,), (1,)))),
    "tensordot over too many axes": (ag.IndexingError, lambda t: np.tensordot(t, t, axes=2)),
    "tril_indices_from a vector": (ag.ShapeError, lambda t: np.tril_indices_from(t)),
    "clip into another": (ag.NoRuleError, lambda t: ag.clip(t, 0, 1, np.zeros(5))),
    "nan_to_num in place": (ag.NoRuleError, lambda t: np.nan_to_num(t, copy=False)),
    "linspace of fewer than none": (ag.ShapeError, lambda t: np.linspace(t, 1.0, -1)),
    "vsplit of a vector": (ag.ShapeError, lambda t: np.vsplit(t, 1)),
    "unstack of a number": (ag.ShapeError, lambda t: np.unstack(t[0])),
    "meshgrid of unknown indexing": (ag.ShapeError, lambda t: np.meshgrid(t, indexing="yx")),
    "diff of a number": (ag.ShapeError, lambda t: np.diff(t[0])),
    "ediff1d of another dtype": (ag.DtypeError, lambda t: np.ediff1d(t, to_end=1j)),
    "gradient of one sample": (ag.ShapeError, lambda t: np.gradient(t[:1])),
    "gradient with too many spacings": (ag.DtypeError, lambda t: np.gradient(t, 1.0, 2.0)),
    "gradient with other coordinates": (ag.ShapeError, lambda t: np.gradient(t, [1.0, 2.0])),
    "gradient of order 3": (ag.ShapeError, lambda t: np.gradient(t, edge_order=3)),
    "choose out of range": (ag.ShapeError, lambda t: np.choose(np.array([0, 1, 2, 0, 0]), [t, t])),
    "vander of a matrix": (ag.ShapeError, lambda t: np.vander(t[None])),
    "select of numbers": (ag.DtypeError, lambda t: np.select([t], [t])),
    "select without a choice": (ag.ShapeError, lambda t: np.select([t > 0], [t, t])),
    "trim_zeros elsewhere": (ag.ShapeError, lambda t: np.trim_zeros(t, "x")),
    "apply_along_axis on no line": (ag.ShapeError, lambda t: np.apply_along_axis(np.sum, 0, t.reshape(5, 1)[:, :0])),
    "reshape by memory": (ag.NoRuleError, lambda t: np.reshape(t, (5,), order="A")),
    "reshape that has to copy": (ag.ShapeError, lambda t: np.reshape(np.stack([t, t]).T, (10,), copy=False)),
    "ravel by memory": (ag.NoRuleError, lambda t: np.ravel(t, order="K")),
    "concatenate into another": (ag.NoRuleError, lambda t: ag.concatenate([t], out=np.zeros(5))),
    "concatenate to a narrow dtype": (ag.DtypeError, lambda t: np.concatenate([t], dtype=int)),
    "concatenate of unsafe numbers": (ag.DtypeError, lambda t: np.concatenate([t], dtype=np.float32, casting="safe")),
    "take beyond the end": (ag.IndexingError, lambda t: np.take(t, 5)),
    "take beyond the axes": (ag.IndexingError, lambda t: np.take(t, [0, 1], axis=1)),
    "take_along_axis beyond the axes": (ag.IndexingError, lambda t: np.take_along_axis(t[None], np.array([[1]]), 2)),
    "take in an unknown mode": (ag.DtypeError, lambda t: np.take(t, 5, mode="mirror")),
    "take_along_axis of fewer axes": (ag.ShapeError, lambda t: np.take_along_axis(t[None], np.array([1]), 1)),
    "einsum with a dtype": (ag.NoRuleError, lambda t: np.einsum("i", t, dtype=float)),
    "pad by a function": (ag.NoRuleError, lambda t: np.pad(t, 1, lambda *args: None)),
    "pad in an unknown mode": (ag.NoRuleError, lambda t: np.pad(t, 1, "mirror")),
    "pad with another mode's argument": (ag.DtypeError, lambda t: np.pad(t, 1, "edge", constant_values=1)),
    "pad by less than nothing": (ag.ShapeError, lambda t: np.pad(t, -1)),
    "pad by a half": (ag.DtypeError, lambda t: np.pad(t, 0.5)),
    "pad by too many pairs": (ag.ShapeError, lambda t: np.pad(t, ((1, 1), (2, 2)))),
    "pad nothing by its edge": (ag.ShapeError, lambda t: np.pad(t[:0], 1, "edge")),
    "pad nothing by its mean": (ag.ShapeError, lambda t: np.pad(t[:0], 1, "mean")),
    "pad nothing oddly": (ag.ShapeError, lambda t: np.pad(t[:0], 1, "reflect", reflect_type="odd")),
    "pad nothing by a ramp": (ag.ShapeError, lambda t: np.pad(t[:0], 1, "linear_ramp")),
    "astype on another device": (ValueError, lambda t: np.astype(t, float, device="gpu")),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_and_their_kinds(name: str) -> None:
    kind, call = ERRORS[name]
    with pytest.raises(kind):
        call(Tensor(V))


def test_piecewise_asks_each_function_about_its_own_elements() -> None:
    x = Tensor([-1.0, 0.0, 4.0, 9.0])
    for conditions in (x > 0, [x > 0], np.array([False, False, True, True])):
        y = np.piecewise(x, conditions, [np.sqrt, lambda v: 3 * v])
        np.testing.assert_array_equal(y.numpy(), [-3.0, 0.0, 2.0, 3.0])
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [3.0, 3.0, 0.25, 1 / 6])  # sqrt never saw the zero
    np.testing.assert_array_equal(
        np.piecewise(x, [x < 0, x > 5], [7.0, lambda v, w: v * w], 2.0).numpy(), [7.0, 0.0, 0.0, 18.0]
    )
    with pytest.raises(ag.ShapeError):
        np.piecewise(x, [x < 0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    "function", [lambda v: (v * v).sum(), lambda v: v[:2] * v[1], lambda v: v[:2, None] * v[None, :3]], ids=["0", "1", "2"]
)
def test_apply_along_axis(axis: int, function: Any) -> None:
    expected = np.apply_along_axis(function, axis, C)
    got = np.apply_along_axis(function, axis, Tensor(C))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-14)
    check_grads(lambda t: np.apply_along_axis(function, axis, t), C, rtol=1e-9)


def test_apply_over_axes() -> None:
    got = np.apply_over_axes(np.sum, Tensor(C), [0, -1])
    np.testing.assert_allclose(got.numpy(), np.apply_over_axes(np.sum, C, [0, -1]), rtol=1e-14)


@pytest.mark.parametrize("trim", ["fb", "f", "B"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_trim_zeros(trim: str, axis: Any) -> None:
    line, sheet = np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0]), np.zeros((4, 5))
    sheet[1, 2] = sheet[2, 3] = 3.0
    np.testing.assert_array_equal(np.trim_zeros(Tensor(line), trim).numpy(), np.trim_zeros(line, trim))
    rows = np.flatnonzero(sheet.any(1)), np.flatnonzero(sheet.any(0))
    key = [slice(None), slice(None)]
    for i in (0, 1) if axis is None else np.atleast_1d(axis) % 2:
        key[i] = slice(rows[i][0] if "f" in trim.lower() else 0, rows[i][-1] + 1 if "b" in trim.lower() else None)
    np.testing.assert_array_equal(np.trim_zeros(Tensor(sheet), trim, axis=axis).numpy(), sheet[tuple(key)])


def test_angle_of_complex_numbers() -> None:
    np.testing.assert_allclose(np.angle(Tensor(Z)).numpy(), np.angle(Z))
    np.testing.assert_allclose(np.angle(Tensor(Z), deg=True).numpy(), np.angle(Z, deg=True))
    check_grads(np.angle, Z, rtol=1e-7)
    check_grads(lambda a, b: np.angle(a + 1j * b), Z.real, Z.imag, rtol=1e-7)
    z = Tensor([0j, 2.0 + 0j, -2.0 + 0j])
    np.angle(z).sum().backward()  # for a + ib: dL/da - i dL/db
    np.testing.assert_array_equal(z.grad.numpy(), [0, -0.5j, 0.5j])
    negative = Tensor([-1.0, 1.0])
    np.angle(negative).sum().backward()
    np.testing.assert_array_equal(negative.grad.numpy(), [0, 0])


KINKS = {
    "fabs": (np.fabs, ([0.0, -2.0],), ([0.0, -1.0],)),
    "copysign": (np.copysign, ([0.0, 2.0, -2.0, 3.0], [-1.0, -0.0, -1.0, 0.0]), ([0.0, -1.0, 1.0, 1.0], [0.0] * 4)),
    "heaviside": (np.heaviside, ([-1.0, 0.0, 1.0, np.nan], [0.5] * 4), ([0.0] * 4, [0.0, 1.0, 0.0, 0.0])),
    "nextafter": (np.nextafter, ([1.0, 2.0], [2.0, 2.0]), ([1.0, 1.0], [0.0, 0.0])),
    "nan_to_num": (np.nan_to_num, ([np.nan, np.inf, -np.inf, 1.0],), ([0.0, 0.0, 0.0, 1.0],)),
    "modf": (lambda x: np.modf(x)[0], ([np.inf, 1.5, -2.0],), ([1.0, 1.0, 1.0],)),
    "frexp": (lambda x: np.frexp(x)[0], ([6.0, 0.0, -0.75],), ([0.125, 1.0, 1.0],)),
    "ldexp": (lambda x: np.ldexp(x, [3, -1074]), ([1.5, 1.0],), ([8.0, 5e-324],)),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKS)
def test_elementwise_conventions(name: str) -> None:
    function, inputs, wanted = KINKS[name]
    tensors = [Tensor(x) for x in inputs]
    y = function(*tensors)
    np.testing.assert_array_equal(y.numpy(), function(*map(np.array, inputs)))
    y.sum().backward()
    for tensor, gradient in zip(tensors, wanted, strict=True):
        np.testing.assert_array_equal(tensor.grad.numpy(), gradient)


def test_nan_to_num_stops_what_is_not_finite() -> None:
    x = Tensor([0.0, 4.0])
    with np.errstate(divide="ignore"):
        np.nan_to_num(np.log(x), neginf=-1.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.25])


def test_nan_to_num_replaces_each_part_of_a_complex_number() -> None:
    z = np.array([complex(np.nan, 2), complex(1, np.inf), 3 - 4j])

    def f(z: Any) -> Any:
        y = np.nan_to_num(z, posinf=9.0)
        return (np.real(y) + 5 * np.imag(y)).sum()

    np.testing.assert_array_equal(vjp(f, z)[1](1.0)[0], [-5j, 1, 1 - 5j])


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.arctan2, np.maximum])
def test_outer_of_a_ufunc(ufunc: Any) -> None:
    np.testing.assert_array_equal(ufunc.outer(Tensor(M), Tensor(W)).numpy(), ufunc.outer(M, W))
    check_grads(ufunc.outer, M, W, rtol=1e-8)
    np.testing.assert_array_equal(np.add.outer(1.0, Tensor(V)).numpy(), 1.0 + V)


BY_NAME: dict[str, tuple[Any, dict[str, Any]]] = {
    "reshape": (np.reshape, {"shape": (4, 3)}),
    "repeat": (np.repeat, {"a": M, "repeats": 2}),
    "dot": (np.dot, {"a": M, "b": V[:4]}),
    "tensordot": (np.tensordot, {"a": M, "b": V[:4], "axes": 1}),
    "moveaxis": (np.moveaxis, {"a": M, "source": 0, "destination": 1}),
    "take": (np.take, {"a": M, "indices": [0, 2], "axis": 1}),
    "clip": (np.clip, {"a": M, "a_min": 0.0, "a_max": 1.0}),
    "sum": (np.sum, {"a": M, "axis": 0}),
    "insert": (np.insert, {"arr": V, "obj": 1, "values": 2.0}),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_arguments_by_numpys_names(name: str) -> None:
    function, kwargs = BY_NAME[name]
    first = () if {"a", "arr"} & kwargs.keys() else (M,)
    named = {key: Tensor(x) if key in ("a", "arr") else x for key, x in kwargs.items()}
    np.testing.assert_allclose(function(*map(Tensor, first), **named).numpy(), function(*first, **kwargs), rtol=1e-15)


DTYPES = {
    "vdot of booleans": lambda lift: np.vdot(lift(V > 0), lift(W > 0)),
    "clip of booleans": lambda lift: np.clip(lift(V > 0), None, 1),
    "angle of booleans": lambda lift: np.angle(lift(V > 0)),
    "odd margins of booleans": lambda lift: np.pad(lift(V > 0), 2, "reflect", reflect_type="odd"),
    "real_if_close of booleans": lambda lift: np.real_if_close(lift(V > 0)),
    "single slopes": lambda lift: np.gradient(lift(V.astype("f")), X),
    "single logspace": lambda lift: np.logspace(lift(V.astype("f")), lift(W.astype("f")), 4),
    "logspace of booleans": lambda lift: np.logspace(lift(V > 0), 2.0, 4),
    "single linspace": lambda lift: np.linspace(lift(V.astype("f")), 1, 4),
    "half a geomspace": lambda lift: np.geomspace(lift(np.abs(V).astype(np.float16)), 2.0, 4),
    "single geomspace": lambda lift: np.geomspace(lift(np.abs(V).astype("f")), 2, 4, dtype="f"),
    "whole linspace": lambda lift: np.linspace(lift(V), 1.0, 6, dtype=int),
}


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_are_numpys(name: str) -> None:
    expected, got = DTYPES[name](np.asarray), DTYPES[name](Tensor)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got.numpy(), expected, rtol=3e-6 if expected.dtype == np.float32 else 1e-13)


QUESTIONS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (np.isclose, ([1.0, 1.1, np.nan], [1.0, 1.0, np.nan]), {"rtol": 0.01}),
    (np.isclose, ([1.0, 1.1, np.nan], [1.0, 1.0, np.nan]), {"equal_nan": True}),
    (np.isposinf, ([np.inf, -np.inf, 1.0],), {}),
    (np.isneginf, ([np.inf, -np.inf, 1.0],), {}),
    (np.isreal, ([1.0, np.nan],), {}),
    (np.isreal, ([1.0, 1.0 + 2j],), {}),
    (np.iscomplex, ([1.0, 1.0 + 2j],), {}),
    (np.allclose, ([1.0, 1.1], [1.0, 1.1 + 1e-9]), {}),
    (np.allclose, ([1.0, 1.1], [1.0, 1.2]), {}),
    (np.array_equal, ([1.0, np.nan], [1.0, np.nan]), {"equal_nan": True}),
    (np.array_equal, ([1.0, 2.0], [1.0]), {}),
    (np.array_equal, ([1.0, 2.0], [1.0, 2.0]), {}),
    (np.array_equiv, ([1.0, 1.0], [1.0]), {}),
    (np.array_equiv, ([1.0, 1.0], [1.0] * 3), {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), QUESTIONS)
def test_questions_are_answered_as_numpy_does(function: Any, args: Any, kwargs: Any) -> None:
    expected = function(*args, **kwargs)
    tensors = [Tensor(np.array(x)) for x in args]
    got = function(*tensors, **kwargs)
    if isinstance(expected, bool):
        assert got is expected
    else:
        assert got.dtype == bool
        np.testing.assert_array_equal(got.numpy(), expected)


WHOLE = [(np.gcd, 12, 8), (np.lcm, 4, 6), (np.left_shift, 3, 2), (np.right_shift, 12, 2), (np.bitwise_count, 7), (np.fix, 3)]


@pytest.mark.parametrize("made", WHOLE, ids=lambda made: made[0].__name__)
def test_whole_numbers(made: Any) -> None:
    function, *numbers_given = made
    arrays = [np.array([n, n + 5]) for n in numbers_given]
    got = function(*(Tensor(x) for x in arrays))
    np.testing.assert_array_equal(got.numpy(), function(*arrays))
    assert not got.requires_grad


def test_integers_move_as_they_do_in_numpy() -> None:
    x = np.arange(6).reshape(2, 3)
    for call in (
        lambda v: np.pad(v, 2, "linear_ramp", end_values=9),
        lambda v: np.pad(v, 2, "mean"),
        lambda v: np.pad(v, 2, "reflect", reflect_type="odd"),
        lambda v: np.insert(v, 1, 2.7),
        lambda v: np.diff(v > 2),
        lambda v: np.gradient(v, axis=1),
        lambda v: np.float_power(v, -1.0 + 2 * (v > 0)),
    ):
        with np.errstate(divide="ignore"):
            expected = call(x)
            got = call(Tensor(x))
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got.numpy(), expected)


def test_einsum_of_complex_numbers_and_its_path() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3)) for _ in range(2))
    y, pull = vjp(lambda u, w: np.einsum("ij,kj->ik", u, w, optimize=True), a, b)
    np.testing.assert_allclose(y, a @ b.T)
    g = rng.normal(size=(2, 2)) + 1j
    np.testing.assert_allclose(pull(g)[0], g @ b)
    path, words = np.einsum_path("ij,kj,k->i", Tensor(M), N, V[:3])
    assert path == np.einsum_path("ij,kj,k->i", M, N, V[:3])[0]
    assert "contraction" in words
    got = np.einsum("ij,kj,k->i", Tensor(M), N, V[:3], optimize=path)
    np.testing.assert_allclose(got.numpy(), np.einsum("ij,kj,k->i", M, N, V[:3]))


def test_the_backward_pass_of_a_large_einsum_finds_its_order() -> None:
    """Contracted in one loop over all five labels it would take 2e9 steps."""
    a, b, c = Tensor(np.ones((60, 70))), Tensor(np.ones((70, 80))), Tensor(np.ones((80, 6000)))
    np.einsum("ij,jk,kl->il", a, b, c, optimize=True).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), np.full((60, 70), 80.0 * 6000))


def test_vdot_conjugates_its_first_argument() -> None:
    a, b = Tensor(Z), Tensor(2 * Z + 1)
    y = np.vdot(a, b)
    np.testing.assert_allclose(y.numpy(), np.vdot(Z, 2 * Z + 1))
    y.real.backward()  # sum of re*re + im*im: for a + ib, dL/da - i dL/db
    np.testing.assert_allclose(a.grad.numpy(), np.conj(2 * Z + 1))
    np.testing.assert_allclose(b.grad.numpy(), np.conj(Z))


def test_lengths_and_places_may_be_tensors_of_integers() -> None:
    x = Tensor(V)
    np.testing.assert_array_equal(np.repeat(x, Tensor(np.array([2, 0, 1, 0, 0]))).numpy(), np.repeat(V, [2, 0, 1, 0, 0]))
    np.testing.assert_array_equal(np.split(x, Tensor(np.array([1, 3])))[1].numpy(), V[1:3])
    np.testing.assert_array_equal(np.delete(x, Tensor(np.array([1, 3]))).numpy(), np.delete(V, [1, 3]))
    np.testing.assert_array_equal(np.pad(x, Tensor(np.array([1, 3]))).numpy(), np.pad(V, [1, 3]))
    np.testing.assert_array_equal(np.tile(x, Tensor(np.array([2, 3]))).numpy(), np.tile(V, [2, 3]))
    np.testing.assert_array_equal(np.roll(x, Tensor(np.array(2))).numpy(), np.roll(V, 2))
    np.testing.assert_array_equal(np.take(x, Tensor(np.array([2, 0]))).numpy(), V[[2, 0]])
    assert np.pad(x[0], 3, "mean").item() == V[0]


def test_what_is_not_chosen_is_not_asked() -> None:
    x = Tensor([-1.0, 4.0])
    with np.errstate(invalid="ignore"):
        y = np.select([x > 0], [np.sqrt(x)], 0.0) + np.choose([0, 1], [np.zeros(2), np.sqrt(x)])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.5])


def test_plain_results_and_names() -> None:
    np.testing.assert_array_equal(arrangement.tri(3, k=1), np.tri(3, k=1))
    for ours, theirs in (
        (arrangement.tril_indices(3, 1, 4), np.tril_indices(3, 1, 4)),
        (arrangement.triu_indices(3, 1, 4), np.triu_indices(3, 1, 4)),
        (np.tril_indices_from(Tensor(M), 1), np.tril_indices_from(M, 1)),
        (np.triu_indices_from(Tensor(M), 1), np.triu_indices_from(M, 1)),
        (np.diag_indices_from(Tensor(S)), np.diag_indices_from(S)),
    ):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ag.ShapeError):
        np.diag_indices_from(Tensor(M))
    np.testing.assert_array_equal(arrangement.make_diagonal(M)[1], np.diag(M[1]))
    assert numbers.real_if_close(Tensor(np.array([1.0 + 1e-20j]))).dtype == float
    assert numbers.real_if_close(Tensor(np.array([1.0 + 1e-3j]))).dtype == complex


def test_an_empty_margin_may_hold_anything() -> None:
    x = Tensor(V)
    y = np.pad(x, 1, "empty")
    assert y.shape == (7,)
    y[1:-1].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones(5))


@pytest.mark.parametrize(("given", "widths"), [({-1: (2, 1)}, ((0, 0), (2, 1))), ({0: 2, 1: (0, 1)}, ((2, 2), (0, 1)))])
def test_pad_widths_in_a_dict(given: Any, widths: Any) -> None:  # as NumPy takes them since 2.2
    for mode in ("constant", "wrap", "mean"):
        np.testing.assert_array_equal(ag.pad(Tensor(M), given, mode=mode).numpy(), np.pad(M, widths, mode=mode))
