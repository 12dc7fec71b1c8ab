"""The demo: a small network learns to read handwritten digits, is interrupted, goes on, and leaves pictures of what it learnt.

`make demo` runs it: a check-up of the model, training with validation, a resumed run, and a folder out/. The digits come with
scikit-learn, 1,797 pictures of 8 x 8 pixels. Every seed is fixed.
"""

import argparse
import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import nn
import optim
from autograd import no_grad, random
from autograd.viz import draw, watch

BATCH = 32
RATE = 0.003


def digits(seed):
    """Pictures and digits in three parts: to learn from, to validate with, and to test with at the end."""
    pictures, numbers = load_digits(return_X_y=True)
    x = (pictures / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return [part[:] for part in optim.stratified_split((x, numbers), [0.7, 0.15, 0.15], labels=numbers, seed=seed)]


def network(seed):
    """Two convolutions with pooling, dropout, and a linear layer: 6,090 parameters."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10)),
    )
    return nn.init.reset(model, seed)


def trained(data, valid, epochs, seed, until=None, folder=None):
    """A model after `until` of the epochs, and the history. With a folder it goes on from the checkpoints there, if any."""
    random.seed(seed)
    model = network(seed)
    batches = optim.Batches(data, BATCH, seed=seed)
    optimizer = optim.Adam(model.parameters(), lr=RATE)
    history = optim.fit(
        model,
        nn.CrossEntropyLoss(),
        batches,
        optimizer,
        until or epochs,
        valid=valid,
        metrics={"accuracy": optim.accuracy},
        schedule=optim.CosineAnnealingLR(optimizer, T_max=batches.iterations(epochs)),
        clip=5.0,
        checkpoint=folder,
        progress=folder is not None,
    )
    return model, history


# --- pictures --------------------------------------------------------------------------------------------------------------


def draw_graph(model, batch, out):
    """The graph of one step of training: a page to look around in, and the gradient flow by layer."""
    x, t = batch
    with watch("a step of training") as seen:
        nn.CrossEntropyLoss()(model(x), t).backward()
    model.zero_grad()
    draw(seen, out / "graph.html")
    draw(seen, out / "gradients.svg", depth=1, colour="gradient", direction="right", engine="built-in")


def draw_confusion(numbers, predicted, path):
    """How often each digit was taken for each."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (numbers, predicted), 1)
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    panel = figure.subplots()
    panel.imshow(np.sqrt(table), cmap="Blues")
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            if count:
                panel.text(j, i, count, ha="center", va="center", color="white" if i == j else "black", fontsize=9)
    panel.set(title="test set", xlabel="taken for", ylabel="is", xticks=range(10), yticks=range(10))
    figure.savefig(path, dpi=120)


# --- what is printed -------------------------------------------------------------------------------------------------------


def confusions(numbers, predicted):
    """What was taken for something else most often, in words."""
    wrong = Counter((int(a), int(b)) for a, b in zip(numbers, predicted, strict=True) if a != b)
    return ", ".join(f"{a} taken for {b} ({count})" for (a, b), count in wrong.most_common(3)) or "nothing"


def arguments():
    parser = argparse.ArgumentParser(description="A small network learns to read handwritten digits.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures")
    chosen = parser.parse_args()
    if chosen.epochs < 2:
        parser.error("--epochs is at least 2: the run is interrupted after half of them")
    return chosen


def main():
    chosen = arguments()
    out, seed, start = chosen.out, chosen.seed, time.perf_counter()
    train, valid, test = digits(seed)
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)

    print("--- Before training: the check-up\n")
    random.seed(seed)
    report = optim.checkup(network(seed), nn.CrossEntropyLoss(), optim.Batches(train, BATCH, seed=seed))
    print(report)

    half = chosen.epochs // 2
    print(f"\n--- Training, which is interrupted after {half} of {chosen.epochs} epochs\n")
    trained(train, valid, chosen.epochs, seed, half, out / "checkpoints")
    print("\n--- Everything is built anew, as in a new process, and goes on from the last checkpoint\n")
    model, history = trained(train, valid, chosen.epochs, seed, folder=out / "checkpoints")
    straight, _ = trained(train, valid, chosen.epochs, seed)
    same = all(np.array_equal(value, model.state_dict()[name]) for name, value in straight.state_dict().items())

    model.eval()
    with no_grad():
        predicted = model(test[0]).numpy().argmax(axis=1)
    history.plot(out / "loss.png")
    report.plot(out / "checkup.png")
    draw_graph(model, (train[0][:BATCH], train[1][:BATCH]), out)
    draw_confusion(test[1], predicted, out / "confusion.png")
    nn.save(model, out / "model.safetensors")
    print(f"""
--- What it learnt

Of {len(test[1])} digits that it never saw it reads {(predicted == test[1]).mean():.1%} right, of those for validation \
{history["valid accuracy"][-1]:.1%}.
Mistaken most often: {confusions(test[1], predicted)}.
The interrupted run and one that was not interrupted end with {"the same bits" if same else "DIFFERENT WEIGHTS"}.
All this took {time.perf_counter() - start:.0f} s.

In {out}/
  loss.png            loss, accuracy and learning rate
  checkup.png         scales of activations and gradients by layer before training, and the range test of learning rates
  graph.html          the graph of one step of training: open it in a browser, fold, search, step through the chain rule
  gradients.svg       the gradient flow by layer in that step
  confusion.png       which digits are taken for which
  model.safetensors   the model, which nn.load and PyTorch read
  checkpoints/        where a killed run would go on from
""")


if __name__ == "__main__":
    main()
