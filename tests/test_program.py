"""Recording: a training step that ran once as a Program, and the Program run again, bit for bit as the step would.

The step is written as a user would write it, with `backward()` inside, updates by ops, state in closures and objects.
"""

import functools
import gc
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Instruction, Program, Tensor, record
from autograd.program import Recorder


class Model:
    """A two-layer perceptron with Adam, the state in attributes."""

    def __init__(self, seed: int, dtype: Any = np.float32) -> None:
        rng = np.random.default_rng(seed)
        self.params = [Tensor(rng.normal(size=s).astype(dtype)) for s in [(4, 8), (8,), (8, 3)]]
        self.m = [Tensor(np.zeros(p.shape, dtype), requires_grad=False) for p in self.params]
        self.v = [Tensor(np.zeros(p.shape, dtype), requires_grad=False) for p in self.params]
        self.rng = np.random.default_rng(7)

    def loss(self, x: Any, y: Any) -> Tensor:
        w, b, u = self.params
        hidden = ag.relu(x @ w + b)
        keep = ag.random.bernoulli(0.8, size=hidden.shape, generator=self.rng)
        logits = (hidden * keep) @ u
        return -ag.take_along_axis(ag.log_softmax(logits), y, axis=1).mean()

    def step(self, x: Any, y: Any, rate: Any, t: Any) -> Tensor:
        for p in self.params:
            p.grad = None
        loss = self.loss(x, y)
        loss.backward()
        for p, m, v in zip(self.params, self.m, self.v, strict=True):
            m.data = 0.9 * m + 0.1 * p.grad
            v.data = 0.999 * v + 0.001 * p.grad * p.grad
            p.data = p - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return loss


def batch(i: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(100 + i)
    return rng.normal(size=(16, 4)).astype(np.float32), rng.integers(0, 3, size=(16, 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_twenty_steps_replay_bit_for_bit(dtype: Any) -> None:
    eager, replayed = Model(0, dtype), Model(0, dtype)
    first, program = record(replayed.step, *batch(0), 0.1, 1)
    np.testing.assert_array_equal(first.numpy(), eager.step(*batch(0), 0.1, 1).numpy())
    for i in range(1, 21):
        loss = eager.step(*batch(i), 0.1 / (1 + i), i + 1)
        again = program.run(*batch(i), 0.1 / (1 + i), i + 1)
        assert again.numpy().tobytes() == loss.numpy().tobytes()
        for kind in ("params", "m", "v"):
            for p, q in zip(getattr(eager, kind), getattr(replayed, kind), strict=True):
                assert p.numpy().tobytes() == q.numpy().tobytes()
                assert p.dtype == q.dtype
        for p, q in zip(eager.params, replayed.params, strict=True):
            assert p.grad.numpy().tobytes() == q.grad.numpy().tobytes()


def test_a_program_reads_like_code() -> None:
    w = Tensor([1.0, 2.0])

    def step(x: Any, rate: Any) -> Tensor:
        w.grad = None
        loss = ((w - x) ** 2).sum()
        loss.backward()
        w.data = w - rate * w.grad
        return loss

    _, program = record(step, np.zeros(2), 0.25)
    text = str(program)
    assert text.splitlines()[0] == "program step(x: float64[2], rate: float):"
    assert "captured w: float64[2]" in text
    assert "v1 = subtract(w, x)" in text
    assert "v2 = power(v1, 2)" in text
    assert "w <- " in text
    assert "w.grad <- " in text
    assert text.splitlines()[-1].strip() == "return v3"
    ops = [instruction.op for instruction in program]
    assert ops[:3] == ["subtract", "power", "sum"]
    assert len(program) == len(ops)
    assert all(instruction.source[0] == __file__ for instruction in program)
    assert repr(program) == f"<Program step: {len(ops)} instructions>"


def test_every_value_is_assigned_once_before_it_is_read() -> None:
    model = Model(1)
    _, program = record(model.step, *batch(0), 0.1, 1)
    known = {*program.inputs, *program.captured}
    for instruction in program:
        for value in instruction.inputs:
            if type(value).__name__ == "Variable":
                assert value in known
        for value in instruction.outputs:
            assert value not in known
            known.add(value)
    names = [v.name for v in program.captured]
    assert {"params[0]", "params[1]", "params[2]", "m[0]", "v[2]", "rng"} <= set(names)


READS = {
    "float": lambda t: float(t),
    "if": lambda t: 1 if t else 0,
    "data": lambda t: t.data,
    "item": lambda t: t.item(),
    "asarray": lambda t: np.asarray(t),
    "tolist": lambda t: t.tolist(),
    "format": lambda t: f"{t:.3f}",
    "range": lambda t: range(t),
    "int": lambda t: int(t),
    "a function without a rule": lambda t: np.polyval([1.0, 2.0], t),
    "pickle": lambda t: t.__reduce__(),
    "Tensor()": lambda t: Tensor(t),
}


@pytest.mark.parametrize("read", READS)
def test_reading_a_value_is_an_error_that_says_what_to_do(read: str) -> None:
    with pytest.raises(ag.RecordingError, match=r"autograd\.where"):
        record(lambda x: READS[read](x * 2.0), 1.5)
    from autograd.graph import gate, modes

    assert modes.recorder is None
    assert gate.shut == 0


def test_shapes_and_words_may_be_looked_at() -> None:
    def f(x: Any) -> Any:
        assert x.shape == (2,)
        assert np.shape(x) == (2,)
        assert "float64[2]" in repr(x)
        return x * len(x)

    y, _ = record(f, np.ones(2))
    np.testing.assert_array_equal(y.numpy(), [2.0, 2.0])


def test_equal_numbers_are_different_inputs() -> None:
    _, program = record(lambda a, b: a * 10 + b, 0.5, 0.5)
    assert program.run(1.0, 2.0).item() == 12.0
    _, program = record(lambda a, b: a * 10 + b, 1, 1)
    assert program.run(2, 3).item() == 23


def test_flags_are_part_of_the_program() -> None:
    def f(x: Any, double: bool, how: str = "plain") -> Any:
        return x * 2 if double else x * 1

    _, program = record(f, np.ones(2), True, how="plain")
    with pytest.raises(ValueError, match="part of the Program"):
        program.run(np.ones(2), False, how="plain")
    with pytest.raises(ag.ShapeError, match="recorded as"):
        program.run(np.ones(3), True, how="plain")
    with pytest.raises(TypeError, match="recorded for the arguments"):
        program.run(np.ones(2))


def test_what_a_closure_reads_is_read_anew() -> None:
    w = Tensor([1.0, 2.0], requires_grad=False)
    _, program = record(lambda x: (x * w).sum(), np.ones(2))
    w.data = np.array([10.0, 20.0])
    assert program.run(np.ones(2)).item() == 30.0


def test_an_external_is_an_input_that_lives_elsewhere() -> None:
    settings = {"rate": 0.5}

    def f(x: Any) -> Any:
        return x * ag.external("rate", lambda: settings["rate"])

    _, program = record(f, 2.0)
    assert [v.name for v in program.inputs] == ["x", "rate"]
    settings["rate"] = 3.0
    assert program.run(2.0).item() == 6.0
    assert f(2.0) == 6.0


def test_in_place_changes_are_recorded() -> None:
    counter = Tensor([0.0, 0.0], requires_grad=False)

    def f(x: Any) -> Any:
        y = x * 1.0
        y[0] = 5.0
        y += 1.0
        with ag.no_grad():
            counter[1] = counter[1] + 1.0
        return y

    eager = f(Tensor([1.0, 2.0]))
    y, program = record(f, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(y.numpy(), eager.numpy())
    np.testing.assert_array_equal(program.run(np.array([3.0, 4.0])).numpy(), [6.0, 5.0])
    np.testing.assert_array_equal(counter.numpy(), [0.0, 3.0])


def test_gradients_that_add_up_over_runs_are_refused_or_right() -> None:
    w = Tensor([1.0])

    def forgetful(x: Any) -> None:
        (w * x).sum().backward()

    _, program = record(forgetful, np.array([2.0]))
    with pytest.raises(ag.RecordingError, match="Reset gradients"):
        program.run(np.array([2.0]))
    _, program = record(forgetful, np.array([2.0]))  # w.grad is there already: it is read, added to and replaced
    np.testing.assert_array_equal(w.grad.numpy(), [4.0])
    program.run(np.array([3.0]))
    np.testing.assert_array_equal(w.grad.numpy(), [7.0])


def test_second_derivatives_are_recorded() -> None:
    def f(x: Any) -> Any:
        x = x.requires_grad_()
        y = (np.sin(x) * x).sum()
        y.backward(create_graph=True)
        first = x.grad
        x.grad = None
        (first * first).sum().backward()
        return x.grad

    _, program = record(f, np.array([0.3, 0.7]))
    eager = f(Tensor([1.1, -0.4]))
    assert program.run(np.array([1.1, -0.4])).numpy().tobytes() == eager.numpy().tobytes()


def test_transforms_are_recorded() -> None:
    def f(x: Any) -> Any:
        return ag.grad(lambda z: (z**3).sum())(x)

    _, program = record(f, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(program.run(np.array([3.0, 4.0])).numpy(), [27.0, 48.0])


def test_tensors_as_arguments_have_their_state_replaced() -> None:
    def step(w: Tensor, x: Any) -> Tensor:
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        w.data = w - 0.5 * w.grad
        return loss

    first, second = Tensor([1.0, 1.0]), Tensor([2.0, 2.0])
    _, program = record(step, first, np.ones(2))
    program.run(second, np.full(2, 2.0))
    np.testing.assert_array_equal(first.data, [0.5, 0.5])
    np.testing.assert_array_equal(second.data, [1.0, 1.0])
    np.testing.assert_array_equal(second.grad.data, [2.0, 2.0])


def test_recording_inside_a_recording() -> None:
    with pytest.raises(ag.RecordingError, match="outer recording"):
        record(lambda x: record(lambda z: z, x), 1.0)


def test_draws_come_from_the_stream() -> None:
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    y, program = record(lambda: ag.random.normal(size=3, generator=rng))
    expected = [twin.standard_normal(3) for _ in range(3)]
    got = [y, program.run(), program.run()]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


def test_a_recorded_backward_through_an_index_absorbs_nan() -> None:
    def step(x: Any) -> Any:
        y = ag.top_k(x.requires_grad_(), 1)[0]
        (y * y).sum().backward()
        return x.grad

    gradient, program = record(step, np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(gradient.numpy(), [np.nan, 0.0])
    np.testing.assert_array_equal(program.run(np.array([1.0, 3.0])).numpy(), [0.0, 6.0])
    np.testing.assert_array_equal(program.run(np.array([2.0, np.nan])).numpy(), [0.0, np.nan])


def test_a_recorded_jacobian_replays() -> None:
    def step(x: Any) -> Any:
        return ag.jacobian(lambda x: np.cumprod(x) * np.sqrt(x))(x)

    _, program = record(step, np.array([1.0, 2.0, 0.5]))
    for x in (np.array([1.0, 2.0, 0.5]), np.array([0.3, 0.0, 2.0])):
        np.testing.assert_allclose(program.run(x).numpy(), step(x), rtol=1e-12)


def test_a_tensor_keeps_nothing_of_a_recording_alive() -> None:
    w = Tensor([1.0, 2.0])

    def step(x: Any) -> Tensor:
        w.grad = None
        (x * w).sum().backward()
        w.data = w - w.grad
        return w * x

    _, program = record(step, np.ones(2))
    del program
    # By type(): a proxy of another library may answer isinstance() with a warning.
    assert [o for o in gc.get_objects() if type(o) in (Recorder, Program, Instruction)] == []
    assert w.numpy().tolist() == [0.0, 1.0]


class Layer:
    """An object that is called, and that has its Tensors in a list, and by name as modules do."""

    def __init__(self) -> None:
        self.weights = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]

    def __call__(self, x: Any) -> Any:
        return x * self.weights[0] + self.weights[1]


class Module(Layer):
    def named_parameters(self) -> Any:
        return iter({"a.weight": self.weights[0], "b.weight": self.weights[1]}.items())


layer, module = Layer(), Module()


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (layer, ["weights[0]", "weights[1]"]),
        (layer.__call__, ["weights[0]", "weights[1]"]),
        (lambda x: layer(x), ["c0", "c1"]),  # inside of an object that has no named_parameters nobody looks
        (module, ["a.weight", "b.weight"]),
        (functools.partial(module), ["a.weight", "b.weight"]),
        (lambda x: [module][0](x), ["module.a.weight", "module.b.weight"]),
        (ag.grad(lambda x: module(x).sum()), ["module.a.weight", "module.b.weight"]),
    ],
    ids=["object", "method", "object in a function", "module", "partial", "module in a function", "gradient"],
)
def test_what_is_captured_goes_by_the_name_that_leads_to_it(function: Any, names: list[str]) -> None:
    _, program = record(function, np.ones(2))
    assert [str(variable) for variable in program.captured] == names


def test_the_gradient_of_a_function_has_its_arguments() -> None:
    _, program = record(ag.value_and_grad(lambda mass, speed: mass * speed**2), 2.0, 3.0)
    assert "(mass: float, speed: float)" in str(program).splitlines()[0]
