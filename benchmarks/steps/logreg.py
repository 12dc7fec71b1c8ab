"""Value and gradient of the mean logistic loss, log(1 + exp(-t (x w))), of a linear model on many float32 rows."""


def data(rows, columns):
    """Rows, targets of -1 and 1, and weights."""
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, columns), dtype=np.float32)
    w = generator.standard_normal(columns, dtype=np.float32) / columns**0.5
    t = np.sign(x @ w + generator.standard_normal(rows, dtype=np.float32)).astype(np.float32)
    return x, t, np.zeros_like(w)


def with_ours(rows, columns):
    from autograd import Tensor, logaddexp

    x, t, w = data(rows, columns)
    x, t, w = Tensor(x, requires_grad=False), Tensor(t, requires_grad=False), Tensor(w)

    def step():
        logaddexp(0.0, -t * (x @ w)).mean().backward()
        w.grad = None

    return step


def with_torch(rows, columns):
    import torch

    x, t, w = map(torch.tensor, data(rows, columns))
    w.requires_grad_()

    def step():
        torch.nn.functional.softplus(-t * (x @ w)).mean().backward()
        w.grad = None

    return step


def with_torch_compile(rows, columns):
    import torch

    x, t, w = map(torch.tensor, data(rows, columns))
    w.requires_grad_()
    loss = torch.compile(lambda w, x, t: torch.nn.functional.softplus(-t * (x @ w)).mean())

    def step():
        loss(w, x, t).backward()
        w.grad = None

    return step


def with_hips(rows, columns):
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import value_and_grad

    x, t, w = data(rows, columns)
    both = value_and_grad(lambda w: np.mean(np.logaddexp(0.0, -t * (x @ w))))
    return lambda: both(w)


def with_mygrad(rows, columns):
    import mygrad

    x, t, w = data(rows, columns)
    w = mygrad.tensor(w)

    def step():
        mygrad.logaddexp(0.0, -t * (x @ w)).mean().backward()
        w.null_grad()

    return step


def with_jax(rows, columns):
    import jax
    import jax.numpy as jnp

    x, t, w = map(jnp.asarray, data(rows, columns))
    both = jax.jit(jax.value_and_grad(lambda w: jnp.logaddexp(0.0, -t * (x @ w)).mean()))
    return lambda: jax.block_until_ready(both(w))
