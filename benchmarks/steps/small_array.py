"""100 ops on 8 float32: 25 times mul, add, tanh, sub; then the sum, the gradients of all three leaves, and their reset.

Arrays so small that only the overhead of a library is measured.
"""

LEAVES = ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), [0.9] * 8, [0.05] * 8)  # x, w, b


def chain(x, w, b, tanh):
    """The formula."""
    y = x
    for _ in range(25):
        y = tanh(y * w + b) - x
    return y


def with_ours():
    import numpy as np

    from autograd import Tensor, tanh

    x, w, b = (Tensor(np.array(v, np.float32)) for v in LEAVES)

    def step():
        chain(x, w, b, tanh).sum().backward()
        x.grad = w.grad = b.grad = None

    return step


def with_torch():
    import torch

    x, w, b = (torch.tensor(v, requires_grad=True) for v in LEAVES)

    def step():
        chain(x, w, b, torch.tanh).sum().backward()
        x.grad = w.grad = b.grad = None

    return step


def with_hips():
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import grad

    leaves = tuple(np.array(v, np.float32) for v in LEAVES)
    gradient = grad(lambda x, w, b: np.sum(chain(x, w, b, np.tanh)), (0, 1, 2))

    def step():
        gradient(*leaves)

    return step


def with_mygrad():
    import mygrad
    import numpy as np

    x, w, b = (mygrad.tensor(np.array(v, np.float32)) for v in LEAVES)

    def step():
        chain(x, w, b, mygrad.tanh).sum().backward()
        for leaf in (x, w, b):
            leaf.null_grad()

    return step


def with_jax():
    import jax
    import jax.numpy as jnp

    leaves = tuple(jnp.array(v, jnp.float32) for v in LEAVES)
    gradient = jax.jit(jax.grad(lambda x, w, b: chain(x, w, b, jnp.tanh).sum(), (0, 1, 2)))

    def step():
        jax.block_until_ready(gradient(*leaves))

    return step
