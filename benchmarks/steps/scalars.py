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


def on_values(make, formula):
    """The step on micrograd's kind of number: made from a float, its gradient reset to 0."""
    chain = FORMULAS[formula]
    x, w, b = map(make, LEAVES)

    def step():
        chain(x, w, b).backward()
        x.grad = w.grad = b.grad = 0

    return step


def with_ours(formula):
    from autograd import Tensor

    return on_values(Tensor, formula)


def with_micrograd(formula):
    from micrograd.engine import Value

    return on_values(Value, formula)


def with_torch(formula):
    import torch

    chain = FORMULAS[formula]
    x, w, b = (torch.tensor(v, requires_grad=True) for v in LEAVES)

    def step():
        chain(x, w, b).backward()
        x.grad = w.grad = b.grad = None

    return step
