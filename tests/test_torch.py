"""The engine beside PyTorch, where it is installed: the same formulas, the same values and gradients.

PyTorch is a second opinion, not the truth: where the two differ on purpose (kinks, tails), test_traps.py says so.
"""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor

pytestmark = pytest.mark.torch

UNARY = ["sin", "cos", "tanh", "exp", "sigmoid", "relu", "sqrt", "log", "log1p", "expm1", "arctan", "sinh", "cosh", "square"]


def both(ours: Any, theirs: Any, *arrays: Any) -> None:
    """Values and gradients of the sum of squares, to the rounding of the dtype."""
    torch = pytest.importorskip("torch")
    xs, ts = [Tensor(a) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = ours(*xs), theirs(torch, *ts)
    tolerance = 50 * np.finfo(arrays[0].dtype).eps
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=tolerance, atol=tolerance)
    (y * y).sum().backward()
    (z * z).sum().backward()
    for x, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=tolerance, atol=tolerance)
        assert x.grad.dtype == arrays[0].dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_functions(name: str, dtype: Any) -> None:
    both(getattr(ag, name), lambda torch, t: getattr(torch, name)(t), np.linspace(0.05, 2.0, 12, dtype=dtype).reshape(3, 4))


FORMULAS: dict[str, tuple[Any, Any, list[tuple[int, ...]]]] = {
    "a perceptron": (
        lambda x, w, b, u: np.tanh(x @ w + b) @ u,
        lambda torch, x, w, b, u: torch.tanh(x @ w + b) @ u,
        [(5, 3), (3, 4), (4,), (4, 2)],
    ),
    "attention": (
        lambda q, k, v: ag.softmax(q @ k.mT / 2.0, axis=-1) @ v,
        lambda torch, q, k, v: torch.softmax(q @ k.mT / 2.0, dim=-1) @ v,
        [(2, 3, 4), (2, 3, 4), (2, 3, 4)],
    ),
    "normalisation": (
        lambda x: (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5),
        lambda torch, x: (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, correction=0) + 1e-5),
        [(4, 6)],
    ),
    "log_softmax": (lambda x: ag.log_softmax(x, axis=1), lambda torch, x: torch.log_softmax(x, dim=1), [(4, 6)]),
    "logsumexp": (lambda x: ag.logsumexp(x, axis=0), lambda torch, x: torch.logsumexp(x, dim=0), [(4, 6)]),
    "indices": (
        lambda x: x[[0, 2, 2], 1:] * x[::2, :1][[0, 1, 1]],
        lambda torch, x: x[[0, 2, 2], 1:] * x[::2, :1][[0, 1, 1]],
        [(4, 3)],
    ),
    "einsum": (
        lambda x, w: ag.einsum("bij,jk->bik", x, w),
        lambda torch, x, w: torch.einsum("bij,jk->bik", x, w),
        [(2, 3, 4), (4, 5)],
    ),
    "inverse and determinant": (
        lambda x: np.linalg.inv(x + 3 * np.eye(3, dtype=x.dtype)) * np.linalg.det(x),
        lambda torch, x: torch.linalg.inv(x + 3 * torch.eye(3, dtype=x.dtype)) * torch.linalg.det(x),
        [(3, 3)],
    ),
    "cholesky and solve": (
        lambda x, b: np.linalg.cholesky(x @ x.mT + np.eye(3, dtype=x.dtype))
        @ np.linalg.solve(x + 3 * np.eye(3, dtype=x.dtype), b),
        lambda torch, x, b: torch.linalg.cholesky(x @ x.mT + torch.eye(3, dtype=x.dtype))
        @ torch.linalg.solve(x + 3 * torch.eye(3, dtype=x.dtype), b),
        [(2, 3, 3), (2, 3, 2)],
    ),
    "singular values": (lambda x: np.linalg.svdvals(x), lambda torch, x: torch.linalg.svdvals(x), [(4, 3)]),
    "there and back by fft": (
        lambda x, w: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(w), n=x.shape[-1]),
        lambda torch, x, w: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(w), n=x.shape[-1]),
        [(2, 7), (7,)],
    ),
    "sort and quantile": (
        lambda x: np.sort(x, axis=0) * np.quantile(x, 0.3, axis=0),
        lambda torch, x: torch.sort(x, dim=0).values * torch.quantile(x, 0.3, dim=0),
        [(5, 3)],
    ),
    "prod and cumsum": (lambda x: x.prod(axis=0) + x.cumsum(1)[0], lambda torch, x: x.prod(0) + x.cumsum(1)[0], [(3, 4)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str, dtype: Any) -> None:
    ours, theirs, shapes = FORMULAS[name]
    rng = np.random.default_rng(0)
    both(ours, theirs, *(rng.normal(size=shape).astype(dtype) for shape in shapes))
