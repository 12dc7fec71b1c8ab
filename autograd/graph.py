"""The graph: nodes, the backward and the forward sweep, and the modes of a thread.

A graph is nodes that point to their parents, and nothing else: no Tensor, no closure, no cycle. It is freed by reference
count the moment its last output goes. A sweep runs on bare arrays or, when the pass must itself be recorded, on anything
that behaves like one. Knows no op and no Tensor: a node's rule is asked for its derivatives, and that is all.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import ContextDecorator
from functools import partial
from heapq import heappop, heappush, heappushpop
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from .errors import AnomalyError, GraphReleasedError, RuleError
from .explain import kind_of, range_of, source_line
from .rows import Rows, dense

ndarray = np.ndarray


# --- modes: what holds for the ops that a thread is running ----------------------------------------------------------------


class _Modes(threading.local):
    """What holds in this thread; the class attributes are what holds where nothing else was said."""

    gradients = True
    anomaly = False
    recorder: Any = None
    watcher: Any = None  # who is told of every op, for a picture


class _Gate:
    """Counts the modes in force over all threads, so that an op need not ask its thread for a mode that no thread is in.

    `muted` counts those that concern gradients; `shut` counts the others, under which every op takes its long path.
    """

    __slots__ = ("lock", "muted", "shut")

    def __init__(self) -> None:
        self.muted = self.shut = 0
        self.lock = threading.Lock()

    def shift(self, settings: dict[str, Any], step: int) -> None:
        with self.lock:
            if "gradients" in settings:
                self.muted += step
            else:
                self.shut += step


modes = _Modes()
gate = _Gate()


class mode(ContextDecorator):
    """A context manager and decorator that sets modes of this thread, and puts back what was there before."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._before: list[dict[str, Any]] = []

    def _recreate_cm(
        self,
    ) -> "mode":  # each call of a decorated function enters a fresh one, in whatever thread it runs
        return mode(**self._settings)

    def __enter__(self) -> "mode":
        self._before.append({name: getattr(modes, name) for name in self._settings})
        gate.shift(self._settings, 1)
        modes.__dict__.update(self._settings)
        return self

    def __exit__(self, *exception: object) -> None:
        modes.__dict__.update(self._before.pop())
        gate.shift(self._settings, -1)


def no_grad() -> mode:
    """Results of ops inside require no gradient, and nothing is kept for one. Also a decorator: `@no_grad()`.

    >>> from autograd import Tensor
    >>> x = Tensor(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return mode(gradients=False)


def enable_grad() -> mode:
    """Builds the graph again, inside a `no_grad()` block."""
    return mode(gradients=True)


def set_grad_enabled(enabled: bool) -> mode:
    """`enable_grad()` or `no_grad()`, as the argument says."""
    return mode(gradients=bool(enabled))


def is_grad_enabled() -> bool:
    """Whether ops of this thread build a graph at the moment."""
    return modes.gradients


def detect_anomaly() -> mode:
    """Raises `AnomalyError` at the first op, forward or backward, that turns finite inputs into nan or inf.

    >>> import autograd
    >>> with autograd.detect_anomaly():
    ...     autograd.log(autograd.Tensor(0.0))
    Traceback (most recent call last):
    autograd.errors.AnomalyError: log turned finite inputs into nan or inf: ...
    """
    return mode(anomaly=True)


# --- nodes -----------------------------------------------------------------------------------------------------------------

next_sequence = itertools.count(1).__next__  # atomic under the interpreter's lock: unique over all threads


class Node:
    """One op that ran: its rule, the nodes of its inputs, what its derivatives will read, and its place in time.

    `parents` and `saved` have one entry per input, None where the input is a constant; `saved` is one flat tuple where the
    rule has one derivative for all inputs. A leaf has no rule. `dtype` is None for a Python float, whose `value` is always
    kept. `source`, the user's line, is set in the modes that need it.
    """

    __slots__ = (
        "__weakref__",
        "attributes",
        "dtype",
        "grad",
        "hooks",
        "parents",
        "rule",
        "saved",
        "sequence",
        "shape",
        "source",
        "value",
    )
    rule: Any
    parents: tuple["Node | None", ...]
    saved: Any
    attributes: dict[str, Any]
    sequence: int
    shape: tuple[int, ...]
    dtype: Any
    value: float | None
    grad: Any
    hooks: list[Callable[[Any], Any]] | None
    source: tuple[str, int]

    def reads(self) -> Any:
        """What was saved, as a tuple per input; a bare value in `saved` stands for a tuple of one (see `Rule.single`)."""
        if not self.rule.single:
            return self.saved
        return tuple(value if value is None or type(value) is tuple else (value,) for value in self.saved)

    def __repr__(self) -> str:
        name = self.rule.name if self.rule is not None else "leaf"
        return f"<Node {name} {self.dtype or 'float'}{list(self.shape)}>"


def node_of(rule: Any, parents: tuple[Any, ...], saved: Any, attributes: dict[str, Any], y: Any) -> Node:
    """The node of an op that returned `y`."""
    node = Node()
    node.rule = rule
    node.parents = parents
    node.saved = saved
    node.attributes = attributes
    node.sequence = next_sequence()
    node.grad = None
    node.hooks = None
    if type(y) is float:
        node.shape = ()
        node.dtype = None
        node.value = y
    else:
        node.shape = y.shape
        node.dtype = y.dtype
        node.value = None
    return node


def leaf_of(data: Any) -> Node:
    """The node of a value that no op made."""
    return node_of(None, (), (), {}, data)


def ancestors(*roots: Node) -> list[Node]:
    """Every node that the roots depend on, roots included, earliest first. Works on chains of any depth."""
    seen = set(roots)
    stack = list(roots)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.sequence)


def release(node: Node) -> None:
    """Let go of what the node holds. What nobody else can reach is freed with it, at once."""
    node.saved = None
    node.parents = ()


def refuse_released(node: Node) -> None:
    """An error if an earlier backward() has released the node."""
    if node.saved is None:
        raise GraphReleasedError(
            f"the graph behind this value ({node!r}) was released by an earlier backward(). Call that one as "
            "backward(retain_graph=True) to go through a graph twice, or compute the value again."
        )


class Parts:
    """The cotangents, or tangents, of an op with several outputs; None where there is none so far."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(tuple(_sum(a, b) for a, b in zip(self.parts, other.parts, strict=True)))


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


# --- the backward sweep ----------------------------------------------------------------------------------------------------

Rewrap = Callable[[Node], Any]
Watch = Callable[[Node, Any], None]
Later = tuple["ref[Node]", Any]  # a node, and its cotangent
Pull = tuple[Node | None, Any, Any]  # an input of a node, the derivative with respect to it, and what that reads


def backpropagate(
    root: Node,
    g: Any,
    *,
    retain: bool = False,
    rewrap: Rewrap | None = None,
    watch: Watch | None = None,
    stop: Collection[Node] = (),
    rows: bool = False,
    sparse: bool = False,
    finish: Callable[[dict[Node, Any]], None] | None = None,
) -> dict[Node, Any]:
    """The chain rule from `root`, whose cotangent is `g`, to the leaves: the cotangent of every leaf that it depends on.

    `rewrap` turns what a node saved into what its derivatives shall read, when the sweep itself is to be recorded; `watch`
    is shown the whole cotangent of each node, at the end; the nodes of `stop` are taken for leaves. Unless `retain`, the root
    is released as soon as it has been used, and with it goes every node behind it that neither a Tensor nor another graph
    refers to: the sweep holds no node past its turn, except those of numbers, which hold nothing large.

    `finish` may change the cotangents that were found before anything is shown. When it raises, or the sweep, no node has
    another gradient than before, and `watch` has been shown nothing. The root may be released all the same: only a graph that
    is retained can be swept again for certain.

    With `rows`, `g` has one more axis in front, and so has every cotangent: many sweeps in one. A rule whose derivatives do
    not know of such an axis (see `Rule.leading`) is asked row by row, the others all at once. With `sparse` the cotangent of
    a leaf may come as `Rows`.
    """
    refuse_released(root)
    # A zero that meets an infinity must not become nan (see carefully). NumPy reports the meeting for nothing, because
    # the processor raises a flag, so sweeps ask for an exception then: cheaper than a look at every array. A recording
    # decides it in every run anew, by its guard.
    invalid = "raise" if modes.recorder is None else "ignore"
    lead = np.shape(g)[:1] if rows else ()
    shown: list[Node] = []
    later: list[Later] = []
    if modes.recorder is not None:
        modes.recorder.phase = "backward"
    try:
        with np.errstate(invalid=invalid, divide="ignore", over="ignore", under="ignore"):  # type: ignore[arg-type]
            found = _sweep(root, g, retain, rewrap, watch is not None, frozenset(stop), lead, shown, later)
        if not sparse:
            found = {leaf: dense(g) for leaf, g in found.items()}
        if finish is not None:
            finish(found)
    except BaseException:
        for node in shown:
            node.grad = None
        raise
    if modes.recorder is not None:
        modes.recorder.phase = "update"
    shown.reverse()  # a list is freed from its end: each node before those it refers to, and none within another
    if later:
        _show(later, watch or _add_up)
    return found


def _show(later: list[Later], watch: Watch) -> None:
    """Shows what had to wait for the end of the sweep. No flag of the processor may stop it halfway."""
    with np.errstate(all="ignore"):
        for reference, g in later:
            node = reference()
            if node is not None:
                watch(node, g)


def _add_up(node: Node, g: float) -> None:
    node.grad = g if node.grad is None else node.grad + g


def _sweep(
    root: Node,
    g: Any,
    retain: bool,
    rewrap: Rewrap | None,
    watched: bool,
    stop: frozenset[Node],
    lead: tuple[int, ...],
    shown: list[Node],
    later: list[Later],
) -> dict[Node, Any]:
    # The nodes of `shown` have their gradients already, which can be taken back. What goes to `later` is known by a weak
    # reference, because it may hold arrays, or have a gradient that is added to.
    #
    # Every line here runs for every node, or every edge, of every backward pass: the time of an op is spent here. Hence its
    # length, and the order of its questions, the usual answer first.
    pending: dict[Node, Any] = {root: g}
    if root.rule is None or root in stop:
        return pending
    queue: list[tuple[int, Node]] = []
    special = watched or rewrap is not None
    following: Node | None = root  # the first new parent of the last node: kept out of the queue, which a chain never needs
    to_release = None if retain else root
    # Whether nan has to be looked for: once an op has dropped elements that may be anything, and on arrays for which no
    # processor raises a flag.
    careful = not isinstance(getattr(g, "_raw", g), (float, ndarray, np.generic))
    wary = careful or rewrap is not None or modes.anomaly or bool(lead)
    oldest = min(node.sequence for node in stop) if stop else 0  # nothing older leads to a node of `stop`
    while True:
        if following is not None:
            node = heappushpop(queue, (-following.sequence, following))[1] if queue else following
            following = None
        elif queue:
            node = heappop(queue)[1]
        else:
            return pending
        g = pending.pop(node)
        rule = node.rule
        saved = node.saved
        if saved is None:
            refuse_released(node)
        if node.hooks is not None:
            for hook in tuple(node.hooks):
                g = each_row(hook, g) if lead else hook(g)
        single = rule.single
        if special:
            if watched:
                later.append((ref(node), g))
            if rewrap is not None:
                saved = rewrap(node)
                single = False
        elif type(g) is float:
            if node.grad is None and rule.elementwise:
                node.grad = g
                shown.append(node)
            else:
                later.append((ref(node), g))
        pulls: Iterable[Pull]
        if rule.simple:
            pulls = zip(node.parents, rule.derivatives, saved)  # noqa: B905 - `strict` costs more than the check is worth
        else:
            careful = careful or rule.drops
            wary = wary or careful
            if not rule.elementwise and (type(g) is float or isinstance(g, np.generic)):
                g = np.asarray(g)  # so that a rule may use methods and like=
            by_row = bool(lead) and not rule.leading
            pulls = _pull_jointly(node, g, saved, by_row) if rule.joint else zip(node.parents, rule.derivatives, saved)  # noqa: B905
            if by_row and not rule.joint:
                pulls = [(parent, partial(each_row, derivative), reads) for parent, derivative, reads in pulls]
        if node is to_release:
            release(node)
            to_release = None
        for parent, derivative, reads in pulls:
            if parent is None:
                continue
            try:
                if derivative is unchanged:
                    d = g
                elif single:  # a call with a star would cost three times as much
                    d = derivative(g, reads)
                else:
                    d = derivative(g, *reads) if reads else derivative(g)
            except ArithmeticError:
                d = carefully(rule, derivative, g, reads)
            if wary or not (
                parent.dtype is None and d == d
                if type(d) is float
                else type(d) is ndarray and d.dtype is parent.dtype and d.shape == parent.shape
            ):
                d = _settle(d, node, parent, derivative, g, reads, careful, rewrap is not None, lead)
            before = pending.get(parent)
            if before is None:
                pending[parent] = d
                if parent.rule is not None and not (stop and (parent in stop or parent.sequence < oldest)):
                    if following is None:
                        following = parent
                    else:
                        heappush(queue, (-parent.sequence, parent))
            elif type(d) is ndarray and d.size > 1000:  # below, looking costs more than a new array
                del before
                accumulate(pending, parent, d)
            else:
                try:
                    pending[parent] = before + d
                except ArithmeticError:  # of inf and -inf, which the values ask for
                    with np.errstate(all="ignore"):
                        pending[parent] = before + d


def _settle(
    d: Any,
    node: Node,
    parent: Node,
    derivative: Any,
    g: Any,
    reads: Any,
    careful: bool,
    recorded: bool,
    lead: tuple[int, ...],
) -> Any:
    """What a derivative returned, with the shape and dtype of the input, and looked at for nan where there may be some."""
    if type(d) is Rows:
        if parent.rule is None and not (modes.anomaly or lead or has_nan(d.values)):
            return d.astype(parent.dtype)
        derivative, d = _densely(derivative), d.dense()
    if type(d) is float and d != d and (careful or _no_nan(g, reads)):  # for floats no processor's flag is read
        d = carefully(node.rule, derivative, g, reads)
    if modes.recorder is not None and (careful or reads):  # values must not decide now what a Program does later
        d = modes.recorder.guard(d, node.rule, derivative, g, reads, careful)
    d = fit(d, parent, node, lead)
    if modes.recorder is None and (careful or recorded) and has_nan(d):
        d = fit(carefully(node.rule, derivative, g, reads), parent, node, lead)
    if modes.anomaly:
        _refuse_anomaly(node, parent, g, d)
    return d


def _densely(derivative: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: dense(derivative(*values))


def _no_nan(*values: Any) -> bool:
    return all(_no_nan(*value) if type(value) is tuple else value == value for value in values)


def unchanged(g: Any) -> Any:
    """The derivative of x + w, of a copy, of whatever passes a cotangent on as it is. The sweep knows it, and calls nothing."""
    return g


def each_row(function: Callable[..., Any], g: Any, *reads: Any) -> Any:
    """A derivative, or a hook, that knows one cotangent at a time, called for each row of many; the results in rows again."""
    return _joined([dense(function(row, *reads)) for row in _rows_of(g)])


def _rows_of(g: Any) -> list[Any]:
    if isinstance(g, Parts):
        parts = [part if part is None else _rows_of(part) for part in g.parts]
        count = next(len(part) for part in parts if part is not None)
        return [Parts(tuple(None if part is None else part[i] for part in parts)) for i in range(count)]
    if isinstance(g, tuple):
        return [row.parts for row in _rows_of(Parts(g))]
    rows = [g[i] for i in range(len(g))]
    return [np.asarray(row) if isinstance(row, np.generic) else row for row in rows]


def _joined(results: list[Any]) -> Any:
    first = results[0]
    if isinstance(first, Parts):
        return Parts(_joined([result.parts for result in results]))
    if isinstance(first, tuple):
        return tuple(_joined(list(column)) for column in zip(*results, strict=True))
    return None if first is None else np.stack(results)


def _pull_jointly(node: Node, g: Any, saved: Any, by_row: bool) -> list[Pull]:
    """The rows of the sweep's inner loop for a rule with one derivative for all inputs: what it returned, one by one."""
    rule = node.rule
    joint = partial(each_row, rule.joint) if by_row else rule.joint
    try:
        ds = joint(g, *saved)
    except ArithmeticError:
        with np.errstate(all="ignore"):
            ds = joint(g, *saved)
        ds = [None if d is None else carefully(rule, _given, g, (d, joint, saved, i)) for i, d in enumerate(ds)]
    if len(ds) != len(node.parents):
        raise RuleError(
            f"the derivative of {rule.name} returned {len(ds)} gradients for {len(node.parents)} inputs: return one "
            "for each, None where there is none"
        )
    return [
        (parent if d is not None else None, _given, (d, joint, saved, i))
        for i, (parent, d) in enumerate(zip(node.parents, ds, strict=True))
    ]


def _given(g: Any, d: Any, joint: Any, saved: Any, i: int) -> Any:
    return d


def carefully(rule: Any, derivative: Callable[..., Any], g: Any, reads: Any) -> Any:
    """The derivative, with the convention that 0 * inf = 0 * nan = 0 for cotangents and slopes.

    A zero cotangent stays zero whatever it meets, and so does an infinite one that meets a slope of zero. nan that comes
    from anything else is the answer.
    """
    if type(reads) is not tuple:
        reads = (reads,)
    with np.errstate(all="ignore"):
        if type(g) is float:
            g, *reads = (np.float64(v) if isinstance(v, (int, float)) else v for v in (g, *reads))
        if derivative is _given:  # one of what a joint derivative returned
            _, joint, saved, i = reads
            return carefully(rule, lambda g, *saved: joint(g, *saved)[i], g, saved)
        d = derivative(g, *reads)
        return np.where(absorbed(rule, derivative, d, g, reads), 0, d)


def absorbed(rule: Any, derivative: Callable[..., Any], d: Any, g: Any, reads: tuple[Any, ...]) -> Any:
    """Where the derivative d is nan by a product with zero that counts as zero."""
    if rule.elementwise:  # the slope is the derivative at g = 1
        slope = derivative(np.ones_like(g), *reads)
        return (d != d) & ((g == 0) | ((slope == 0) & (g == g)))
    # The derivative is linear in g: where other values in the place of the infinite ones and of nan give exactly zero,
    # only zeros of g met them.
    return (d != d) & (derivative(g, *(_made_finite(value) for value in reads)) == 0)


def _made_finite(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_made_finite, value))
    if isinstance(getattr(value, "dtype", None), np.dtype) and value.dtype.kind in "fc":
        return np.where(np.isfinite(value), value, 0.7)
    return value


def has_nan(d: Any) -> bool:
    """Whether there is nan in it."""
    raw = getattr(d, "_raw", d)
    if isinstance(raw, (float, np.generic)):
        return bool(raw != raw)
    return not isinstance(raw, Parts) and bool(np.isnan(raw).any())


def accumulate(pending: Any, key: Any, d: Any) -> None:
    """`pending[key] += d`: in place where nobody else holds the array, else into a new one."""
    with np.errstate(invalid="ignore"):  # inf and -inf may meet, if the values ask for it
        # A subscript gives getrefcount exactly one reference beside the container's own, whatever the version of Python.
        if type(d) is type(pending[key]) is ndarray and getrefcount(pending[key]) == 2 and pending[key].base is None:
            pending[key] += d
        else:
            pending[key] = pending[key] + d


def fit(d: Any, parent: Node, node: Node, lead: tuple[int, ...] = ()) -> Any:
    """A derivative brought to the shape and dtype of the input it belongs to, behind the axes of `lead`.

    Axes along which the input was broadcast are summed; a real input takes the real part; the dtype is the input's.
    """
    if isinstance(d, Parts):
        return d
    shape, dtype = np.shape(d), getattr(d, "dtype", None)
    if shape != lead + parent.shape:
        d = _sum_to(d, lead + parent.shape, len(lead), node)
        dtype = d.dtype
    if parent.dtype is None and lead:
        return d.real if np.iscomplexobj(d) else d
    if parent.dtype is None:
        if dtype is None or isinstance(d, (np.generic, ndarray)):
            return float(d.real)
        return d.real if dtype.kind == "c" else d
    if dtype is None:
        return parent.dtype.type(d if parent.dtype.kind == "c" else d.real)
    if dtype == parent.dtype:
        return d
    if dtype.kind == "c" and parent.dtype.kind != "c":
        d = d.real
    return d.astype(parent.dtype)


def _sum_to(d: Any, target: tuple[int, ...], lead: int, node: Node) -> Any:
    """d summed to the target shape, in which the first `lead` axes are not the input's."""
    shape = np.shape(d)
    extra = len(shape) - len(target)
    wide = {"dtype": np.float32} if d.dtype.char == "e" else {}  # float16 stops counting at 2048
    if lead and extra > 0:  # the axes that broadcasting has added stand behind the leading ones
        d, shape = d.sum(axis=tuple(range(lead, lead + extra)), **wide), shape[:lead] + shape[lead + extra :]
        extra = 0
    axes = tuple(range(extra)) + tuple(
        extra + i for i, length in enumerate(target) if length == 1 and shape[extra + i : extra + i + 1] != (1,)
    )
    kept = tuple(length for axis, length in enumerate(shape) if axis not in axes)
    if extra < 0 or kept != tuple(n for i, n in enumerate(target) if extra + i not in axes):
        raise RuleError(
            f"the derivative of {node.rule.name} has shape {shape[lead:]} for an input of shape {target[lead:]}: it must have "
            "the input's shape, or one that the input broadcasts to"
        )
    with np.errstate(all="ignore"):  # inf and -inf may meet, if the values ask for it
        return d.sum(axis=axes, **wide).reshape(target)


def _finite(value: Any) -> bool:
    if isinstance(value, Parts):
        value = value.parts
    if isinstance(value, tuple):
        return all(part is None or _finite(part) for part in value)
    return bool(np.isfinite(getattr(value, "_raw", value)).all())


def _refuse_anomaly(node: Node, parent: Node, g: Any, d: Any) -> None:
    if _finite(g) and not _finite(d):
        raise AnomalyError(
            f"the backward pass of {node.rule.name} turned a finite gradient into nan or inf: {kind_of(g)} "
            f"({range_of(g)}) became {kind_of(d)} ({range_of(d)}) for its input {parent!r}. "
            f"The op ran at {source_line(getattr(node, 'source', None))}"
        )


# --- the forward sweep -----------------------------------------------------------------------------------------------------


def push_forward(nodes: list[Node], tangents: dict[Node, Any], rewrap: Rewrap) -> None:
    """Forward mode over a graph that exists: fills in the tangent of every node that depends on one that has a tangent.

    `nodes` come earliest first, as `ancestors` gives them. A node that depends on none gets no entry.
    """
    invalid = "raise" if modes.recorder is None else "ignore"  # as in the backward sweep
    with np.errstate(invalid=invalid, divide="ignore", over="ignore", under="ignore"):  # type: ignore[arg-type]
        for node in nodes:
            if node in tangents:
                continue
            given = [tangents.get(parent) for parent in node.parents]  # type: ignore[arg-type] # None is nobody's key
            for t in given:
                if t is not None:
                    refuse_released(node)
                    tangents[node] = node.rule.push(node, given, rewrap(node))
                    break
