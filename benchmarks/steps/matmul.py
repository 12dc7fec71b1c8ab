"""One matrix product, as the user of the library gets it: which BLAS, and which of its kernels."""


def with_ours(size):
    import numpy as np

    from autograd import Tensor

    a, b = (Tensor(np.random.default_rng(i).random((size, size), np.float32), requires_grad=False) for i in range(2))
    return lambda: a @ b


def with_numpy(size):
    import numpy as np

    a, b = (np.random.default_rng(i).random((size, size), np.float32) for i in range(2))
    return lambda: a @ b


def with_torch(size):
    import torch

    a, b = torch.rand(size, size), torch.rand(size, size)
    return lambda: a @ b


def with_jax(size):
    import jax

    a, b = (jax.random.uniform(jax.random.key(i), (size, size)) for i in range(2))
    product = jax.jit(lambda a, b: a @ b)
    return lambda: product(a, b).block_until_ready()
