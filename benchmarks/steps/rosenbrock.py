"""Derivatives of Rosenbrock's function of many variables: its Hessian, and its derivative along one direction.

`numpy` is the function itself, on plain arrays: what a Jacobian-vector product is measured by.
"""


def rosenbrock(x):
    """The formula."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def point(size):
    """Where the derivatives are taken, and the direction."""
    import numpy as np

    return np.linspace(-1.2, 1.3, size), np.ones(size)


def with_ours(size, what):
    from autograd import hessian, jvp

    x, v = point(size)
    if what == "jvp":
        return lambda: jvp(rosenbrock, (x,), (v,))
    second = hessian(rosenbrock)
    return lambda: second(x)


def with_hips(size, what):
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import hessian, make_jvp

    def function(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, v = point(size)
    if what == "jvp":
        push = make_jvp(function)
        return lambda: push(x)(v)
    second = hessian(function)
    return lambda: second(x)


def with_torch(size, what):
    import torch

    x, v = map(torch.tensor, point(size))
    if what == "jvp":
        return lambda: torch.func.jvp(rosenbrock, (x,), (v,))
    second = torch.func.hessian(rosenbrock)
    return lambda: second(x)


def with_jax(size, what):
    import jax

    jax.config.update("jax_enable_x64", True)
    x, v = map(jax.numpy.asarray, point(size))
    if what == "jvp":
        both = jax.jit(lambda x, v: jax.jvp(rosenbrock, (x,), (v,)))
        return lambda: jax.block_until_ready(both(x, v))
    second = jax.jit(jax.hessian(rosenbrock))
    return lambda: jax.block_until_ready(second(x))


def with_numpy(size, what):
    x, _ = point(size)
    return lambda: rosenbrock(x)
