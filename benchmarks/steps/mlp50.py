"""One step of a deep MLP: forward, mean squared error, backward. Written with the same ops in each library.

The leaves exist before the step; what it needs beyond them are the values kept for the backward pass and the gradients.
"""

import random


def normals(count, scale):
    """The same numbers for every library, without asking it for any."""
    generator = random.Random(0)
    block = [generator.gauss(0.0, scale) for _ in range(min(count, 65536))]
    return (block * (count // len(block) + 1))[:count]


def loss(leaves, x, target, relu):
    """The formula."""
    h = x
    for w, b in leaves:
        h = relu(h @ w + b)
    e = h - target
    return (e * e).mean()


def arrays(depth, width, batch):
    """Weights and biases of the layers, one after the other; input; target."""
    import numpy as np

    weight = np.array(normals(width * width, (1 / width) ** 0.5), np.float32).reshape(width, width)
    layers = ((weight.copy(), np.zeros(width, np.float32)) for _ in range(depth))
    x = np.array(normals(batch * width, 1.0), np.float32).reshape(batch, width)
    return layers, x, np.ones((batch, width), np.float32)


def with_ours(depth, width, batch):
    from autograd import Tensor, relu

    layers, x, target = arrays(depth, width, batch)
    leaves = [(Tensor(w), Tensor(b)) for w, b in layers]
    x, target = Tensor(x, requires_grad=False), Tensor(target, requires_grad=False)
    return lambda: loss(leaves, x, target, relu).backward()


def with_torch(depth, width, batch):
    import torch

    layers, x, target = arrays(depth, width, batch)
    leaves = [tuple(torch.tensor(v, requires_grad=True) for v in layer) for layer in layers]
    x, target = torch.tensor(x), torch.tensor(target)
    return lambda: loss(leaves, x, target, torch.relu).backward()


def with_hips(depth, width, batch):
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import grad

    layers, x, target = arrays(depth, width, batch)
    gradient = grad(lambda leaves: loss(leaves, x, target, lambda h: np.maximum(h, 0)))
    layers = list(layers)
    return lambda: gradient(layers)


def with_mygrad(depth, width, batch):
    import mygrad
    from mygrad.nnet.activations import relu

    layers, x, target = arrays(depth, width, batch)
    leaves = [(mygrad.tensor(w), mygrad.tensor(b)) for w, b in layers]
    return lambda: loss(leaves, x, target, relu).backward()
