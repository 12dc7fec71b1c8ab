"""The models of `training.py` for libraries that have no layers: functions of a list of arrays, and updates of such a list.

`np` is the library's own NumPy: `jax.numpy`, `autograd.numpy` of HIPS, `mygrad`. A model returns first values of its
parameters, the loss as a function of them, and the data.
"""

from itertools import pairwise

import numpy


def normal(generator, *shape):
    """First values: normal, and smaller where more come in."""
    return generator.standard_normal(shape, dtype=numpy.float32) / numpy.float32(max(1, shape[0]) ** 0.5)


def dense(generator, *widths):
    """Weights and biases of layers of these widths, in turn."""
    return [array for i, o in pairwise(widths) for array in (normal(generator, i, o), numpy.zeros(o, numpy.float32))]


def cross_entropy(np, logits, target):
    """The mean of -log softmax at the targets."""
    logits = logits - np.max(logits, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - logits[numpy.arange(len(target)), target])


def tiny_mlp(np, generator):
    """2-16-16-1, tanh, batch 32, mean squared error."""

    def loss(parameters, x, target):
        w1, b1, w2, b2, w3, b3 = parameters
        out = np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3
        return np.mean((out - target) ** 2)

    data = generator.standard_normal((32, 2), dtype=numpy.float32), generator.standard_normal((32, 1), dtype=numpy.float32)
    return dense(generator, 2, 16, 16, 1), loss, data


def mlp(np, generator):
    """784-256-128-10, ReLU, batch 64, cross-entropy."""

    def loss(parameters, x, target):
        w1, b1, w2, b2, w3, b3 = parameters
        hidden = np.maximum(x @ w1 + b1, 0.0)
        return cross_entropy(np, np.maximum(hidden @ w2 + b2, 0.0) @ w3 + b3, target)

    data = generator.standard_normal((64, 784), dtype=numpy.float32), generator.integers(0, 10, 64)
    return dense(generator, 784, 256, 128, 10), loss, data


# --- for JAX alone ---------------------------------------------------------------------------------------------------------


def cnn(np, generator):
    """Two convolutions of 3 x 3 with pooling, and a linear layer; 64 pictures of 28 x 28."""
    from jax import lax

    def layer(x, w, b):
        y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW"))
        y = np.maximum(y + b[:, None, None], 0.0)
        return lax.reduce_window(y, -np.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(parameters, x, target):
        w1, b1, w2, b2, w3, b3 = parameters
        out = layer(layer(x, w1, b1), w2, b2).reshape(len(x), -1)
        return cross_entropy(np, out @ w3 + b3, target)

    first = [normal(generator, 16, 1, 3, 3), numpy.zeros(16, numpy.float32)]
    second = [normal(generator, 32, 16, 3, 3), numpy.zeros(32, numpy.float32)]
    data = generator.standard_normal((64, 1, 28, 28), dtype=numpy.float32), generator.integers(0, 10, 64)
    return [*first, *second, *dense(generator, 32 * 7 * 7, 10)], loss, data


def lstm(np, generator):
    """One LSTM layer, input 32, hidden 128, 64 steps, batch 32; a linear layer on the last output."""
    from jax import lax, nn

    def loss(parameters, x, target):
        w, u, b, out, out_b = parameters

        def cell(state, given):
            h, c = state
            i, f, g, o = np.split(given + h @ u, 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
            return (nn.sigmoid(o) * np.tanh(c), c), None

        zeros = np.zeros((len(x), 128), np.float32)
        (h, _), _ = lax.scan(cell, (zeros, zeros), (x @ w + b).swapaxes(0, 1))
        return cross_entropy(np, h @ out + out_b, target)

    recurrent = [normal(generator, 32, 512), normal(generator, 128, 512), numpy.zeros(512, numpy.float32)]
    data = generator.standard_normal((32, 64, 32), dtype=numpy.float32), generator.integers(0, 10, 32)
    return [*recurrent, *dense(generator, 128, 10)], loss, data


def gpt(np, generator):
    """A character model: 4 blocks, width 128, 4 heads, 64 places, batch 16, 65 characters."""
    from jax import nn

    width, heads, places, batch, characters = 128, 4, 64, 16, 65
    later = numpy.triu(numpy.full((places, places), -numpy.inf, numpy.float32), 1)

    def norm(x, w, b):
        x = x - np.mean(x, axis=-1, keepdims=True)
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5) * w + b

    def block(x, n1, m1, qkv, qkv_b, out, out_b, n2, m2, up, up_b, down, down_b):
        parts = (norm(x, n1, m1) @ qkv + qkv_b).reshape(batch, places, 3, heads, width // heads)
        q, k, v = (parts[:, :, i].swapaxes(1, 2) for i in range(3))
        weights = nn.softmax(q @ k.swapaxes(2, 3) / (width // heads) ** 0.5 + later)
        x = x + (weights @ v).swapaxes(1, 2).reshape(batch, places, width) @ out + out_b
        return x + nn.gelu(norm(x, n2, m2) @ up + up_b, approximate=False) @ down + down_b

    def loss(parameters, text, target):
        table, positions, *inside, n, m, head, head_b = parameters
        x = table[text] + positions
        for i in range(4):
            x = block(x, *inside[12 * i : 12 * i + 12])
        return cross_entropy(np, (norm(x, n, m) @ head + head_b).reshape(-1, characters), target)

    def norms():
        return [numpy.ones(width, numpy.float32), numpy.zeros(width, numpy.float32)]

    parameters = [normal(generator, characters, width), normal(generator, places, width)]
    for _ in range(4):
        parameters += [*norms(), *dense(generator, width, 3 * width), *dense(generator, width, width)]
        parameters += [*norms(), *dense(generator, width, 4 * width), *dense(generator, 4 * width, width)]
    parameters += [*norms(), *dense(generator, width, characters)]
    data = generator.integers(0, characters, (batch, places)), generator.integers(0, characters, batch * places)
    return parameters, loss, data


# --- updates ---------------------------------------------------------------------------------------------------------------


def SGD(np, parameters, gradients, state, t, rate=1e-3):
    """The new parameters, and the state as it was."""
    return [p - rate * g for p, g in zip(parameters, gradients, strict=True)], state


def Adam(np, parameters, gradients, state, t, rate=1e-3, decay=0.0):
    """The new parameters and means, at step t = 1, 2, ..."""
    new, means = [], []
    for p, g, (m, v) in zip(parameters, gradients, state, strict=True):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        change = rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        new.append((p - rate * decay * p if decay else p) - change)
        means.append((m, v))
    return new, means


def AdamW(np, parameters, gradients, state, t):
    """Adam whose decay does not pass through the means."""
    return Adam(np, parameters, gradients, state, t, decay=0.01)


def state_of(parameters):
    """Two means for each parameter, at zero."""
    return [(0 * p, 0 * p) for p in parameters]
