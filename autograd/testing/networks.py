"""A Hypothesis strategy for random small networks of `nn`, each with an input that it takes.

Networks on features, on images, on sequences, and residual blocks of such. They are of float64, small, and smooth unless
kinks are asked for, so that finite differences tell their derivatives; their weights follow from a seed. Stands on nn and
Hypothesis.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import nn

from .strategies import arrays

SMOOTH = ["Tanh", "Sigmoid", "Softplus", "GELU", "SiLU", "Mish", "Softsign", "LogSigmoid", "Tanhshrink"]
BENT = ["ReLU", "LeakyReLU", "Hardtanh", "ReLU6", "Softshrink", "PReLU"]

Shape = tuple[int, ...]
Step = tuple[nn.Module, Shape]  # a layer, and the shape of what it returns


class Network(NamedTuple):
    """A module, and arrays that it can be called with."""

    module: nn.Module
    inputs: tuple[Any, ...]


class _Output(nn.Module):
    """The first of what a recurrent layer returns: its outputs, without the state."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x)[0]


def _size(draw: st.DrawFn) -> int:
    return draw(st.integers(1, 4))


def _activation(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    return getattr(nn, draw(st.sampled_from(SMOOTH + BENT * kinks)))(), shape


def _linear(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    size = _size(draw)
    return nn.Linear(shape[-1], size, bias=draw(st.booleans())), (*shape[:-1], size)


def _norm(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    return draw(st.sampled_from([nn.LayerNorm, nn.RMSNorm]))(shape[-1], eps=0.1), shape


def _softmax(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    return draw(st.sampled_from([nn.Softmax, nn.LogSoftmax]))(dim=-1), shape


def _flat(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    return nn.Flatten(), (shape[0], int(np.prod(shape[1:])))


def _convolution(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    size, padding = _size(draw), draw(st.integers(0, 1))
    kernel = draw(st.integers(1, min(shape[2:]) + 2 * padding))
    layer = nn.Conv2d(shape[1], size, kernel, padding=padding, bias=draw(st.booleans()))
    return layer, (shape[0], size, *(n + 2 * padding - kernel + 1 for n in shape[2:]))


def _pool(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    kind = draw(st.sampled_from([nn.AvgPool2d, nn.MaxPool2d] if kinks else [nn.AvgPool2d]))
    kernel = draw(st.integers(1, min(shape[2:])))
    return kind(kernel), (*shape[:2], *(n // kernel for n in shape[2:]))


def _group_norm(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    return nn.GroupNorm(1, shape[1], eps=0.1), shape


def _recurrent(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    size, both = _size(draw), draw(st.booleans())
    kind = draw(st.sampled_from([nn.RNN, nn.LSTM, nn.GRU]))
    return _Output(kind(shape[-1], size, batch_first=True, bidirectional=both)), (*shape[:-1], size * (1 + both))


def _encoder(draw: st.DrawFn, shape: Shape, kinks: bool) -> Step:
    heads = draw(st.sampled_from([n for n in (1, 2) if shape[-1] % n == 0]))
    first = draw(st.booleans())
    layer = nn.TransformerEncoderLayer(shape[-1], heads, 3, 0.0, "gelu", 0.1, batch_first=True, norm_first=first)
    return layer, shape


# By the number of axes of an input: what may come next.
LAYERS: dict[int, list[Callable[[st.DrawFn, Shape, bool], Step]]] = {
    2: [_linear, _activation, _norm, _softmax],
    3: [_linear, _activation, _recurrent, _encoder, _norm, _flat],
    4: [_convolution, _activation, _pool, _group_norm, _flat],
}


@st.composite
def modules(draw: st.DrawFn, *, max_layers: int = 4, kinks: bool = False, seed: Any = None) -> Network:
    """Random small networks, each with arrays to call it with: `check_grads(network.module, *network.inputs)`.

    The simplest is one activation of one number. `kinks` lets ReLU and its like in, and the maximum of windows; `seed` is
    the seed of the weights, or a strategy for it.

    >>> from hypothesis import find
    >>> find(modules(), lambda network: True).module
    Sequential(
      (0): Tanh()
    )
    """
    shape: Shape = (draw(st.integers(1, 2)), *draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    x = draw(arrays(shape, elements=(-2.0, 2.0), layout="contiguous"))
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, max_layers))):
        layer, after = draw(st.sampled_from(LAYERS[len(shape)]))(draw, shape, kinks)
        layers.append(nn.Residual(layer) if after == shape and draw(st.booleans()) else layer)
        shape = after
    model = nn.Sequential(*layers).double()
    number = seed if isinstance(seed, int) else draw(st.integers(0, 3) if seed is None else seed)
    nn.init.reset(model, seed=number)
    return Network(model, (x,))
