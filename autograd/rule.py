"""What an op is: a forward on raw arrays, and a derivative in the same NumPy, declared in one place.

`@rule` makes a `Rule` of the two and returns the function that people call. From the names of a derivative's parameters it
knows what must be kept between forward and backward; from the kind of the rule, how forward mode follows. Stands on Tensor
and the graph; knows no particular op.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np

from .errors import AnomalyError, AutogradError, DtypeError, IndexingError, NoRuleError, RuleError, ShapeError
from .explain import PACKAGE, broadcast_clash, kind_of, range_of, source_line, user_source
from .graph import (
    Node,
    Parts,
    backpropagate,
    carefully,
    enable_grad,
    fit,
    gate,
    has_nan,
    mode,
    modes,
    ndarray,
    next_sequence,
    node_of,
    unchanged,
)
from .tensor import (
    NUMBERS,
    Tensor,
    bare,
    cast_like,
    constant,
    implementations,
    is_array,
    is_inexact,
    is_mutable,
    kept,
    linked_reads,
    share,
    with_node,
)


class Domain(NamedTuple):
    """The open interval on which an elementwise function is defined and smooth: where samples are drawn."""

    low: float
    high: float


reals = Domain(-math.inf, math.inf)
positives = Domain(0.0, math.inf)
unit = Domain(-1.0, 1.0)

KINDS = {
    "elementwise": "each element of the output depends on one element of each input, after broadcasting",
    "linear": "linear in its only input: forward mode is the op itself",
    "multilinear": "linear in each input that has a derivative, while the others are held",
    "general": "anything else: forward mode comes from differentiating the derivative, which is linear in g",
}

registry: dict[str, "Rule"] = {}

_NOTHING: dict[str, Any] = {}
_NO_READS = ((), ())
_new = object.__new__


class Sample(NamedTuple):
    """Inputs to try a rule on: a tuple of integers stands for an array of that shape, other things for themselves."""

    inputs: tuple[Any, ...]
    attributes: dict[str, Any]


GENERATOR = "generator"  # in a sample: the place of a generator of random numbers


def sample(*inputs: Any, **attributes: Any) -> Sample:
    """`sample((2, 3), (3,), axis=0)`: a matrix and a vector, with the attribute axis=0."""
    return Sample(inputs, attributes)


@cache
def _tuple_of(values: str) -> Callable[..., tuple[Any, ...]]:
    """The function that collects them. `values` is made of the names in `Rule._pick` and nothing that came from outside."""
    picker: Callable[..., tuple[Any, ...]] = eval(f"lambda inputs, y, attributes, index=0: ({values})", {"shape": np.shape})
    return picker


def code_of(function: Any, name: str) -> Any:
    """The code of a Python function, whose parameters say what it reads."""
    code = getattr(function, "__code__", None)
    if code is None:
        raise RuleError(
            f"rule {name}: forward and derivatives are Python functions, and {function!r} has no parameters to read"
        )
    return code


def fixed(value: Any) -> Any:
    """An attribute as it was at the call: lists and arrays become tuples, which nobody can change afterwards."""
    if isinstance(value, ndarray):
        value = value.tolist()
    if isinstance(value, Tensor):
        raise DtypeError("an attribute is a plain value, and a Tensor would lose its gradient there: pass t.item()")
    return tuple(map(fixed, value)) if isinstance(value, list) else value


class Endless:
    """A tuple whose last entry goes on for ever: what is known of the inputs of a rule that takes any number of them."""

    def __init__(self, items: tuple[Any, ...]) -> None:
        self._items = items

    def __getitem__(self, i: int) -> Any:
        return self._items[min(i, len(self._items) - 1)]

    def __iter__(self) -> Iterator[Any]:
        return chain(self._items[:-1], repeat(self._items[-1]))


class Rule:
    """One op. `derivatives` and `reads` go with the inputs, None where there is no derivative; `joint` is one derivative for
    all inputs, which returns a tuple. `rest` names the last input of a rule that takes any number of them."""

    def __init__(self, forward: Callable[..., Any], derivatives: dict[str, Any], joint: Any, facts: dict[str, Any]) -> None:
        code = code_of(forward, getattr(forward, "__name__", "a rule"))
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + 1]
        self.name: str = forward.__name__
        self.key = self.name  # in the registry
        self.doc = forward.__doc__ or ""
        self.forward = forward
        self.rest: str | None = names[-1] if code.co_flags & 0x04 else None
        self.inputs: tuple[str, ...] = names[: code.co_argcount] + ((self.rest,) if self.rest else ())
        self.attributes: tuple[str, ...] = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        self.defaults: dict[str, Any] = forward.__kwdefaults__ or {}
        self.kind: str = facts["kind"]
        self.elementwise = self.kind == "elementwise"
        self.scalar: Callable[..., Any] | None = facts["scalar"]
        self.c: str | None = facts["c"]
        self.domain: Domain | dict[str, Domain] = facts["domain"]
        self.samples: Sequence[Sample] = facts["samples"]
        self.numpy: tuple[Any, ...] = facts["numpy"]
        self.view: bool = facts["view"]
        self.drops: bool = facts["drops"]
        self.hint: Callable[..., str] | None = facts["hint"]
        self.creates: bool = facts["creates"]
        self.host: bool = facts["host"]
        self.partial: bool = facts["partial"]
        self._check(derivatives)
        self._places = self._find_places()
        each = Endless if self.rest else tuple
        functions = [derivatives.get(name) for name in self.inputs]
        reads = [self._reads(d) for d in functions]
        self.derivatives: Any = each(tuple(functions))
        self.reads: Any = each(tuple(reads))
        self.picks: Any = each(tuple(self._pick(names) for names in reads))
        self.joint: Callable[..., Any] | None = joint
        self.joint_reads = self._reads(joint)
        self.pick_joint = self._pick(self.joint_reads)
        self.differentiable = joint is not None or bool(derivatives)
        self.leading: bool = (
            facts["leading"] or self.elementwise or (bool(derivatives) and {*derivatives.values()} == {unchanged})
        )
        self.simple = self.elementwise and joint is None and not self.drops  # nothing for the sweep to look after
        # Where each derivative reads one value, nodes save it bare: a tuple less to make, and a faster call. (Not a shape or
        # an attribute: those may be tuples themselves, and could not be told from a tuple of reads.)
        values = {"y", *self.inputs} if not self.rest else set()
        pairs = zip(functions, reads, strict=True)
        self.single = self.simple and all(
            d is unchanged or names is None or (len(names) == 1 and names[0] in values) for d, names in pairs
        )
        # For each input: the inputs whose derivatives read it. What nobody reads is not kept.
        self.readers = tuple(
            tuple(j for j, names in enumerate(reads) if names and name in names)
            or (tuple(range(len(self.inputs))) if name in (self.joint_reads or ()) else ())
            for name in self.inputs
        )
        self.reads_inputs = any(self.readers)
        self.op: Callable[..., Any] = self._callable()

    def __repr__(self) -> str:
        return f"<rule {self.name}({', '.join(self.inputs + self.attributes)}), {self.kind}>"

    # --- what a derivative reads -------------------------------------------------------------------------------------------

    def _check(self, derivatives: dict[str, Any]) -> None:
        if self.kind not in KINDS:
            raise RuleError(f"rule {self.name}: kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        for name in derivatives:
            if name not in self.inputs:
                raise RuleError(
                    f"rule {self.name}: a derivative for {name!r}, which is not an input ({', '.join(self.inputs)})"
                )
        if "y" in self.inputs + self.attributes or "g" in self.inputs + self.attributes:
            raise RuleError(f"rule {self.name}: g and y mean the cotangent and the output; call the input something else")
        if self.kind == "linear" and len(self.inputs) != 1:
            raise RuleError(f"rule {self.name}: a linear rule has one input; take kind 'multilinear' or 'general'")
        if self.kind == "multilinear":
            for name, derivative in derivatives.items():
                others = set(self.inputs) - {name}
                if not others.issubset(code_of(derivative, self.name).co_varnames):
                    raise RuleError(
                        f"rule {self.name}: the derivative for {name!r} of a multilinear rule reads the other inputs"
                    )

    def _reads(self, derivative: Any) -> tuple[str, ...] | None:
        """The names that a derivative reads, after g."""
        if derivative is None:
            return None
        code = code_of(derivative, self.name)
        names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        if not names or names[0] != "g" or not self._places.keys() >= set(names[1:]):
            raise RuleError(
                f"rule {self.name}: a derivative takes g and then any of {', '.join(sorted(self._places))}; this one takes "
                f"({', '.join(names)})"
            )
        return names[1:]

    def _find_places(self) -> dict[str, str]:
        """What a derivative may read -> where `_pick` finds it."""
        places = {"y": "y", "y_shape": "shape(y)"}
        for i, name in enumerate(self.inputs):
            places[name], places[f"{name}_shape"] = f"inputs[{i}]", f"shape(inputs[{i}])"
        if self.rest:
            whole = f"inputs[{len(self.inputs) - 1}:]"
            places |= {self.rest: f"tuple({whole})", f"{self.rest}_shape": f"tuple(map(shape, {whole}))", "index": "index"}
        for name in self.attributes:
            places[name] = f"attributes[{name!r}]"
        return places

    def _pick(self, reads: tuple[str, ...] | None) -> Any:
        """A function (inputs, y, attributes, index of the input) -> the tuple of values that a derivative reads."""
        if reads is None:
            return None
        return _tuple_of("".join(self._places[name] + "," for name in reads))

    @staticmethod
    def output_node(node: Node, i: int, raw: Any) -> Node:
        """A node for one of the outputs of a node that has several."""
        count = len(node.shape)
        return node_of(OUTPUT, (node,), ((i, count),), {"index": i, "count": count}, raw)

    @staticmethod
    def bare(saved: tuple[Any, ...]) -> tuple[Any, ...]:
        """Without the tuples around single values."""
        return tuple(reads[0] if reads else reads for reads in saved)

    # --- calling -----------------------------------------------------------------------------------------------------------

    def _callable(self) -> Callable[..., Any]:
        """The function that people call: a short path for one or two plain inputs, else the general one."""
        short = {1: unary, 2: binary}.get(len(self.inputs))
        plain = self.joint is None and not (self.attributes or self.rest or self.view)
        complete = not self.differentiable or (plain and None not in self.derivatives)
        if short and plain and complete and self.kind in ("elementwise", "multilinear"):
            op = short(self)
        else:
            op = self._general()
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(op, name, getattr(self.forward, name))
        op.__wrapped__ = self.forward  # type: ignore[attr-defined]
        op.rule = self  # type: ignore[attr-defined]
        return op

    def _general(self) -> Callable[..., Any]:
        count, order, defaults, forward = len(self.inputs), self.attributes, self.defaults, self.forward
        alone = self.joint is None and not self.creates and self.inputs[1:] in ((), (self.rest,))
        alone = alone and (self.derivatives[0] is not None or not self.differentiable)

        def op(*args: Any, **given: Any) -> Any:
            if self.rest is None and len(args) > count:  # attributes by position, in the order of their declaration
                if twice := given.keys() & set(order[: len(args) - count]):
                    raise TypeError(f"{self.name}() got {', '.join(sorted(twice))} twice, by place and by name")
                given.update(zip(order, args[count:], strict=False))
                if len(args) > count + len(order):
                    raise TypeError(f"{self.name}() takes {count + len(order)} arguments, got {len(args)}")
                args = args[:count]
            attributes = {**defaults, **{name: fixed(value) for name, value in given.items()}} if given else defaults
            if (len(args) < count and self.rest is None) or len(attributes) != len(order):
                args = self._bind(args, attributes)
            if alone and len(args) == 1 and not gate.shut:
                x = args[0]
                if type(x) is Tensor and type(x._raw) is ndarray and (x.sharing is None or not x.sharing.exposed):
                    try:
                        y = forward(x._raw, **attributes)
                    except Exception:  # noqa: BLE001 - apply() meets it again, and finds the words
                        y = None
                    if type(y) is ndarray or isinstance(y, np.generic):
                        return _made_of_one(self, x, y, attributes)
            return apply(self, args, attributes)

        return op

    def _bind(self, args: tuple[Any, ...], attributes: dict[str, Any]) -> tuple[Any, ...]:
        """Inputs given by name; an error for what is missing or unknown."""
        bound = args + tuple(attributes.pop(name) for name in self.inputs[len(args) :] if name in attributes)
        missing = [*self.inputs[len(bound) :], *(name for name in self.attributes if name not in attributes)]
        unknown = [name for name in attributes if name not in self.attributes]
        if unknown or (missing and self.rest is None):
            words = [f"does not know {name}=" for name in unknown] + [f"needs {name}" for name in missing]
            raise TypeError(f"{self.name}() {', '.join(words)}; it takes ({', '.join(self.inputs + self.attributes)})")
        return bound

    # --- forward mode ------------------------------------------------------------------------------------------------------

    def push(self, node: Node, tangents: list[Any], saved: Any) -> Any:
        """The tangent of the output of a node, from those of its inputs (None where an input does not move)."""
        if not self.elementwise or self.joint is not None:
            try:
                return self._push_whole(node, tangents, saved)
            except ArithmeticError:  # nan that comes from the values, not from a zero that meets an infinity
                with np.errstate(all="ignore"):
                    return self._push_whole(node, tangents, saved)
        total, shape, dtype = None, node.shape, node.dtype
        for t, derivative, reads in zip(tangents, self.derivatives, saved):  # noqa: B905 - an Endless one is longer
            if t is None:
                continue
            if derivative is not unchanged:
                t = self._along(derivative, t, reads)
            plain = type(t) is float if dtype is None else type(t) is ndarray and t.dtype is dtype and t.shape == shape
            if not plain:
                t = _spread_out(t, node)
            total = t if total is None else total + t
        return total

    def _push_whole(self, node: Node, tangents: list[Any], saved: Any) -> Any:
        """The same for the kinds whose tangent is not a slope times a tangent."""
        if self.kind == "linear":
            return self._on_tangents(node, tangents)
        if self.kind != "multilinear" or self.joint is not None:
            return _transpose(node, tangents, saved)
        total = None
        for i, t in enumerate(tangents):
            if t is None:
                continue
            held = dict(zip(self.reads[i] or (), saved[i], strict=True))
            inputs = [t if j == i else held[name] for j, name in enumerate(self.inputs)]
            if self.rest is not None:
                inputs[-1:] = inputs[-1]
            t = self._on_tangents(node, inputs)
            total = t if total is None else total + t
        return total

    def _on_tangents(self, node: Node, inputs: list[Any]) -> Any:
        """The op itself; where everything is a bare array, without the way through `apply`."""
        if modes.recorder is None and all(type(x) is ndarray for x in inputs):
            return self.forward(*inputs, **node.attributes)[()]
        return self.op(*inputs, **node.attributes)

    def _along(self, derivative: Any, t: Any, reads: Any) -> Any:
        """The derivative of an elementwise rule along a tangent of an input: slope times tangent, as in the other mode."""
        try:
            result = derivative(t, *reads)
        except ArithmeticError:
            return carefully(self, derivative, t, reads)
        if type(result) is ndarray and modes.recorder is None:
            return result
        if modes.recorder is not None or has_nan(result):  # a float raises no flag
            return carefully(self, derivative, t, reads)
        return result


def rule(
    *,
    kind: str = "general",
    numpy: Any = (),
    scalar: Callable[..., Any] | None = None,
    c: str | None = None,
    domain: Any = reals,
    samples: Sequence[Sample] = (),
    vjp: Callable[..., Any] | None = None,
    view: bool = False,
    drops: bool = False,
    hint: Callable[..., str] | None = None,
    creates: bool = False,
    host: bool = False,
    leading: bool = False,
    partial: bool = False,
    **derivatives: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes an op of a function on raw arrays.

    Positional parameters of the function are its inputs, keyword-only ones its attributes. For each input that has a
    derivative, a function of `g` (the cotangent of the output) and of what it reads: `y` (the output), inputs, attributes,
    or a shape as `x_shape` or `y_shape`, which keeps nothing alive. It returns the cotangent of the input; the engine sums
    it to the input's shape after broadcasting. Where the function takes any number of inputs (`*arrays`), the derivative is
    called for each of them and reads which one it is as `index`.

    >>> import numpy as np
    >>> from autograd import Tensor, rule
    >>> @rule(x=lambda g, x: 3 * g * x**2)
    ... def cube(x):
    ...     return x**3
    >>> x = Tensor(2.0)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12.0)

    - `kind`: one of `KINDS`; a wrong one makes forward mode wrong, `general` never does
    - `vjp`: instead of one derivative per input: one for all, which returns a tuple with an entry per input
    - `numpy`: the NumPy functions that mean this op when they meet a Tensor; one of scipy.special by its full name, as text
    - `scalar`: the same function for Python floats, from `math`
    - `c`: the same for a C compiler, `{x}` standing for the input x
    - `domain`: where an elementwise function is defined and smooth, for all inputs or by name
    - `samples`: inputs to test the rule on, where the domain does not say it all
    - `view`: the output may look at the memory of the input
    - `drops`: elements of the input may not reach the output, however they look (nan included)
    - `hint`: a function of the raw inputs and attributes that explains a clash of shapes
    - `creates`: the result is a Tensor even where no input is one, and no input can have a gradient: a random draw
    - `leading`: the derivatives also take a cotangent with one more axis in front, of many at once, and return such a one; a
      rule that reads axes from the end or asks for `y_shape` can (known of elementwise rules without saying so)
    - `partial`: of several outputs, those that nobody used have None in g, not zeros
    - `host`: the forward runs on NumPy arrays only (it calls SciPy, say), not on those of a GPU
    """
    numpy = numpy if isinstance(numpy, tuple) else (numpy,)
    facts = {
        "kind": kind,
        "scalar": scalar,
        "c": c,
        "domain": domain,
        "samples": samples,
        "numpy": numpy,
        "view": view,
        "drops": drops,
        "hint": hint,
        "creates": creates,
        "host": host,
        "leading": leading,
        "partial": partial,
    }

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        made = Rule(forward, derivatives, vjp, facts)
        ours = forward.__code__.co_filename.startswith(PACKAGE)
        made.key = made.name if ours else f"{forward.__module__}.{made.name}"
        if ours and made.key in registry:
            raise RuleError(f"two rules are called {made.name}: a Program could not tell them apart")
        registry[made.key] = made
        implementations.update(dict.fromkeys(numpy, made.op))
        return made.op

    return decorate


def zero(g: Any) -> Any:
    """The derivative of a function that is constant between its jumps."""
    return np.zeros_like(g)


def from_end(axis: Any, ndim: int) -> Any:
    """An axis, or several, counted from the end: for a derivative that does not mind more axes in front."""
    return tuple(a % ndim - ndim for a in axis) if isinstance(axis, tuple) else axis % ndim - ndim


# --- running an op ---------------------------------------------------------------------------------------------------------


# The two short paths are as fast as we could make them, at the price of length: no call that could be written out, no
# tuple that could be shared. `benchmarks/` holds them to half of PyTorch's time and to micrograd's.


def unary(rule: Rule) -> Callable[..., Any]:
    """The short path for an op of one input without attributes."""
    forward, scalar, pick, reads = rule.forward, rule.scalar, rule.picks[0], rule.reads[0]
    reads_input, reads_output = rule.single and reads == rule.inputs, rule.single and reads == ("y",)

    def op(x: Any, /) -> Any:
        if type(x) is not Tensor or gate.shut or (x.sharing is not None and x.sharing.exposed):
            return apply(rule, (x,), _NOTHING)
        raw = x._raw
        try:
            y = scalar(raw) if type(raw) is float else forward(raw)  # type: ignore[misc]
        except Exception:  # noqa: BLE001 - apply() meets it again, and finds the words or the way around
            return apply(rule, (x,), _NOTHING)
        out = _new(Tensor)
        out._raw = y
        out.sharing = None
        parent = x.node
        if parent is None or pick is None or (gate.muted and not modes.gradients):
            out.node = None
            return out
        out.node = node = Node()
        node.rule = rule
        node.parents = (parent,)
        node.saved = (raw,) if reads_input else (y,) if reads_output else (pick((raw,), y, _NOTHING),)
        node.attributes = _NOTHING
        node.sequence = next_sequence()
        node.grad = node.hooks = None
        if type(y) is float:
            node.shape = ()
            node.dtype = None
            node.value = y
        else:
            node.shape = y.shape
            node.dtype = y.dtype
            node.value = None
        return out

    return op


def binary(rule: Rule, otherwise: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The short path for an op of two inputs without attributes: two Tensors, or one and a Python number.

    `otherwise` takes what the short path does not: `apply` by default, `apply_operator` for an operator.
    """
    forward, scalar, differentiable = rule.forward, rule.scalar, rule.differentiable
    pick_x, pick_w = rule.picks
    single = rule.single
    nothing_read = rule.reads[0] == rule.reads[1] == ()
    others_read = single and rule.reads[0] == rule.inputs[1:] and rule.reads[1] == rule.inputs[:1]
    otherwise = otherwise or apply

    def op(x: Any, w: Any, /) -> Any:
        if gate.shut:
            return otherwise(rule, (x, w), _NOTHING)
        p = q = None
        if type(x) is Tensor and (x.sharing is None or not x.sharing.exposed):
            a = x._raw
            p = x.node
            if type(w) is Tensor and (w.sharing is None or not w.sharing.exposed):
                b = w._raw
                q = w.node
            elif type(w) is float or type(w) is int:
                b = float(w) if type(a) is float else w
                q = None
            else:
                return otherwise(rule, (x, w), _NOTHING)
        elif type(w) is Tensor and (type(x) is float or type(x) is int) and (w.sharing is None or not w.sharing.exposed):
            b = w._raw
            q = w.node
            a = float(x) if type(b) is float else x
            p = None
        else:
            return otherwise(rule, (x, w), _NOTHING)
        try:
            if type(a) is float and type(b) is float:
                y = scalar(a, b)  # type: ignore[misc]
            elif type(a) is ndarray or type(b) is ndarray:
                y = forward(a, b)
            else:
                return otherwise(rule, (x, w), _NOTHING)
        except Exception:  # noqa: BLE001 - apply() meets it again, and finds the words or the way around
            return otherwise(rule, (x, w), _NOTHING)
        out = _new(Tensor)
        out._raw = y
        out.sharing = None
        if (p is None and q is None) or not differentiable or (gate.muted and not modes.gradients):
            out.node = None
            return out
        if nothing_read:
            saved: Any = _NO_READS
        elif others_read:
            saved = (None if p is None else b, None if q is None else a)
        else:
            raws = (a, b)
            saved = (
                None if p is None else pick_x(raws, y, _NOTHING),
                None if q is None else pick_w(raws, y, _NOTHING),
            )
            if single:
                saved = rule.bare(saved)
        out.node = node = Node()
        node.rule = rule
        node.parents = (p, q)
        node.saved = saved
        node.attributes = _NOTHING
        node.sequence = next_sequence()
        node.grad = node.hooks = None
        if type(y) is float:
            node.shape = ()
            node.dtype = None
            node.value = y
        else:
            node.shape = y.shape
            node.dtype = y.dtype
            node.value = None
        return out

    return op


def apply(rule: Rule, inputs: Any, attributes: dict[str, Any]) -> Any:
    """Runs an op on whatever is given. Plain values give plain values; with a Tensor among them, the result is a Tensor."""
    raws = []
    parents: list[Node | None] = []
    tensors = rule.creates
    for value in inputs:
        if type(value) is Tensor or isinstance(value, Tensor):  # the first is the faster, and nearly always true
            tensors = True
            raws.append(value._raw)
            parents.append(value.node)
        else:
            raws.append(value if type(value) is ndarray and value.dtype.kind in "biufc" else plain(rule, value))
            parents.append(None)
    watcher = modes.watcher if tensors else None
    y = run(rule, raws, attributes) if watcher is None else watcher.run(rule, inputs, raws, attributes)
    if not tensors:
        return y
    if modes.anomaly:
        _refuse_anomaly(rule, raws, y)
    node = None
    if (
        parents.count(None) < len(parents)
        and modes.gradients
        and (rule.creates or (rule.differentiable and (type(y) is tuple or is_inexact(y))))
    ):
        _refuse_missing(rule, parents)
        saved = _save(rule, inputs, raws, parents, attributes, y)
        node = (_node_of_many if type(y) is tuple else node_of)(rule, tuple(parents), saved, attributes, y)
        if modes.anomaly or modes.recorder is not None:
            node.source = user_source()
    out = with_node(y, node) if type(y) is not tuple else tuple(_output(node, i, part) for i, part in enumerate(y))
    if modes.recorder is not None:
        modes.recorder.note(rule, inputs, attributes, out)
        if node is not None:
            node.saved = _save(rule, inputs, inputs, parents, attributes, _twins(out))
    if rule.view:
        for part in out if isinstance(out, tuple) else (out,):
            _note_view(inputs[0], part)
    if watcher is not None:
        watcher.ran(rule, inputs, attributes, out, node)
    return out


def _made_of_one(rule: Rule, x: Tensor, y: Any, attributes: dict[str, Any]) -> Tensor:
    """The end of `apply` for the usual case: one array, whose memory nobody else can write to, and one result."""
    if type(y) is ndarray and not y.shape:
        y = y[()]
    out = _new(Tensor)
    out._raw = y
    out.node = out.sharing = None
    parent = x.node
    if parent is not None and rule.differentiable and y.dtype.kind in "fc" and not (gate.muted and not modes.gradients):
        whole = y if rule.elementwise or type(y) is ndarray else np.asarray(y)
        reads = rule.picks[0]((x._raw,), whole, attributes, 0)
        out.node = node_of(rule, (parent,), (reads[0],) if rule.single and reads else (reads,), attributes, y)
    if rule.view:
        _note_view(x, out)
    return out


def apply_operator(rule: Rule, inputs: Any, attributes: dict[str, Any]) -> Any:
    """The same for an operator: an operand that no op can use is left to the other side, and to Python's own error."""
    for value in inputs:
        if type(value) is not Tensor and type(value) not in NUMBERS and not isinstance(value, Tensor):
            try:
                bare(value)
            except DtypeError:
                if isinstance(value, ndarray):  # a masked array, say, whose own operator would drop the gradient
                    raise
                return NotImplemented
    return apply(rule, inputs, attributes)


def plain(rule: Rule, value: Any) -> Any:
    """A constant input as a raw value. (A generator of random numbers goes in as it is.)"""
    if type(value) in NUMBERS or type(value) is complex or hasattr(value, "standard_normal"):
        return value
    try:
        return bare(value)
    except AutogradError as error:
        raise type(error)(f"{rule.name}: {error}") from None


def run(rule: Rule, raws: list[Any], attributes: dict[str, Any]) -> Any:
    """The forward on raw values. Python numbers in, Python number out: a result is as weak as what it was made of."""
    weak = 0
    for raw in raws:
        weak += type(raw) in NUMBERS
    numbers = weak > 0 and weak == len(raws)
    if numbers and rule.scalar is not None and any(type(raw) is float for raw in raws):
        try:
            y = rule.scalar(*map(float, raws))
        except (ArithmeticError, ValueError):  # where Python raises and IEEE arithmetic goes on: 1/0, log(0), exp(1000)
            pass
        else:
            if type(y) is float:
                return y
    if weak and (numbers or not rule.elementwise):
        raws = [np.asarray(raw)[()] if type(raw) in NUMBERS else raw for raw in raws]
    try:
        if modes.anomaly:  # which says more than NumPy's warning
            with np.errstate(all="ignore"):
                y = rule.forward(*raws, **attributes)
        else:
            y = rule.forward(*raws, **attributes)
    except AutogradError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        raise _explained(rule, raws, attributes, error) from error
    if type(y) is complex:
        y = np.complex128(y)
    if type(y) is ndarray and y.ndim == 0:
        y = y[()]
    if numbers and isinstance(y, np.generic) and attributes.get("dtype") is None:
        return y.item()
    return y


def _explained(rule: Rule, raws: list[Any], attributes: dict[str, Any], error: Exception) -> AutogradError:
    """NumPy's complaint, with the op, what came and what to do about it."""
    given = [kind_of(raw) for raw in raws] + [f"{name}={value!r}" for name, value in attributes.items() if value is not None]
    words = f"{rule.name}({', '.join(given)}): {error}"
    hint = rule.hint(raws, attributes) if rule.hint else ""
    if rule.host and any(is_array(raw) and not isinstance(raw, (ndarray, np.generic)) for raw in raws):
        hint = f"{rule.name} computes on NumPy arrays only: bring the others here first, with cupy.asnumpy(x) say"
    if not hint and rule.kind == "elementwise":
        hint = broadcast_clash([np.shape(raw) for raw in raws])
    kind = IndexingError if isinstance(error, IndexError) else DtypeError if isinstance(error, TypeError) else ShapeError
    return kind(f"{words}. {hint}" if hint else words)


def _refuse_anomaly(rule: Rule, raws: list[Any], y: Any) -> None:
    ys = y if type(y) is tuple else (y,)
    if all(_finite(raw) for raw in raws) and not all(_finite(part) for part in ys):
        given = ", ".join(f"{kind_of(raw)} ({range_of(raw)})" for raw in raws)
        became = ", ".join(f"{kind_of(part)} ({range_of(part)})" for part in ys)
        raise AnomalyError(
            f"{rule.name} turned finite inputs into nan or inf: {given} became {became}, at {source_line(user_source())}"
        )


def _finite(raw: Any) -> bool:
    return not (isinstance(raw, (float, complex)) or is_array(raw)) or bool(np.isfinite(raw).all())


def _refuse_missing(rule: Rule, parents: list[Node | None]) -> None:
    if rule.joint is None:
        for i, parent in enumerate(parents):
            if parent is not None and rule.derivatives[i] is None:
                raise NoRuleError(
                    f"{rule.name} has no derivative with respect to {rule.inputs[min(i, len(rule.inputs) - 1)]!r}, which "
                    "requires a gradient. Pass it detached if its gradient is not wanted"
                    + (". A random draw has one only where it is reparameterised, as normal and uniform are" * rule.creates)
                )


def _save(rule: Rule, inputs: Any, raws: Any, parents: list[Node | None], attributes: dict[str, Any], y: Any) -> Any:
    """What the wanted derivatives read, safe from later writes: a foreign array that is read is copied."""
    rest = len(rule.inputs) - 1
    held = raws
    if rule.reads_inputs:
        held = list(raws)
        for i, raw in enumerate(raws):
            held[i] = _hold(rule, inputs[i], raw, rule.readers[min(i, rest)], parents)
    if not rule.elementwise and (type(y) in NUMBERS or isinstance(y, np.generic)):
        y = np.asarray(y)
    if rule.joint is not None:
        return rule.pick_joint(held, y, attributes)
    if len(parents) == 1:
        saved: tuple[Any, ...] = (rule.picks[0](held, y, attributes),)
    else:
        saved = tuple(
            None if parent is None else rule.picks[i](held, y, attributes, i - rest) for i, parent in enumerate(parents)
        )
    return rule.bare(saved) if rule.single else saved


def _hold(rule: Rule, given: Any, raw: Any, readers: tuple[int, ...], parents: list[Node | None]) -> Any:
    """The raw value of an input as a node may keep it, if a wanted derivative reads it."""
    if type(raw) in NUMBERS:
        return raw if rule.elementwise else np.asarray(raw)
    if not readers or not is_mutable(raw):
        return raw
    if rule.joint is None and all(parents[j] is None for j in readers):
        return raw
    if isinstance(given, Tensor):
        return given if raw is given else kept(given)
    if type(raw) is ndarray and not raw.flags.writeable and raw.base is None:
        return raw
    return raw.copy()


def _note_view(source: Any, view: Tensor) -> None:
    if isinstance(source, Tensor) and is_mutable(source._raw):
        raw, base = source._raw, getattr(view._raw, "base", None)
        if view._raw is raw or (base is not None and (base is raw or base is getattr(raw, "base", None))):
            share(source, view)


# --- ops with several outputs ----------------------------------------------------------------------------------------------


def _node_of_many(rule: Rule, parents: Any, saved: Any, attributes: dict[str, Any], ys: tuple[Any, ...]) -> Node:
    """The node of an op with several outputs. Each output has a node of its own, by the rule `output`, with this as parent."""
    node = node_of(rule, parents, saved, attributes, ys[0])
    node.shape = tuple(np.shape(y) for y in ys)
    dtypes = node.dtype = tuple(None if type(y) is float else y.dtype for y in ys)
    shapes = node.shape

    def fill(g: Parts) -> tuple[Any, ...]:
        if rule.partial:
            return g.parts
        like = next(part for part in g.parts if part is not None)
        return tuple(
            np.zeros(shape, dtype, like=like) if part is None else part
            for part, shape, dtype in zip(g.parts, shapes, dtypes, strict=True)
        )

    node.hooks = [fill]
    return node


def _output(node: Node | None, i: int, raw: Any) -> Tensor:
    if node is None:
        return constant(raw)
    return with_node(raw, node.rule.output_node(node, i, raw))


def _twins(out: Any) -> Any:
    """Recorded results without their nodes: what a node may save of its own output without holding itself alive."""
    if type(out) is tuple:
        return tuple(map(_twins, out))
    twin = constant(out._raw)
    twin._variable = out._variable
    return twin


@rule(leading=True, x=lambda g, index, count: Parts(tuple(g if i == index else None for i in range(count))))
def output(x: Any, *, index: int, count: int) -> Any:
    """One of the outputs of an op that has several."""
    return x[index]


OUTPUT = output.rule  # type: ignore[attr-defined]


@rule(leading=True, vjp=lambda g: g.parts)
def together(*outputs: Any) -> Any:
    """Several outputs at one node, so that one sweep goes through what they share."""
    return outputs


def root_of(nodes: tuple[Node, ...], starts: tuple[Any, ...]) -> tuple[Node, Any]:
    """Where one sweep from these nodes starts, and with what: at least one node, and a cotangent for each."""
    if len(nodes) == 1:
        return nodes[0], starts[0]
    return node_of(together.rule, nodes, (), {}, 0.0), Parts(starts)  # type: ignore[attr-defined]


def _spread_out(t: Any, node: Node) -> Any:
    """A tangent in the shape and dtype of the node that it is one of."""
    if node.dtype is None:
        return t.real if np.iscomplexobj(t) else t
    if isinstance(t, (float, complex)):
        t = np.asarray(t)
    if t.dtype != node.dtype:
        t = (t.real if t.dtype.kind == "c" and node.dtype.kind == "f" else t).astype(node.dtype)
    return np.broadcast_to(t, node.shape) if t.shape != node.shape else t


# --- forward mode of a general rule ----------------------------------------------------------------------------------------


def _transpose(node: Node, tangents: list[Any], saved: Any) -> Any:
    """The derivative of a rule is linear in g, so its own derivative with respect to g, applied to the tangents, is the
    product of Jacobian and tangents."""
    rule: Rule = node.rule
    if rule is OUTPUT:
        return tangents[0][node.attributes["index"]]
    differentiable = modes.gradients
    many = isinstance(node.dtype, tuple)
    specs = zip(node.shape, node.dtype, strict=True) if many else [(node.shape, node.dtype)]
    like = _array_of(tangents)
    us = tuple(Tensor(0.0 if dtype is None else np.zeros(shape, dtype, like=like)) for shape, dtype in specs)
    for u in us:
        if u.node is not None:
            u.node.attributes = {"argument": True}  # of this transform: no graph from outside hangs on it
    totals: list[Any] = [constant(u._raw) for u in us]
    with np.errstate(all="ignore"):
        with enable_grad():
            ds = _derivatives(rule, us if many else us[0], tangents, saved)
            ds = [None if t is None else fit(d, p, node) for t, d, p in zip(tangents, ds, node.parents, strict=True)]  # type: ignore[arg-type]
        moving = [(t, d) for t, d in zip(tangents, ds, strict=True) if isinstance(d, Tensor) and d.node is not None]
        if moving:  # one sweep for all of them, for they share what is behind them
            starts = tuple(cast_like(t if isinstance(t, Tensor) else constant(t), d._raw) for t, d in moving)
            root, start = root_of(tuple(d.node for _, d in moving), starts)  # type: ignore[misc]
            with mode(gradients=differentiable):
                found = backpropagate(root, start, retain=True, rewrap=linked_reads)
                totals = [total + found.get(u.node, 0.0) for total, u in zip(totals, us, strict=True)]  # type: ignore[arg-type]
    results = tuple(totals)
    if not any(isinstance(t, Tensor) for t in tangents):
        results = tuple(result._raw for result in results)
    return results if many else results[0]


def _derivatives(rule: Rule, u: Any, tangents: list[Any], saved: Any) -> Any:
    """The derivatives of a rule at a Tensor u in the place of g, for the inputs that move."""
    if rule.joint is not None:
        return rule.joint(u, *saved)
    return [None if t is None else rule.derivatives[i](u, *saved[i]) for i, t in enumerate(tangents)]


def _array_of(tangents: list[Any]) -> Any:
    """A raw array of the kind that the tangents are made of, to create others like it."""
    raw = next((t._raw if isinstance(t, Tensor) else t for t in tangents if t is not None and not isinstance(t, tuple)), None)
    return raw if is_array(raw) and not isinstance(raw, np.generic) else np.zeros(())
