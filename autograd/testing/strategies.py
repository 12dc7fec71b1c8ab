"""Hypothesis strategies for inputs of differentiable code: arrays that keep away from kinks, shapes, axes, indices, matrices.

What a derivative needs and a random array does not promise: a gap between the values and the kinks of a function, values that
are pairwise distinct, matrices that are well conditioned. All of it holds by construction, so that little is thrown away, and
everything shrinks to small whole numbers in small contiguous arrays. Stands on Hypothesis (the extra `testing`) and Tensor.
"""

import inspect
import math
from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any, Literal, NamedTuple, ParamSpec, TypeAlias, TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.extra import numpy as extra

from ..graph import leaf_of
from ..tensor import Tensor, constant, is_inexact, with_node

Shape: TypeAlias = tuple[int, ...]
Kinks: TypeAlias = Iterable[float] | float | Literal["integers"]
P = ParamSpec("P")
T = TypeVar("T")
GAP = 1 / 16


def _spread(x: Any) -> Any:
    """Every second element of a longer array."""
    if not x.ndim:
        return x
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def _backwards(x: Any) -> Any:
    """Memory that runs against the last axis."""
    return np.ascontiguousarray(x[..., ::-1])[..., ::-1] if x.ndim else x


def _frozen(x: Any) -> Any:
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda x: x,
    "fortran": lambda x: x.copy(order="F"),
    "strided": _spread,
    "reversed": _backwards,
    "readonly": _frozen,
}


# --- arrays ----------------------------------------------------------------------------------------------------------------


def distance(x: Any, away_from: Kinks) -> Any:
    """How far each value is from the nearest kink, as floats; inf where there is none."""
    x = np.asarray(x)
    if isinstance(away_from, str):
        if away_from != "integers":
            raise InvalidArgument(f"away_from is numbers or the text 'integers', not {away_from!r}")
        return abs(x - np.round(x))
    kinks = [away_from] if isinstance(away_from, (int, float)) else list(away_from)
    return np.min([abs(x - kink) for kink in kinks] or [np.full(x.shape, np.inf)], axis=0)


@cache
def grid(low: float, high: float, spacing: float, away_from: Any, gap: float) -> tuple[float, ...]:
    """The multiples of the spacing from low to high that are away from kinks, the simplest first."""
    values = np.arange(math.ceil(low / spacing), math.floor(high / spacing) + 1) * spacing
    values = values[distance(values, away_from) >= gap]
    return tuple(sorted(values.tolist(), key=lambda v: (v.as_integer_ratio()[1], v < 0, abs(v))))


@cache
def _wholes(points: tuple[float, ...]) -> dict[float, st.SearchStrategy[int]]:
    """For each fraction among the points, the simplest first, what the whole parts that go with it are drawn from."""
    found: dict[float, list[int]] = {}
    for v in points:
        found.setdefault(v - math.floor(v), []).append(math.floor(v))
    return {fraction: _integers_among(whole) for fraction, whole in found.items()}


def _integers_among(values: list[int]) -> st.SearchStrategy[int]:
    """Any of these; as integers unless they are scattered, for a choice from a row shrinks to its place in the row."""
    reach = range(min(values), max(values) + 1)
    if len(reach) > 2 * len(values):
        return st.sampled_from(values)
    every = st.integers(reach[0], reach[-1])
    return every if len(values) == len(reach) else every.filter(frozenset(values).__contains__)


@st.composite
def _one_of_points(draw: st.DrawFn, points: tuple[float, ...]) -> float:
    """One of the points: its fraction, then its whole part. The fraction shrinks to nothing while the whole part may grow, and
    so what fails above 1 shrinks to 2, which a choice from one row of all points does not reach."""
    wholes = _wholes(points)
    fraction = draw(st.sampled_from(list(wholes)))
    return draw(wholes[fraction]) + fraction


@cache  # Hypothesis looks into every new strategy, which takes longer than drawing from it
def _of_points(points: tuple[float, ...], shape: Shape, distinct: bool) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Arrays of these points."""
    if not distinct:
        return extra.arrays(float, shape, elements=_one_of_points(points))
    size = math.prod(shape)
    row = st.lists(st.sampled_from(points), min_size=size, max_size=size, unique=True)
    return row.map(lambda values: np.array(values, float).reshape(shape))


def _drawn(draw: st.DrawFn, value: Any) -> Any:
    """The value, or what the strategy of values draws."""
    return draw(value) if isinstance(value, st.SearchStrategy) else value


def shapes(*, max_dims: int = 3, max_side: int = 3, min_side: int = 0) -> st.SearchStrategy[Shape]:
    """Shapes of small arrays: no axes, one element, and none among them."""
    return extra.array_shapes(min_dims=0, max_dims=max_dims, min_side=min_side, max_side=max_side)


@st.composite
def _apart(draw: st.DrawFn, elements: st.SearchStrategy[Any], count: int, gap: float) -> list[Any]:
    """Values, each a gap away from those before."""
    values: list[Any] = []
    for _ in range(count):
        values.append(draw(elements.filter(lambda v: all(abs(v - u) >= gap for u in values))))
    return values


def _points(dtype: Any, size: int, elements: Any, away_from: Any, gap: float, distinct: bool) -> tuple[float, ...]:
    """The values to choose from: fractions with a power of two below, which every float dtype holds and a person reads."""
    spacing = 1.0 if dtype.kind in "iu" else 2.0 ** math.ceil(math.log2(gap)) / (1 if distinct else 4)
    reach = max(4.0, spacing * size) if distinct else 4.0
    low, high = elements or (0.0 if dtype.kind == "u" else -reach, reach)
    points = grid(low, high, spacing, away_from, gap)
    if not points or (distinct and len(points) < size):
        raise InvalidArgument(
            f"{size} values{' that are distinct' * distinct}, {gap} away from {away_from}, do not fit between {low} and {high}"
        )
    return points


def _values(
    draw: st.DrawFn, dtype: Any, shape: Shape, elements: Any, away_from: Any, gap: float, distinct: bool
) -> np.ndarray[Any, Any]:
    size = math.prod(shape)
    if dtype.kind == "b" and elements is None:
        if distinct and size > 2:
            raise InvalidArgument(f"there are two booleans, and not {size} distinct ones")
        return draw(extra.arrays(dtype, shape, elements=st.booleans(), unique=distinct))
    if isinstance(elements, st.SearchStrategy):
        given = elements.map(dtype.type).filter(lambda v: bool(distance(v, away_from) >= gap))
        flat = draw(_apart(given, size, gap) if distinct else st.lists(given, min_size=size, max_size=size))
        return np.array(flat, dtype).reshape(shape)
    points = _points(dtype, size, elements, away_from, gap, distinct)
    parts = draw(_of_points(points, shape, distinct))
    if dtype.kind == "c":
        parts = parts + 1j * draw(_of_points(points, shape, False))
    return parts.astype(dtype)


@st.composite
def _arrays(
    draw: st.DrawFn, shape: Any, dtype: Any, elements: Any, away_from: Any, gap: float, distinct: bool, layout: Any
) -> np.ndarray[Any, Any]:
    shape, dtype = _drawn(draw, shape), np.dtype(_drawn(draw, dtype))
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    values = _values(draw, dtype, shape, elements, away_from, gap, distinct)
    name = _drawn(draw, layout)
    if name not in LAYOUTS:
        raise InvalidArgument(f"a layout is one of {', '.join(LAYOUTS)}, not {name!r}")
    return LAYOUTS[name](values)  # type: ignore[no-any-return]


def arrays(
    shape: Any = None,
    dtype: Any = np.float64,
    *,
    elements: Any = None,
    away_from: Kinks = (),
    gap: float = GAP,
    distinct: bool = False,
    layout: Any = None,
) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """NumPy arrays whose values keep a gap from kinks, in every layout of memory.

    - `shape`: a shape or a strategy of shapes; small ones with up to three axes, 0-d and empty ones among them, if None
    - `dtype`: a dtype or a strategy of dtypes
    - `elements`: a strategy of numbers, or a pair (low, high); if None, fractions between -4 and 4 that print short
    - `away_from`: numbers from which every value keeps the gap, or "integers" for all whole numbers
    - `gap`: the least distance from a kink, and between distinct values
    - `distinct`: whether the values are pairwise at least a gap apart (of complex numbers, the real parts)
    - `layout`: one of `LAYOUTS` or a strategy of them; any if None

    >>> from hypothesis import find
    >>> find(arrays(3, distinct=True, away_from=0), lambda x: True)
    array([1., 2., 3.])
    """
    if not gap > 0:
        raise InvalidArgument(f"a gap is greater than 0, not {gap}")
    kinks: Any = away_from if isinstance(away_from, (str, int, float)) else tuple(away_from)
    limits = tuple(elements) if isinstance(elements, (tuple, list)) else elements
    distance(0.0, kinks)  # a wrong text is refused here, not when an example is drawn
    return _arrays(
        shapes() if shape is None else shape,
        dtype,
        limits,
        kinks,
        gap,
        distinct,
        st.sampled_from(list(LAYOUTS)) if layout is None else layout,
    )


def _of_each(drawn: Callable[P, st.SearchStrategy[Any]]) -> Callable[[Callable[[Any], T]], Callable[P, st.SearchStrategy[T]]]:
    """Makes a strategy of a function of one example: with the signature of `drawn`, and the function's name and docstring."""

    def decorated(change: Callable[[Any], T]) -> Callable[P, st.SearchStrategy[T]]:
        @wraps(change)
        def made(*args: P.args, **kwargs: P.kwargs) -> st.SearchStrategy[T]:
            return drawn(*args, **kwargs).map(change)

        made.__signature__ = inspect.signature(drawn).replace(return_annotation=st.SearchStrategy)  # type: ignore[attr-defined]
        return made

    return decorated


@_of_each(arrays)
def tensors(array: Any) -> Tensor:
    """Tensors with the values of `arrays(...)`, whose arguments it takes: leaves that want a gradient, or constants for whole
    numbers and booleans.

    The layout is kept: the Tensor stands on the array that was drawn, which nobody else holds.

    >>> from hypothesis import find
    >>> find(tensors((2, 2), away_from="integers"), lambda x: True)
    Tensor([[0.5, 0.5],
            [0.5, 0.5]], requires_grad=True)
    """
    # `Tensor(array)` would copy the memory, and with it the layout away.
    return with_node(array, leaf_of(array)) if is_inexact(array) else constant(array)


# --- shapes, axes, indices -------------------------------------------------------------------------------------------------


def broadcastable_shapes(
    count: int = 2, *, max_dims: int = 3, max_side: int = 3, min_side: int = 0
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """So many shapes that broadcast together."""
    drawn = extra.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, max_side=max_side, min_side=min_side)
    return drawn.map(lambda found: found.input_shapes)


def axes(shape: Shape | int, *, single: bool = False) -> st.SearchStrategy[Any]:
    """What `axis=` takes for an array of this shape or number of axes: None, one axis, or a tuple of distinct ones, counted
    from either end. With `single`, one axis only, as cumsum takes it."""
    ndim = shape if isinstance(shape, int) else len(shape)
    if single and not ndim:
        raise InvalidArgument("an array without axes has none to choose")
    return _axes(ndim, single)


@cache
def _axes(ndim: int, single: bool) -> st.SearchStrategy[Any]:
    one = st.sampled_from([*range(ndim), *range(-1, -ndim - 1, -1)]) if ndim else st.nothing()
    return one if single else st.one_of(st.none(), one, extra.valid_tuple_axes(ndim))


@st.composite
def _positions(draw: st.DrawFn, side: int, count: int) -> np.ndarray[Any, Any]:
    """An integer array that broadcasts with others of this draw: its last axis has the length `count` or 1."""
    shape = draw(st.sampled_from([(count,), (1,), (2, count), (2, 1)] if count else [(0,), (2, 0)]))
    elements = st.integers(-side, side - 1) if side else st.nothing()
    return draw(extra.arrays(np.int64, shape, elements=elements, fill=st.nothing())) if side else np.zeros(shape, np.int64)


@st.composite
def _mask(draw: st.DrawFn, sides: Shape, count: int) -> np.ndarray[Any, Any]:
    """A boolean mask with so many places that are True."""
    mask = np.zeros(math.prod(sides), bool)
    mask[draw(st.lists(st.sampled_from(range(mask.size)), min_size=count, max_size=count, unique=True)) if count else []] = True
    return mask.reshape(sides)


@cache
def _of_axis(side: int, count: int, advanced: bool) -> st.SearchStrategy[Any]:
    """What may stand at the place of one axis in an index."""
    choices: list[st.SearchStrategy[Any]] = [st.integers(-side, side - 1)] if side else []
    choices.append(st.slices(side))
    if advanced and (side or not count):
        choices.append(_positions(side, count))
    if advanced and side >= count:
        choices.append(_mask((side,), count))
    return st.one_of(choices)


@st.composite
def _items(draw: st.DrawFn, sides: Shape, count: int, advanced: bool) -> list[Any]:
    """Entries of an index for these axes, one after another; a mask may take two at once."""
    items: list[Any] = []
    while sides:
        pair = sides[:2]
        if advanced and len(pair) == 2 and math.prod(pair) >= count and draw(st.integers(0, 5)) == 5:
            items.append(draw(_mask(pair, count)))
            sides = sides[2:]
        else:
            items.append(draw(_of_axis(sides[0], count, advanced)))
            sides = sides[1:]
    return items


@st.composite
def _index(draw: st.DrawFn, shape: Shape, advanced: bool, newaxis: bool) -> Any:
    count = draw(st.integers(0, 3)) if advanced else 0  # of places that the arrays in the index pick together
    front = draw(st.integers(0, len(shape)))
    back = draw(st.integers(front, len(shape)))  # the axes in between are named by nothing, or by an Ellipsis
    items, rest = draw(_items(shape[:front], count, advanced)), draw(_items(shape[back:], count, advanced))
    if (front < back < len(shape)) or draw(st.booleans()):
        items.append(Ellipsis)
    items += rest
    for _ in range(draw(st.integers(0, 2)) if newaxis else 0):
        items.insert(draw(st.integers(0, len(items))), None)
    return items[0] if len(items) == 1 else tuple(items)


def index_expressions(shape: Shape, *, advanced: bool = True, newaxis: bool = True) -> st.SearchStrategy[Any]:
    """Everything that may stand in `x[...]` for an array of this shape: whole numbers and slices of either sign, None,
    Ellipsis, integer arrays that broadcast together, boolean masks of one axis or two, and tuples of these.

    `advanced=False` leaves arrays out, so that x[index] is a view; `newaxis=False` leaves None out.
    """
    return _indices(tuple(shape), advanced, newaxis)


_indices = cache(_index)


# --- products --------------------------------------------------------------------------------------------------------------


class EinsumSpec(NamedTuple):
    """The text that einsum takes, and shapes of operands that fit it."""

    subscripts: str
    shapes: tuple[Shape, ...]


@st.composite
def einsum_specs(draw: st.DrawFn, *, max_operands: int = 3, max_side: int = 3) -> EinsumSpec:
    """Subscripts with shapes: indices that repeat within an operand and between operands, Ellipsis with axes that broadcast,
    output in any order or left out."""
    count = draw(st.integers(1, max_operands))
    sizes = {letter: draw(st.integers(1, max_side)) for letter in "ijkl"}
    terms = [draw(st.text("ijkl", max_size=3)) for _ in range(count)]
    dotted = [draw(st.booleans()) for _ in range(count)] if draw(st.booleans()) else [False] * count
    extra_axes = iter(draw(broadcastable_shapes(sum(dotted), max_dims=2, max_side=max_side, min_side=1)) if any(dotted) else ())
    found: list[Shape] = []
    written: list[str] = []
    for term, dots in zip(terms, dotted, strict=True):
        place = draw(st.integers(0, len(term))) if dots else 0
        own = tuple(sizes[letter] for letter in term)
        found.append(own[:place] + next(extra_axes) + own[place:] if dots else own)
        written.append(term[:place] + "..." * dots + term[place:])
    subscripts = ",".join(written)
    if draw(st.booleans()):
        letters = sorted(set("".join(terms)))
        kept = draw(st.lists(st.sampled_from(letters), unique=True)) if letters else []
        place = draw(st.integers(0, len(kept)))
        subscripts += "->" + "".join(kept[:place]) + "..." * any(dotted) + "".join(kept[place:])
    return EinsumSpec(subscripts, tuple(found))


@st.composite
def matmul_pairs(
    draw: st.DrawFn, dtype: Any = np.float64, *, max_dims: int = 4, max_side: int = 3, min_side: int = 1, layout: Any = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Two arrays that matmul takes: vectors, matrices, stacks of them that broadcast."""
    found = draw(
        extra.mutually_broadcastable_shapes(
            signature=np.matmul.signature, max_dims=max_dims - 2, max_side=max_side, min_side=min_side
        )
    )
    left, right = (draw(arrays(shape, dtype, layout=layout)) for shape in found.input_shapes)
    return left, right


# --- matrices --------------------------------------------------------------------------------------------------------------


@st.composite
def _rotation(draw: st.DrawFn, n: int) -> np.ndarray[Any, Any]:
    """An orthogonal matrix: the identity, or a product of reflections at drawn vectors."""
    q = np.eye(n)
    for _ in range(draw(st.integers(0, 2)) if n else 0):
        v = draw(extra.arrays(float, n, elements=st.sampled_from(grid(-4, 4, 0.25, (), 1.0))))
        if v.any():
            q = q - 2 * np.outer(v, v @ q) / (v @ v)
    return q


@st.composite
def _spectrum(draw: st.DrawFn, n: int, condition: float, distinct: bool) -> np.ndarray[Any, Any]:
    """Numbers from 1 to the condition: any, or pairwise apart by a share of the range that n of them leave room for."""
    if not condition >= 1:
        raise InvalidArgument(f"a condition number is at least 1, not {condition}")
    if not distinct:
        return np.array(draw(st.lists(st.floats(1, condition), min_size=n, max_size=n)))
    places = draw(st.lists(st.sampled_from(range(2 * n)), min_size=n, max_size=n, unique=True)) if n else []
    if n > 1 and condition == 1:
        raise InvalidArgument("distinct values need a condition number above 1")
    return 1 + (condition - 1) * np.array(places, float) / max(2 * n - 1, 1)


@st.composite
def spd_matrices(
    draw: st.DrawFn, n: Any = None, dtype: Any = np.float64, *, condition: float = 10.0, distinct: bool = False
) -> np.ndarray[Any, Any]:
    """Symmetric positive definite matrices with eigenvalues from 1 to `condition`; `distinct` ones lie well apart.

    `n` is a size or a strategy of sizes, 1 to 4 if None. The simplest is the identity.
    """
    size = draw(st.integers(1, 4)) if n is None else _drawn(draw, n)
    q, values = draw(_rotation(size)), draw(_spectrum(size, condition, distinct))
    x = (q * values) @ q.T
    return np.asarray((x + x.T) / 2, dtype)


@st.composite
def well_conditioned(
    draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64, *, condition: float = 10.0, distinct: bool = False
) -> np.ndarray[Any, Any]:
    """Matrices, square, wide or tall, of full rank, with singular values from 1 to `condition`; `distinct` ones lie apart.

    `shape` is a pair or a strategy of pairs; square ones of size 1 to 4 if None.
    """
    square = st.integers(1, 4).map(lambda n: (n, n))
    rows, columns = _drawn(draw, square if shape is None else shape)
    least = min(rows, columns)
    left, right = draw(_rotation(rows)), draw(_rotation(columns))
    values = draw(_spectrum(least, condition, distinct))
    return np.asarray((left[:, :least] * values) @ right[:least], dtype)


# --- containers ------------------------------------------------------------------------------------------------------------


def containers(leaves: st.SearchStrategy[Any] | None = None, *, max_leaves: int = 5) -> st.SearchStrategy[Any]:
    """Lists, tuples and dictionaries of arrays (or of what `leaves` draws), nested; each holds a leaf at least."""

    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        items = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(items, items.map(tuple), st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3))

    return st.recursive(around(arrays() if leaves is None else leaves), around, max_leaves=max_leaves)
