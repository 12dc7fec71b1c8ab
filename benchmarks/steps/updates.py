"""A step of Adam alone, on parameters that have their gradients: a few large ones, or many small ones.

PyTorch's is `fused` where there is one pass over memory to save, and `foreach`, its usual way, where there are many calls.
"""


def arrays(count, size):
    import numpy as np

    generator = np.random.default_rng(0)
    return [(generator.standard_normal(size, np.float32), generator.standard_normal(size, np.float32)) for _ in range(count)]


def with_ours(count, size, kind):
    import optim
    from autograd import Tensor

    parameters = []
    for value, gradient in arrays(count, size):
        parameters.append(Tensor(value))
        parameters[-1].grad = gradient
    return optim.Adam(parameters).step


def with_torch(count, size, kind):
    import torch

    parameters = []
    for value, gradient in arrays(count, size):
        parameters.append(torch.tensor(value, requires_grad=True))
        parameters[-1].grad = torch.tensor(gradient)
    return torch.optim.Adam(parameters, **{kind: True}).step


def with_jax(count, size, kind):
    """The formula of `functional.py`, compiled for all parameters together."""
    import jax
    from steps import functional

    given = [(jax.numpy.asarray(value), jax.numpy.asarray(gradient)) for value, gradient in arrays(count, size)]
    parameters, gradients = [value for value, _ in given], [gradient for _, gradient in given]
    update = jax.jit(lambda *given: functional.Adam(jax.numpy, *given))
    held = [parameters, functional.state_of(parameters), 0]

    def step():
        held[2] += 1
        held[0], held[1] = jax.block_until_ready(update(held[0], gradients, *held[1:]))

    return step
