"""What the engine must withstand: depth, memory, threads, writes to what a graph needs, odd input, wrong use.

Behaviour that is not the value of a gradient; those are in test_rules.py, test_traps.py and test_conventions.py.
"""

import copy
import gc
import itertools
import pickle
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor
from autograd.tensor import constant

from .elsewhere import Double, bare


@pytest.fixture
def no_collector() -> Any:
    """The garbage collector switched off: what is freed now is freed by reference count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# --- depth and memory ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_chain_of_a_million_ops(no_collector: None) -> None:
    x = Tensor(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1e-6
    y.backward()
    assert x.grad.data == 1.0
    del y  # and the graph, a million nodes deep, is freed without recursion


@pytest.mark.slow
def test_a_long_chain_is_freed_without_recursion_when_it_was_never_differentiated(no_collector: None) -> None:
    x = Tensor([1.0])
    y = x
    for _ in range(100_000):
        y = -y
    node = weakref.ref(y.node)
    del y
    assert node() is None


def mlp_step(params: list[Tensor], x: Any, y: Any) -> None:
    h = np.tanh(x @ params[0] + params[1])
    loss = ((h @ params[2] - y) ** 2).mean()
    loss.backward()
    for p in params:
        p.data = p.data - 0.1 * p.grad.data
        p.grad = None


@pytest.mark.slow
def test_ten_thousand_steps_in_flat_memory(no_collector: None) -> None:
    rng = np.random.default_rng(0)
    params = [Tensor(rng.normal(size=s)) for s in [(2, 8), (8,), (8, 1)]]
    x, y = rng.normal(size=(16, 2)), rng.normal(size=(16, 1))
    tracemalloc.start()
    for _ in range(1_000):  # Python's own free lists have filled by then
        mlp_step(params, x, y)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(2_000):
        mlp_step(params, x, y)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 400
    blocks = sys.getallocatedblocks()  # it knows small objects only, and costs nothing
    for _ in range(7_000):
        mlp_step(params, x, y)
    assert sys.getallocatedblocks() - blocks < 50


@pytest.mark.parametrize("mode", ["never differentiated", "backward", "create_graph", "error"])
def test_a_graph_is_freed_at_once(no_collector: None, mode: str) -> None:
    x = Tensor(np.ones((4, 4)))
    h = np.exp(x)
    y = (h @ h.T).sum()
    nodes = [weakref.ref(h.node), weakref.ref(y.node)]
    if mode == "backward":
        y.backward()
    elif mode == "create_graph":
        y.backward(create_graph=True)
        x.grad = None
    elif mode == "error":
        with pytest.raises(ag.ShapeError):
            h @ Tensor(np.ones((3, 3)))
    del h, y
    assert [node() for node in nodes] == [None, None]


def test_backward_frees_as_it_goes() -> None:
    """When the first op's turn comes, the arrays of the later ones are gone."""
    x = Tensor(np.ones(1000))
    hidden = np.exp(x)
    seen: list[Any] = []
    hidden.register_hook(lambda g: seen.append(later() is None))
    y = np.exp(hidden)
    later = weakref.ref(y.node)
    loss = np.exp(y).sum()
    del y, hidden
    loss.backward()
    assert seen == [True]


def test_only_what_a_derivative_reads_is_kept() -> None:
    a, b = Tensor(np.ones(1000)), np.ones(1000)
    y = Tensor(b) * 2.0
    total = y + a
    kept = weakref.ref(y)
    assert total.node.saved == ((), ())
    del y
    assert kept() is None


def test_a_constant_needs_no_graph() -> None:
    a, b = Tensor(np.ones(3), requires_grad=False), Tensor(np.ones(3))
    assert (a * a).node is None
    y = a * b
    assert y.node.parents[0] is None
    assert y.node.saved[1] is not None
    assert y.node.saved[0] is None  # b itself would be read for the gradient of a, which nobody wants


# --- threads ---------------------------------------------------------------------------------------------------------------


def test_eight_threads_with_graphs_of_their_own() -> None:
    failures: list[str] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for i in range(50):
            raw = rng.normal(size=5)
            x = Tensor(raw)
            if i % 3 == seed % 3:
                with ag.no_grad():
                    if (x * x).requires_grad:
                        failures.append("no_grad leaked out")
            y = x
            for _ in range(20):
                y = y * x + 1.0
            if not y.requires_grad:
                failures.append("another thread's no_grad came in")
            y.sum().backward()
            expected = sum(k * raw ** (k - 1) for k in (*range(1, 20), 21))
            if not np.allclose(x.grad.data, expected):
                failures.append("a wrong gradient")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_modes_nest_and_come_back_after_an_error() -> None:
    assert ag.is_grad_enabled()
    with ag.no_grad():
        with ag.enable_grad():
            assert ag.is_grad_enabled()
        with pytest.raises(ZeroDivisionError), ag.set_grad_enabled(True):
            raise ZeroDivisionError
        assert not ag.is_grad_enabled()
    assert ag.is_grad_enabled()

    @ag.no_grad()
    def evaluate(x: Tensor) -> Tensor:
        return x * x

    assert not evaluate(Tensor(2.0)).requires_grad
    assert ag.is_grad_enabled()
    from autograd.graph import gate

    assert gate.shut == 0


# --- writes to what a graph needs ------------------------------------------------------------------------------------------


def scaled(x: Tensor, w: Any) -> Tensor:
    return (x * w).sum()


WRITES = {
    "the constant": lambda x, w, view: w.__setitem__(0, 100.0),
    "a view of the constant": lambda x, w, view: view.__setitem__(0, 100.0),
    "the leaf through data": lambda x, w, view: x.data.__setitem__(0, 100.0),
    "a view of the leaf's data": lambda x, w, view: x.data[:1].__setitem__(0, 100.0),
    "the leaf in place": lambda x, w, view: x.data.__imul__(3.0),
    "data set anew": lambda x, w, view: setattr(x, "data", np.zeros(3)),
    "an update under no_grad": lambda x, w, view: update(x),
}


def update(x: Tensor) -> None:
    with ag.no_grad():
        x -= 5.0


@pytest.mark.parametrize("write", WRITES)
def test_a_write_after_the_op_does_not_reach_the_graph(write: str) -> None:
    raw, w = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    view = w[:]
    x = Tensor(raw)
    y = scaled(x, w) + (x * x).sum()
    WRITES[write](x, w, view)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [4 + 2, 5 + 4, 6 + 6])


def test_a_write_through_an_alias_taken_before_the_op() -> None:
    x = Tensor([1.0, 2.0])
    alias = x.data
    part = alias[1:]
    y = (x * x).sum()
    alias[0] = 100.0
    part[0] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0])
    np.testing.assert_array_equal(x.data, [100.0, 100.0])  # and the alias is one still


def test_an_alias_stays_an_alias_through_steps_of_training() -> None:
    w = Tensor([1.0, 2.0])
    held = w.data  # somebody's own optimizer
    for _ in range(3):
        (w * w).sum().backward()
        held -= 0.25 * w.grad.data
        w.grad = None
    np.testing.assert_array_equal(w.data, np.array([1.0, 2.0]) / 8)


def test_a_view_of_the_tensor_a_graph_saved() -> None:
    x = Tensor(np.arange(6.0))
    rows = x.reshape(2, 3)
    y = (x * x).sum()
    rows.data[0, 0] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 2 * np.arange(6.0))


def test_the_array_that_a_tensor_was_made_from_is_not_its_own() -> None:
    raw = np.ones(2)
    x = Tensor(raw)
    raw[:] = 7.0
    np.testing.assert_array_equal(x.data, [1.0, 1.0])


def test_gradients_share_no_memory() -> None:
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    (a + b).sum().backward()
    a.grad.data[0] = 50.0
    np.testing.assert_array_equal(b.grad.data, [1.0, 1.0])
    assert not np.shares_memory(a.grad.data, b.grad.data)


def test_an_array_given_as_gradient_stays_the_users() -> None:
    x, g = Tensor([1.0, 2.0]), np.array([1.0, 1.0])
    (x + 0.0).backward(g)
    g[0] = 99.0
    x.grad.data[1] = 5.0
    np.testing.assert_array_equal(x.grad.data, [1.0, 5.0])
    np.testing.assert_array_equal(g, [99.0, 1.0])


# --- assignment by index ---------------------------------------------------------------------------------------------------


def test_assignment_is_differentiable_in_both() -> None:
    x, v = Tensor([1.0, 2.0, 3.0]), Tensor([10.0])
    y = x * 1.0
    y[1:2] = v * 2.0
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 0.0, 6.0])
    np.testing.assert_array_equal(v.grad.data, [80.0])


def test_augmented_assignment_by_index() -> None:
    x, v = Tensor([1.0, 2.0]), Tensor([5.0, 7.0])
    y = x * 1.0
    y[[0, 0]] += v
    np.testing.assert_array_equal(y.data, [8.0, 2.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 1.0])
    np.testing.assert_array_equal(v.grad.data, [0.0, 1.0])


def test_a_write_under_a_live_view_is_refused() -> None:
    y = Tensor([1.0, 2.0, 3.0]) * 1.0
    view = y[1:]
    with pytest.raises(AliasError, match="view of the same memory"):
        y[1] = 5.0
    with pytest.raises(AliasError):
        view[0] = 5.0
    del view
    y[1] = 5.0
    assert y.data[1] == 5.0


AliasError = ag.AliasError


def test_a_leaf_refuses_to_stop_being_one() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(ag.GradientError, match="no longer be the leaf"):
        x[0] = 5.0
    with pytest.raises(ag.GradientError, match="no longer be the leaf"):
        x += 1.0


def test_an_update_under_no_grad_keeps_the_leaf() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    s = Tensor(3.0)
    same = x
    with ag.no_grad():
        x -= np.array([0.5, 0.5])
        s -= 1.0
    assert x is same
    assert x.requires_grad
    assert x.is_leaf
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x.data, [0.5, 1.5])
    assert s.data == 2.0
    assert s.requires_grad


def test_in_place_on_a_result_reaches_everyone_who_holds_it() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 2.0
    same = y
    y += 1.0
    assert same is y
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [12.0, 20.0])
    z = x * 2.0
    with pytest.raises(ag.ShapeError):
        z += np.ones((3, 2))
    n = Tensor([1, 2])
    with pytest.raises(ag.DtypeError):
        n += 0.5


# --- NumPy -----------------------------------------------------------------------------------------------------------------

T = [1.0, 2.0, 3.0]
NUMPY = {
    "ndarray * t": lambda t: np.array(T) * t,
    "np.float64 * t": lambda t: np.float64(2) * t,
    "np.float32 ** t": lambda t: np.float32(2) ** t,
    "np.sin(t)": lambda t: np.sin(t),
    "np.concatenate": lambda t: np.concatenate([t, np.ones(2)]),
    "np.stack": lambda t: np.stack([np.ones(3), t]),
    "np.where": lambda t: np.where(np.array(T) > 1.5, t, 0.0),
    "np.matmul": lambda t: np.eye(3) @ t,
    "np.dot": lambda t: np.dot(np.eye(3), t),
    "np.einsum": lambda t: np.einsum("i,j->ij", t, np.ones(2)),
    "np.sum": lambda t: np.sum(t, axis=0),
    "np.add.reduce": lambda t: np.add.reduce(t),
    "np.mean": lambda t: np.mean(t),
    "np.max": lambda t: np.max(t),
    "np.clip": lambda t: np.clip(t, 1.5, 2.5),
    "np.clip by name": lambda t: np.clip(t, a_min=1.5, a_max=None),
    "np.reshape": lambda t: np.reshape(t, (3, 1)),
    "np.pad": lambda t: np.pad(t, 1),
    "np.tensordot": lambda t: np.tensordot(t, np.ones((3, 2)), axes=1),
    "np.outer": lambda t: np.outer(t, np.ones(2)),
    "np.take": lambda t: np.take(t, [0, 2]),
    "np.copy": lambda t: np.copy(t),
    "np.split": lambda t: np.split(t, [1])[1],
    "np.zeros_like": lambda t: t + np.zeros_like(t),
}


@pytest.mark.parametrize("name", NUMPY)
def test_plain_numpy_gives_tensors(name: str) -> None:
    t = Tensor(T)
    y = NUMPY[name](t)
    assert isinstance(y, Tensor)
    np.testing.assert_array_equal(y.numpy(), NUMPY[name](np.array(T)))
    y.sum().backward()
    assert t.grad.shape == (3,)


def test_a_function_of_python_made_a_ufunc_loses_no_gradient() -> None:
    """It returns an array of objects, in which floats are."""
    function = np.frompyfunc(np.tanh, 1, 1)
    with pytest.raises(ag.NoRuleError, match="has no derivative rule"):
        function(Tensor(T))
    with pytest.raises(ag.NoRuleError, match="gradient"):
        ag.grad(lambda x: np.sum(function(x).astype(float)))(T)
    assert function(Tensor(T).detach()).dtype == object


def test_a_function_without_a_rule() -> None:
    t = Tensor(T)
    with pytest.raises(ag.NoRuleError, match=r"np\.roots has no derivative rule"):
        np.roots(t)
    np.testing.assert_array_equal(np.roots(t.detach()), np.roots(T))
    with ag.no_grad():
        np.testing.assert_array_equal(np.roots(t), np.roots(T))
    assert np.allclose(t, T)  # the answer has no gradient to lose
    assert list(np.searchsorted(t, [1.5])) == [1]
    with pytest.raises(ag.NoRuleError, match="write the value"):
        np.copyto(np.zeros(3), t)
    with pytest.raises(ag.NoRuleError, match="write the value"):
        np.add(t, 1.0, out=np.zeros(3))


def test_no_silent_conversion_to_an_array() -> None:
    t = Tensor(T)
    with pytest.raises(ag.NoRuleError, match="gradient would be lost"):
        np.asarray(t)
    b = np.zeros(3)
    with pytest.raises(ag.NoRuleError, match="gradient would be lost"):
        b[:] = t
    assert np.asarray(t.detach()).tolist() == T
    with pytest.raises(ag.DtypeError, match=r"autograd\.stack"):
        Tensor([Tensor(1.0), Tensor(2.0)])


# --- odd input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "c8", "c16"])
def test_dtypes_through_a_small_network(dtype: str) -> None:
    x = Tensor(np.linspace(-1, 1, 6).reshape(2, 3).astype(dtype))
    w = Tensor(np.linspace(0, 1, 3).astype(dtype))
    y = abs(x @ w).sum()
    y.backward()
    assert x.grad.dtype == np.dtype(dtype)
    assert w.grad.dtype == np.dtype(dtype)


def test_a_wider_constant_does_not_widen_the_gradient() -> None:
    x = Tensor(np.ones(2, np.float32))
    y = (x * np.array([1.5, 2.5])).sum()
    assert y.dtype == np.float64
    y.backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("number", [2, 2.0, True, Tensor(2.0)])
def test_a_number_is_weak(number: Any) -> None:
    x = Tensor(np.ones(2, np.float32))
    for y in (x * number, number * x, x + number, x / number, x - number):
        assert y.dtype == np.float32


def test_integers_and_booleans_are_constants() -> None:
    n = Tensor([1, 2, 3])
    assert not n.requires_grad
    assert (n + n).dtype == n.dtype
    assert (n > 1).dtype == bool
    assert Tensor(3).data == 3.0
    with pytest.raises(ag.DtypeError, match="only floats"):
        Tensor([1, 2], requires_grad=True)
    x = Tensor([1.0, 2.0, 3.0])
    (x * n).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 2, 3])
    assert not x.astype(int).requires_grad


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_arrays(shape: tuple[int, ...]) -> None:
    x = Tensor(np.zeros(shape))
    y = (np.exp(x) * 2).sum()
    y.backward()
    assert x.grad.shape == shape


# --- wrong use -------------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "shapes": (
        lambda: Tensor(np.ones((2, 3))) + Tensor(np.ones(2)),
        ag.ShapeError,
        r"add\(float64\[2, 3\], float64\[2\]\).*axis -1",
    ),
    "matmul": (lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))), ag.ShapeError, r"Did you mean x @ w\.T"),
    "reshape": (lambda: Tensor(np.ones(6)).reshape(4, 2), ag.ShapeError, "6 elements do not make"),
    "axis": (lambda: Tensor(np.ones(3)).sum(axis=1), ag.IndexingError, "axis 1"),
    "index": (lambda: Tensor(np.ones(3))[3], ag.IndexingError, "out of bounds"),
    "float index": (lambda: Tensor(np.ones(3))[1.0], ag.DtypeError, "an index of type float"),
    "concatenate": (
        lambda: ag.concatenate([Tensor(np.ones((2, 3))), Tensor(np.ones((2, 2)))]),
        ag.ShapeError,
        "may differ along axis 0 only",
    ),
    "object array": (lambda: Tensor(np.array([None, 1])), ag.DtypeError, "dtype object"),
    "string": (lambda: Tensor("abc"), ag.DtypeError, "cannot be computed with"),
    "operand": (lambda: Tensor(1.0) + "a", TypeError, "unsupported operand"),
    "None operand": (lambda: Tensor([1.0]) * None, TypeError, "unsupported operand"),
    "masked array": (lambda: Tensor([1.0, 2.0]) * np.ma.array([1, 2], mask=[0, 1]), TypeError, "."),
    "not a scalar": (lambda: Tensor(np.ones(3)).backward(), ag.GradientError, "3 elements"),
    "nothing to differentiate": (lambda: Tensor([1, 2]).sum().backward(), ag.GradientError, "requires a gradient"),
    "complex output": (lambda: Tensor(1j).backward(), ag.GradientError, "complex"),
    "weights": (lambda: Tensor(np.ones(3)).backward(np.ones(2)), ag.ShapeError, "shape"),
    "data shape": (lambda: setattr(Tensor(np.ones(3)), "data", np.ones(2)), ag.ShapeError, "keeps its shape"),
    "grad shape": (lambda: setattr(Tensor(np.ones(3)), "grad", np.ones(2)), ag.ShapeError, "gradient of shape"),
    "unknown attribute": (lambda: ag.flip(Tensor(np.ones(3)), axes=0), TypeError, "does not know axes="),
    "attribute twice": (lambda: ag.roll(Tensor(np.ones(2)), 1, 0, axis=0), TypeError, "axis twice|multiple values"),
    "rule's attribute twice": (lambda: ag.argmax(Tensor(np.ones(2)), 0, axis=0), TypeError, "axis twice"),
    "missing attribute": (lambda: ag.moveaxis(Tensor(np.ones((2, 2))), source=0), TypeError, "needs destination"),
    "einsum": (lambda: ag.einsum("ij,jk", Tensor(np.ones((2, 3)))), ag.ShapeError, "operands"),
    "bernoulli": (lambda: ag.random.bernoulli(Tensor(0.5)), ag.NoRuleError, "reparameterised"),
    "deepcopy": (lambda: copy.deepcopy(Tensor(1.0) * 2), ag.GradientError, "leaves only"),
    "pickle": (lambda: pickle.dumps(Tensor(1.0) * 2), ag.GradientError, "leaves only"),
    "bool": (lambda: bool(Tensor([1.0, 2.0]) > 1), ag.ShapeError, "single element"),
    "pad": (lambda: ag.pad(Tensor([1.0]), 1, mode="mirror"), ag.NoRuleError, "mirror"),
    "requires_grad": (lambda: setattr(Tensor(1.0) * 2, "requires_grad", False), ag.GradientError, "detach"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_told(case: str) -> None:
    wrong, error, words = WRONG[case]
    with pytest.raises(error, match=words):
        wrong()


def test_backward_twice() -> None:
    x = Tensor(3.0)
    y = x * x
    y.backward()
    with pytest.raises(ag.GraphReleasedError, match="retain_graph=True"):
        y.backward()
    with pytest.raises(ag.GraphReleasedError):
        (y * 2.0).backward()
    x.grad = None
    z = x * x
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.data == 12.0


def test_two_losses_share_what_somebody_still_holds() -> None:
    x = Tensor([2.0])
    shared = x * x
    first, second = shared.sum(), (shared * 3.0).sum()
    del shared
    first.backward()
    second.backward()
    np.testing.assert_array_equal(x.grad.data, [16.0])


# --- small things that people do -------------------------------------------------------------------------------------------


def test_leaves_are_copied_and_pickled() -> None:
    x = Tensor([1.0, 2.0])
    (x * x).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin is not x
        np.testing.assert_array_equal(twin.data, x.data)
        np.testing.assert_array_equal(twin.grad.data, x.grad.data)
        twin.data[0] = 9.0
        assert x.data[0] == 1.0
        assert twin.requires_grad
    assert not copy.deepcopy(Tensor([1])).requires_grad


def test_numbers_and_words() -> None:
    t = Tensor(2.0)
    assert float(t) == 2.0
    assert "%.4f" % t == "2.0000"  # noqa: UP031 - this is the habit to be kept
    assert f"{t:.1f}" == "2.0"
    assert int(t * 1.5) == 3
    assert bool(t > 1)
    assert repr(t) == "Tensor(2.0, requires_grad=True)"
    assert repr(t * 2) == "Tensor(4.0, op=multiply)"
    assert repr(Tensor(np.ones(2, np.float32)).detach()) == "Tensor([1., 1.], dtype=float32)"
    assert [float(v) for v in Tensor(T)] == T
    assert len(Tensor(T)) == 3
    assert t in {t}
    assert hash(t) == hash(t)
    assert list(range(3))[Tensor(1, dtype=int)] == 1


def test_hooks() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3.0
    seen: list[Any] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    handle = y.register_hook(lambda g: g * 10.0)
    y.sum().backward()
    assert seen == [[30.0, 30.0]]
    handle.remove()
    handle.remove()
    x.grad = None
    (x * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3.0, 3.0])
    z = x * 1.0
    z.register_hook(lambda g: np.ones(5))
    with pytest.raises(ag.ShapeError, match="hook"):
        z.sum().backward()


def test_retain_graph_keeps_the_gradients_in_between() -> None:
    x = Tensor([1.0, 2.0])
    y = x * x
    z = y.sum()
    z.backward()
    assert y.grad is None
    x.grad = None
    y = x * x
    z = y.sum()
    z.backward(retain_graph=True)
    np.testing.assert_array_equal(y.grad.data, [1.0, 1.0])
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0])


def test_micrograds_way() -> None:
    value = Tensor
    a, b = value(-4.0), value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"
    assert float(e.grad) == pytest.approx(e.data - 20 * e.data**-3)
    a.grad = 0
    assert a.grad is None
    a.data -= 0.5 * b.grad
    assert type(a.data) is float
    assert 2**b == 4.0
    assert (b**a).requires_grad


def test_micrograds_neuron_with_an_integer_bias() -> None:
    w, b = [Tensor(0.5), Tensor(-0.25)], Tensor(0)
    out = sum((wi * xi for wi, xi in zip(w, [1.0, 2.0], strict=True)), b).relu() + b * 2
    out.backward()
    assert b.grad is not None
    b.data -= 0.1 * b.grad
    assert type(b.data) is float


def test_detach_cuts() -> None:
    x = Tensor([1.0, 2.0])
    y = x * x.detach()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 2.0])
    assert ag.detach(3.0) == 3.0


def test_plain_in_plain_out() -> None:
    assert isinstance(ag.tanh(np.ones(2)), np.ndarray)
    assert type(ag.exp(0.0)) is float
    assert isinstance(ag.softmax([1.0, 2.0]), np.ndarray)
    assert isinstance(ag.zeros(3), Tensor)


# --- anomalies -------------------------------------------------------------------------------------------------------------


def test_anomaly_in_the_forward_pass() -> None:
    x = Tensor([1.0, 0.0])
    with (
        ag.detect_anomaly(),
        pytest.raises(ag.AnomalyError, match=r"(?s)log turned.*0 to 1.*infinite.*test_engine.py:\d+\n"),
    ):
        np.log(x)


def test_anomaly_in_the_backward_pass_names_the_line_of_the_forward() -> None:
    x = Tensor([1.0, 0.0])
    with ag.detect_anomaly():
        y = np.sqrt(x).sum()  # the line to blame
        with pytest.raises(ag.AnomalyError, match=r"(?s)sqrt.*the line to blame"):
            y.backward()


def test_what_was_bad_before_is_no_anomaly() -> None:
    x = Tensor([np.inf, 1.0])
    with ag.detect_anomaly():
        (x * 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 2.0])


def test_zero_times_infinity_on_arrays_that_are_not_numpys() -> None:
    x = Tensor(Double(np.array([0.0, 4.0])))
    np.sqrt(x * x).sum().backward()
    np.testing.assert_array_equal(bare(x.grad._raw), [0.0, 1.0])


# --- passes that fail ------------------------------------------------------------------------------------------------------


def raises(*values: Any) -> Any:
    """A hook, or a derivative, that raises."""
    raise LookupError("raised on purpose")


def interrupts(g: Any) -> Any:
    """A hook in which somebody stops the program."""
    raise KeyboardInterrupt


def misshapen(g: Any) -> Any:
    """A hook that returns what belongs to no value here."""
    return np.ones((7, 5))


Failure = tuple[Tensor, Callable[[], None] | None]  # a step that leads into the error, and what does away with its cause


def hooked(hook: Callable[[Any], Any]) -> Callable[[Tensor], Failure]:
    return lambda x: (x * 1.0, x.register_hook(hook).remove)


def ruled(**facts: Any) -> Callable[[Tensor], Failure]:
    def step(x: Tensor) -> Failure:
        known = dict(ag.registry)
        try:
            return ag.rule(**facts)(lambda x: x * 1)(x), None
        finally:
            ag.registry.clear()
            ag.registry.update(known)

    return step


def released_before(x: Tensor) -> Failure:
    x.backward(np.ones(x.shape))
    return x * 1.0, None


def released_after(x: Tensor) -> Failure:
    y = x * 1.0
    x.backward(np.ones(x.shape))
    return y, None


def backward(y: Tensor, **options: Any) -> None:
    y.backward(np.ones(y.shape), **options)


def backward_of_another_shape(y: Tensor, **options: Any) -> None:
    y.backward(np.ones((7, 5)), **options)


def watchful_backward(y: Tensor, **options: Any) -> None:
    with ag.detect_anomaly():
        backward(y, **options)


FAILURES: dict[str, tuple[type[BaseException], Callable[[Tensor], Failure], Callable[..., None]]] = {
    "released before": (ag.GraphReleasedError, released_before, backward),
    "released after": (ag.GraphReleasedError, released_after, backward),
    "a hook that raises": (LookupError, hooked(raises), backward),
    "a hook that is interrupted": (KeyboardInterrupt, hooked(interrupts), backward),
    "a hook of the leaf that raises": (LookupError, hooked(raises), backward),
    "a hook of a wrong shape": (ag.ShapeError, hooked(misshapen), backward),
    "a derivative that raises": (LookupError, ruled(x=lambda g: raises()), backward),
    "a derivative for all that raises": (LookupError, ruled(vjp=lambda g: raises()), backward),
    "too many derivatives": (ag.RuleError, ruled(vjp=lambda g: (g, g)), backward),
    "a derivative of a wrong shape": (ag.RuleError, ruled(x=lambda g: np.ones((7, 5))), backward),
    "a cotangent of a wrong shape": (ag.ShapeError, lambda x: (x * 1.0, lambda: None), backward_of_another_shape),
    "an anomaly": (ag.AnomalyError, lambda x: (np.sqrt(x * 0.0), None), watchful_backward),
}
STARTS: dict[str, tuple[Any, Any]] = {"a number": (3.0, 2.0), "an array": ([3.0, 5.0], [2.0, 4.0])}
# A number may have been broadcast to any shape: no derivative has a wrong one.
CASES = [case for case in itertools.product(FAILURES, STARTS) if case != ("a derivative of a wrong shape", "a number")]
PASSES: list[dict[str, bool]] = [{}, {"retain_graph": True}, {"create_graph": True}]


def gradients(tensors: list[Tensor]) -> list[Any]:
    return [None if t.grad is None else t.grad.tolist() for t in tensors]


@pytest.mark.parametrize("there", [False, True], ids=["no gradient there", "gradients there"])
@pytest.mark.parametrize("options", PASSES, ids=str)
@pytest.mark.parametrize(("way", "start"), CASES)
def test_a_pass_that_fails_has_changed_no_gradient(way: str, start: str, options: dict[str, bool], there: bool) -> None:
    error, step, run = FAILURES[way]
    x, w = map(Tensor, STARTS[start])
    low = x * x
    middle, remedy = step(x if way == "a hook of the leaf that raises" else low)
    high = (middle * x if way == "a hook of the leaf that raises" else middle) * w
    y = high * 1.0
    tensors = [x, w, low, middle, high, y]
    for t in tensors if there else ():
        t.grad = np.ones(t.shape)
    before = gradients(tensors)
    with pytest.raises(error):
        run(y, **options)
    assert gradients(tensors) == before
    x.grad = w.grad = None
    if remedy is not None:
        remedy()
    intact = remedy is not None and (options or run is backward_of_another_shape)
    backward(y if intact else x * x * w)
    np.testing.assert_array_equal(x.grad.data, 2 * x.data * w.data)
    np.testing.assert_array_equal(w.grad.data, x.data**2)


def test_a_refused_write_has_changed_no_gradient() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    y = x * x
    view = y[1:]
    total = y.sum() + view.sum()
    total.backward(retain_graph=True)
    before = gradients([x, y, view, total])
    with pytest.raises(AliasError):
        view[0] = 5.0
    with pytest.raises(AliasError):
        y *= 2.0
    assert gradients([x, y, view, total]) == before
    x.grad = None
    total.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 8.0, 12.0])


def test_without_retain_graph_a_pass_that_fails_releases_what_it_began_with() -> None:
    """Memory goes back as the sweep goes, and nobody knows then that it will fail. What it began with says so."""
    x = Tensor([1.0, 2.0])
    low = x * x
    high = low * 3.0
    handle = low.register_hook(raises)
    with pytest.raises(LookupError):
        backward(high)
    handle.remove()
    with pytest.raises(ag.GraphReleasedError, match="compute the value again"):
        backward(high)
    backward(low * 3.0)
    np.testing.assert_array_equal(x.grad.data, [6.0, 12.0])


def test_gradients_in_between_are_added_up_whatever_flags_the_processor_raises() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    y = x * 1.0
    with np.errstate(all="raise"):
        for g in (np.array([3e38, np.inf], np.float32), np.array([3e38, -np.inf], np.float32)):
            y.backward(g, retain_graph=True)
            x.grad = None
    np.testing.assert_array_equal(y.grad.data, [np.inf, np.nan])


def test_gradients_of_leaves_are_added_up_whatever_flags_the_processor_raises() -> None:
    x, w = Tensor(np.ones(1, np.float32)), Tensor(np.ones(1, np.float32))
    y = x + w
    with np.errstate(all="raise"):
        for _ in range(2):
            y.backward(np.array([3e38], np.float32), retain_graph=True)
    np.testing.assert_array_equal([x.grad.data, w.grad.data], [[np.inf], [np.inf]])


def test_the_sweep_holds_no_arrays_for_the_sake_of_a_number() -> None:
    """A number that comes from an array has its turn, and what is behind it goes when that has been used."""
    known = dict(ag.registry)
    collapsed = ag.rule(x=lambda g, x: g * np.ones_like(x))(lambda x: float(x.sum()))
    ag.registry.clear()
    ag.registry.update(known)
    hidden = np.exp(Tensor(np.ones(1000)))
    seen: list[Any] = []
    hidden.register_hook(lambda g: seen.append(later() is None))
    y = np.exp(hidden)
    later = weakref.ref(y.node)
    loss = collapsed(y) * 0.5
    del y, hidden
    loss.backward()
    assert seen == [True]


# --- rules -----------------------------------------------------------------------------------------------------------------


def rule_errors() -> dict[str, Any]:
    def unknown_read() -> None:
        ag.rule(x=lambda g, z: g)(forward)

    def unknown_input() -> None:
        ag.rule(q=lambda g: g)(forward)

    def no_g() -> None:
        ag.rule(x=lambda x: x)(forward)

    def bad_kind() -> None:
        ag.rule(kind="magic", x=lambda g: g)(forward)

    def wrong_shape() -> None:
        op = ag.rule(x=lambda g: np.ones(5))(lambda x: x * 1)
        op(Tensor([1.0, 2.0])).sum().backward()

    def wrong_count() -> None:
        op = ag.rule(vjp=lambda g: (g,))(lambda x, w: x * w)
        op(Tensor([1.0]), Tensor([1.0])).sum().backward()

    def not_python() -> None:
        ag.rule(x=np.negative)(forward)

    def two_linear() -> None:
        ag.rule(kind="linear", x=lambda g: g)(lambda x, w: x + w)

    def hidden_other() -> None:
        ag.rule(kind="multilinear", x=lambda g: g, w=lambda g, x: g * x)(lambda x, w: x * w)

    cases = (unknown_read, unknown_input, no_g, bad_kind, wrong_shape, wrong_count, not_python, two_linear, hidden_other)
    return {f.__name__: f for f in cases}


def forward(x: Any) -> Any:
    """Twice x."""
    return 2 * x


@pytest.mark.parametrize("case", rule_errors())
def test_a_rule_that_contradicts_itself_is_told(case: str) -> None:
    known = dict(ag.registry)
    try:
        with pytest.raises(ag.RuleError):
            rule_errors()[case]()
    finally:
        ag.registry.clear()
        ag.registry.update(known)


def test_a_zero_dimensional_array_is_not_weak() -> None:
    x = Tensor(np.float64(2.0))
    assert (x * Tensor(np.ones(2, np.float32))).dtype == np.float64
    assert isinstance(constant(np.float64(1.0)).data, np.float64)


def test_gradients_of_float16_are_summed_in_float32() -> None:
    bias = Tensor(np.zeros(1, np.float16))
    (np.ones((5000, 1), np.float16) + bias).sum().backward()
    assert bias.grad.dtype == np.float16
    np.testing.assert_array_equal(bias.grad.numpy(), np.float16(5000))
    assert ag.softmax(np.zeros(70_000, np.float16))[0] > 0
