"""The pictures of the README and of the documentation: `python -m docs.pictures` draws them anew into docs/pictures/.

One for each thing that pictures show: an expression, a model, gradients that vanish and that do not, where a nan comes from,
a call that fails, a Program beside the graph of the same function, and the course of a training.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import nn
import optim
from autograd import Tensor, grad, record
from autograd.viz import draw, watch

FOLDER = Path(__file__).parent / "pictures"


def expression():
    """Numbers: every value, every gradient, every slope."""
    a, b, c, f = Tensor(2.0), Tensor(-3.0), Tensor(10.0), Tensor(-2.0)
    e = a * b
    d = e + c
    L = d * f
    L.backward(retain_graph=True)
    return draw(L)


def transformer(**options):
    """A model of four layers, folded; a backward pass has gone through it."""
    layers = (nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True) for _ in range(4))
    model = nn.init.reset(nn.Sequential(*layers, nn.Linear(32, 10)), seed=0)
    x = np.random.default_rng(0).standard_normal((8, 12, 32), np.float32)
    with watch("Transformer") as seen:
        nn.MSELoss()(model(x), np.zeros((8, 12, 10), np.float32)).backward()
    return draw(seen, **options)


def flow(activation):
    """The same deep network with another activation: where do the gradients end?"""
    layers = (layer for _ in range(4) for layer in (nn.Linear(16, 16), activation()))
    model = nn.init.reset(nn.Sequential(*layers), seed=0)
    x = np.random.default_rng(0).standard_normal((8, 16), np.float32)
    with watch(activation.__name__) as seen:
        (model(x) ** 2).sum().backward()
    return draw(seen, colour="gradient", direction="right", depth=1)


def nan():
    """The op that made the first nan, and all that it reaches."""

    def surprise(x):
        y = np.exp(3 * x) - 1.0
        return np.log(y).sum() + np.tanh(x).sum()

    with np.errstate(all="ignore"):
        return draw(surprise, np.array([0.5, -1.0, 2.0]))


def failed():
    """A call up to the op that raised, with the axes that clash."""

    def layer(x, w, b):
        return np.tanh(x @ w + b)

    return draw(layer, np.ones((5, 3)), np.ones((4, 2)), np.ones(2))


def small(x, w):
    """What the page on the design shows as a graph and as a Program."""
    return np.sum(np.tanh(x * w))


def graph():
    """What is kept of a forward pass."""
    x, w = Tensor([0.5, -1.0]), Tensor([2.0, 0.5])
    y = small(x, w)
    return draw(y, direction="right")


def program():
    """The same function and its gradient, as the ops that ran."""

    def step(x, w):
        return grad(small)(x, w)

    return draw(record(step, np.array([0.5, -1.0]), np.array([2.0, 0.5]))[1], direction="right")


def training():
    """What the README trains: loss, accuracy and learning rate."""
    pixels, digits = load_digits(return_X_y=True)
    train, valid = optim.random_split((pixels.astype(np.float32) / 16, digits), [0.8, 0.2], seed=0)
    model = nn.init.reset(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)), seed=0)
    batches, updates = optim.Batches(train, batch_size=32, seed=0), optim.Adam(model.parameters(), lr=0.005)
    metrics = {"accuracy": optim.accuracy}
    history = optim.fit(model, nn.CrossEntropyLoss(), batches, updates, epochs=15, valid=valid, metrics=metrics, progress=False)
    return history.plot()


PICTURES = {
    "expression": expression,
    "transformer": transformer,
    "transformer-open": lambda: transformer(depth=2),
    "sigmoid": lambda: flow(nn.Sigmoid),
    "relu": lambda: flow(nn.ReLU),
    "nan": nan,
    "failed": failed,
    "graph": graph,
    "program": program,
}


def main():
    """Draws them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        path = make().save(FOLDER / f"{name}.svg", engine="built-in")
        print(f"{path.stat().st_size:>9,} bytes  {path.name}")
    training().savefig(FOLDER / "loss.png", dpi=90)


if __name__ == "__main__":
    main()
