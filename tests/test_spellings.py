"""The ops as NumPy spells them: composites and wrappers, against NumPy's own functions and finite differences.

What is one rule is tested in test_rules.py; here are the other spellings, by tables, and by drawing shapes and indices.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd as ag
from autograd import Tensor
from autograd.testing import check_grads


def check(f: Any, *xs: Any, numpy: Any = None) -> None:
    """The value against NumPy, and the derivatives against finite differences."""
    if numpy is not None:
        np.testing.assert_allclose(f(*map(Tensor, xs)).numpy(), numpy(*xs), rtol=1e-13, atol=1e-13)
    check_grads(f, *xs, rtol=1e-7)


def arange(*shape: int) -> Any:
    return (np.arange(np.prod(shape), dtype=float).reshape(shape) - 2.5) / 3


A, B, V = arange(2, 3), arange(3, 4), arange(3)
MARGIN = ((1, 0), (0, 2))
OWN = ("edge", "reflect", "symmetric", "wrap")  # modes of pad that fill the margin from the array itself
TABLE: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "where": (lambda x: ag.where(x > 0, x, 0.0), lambda x: np.where(x > 0, x, 0.0), (A,)),
    "clip both": (lambda x: ag.clip(x, -0.4, 0.4), lambda x: np.clip(x, -0.4, 0.4), (A,)),
    "clip below": (lambda x: ag.clip(x, -0.4), lambda x: np.clip(x, -0.4, None), (A,)),
    "clip above": (lambda x: ag.clip(x, None, 0.4), lambda x: np.clip(x, None, 0.4), (A,)),
    "clip neither": (lambda x: ag.clip(x), lambda x: x, (A,)),
    "concatenate": (lambda x, w: ag.concatenate([x, w], axis=0), lambda x, w: np.concatenate([x, w], 0), (A, arange(1, 3))),
    "concatenate flat": (lambda x, w: ag.concatenate([x, w], axis=None), lambda x, w: np.concatenate([x, w], None), (A, B)),
    "stack": (lambda x: ag.stack([x, 2 * x], axis=-1), lambda x: np.stack([x, 2 * x], -1), (A,)),
    "split": (lambda x: ag.split(x, [1, 2], axis=1)[1], lambda x: np.split(x, [1, 2], 1)[1], (A,)),
    "pad": (lambda x: ag.pad(x, MARGIN, constant_values=1.5), lambda x: np.pad(x, MARGIN, constant_values=1.5), (A,)),
    **{f"pad {m}": (lambda x, m=m: ag.pad(x, 2, mode=m), lambda x, m=m: np.pad(x, 2, mode=m), (V,)) for m in OWN},
    "repeat": (lambda x: ag.repeat(x, 2, axis=1), lambda x: np.repeat(x, 2, 1), (A,)),
    "repeat each": (lambda x: ag.repeat(x, [2, 0, 1], axis=1), lambda x: np.repeat(x, [2, 0, 1], 1), (A,)),
    "repeat flat": (lambda x: ag.repeat(x, [2, 0, 1]), lambda x: np.repeat(x, [2, 0, 1]), (V,)),
    "take": (lambda x: ag.take(x, [[0, -1]], axis=1), lambda x: np.take(x, [[0, -1]], 1), (A,)),
    "take by booleans": (lambda x: ag.take(x, [True, False, True]), lambda x: np.take(x, [True, False, True]), (A,)),
    "a key of tuples": (lambda x: x[(0, 1, 0), (2, 0, 2)], lambda x: x[(0, 1, 0), (2, 0, 2)], (A,)),
    "take flat": (lambda x: ag.take(x, [5, 0, 0]), lambda x: np.take(x, [5, 0, 0]), (A,)),
    "take_along_axis": (
        lambda x: ag.take_along_axis(x, np.array([[0], [2]]), axis=1),
        lambda x: np.take_along_axis(x, np.array([[0], [2]]), 1),
        (A,),
    ),
    "dot": (lambda x, w: ag.dot(x, w), np.dot, (A, B)),
    "dot n-d": (lambda x, w: ag.dot(x, w), np.dot, (arange(2, 2, 3), arange(2, 3, 2))),
    "dot n-d vector": (lambda x, w: ag.dot(x, w), np.dot, (arange(2, 2, 3), V)),
    "inner": (lambda x, w: ag.inner(x, w), np.inner, (A, arange(4, 3))),
    "outer": (lambda x, w: ag.outer(x, w), np.outer, (V, arange(2))),
    "tensordot 1": (lambda x, w: ag.tensordot(x, w, axes=1), lambda x, w: np.tensordot(x, w, 1), (A, B)),
    "tensordot 0": (lambda x, w: ag.tensordot(x, w, axes=0), lambda x, w: np.tensordot(x, w, 0), (V, arange(2))),
    "tensordot pairs": (
        lambda x, w: ag.tensordot(x, w, axes=([0, 2], [1, 0])),
        lambda x, w: np.tensordot(x, w, ([0, 2], [1, 0])),
        (arange(2, 3, 4), arange(4, 2, 5)),
    ),
    "einsum lists": (
        lambda x, w: ag.einsum(x, [0, 1], w, [1, 2], [0, 2]),
        lambda x, w: np.einsum(x, [0, 1], w, [1, 2], [0, 2]),
        (A, B),
    ),
    "einsum optimize": (
        lambda x, w, v: ag.einsum("ij,jk,j->ik", x, w, v, optimize=True),
        lambda x, w, v: np.einsum("ij,jk,j->ik", x, w, v),
        (A, B, V),
    ),
    "einsum implicit": (lambda x, w: ag.einsum("ij,jk", x, w), lambda x, w: np.einsum("ij,jk", x, w), (A, B)),
    "einsum dots": (lambda x: ag.einsum("...i->...", x), lambda x: np.einsum("...i->...", x), (A,)),
    "astype": (lambda x: ag.astype(x, np.float64), lambda x: x, (A,)),
    "transpose": (lambda x: x.transpose(1, 0), lambda x: x.transpose(1, 0), (A,)),
    "flatten": (lambda x: x.flatten() * V[0], lambda x: x.flatten() * V[0], (A,)),
    "T and mT": (lambda x: x.T @ x.mT.T, lambda x: x.T @ x, (A,)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_spellings(name: str) -> None:
    ours, theirs, xs = TABLE[name]
    check(lambda *ts: ours(*map(ag.asarray, ts)), *xs)
    np.testing.assert_allclose(ours(*map(Tensor, xs)).numpy(), theirs(*xs), rtol=1e-13, atol=1e-13)


@pytest.mark.slow
@given(st.data())
def test_any_index_reads_and_writes_as_numpy_does(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    x = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    integer = hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4))
    mask = hnp.arrays(bool, shape)
    index = data.draw(st.one_of(basic, integer, mask))
    selected = x[index]
    check(lambda t: ag.asarray(t)[index], x, numpy=lambda t: t[index])
    value = np.cos(selected)

    def write(t: Any, v: Any) -> Any:
        out = ag.asarray(t) * 1.0
        out[index] = v
        return out

    def write_plain(t: Any, v: Any) -> Any:
        out = t.copy()
        out[index] = v
        return out

    check(write, x, np.asarray(value), numpy=write_plain)


@pytest.mark.slow
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.sampled_from(["add", "multiply", "divide"]))
def test_broadcasting_is_summed_back(shapes: Any, name: str) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.uniform(0.5, 2.0, size=shape) for shape in shapes.input_shapes)
    check(getattr(ag, name), x, w, numpy=getattr(np, name))


@pytest.mark.slow
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_in_every_shape(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=shape) for shape in shapes.input_shapes)
    check(ag.matmul, x, w, numpy=np.matmul)


def test_random_draws() -> None:
    ag.random.seed(5)
    first = ag.random.normal(size=3)
    ag.random.seed(5)
    np.testing.assert_array_equal(first.numpy(), ag.random.normal(size=3).numpy())
    generator = np.random.default_rng(5)
    np.testing.assert_array_equal(first.numpy(), ag.random.normal(size=3, generator=generator).numpy())
    loc, scale = Tensor([1.0, 2.0]), Tensor(0.5)
    z = ag.random.normal(loc, scale, generator=np.random.default_rng(0))
    z.sum().backward()
    np.testing.assert_array_equal(loc.grad.data, [1.0, 1.0])
    np.testing.assert_allclose(scale.grad.data, np.random.default_rng(0).standard_normal(2).sum())
    low = Tensor(0.0)
    u = ag.random.uniform(low, 2.0, size=1000, generator=generator)
    assert u.min().item() >= 0
    assert u.max().item() < 2
    u.mean().backward()
    np.testing.assert_allclose(low.grad.data, 1 - u.mean().item() / 2)
    assert ag.random.normal(size=2, dtype=np.float32).dtype == np.float32
    assert not ag.random.normal(size=2).requires_grad
    assert sorted(ag.random.permutation(4).tolist()) == [0, 1, 2, 3]
    assert set(ag.random.integers(0, 2, size=50).tolist()) == {0, 1}
    assert ag.random.bernoulli(1.0, size=2).tolist() == [True, True]


def test_creation() -> None:
    assert ag.zeros((2, 3)).shape == (2, 3)
    assert ag.ones(2, dtype=np.float32, requires_grad=True).requires_grad
    assert not ag.full(2, 7.0).requires_grad
    np.testing.assert_array_equal(ag.arange(3).numpy(), [0, 1, 2])
    np.testing.assert_array_equal(ag.eye(2).numpy(), np.eye(2))
    np.testing.assert_array_equal(ag.linspace(0, 1, 3).numpy(), [0, 0.5, 1])
    t = Tensor([1.0])
    assert ag.asarray(t) is t
    assert ag.asarray(t, dtype=np.float32).dtype == np.float32
    assert ag.asarray(t, copy=True) is not t
    assert not ag.asarray([1.0]).requires_grad
    assert isinstance(ag.zeros_like(t), Tensor)
    assert isinstance(ag.full_like(np.ones(2), 3.0), np.ndarray)
    assert isinstance(np.zeros(2, like=t), Tensor)
