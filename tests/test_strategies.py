"""The strategies of autograd.testing: what each promises holds for everything it draws, and it shrinks to something small.

And random programs: gradients of the engine against finite differences, the printed code run as printed, and a wrong rule
that is planted, found and shrunk to a few lines.
"""

import inspect
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, NoSuchExample

import autograd as ag
from autograd import AliasError, Tensor
from autograd.rule import rule
from autograd.testing import check_grads
from autograd.testing import strategies as gradients
from autograd.testing.programs import (
    ALONG,
    MOVES,
    REDUCTIONS,
    Program,
    aliasing,
    called,
    calls,
    elementwise,
    execute,
    programs,
    rows_of,
    sampled,
    sampled_rules,
    spelling,
    usable,
    value_of,
)
from autograd.tree import leaves

steady = settings(derandomize=True, deadline=None, max_examples=15, database=None)
looking = settings(steady, max_examples=1000, phases=[Phase.generate, Phase.shrink])  # without Phase.explain, which is slow
drawing = settings(looking, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
FLOATS = [np.float64, np.float32, np.float16]


def samples(strategy: Any, count: int) -> list[Any]:
    """So many examples of a strategy."""
    found: list[Any] = []

    @settings(drawing, max_examples=count)
    @given(strategy)
    def look(x: Any) -> None:
        found.append(x)

    look()
    return found


def contiguous(x: Any) -> bool:
    return bool(x.flags.c_contiguous)


# --- arrays and tensors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away_from", [0, 0.3, (-1, 0.5, 2), "integers"])
@pytest.mark.parametrize("distinct", [False, True])
@steady
@given(data=st.data())
def test_values_keep_the_gap(away_from: Any, distinct: bool, data: Any) -> None:
    dtype, gap = data.draw(st.sampled_from(FLOATS)), data.draw(st.sampled_from([0.01, 1 / 16, 0.1]))
    x = data.draw(gradients.arrays(dtype=dtype, away_from=away_from, gap=gap, distinct=distinct))
    assert x.dtype == dtype
    values = x.astype(float).ravel()
    kinks = np.arange(-200, 201) if away_from == "integers" else np.atleast_1d(away_from)
    assert (abs(values[:, None] - kinks) >= gap).all()
    if distinct:
        assert (np.diff(np.sort(values)) >= gap).all()


@steady
@given(
    gradients.arrays((2, 3), elements=st.floats(-10, 10, width=32), dtype=np.float32, away_from=(0, 5), gap=0.5, distinct=True)
)
def test_the_gap_holds_for_given_elements(x: Any) -> None:
    assert (abs(x) >= 0.5).all()
    assert (abs(x - 5) >= 0.5).all()
    assert (np.diff(np.sort(x.ravel())) >= 0.5).all()


@steady
@given(gradients.arrays(4, np.complex128, away_from=0, distinct=True))
def test_complex_numbers_keep_the_gap(z: Any) -> None:
    assert (abs(z) >= gradients.GAP).all()
    assert (np.diff(np.sort(z.real)) >= gradients.GAP).all()


@steady
@given(gradients.arrays((20, 10), distinct=True), gradients.arrays(5, np.int32, distinct=True), gradients.arrays(5, "bool"))
def test_sizes_and_dtypes(many: Any, whole: Any, truth: Any) -> None:
    assert len(np.unique(many)) == many.size
    assert whole.dtype == np.int32
    assert len(np.unique(whole)) == 5
    assert truth.dtype == np.bool_


@steady
@given(gradients.arrays(elements=(0.5, 2)))
def test_a_pair_of_elements_is_a_range(x: Any) -> None:
    assert ((x >= 0.5) & (x <= 2)).all()


@pytest.mark.parametrize("layout", gradients.LAYOUTS)
@steady
@given(data=st.data())
def test_layouts_are_as_asked(layout: str, data: Any) -> None:
    x = data.draw(gradients.arrays((3, 2), layout=layout))
    t = data.draw(gradients.tensors((3, 2), layout=layout))
    for array in (x, t._raw):
        assert contiguous(array) == (layout in ("contiguous", "readonly"))
        assert array.flags.f_contiguous == (layout == "fortran")
        assert array.flags.writeable == (layout != "readonly")
        assert (array.strides[-1] < 0) == (layout == "reversed")
    assert data.draw(gradients.arrays((), layout=layout)).shape == ()
    assert data.draw(gradients.arrays((2, 0), layout=layout)).shape == (2, 0)


@pytest.mark.parametrize("layout", gradients.LAYOUTS)
@steady
@given(data=st.data())
def test_tensors_of_any_layout_compute_and_are_written_to(layout: str, data: Any) -> None:
    t = data.draw(gradients.tensors((2, 3), layout=layout))
    before = t.numpy().copy()
    y = t * t
    y[0] = 1.0
    y.sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), 2 * before * [[0], [1]])
    t.requires_grad = False
    t[1, 1] = 7.0
    assert t.numpy()[1, 1] == 7


@steady
@given(gradients.tensors(dtype=st.sampled_from([np.float32, np.complex128, np.int64, np.bool_])))
def test_tensors_of_floats_want_a_gradient(t: Tensor) -> None:
    assert isinstance(t, Tensor)
    assert t.requires_grad == (t.dtype.kind in "fc")


@pytest.mark.parametrize(
    "wanted", [lambda x: x.ndim == 0, lambda x: x.size == 0, lambda x: x.size == 1 and x.ndim == 2, lambda x: x.ndim == 3]
)
@pytest.mark.parametrize("draw", [gradients.arrays, gradients.tensors])
def test_unusual_shapes_are_drawn(wanted: Any, draw: Any) -> None:
    assert wanted(find(draw(), wanted, settings=looking))


def test_tensors_take_what_arrays_take() -> None:
    assert inspect.signature(gradients.tensors).parameters == inspect.signature(gradients.arrays).parameters
    assert (gradients.tensors.__doc__ or "").startswith("Tensors")
    with pytest.raises(TypeError, match="unexpected keyword"):
        gradients.tensors(shapes=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("strategy", "wanted", "least"),
    [
        (gradients.arrays(3, away_from=0), lambda x: True, [1, 1, 1]),
        (gradients.arrays(3, distinct=True), lambda x: True, [0, 1, 2]),
        (gradients.arrays(away_from="integers"), lambda x: x.ndim == 2 and x.size > 1, [[0.5, 0.5]]),
        (gradients.arrays(), lambda x: (x > 0.5).any(), [1]),
        (gradients.arrays(2, elements=st.floats(-3, 3), distinct=True, gap=1), lambda x: True, [0, 1]),
        (gradients.spd_matrices(2), lambda x: True, [[1, 0], [0, 1]]),
        (gradients.well_conditioned((2, 3)), lambda x: True, [[1, 0, 0], [0, 1, 0]]),
    ],
)
def test_arrays_shrink_to_small_whole_numbers(strategy: Any, wanted: Any, least: Any) -> None:
    x = find(strategy, wanted, settings=looking)
    if x.ndim == 0:
        least = least[0]
    np.testing.assert_array_equal(x, least)
    assert contiguous(x)
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gradients.arrays(gap=0), "a gap is greater"),
        (lambda: gradients.arrays(away_from="zero"), "'integers', not 'zero'"),
        (lambda: gradients.arrays(3, layout="odd"), "a layout is one of"),
        (lambda: gradients.arrays(3, bool, distinct=True), "two booleans"),
        (lambda: gradients.arrays(9, elements=(0, 1), gap=0.5, distinct=True), "do not fit between 0 and 1"),
        (lambda: gradients.axes((), single=True), "without axes"),
        (lambda: gradients.spd_matrices(condition=0.5), "at least 1"),
        (lambda: gradients.spd_matrices(2, condition=1, distinct=True), "above 1"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        find(make(), lambda x: True, settings=looking)


# --- shapes, axes, indices -------------------------------------------------------------------------------------------------


@steady
@given(gradients.broadcastable_shapes(3))
def test_shapes_broadcast(found: Any) -> None:
    assert len(found) == 3
    assert len(np.broadcast_shapes(*found)) <= 3


def test_shapes_shrink_and_vary() -> None:
    assert find(gradients.broadcastable_shapes(2), lambda s: True, settings=looking) == ((), ())
    assert find(gradients.broadcastable_shapes(2), lambda s: s[0] != s[1] and 0 not in s[0] + s[1], settings=looking)
    assert find(gradients.broadcastable_shapes(2), lambda s: 0 in s[0], settings=looking)


@steady
@given(st.data())
def test_axes_are_those_of_the_array(data: Any) -> None:
    x = data.draw(gradients.arrays())
    axis = data.draw(gradients.axes(x.shape))
    assert np.sum(x, axis=axis, keepdims=True).ndim == x.ndim
    if x.ndim:
        assert np.cumsum(x, axis=data.draw(gradients.axes(x.ndim, single=True))).shape == x.shape


@pytest.mark.parametrize("axis", [None, 1, -2, (), (0, -1)])
def test_every_kind_of_axis_is_drawn(axis: Any) -> None:
    assert find(gradients.axes(2), lambda a: a == axis and type(a) is type(axis), settings=looking) == axis


@pytest.mark.slow
@settings(steady, max_examples=80)
@given(st.data())
def test_indices_are_valid_and_differentiable(data: Any) -> None:
    x = data.draw(gradients.arrays(layout="contiguous"))
    index = data.draw(gradients.index_expressions(x.shape))
    expected = x[index]
    t = Tensor(x)
    y = t[index]
    np.testing.assert_array_equal(y.numpy(), expected)
    y.sum().backward()
    counts = np.zeros(x.shape)
    np.add.at(counts, index, 1.0)
    np.testing.assert_array_equal(t.grad.numpy(), counts)


@steady
@given(st.data())
def test_basic_indices_make_views(data: Any) -> None:
    x = np.zeros(data.draw(gradients.shapes(min_side=1)))
    y = x[data.draw(gradients.index_expressions(x.shape, advanced=False))]
    assert np.isscalar(y) or y.base is x or y is x


def entries(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def arrays_in(index: Any, kind: str) -> list[Any]:
    return [i for i in entries(index) if isinstance(i, np.ndarray) and i.dtype.kind == kind]


INDICES: dict[str, Any] = {
    "negative": lambda i: any(isinstance(e, int) and e < 0 for e in entries(i)),
    "step": lambda i: any(isinstance(e, slice) and (e.step or 1) < -1 for e in entries(i)),
    "new axis": lambda i: entries(i)[0] is None if entries(i) else False,
    "ellipsis": lambda i: any(e is Ellipsis for e in entries(i)),
    "nothing": lambda i: not isinstance(i, np.ndarray) and i == (),
    "two arrays": lambda i: len(arrays_in(i, "i")) == 2,
    "an array of two axes": lambda i: any(a.ndim == 2 for a in arrays_in(i, "i")),
    "a mask of two axes": lambda i: any(a.ndim == 2 for a in arrays_in(i, "b")),
    "mask and array": lambda i: bool(arrays_in(i, "b") and arrays_in(i, "i")),
    "array and slice and new axis": lambda i: (
        bool(arrays_in(i, "i")) and any(isinstance(e, slice) for e in entries(i)) and any(e is None for e in entries(i))
    ),
}


@pytest.mark.slow
def test_every_kind_of_index_is_drawn() -> None:
    indices = samples(gradients.index_expressions((3, 2, 2)), 250) + samples(gradients.index_expressions((5,)), 100)
    assert {kind for kind, wanted in INDICES.items() if any(map(wanted, indices))} == set(INDICES)


@pytest.mark.parametrize("unwanted", [lambda e: e is None, lambda e: isinstance(e, np.ndarray)])
def test_kinds_of_index_are_left_out(unwanted: Any) -> None:
    plain = gradients.index_expressions((3, 2), advanced=False, newaxis=False)
    with pytest.raises(NoSuchExample):
        find(plain, lambda i: any(map(unwanted, entries(i))), settings=settings(looking, max_examples=60))


# --- products and matrices -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(steady, max_examples=100)
@given(gradients.einsum_specs())
def test_einsum_specs_are_valid(spec: gradients.EinsumSpec) -> None:
    operands = [np.arange(1.0, 1 + math.prod(shape)).reshape(shape) for shape in spec.shapes]
    expected = np.einsum(spec.subscripts, *operands)
    ts = [Tensor(x) for x in operands]
    y = ag.einsum(spec.subscripts, *ts)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)
    y.sum().backward()
    for t in ts:  # the sum of the output is linear in each operand
        np.testing.assert_allclose(np.sum(t.grad.numpy() * t.numpy()), expected.sum(), rtol=1e-12)


EINSUMS: dict[str, Any] = {
    "diagonal": lambda s: "ii" in s.subscripts,
    "ellipsis": lambda s: "..." in s.subscripts and "->" in s.subscripts and "," in s.subscripts,
    "no arrow": lambda s: "->" not in s.subscripts,
    "three": lambda s: s.subscripts.count(",") == 2,
}


@pytest.mark.slow
def test_every_kind_of_einsum_is_drawn() -> None:
    specs = samples(gradients.einsum_specs(), 200)
    assert {kind for kind, wanted in EINSUMS.items() if any(map(wanted, specs))} == set(EINSUMS)


@steady
@given(gradients.matmul_pairs())
def test_matmul_takes_the_pairs(pair: Any) -> None:
    left, right = pair
    np.testing.assert_allclose(ag.matmul(Tensor(left), Tensor(right)).numpy(), left @ right, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_matmul_pairs_of_all_numbers_of_axes() -> None:
    dims = {(left.ndim, right.ndim) for left, right in samples(gradients.matmul_pairs(max_dims=3, max_side=2), 250)}
    assert dims >= {(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (1, 3)}


@pytest.mark.parametrize("distinct", [False, True])
@steady
@given(data=st.data())
def test_matrices_are_as_conditioned_as_asked(distinct: bool, data: Any) -> None:
    condition = data.draw(st.sampled_from([2.0, 10.0, 1000.0]))
    x = data.draw(gradients.spd_matrices(condition=condition, distinct=distinct))
    values = np.linalg.eigvalsh(x)
    np.testing.assert_array_equal(x, x.T)
    shape = data.draw(gradients.broadcastable_shapes(1, max_dims=2).filter(lambda s: len(s[0]) == 2))[0]
    w = data.draw(gradients.well_conditioned(shape, condition=condition, distinct=distinct))
    assert w.shape == shape
    singular = np.linalg.svd(w, compute_uv=False)
    for found in (values, singular):
        assert (found >= 1 - 1e-12 * condition).all()
        assert (found <= condition * (1 + 1e-12)).all()
        if distinct:
            assert (abs(np.diff(found)) > 0.9 * (condition - 1) / (2 * max(len(found), 1))).all()


def test_matrices_are_not_diagonal_only() -> None:
    full = find(gradients.spd_matrices(3), lambda x: (x != 0).all() and len(set(x.ravel())) > 3, settings=drawing)
    assert np.linalg.eigvalsh(full).min() >= 1 - 1e-12


# --- containers ------------------------------------------------------------------------------------------------------------


@steady
@given(gradients.containers(gradients.arrays((2,))))
def test_containers_hold_arrays(tree: Any) -> None:
    assert isinstance(tree, (list, tuple, dict))
    found = list(leaves(tree))
    assert found
    assert all(isinstance(leaf, np.ndarray) for leaf in found)


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_containers_nest_and_shrink(kind: Any) -> None:
    tree = find(
        gradients.containers(st.just(1)),
        lambda t: isinstance(t, kind) and not any(isinstance(leaf, int) for leaf in (t.values() if kind is dict else t)),
        settings=looking,
    )
    assert tree == {list: [[1]], tuple: ([1],), dict: {"a": [1]}}[kind]


# --- programs --------------------------------------------------------------------------------------------------------------


def check_gradients(program: Program) -> None:
    """The engine's gradients along a direction, against finite differences; in forward mode too."""
    xs = list(program.inputs)
    check_grads(lambda *args: ag.sum(program.run(*args)), *xs, order=1, directions=1)


def check_printed_code(program: Program) -> None:
    """It runs, and gives what the program gives, for arrays and for Tensors."""
    space: dict[str, Any] = {}
    exec(str(program), space)
    plain = program.run()
    np.testing.assert_array_equal(space["y"], plain)
    np.testing.assert_array_equal(program.run(*map(Tensor, program.inputs)).numpy(), plain)
    assert np.isfinite(plain).all()
    assert abs(plain).max() <= 4


def check_no_dead_code(program: Program) -> None:
    read = {i for statement in program.statements for i in statement.reads}
    assert read == set(range(len(program.inputs) + len(program.statements) - 1))


def broadcasts(program: Program) -> bool:
    """Whether an op reads values of two shapes."""
    names = {f"x{i}": x for i, x in enumerate(program.inputs)}
    shapes = {
        name: np.shape(x) for name, x in execute(program.body, names).items() if name in names or re.match(r"x\d|y$", name)
    }
    return any(len({shapes[program.name(i)] for i in s.reads}) > 1 for s in program.statements if len(s.lines) == 1)


KINDS: dict[str, Any] = {
    "assignment": lambda p: re.search(r"\] [+*]?= ", p.body),
    "an addition at places": lambda p: "] += " in p.body,
    "a view that is gone": lambda p: "del part" in p.body,
    "a view": lambda p: "[" in p.body and p.run().base is not None,
    "matmul": lambda p: "ag.matmul" in p.body,
    "reduction": lambda p: re.search(r"ag\.(sum|mean|std|var|max)", p.body),
    "an axis": lambda p: "axis=" in p.body,
    "special": lambda p: "ag.special." in p.body,
    "a sample": lambda p: "np.linspace" in p.body,
    "shared": lambda p: len([i for s in p.statements for i in s.reads]) > len({i for s in p.statements for i in s.reads}),
    "broadcasting": broadcasts,
    "five statements": lambda p: len(p.statements) >= 5,
}


@pytest.mark.slow
def test_programs_are_differentiated_printed_and_varied() -> None:
    """One run for all that holds of programs, because drawing them is what takes time."""
    seen = set[str]()

    @settings(steady, max_examples=120)
    @given(programs())
    def check(program: Program) -> None:
        check_gradients(program)
        check_printed_code(program)
        check_no_dead_code(program)
        assert 1 <= len(program.statements) <= 8
        seen.update(kind for kind, wanted in KINDS.items() if wanted(program))

    check()
    assert seen == set(KINDS)


@settings(steady, max_examples=10)
@given(programs(max_statements=2))
def test_programs_are_as_long_as_asked(program: Program) -> None:
    assert 1 <= len(program.statements) <= 2


# --- every statement there is ----------------------------------------------------------------------------------------------

EXCEPT = {"rad2deg"}  # whose values are large
VALUES = [np.array([0.5, -0.7]), np.array([[-0.3, 0.9, 0.1], [0.6, -1.0, 0.4]]), np.array([[0.3, 0.8], [-0.5, 0.2]])]


def reached(make: Any, values: list[Any]) -> Any:
    """A statement of this kind with a tame value, after a few attempts."""

    @st.composite
    def attempt(draw: Any) -> Any:
        return next((s for s in make(draw, values) if value_of(s, values) is not None), None)

    return find(attempt(), lambda s: s is not None, settings=settings(drawing, max_examples=80))


@pytest.mark.parametrize("table", [REDUCTIONS, ALONG, MOVES], ids=["reductions", "along", "moves"])
def test_each_call_of_the_tables_is_reached(table: Any) -> None:
    for least in table:
        values = [x for x in VALUES if x.ndim >= least]
        for row in set(rows_of(table)(least)) - (set(rows_of(table)(least - 1)) if least else set()):
            statement = reached(lambda draw, values, row=row: called(draw, values, lambda ndim: [row]), values)
            assert statement.reads


@pytest.mark.slow
@pytest.mark.parametrize(("family", "ops"), [(elementwise, calls), (sampled, sampled_rules)])
def test_each_rule_is_reached(family: Any, ops: Any) -> None:
    found = ops(ag.registry.values())
    assert len(found) > 100
    for text, known in found:
        if known.key not in EXCEPT:
            assert text in reached(lambda draw, values, op=(text, known): family(draw, values, [op]), VALUES).lines[0]


def test_a_copy_is_written_to_when_its_view_has_gone() -> None:
    """The statement does what an engine could get wrong: its derivative reads memory that is written to afterwards."""
    statement = reached(aliasing, VALUES)
    assert statement.lines[0] == "{0} = ag.copy({1})"
    assert statement.lines[-2] == "del part"
    x = Tensor(VALUES[0])
    y = ag.copy(x)
    part = y[:]
    used = part * part
    with pytest.raises(AliasError):
        y[0] = ag.mean(used)
    del part
    y[0] = ag.mean(used)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), VALUES[0] + [0.0, 1.0])


def test_most_elementwise_rules_are_used() -> None:
    public = [r for r in ag.registry.values() if usable(r) and spelling(r)]
    assert len(public) > 80
    for unwanted in ("sech_squared", "power_log"):
        assert not (usable(ag.registry[unwanted]) and spelling(ag.registry[unwanted]))


def planted(kind: str) -> Any:
    """A wrong rule: a factor that is a little off, or the derivative of an input that is another's."""
    if kind == "factor":

        @rule(kind="elementwise", x=lambda g, x: g * 2.001 * x)
        def planted_square(x: Any) -> Any:
            return x * x

        return planted_square

    @rule(kind="elementwise", x=lambda g, w: g * w, w=lambda g, w: g * w)
    def planted_product(x: Any, w: Any) -> Any:
        return x * w

    return planted_product


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "only"), [("factor", True), ("factor", False), ("swap", True)])
@pytest.mark.usefixtures("own_ops")
def test_a_planted_wrong_rule_is_found_and_shrunk(kind: str, only: bool) -> None:
    op = planted(kind)

    def wrong(program: Program) -> bool:
        try:
            check_gradients(program)
        except AssertionError:
            return True
        return False

    program = find(programs(rules=[op.rule.key]) if only else programs(), wrong, settings=looking)
    lines = str(program).splitlines()
    assert op.rule.key in program.body
    assert lines[:2] == ["import numpy as np", "import autograd as ag"]
    assert len(lines) <= 5
    assert len(program.statements) == 1
    assert all(x.size == 1 for x in program.inputs)
