"""What collectors find: every op once, in order, with the values and gradients that are there; and nothing is changed by it."""

import gc
import json
import os
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
import nn
import optim
from autograd import GradientError, GraphReleasedError, RecordingError, ShapeError, Tensor
from autograd.viz import draw
from autograd.viz.collect import from_tensor
from autograd.viz.model import BINS, GraphData, Stats
from autograd.viz.programs import from_program
from autograd.viz.watch import clashes, from_call, watch

X = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
Y = np.array([0, 1, 0, 1, 0])


def net() -> Any:
    return nn.init.reset(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), seed=0)


def titles(graph: GraphData) -> list[str]:
    graph.check()
    return [box.title for box in graph.boxes]


# --- what is told of arrays ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(allow_subnormal=True), max_size=30))
def test_statistics_are_numpys(values):
    array = np.array(values)
    stats = Stats.of(array)
    finite = array[np.isfinite(array)]
    assert (stats.size, stats.nans, stats.infinities) == (len(array), np.isnan(array).sum(), np.isinf(array).sum())
    assert sum(stats.bins) == finite.size
    assert len(stats.bins) == BINS
    if finite.size:
        assert (stats.least, stats.largest) == (finite.min(), finite.max())
        assert stats.zeros == np.mean(array == 0)
        with np.errstate(all="ignore"):
            small = np.abs(finite).max() < 1e100
            if small and np.abs(finite[finite != 0]).min(initial=1.0) > 1e-100:
                np.testing.assert_allclose(stats.mean, finite.mean(), rtol=1e-9, atol=1e-12 * np.abs(finite).max())
                np.testing.assert_allclose(stats.norm, np.linalg.norm(finite), rtol=1e-9)
        assert np.isfinite([stats.mean, stats.std]).all()


def test_bins_are_equal_steps():
    assert Stats.of(np.arange(BINS)).bins == (1,) * BINS
    assert Stats.of(np.array([0.0, 0.0, 1.0])).bins == (2, *(0,) * (BINS - 2), 1)


def test_a_graph_goes_through_json():
    with watch() as seen:
        x = Tensor(np.array([1.0, np.nan, np.inf]))
        (x * 2.0).sum().backward()
    graph = seen.graph
    assert repr(GraphData.from_json(json.loads(json.dumps(graph.to_json(), allow_nan=False)))) == repr(graph)


# --- the graph behind a Tensor ---------------------------------------------------------------------------------------------


def expression() -> tuple[Tensor, dict[str, Tensor]]:
    a, b, c, f = Tensor(2.0), Tensor(-3.0), Tensor(10.0), Tensor(-2.0)
    e = a * b
    d = e + c
    return d * f, {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d}


def test_an_expression_of_numbers_has_every_value_gradient_and_slope():
    loss, names = expression()
    loss.backward(retain_graph=True)
    graph = from_tensor(loss, names.items())
    known = {box.name or "loss": (box.op, box.value, box.gradient) for box in graph.boxes}
    assert known == {
        "a": ("", 2.0, 6.0),
        "b": ("", -3.0, -4.0),
        "c": ("", 10.0, -2.0),
        "f": ("", -2.0, 4.0),
        "e": ("multiply", -6.0, -2.0),
        "d": ("add", 4.0, -2.0),
        "loss": ("multiply", -8.0, 1.0),
    }
    for edge in graph.edges:
        assert edge.slope is not None
    gradients = dict.fromkeys(range(len(graph.boxes)), 0.0)
    gradients[len(graph.boxes) - 1] = 1.0
    for edge in sorted(graph.edges, key=lambda edge: -edge.target):  # the chain rule, on the picture
        gradients[edge.source] += gradients[edge.target] * edge.slope
    assert gradients == {box.number: box.gradient for box in graph.boxes}
    assert [box.is_output for box in graph.boxes] == [False] * 6 + [True]


def test_a_constant_has_a_box_where_a_derivative_reads_it():
    x = Tensor(np.ones(3))
    assert titles(from_tensor((x * 2.0).sum(), [("x", x)])) == ["x", "constant", "multiply", "sum"]


def test_arrays_that_the_graph_keeps_are_told_of():
    x = Tensor(X)
    y = np.tanh(x)
    graph = from_tensor((y * y).sum())
    assert [box.values for box in graph.boxes] == [Stats.of(X), Stats.of(np.tanh(X)), None, None]
    assert [box.kept for box in graph.boxes] == [0, X.nbytes, X.nbytes, 0]
    graph = from_tensor(x.sum())
    assert graph.boxes[0].values is None
    assert from_tensor(x.sum(), [("x", x)]).boxes[0].values == Stats.of(X)


@pytest.mark.slow
def test_a_long_chain_is_no_trouble():
    x = Tensor(1.0)
    for _ in range(20_000):
        x = -x
    assert len(from_tensor(x).edges) == 20_000


def test_nothing_is_kept_alive_or_changed():
    x = Tensor(X)
    y = np.tanh(x)
    loss = (y * y).sum()
    graph = from_tensor(loss)
    array = weakref.ref(y)
    del y, loss
    gc.collect()
    assert array() is None
    assert graph.boxes[1].values is not None
    loss, names = expression()
    from_tensor(loss, names.items())
    loss.backward()
    assert names["a"].grad == 6.0


def test_a_released_graph_is_told():
    loss, _ = expression()
    loss.backward()
    with pytest.raises(GraphReleasedError, match="retain_graph=True"):
        from_tensor(loss)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (np.ones(3), "draw\\(\\) got a ndarray, behind which there is no graph"),
        (3.0, "got a float"),
        (Tensor([1, 2]), "has no history"),
        (Tensor(2.0).detach(), "has no history"),
    ],
)
def test_what_has_no_graph_is_told(thing, words):
    with pytest.raises(GradientError, match=words):
        from_tensor(thing)


# --- what is watched -------------------------------------------------------------------------------------------------------


def test_a_watch_sees_values_gradients_modules_and_lines():
    model = net()
    with watch("training") as seen:
        loss = nn.CrossEntropyLoss()(model(X), Y)
        loss.backward()
    graph = seen.graph
    assert [(group.path, group.kind, group.parent) for group in graph.groups] == [
        ("", "Sequential", None),
        ("0", "Linear", 0),
        ("1", "Tanh", 0),
        ("2", "Linear", 0),
        ("", "CrossEntropyLoss", None),
    ]
    assert sum(group.parameters for group in graph.groups) == 26
    named = {box.name: box for box in graph.boxes if box.kind == "parameter"}
    assert named.keys() == {"0.weight", "0.bias", "2.weight", "2.bias"}
    for name, p in model.named_parameters():
        assert named[name].values == Stats.of(p.data)
        assert named[name].gradients == Stats.of(p.grad.numpy())
    tanh = next(box for box in graph.boxes if box.op == "tanh")
    assert graph.groups[tanh.group].path == "1"
    assert tanh.gradients is not None
    assert tanh.source[2].startswith("loss = nn.CrossEntropyLoss()(model(X), Y)")
    assert tanh.source[0] == os.path.relpath(__file__)
    assert tanh.seconds > 0
    assert tanh.kept == 80
    assert any(box.value == float(loss) and box.gradient == 1.0 for box in graph.boxes)


def test_a_watch_changes_no_number():
    results = []
    for watched in (False, True):
        model = net()
        with watch() if watched else ag.enable_grad():
            loss = nn.CrossEntropyLoss()(model(X), Y)
            loss.backward()
        with pytest.raises(GraphReleasedError):
            loss.backward()
        results.append((float(loss), [p.grad.numpy().tobytes() for p in model.parameters()]))
    assert results[0] == results[1]


def test_a_watch_keeps_no_array():
    with watch() as seen:
        y = np.tanh(Tensor(X))
        alive = weakref.ref(y)
        del y
        gc.collect()
        assert alive() is None
    assert titles(seen.graph) == ["input", "tanh"]


def test_what_is_kept_is_counted_anew_where_an_array_has_the_place_of_one_that_was_freed():
    with watch() as seen:
        for _ in range(20):
            np.tanh(Tensor(np.ones(1000)))
    assert [box.kept for box in seen.graph.boxes if box.op] == [8000] * 20


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
def test_a_parameter_that_was_stepped_is_another_value(optimizer):
    model = net()
    steps = optimizer(model.parameters(), 0.1)
    with watch() as seen:
        for _ in range(2):
            steps.zero_grad()
            nn.CrossEntropyLoss()(model(X), Y).backward()
            steps.step()
    bias = [box for box in seen.graph.boxes if box.name == "0.bias"]
    assert len(bias) == 2
    assert bias[0].values != bias[1].values
    assert bias[0].gradients != bias[1].gradients


def test_a_watch_sees_where_a_gradient_is_cut():
    with watch() as seen:
        x = Tensor(2.0)
        y = (x * 3.0).detach() * x
        with ag.no_grad():
            z = x * 5.0
        (y + z).backward()
    assert titles(seen.graph) == ["input", "constant", "multiply", "detach", "multiply", "constant", "multiply", "add"]
    assert [box.marks for box in seen.graph.boxes] == [(), (), (), ("detach",), (), (), ("no_grad",), ()]
    assert [box.wanted for box in seen.graph.boxes] == [True, False, True, False, True, False, False, True]


def test_a_value_that_is_replaced_in_place_goes_on_as_the_new_one():
    with watch() as seen:
        x = Tensor([1.0, 2.0])
        y = x * 2.0
        y += 1.0
        np.exp(y)
    graph = seen.graph
    exp = graph.boxes[-1]
    (edge,) = [edge for edge in graph.edges if edge.target == exp.number]
    assert graph.boxes[edge.source].op == "add"


def test_gradients_of_intermediates_stay_where_they_were_asked_for():
    with watch():
        x = Tensor([1.0, 2.0])
        y = x * 2.0
        y.sum().backward()
    assert y.grad is None
    with watch():
        y = x * 2.0
        y.sum().backward(retain_graph=True)
    np.testing.assert_array_equal(y.grad.numpy(), 1)


def test_a_leaf_is_its_own_gradient_in_a_watch_too():
    x = Tensor(2.0)
    with watch():
        x.backward()
        x.backward()
    assert x.grad == 2.0


def test_a_watch_within_a_recording_is_told_and_a_recording_within_a_watch_is_not_seen():
    def step(x: Any) -> Any:
        with watch():
            return x * 2.0

    with pytest.raises(RecordingError, match="watch"):
        ag.record(step, 1.0)
    with watch() as seen:
        ag.record(lambda x: x * 2.0, 1.0)
    assert seen.graph.boxes == []


# --- calls -----------------------------------------------------------------------------------------------------------------


def test_a_model_is_called_as_in_evaluation_and_left_as_it_was():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    before = {name: value.tobytes() for name, value in model.state_dict().items()}
    stream = ag.random.default_generator().bit_generator.state
    graph = from_call(model, X)
    assert {name: value.tobytes() for name, value in model.state_dict().items()} == before
    assert ag.random.default_generator().bit_generator.state == stream
    assert all(module.training for module in model.modules())
    assert graph.title == "Sequential"
    assert [box.kind for box in graph.boxes].count("buffer") == 2
    assert [box.is_output for box in graph.boxes][-1]
    assert graph.boxes[0].name == "x"


def test_inputs_of_a_function_have_its_names():
    graph = from_call(lambda left, right: left @ right, np.ones((2, 3)), np.ones((3, 2)))
    assert titles(graph) == ["left", "right", "matmul"]


@pytest.mark.parametrize(
    ("function", "shapes", "marks"),
    [
        (lambda x, w: x @ w, [(5, 3), (4, 2)], [-1, -2]),
        (lambda x, w: x @ w, [(5, 3), (4,)], [-1, -1]),
        (lambda x, w: x + w, [(5, 3), (5, 4)], [-1, -1]),
        (lambda x, w: x * w, [(2, 1, 3), (5, 6, 3)], [-3, -3]),
        (lambda x, w: x * w, [(5, 3), (2, 3)], [-2, -2]),
        (lambda x, w: np.tanh(x).reshape(7), [(5, 3), ()], None),
    ],
)
def test_a_failed_call_is_shown_up_to_the_op_that_raised(function, shapes, marks):
    graph = from_call(function, *map(np.ones, shapes))
    box = graph.boxes[-1]
    assert box.marks == ("failed",)
    assert box.op in box.error
    edges = [edge.marks for edge in graph.edges if edge.target == box.number]
    assert edges == ([(f"clash: axis {axis}",) for axis in marks] if marks else [()])


def test_a_failure_that_no_op_saw_is_its_module():
    class Picky(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Tanh()

        def forward(self, x: Any) -> Any:
            if np.shape(self.inner(x))[0] == 5:
                raise ShapeError("not five")
            return x

    graph = from_call(nn.Sequential(nn.Linear(3, 4), Picky()), X)
    assert titles(graph)[-2:] == ["tanh", "Picky"]
    assert "not five" in graph.boxes[-1].error
    assert graph.edges[-1].source == next(box.number for box in graph.boxes if box.op == "affine")


def test_an_error_of_the_users_own_is_raised():
    with pytest.raises(ZeroDivisionError):
        from_call(lambda x: 1 / 0, 1.0)


def test_axes_that_clash():
    assert clashes("matmul", [(2, 5, 3), (4, 3, 2)]) == [-3, -3]
    assert clashes("add", [(3,), (1,)]) == [None, None]
    assert clashes("add", [(3,), (2, 3), (4, 3)]) == [None, -2, -2]
    assert clashes("reshape", [(3,)]) == [None]


# --- Programs --------------------------------------------------------------------------------------------------------------


def recorded() -> Any:
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, ag.record(step, X, Y)[1]


def test_a_program_has_three_phases_and_the_modules_inside():
    _, program = recorded()
    graph = from_program(program)
    graph.check()
    assert [group.path for group in graph.groups if group.parent is None] == ["forward", "backward", "update"]
    assert [group.kind for group in graph.groups if group.parent == 0] == ["Sequential", "CrossEntropyLoss"]
    ops = [box for box in graph.boxes if box.kind == "op"]
    assert len({box.number for box in ops}) == sum(len(step.outputs) for step in program)
    assert {box.phase for box in ops} == {"forward", "backward", "update"}
    assert [box.name for box in graph.boxes if box.phase == "update" and box.name.endswith("weight <-")] == [
        "model.0.weight <-",
        "model.2.weight <-",
    ]
    assert all(box.values is None for box in ops)


def test_a_program_with_arguments_tells_values_and_replaces_nothing():
    model, program = recorded()
    before = model.state_dict()
    graph = from_program(program, X, Y)
    assert all(before[name].tobytes() == value.tobytes() for name, value in model.state_dict().items())
    loss = next(box for box in graph.boxes if box.op == "class_entropy" and box.shape == ())
    assert loss.value == pytest.approx(float(nn.CrossEntropyLoss()(model(X), Y)))
    assert all(box.seconds is not None and (box.value is not None or box.values is not None) for box in graph.boxes if box.op)


def test_constants_and_what_a_watch_saw_have_the_users_names():
    x, w = Tensor(X.astype(float), requires_grad=False), Tensor(np.ones((3, 2)))
    with watch() as seen:
        z = x @ w
        loss = (z * z).sum()
    assert [box.title for box in draw(loss).graph.boxes if box.kind != "op"] == ["w", "x"]
    assert [box.name for box in draw(seen).graph.boxes] == ["x", "w", "z", "", "loss"]


def test_a_model_that_raises_an_error_of_pythons_own_is_shown():
    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.no_such_thing

    graph = from_call(nn.Sequential(nn.Linear(3, 4), Broken()), X)
    assert titles(graph)[-1] == "Broken"
    assert "no_such_thing" in graph.boxes[-1].error
