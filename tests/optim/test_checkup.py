"""The check-up: what it finds in models that are sick in one known way, that it finds nothing in healthy ones, and that it
leaves no trace.

Each sick case has one fault; what it must be told as is the only finding of level "wrong", and the model stays as it was.
"""

import copy
import functools
import itertools
import random
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import pytest

import nn
import optim
from autograd import ShapeError, Tensor, relu
from autograd.ops.random import default_generator, seed
from autograd.testing.networks import modules
from optim.batches import Batches
from optim.checkup import checkup
from optim.lr_finder import lr_find

CLASSES = 10
ENTROPY = nn.CrossEntropyLoss()


def blobs(n: int = 600, features: int = 20, spread: float = 0.5) -> tuple[Any, Any]:
    """Points around ten centres, and the class of each."""
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((CLASSES, features))
    t = draw.integers(0, CLASSES, n)
    return (centres[t] + spread * draw.standard_normal((n, features))).astype(np.float32), t


def plane(n: int = 300) -> tuple[Any, Any]:
    """A regression: a linear function of four numbers, with noise, of variance 1."""
    draw = np.random.default_rng(1)
    x = draw.standard_normal((n, 4)).astype(np.float32)
    y = x @ np.array([[0.5], [-0.5], [0.5], [0.4]], np.float32) + 0.1 * draw.standard_normal((n, 1)).astype(np.float32)
    return x, y.astype(np.float32)


def stack(sizes: list[int], activation: Callable[[], Any] = nn.ReLU, scale: float | None = None) -> Any:
    """Linear layers with an activation between; with a scale their weights are N(0, scale**2)."""
    layers: list[Any] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    model = nn.init.reset(nn.Sequential(*layers[:-1]), seed=0)
    if scale is not None:
        draw = np.random.default_rng(0)
        for p in model.parameters():
            p.data = (scale * draw.standard_normal(p.shape)).astype(np.float32)
    return model


def classifier(**options: Any) -> Any:
    return stack([20, 64, CLASSES], **options)


class With(nn.Module):
    """A model, and a function of it and its inputs that is the forward pass."""

    def __init__(self, inner: Any, call: Callable[..., Any], **more: Any) -> None:
        self.inner = inner
        self.call = call
        vars(self).update(more)

    def forward(self, *inputs: Any) -> Any:
        return self.call(self, *inputs)


def shifted(model: Any, name: str, value: float) -> Any:
    parameter = dict(model.named_parameters())[name]
    parameter.data = parameter.data * 0 + np.float32(value)
    return model


def scaled(model: Any, name: str, factor: float) -> Any:
    parameter = dict(model.named_parameters())[name]
    parameter.data = parameter.data * np.float32(factor)
    return model


class Residual(nn.Module):
    """A block whose last layer starts at zero, as is usual."""

    def __init__(self) -> None:
        self.first, self.last = nn.Linear(20, 20), nn.Linear(20, 20)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Any) -> Any:
        return x + self.last(relu(self.first(x)))


def words(n: int = 320) -> tuple[Any, Any]:
    """Sequences of tokens; the class is that of the first."""
    x = np.random.default_rng(2).integers(0, 50, (n, 6))
    return x, x[:, 0] % 4


def transformer() -> Any:
    body = nn.Sequential(
        nn.Embedding(50, 16), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), nn.Flatten(), nn.Linear(96, 4)
    )
    return nn.init.reset(body, seed=0)


def pictures() -> tuple[Any, Any]:
    draw = np.random.default_rng(3)
    t = draw.integers(0, 3, 200)
    return (draw.standard_normal((200, 1, 8, 8)) + t[:, None, None, None] - 1).astype(np.float32), t


def convolutional() -> Any:
    layers = [
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(72, 3),
    ]
    return nn.init.reset(nn.Sequential(*layers), seed=0)


def reader() -> Any:
    class Last(nn.Module):
        def __init__(self) -> None:
            self.lstm, self.out = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x: Any) -> Any:
            return self.out(self.lstm(x)[0][:, -1])

    return nn.init.reset(Last(), seed=0)


def sequences() -> tuple[Any, Any]:
    x = np.random.default_rng(4).standard_normal((200, 5, 4)).astype(np.float32)
    return x, x[:, -1, :1] * 1.0


def as_dictionary(data: tuple[Any, Any]) -> dict[str, Any]:
    return dict(zip("xy", data, strict=True))


def of_dictionary(model: Any) -> Any:
    return With(model, lambda self, batch: self.inner(batch["x"]))


HEALTHY: dict[str, Callable[[], tuple[Any, ...]]] = {
    "classifier": lambda: (classifier(), ENTROPY, blobs()),
    "without ReLU": lambda: (classifier(activation=nn.Tanh), ENTROPY, blobs()),
    "deep, initialised by He": lambda: (he(stack([20, *[64] * 12, CLASSES])), ENTROPY, blobs()),
    "log-probabilities": lambda: (nn.Sequential(classifier(), nn.LogSoftmax(-1)), nn.NLLLoss(), blobs()),
    "smoothed labels": lambda: (classifier(), nn.CrossEntropyLoss(label_smoothing=0.1), blobs()),
    "sum in place of mean": lambda: (classifier(), nn.CrossEntropyLoss(reduction="sum"), blobs()),
    "probabilities as targets": lambda: (classifier(), ENTROPY, (blobs()[0], np.eye(CLASSES, dtype=np.float32)[blobs()[1]])),
    "yes and no": lambda: (
        stack([20, 32, 1]),
        nn.BCEWithLogitsLoss(),
        (blobs()[0], (blobs()[1] < 5).astype(np.float32)[:, None]),
    ),
    "regression": lambda: (stack([4, 32, 1], nn.Tanh), nn.MSELoss(), plane()),
    "linear regression": lambda: (stack([4, 1]), nn.MSELoss(), plane()),
    "absolute error": lambda: (stack([4, 32, 1]), nn.L1Loss(), plane()),
    "autoencoder": lambda: (stack([4, 32, 4]), nn.MSELoss(), plane()[0]),
    "transformer of tokens": lambda: (transformer(), ENTROPY, words()),
    "convolutions with dropout": lambda: (convolutional(), ENTROPY, pictures()),
    "recurrent": lambda: (reader(), nn.MSELoss(), sequences()),
    "dictionary": lambda: (of_dictionary(classifier()), lambda o, b: ENTROPY(o, b["y"]), as_dictionary(blobs())),
    "pixels scaled inside": lambda: (
        With(classifier(), lambda self, x: self.inner(x / 255.0)),
        ENTROPY,
        (pixels(), blobs()[1]),
    ),
    "target without an axis": lambda: (stack([4, 32, 1]), lambda o, y: nn.functional.mse_loss(o[:, 0], y), flat(plane())),
    "two inputs": lambda: (Sum(), nn.MSELoss(), (plane()[0], plane()[0][::-1], plane()[1])),
    "one example a batch": lambda: (classifier(), ENTROPY, Batches(blobs(), 1)),
    "one batch": lambda: (classifier(), ENTROPY, Batches(blobs(), 600)),
    "list of examples": lambda: (classifier(), ENTROPY, list(zip(*blobs(), strict=True))),
    "output of two parts": lambda: (Pair(), lambda o, y: ENTROPY(o[0], y) + (o[1] ** 2).mean(), blobs()),
    "model of bytes": lambda: (bytes_model(), bytes_loss, byte_strings()),
    "layer that refuses large numbers": lambda: (classifier(activation=Particular), ENTROPY, blobs()),
    "SGD": lambda: with_optimizer(classifier(), lambda p: optim.SGD(p, lr=0.01, momentum=0.9)),
    "ignored labels": lambda: (classifier(), ENTROPY, (blobs()[0], np.where(np.arange(600) % 7 == 0, -100, blobs()[1]))),
}


class Sum(nn.Module):
    """Two inputs, in a layer that has no parameters and takes both."""

    def __init__(self) -> None:
        class Add(nn.Module):
            def forward(self, x: Any, y: Any) -> Any:
                return x + y

        self.first, self.second, self.add, self.out = nn.Linear(4, 8), nn.Linear(4, 8), Add(), nn.Linear(8, 1)
        nn.init.reset(self)

    def forward(self, x: Any, y: Any) -> Any:
        return self.out(relu(self.add(self.first(x), self.second(y))))


class Pair(nn.Module):
    def __init__(self) -> None:
        self.first, self.second = nn.Linear(20, CLASSES), nn.Linear(20, 1)
        nn.init.reset(self)

    def forward(self, x: Any) -> Any:
        return self.first(x), self.second(x)


def bytes_model() -> Any:
    return nn.init.reset(nn.Sequential(nn.Embedding(64, 16), nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 64)))


def byte_strings() -> tuple[Any, Any]:
    x = np.random.default_rng(0).integers(0, 64, (200, 12)).astype(np.uint8)
    return x, (x.astype(int) * 5 + 3) % 64


def bytes_loss(output: Any, target: Any) -> Any:
    return ENTROPY(output.reshape(-1, 64), target.reshape(-1))


def he(model: Any) -> Any:
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.kaiming_normal_(p, nonlinearity="relu", generator=np.random.default_rng(p.shape[0]))
    return scaled(model, f"{len(model) - 1}.weight", 0.1)


def pixels() -> Any:
    x = blobs()[0]
    return ((x - x.min()) / np.ptp(x) * 255).round().astype(np.uint8)


def with_optimizer(model: Any, make: Callable[[Any], Any]) -> tuple[Any, ...]:
    return model, ENTROPY, blobs(), make(model.parameters())


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_in_a_healthy_model(name: str) -> None:
    report = checkup(*HEALTHY[name]())
    assert [check.verdict for check in report.checks] == ["ok"] * 5, report
    assert report.ok
    assert report.findings == []
    assert report.rates is not None
    assert report.rates.suggestion is not None


def replaced(index: int, value: float) -> tuple[Any, Any]:
    x, t = blobs()
    x = x.copy()
    x[index] = value
    return x, t


def relabelled(change: Callable[[Any], Any]) -> tuple[Any, Any]:
    x, t = blobs()
    return x, change(t)


def in_order() -> tuple[Any, Any]:
    x, t = blobs()
    order = np.argsort(t, kind="stable")
    return x[order], t[order]


def contradictory() -> tuple[Any, Any]:
    x, t = blobs()
    return x[np.arange(len(x)) % 3], t


def blind(self: Any, x: Any) -> Any:
    """All examples get the mean of them all."""
    out = self.inner(x)
    return out * 0 + out.mean(0)


# name of the fault -> the check, what it is called, a name that must be told, and the case
SICK: dict[str, tuple[int, str, str, Callable[[], tuple[Any, ...]]]] = {
    "sigmoids with tiny weights": (
        2,
        "vanishing",
        "0",
        lambda: (stack([20, *[32] * 7, 10], nn.Sigmoid, 0.01), ENTROPY, blobs()),
    ),
    "gradients alone too large": (2, "exploding", "0", lambda: (stack([20, *[32] * 7, 10], Sine, 2.0), ENTROPY, blobs())),
    "weights far too large": (2, "exploding", "14", lambda: (stack([20, *[64] * 7, 10], scale=1.0), ENTROPY, blobs())),
    "dead units": (2, "dead units", "1 (ReLU)", lambda: (shifted(classifier(), "0.bias", -100), ENTROPY, blobs())),
    "dead units of a function": (
        2,
        "zero gradient",
        "inner.0.weight",
        lambda: (
            With(shifted(classifier(), "0.bias", -100), lambda self, x: self.inner[2](relu(self.inner[0](x)))),
            ENTROPY,
            blobs(),
        ),
    ),
    "most units of a function dead": (
        2,
        "dead units",
        "rows of inner.0.weight",
        lambda: (With(half_dead(), lambda self, x: self.inner[2](relu(self.inner[0](x)))), ENTROPY, blobs()),
    ),
    "saturated tanh": (
        2,
        "saturated",
        "1 (Tanh)",
        lambda: (scaled(classifier(activation=nn.Tanh), "0.weight", 200), ENTROPY, blobs()),
    ),
    "parameter not used": (
        2,
        "no gradient",
        "spare.weight",
        lambda: (With(classifier(), lambda self, x: self.inner(x), spare=nn.Linear(3, 3)), ENTROPY, blobs()),
    ),
    "body detached": (
        2,
        "no gradient",
        "inner.0.weight",
        lambda: (With(classifier(), lambda self, x: self.inner[2](self.inner[1](self.inner[0](x)).detach())), ENTROPY, blobs()),
    ),
    "output detached": (
        2,
        "no gradient",
        "inner.2.bias",
        lambda: (With(classifier(), lambda self, x: self.inner(x).detach()), ENTROPY, blobs()),
    ),
    "no parameters": (2, "no parameters", "", lambda: (With(None, lambda self, x: x[:, :10]), ENTROPY, blobs())),
    "all frozen": (2, "no parameters", "", lambda: (classifier().requires_grad_(False), ENTROPY, blobs())),
    "root at zero": (
        2,
        "gradient not finite",
        "scale",
        lambda: (
            With(classifier(), lambda self, x: self.inner(x) + self.scale**0.5, scale=nn.Parameter(0.0)),
            ENTROPY,
            blobs(),
        ),
    ),
    "last layer too large": (1, "loss above chance", "", lambda: (scaled(classifier(), "2.weight", 60), ENTROPY, blobs())),
    "target leaks": (
        1,
        "target leaks",
        "",
        lambda: (
            With(classifier(), lambda self, batch: self.inner(batch["x"]) + 4 * np.eye(CLASSES, dtype=np.float32)[batch["y"]]),
            lambda o, b: ENTROPY(o, b["y"]),
            as_dictionary(blobs()),
        ),
    ),
    "log of a negative number": (
        1,
        "not finite",
        "logarithm",
        lambda: (With(classifier(), lambda self, x: self.logarithm(self.inner(x)), logarithm=Logarithm()), ENTROPY, blobs()),
    ),
    "nan in a weight": (1, "not finite", "0.bias", lambda: (shifted(classifier(), "0.bias", np.nan), ENTROPY, blobs())),
    "shapes that broadcast": (
        1,
        "shapes differ",
        "",
        lambda: (stack([4, 32, 1]), lambda o, y: ((o - y) ** 2).mean(), flat(plane())),
    ),
    "does not see its input": (3, "does not overfit", "", lambda: (With(classifier(), blind), ENTROPY, blobs())),
    "equal inputs": (3, "contradictory labels", "", lambda: (classifier(), ENTROPY, contradictory())),
    "rate too large": (4, "rate too large", "", lambda: with_optimizer(classifier(), lambda p: optim.Adam(p, lr=5.0))),
    "rate that diverges": (
        4,
        "rate too large",
        "",
        lambda: (m := stack([4, 1]), nn.MSELoss(), plane(), optim.SGD(m.parameters(), lr=1e30)),
    ),
    "rate too small": (4, "rate too small", "", lambda: with_optimizer(classifier(), lambda p: optim.SGD(p, lr=1e-6))),
    "optimizer of another model": (
        4,
        "other parameters",
        "",
        lambda: (classifier(), ENTROPY, blobs(), optim.Adam(classifier().parameters())),
    ),
    "labels from 1": (5, "labels out of range", "", lambda: (classifier(), ENTROPY, relabelled(lambda t: t + 1))),
    "negative labels": (5, "labels out of range", "", lambda: (classifier(), ENTROPY, relabelled(lambda t: t - 1))),
    "nan in the data": (5, "data not finite", "", lambda: (classifier(), ENTROPY, Batches(replaced(7, np.nan), 600))),
    "inf in the data": (5, "data not finite", "", lambda: (classifier(), ENTROPY, Batches(replaced(7, np.inf), 600))),
    "nan in the target": (5, "data not finite", "", lambda: (stack([4, 8, 1]), nn.MSELoss(), Batches(lost(plane()), 300))),
    "pixels": (5, "inputs not scaled", "0", lambda: (classifier(), ENTROPY, (pixels().astype(np.float32), blobs()[1]))),
    "sorted": (5, "sorted by class", "", lambda: (classifier(), ENTROPY, Batches(in_order(), 32, shuffle=False))),
    "sorted, one class": (
        5,
        "sorted by class",
        "",
        lambda: (classifier(), ENTROPY, Batches((in_order()[0].repeat(40, 0), in_order()[1].repeat(40)), 32, shuffle=False)),
    ),
}


def lost(data: tuple[Any, Any]) -> tuple[Any, Any]:
    return data[0], np.where(np.arange(len(data[1]))[:, None] == 7, np.float32(np.nan), data[1])


class Sine(nn.Module):
    def forward(self, x: Any) -> Any:
        return np.sin(x)


class Particular(nn.Module):
    """Takes no large numbers alone."""

    def forward(self, x: Any) -> Any:
        if abs(x.numpy()).min() > 10:
            raise ValueError("too large for me")
        return np.tanh(x)


class Logarithm(nn.Module):
    def forward(self, x: Any) -> Any:
        return np.log(x)


def half_dead() -> Any:
    model = classifier()
    bias = model[0].bias.data.copy()
    bias[:48] = -100
    model[0].bias.data = bias
    return model


def flat(data: tuple[Any, Any]) -> tuple[Any, Any]:
    return data[0], data[1][:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("fault", SICK)
def test_a_fault_is_named_and_no_other(fault: str) -> None:
    number, name, where, case = SICK[fault]
    model, loss, data, *rest = case()
    optimizer = rest[0] if rest else optim.SGD([Tensor([1.0])])
    batches = data if isinstance(data, Batches) else Batches(data)
    before = everything(model, optimizer, batches)
    report = checkup(model, loss, batches, *rest)
    assert everything(model, optimizer, batches) == before
    wrong = [finding for finding in report.findings if finding.level == "wrong"]
    assert [(finding.check, finding.name) for finding in wrong] == [(number, name)], report
    assert not report.ok
    if where:
        assert where in wrong[0].where or f" {where} " in f" {wrong[0].words} ", wrong
    assert wrong[0].words in str(report)
    assert wrong[0].remedy in str(report)


LOOKS: dict[str, tuple[str, Callable[[], tuple[Any, ...]]]] = {
    "not shuffled": ("not shuffled", lambda: (classifier(), ENTROPY, Batches(blobs(), shuffle=False))),
    "zero at first": (
        "zero gradient",
        lambda: (nn.init.reset(nn.Sequential(ResidualAtZero(), nn.Linear(20, 10))), ENTROPY, blobs()),
    ),
    "target not centred": ("target not centred", lambda: (stack([4, 32, 1]), nn.MSELoss(), (plane()[0], plane()[1] + 5))),
    "classes missing": ("classes missing", lambda: (stack([20, 64, 12]), ENTROPY, blobs())),
    "imbalance": ("imbalance", lambda: (classifier(), ENTROPY, rare())),
    "few parameters": ("small model", lambda: (stack([1, 1]), nn.MSELoss(), hours())),
    "much dropout": ("overfits in evaluation only", lambda: (dropping(), ENTROPY, blobs())),
    "few steps": ("overfits slowly", lambda: (stack([1, 16, 1], nn.Tanh), nn.MSELoss(), hours())),
    "contradictory labels": ("contradictory labels", lambda: (classifier(), ENTROPY, twice())),
    "large inputs": ("inputs not scaled", lambda: (classifier(), ENTROPY, (blobs()[0] * 10, blobs()[1]))),
    "half of the parameters": (
        "not held",
        lambda: (m := classifier(), ENTROPY, blobs(), optim.Adam(m[0].parameters())),
    ),
}


def dropping() -> Any:
    return nn.init.reset(nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.97), nn.Linear(64, CLASSES)))


def twice() -> tuple[Any, Any]:
    """The first examples come again, with other labels."""
    x, t = blobs()
    return np.concatenate([x, x[:200]]), np.concatenate([t, (t[:200] + 1) % CLASSES])


class ResidualAtZero(Residual):
    def reset_parameters(self, generator: Any = None) -> None:
        nn.init.zeros_(self.last.weight)


def rare() -> tuple[Any, Any]:
    x, t = blobs()
    kept = (t != 3) | (np.cumsum(t == 3) <= 4)
    return x[kept], t[kept]


def hours() -> tuple[Any, Any]:
    """Hours studied, and the mark, both standardised."""
    x = np.array([2, 5, 7, 9, 10, 11, 13.4, 14, 15], np.float32)
    y = np.array([1, 3.2, 4.5, 6, 4, 4.5, 5.5, 3, 5], np.float32)
    return ((x - x.mean()) / x.std())[:, None], ((y - y.mean()) / y.std())[:, None]


@pytest.mark.parametrize("what", LOOKS)
def test_what_may_be_meant_is_told_and_not_called_wrong(what: str) -> None:
    name, case = LOOKS[what]
    report = checkup(*case())
    assert name in [finding.name for finding in report.findings], report
    assert report.ok, report


@pytest.mark.parametrize("n", [1, 2, 5])
def test_it_copes_with_few_examples(n: int) -> None:
    report = checkup(classifier(), ENTROPY, tuple(part[:n] for part in blobs()))
    assert len(report.checks) == 5
    x, y = plane()
    assert len(checkup(stack([4, 8, 1]), nn.MSELoss(), (x[:n], y[:n])).checks) == 5


# --- it leaves no trace ----------------------------------------------------------------------------------------------------


def everything(model: Any, optimizer: Any, batches: Any) -> dict[str, Any]:
    """All that may not change, as values that can be compared."""
    values = [*model.parameters(), *model.buffers()]
    return {
        "weights": [value.numpy().tobytes() for value in values],
        "gradients": [None if value.grad is None else value.grad.numpy().tobytes() for value in values],
        "trained": [value.requires_grad for value in values],
        "modes": [module.training for module in model.modules()],
        "hooks": [len(module._forward_hooks) for module in model.modules()],
        "hooks of parameters": [value.node and len(value.node.hooks or ()) for value in values],
        "streams": (default_generator().bit_generator.state, random.getstate(), str(np.random.mtrand.get_state())),
        "optimizer": str(optimizer.state_dict()),
        "batches": batches.state_dict(),
    }


def ready(model: Any, data: Any, loss: Any) -> tuple[Any, Any]:
    """An optimizer and batches in the middle of a training, with gradients that wait."""
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    batches = Batches(data, 2)
    for x, y in batches:
        loss(model(x), y).backward()
        optimizer.step()
        break
    return optimizer, batches


@pytest.mark.slow
@pytest.mark.parametrize("look", [checkup, lr_find])
@hypothesis.given(modules(kinks=True))
@hypothesis.settings(max_examples=6)
def test_everything_is_as_before(look: Any, network: Any) -> None:
    model = nn.Sequential(network.module, nn.Dropout(0.3), nn.BatchNorm1d(1) if network.inputs[0].ndim == 1 else nn.Identity())
    x = np.concatenate([network.inputs[0]] * 2)
    hypothesis.assume(any(True for _ in model.parameters()))
    target = np.random.default_rng(0).standard_normal(model(x).shape)
    loss = nn.MSELoss()
    optimizer, batches = ready(model, (x, target), loss)
    next(model.modules()).training = False
    before = everything(model, optimizer, batches)
    look(model, loss, batches, optimizer)
    assert everything(model, optimizer, batches) == before


class Fails(nn.Module):
    """Raises at call number `at`; draws, and counts batches, like any model. `calls` is a list, which nobody puts back."""

    def __init__(self, at: int = 0, error: type[BaseException] = RuntimeError) -> None:
        self.inner = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.calls, self.at, self.error = [0], at, error

    def forward(self, x: Any) -> Any:
        self.calls[0] += 1
        if self.calls[0] == self.at:
            raise self.error("here")
        return self.inner(x)


@functools.cache
def calls_of(look: Any) -> int:
    """How often a look calls a model."""
    model, loss = Fails(), nn.MSELoss()
    nn.init.reset(model)
    optimizer, batches = ready(model, plane(), loss)
    model.calls[0] = 0
    look(model, loss, batches, optimizer)
    return model.calls[0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ShapeError])
@pytest.mark.parametrize("share", [0, 0.2, 0.6, 0.8, 1])
@pytest.mark.parametrize("look", [checkup, lr_find])
def test_everything_is_as_before_after_an_error(look: Any, share: float, error: type[BaseException]) -> None:
    seed(0)
    last = calls_of(look)
    seed(0)
    model, loss = Fails(error=error), nn.MSELoss()
    nn.init.reset(model)
    optimizer, batches = ready(model, plane(), loss)
    before = everything(model, optimizer, batches)
    model.calls[0], model.at = 0, round(1 + share * (last - 1))
    with pytest.raises(error, match="here"):
        look(model, loss, batches, optimizer)
    assert everything(model, optimizer, batches) == before


@pytest.mark.slow
def test_equal_states_give_equal_reports() -> None:
    case = HEALTHY["convolutions with dropout"]()
    seed(3)
    first = checkup(*case)
    assert str(checkup(*case)) == str(first)
    case[0].eval()  # it is examined in training all the same
    assert str(checkup(*case)) == str(first)
    seed(4)
    assert str(checkup(*case)) != str(first)


def test_an_error_of_the_loss_that_labels_do_not_explain_comes_out() -> None:
    with pytest.raises(ShapeError):
        checkup(classifier(), ENTROPY, (blobs()[0], np.zeros((600, 3), int)))


# --- the figures -----------------------------------------------------------------------------------------------------------


def test_chance_is_what_the_lectures_say() -> None:
    first = checkup(*HEALTHY["classifier"]()).checks[0].figures
    assert "chance predicts 2.303, -ln(1/10)" in first
    first = checkup(*HEALTHY["sum in place of mean"]()).checks[0].figures
    assert f"chance predicts {256 * np.log(10):.4g}, -ln(1/10)" in first
    x, y = plane()
    first = checkup(stack([4, 32, 1], nn.Tanh), nn.MSELoss(), Batches((x, y), 300)).checks[0].figures
    assert f"chance predicts {y.var():.4g}, the variance of the target" in first


def test_ratios_are_those_of_the_first_steps() -> None:
    model, loss, (x, t), *_ = HEALTHY["classifier"]()
    report = checkup(model, loss, Batches((x, t), 600), optim.SGD(model.parameters(), lr=0.1))
    assert report.ratios.keys() == {"0.weight", "2.weight"}
    before = model[0].weight.numpy().copy()
    ratios = []
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()
        after = model[0].weight.numpy().copy()
        ratios.append(np.linalg.norm(after - before) / np.linalg.norm(before))
        before = after
    assert report.ratios["0.weight"] == pytest.approx(np.median(ratios), rel=1e-4)


def test_scales_are_those_of_activations_and_their_gradients() -> None:
    model = nn.init.reset(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)), seed=0).double()
    x, y = (part.astype(float) for part in plane())
    report = checkup(model, nn.MSELoss(), Batches((x, y), 300, shuffle=False))
    w = [p.numpy() for p in model.parameters()]
    hidden = np.tanh(x @ w[0].T + w[1])
    out = hidden @ w[2].T + w[3]
    pull = 2 * (out - y) / len(x)
    gradients = [(pull @ w[2]) * (1 - hidden**2), pull @ w[2], pull]
    for scale, value, g in zip(report.layers, [x @ w[0].T + w[1], hidden, out], gradients, strict=True):
        assert scale.activation == pytest.approx(np.sqrt(np.mean(value**2)))
        assert scale.gradient == pytest.approx(np.sqrt(np.sum(g**2, axis=1).mean()))
    assert [scale.name for scale in report.layers] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_healthy_report_fits_a_screen() -> None:
    lines = str(checkup(*HEALTHY["deep, initialised by He"]())).splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 132


@pytest.mark.slow
def test_the_picture(tmp_path: Any) -> None:
    report = checkup(*HEALTHY["classifier"]())
    figure = report.plot(tmp_path / "checkup.png")
    assert (tmp_path / "checkup.png").read_bytes()[:4] == b"\x89PNG"
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [layer.activation for layer in report.layers])
    np.testing.assert_allclose(left.lines[1].get_ydata(), [layer.gradient for layer in report.layers])
    assert left.get_yscale() == right.get_xscale() == "log"
    none = checkup(*SICK["labels from 1"][3]()).plot()
    assert none.axes[1].get_title() == "no range test"


def test_a_copy_of_the_optimizer_is_used_with_its_state() -> None:
    model, loss, data = HEALTHY["classifier"]()
    optimizer, batches = ready(model, data, loss)
    warm = checkup(model, loss, batches, optimizer).ratios
    cold = checkup(model, loss, batches, optim.SGD(model.parameters(), lr=0.01, momentum=0.9)).ratios
    assert warm != cold
    assert copy.copy(optimizer).state.keys() == optimizer.state.keys()
