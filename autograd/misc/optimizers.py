"""Gradient descent for scripts: functions that take a gradient and a start, and return where they arrive.

`grad(x, i)` is the gradient at step i. The start may be any nesting of containers of arrays and numbers. These are functions
without state, and differentiable themselves; `optim` has the optimizers for models. Stands on `flatten`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .flatten import flatten

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any] | None
Optimizer = Callable[..., Any]


def unflatten_optimizer(optimize: Optimizer) -> Optimizer:
    """Makes an optimizer of vectors one of nested containers."""

    @wraps(optimize)
    def optimize_tree(grad: Gradient, x0: Any, callback: Callback = None, *args: Any, **kwargs: Any) -> Any:
        flat, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def flat_callback(x: Any, i: int, g: Any) -> None:
            if callback is not None:
                callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(flat_grad, flat, flat_callback, *args, **kwargs))

    return optimize_tree


@unflatten_optimizer
def sgd(grad: Gradient, x: Any, callback: Any = None, num_iters: int = 200, step_size: float = 0.1, mass: float = 0.9) -> Any:
    """Gradient descent with momentum: v = mass * v - (1 - mass) * g, x = x + step_size * v.

    >>> print(f"{sgd(lambda x, i: 2 * x, 1.0, num_iters=20):.3f}")
    -0.271
    """
    velocity = np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Gradient,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Steps scaled by a running mean of squares: s = gamma * s + (1 - gamma) * g**2, x = x - step_size * g / (sqrt(s) + eps).

    >>> print(f"{abs(rmsprop(lambda x, i: 2 * x, 1.0, step_size=0.01)):.3f}")
    0.114
    """
    squares = np.ones_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        squares = gamma * squares + (1.0 - gamma) * g**2
        x = x - step_size * g / (np.sqrt(squares) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Gradient,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam: running means m of g and v of g**2, both without the bias of their start, x = x - step_size * m / (sqrt(v) + eps).

    >>> print(f"{adam(lambda x, i: 2 * x, 1.0, step_size=0.01):.3f}")
    0.224
    """
    m, v = np.zeros_like(x), np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        m = b1 * m + (1.0 - b1) * g
        v = b2 * v + (1.0 - b2) * g**2
        unbiased_m, unbiased_v = m / (1.0 - b1 ** (i + 1)), v / (1.0 - b2 ** (i + 1))
        x = x - step_size * unbiased_m / (np.sqrt(unbiased_v) + eps)
    return x
