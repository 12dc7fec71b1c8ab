"""The first nan, and why a gradient is None or zero: a table of cases, each with the sentence that it is told in."""

import numpy as np
import pytest

import autograd
from autograd import Tensor, no_grad
from autograd.errors import GradientError
from autograd.viz.collect import from_tensor
from autograd.viz.model import Box, Edge, GraphData, Stats
from autograd.viz.reasons import explain, explain_gradient, origin, why
from autograd.viz.watch import Watch


def watched(function, **inputs) -> GraphData:
    """What a watch sees of a function of named Tensors."""
    tensors = {name: value if isinstance(value, Tensor) else Tensor(value) for name, value in inputs.items()}
    seen = Watch({id(tensor): name for name, tensor in tensors.items()})
    with np.errstate(all="ignore"), seen:
        function(**tensors)
    for box in seen.graph.boxes:
        box.source = None
    seen.graph.check()
    return seen.graph


def of_x(graph: GraphData) -> str:
    return explain_gradient(graph, next(box.number for box in graph.boxes if box.name == "x"))


def without_graph(x, w):
    with no_grad():
        y = x * 3.0
    (y * w).sum().backward()


def twice(x, w):
    (x.detach() * w + np.floor(x).astype(int) * w).sum().backward()


def half(values):
    return Tensor(np.array(values, np.float16))


NEGATIVE, POSITIVE, LARGE = [-1.0, -2.0], [1.0, 2.0], [1000.0, -2000.0]

CASES = {
    # None
    "detach": (
        lambda x, w: (x.detach() * w).sum().backward(),
        NEGATIVE,
        "Every way from x to the loss is cut: detach takes the value out of the graph.",
    ),
    "detach later": (
        lambda x, w: ((x * 2.0).detach() * w).sum().backward(),
        NEGATIVE,
        "Every way from x to the loss is cut: detach takes the value out of the graph.",
    ),
    "no_grad": (without_graph, POSITIVE, "Every way from x to the loss is cut: multiply ran in no_grad()."),
    "integers": (
        lambda x, w: (x.astype(int) * w).sum().backward(),
        POSITIVE,
        "Every way from x to the loss is cut: astype has no derivative.",
    ),
    "comparison": (
        lambda x, w: ((x > 0) * w).sum().backward(),
        POSITIVE,
        "Every way from x to the loss is cut: greater has no derivative.",
    ),
    "argmax": (
        lambda x, w: w[x.argmax()].backward(),
        POSITIVE,
        "Every way from x to the loss is cut: argmax has no derivative.",
    ),
    "two cuts": (
        twice,
        POSITIVE,
        "Every way from x to the loss is cut: detach takes the value out of the graph; and astype has no derivative.",
    ),
    "no backward": (
        lambda x, w: (x * w).sum(),
        POSITIVE,
        "The way from x to the loss is there (x → multiply → sum), but no backward() has been called on it.",
    ),
    "no backward, a long way": (
        lambda x, w: np.exp(np.sin(np.cos(np.tanh(x * w)))).sum(),
        POSITIVE,
        "The way from x to the loss is there (x → multiply → tanh → … → exp → sum), but no backward() has been called on it.",
    ),
    "not used": (
        lambda x, w: (x * w, (w * w).sum().backward()),
        POSITIVE,
        "x is read, but the loss does not depend on what becomes of it: the last op is multiply.",
    ),
    "not wanted": (
        lambda x, w: (x * w).sum().backward(),
        Tensor(POSITIVE, requires_grad=False),
        "x does not require a gradient: it was made with requires_grad=False, detached, or computed in no_grad().",
    ),
    "of integers": (
        lambda x, w: (x * w).sum().backward(),
        Tensor([1, 2]),
        "x holds int64, and only floats and complex numbers have gradients.",
    ),
    # zero
    "dead relu": (
        lambda x, w: (autograd.relu(x) * w).sum().backward(),
        NEGATIVE,
        "The gradient of x is zero: relu is 0 everywhere, its largest input is -1 (a dead unit).",
    ),
    "dead relu later": (
        lambda x, w: (autograd.relu(x * 2.0) * w).sum().backward(),
        NEGATIVE,
        "The gradient of x is zero: relu is 0 everywhere, its largest input is -2 (a dead unit).",
    ),
    "sigmoid": (
        lambda x, w: (autograd.sigmoid(x) * w).sum().backward(),
        LARGE,
        "The gradient of x is zero: sigmoid is saturated: its values are 0 or 1 for inputs of -2000 to 1000.",
    ),
    "tanh": (
        lambda x, w: (np.tanh(x) * w).sum().backward(),
        LARGE,
        "The gradient of x is zero: tanh is saturated: its values are -1 or 1 for inputs of -2000 to 1000.",
    ),
    "softmax": (
        lambda x, w: (autograd.softmax(x) * w).sum().backward(),
        LARGE,
        "The gradient of x is zero: softmax is saturated: its values are 0 or 1 for inputs of -2000 to 1000.",
    ),
    "times zero": (
        lambda x, w: (x * (w * 0.0)).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: multiply multiplies it by multiply, which is 0 everywhere.",
    ),
    "where": (
        lambda x, w: np.where(np.array([True, True]), w, x).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: where chooses the other value everywhere.",
    ),
    "dropout": (
        lambda x, w: (x * np.zeros(2) * w).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: multiply multiplies it by a constant, which is 0 everywhere.",
    ),
    "rows": (
        lambda x, w: np.stack([w, x])[0].sum().backward(),
        POSITIVE,
        "The gradient of x is zero: a gradient arrives at other elements of stack only.",
    ),
    "max": (
        lambda x, w: np.concatenate([x, w]).max().backward(),
        NEGATIVE,
        "The gradient of x is zero: a gradient arrives at other elements of concatenate only.",
    ),
    "maximum": (
        lambda x, w: np.maximum(x, w).sum().backward(),
        NEGATIVE,
        "The gradient of x is zero: maximum took the other value everywhere.",
    ),
    "floor": (
        lambda x, w: (np.floor(x) * w).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: floor is constant between its jumps, so that its derivative is 0.",
    ),
    "clip": (
        lambda x, w: (np.clip(x, 10.0, 20.0) * w).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: clip cuts every element off at a bound: they are 1 to 2, and become 10.",
    ),
    "power": (
        lambda x, w: (x**0 * w).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: power raises it to the power 0, which is 1 whatever it is.",
    ),
    "square": (
        lambda x, w: (np.square(x) * w).sum().backward(),
        [0.0, 0.0],
        "The gradient of x is zero: square has slope 0 where its input is 0.",
    ),
    "cancelled": (
        lambda x, w: (x - x).sum().backward(),
        POSITIVE,
        "The gradient of x is zero: what subtract gives to it adds up to zero.",
    ),
    "underflow": (
        lambda x, w: (x * half([1e-4, 1e-4]) * half([1e-4, 2e-4])).sum().backward(),
        half([1.0, 2.0]),
        "The gradient of x is zero: it is lost by underflow in float16 at multiply, whose own gradient is 0.0002 at most: "
        "scale the loss, or compute this in float32.",
    ),
    "a loss of no weight": (
        lambda x, w: (x * w).backward(np.zeros(2)),
        POSITIVE,
        "The gradient of x is zero: the gradient that the backward pass began with is zero.",
    ),
    # neither
    "there": (lambda x, w: (x * w).sum().backward(), POSITIVE, ""),
    "nan": (lambda x, w: (x * np.nan).sum().backward(), POSITIVE, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_is_explained(name):
    function, x, sentence = CASES[name]
    assert of_x(watched(function, x=x, w=[1.0, 2.0])) == sentence


def test_a_row_that_was_not_looked_up():
    graph = watched(lambda x, w: x[np.array([1, 1])].sum().backward(), x=[[1.0, 2.0], [3.0, 4.0]], w=1.0)
    assert of_x(graph) == ""  # of a part of it only


def test_what_no_op_reads():
    graph = GraphData([Box(0, kind="parameter", name="w", wanted=True), Box(1, "sum", gradient=1.0, wanted=True)])
    assert explain_gradient(graph, 0) == "w is read by no op, so the loss does not depend on it."


def test_the_module_and_the_line_are_told():
    graph = watched(lambda x, w: (autograd.relu(x) * w).sum().backward(), x=NEGATIVE, w=POSITIVE)
    relu = next(box for box in graph.boxes if box.op == "relu")
    relu.source, relu.name = ("train.py", 12, "y = relu(x)"), "y"
    assert "relu (y) at train.py:12 is 0 everywhere" in of_x(graph)


def test_gradients_in_between_are_said_to_be_kept_by_retain_graph():
    x, y = Box(0, kind="input", name="x", wanted=True, gradient=3.0), Box(1, "exp", name="y", wanted=True)
    graph = GraphData([x, y, Box(2, "sum", wanted=True, gradient=1.0)], [Edge(0, 1), Edge(1, 2)])
    assert explain_gradient(graph, 1) == (
        "y lies on the way to the loss, but gradients of values in between are kept only by backward(retain_graph=True), or "
        "seen by a watch."
    )


def test_explain_fills_in_what_somebody_may_wonder_about():
    graph = watched(lambda x, w: ((x > 0) * w).sum().backward(), x=POSITIVE, w=POSITIVE)
    explain(graph)
    assert {box.title: bool(box.why) for box in graph.boxes} == {
        "x": True,
        "constant": False,
        "greater": True,
        "w": False,
        "multiply": False,
        "sum": False,
    }


@pytest.mark.slow
def test_explaining_a_long_chain_takes_no_recursion_and_little_text():
    count = 20_000
    graph = GraphData([Box(i, "tanh" if i else "", "op" if i else "input", wanted=True) for i in range(count)])
    graph.edges = [Edge(i, i + 1) for i in range(count - 1)]
    assert "(input → tanh → tanh → … → tanh → tanh)" in explain_gradient(graph, 0)
    explain(graph)
    assert sum(len(box.why) for box in graph.boxes) == 0


# --- of live Tensors -------------------------------------------------------------------------------------------------------


def test_why_of_a_gradient_that_is_there():
    x = Tensor([1.0, 3.0])
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    assert why(x, loss) == "This Tensor has a gradient: 2 to 6."


def test_why_of_a_gradient_that_is_not_there_yet():
    x = Tensor(2.0)
    y = x * 3.0
    loss = y * y
    assert why(x, loss).startswith("The way from this Tensor to the loss is there (this Tensor → multiply → multiply), but no")


def test_why_of_zero():
    x = Tensor(NEGATIVE)
    loss = (autograd.relu(x * 2.0) * 3.0).sum()
    loss.backward(retain_graph=True)
    assert "The gradient of this Tensor is zero: relu is 0 everywhere" in why(x, loss)


def test_why_where_only_leaves_have_gradients():
    graph = from_tensor((autograd.relu((x := Tensor(NEGATIVE)) * 2.0) * 3.0).sum(), [("x", x)])
    graph.boxes[[box.name for box in graph.boxes].index("x")].gradients = Stats.of(np.zeros(2))
    assert of_x(graph) == "The gradient of x is zero: relu is 0 everywhere (a dead unit)."


@pytest.mark.parametrize(
    ("tensor", "loss", "words"),
    [
        (lambda x: Tensor([1, 2]), lambda x: x * x, "holds int64, and only floats"),
        (lambda x: Tensor(1.0, requires_grad=False), lambda x: x * x, "does not require a gradient"),
        (lambda x: x, lambda x: (x * x).detach(), "The loss, Tensor(4.0), has no graph"),
        (lambda x: Tensor(3.0), lambda x: x * x, "The loss does not depend on this Tensor"),
        (lambda x: x, lambda x: Tensor(x.detach()) * 2.0, "(The loss depends on 1 other leaf.)"),
    ],
)
def test_why_where_there_is_no_way(tensor, loss, words):
    x = Tensor(2.0)
    assert words in why(tensor(x), loss(x))


def test_why_of_a_graph_that_was_released():
    x, other = Tensor(2.0), Tensor(3.0)
    y = x * 3.0
    loss = y * y
    loss.backward()
    assert "was released by backward()" in why(x, loss)
    assert "did not come to this Tensor" in why(other, loss)


def test_why_asks_for_tensors():
    with pytest.raises(GradientError, match="got a float"):
        why(Tensor(1.0), 2.0)


def test_a_gradient_that_is_there_is_told_though_the_graph_was_released():
    x = Tensor([1.0, 2.0])
    loss = (x * 2.0).sum()
    loss.backward()
    assert why(x, loss).startswith("This Tensor has a gradient: 2. ")


# --- the first nan ---------------------------------------------------------------------------------------------------------


def marks(graph: GraphData) -> dict[str, tuple[str, ...]]:
    return {box.title: box.marks for box in graph.boxes if box.marks}


def test_the_first_infinity_and_what_it_reaches():
    graph = watched(lambda x, w: (np.log(x) * w).sum(), x=[0.0, 2.0], w=[0.5, 2.0])
    origin(graph)
    assert marks(graph) == {"log": ("origin",), "multiply": ("reached",), "sum": ("reached",)}
    assert graph.notes == [
        "The first infinity was made by log, of finite inputs: x from 0 to 2; the value is 0.6931, 1 of 2 infinite. It "
        "reaches 2 other values."
    ]


def test_the_infinity_behind_a_nan_is_its_origin():
    graph = watched(lambda x, w: (np.log(x) * w).sum(), x=[0.0, 2.0], w=[0.0, 2.0])
    origin(graph)
    assert marks(graph) == {"log": ("origin",), "multiply": ("reached",), "sum": ("reached",)}
    assert graph.notes[0].startswith("The first infinity was made by log")


def test_an_infinity_that_leaves_no_trace_is_not_the_origin():
    mask = np.array([True, False])
    graph = watched(lambda x, w: autograd.softmax(np.where(mask, x, -np.inf)).sum(), x=POSITIVE, w=POSITIVE)
    origin(graph)
    assert (marks(graph), graph.notes) == ({}, [])
    graph = watched(
        lambda x, w: (autograd.softmax(np.where(mask, x, -np.inf)) + np.sqrt(w - 5.0)).sum(), x=POSITIVE, w=POSITIVE
    )
    origin(graph)
    assert marks(graph)["sqrt"] == ("origin",)
    assert "where" not in marks(graph)


def test_a_nan_that_came_in():
    graph = watched(lambda x, w: (x * w).sum(), x=[np.nan, 1.0], w=POSITIVE)
    origin(graph)
    assert marks(graph) == {"x": ("origin",), "multiply": ("reached",), "sum": ("reached",)}
    assert graph.notes == ["The first nan came in with x: 1, 1 of 2 nan. It reaches 2 other values."]


def test_the_first_nan_in_a_gradient():
    graph = watched(lambda x, w: (np.sqrt(x) * w).sum().backward(), x=[0.0, 4.0], w=[1.0, 2.0])
    origin(graph)
    assert marks(graph) == {"x": ("gradient origin",)}
    assert graph.notes == [
        "The first infinity in a gradient is that of x (value 0 to 4): 0.5, 1 of 2 infinite, made by the derivative of sqrt "
        "from a gradient of 1 to 2. It reaches nothing else."
    ]


def test_a_gradient_goes_on_to_what_comes_before():
    graph = watched(lambda x, w: (np.sqrt(x + 0.0) * w).sum().backward(), x=[0.0, 4.0], w=[1.0, 2.0])
    origin(graph)
    assert marks(graph) == {"add": ("gradient origin",), "x": ("gradient reached",)}
    graph = watched(lambda x, w: (np.sqrt(x * 0.0) * w).sum().backward(), x=[1.0, 4.0], w=[1.0, 2.0])
    origin(graph)
    assert marks(graph) == {}  # a zero times infinity is zero in a gradient: nothing of it arrives


def test_what_is_not_known_passes_on_what_is_bad():
    graph = GraphData(
        [
            Box(0, kind="input", name="x"),
            Box(1, "log"),
            Box(2, "exp"),
            Box(3, "sum", value=float("nan")),
            Box(4, "cos", value=1.0),
        ],
        [Edge(0, 1, name="x"), Edge(1, 2), Edge(2, 3, name="x"), Edge(0, 4)],
    )
    origin(graph)
    assert marks(graph) == {"sum": ("origin",)}
    assert graph.notes == [
        "The first nan was made by sum, of inputs that are not all known: x not known; the value is nothing finite, 1 of 1 "
        "nan. It reaches nothing else."
    ]


def test_a_finite_graph_has_no_origin():
    graph = watched(lambda x, w: (x * w).sum().backward(), x=POSITIVE, w=POSITIVE)
    origin(graph)
    assert (marks(graph), graph.notes) == ({}, [])


@pytest.mark.slow
def test_a_long_chain_has_an_origin_all_the_same():
    count = 20_000
    values = [1.0 if i < 10 else float("nan") for i in range(count)]
    graph = GraphData([Box(i, "tanh" if i else "", "op" if i else "input", value=values[i]) for i in range(count)])
    graph.edges = [Edge(i, i + 1) for i in range(count - 1)]
    origin(graph)
    assert graph.boxes[10].marks == ("origin",)
    assert sum(box.marks == ("reached",) for box in graph.boxes) == count - 11
