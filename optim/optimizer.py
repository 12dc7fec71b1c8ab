"""Optimizer: parameters in groups, changed at every `step()` by the rule of a subclass.

A rule is one body, `update`: a pure function of a parameter, its gradient, its state and the hyper-parameters, in NumPy. This
file runs it in three ways. Eagerly a large parameter is taken block by block, so that what the body makes in between stays in
the cache; small ones are laid side by side and taken at once; and while a step is recorded the same body runs on Tensors.
It tells wrong use. Knows no rule.
"""

import math
import operator
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np

from autograd import DtypeError, GradientError, RecordingError, ShapeError, Tensor, enable_grad, external, no_grad
from autograd.graph import Node, modes
from autograd.program import name_after
from autograd.rows import Rows, dense
from autograd.tensor import constant, is_alone

# Elements that are taken at once. As many as the cache holds of a parameter, its gradient and its state; and 256 KB of
# float32, from where on NumPy puts the result of a + b into the memory of a when that is a value in between.
BLOCK = 65536
SMALL = BLOCK // 8  # parameters below this are laid side by side

State = dict[str, Any]
Group = dict[str, Any]
Limit = tuple[str, Callable[[float], bool]]  # in words, and as a function

POSITIVE: Limit = ("finite and not negative", lambda x: math.isfinite(x) and x >= 0)
FRACTION: Limit = ("at least 0 and below 1", lambda x: 0 <= x < 1)
ANY: Limit = ("finite", math.isfinite)


class Hyper(Tensor):
    """A hyper-parameter that is not zero, in a recorded step: an input of the Program, though `if weight_decay:` is decided."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


class Optimizer:
    """The base of all: a subclass gives the defaults, the state that it keeps, and the rule.

    `params` is an iterable of parameters, of pairs (name, parameter), or of groups: dictionaries with "params", a "name" if
    you like, and the hyper-parameters that differ there.

    Several backward passes before a step add up their gradients. Where that is meant, set `accumulate` to their number, or to
    None for any; otherwise a step warns of it.
    """

    elementwise: ClassVar[bool] = True  # each element is changed by itself, so that a parameter may be cut in blocks
    takes_complex: ClassVar[bool] = False  # the rule is right for complex numbers as it stands
    limits: ClassVar[Mapping[str, Limit]] = {}  # of hyper-parameters that are not just finite and not negative
    counts: ClassVar[frozenset[str]] = frozenset()  # hyper-parameters that are whole numbers, and part of a Program
    numbers: ClassVar[frozenset[str]] = frozenset()  # state that is one number for all elements, which a file gives as an array

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        self.accumulate: int | None = 1
        self._names: dict[int, str] = {}
        self._told: set[int] = set()  # parameters of which it was said that they have no gradient
        self._passes: _Passes | None = None
        self._known: dict[int, list[Any]] = {}  # by group: hyper-parameters that were found right
        self._lanes: dict[int, tuple[Any, list[_Pack | _Alone]]] = {}  # by group: for which parameters, and how they are taken
        given = list(params)
        if not given:
            raise GradientError(f"{self._kind} got no parameters: model.parameters() is empty, or was used up before")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    # --- what a rule says --------------------------------------------------------------------------------------------------

    def start(self, p: Any, h: Any) -> State:
        """The state of a parameter before its first step: arrays, and Python floats where one number serves all elements."""
        return {}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        """The rule: the new parameter and the new state. `h.t` counts the steps, from 1."""
        raise NotImplementedError

    def leaves_alone(self, h: Any) -> bool:
        """Whether an element whose gradient is zero stays as it is, with its state: then rows of a table are enough."""
        return False

    # --- groups ------------------------------------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds parameters with hyper-parameters of their own; what is not given is as in the defaults."""
        unknown = group.keys() - self.defaults.keys() - {"params", "name"}
        if unknown:
            raise TypeError(f"{self._kind} has no {', '.join(sorted(unknown))}; it has {', '.join(self.defaults)}")
        if "name" in group and group["name"] in [known.get("name") for known in self.param_groups]:
            raise ValueError(f"{self._kind} has a group {group['name']!r} already")
        given = group["params"]
        names: dict[int, str] = {}
        params = [self._checked(item, names) for item in ([given] if isinstance(given, Tensor) else given)]
        hyper = {name: self._plain(name, group.get(name, default)) for name, default in self.defaults.items()}
        self.param_groups.append({**group, **hyper, "params": params})
        self._names.update(names)
        first = next((p for p in params if p.node is not None), None)
        if self._passes is None and first is not None:
            self._passes = _Passes(self, first.node)

    def group(self, name: str) -> Group:
        """The group of a name, whose hyper-parameters may be read and changed: `optimizer.group("decoder")["lr"] = 0.1`."""
        for group in self.param_groups:
            if group.get("name") == name:
                return group
        named = [group["name"] for group in self.param_groups if "name" in group]
        raise KeyError(f"{self._kind} has no group {name!r}; it has {named}")

    def _checked(self, item: Any, names: dict[int, str]) -> Tensor:
        """A parameter that may be added; its name goes to `names`."""
        name, p = item if isinstance(item, tuple) else ("", item)
        if not isinstance(p, Tensor):
            hint = ": pass model.parameters()" if callable(p) else ""
            raise TypeError(f"{self._kind} changes Tensors, and got a {type(p).__name__}{hint}")
        if not p.is_leaf:
            raise GradientError(f"{self._kind}: a parameter is a leaf, and this one is the result of an op: {p!r}")
        first = self._names.get(id(p)) or names.get(id(p))
        if first:
            raise GradientError(f"{self._kind}: what is given twice would be changed twice: {first}")
        names[id(p)] = name or f"parameter {len(self._names) + len(names)} of shape {p.shape}"
        if np.iscomplexobj(p._raw) and not self.takes_complex:
            raise DtypeError(f"{self._kind}: {names[id(p)]} is complex, and this rule is one for real numbers: keep two parts")
        return p

    def _title(self, p: Tensor) -> str:
        return self._names[id(p)]

    def _titles(self, params: list[Tensor]) -> str:
        more = f" and {len(params) - 5} more" if len(params) > 5 else ""
        return ", ".join(self._title(p) for p in params[:5]) + more

    def _plain(self, name: str, value: Any) -> Any:
        """A hyper-parameter in Python's types, found right: one of NumPy's would widen float32 arrays to its own dtype."""
        if isinstance(value, (tuple, list)):
            return tuple(self._plain(name, part) for part in value)
        if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
            value = value.item()
        if isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"{self._kind}: {name} is a number, not a {type(value).__name__}: pass float(...) of it")
        if isinstance(value, (int, float)):
            words, is_right = self.limits.get(name, POSITIVE)
            if not is_right(value):
                raise ValueError(f"{self._kind}: {name} is {words}, not {value!r}")
        return value

    def _hyper(self, group: Group) -> Group:
        """The hyper-parameters of a group, which anybody may have changed since the last time."""
        values = [group[name] for name in self.defaults]
        known = self._known.get(id(group))
        if known is None or not all(map(operator.is_, values, known)):
            values = [self._plain(name, value) for name, value in zip(self.defaults, values, strict=True)]
            group.update(zip(self.defaults, values, strict=True))
            self._known[id(group)] = values
        return dict(zip(self.defaults, values, strict=True))

    def missing(self, model: Any) -> list[str]:
        """The names of a model's parameters that want a gradient, and that this optimizer does not hold."""
        return [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in self._names]

    def check_model(self, model: Any) -> None:
        """An error if this optimizer holds no parameter of the model, a warning if some are missing. It learns their names."""
        named = dict(model.named_parameters())
        missing = self.missing(model)
        if named and not any(id(p) in self._names for p in named.values()):
            raise GradientError(
                f"{self._kind} holds no parameter of this {type(model).__name__}: it was made for another model, or before the "
                "parameters were replaced. Make it from this model's parameters()"
            )
        if missing:
            warnings.warn(
                f"{self._kind} does not hold, and will not change: {', '.join(missing)}. Add them with add_param_group, or set "
                "requires_grad = False there",
                stacklevel=2,
            )
        self._names.update((id(p), name) for name, p in named.items() if id(p) in self._names)

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    # --- a step ------------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter by its gradient. A closure computes the loss again, which is returned.

        An error if no parameter has a gradient; a warning, once, for one that has none and never had.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            hypers = [self._hyper(group) for group in self.param_groups]  # all are right, or nothing is changed
            for i, (hyper, ready) in enumerate(zip(hypers, self._ready(), strict=True)):
                if modes.recorder is not None:
                    self._record(self.param_groups[i], hyper, ready)
                else:
                    self._run(i, hyper, ready)
        return loss

    def _ready(self) -> list[list[Tensor]]:
        """For each group, the parameters that have gradients; what is odd about the others is told."""
        groups = [group["params"] for group in self.param_groups]
        ready = [[p for p in params if p.node is not None and p.node.grad is not None] for params in groups]
        if sum(map(len, ready)) < sum(map(len, groups)):
            without = [p for params in groups for p in params if p.node is not None and p.node.grad is None]
            if without and not any(ready):
                raise GradientError(f"{self._kind}.step(): no gradient for {self._titles(without)}: call backward() first")
            fresh = [p for p in without if p not in self.state and id(p) not in self._told]
            if fresh:
                self._told.update(map(id, fresh))
                warnings.warn(
                    f"{self._kind}.step(): without gradient, and left as they are: {self._titles(fresh)}. The loss does not "
                    "depend on them. If that is meant, set requires_grad = False there",
                    stacklevel=3,
                )
        if self._passes is not None and self.accumulate is not None and self._passes.count > self.accumulate:
            warnings.warn(
                f"{self._kind}.step(): the gradients of {self._passes.count} backward passes are added up. Call zero_grad() "
                f"before backward(); or, if it is meant, set optimizer.accumulate = {self._passes.count} (None: any number)",
                stacklevel=3,
            )
            self._passes.count = 0
        return ready

    def _run(self, i: int, hyper: Group, ready: list[Tensor]) -> None:
        """One group, eagerly. It is laid out again when other parameters have gradients, or something is switched on."""
        layout = [*map(id, ready), *map(bool, hyper.values())]
        known, lanes = self._lanes.get(i, (None, []))
        if known != layout:
            lanes = self._laid_out(hyper, ready)
            self._lanes[i] = layout, lanes
        update = self._downhill if hyper.get("maximize") else self.update
        for lane in lanes:
            lane.step(update, hyper)

    def _downhill(self, p: Any, g: Any, s: Any, h: Any) -> Any:
        """The rule for an objective that is to be made large."""
        return self.update(p, -g, s, h)

    def _laid_out(self, hyper: Group, ready: list[Tensor]) -> list["_Pack | _Alone"]:
        """Small parameters with equal dtypes, step counts and numbers side by side, up to a block; the others alone."""
        packs: dict[Any, list[list[Tensor]]] = {}
        lanes: list[_Pack | _Alone] = []
        for p in ready:
            if not p.size:  # nothing to change, and no mean of it
                continue
            state = self._state_of(p, hyper)
            if self.elementwise and type(p._raw) is np.ndarray and p.size < SMALL and not isinstance(state["step"], Tensor):
                numbers = tuple((name, value) for name, value in state.items() if not isinstance(value, np.ndarray))
                made = packs.setdefault((p.dtype, numbers, tuple(state)), [[]])
                if sum(q.size for q in made[-1]) + p.size > BLOCK:
                    made.append([])
                made[-1].append(p)
            else:
                lanes.append(_Alone(p, state, self.elementwise, self.leaves_alone(SimpleNamespace(**hyper))))
        return [_Pack(params, [self.state[p] for p in params]) for made in packs.values() for params in made] + lanes

    def _state_of(self, p: Tensor, hyper: Group) -> State:
        """The state of a parameter, started where there is none: all of it, or what a hyper-parameter needs by now."""
        started = self.start(np.asarray(p._raw) if isinstance(p._raw, float) else p._raw, SimpleNamespace(**hyper))
        state = self.state.setdefault(p, {"step": 0})
        state.update({name: value for name, value in started.items() if name not in state})
        return state

    def _record(self, group: Group, hyper: Group, ready: list[Tensor]) -> None:
        """One group, on Tensors: hyper-parameters are inputs of the Program, and the state is what it replaces."""
        self._lanes.clear()
        symbols = self._symbols(group, hyper)
        update = self._downhill if hyper.get("maximize") else self.update
        for p in ready:
            if not p.size:
                continue
            state = self._state_of(p, hyper)
            for name, value in state.items():
                if not isinstance(value, Tensor):
                    is_number = name == "step" or type(value) is float or type(p._raw) is float
                    state[name] = constant(float(value) if is_number else np.array(value))
                name_after(p, name, state[name])
            t = state["step"] + 1.0
            y, changed = update(p, p.grad, SimpleNamespace(**state), SimpleNamespace(**symbols, t=t))
            p.data = y
            for name, value in {"step": t, **changed}.items():
                state[name].data = value

    def _symbols(self, group: Group, hyper: Group) -> Group:
        """The hyper-parameters as a recorded step sees them.

        Numbers are inputs of the Program. What is zero, a count or no number decides what the step does: it is part of the
        Program, which looks at every run whether it has changed, when it reads the first of the inputs.
        """
        before = _flat(hyper)
        inputs = [name for name, x in before.items() if x and type(x) in (int, float) and name not in self.counts]
        inputs = inputs or list(before)[:1]

        def read(name: str) -> float:
            now = _flat(self._hyper(group))
            if name == inputs[0]:
                for other in before.keys() - set(inputs):
                    if now[other] != before[other]:
                        raise RecordingError(
                            f"{other} was {before[other]!r} when the step was recorded, and is {now[other]!r} now: "
                            "record it again"
                        )
            return float(now[name])

        prefix = f"{group['name']}." if "name" in group else ""
        symbols = {**before, **{name: _symbol(prefix + name, partial(read, name)) for name in inputs}}
        return {
            name: tuple(symbols[f"{name}[{i}]"] for i in range(len(value))) if isinstance(value, tuple) else symbols[name]
            for name, value in hyper.items()
        }

    # --- state -------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and hyper-parameters in plain values and NumPy arrays, copies; parameters are numbered through the groups."""
        params = [p for group in self.param_groups for p in group["params"]]
        number = {id(p): i for i, p in enumerate(params)}
        return {
            "state": {
                i: {name: copied(value) for name, value in self.state[p].items()}
                for i, p in enumerate(params)
                if p in self.state
            },
            "param_groups": [{**group, "params": [number[id(p)] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes state and hyper-parameters of a state_dict; an error, and nothing changed, if it is of other parameters."""
        counts = [len(group["params"]) for group in self.param_groups]
        theirs = [len(group["params"]) for group in state_dict["param_groups"]]
        if counts != theirs:
            raise GradientError(f"{self._kind} holds groups of {counts} parameters, and this state_dict has {theirs}")
        groups = [{name: x for name, x in group.items() if name != "params"} for group in state_dict["param_groups"]]
        for given in groups:
            for name in given.keys() & self.defaults.keys():
                self._plain(name, given[name])
        params = [p for group in self.param_groups for p in group["params"]]
        numbers = [i for group in state_dict["param_groups"] for i in group["params"]]
        saved = {int(i): values for i, values in state_dict["state"].items()}  # JSON makes text of the numbers
        if not saved.keys() <= set(numbers):
            raise GradientError(
                f"this state_dict has state of parameters {sorted(saved)}, and its groups have {sorted(numbers)}"
            )
        state = {}
        for p, i in zip(params, numbers, strict=True):
            if i in saved:
                if "step" not in saved[i]:
                    raise GradientError(
                        f"the state of {self._title(p)} in this state_dict has {sorted(saved[i])} and no step: it is not of "
                        f"this library's {self._kind}"
                    )
                state[p] = {name: self._fitting(p, name, value) for name, value in saved[i].items()}
        self.state = state
        self._lanes.clear()
        for own, given in zip(self.param_groups, groups, strict=True):
            own.update(given)
            self._hyper(own)

    def _fitting(self, p: Tensor, name: str, value: Any) -> Any:
        value = copied(np.asarray(value) if hasattr(value, "__array__") else value)  # PyTorch's tensors are arrays as well
        if name == "step":
            return int(value)
        if name in self.numbers:
            return value.item() if isinstance(value, (np.ndarray, np.generic)) else value
        if self.elementwise and np.shape(value) not in (p.shape, ()):
            raise ShapeError(f"{self._title(p)} has shape {p.shape}, and its {name} in this state_dict {np.shape(value)}")
        return np.array(value, p.dtype) if isinstance(value, (np.ndarray, np.generic)) else value

    def __copy__(self) -> Self:
        """An optimizer of the same parameters, with groups and state of its own: what it steps is not noticed here."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.param_groups = [{**group, "params": list(group["params"])} for group in self.param_groups]
        other.state = {p: {name: copied(value) for name, value in state.items()} for p, state in self.state.items()}
        other._names, other._told, other._known, other._lanes = dict(self._names), set(self._told), {}, {}
        vars(other).pop("_schedules", None)
        return other

    def __repr__(self) -> str:
        lines = [self._kind + " ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {group.get('name', i)}")
            lines += [f"    {name}: {value}" for name, value in sorted(self._hyper(group).items())]
        return "\n".join([*lines, ")"])


# --- how parameters are taken ----------------------------------------------------------------------------------------------


class _Passes:
    """Counts the backward passes that have added to a parameter's gradient since it was None."""

    def __init__(self, optimizer: Optimizer, node: Any) -> None:
        self.count = 0
        self.node: weakref.ref[Node] = weakref.ref(node)  # which holds this, as a hook
        node.hooks = [*(node.hooks or ()), self.note]
        weakref.finalize(optimizer, _unhook, node, self.note).atexit = False

    def note(self, g: Any) -> Any:
        """The hook: sees a gradient before it is added."""
        node = self.node()
        self.count = 1 if node is None or node.grad is None else self.count + 1
        return g


def _unhook(node: Any, hook: Any) -> None:
    node.hooks = [other for other in node.hooks or () if other != hook] or None


class _Pack:
    """Small parameters side by side: one call of the rule for all. Their state are parts of arrays that lie here."""

    def __init__(self, params: list[Tensor], states: list[State]) -> None:
        self.params, self.states = params, states
        ends = np.cumsum([p.size for p in params]).tolist()
        self.parts = [slice(end - p.size, end) for p, end in zip(params, ends, strict=True)]
        self.shapes = [p.shape for p in params]
        self.numbers = {name: value for name, value in states[0].items() if not isinstance(value, np.ndarray)}
        self.state = {}
        for name in states[0].keys() - self.numbers.keys():
            self.state[name] = flat = np.concatenate([np.ravel(state[name]) for state in states])
            for state, part, shape in zip(states, self.parts, self.shapes, strict=True):
                state[name] = flat[part].reshape(shape)
        self.values: Any = None  # the parameters side by side, as the last step left them
        self.views: list[Any] = []

    def step(self, update: Any, hyper: Group) -> None:
        self.numbers["step"] += 1
        raws = [p._raw for p in self.params]
        if self.values is None or not all(map(operator.is_, raws, self.views)):  # somebody else has changed one
            self.values = np.concatenate([raw.ravel() for raw in raws])
        g = np.concatenate([gradient(p).ravel() for p in self.params])
        h = SimpleNamespace(**hyper, t=self.numbers["step"])
        y, changed = update(self.values, g, SimpleNamespace(**self.numbers, **self.state), h)
        for name, value in changed.items():
            if name in self.numbers:
                self.numbers[name] = value
            else:
                self.state[name][...] = value
        # Nobody holds y yet, so the parameters become parts of it: a graph that keeps their old arrays is left alone.
        self.values = y
        self.views = [y[part].reshape(shape) for part, shape in zip(self.parts, self.shapes, strict=True)]
        for p, state, view in zip(self.params, self.states, self.views, strict=True):
            p._raw, p.sharing = view, None
            state.update(self.numbers)


class _Alone:
    """One parameter: block by block if it is large and each element is changed by itself, or only rows of it."""

    def __init__(self, p: Tensor, state: State, elementwise: bool, rowwise: bool) -> None:
        self.p, self.state, self.elementwise, self.rowwise = p, state, elementwise, rowwise

    def step(self, update: Any, hyper: Group) -> None:
        state, p = self.state, self.p
        t = int(_raw(state["step"])) + 1
        h = SimpleNamespace(**hyper, t=t)
        plain = type(p._raw) is np.ndarray and not isinstance(state["step"], Tensor)
        g = p.node.grad if p.node else None
        if plain and self.rowwise and type(g) is Rows:
            self._in_rows(update, h, g)
        elif plain and self.elementwise and p.size > BLOCK:
            self._in_blocks(update, h)
        else:
            number = type(p._raw) is float
            s = {name: _raw(value) for name, value in state.items()}
            y, changed = update(np.asarray(p._raw) if number else p._raw, gradient(p), SimpleNamespace(**s), h)
            p._raw, p.sharing = float(y) if number else np.asarray(y) if isinstance(y, np.generic) else y, None
            for name, value in changed.items():
                _store(state, name, float(value) if number else value)
        _store(state, "step", t)

    def _in_rows(self, update: Any, h: Any, g: Rows) -> None:
        """The rule on those rows that have a gradient."""
        p, rows = self.p, g.numbers
        arrays = {name: value for name, value in self.state.items() if isinstance(value, np.ndarray)}
        s = SimpleNamespace(**{**self.state, **{name: array[rows] for name, array in arrays.items()}})
        y, changed = update(p._raw[rows], g.values, s, h)
        if not is_alone(p):
            p._raw, p.sharing = p._raw.copy(), None
        p._raw[rows] = y
        for name, value in changed.items():
            if name in arrays:
                arrays[name][rows] = value
            else:
                self.state[name] = value

    def _in_blocks(self, update: Any, h: Any) -> None:
        """The rule on a block at a time, written where the parameter was, if nobody else holds that array."""
        p, state = self.p, self.state
        in_place = is_alone(p)
        x, g = p._raw, gradient(p)
        y = target = x if in_place else np.empty_like(x, order="C")
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        numbers = {name: value for name, value in state.items() if name not in arrays}
        if all(a.flags.c_contiguous for a in (x, y, g, *arrays.values())):
            x, y, g, *flat = (a.reshape(-1) for a in (x, y, g, *arrays.values()))
            arrays = dict(zip(arrays, flat, strict=True))
        for block in blocks(x.shape):
            s = SimpleNamespace(**numbers, **{name: a[block] for name, a in arrays.items()})
            y[block], changed = update(x[block], g[block], s, h)
            for name, value in changed.items():
                if name in arrays:
                    arrays[name][block] = value
                else:
                    state[name] = value
        if not in_place:
            p._raw, p.sharing = target, None


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    """Indices that cut an array, however it lies in memory, into blocks."""
    row = math.prod(shape[1:])
    if row > BLOCK:
        yield from ((i, *rest) for i in range(shape[0]) for rest in blocks(shape[1:]))
    else:
        rows = BLOCK // max(row, 1)
        yield from ((slice(i, i + rows),) for i in range(0, shape[0], rows))


def _raw(value: Any) -> Any:
    return value._raw if isinstance(value, Tensor) else value


def _store(state: State, name: str, value: Any) -> None:
    """Puts a value where a Program may look for it: into the Tensor, if there is one."""
    if isinstance(state[name], Tensor):
        state[name]._raw = float(value) if type(state[name]._raw) is float else value
    else:
        state[name] = value


def gradient(p: Any) -> Any:
    """The bare gradient of a parameter that has one, as an array."""
    g = dense(_raw(p.node.grad))
    return np.asarray(g) if isinstance(g, float) else g


def copied(value: Any) -> Any:
    value = _raw(value)
    return np.array(value) if isinstance(value, np.ndarray) else value


# --- hyper-parameters of a recorded step -----------------------------------------------------------------------------------


def _flat(hyper: Group) -> Group:
    """Hyper-parameters by name, tuples taken apart: betas[0], betas[1]."""
    flat: Group = {}
    for name, value in hyper.items():
        flat.update({f"{name}[{i}]": part for i, part in enumerate(value)} if isinstance(value, tuple) else {name: value})
    return flat


def _symbol(name: str, read: Callable[[], float]) -> Hyper:
    """A number that every run of the Program reads anew."""
    out = external(name, read)
    hyper: Hyper = object.__new__(Hyper)
    hyper._raw, hyper.node, hyper.sharing, hyper._variable = out._raw, None, None, out._variable
    return hyper
