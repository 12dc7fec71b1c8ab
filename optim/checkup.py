"""The check-up before training: what the check-lists of lectures ask of a model, its loss and its data, as a report.

`CHECKS` is the list: five functions, each of which looks at a `Case` and returns its figures and what it found. A fault has
consequences: what is found after the first fault is told as a likely consequence. Everything is done within `preserved`.
Stands on what is examined and on the range test; of a model it asks for its parameters and modules.
"""

import contextlib
import copy
import math
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, TypeAlias

import numpy as np

from autograd import Tensor, no_grad
from autograd.tree import leaves

from .adam import Adam
from .batches import Batches, take
from .examined import REFUSALS, Case, Labels, Layer, NotDoneError, parts, plain, raw, rms, strays
from .history import new_figure
from .lr_finder import LRFind, endless, lr_find
from .optimizer import Optimizer
from .preserve import preserved
from .training import Loss, objective, train_step

SUBSET = 8  # examples that are to be overfitted
SAID = 6  # names and layers that are told of a long list

Level: TypeAlias = Literal["wrong", "look"]


@dataclass(frozen=True)
class Finding:
    """What a check found: where (names of parameters or modules), in words, and what to do about it."""

    check: int
    name: str
    level: Level
    words: str
    remedy: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One check of the list, with its figures in words; `done` is False where it could not be made."""

    number: int
    title: str
    figures: str
    findings: list[Finding]
    done: bool = True

    @property
    def verdict(self) -> str:
        """ok, look or wrong; or not done."""
        levels = [finding.level for finding in self.findings]
        return next((level for level in ("wrong", "look") if level in levels), "ok" if self.done else "not done")


@dataclass(frozen=True)
class Scale:
    """A layer in order of call: the root mean square of its output, and the norm of the loss's gradient there, by example."""

    name: str
    kind: str
    activation: float
    gradient: float


@dataclass(frozen=True)
class Checkup:
    """The report: `print(report)` before training. `ok` says that nothing is wrong; `findings` are what there is to see."""

    head: str
    checks: list[Check]
    layers: list[Scale]
    ratios: dict[str, float]  # update to weight, by parameter
    rates: LRFind | None

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the checks."""
        return [finding for check in self.checks for finding in check.findings]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.verdict in ("ok", "look") for check in self.checks)

    def __str__(self) -> str:
        lines = [self.head]
        for check in self.checks:
            lines += [f"{check.number}. {check.title:<66}{check.verdict}", f"   {check.figures}"]
            for finding in check.findings:
                lines += [f"   {finding.level.upper()}: {finding.words}", f"   -> {finding.remedy}"]
        if self.layers:
            lines += ["layers in order of call             activation    gradient", *_elided([_told(s) for s in self.layers])]
        return "\n".join(lines)

    __repr__ = __str__

    def plot(self, path: Any = None) -> Any:
        """Draws the scales by layer beside the range test; returns matplotlib's Figure, and writes it to a path."""
        figure = new_figure(2)
        left, right = figure.subplots(1, 2)
        places = range(len(self.layers))
        for label in ("activation", "gradient"):
            values = [getattr(scale, label) for scale in self.layers]
            left.plot(places, [value if value > 0 else math.nan for value in values], marker="o", markersize=3, label=label)
        left.set(yscale="log", title="scales by layer")
        every = max(1, len(self.layers) // 16)
        titles = [f"{scale.name} {scale.kind}".strip() for scale in self.layers]
        left.set_xticks(places[::every], titles[::every], rotation=90, fontsize="small")
        left.legend(frameon=False)
        left.spines[["top", "right"]].set_visible(False)
        if self.rates is None:
            right.set_title("no range test")
        else:
            self.rates.draw(right)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure


def checkup(model: Any, loss: Loss, data: Any, optimizer: Optimizer | None = None) -> Checkup:
    """Looks at a model, its loss and its data before training, and reports.

    1. The loss before training is what chance predicts: -ln(1/C) for C classes, the variance of the target for MSE.
    2. Every parameter receives a gradient, and no layer vanishes, explodes, is dead or saturated.
    3. A few examples can be overfitted to a loss near zero. Adam without weight decay tries it, whatever the optimizer.
    4. The optimizer (a copy of the given one, or Adam) changes a weight by about a thousandth in a step; and a range test.
    5. Data are shuffled, inputs of moderate scale, labels in range.

    `data` are `Batches`, or arrays of which batches of 32 are made. Model, optimizer, batches and random streams are as
    before afterwards, bit for bit, after an error too.

    >>> import nn
    >>> x = np.random.default_rng(0).standard_normal((256, 4)).astype(np.float32)
    >>> report = checkup(nn.init.reset(nn.Linear(4, 2), seed=0), nn.CrossEntropyLoss(), (x, (x[:, 0] > 0).astype(int)))
    >>> [check.verdict for check in report.checks]
    ['ok', 'ok', 'ok', 'ok', 'ok']
    """
    batches = data if isinstance(data, Batches) else Batches(data)
    with preserved(model), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", UserWarning)  # of optimizers, about what is reported here
        model.train(True)
        case = Case(model, loss, batches, optimizer)
        made = {}
        root = ""
        for number, title, look in CHECKS:
            made[number], root = _made(case, number, title, look, root)
    scales = [Scale(layer.name, layer.kind, layer.activation, layer.gradient) for layer in case.layers]
    return Checkup(case.head, [made[number] for number in sorted(made)], scales, case.ratios, case.rates)


def _made(case: Case, number: int, title: str, look: Any, root: str) -> tuple[Check, str]:
    """A check, and the name of the first fault up to now. After it others are probably its consequences."""
    try:
        (figures, found), done = look(case), True
    except NotDoneError as reason:
        figures, found, done = f"not done: {reason}", [], False
    findings = []
    for finding in found:
        if finding.level == "wrong" and root:
            finding = replace(finding, level="look", words=f"{finding.words} (may follow from: {root})")
        elif finding.level == "wrong":
            root = finding.name
        findings.append(replace(finding, check=number))
    return Check(number, title, figures, findings, done), root


# --- (1) the loss before training ------------------------------------------------------------------------------------------


def _start(case: Case) -> tuple[str, list[Finding]]:
    """The loss at the first weights, beside the loss of an output that is the same for all examples."""
    if case.error is not None:
        raise NotDoneError("the loss refuses the labels")
    if not math.isfinite(case.value):
        return f"loss {case.value}", [_where_nan(case)]
    chance, words = case.chance()
    found = _broadcast(case)
    if not chance > 0:
        return f"loss {case.value:.4g}; what chance predicts is not known of this loss", found
    ratio = case.value / chance
    figures = f"loss {case.value:.4g}, and chance predicts {chance:.4g}, {words}"
    if ratio < 0.5:
        remedy = "see whether the inputs hold the target, or the loss is not the one meant; fine for a model trained before"
        found.append(_finding("target leaks", "wrong", f"the loss is {ratio:.2g} of chance, before any training", remedy))
    elif ratio > 1.5 and not case.labels and _flat_loss(case) > 1.5 * chance:
        remedy = "standardise the target, or start the bias of the last layer at its mean"
        found.append(_finding("target not centred", "look", "the mean of the target is far from zero", remedy))
    elif ratio > 1.5:
        remedy = "make the weights of the last layer smaller, so that the outputs are near zero at first"
        level: Level = "wrong" if ratio > 3 else "look"
        found.append(_finding("loss above chance", level, f"the loss is {ratio:.3g} times that of chance", remedy))
    return figures, found


def _flat_loss(case: Case) -> float:
    return case.fed(np.zeros(case.output.shape)) if isinstance(case.output, Tensor) else math.nan


def _broadcast(case: Case) -> list[Finding]:
    """An output (N, 1) and a target (N,) make N * N differences."""
    y = raw(case.target)
    if case.labels or case.alike() is None or y.shape == case.output.shape:
        return []
    if not math.isclose(case.value, case.fed(raw(case.output), np.roll(y, 1, 0)), rel_tol=1e-5):
        return []  # it makes a difference which target belongs to which output
    words = f"output {case.output.shape} and target {y.shape} are broadcast against one another"
    return [_finding("shapes differ", "wrong", words, "give both the same shape: reshape the target")]


def _where_nan(case: Case) -> Finding:
    """Where the first value arises that is not finite."""
    wrong = [name for name, p in case.model.named_parameters() if not np.isfinite(raw(p)).all()]
    if wrong:
        return _finding("not finite", "wrong", f"nan or inf in {_listed(wrong)}", "fill these parameters anew", wrong)
    for layer in case.layers:
        if not np.isfinite(layer.output).all():
            came = layer.received is None or np.isfinite(layer.received).all()
            words = f"nan or inf {'first arises in' if came else 'comes into'} {layer.title}"
            remedy = (
                "look at this layer: a division by zero, log of 0, or values too large" if came else "look at what it is given"
            )
            return _finding("not finite", "wrong", words, remedy, [layer.name])
    remedy = "look at the loss: log of 0, a division by zero; or at what the model does with the last layer's output"
    return _finding("not finite", "wrong", f"all layers are finite, and the loss is {case.value}", remedy)


# --- (2) gradients and scales ----------------------------------------------------------------------------------------------


def _gradients(case: Case) -> tuple[str, list[Finding]]:
    """Which parameters have a gradient, and how large values and gradients are from layer to layer."""
    if not case.named:
        words = "no parameter wants a gradient: there is nothing to learn"
        return words, [_finding("no parameters", "wrong", words, "give the model parameters, or set requires_grad = True")]
    if case.error is not None or not math.isfinite(case.value):
        case.ready()
    found = [finding for look in (_unreached, _units, _scales, _zeros) for finding in look(case)]
    norms = [layer.gradient for layer in case.layers if layer.gradient > 0] or [0.0]
    sizes = [layer.activation for layer in case.layers] or [0.0]
    reached = sum(g is not None for g in case.gradients.values())
    return (
        f"{reached} of {len(case.named)} parameters have one; by layer, gradients {min(norms):.1e} to {max(norms):.1e}, "
        f"activations {min(sizes):.1e} to {max(sizes):.1e}"
    ), found


def _unreached(case: Case) -> list[Finding]:
    without = [name for name, g in case.gradients.items() if g is None]
    unfit = [name for name, g in case.gradients.items() if g is not None and not np.isfinite(g).all()]
    remedy = "use them in forward(), look for detach() or .data on the way, or set requires_grad = False"
    found = (
        [_finding("no gradient", "wrong", f"the loss does not depend on {_listed(without)}", remedy, without)]
        if without
        else []
    )
    if unfit:
        words = f"gradients with nan or inf: {_listed(unfit)}"
        found.append(_finding("gradient not finite", "wrong", words, "look for sqrt or log at 0, and for overflow", unfit))
    return found


def _units(case: Case) -> list[Finding]:
    """Layers many of whose units are zero for every example, or at a bound of the activation for most."""
    found = []
    dead = {layer.title: _dead_share(layer) for layer in case.layers}
    if max(dead.values(), default=0.0) < 0.4:  # a functional relu is in no module: its units' weights have no gradient
        dead = _dead_rows(case)
    full = {layer.title: _saturated_share(layer) for layer in case.layers}
    for name, shares, least, most, words, remedy in (
        ("dead units", dead, 0.4, 0.6, "zero for every example", "smaller biases and weights (He), leaky ReLU, normalisation"),
        ("saturated", full, 0.5, 0.9, "at a bound", "smaller weights (Xavier), a normalisation layer, or ReLU"),
    ):
        where = [name for name, share in shares.items() if share >= least]
        if where:
            level: Level = "wrong" if max(shares.values()) >= most else "look"
            told = [f"{name}: {shares[name]:.0%}" for name in where]
            found.append(_finding(name, level, f"units that are {words}: {_listed(told)}", remedy, where))
    return found


def _is_plain(layer: Layer) -> bool:
    """Whether a layer has no parameters, and gives floats of the shape that it was given."""
    same = layer.received is not None and layer.received.shape == layer.output.shape and layer.received.dtype.kind == "f"
    return same and layer.output.ndim > 1 and layer.output.size > 0 and not any(True for _ in layer.module.parameters())


def _dead_share(layer: Layer) -> float:
    """The share of units whose output is zero for every example, though what they are given is not."""
    if not _is_plain(layer):
        return 0.0
    others = tuple(axis for axis in range(layer.output.ndim) if axis != _unit_axis(layer.output))
    return float(((layer.output == 0).all(others) & (layer.received != 0).any(others)).mean())


def _unit_axis(a: Any) -> int:
    return 1 if a.ndim in (4, 5) else int(a.ndim) - 1


def _dead_rows(case: Case) -> dict[str, float]:
    """The shares of rows of weights that have no gradient, in layers that have some."""
    tables = {layer.name for layer in case.layers if layer.looks_up}
    shares = {}
    for name, g in case.gradients.items():
        if g is not None and g.ndim > 1 and name.rpartition(".")[0] not in tables:
            share = float((g == 0).all(tuple(range(1, g.ndim))).mean())
            shares[f"rows of {name}"] = share if share < 1 else 0.0
    return shares


def _saturated_share(layer: Layer) -> float:
    """The share of outputs within a hundredth of a bound. A bounded activation is one that large inputs change no more."""
    if not _is_plain(layer):
        return 0.0
    try:
        with no_grad():
            far = [raw(layer.module(Tensor(np.full_like(layer.received, x)))) for x in (-40.0, -20.0, 20.0, 40.0)]
    except REFUSALS:
        return 0.0
    low, high = far[0], far[-1]
    bounded = np.allclose(low, far[1], atol=1e-3) and np.allclose(high, far[2], atol=1e-3) and (high - low > 0.5).all()
    margin = 0.01 * (high - low)
    return float(((layer.output < low + margin) | (layer.output > high - margin)).mean()) if bounded else 0.0


def _scales(case: Case) -> list[Finding]:
    """Gradients that shrink or grow on their way back, and activations that grow on their way forward."""
    known = [layer for layer in case.layers if layer.gradient > 0]
    if len(known) < 2:
        return []
    least, last = min(known, key=lambda layer: layer.gradient), known[-1]
    largest = max(known, key=lambda layer: layer.gradient)
    widest = max(case.layers, key=lambda layer: layer.activation)
    given = next((rms(layer.received) for layer in case.layers if layer.received is not None), 1.0)
    if largest.gradient > 1e4 * last.gradient or widest.activation > 1e3 * max(given, 1.0):
        words = (
            f"the gradient is {largest.gradient:.1e} at {largest.title} and {last.gradient:.1e} at {last.title}; "
            f"the activation is up to {widest.activation:.1e}, at {widest.title}"
        )
        remedy = "initialise smaller (Xavier for tanh, He for ReLU), add normalisation layers, clip gradients"
        return [_finding("exploding", "wrong", words, remedy, [largest.name, widest.name])]
    if least.gradient < 1e-4 * last.gradient:
        words = f"the gradient is {last.gradient:.1e} at {last.title}, and only {least.gradient:.1e} at {least.title}"
        remedy = "initialise by Xavier or He, use ReLU in place of sigmoid, add normalisation layers or residual connections"
        return [_finding("vanishing", "wrong", words, remedy, [least.name])]
    return []


def _zeros(case: Case) -> list[Finding]:
    """Parameters whose gradient is zero; if only at first, as behind a layer of zeros, that may be meant."""
    zero = [name for name, g in case.gradients.items() if g is not None and not g.any()]
    if not zero:
        return []
    with preserved(case.model):
        steps = Adam(case.named.values())
        for _ in range(3):
            train_step(case.model, case.loss, [case.pool], steps)
        later = case.pull(objective(case.model, case.loss, case.pool)[0])
    stays = [name for name in zero if not later[name].any()]
    if stays:
        remedy = "look for a factor of zero, dead units or weights of zeros behind them"
        return [_finding("zero gradient", "wrong", f"the gradient is zero: {_listed(stays)}", remedy, stays)]
    words = f"zero in the first step only: {_listed(zero)}"
    return [_finding("zero gradient", "look", words, "fine if a layer behind them is meant to start at zero", zero)]


# --- (3) a small subset ----------------------------------------------------------------------------------------------------


def _overfit(case: Case) -> tuple[str, list[Finding]]:
    """Adam on a few examples, at three rates, until the loss is near the least that there is."""
    case.ready()
    size = len(next(iter(leaves(case.pool))))
    few = take(plain(case.pool), np.unique(np.linspace(0, size - 1, min(SUBSET, size)).astype(int)))
    start, least, chance = _loss_of(case, few), case.least(), case.chance()[0]
    usual = min(start, chance) if math.isfinite(chance) else start  # of a sum over examples, chance is that of the pool
    least = least if least < usual else 0.0
    goal = least + 0.05 * (usual - least)
    tries = []
    for training, rate in ((True, 0.01), (True, 0.001), (True, 0.1), (False, 0.01)):
        tries.append(_fitted(case, few, goal, rate, training))
        if tries[-1][0] <= goal:
            break
    best, steps = min(tries)
    figures = f"{len(leaves(few)[0])} examples: loss {start:.3g} -> {best:.2g} in {steps} steps of Adam without weight decay"
    if best > goal:
        return figures, [_no_fit(case, few, best, best - least < 0.3 * (usual - least))]
    if not training:
        words = f"with dropout and batch statistics on, the loss stays at {min(tries[:-1])[0]:.3g}; off, it comes to {best:.2g}"
        return figures, [
            _finding("overfits in evaluation only", "look", words, "less dropout, or larger batches for batch norm")
        ]
    return figures, []


def _loss_of(case: Case, batch: Any) -> float:
    with no_grad():
        return float(objective(case.model, case.loss, batch)[0])


def _fitted(case: Case, few: Any, goal: float, rate: float, training: bool, steps: int = 200) -> tuple[float, int]:
    """The least loss on a few examples, and after how many steps it was there."""
    with preserved(case.model):
        case.model.train(training)
        optimizer, best = Adam(case.named.values(), lr=rate), (math.inf, 0)
        for step in range(steps):
            value = train_step(case.model, case.loss, [few], optimizer)
            best = min(best, (value, step))
            if not math.isfinite(value) or value <= goal:
                break
    return best


def _no_fit(case: Case, few: Any, best: float, falls: bool) -> Finding:
    """Why a few examples could not be learnt."""
    twins = _contradictions(case, few)
    count, wanted = sum(p.size for p in case.named.values()), sum(np.size(raw(y)) for y in leaves(case.target)[:1])
    wanted = wanted * len(leaves(few)[0]) // max(len(leaves(case.pool)[0]), 1)
    words = f"the loss stays at {best:.3g}"
    if twins:
        remedy = "no model can tell them apart: correct the labels, or add what distinguishes the examples"
        return _finding(
            "contradictory labels", "wrong", f"{words}: {twins} examples have equal inputs and other labels", remedy
        )
    if count < wanted:
        remedy = "fine for a model that is meant to be simple; else make it larger"
        return _finding("small model", "look", f"{words}: {count} parameters for {wanted} numbers", remedy)
    if falls:
        remedy = "probably it needs more steps: try fit() on a few examples before the whole set"
        return _finding("overfits slowly", "look", f"the loss has come to {best:.3g}, not near zero", remedy)
    remedy = (
        "find why: layers that are frozen or detached, inputs that do not tell examples apart, a loss that is not the one meant"
    )
    return _finding("does not overfit", "wrong", words, remedy)


def _contradictions(case: Case, batch: Any) -> int:
    """How many examples have the inputs of another one, and another label."""
    if not case.labels or not isinstance(batch, (tuple, list)):
        return 0
    seen = defaultdict(list)
    *inputs, target = ([np.asarray(row).tobytes() for row in raw(part)] for part in batch)
    for key, label in zip(zip(*inputs, strict=True), target, strict=True):
        seen[key].append(label)
    return sum(len(labels) for labels in seen.values() if len(set(labels)) > 1)


# --- (4) rates -------------------------------------------------------------------------------------------------------------


def _rates(case: Case) -> tuple[str, list[Finding]]:
    """How much the first steps change each parameter, and the range test."""
    case.ready()
    given = case.optimizer
    tried = Adam(case.named.items()) if given is None else copy.copy(given)
    missing = tried.missing(case.model)
    if len(missing) == len(case.named):
        words = "the optimizer holds no parameter of this model"
        return words, [_finding("other parameters", "wrong", words, "make the optimizer from this model's parameters()")]
    remedy = "add them with add_param_group, or set requires_grad = False there"
    found = (
        [_finding("not held", "look", f"the optimizer does not hold {_listed(missing)}", remedy, missing)] if missing else []
    )
    with np.errstate(all="ignore"):
        case.ratios, losses = _update_ratios(case, tried)
        case.rates = lr_find(case.model, case.loss, case.batches, given)
    ratio = float(np.median(list(case.ratios.values()))) if case.ratios else math.nan
    rate = tried.param_groups[0]["lr"]
    told = f"update / weight {ratio:.1e} (median of {len(case.ratios)}) with {type(tried).__name__}, lr {rate:g}; "
    suggested = case.rates.suggestion
    helps = suggested is not None and (suggested > rate if ratio < 1e-5 else suggested < rate)
    advice = f"the range test suggests {suggested:.1g}" if helps else "lr_find shows more"
    diverges = not all(map(math.isfinite, losses))
    if diverges or not 1e-5 <= ratio <= 0.03:
        name = "rate too small" if ratio < 1e-5 else "rate too large"
        rises = diverges or (ratio > 0.1 and np.median(losses[1:]) > 1.5 * losses[0])
        level: Level = "wrong" if given is not None and (rises or ratio < 1e-6) else "look"
        words = f"a step changes weights by {ratio:.0e} of their size" + (", and the loss rises" if rises else "")
        found.append(_finding(name, level, words, f"change lr until that is near 1e-3; {advice}"))
    if case.rates.suggestion is None or case.rates.tenth is None:
        return told + "the range test suggests no rate", found
    return told + f"range test: {case.rates.suggestion:.2g} (steepest), {case.rates.tenth:.2g} (minimum / 10)", found


def _update_ratios(case: Case, optimizer: Optimizer, steps: int = 10) -> tuple[dict[str, float], list[float]]:
    """By parameter, the median of rms(update) / rms(weight) over the first steps; and the losses before each.

    Matrices, if there are any: biases start at zero, or near it.
    """
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    named = {name: p for name, p in case.named.items() if id(p) in held}
    named = {name: p for name, p in named.items() if p.ndim > 1} or named
    ratios, losses = defaultdict(list), []
    with preserved(case.model), contextlib.closing(endless(case.batches)) as stream:
        for batch in islice(stream, steps):
            before = {name: np.array(raw(p)) for name, p in named.items()}
            losses.append(train_step(case.model, case.loss, [batch], optimizer))
            if not math.isfinite(losses[-1]):
                break
            for name, p in named.items():
                if before[name].any():
                    ratios[name].append(rms(raw(p) - before[name]) / rms(before[name]))
    return {name: float(np.median(values)) for name, values in ratios.items()}, losses


# --- (5) data --------------------------------------------------------------------------------------------------------------


def _data(case: Case) -> tuple[str, list[Finding]]:
    """Inputs, labels, and the order in which they come, as far as the first batches show."""
    found: list[Finding] = []
    told = [_input_words(x, found) for _, x in _inputs(case)]
    if not found and any(y.dtype.kind == "f" and not np.isfinite(y).all() for _, y in parts(case.target)):
        found.append(_finding("data not finite", "wrong", "nan or inf in the target", "leave these examples out"))
    if not any(finding.level == "wrong" for finding in found):
        found += _input_scale(case)
    order = _order(case)
    found += order
    if case.labels:
        told.append(f"{case.labels.classes} classes")
        found += _label_range(case.labels)
        twins = _contradictions(case, case.pool)
        if twins:
            words = f"{twins} examples have the inputs of another one, and another label"
            found.append(_finding("contradictory labels", "look", words, "correct them, or expect a loss above zero"))
        found += [] if any(finding.level == "wrong" for finding in found) else _label_shares(case)
    return "; ".join(told) + ("; shuffled" if case.batches.shuffle else "; not shuffled"), found


def _inputs(case: Case) -> list[tuple[Any, Any]]:
    is_tuple = isinstance(case.pool, (tuple, list)) and len(case.pool) > 1
    return [part for part in parts(case.pool[:-1] if is_tuple else case.pool) if not any(part[1] is y for y in _targets(case))]


def _targets(case: Case) -> list[Any]:
    return [case.labels.values] if case.labels else []


def _input_words(x: Any, found: list[Finding]) -> str:
    """Mean, deviation and constant columns of an input; what is not finite is a fault."""
    if x.dtype.kind != "f":
        return f"inputs {x.dtype}, {x.min()} to {x.max()}" if x.size and x.dtype.kind in "iu" else f"inputs {x.dtype}"
    wrong = ~np.isfinite(x)
    if wrong.any():
        rows = np.flatnonzero(wrong.reshape(len(x), -1).any(axis=1))
        words = f"nan or inf in {len(rows)} of {len(x)} examples"
        found.append(_finding("data not finite", "wrong", words, "leave these examples out, or fill in what is missing"))
        x = x[~wrong]
    constant = int((np.ptp(x.reshape(len(x), -1), axis=0) == 0).sum()) if x.ndim > 1 and len(x) > 1 else 0
    words = f"inputs: mean {x.mean():.2g}, deviation {x.std():.2g}" if x.size else "inputs: none is finite"
    return words + (f", {constant} of {x[0].size} columns constant" if constant else "")


def _input_scale(case: Case) -> list[Finding]:
    """The scale of what the first layer with weights is given: scaling inside the model counts."""
    weighty = (layer for layer in case.layers if any(p.ndim > 1 for p in layer.module.parameters(recurse=False)))
    first = next(weighty, None)
    if first is None or first.received is None or first.looks_up or not rms(first.received) > 5:
        return []
    size = rms(first.received)
    level: Level = "wrong" if size > 30 else "look"
    remedy = "divide by 255 if these are pixels, or subtract the mean and divide by the deviation"
    return [_finding("inputs not scaled", level, f"what {first.title} is given is of size {size:.3g}", remedy)]


def _order(case: Case) -> list[Finding]:
    """Whether batches come in the order of the classes: batches of one class, or neighbours that are alike."""
    if case.labels and case.labels.values.ndim == 1 and len(case.labels.values) > 3:
        y, (_, counts) = case.labels.values, np.unique(case.labels.values, return_counts=True)
        alike, expected = float((y[1:] == y[:-1]).mean()), float(((counts / len(y)) ** 2).sum())
        if len(counts) == 1 or alike > (1 + expected) / 2:
            words = "the first examples are all of one class" if len(counts) == 1 else f"{alike:.0%} follow one of their class"
            remedy = "Batches(..., shuffle=True), or look whether the labels are right"
            return [_finding("sorted by class", "wrong", words, remedy)]
    if case.batches.shuffle or len(case.batches) < 2:
        return []
    words = "every epoch takes the examples in the same order"
    return [_finding("not shuffled", "look", words, "Batches(..., shuffle=True), unless the order matters")]


def _label_range(labels: Labels) -> list[Finding]:
    outside = strays(labels)
    if not outside.size:
        return []
    words = f"labels {_listed(map(str, outside.tolist()))}, and classes are 0 to {labels.classes - 1}"
    return [_finding("labels out of range", "wrong", words, "count classes from 0, and give the output a place for each")]


def _label_shares(case: Case) -> list[Finding]:
    """Classes that were not seen, and a frequent one beside a rare one."""
    assert case.labels is not None
    y = case.labels.values
    counts = np.bincount(y[(y >= 0) & (y < case.labels.classes)].ravel(), minlength=case.labels.classes)
    if counts.sum() < 10 * case.labels.classes:  # too few to tell
        return []
    if not counts.all():
        where = np.flatnonzero(counts == 0)
        words = f"no example of class {_listed(map(str, where.tolist()))} among the first {counts.sum()}"
        return [_finding("classes missing", "look", words, "look at the labels, or at the number of outputs")]
    if counts.max() > 10 * counts.min():
        words = f"{counts.max()} examples of class {counts.argmax()}, and {counts.min()} of class {counts.argmin()}"
        return [_finding("imbalance", "look", words, "Batches(..., balance=labels), weights in the loss, or a metric by class")]
    return []


# In the order in which they are made: what is wrong with the data shows in the gradients, and that in the loss.
CHECKS: list[tuple[int, str, Callable[[Case], tuple[str, list[Finding]]]]] = [
    (5, "Data are shuffled, inputs of moderate scale, labels in range", _data),
    (2, "Every parameter receives a gradient, neither tiny nor huge", _gradients),
    (1, "The loss before training is what chance predicts", _start),
    (3, "A few examples can be overfitted to a loss near zero", _overfit),
    (4, "A step changes a weight by about a thousandth", _rates),
]


# --- words -------------------------------------------------------------------------------------------------------------------


def _finding(name: str, level: Level, words: str, remedy: str, where: Any = ()) -> Finding:
    return Finding(0, name, level, words, remedy, tuple(where))


def _told(scale: Scale) -> str:
    gradient = "-" if math.isnan(scale.gradient) else f"{scale.gradient:.2g}"
    return f"  {scale.name or '(model)':<17} {scale.kind:<15} {scale.activation:10.2g}  {gradient:>10}"


def _elided(lines: list[str]) -> list[str]:
    return lines if len(lines) <= 2 * SAID else [*lines[:SAID], f"  ... {len(lines) - 2 * SAID} more", *lines[-SAID:]]


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:SAID]) + (f" and {len(names) - SAID} more" if len(names) > SAID else "")
