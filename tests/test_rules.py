"""Every op of the registry, on every sample of its rule: one table, walked by each test.

Values against NumPy, derivatives to second order in both modes and all their combinations by `check_grads`, what holds for
every derivative by the other checks of `autograd.testing`, dtypes, sizes 0 and 1, layouts, recording, arrays that are not
NumPy's. A new op is tested by standing in the registry.
"""

import ctypes
import importlib
import subprocess
import warnings
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import DtypeError, Tensor, record, registry, vjp
from autograd.graph import leaf_of
from autograd.rule import Rule, Sample
from autograd.tensor import with_node
from autograd.testing import (
    check_adjoint,
    check_broadcast,
    check_deterministic,
    check_dtypes,
    check_grads,
    check_linear,
    check_no_mutation,
    check_second_order_symmetry,
)
from autograd.testing.samples import build, samples_of

from .elsewhere import Double, bare

PLACES = {"output", "together", "solution_pull"}  # nodes for the engine's own use, which nobody calls
OURS = {name: rule for name, rule in registry.items() if "." not in name and name not in PLACES}

CASES = [
    pytest.param(rule, sample, id=f"{name}-{i}") for name, rule in OURS.items() for i, sample in enumerate(samples_of(rule))
]
BITS = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}
SMOOTH = [case for case in CASES if case.values[0].differentiable]  # type: ignore[union-attr]


def moving(rule: Rule, inputs: list[Any]) -> list[int]:
    """Which inputs have a derivative and a value that can move."""
    return [
        i
        for i, x in enumerate(inputs)
        if isinstance(x, np.ndarray) and x.dtype.kind in "fc" and (rule.joint or rule.derivatives[i] is not None)
    ]


def function_of(rule: Rule, sample: Sample, inputs: list[Any], free: list[int]) -> Any:
    """The op as a function of its moving inputs alone, with one output (the parts of several joined)."""

    def f(*xs: Any) -> Any:
        given = list(inputs)
        for i, x in zip(free, xs, strict=True):
            given[i] = x
        y = rule.op(*given, **sample.attributes)
        return autograd.concatenate([part.reshape(-1) for part in y]) if isinstance(y, tuple) else y

    return f


def as_function(rule: Rule, sample: Sample) -> tuple[Any, list[Any]]:
    """The op as a function of its moving inputs alone, and these."""
    inputs = build(rule, sample)
    free = moving(rule, inputs)
    return function_of(rule, sample, inputs, free), [inputs[i] for i in free]


def whole(x: Any, rule: Rule) -> Any:
    return x.astype(int) if rule.name in BITS else x


@pytest.mark.parametrize(("rule", "sample"), CASES)
def test_values_are_those_of_the_forward_and_of_numpy(rule: Rule, sample: Sample) -> None:
    inputs = [whole(x, rule) if isinstance(x, np.ndarray) else x for x in build(rule, sample)]
    if rule.creates:
        inputs = build(rule, sample)
    expected = rule.forward(*build(rule, sample) if rule.creates else inputs, **{**rule.defaults, **sample.attributes})
    tensors = [Tensor(x, i in moving(rule, inputs)) if isinstance(x, np.ndarray) else x for i, x in enumerate(inputs)]
    got = rule.op(*tensors, **sample.attributes)
    for ours, theirs in zip(*((v if isinstance(v, tuple) else (v,)) for v in (got, expected)), strict=True):
        assert isinstance(ours, Tensor)
        assert ours.shape == np.shape(theirs)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs)
    for name in rule.numpy:
        function = getattr(importlib.import_module("scipy.special"), name.split(".")[-1]) if isinstance(name, str) else name
        if isinstance(function, np.ufunc) and not rule.attributes:
            np.testing.assert_allclose(bare(function(*inputs)), expected, rtol=1e-15)
            np.testing.assert_array_equal(function(*tensors).numpy(), expected)


# Forward over forward mode of these is a hundred times the work of the function: their gradient stands for both derivatives.
COSTLY = {"solution"}
# SciPy's digits run out: its slope at a step of 1e-2 confirms the second derivative to 4e-11, at smaller steps less and less.
NOISY = {"stdtr_slope"}


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
def test_derivatives_in_both_modes_to_second_order(rule: Rule, sample: Sample, gradcheck: Any) -> None:
    f, xs = as_function(rule, sample)
    check = partial(gradcheck, rtol=1e-7, each_op=False, name=rule.name)
    if rule.name in COSTLY:
        g = np.ones_like(f(*xs))
        check(f, *xs, order=1, directions=1)
        check(lambda *ts: vjp(f, *ts)[1](g), *xs, order=1, directions=1)
    elif rule.name in NOISY:
        check(f, *xs, order=1)
        check(f, *xs, rtol=1e-6)
    else:
        check(f, *xs)


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
def test_a_sweep_is_differentiable_in_its_cotangent(rule: Rule, sample: Sample) -> None:
    """A sweep is linear in it, so this is exact; where an op hides it, second derivatives of what follows the op are lost."""
    f, xs = as_function(rule, sample)
    y, pull = vjp(f, *map(Tensor, xs))
    check_grads(pull, np.ones_like(y.numpy()), order=1, rtol=1e-9, directions=1)


# What holds for every derivative, whatever the op: no finite differences here, so the digits are many.
PROPERTIES = {
    "adjoint": partial(check_adjoint, rtol=1e-10),
    "linear": partial(check_linear, rtol=1e-10),
    "deterministic": check_deterministic,
    "no mutation": check_no_mutation,
    "symmetric": lambda f, *xs: check_second_order_symmetry(lambda *ts: (y := f(*ts)) + y * y, *xs),  # many are linear
}


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
@pytest.mark.parametrize("holds", PROPERTIES)
def test_properties_of_every_derivative(rule: Rule, sample: Sample, holds: str) -> None:
    f, xs = as_function(rule, sample)
    PROPERTIES[holds](f, *xs)


@pytest.mark.parametrize(("rule", "sample"), [case for case in SMOOTH if case.values[0].elementwise])  # type: ignore[union-attr]
def test_what_is_broadcast_gets_the_sum(rule: Rule, sample: Sample) -> None:
    f, xs = as_function(rule, sample)
    check_broadcast(f, *xs)


@pytest.mark.parametrize(("rule", "sample"), [c for c in SMOOTH if c.values[0].elementwise and not c.values[0].samples])  # type: ignore[union-attr]
def test_precision_is_kept(rule: Rule, sample: Sample) -> None:
    f, xs = as_function(rule, sample)
    check_dtypes(f, *xs, dtypes=(np.float32, np.float64))


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
def test_many_cotangents_at_once(rule: Rule, sample: Sample) -> None:
    """Plain and recorded, a sweep with rows is what a sweep for each row would be."""
    f, xs = as_function(rule, sample)
    for given in (xs, [Tensor(x) for x in xs]):
        y, pull = vjp(f, *given)
        basis = np.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape)
        rows = [pull(g) for g in basis]
        imaginary = [pull(-1j * g) for g in basis] if y.dtype.kind == "c" else None
        jacobians = autograd.jacobian(f, tuple(range(len(xs))))(*given)
        for i, found in enumerate(jacobians):
            expected = np.stack([row[i] for row in rows]).reshape(found.shape)
            if imaginary and given[i].dtype.kind != "c":  # the parts of a complex function of real numbers
                expected = expected + 1j * np.stack([row[i] for row in imaginary]).reshape(found.shape)
            np.testing.assert_allclose(plain(found), plain(expected), rtol=1e-13, atol=1e-14)


def plain(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ">f8"])
def test_dtypes_are_kept(rule: Rule, sample: Sample, dtype: Any) -> None:
    if rule.name == "astype":
        pytest.skip("it is there to change the dtype")
    inputs = build(rule, sample, dtype)
    xs = [Tensor(x) if i in moving(rule, inputs) else x for i, x in enumerate(inputs)]
    try:
        expected = rule.forward(*build(rule, sample, dtype), **{**rule.defaults, **sample.attributes})
    except TypeError:  # LAPACK knows no float16
        assert dtype is np.float16
        with pytest.raises(DtypeError):
            rule.op(*xs, **sample.attributes)
        return
    y = rule.op(*xs, **sample.attributes)
    ours, theirs = (v if isinstance(v, tuple) else (v,) for v in (y, expected))
    for part, plain in zip(ours, theirs, strict=True):
        assert part.dtype == plain.dtype
        # SciPy computes float16 in float32, and a view of big-endian data is big-endian still.
        if part.dtype.kind in "fc" and dtype is not np.float16:
            assert np.finfo(part.dtype).bits == np.finfo(dtype).bits
    moved = [part for part in ours if part.requires_grad]
    autograd.concatenate([part.reshape(-1) for part in moved]).sum().real.backward()
    for i in moving(rule, inputs):
        assert xs[i].grad.dtype == inputs[i].dtype
        assert xs[i].grad.shape == xs[i].shape


LAYOUTS = {
    "transposed": lambda x: np.asfortranarray(x),
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1] if x.ndim else x,
    "readonly": lambda x: frozen(x.copy()),
}


def frozen(x: Any) -> Any:
    x.flags.writeable = False
    return x


def swept(rule: Rule, sample: Sample, inputs: list[Any], free: list[int]) -> list[Any]:
    """The outputs of the op, and the gradients of its moving inputs."""
    leaves = [with_node(x, leaf_of(x)) if i in free else x for i, x in enumerate(inputs)]  # Tensor() would copy the layout away
    y = rule.op(*leaves, **sample.attributes)
    parts = y if isinstance(y, tuple) else (y,)
    for part in parts:
        part.sum().real.backward(retain_graph=True)
    return [*(part.numpy() for part in parts), *(leaves[i].grad.numpy() for i in free)]


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
def test_layout_does_not_matter(rule: Rule, sample: Sample) -> None:
    inputs = build(rule, sample)
    free = moving(rule, inputs)
    expected = swept(rule, sample, inputs, free)
    for layout, change in LAYOUTS.items():
        found = swept(rule, sample, [change(x) if i in free else x for i, x in enumerate(inputs)], free)
        for other, plain in zip(found, expected, strict=True):
            np.testing.assert_allclose(other, plain, rtol=1e-12, atol=1e-14, err_msg=layout)


ELEMENTWISE = [rule for rule in OURS.values() if rule.kind == "elementwise" and not rule.samples and rule.differentiable]


@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (1,), (1, 1), ()])
def test_sizes_zero_and_one(rule: Rule, shape: tuple[int, ...]) -> None:
    inputs = build(rule, Sample((shape,) * len(rule.inputs), {}))
    xs = [Tensor(x) for x in inputs]
    y = rule.op(*xs)
    assert y.shape == shape
    y.sum().backward()
    for x in xs:
        assert x.grad.shape == shape


SIZED_BY_ATTRIBUTES = {"place_diagonal", "convolution"}  # which would contradict another size


def resized(rule: Rule, sample: Sample, n: int) -> Sample | None:
    """The sample with every axis of length n, where the op's forward takes that."""
    small = Sample(
        tuple((n,) * len(given) if isinstance(given, tuple) else given for given in sample.inputs), sample.attributes
    )
    if rule.name in SIZED_BY_ATTRIBUTES or not all(isinstance(given, tuple) for given in sample.inputs):
        return None
    with warnings.catch_warnings(action="ignore"):
        try:
            rule.forward(*build(rule, small), **{**rule.defaults, **sample.attributes})
        except (ValueError, IndexError, TypeError, ZeroDivisionError):  # shapes that belong to the sample's attributes
            return None
    return small


SIZED = [
    pytest.param(rule, small, id=f"{case.id}-{n}")
    for case in SMOOTH
    for rule, sample in [case.values]
    for n in (0, 1)
    if not rule.creates and (small := resized(rule, sample, n)) is not None
]


@pytest.mark.parametrize(("rule", "sample"), SIZED)
def test_axes_of_length_zero_and_one(rule: Rule, sample: Sample) -> None:
    f, xs = as_function(rule, sample)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # the mean of nothing
        y, pull = vjp(f, *xs)
        gradients = pull(np.ones_like(y))
    for x, gradient in zip(xs, gradients, strict=True):
        assert np.shape(gradient) == x.shape
        assert gradient.dtype == x.dtype
    if any(x.size for x in xs) and np.isfinite(y).all() and not rule.name.endswith("_parts"):  # of one number: a sign
        check_grads(f, *xs, order=1, rtol=1e-7)


def test_most_rules_are_tried_on_small_sizes() -> None:
    assert len({case.values[0].name for case in SIZED}) > 100  # type: ignore[union-attr]


@pytest.mark.parametrize("rule", [rule for rule in OURS.values() if rule.scalar], ids=lambda rule: rule.name)
def test_python_floats_agree_with_arrays(rule: Rule) -> None:
    inputs = [float(x[0]) for x in build(rule, Sample(((1,),) * len(rule.inputs), {}))]
    scalars, arrays = [Tensor(x) for x in inputs], [Tensor([x]) for x in inputs]
    y, z = rule.op(*scalars), rule.op(*arrays)
    assert type(y.data) in (float, bool)
    np.testing.assert_allclose(y.data, z.data[0], rtol=1e-14)
    if rule.differentiable:
        y.backward()
        z.sum().backward()
        for s, a in zip(scalars, arrays, strict=True):
            assert type(s.grad.data) is float
            np.testing.assert_allclose(s.grad.data, a.grad.data[0], rtol=1e-13)


@pytest.mark.parametrize(("rule", "sample"), [c for c in SMOOTH if not c.values[0].creates])  # type: ignore[union-attr]
def test_a_recorded_op_replays_with_other_inputs(rule: Rule, sample: Sample) -> None:
    inputs = build(rule, sample)
    free = moving(rule, inputs)
    f = function_of(rule, sample, inputs, free)

    def step(*xs: Any) -> Any:
        leaves = [x.requires_grad_() for x in xs]
        y = f(*leaves)
        y.sum().real.backward()
        return y, [x.grad for x in leaves]

    _, program = record(step, *(inputs[i] for i in free))
    others = [build(rule, sample, seed=5)[i] for i in free]
    y, gradients = program.run(*others)
    tensors = [Tensor(x) for x in others]
    z = f(*tensors)
    z.sum().real.backward()
    np.testing.assert_array_equal(y.numpy(), z.numpy())
    for gradient, x in zip(gradients, tensors, strict=True):
        np.testing.assert_array_equal(gradient.numpy(), x.grad.numpy())


def check_elsewhere(rule: Rule, sample: Sample, there: Any, back: Any) -> None:
    """The op, forward and backward, on arrays that live elsewhere: they stay there, and hold the same numbers."""
    inputs = build(rule, sample)
    free = moving(rule, inputs)
    plain = [Tensor(x) if i in free else x for i, x in enumerate(inputs)]
    foreign = [Tensor(there(x)) if i in free else there(x) if isinstance(x, np.ndarray) else x for i, x in enumerate(inputs)]
    if rule.host:
        with pytest.raises(DtypeError, match="NumPy arrays only"):
            rule.op(*foreign, **sample.attributes)
        return
    results = []
    for given in (plain, foreign):
        y = rule.op(*given, **sample.attributes)
        results.append(y if isinstance(y, tuple) else (y,))
        for part in results[-1]:
            part.sum().real.backward(retain_graph=True)
    for ours, theirs in zip(*results, strict=True):
        assert isinstance(theirs._raw, type(there(np.zeros(1))))
        np.testing.assert_allclose(back(theirs._raw), ours.numpy(), rtol=1e-12, atol=1e-14)
    for i in free:
        assert isinstance(foreign[i].grad._raw, type(there(np.zeros(1))))
        np.testing.assert_allclose(back(foreign[i].grad._raw), plain[i].grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("rule", "sample"), SMOOTH)
def test_arrays_that_are_not_numpys(rule: Rule, sample: Sample) -> None:
    check_elsewhere(rule, sample, Double, bare)


ON_GPU = SMOOTH if find_spec("cupy") else [pytest.param(None, None, id=f"{len(SMOOTH)} cases")]


@pytest.mark.gpu
@pytest.mark.parametrize(("rule", "sample"), ON_GPU)
def test_arrays_on_a_gpu(rule: Rule, sample: Sample) -> None:
    cupy = pytest.importorskip("cupy")
    check_elsewhere(rule, sample, cupy.asarray, cupy.asnumpy)


@pytest.mark.slow
@pytest.mark.compiler
def test_c_expressions_compute_what_the_forward_does(tmp_path: Any) -> None:
    """One C file with a function for each rule that has an expression, compiled, against the rule on floats."""
    rules = [rule for rule in OURS.values() if rule.c]
    source = ["#include <math.h>"]
    for rule in rules:
        parameters = ", ".join(f"double {name}" for name in rule.inputs)
        source.append(
            f"double op_{rule.name}({parameters}) {{ return {rule.c.format(**{n: n for n in rule.inputs}, **rule.defaults)}; }}"
        )
    (tmp_path / "ops.c").write_text("\n".join(source))
    command = [
        "cc",
        "-O1",
        "-Wall",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        str(tmp_path / "ops.so"),
        str(tmp_path / "ops.c"),
        "-lm",
    ]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(tmp_path / "ops.so"))
    assert len(rules) > 50
    for rule in rules:
        function = getattr(library, f"op_{rule.name}")
        function.restype = ctypes.c_double
        function.argtypes = [ctypes.c_double] * len(rule.inputs)
        for row in zip(*(x.ravel() for x in build(rule, Sample(((5,),) * len(rule.inputs), {}))), strict=True):
            expected = rule.forward(*map(np.float64, row))
            np.testing.assert_allclose(function(*row), float(expected), rtol=1e-14, err_msg=rule.name)


def test_the_registry_is_complete() -> None:
    assert len(OURS) > 100
    for rule in OURS.values():
        assert rule.doc.strip(), f"{rule.name} has no docstring"
