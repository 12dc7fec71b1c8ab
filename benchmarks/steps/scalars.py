"""100 ops on Python numbers, as micrograd has them, forward and backward, and the reset of the gradients.

Two formulas: `mixed` with relu and sub, which micrograd composes of add and mul, and `mul_add` of its fastest two alone.
"""

LEAVES = (0.3, 0.9, 0.5)  # x, w, b


def mixed(x, w, b):
    """25 times mul, add, relu, sub."""
    y = x
    for _ in range(25):
        y = (y * w + b).relu() - x
    return y


def mul_add(x, w, b):
    """50 times mul, add."""
    y = x
    for _ in range(50):
        y = y * w + b
    return y


FORMULAS = {"mixed": mixed, "mul_add": mul_add}


def with_ours(formula):
    from autograd import Tensor

    chain = FORMULAS[formula]
    x, w, b = map(Tensor, LEAVES)

    def step():
        chain(x, w, b).backward()
        x.grad = w.grad = b.grad = 0

    return step


def with_micrograd(formula):
    from micrograd.engine import Value

    chain = FORMULAS[formula]
    x, w, b = map(Value, LEAVES)

    def step():
        chain(x, w, b).backward()
        x.grad = w.grad = b.grad = 0

    return step


def with_torch(formula):
    import torch

    chain = FORMULAS[formula]
    x, w, b = (torch.tensor(v, requires_grad=True) for v in LEAVES)

    def step():
        chain(x, w, b).backward()
        x.grad = w.grad = b.grad = None

    return step
