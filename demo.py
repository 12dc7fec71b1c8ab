"""The demo: a small classifier of handwritten digits, trained with the engine alone.

`make demo` runs it. It trains two layers with cross-entropy and Adam, prints what the classifier learnt, and leaves pictures in
out/. The digits come with scikit-learn; where that is missing, the data is a spiral made here. Every seed is fixed.
"""

import argparse
import itertools
import math
import shutil
import time
from collections import Counter
from pathlib import Path

import graphviz
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from autograd import Tensor, log_softmax, no_grad, relu, sqrt

HIDDEN = 64
RATE = 0.003


# --- data ------------------------------------------------------------------------------------------------------------------


def load_digits(rng):
    """1,797 pictures of 8 x 8 pixels, as rows of 64 numbers from 0 to 1."""
    from sklearn import datasets

    x, t = datasets.load_digits(return_X_y=True)
    return shuffled((x / 16).astype(np.float32), t, rng)


def load_spiral(rng, points=500, arms=3):
    """Points of the plane on interleaved arms; the class of a point is its arm."""
    t = np.repeat(np.arange(arms), points)
    radius = np.tile(np.linspace(0.1, 1, points), arms)
    angle = 2 * math.pi * t / arms + 4 * radius + 0.1 * rng.standard_normal(len(t))
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return shuffled(x.astype(np.float32), t, rng)


def shuffled(x, t, rng):
    order = rng.permutation(len(x))
    return x[order], t[order]


def load(name, rng):
    """The name of the data that was found, the inputs and the classes."""
    if name == "digits":
        try:
            return name, *load_digits(rng)
        except ImportError:
            print("scikit-learn is not installed: training on a spiral instead of the digits.")
    return "spiral", *load_spiral(rng)


# --- the classifier --------------------------------------------------------------------------------------------------------


def layers(sizes, rng):
    """Weights with He's variance and zero biases, one pair a layer."""
    for inputs, outputs in itertools.pairwise(sizes):
        weights = rng.standard_normal((inputs, outputs), np.float32) * np.float32(math.sqrt(2 / inputs))
        yield Tensor(weights)
        yield Tensor(np.zeros(outputs, np.float32))


def scores(parameters, x):
    """One score a class, for each row of x."""
    w1, b1, w2, b2 = parameters
    return relu(x @ w1 + b1) @ w2 + b2


def cross_entropy(parameters, x, t):
    """The mean of -log(probability of the right class)."""
    return -log_softmax(scores(parameters, x))[np.arange(len(t)), t].mean()


def evaluate(parameters, x, t):
    """Loss, accuracy and the predicted classes."""
    with no_grad():
        predicted = scores(parameters, x).data.argmax(axis=1)
        return float(cross_entropy(parameters, x, t)), float((predicted == t).mean()), predicted


class Adam:
    """A step against the running mean of the gradients, divided by the root of the running mean of their squares."""

    def __init__(self, parameters, rate):
        self.parameters = parameters
        self.rate = rate
        self.steps = 0
        self.means = [0.0 for _ in parameters]
        self.squares = [0.0 for _ in parameters]

    def step(self):
        self.steps += 1
        with no_grad():
            for i, p in enumerate(self.parameters):
                self.means[i] = 0.9 * self.means[i] + 0.1 * p.grad
                self.squares[i] = 0.999 * self.squares[i] + 0.001 * p.grad**2
                mean = self.means[i] / (1 - 0.9**self.steps)
                square = self.squares[i] / (1 - 0.999**self.steps)
                p.data = p - self.rate * mean / (sqrt(square) + 1e-8)
                p.grad = None


def train(parameters, training, validation, epochs, batch, rng):
    """Fits the parameters; yields (loss of each batch, loss and accuracy on both sets) for epoch after epoch."""
    x, t = training
    optimizer = Adam(parameters, RATE)
    for _ in range(epochs):
        losses = []
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            loss = cross_entropy(parameters, x[rows], t[rows])
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        yield losses, evaluate(parameters, x, t)[:2], evaluate(parameters, *validation)[:2]


# --- pictures --------------------------------------------------------------------------------------------------------------


def draw_losses(path, name, first, epochs):
    """The loss curve. `first` holds the losses before training, `epochs` what `train` yielded."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    batches = [loss for losses, _, _ in epochs for loss in losses]
    places = np.linspace(0, len(epochs), len(batches), endpoint=False) + len(epochs) / len(batches)
    left.plot(places, batches, color="0.8", linewidth=0.8, label="each batch")
    for label, color, before, at in (("training", "tab:blue", first[0], 1), ("validation", "tab:orange", first[1], 2)):
        left.plot([before[0], *(epoch[at][0] for epoch in epochs)], color=color, label=label)
        right.plot([100 * before[1], *(100 * epoch[at][1] for epoch in epochs)], color=color, label=label)
    left.set(title="cross-entropy", xlabel="epoch", yscale="log")
    right.set(title="accuracy", xlabel="epoch", ylabel="% right", ylim=(None, 101))
    left.legend()
    right.legend(loc="lower right")
    figure.suptitle(f"Training on the {name}")
    figure.savefig(path, dpi=120)


def graph_of(output, names):
    """The graph behind a scalar: an ellipse for each named Tensor, a box for each op, with its value and its gradient."""
    graph = graphviz.Digraph(graph_attr={"rankdir": "LR"}, node_attr={"fontname": "Helvetica"})
    named = {tensor.node: name for name, tensor in names.items()}
    waiting, seen = [output.node], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        title = ": ".join(filter(None, (named.get(node), node.rule and node.rule.name)))
        shape, colour = ("box", "#e8eef7") if node.rule else ("ellipse", "#fdf0d5")
        graph.node(
            str(node.sequence), f"{title}\nvalue {node.value:.4g}\ngradient {node.grad:.4g}",
            shape=shape, style="filled", fillcolor=colour,
        )  # fmt: skip
        for parent in node.parents:
            if parent is not None:  # a constant, as the 1 of x + 1, has no node
                graph.edge(str(parent.sequence), str(node.sequence))
                waiting.append(parent)
    return graph


def draw_graph(folder):
    """A neuron of two inputs, drawn after backward(): the source always, the pictures where the program `dot` is found."""
    x1, x2, w1, w2, b = (Tensor(value) for value in (2.0, -1.0, 0.5, 1.5, 0.7))
    y = (x1 * w1 + x2 * w2 + b).tanh()
    y.backward(retain_graph=True)  # keeps what the picture shows: the values in between, and their gradients
    graph = graph_of(y, {"x1": x1, "x2": x2, "w1": w1, "w2": w2, "b": b, "y": y})
    written = [Path(graph.save(folder / "graph.gv"))]
    if shutil.which("dot"):
        written += [Path(graph.render(outfile=folder / f"graph.{kind}")) for kind in ("svg", "png")]
    return written


# --- what is printed -------------------------------------------------------------------------------------------------------


def confusions(t, predicted):
    """The classes that were taken for another most often, in words."""
    wrong = Counter((int(a), int(b)) for a, b in zip(t, predicted, strict=True) if a != b)
    if not wrong:
        return "none"
    return ", ".join(f"{a} taken for {b} ({count} of {len(t)})" for (a, b), count in wrong.most_common(3))


def arguments():
    parser = argparse.ArgumentParser(description="Trains a small classifier with the engine alone.")
    parser.add_argument("--data", choices=("digits", "spiral"), default="digits")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures")
    chosen = parser.parse_args()
    if chosen.epochs < 1 or chosen.batch < 1:
        parser.error("--epochs and --batch are at least 1")
    return chosen


def main():
    chosen = arguments()
    rng = np.random.default_rng(chosen.seed)
    name, x, t = load(chosen.data, rng)
    cut = len(x) * 4 // 5
    training, validation = (x[:cut], t[:cut]), (x[cut:], t[cut:])
    sizes = (x.shape[1], HIDDEN, int(t.max()) + 1)
    parameters = list(layers(sizes, rng))
    print(f"Data: {name}, {len(training[0])} examples to learn from, {len(validation[0])} held back for validation.")
    print(f"Model: {' -> '.join(map(str, sizes))} with ReLU, {sum(p.size for p in parameters)} parameters.\n")
    first = [evaluate(parameters, *data)[:2] for data in (training, validation)]

    row = "{:>6}  {:>13.4f}  {:>9.1%}  {:>15.4f}  {:>9.1%}"
    print(" epoch  training loss   accuracy  validation loss   accuracy")
    print(row.format(0, *first[0], *first[1]))
    start = time.perf_counter()
    epochs = []
    steps = train(parameters, training, validation, chosen.epochs, chosen.batch, rng)
    with tqdm(steps, total=chosen.epochs, unit="epoch", leave=False, disable=None) as bar:  # None: off where no terminal is
        for epoch in bar:
            epochs.append(epoch)
            bar.set_postfix(validation=f"{epoch[2][1]:.1%}")
            if len(epochs) % 10 == 0 or len(epochs) in (1, 2, 5, chosen.epochs):
                bar.write(row.format(len(epochs), *epoch[1], *epoch[2]))
    seconds = time.perf_counter() - start

    chosen.out.mkdir(parents=True, exist_ok=True)
    losses = chosen.out / "loss.png"
    draw_losses(losses, name, first, epochs)
    graphs = draw_graph(chosen.out)
    loss, accuracy, predicted = evaluate(parameters, *validation)
    batches = sum(len(epoch[0]) for epoch in epochs)
    right = int((predicted == validation[1]).sum())
    print(f"""
What it learnt: {right} of the {len(predicted)} validation examples are classified right ({accuracy:.1%}), with a loss of
{loss:.4f}. Before training it was {first[1][1]:.1%}. Mistaken most often: {confusions(validation[1], predicted)}.
Training took {seconds:.2f} s: {batches} batches, {1e3 * seconds / batches:.2f} ms each, evaluation after every epoch included.

What is in {chosen.out}/:
  loss.png    loss and accuracy after each epoch. Where the validation loss rises while the training loss falls, the
              model learns its examples by heart.
  graph.gv    the graph of one neuron, y = tanh(x1*w1 + x2*w2 + b), in Graphviz's language. Each box is an op, with
              its value and with the gradient of y with respect to it.""")
    if len(graphs) > 1:
        print("  graph.svg, graph.png   the same, drawn.")
    else:
        print("              To have it drawn, install Graphviz (the program `dot`) and run this again.")


if __name__ == "__main__":
    main()
