"""Value and gradient of 0.5 x (1 + tanh(a (x + b x**3))) on a long array of float32: eight passes over memory, and no kernel of
any library for the whole."""

A, B = 0.7978845608, 0.044715


def gelu(x, tanh):
    """The formula."""
    return 0.5 * x * (1 + tanh(A * (x + B * x**3)))


def numbers(size):
    """The input."""
    import numpy as np

    return np.linspace(-3, 3, size, dtype=np.float32)


def with_ours(size):
    from autograd import Tensor, tanh

    x = Tensor(numbers(size))

    def step():
        gelu(x, tanh).sum().backward()
        x.grad = None

    return step


def with_torch(size):
    import torch

    x = torch.tensor(numbers(size), requires_grad=True)

    def step():
        gelu(x, torch.tanh).sum().backward()
        x.grad = None

    return step


def with_torch_compile(size):
    import torch

    x = torch.tensor(numbers(size), requires_grad=True)
    total = torch.compile(lambda x: gelu(x, torch.tanh).sum())

    def step():
        total(x).backward()
        x.grad = None

    return step


def with_hips(size):
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import value_and_grad

    x = numbers(size)
    both = value_and_grad(lambda x: np.sum(gelu(x, np.tanh)))
    return lambda: both(x)


def with_mygrad(size):
    import mygrad

    x = mygrad.tensor(numbers(size))

    def step():
        gelu(x, mygrad.tanh).sum().backward()
        x.null_grad()

    return step


def with_jax(size):
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(numbers(size))
    both = jax.jit(jax.value_and_grad(lambda x: gelu(x, jnp.tanh).sum()))
    return lambda: jax.block_until_ready(both(x))
