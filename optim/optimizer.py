"""Optimizer: parameters in groups, changed at every `step()` by the rule of a subclass.

A rule is one body, `update`: a pure function of a parameter, its gradient, its state and the hyper-parameters, in NumPy. This
file runs it in three ways. Eagerly a large parameter is taken block by block, so that what the body makes in between stays in
the cache; small ones are laid side by side and taken at once; and while a step is recorded the same body runs on Tensors.
Knows no rule.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from autograd import GradientError, RecordingError, ShapeError, Tensor, enable_grad, external, no_grad
from autograd.graph import modes
from autograd.tensor import constant, is_alone

BLOCK = 32768  # elements that are taken at once: a parameter's block, its gradient and its state fit into the cache together
SMALL = BLOCK // 4  # parameters below this are laid side by side

State = dict[str, Any]
Group = dict[str, Any]


class Hyper(Tensor):
    """A hyper-parameter that is not zero, in a recorded step: an input of the Program, though `if weight_decay:` is decided."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


class Optimizer:
    """The base of all: a subclass gives the defaults, the state that it keeps, and the rule.

    `params` is an iterable of parameters, of pairs (name, parameter), or of groups: dictionaries with "params" and the
    hyper-parameters that differ there.
    """

    elementwise: ClassVar[bool] = True  # each element is changed by itself, so that a parameter may be cut in blocks

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        self._names: dict[int, str] = {}
        self._lanes: dict[int, tuple[Any, list[_Pack | _Alone]]] = {}  # by group: for which parameters, and how they are taken
        given = list(params)
        if not given:
            raise GradientError(f"{type(self).__name__} got no parameters: model.parameters() is empty, or was used up before")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    # --- what a rule says --------------------------------------------------------------------------------------------------

    def start(self, p: Any, h: Any) -> State:
        """The state of a parameter before its first step."""
        return {}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        """The rule: the new parameter and the new state. `h.t` counts the steps, from 1."""
        raise NotImplementedError

    # --- groups ------------------------------------------------------------------------------------------------------------

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds parameters with hyper-parameters of their own; what is not given is as in the defaults."""
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}; it has {', '.join(self.defaults)}")
        given = group["params"]
        params = [self._checked(item) for item in ([given] if isinstance(given, Tensor) else given)]
        made = {**self.defaults, **group, "params": params}
        self._check({name: value for name, value in made.items() if name != "params"})
        self.param_groups.append(made)

    def _checked(self, item: Any) -> Tensor:
        """A parameter that may be added."""
        name, p = item if isinstance(item, tuple) else ("", item)
        if not isinstance(p, Tensor):
            hint = ": pass model.parameters()" if callable(p) else ""
            raise TypeError(f"{type(self).__name__} changes Tensors, and got a {type(p).__name__}{hint}")
        if not p.is_leaf:
            raise GradientError(f"{type(self).__name__}: a parameter is a leaf, and this one is the result of an op: {p!r}")
        if id(p) in self._names:
            raise GradientError(f"{type(self).__name__}: what is given twice would be changed twice: {self._title(p)}")
        self._names[id(p)] = name or f"parameter {len(self._names)} of shape {p.shape}"
        return p

    def _title(self, p: Tensor) -> str:
        return self._names[id(p)]

    def _check(self, hyper: Group) -> None:
        """Numbers are finite and not negative; tuples of them too."""
        for name, value in hyper.items():
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not (math.isfinite(number) and number >= 0):
                    raise ValueError(f"{type(self).__name__}: {name} is finite and not negative, not {value!r}")

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    # --- a step ------------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter by its gradient. A closure computes the loss again, which is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for i, group in enumerate(self.param_groups):
                self._check(_hyper(group))
                ready = [p for p in group["params"] if p.node is not None and p.node.grad is not None]
                if modes.recorder is not None:
                    self._record(group, ready)
                else:
                    self._run(i, group, ready)
        return loss

    def _run(self, i: int, group: Group, ready: list[Tensor]) -> None:
        """One group, eagerly. How it is laid out is found once, and again when other parameters have gradients."""
        ids = tuple(map(id, ready))
        known, lanes = self._lanes.get(i, (None, []))
        if known != ids:
            lanes = self._laid_out(group, ready)
            self._lanes[i] = ids, lanes
        update = self._downhill if group.get("maximize") else self.update
        for lane in lanes:
            lane.step(update, _hyper(group))

    def _downhill(self, p: Any, g: Any, s: Any, h: Any) -> Any:
        """The rule for an objective that is to be made large."""
        return self.update(p, -g, s, h)

    def _laid_out(self, group: Group, ready: list[Tensor]) -> list["_Pack | _Alone"]:
        """Small parameters with equal dtypes and step counts side by side, the others alone."""
        packs: dict[Any, list[Tensor]] = {}
        lanes: list[_Pack | _Alone] = []
        for p in ready:
            state = self._state_of(p, group)
            if self.elementwise and type(p._raw) is np.ndarray and p.size < SMALL and not isinstance(state["step"], Tensor):
                packs.setdefault((p.dtype, state["step"]), []).append(p)
            else:
                lanes.append(_Alone(p, state, self.elementwise))
        return [_Pack(params, [self.state[p] for p in params]) for params in packs.values()] + lanes

    def _state_of(self, p: Tensor, group: Group) -> State:
        if p not in self.state:
            started = self.start(np.asarray(p._raw) if isinstance(p._raw, float) else p._raw, SimpleNamespace(**_hyper(group)))
            self.state[p] = {"step": 0, **started}
        return self.state[p]

    def _record(self, group: Group, ready: list[Tensor]) -> None:
        """One group, on Tensors: hyper-parameters are inputs of the Program, and the state is what it replaces."""
        self._lanes.clear()
        hyper = {name: _symbol(group, name) for name in _hyper(group)}
        update = self._downhill if group.get("maximize") else self.update
        for p in ready:
            state = self._state_of(p, group)
            for name, value in state.items():
                if not isinstance(value, Tensor):
                    state[name] = constant(float(value) if name == "step" or isinstance(p._raw, float) else np.array(value))
            t = state["step"] + 1.0
            y, changed = update(p, p.grad, SimpleNamespace(**state), SimpleNamespace(**hyper, t=t))
            p.data = y
            for name, value in {"step": t, **changed}.items():
                state[name].data = value

    # --- state -------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and hyper-parameters in plain values and NumPy arrays, copies; parameters are numbered through the groups."""
        params = [p for group in self.param_groups for p in group["params"]]
        number = {id(p): i for i, p in enumerate(params)}
        return {
            "state": {
                i: {name: _copied(value) for name, value in self.state[p].items()}
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
            raise GradientError(f"{type(self).__name__} holds groups of {counts} parameters, and this state_dict has {theirs}")
        params = [p for group in self.param_groups for p in group["params"]]
        numbers = [i for group in state_dict["param_groups"] for i in group["params"]]
        state = {}
        for p, i in zip(params, numbers, strict=True):
            if i in state_dict["state"]:
                state[p] = {name: self._fitting(p, name, value) for name, value in state_dict["state"][i].items()}
        self.state = state
        self._lanes.clear()
        for own, given in zip(self.param_groups, state_dict["param_groups"], strict=True):
            own.update({name: value for name, value in given.items() if name != "params"})

    def _fitting(self, p: Tensor, name: str, value: Any) -> Any:
        value = _copied(value)
        if name == "step":
            return int(value)
        if self.elementwise and np.shape(value) not in (p.shape, ()):
            raise ShapeError(f"{self._title(p)} has shape {p.shape}, and its {name} in this state_dict {np.shape(value)}")
        return value

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}", *(f"    {name}: {value}" for name, value in sorted(_hyper(group).items()))]
        return "\n".join([*lines, ")"])


# --- how parameters are taken ----------------------------------------------------------------------------------------------


class _Pack:
    """Small parameters side by side: one call of the rule for all. Their state are parts of arrays that lie here."""

    def __init__(self, params: list[Tensor], states: list[State]) -> None:
        self.params, self.states = params, states
        ends = np.cumsum([p.size for p in params]).tolist()
        self.parts = [slice(end - p.size, end) for p, end in zip(params, ends, strict=True)]
        self.shapes = [p.shape for p in params]
        self.t: int = states[0]["step"]
        self.state = {}
        for name in states[0]:
            if name != "step":
                self.state[name] = flat = np.concatenate([np.ravel(state[name]) for state in states])
                for state, part, shape in zip(states, self.parts, self.shapes, strict=True):
                    state[name] = flat[part].reshape(shape)
        self.values: Any = None  # the parameters side by side, as the last step left them
        self.views: list[Any] = []

    def step(self, update: Any, hyper: Group) -> None:
        self.t += 1
        raws = [p._raw for p in self.params]
        if self.values is None or not all(map(operator.is_, raws, self.views)):  # somebody else has changed one
            self.values = np.concatenate([raw.ravel() for raw in raws])
        g = np.concatenate([_gradient(p).ravel() for p in self.params])
        y, changed = update(self.values, g, SimpleNamespace(**self.state), SimpleNamespace(**hyper, t=self.t))
        for name, value in changed.items():
            self.state[name][...] = value
        # Nobody holds y yet, so the parameters become parts of it: a graph that keeps their old arrays is left alone.
        self.values = y
        self.views = [y[part].reshape(shape) for part, shape in zip(self.parts, self.shapes, strict=True)]
        for p, state, view in zip(self.params, self.states, self.views, strict=True):
            p._raw, p.sharing = view, None
            state["step"] = self.t


class _Alone:
    """One parameter: block by block if it is large and each element is changed by itself."""

    def __init__(self, p: Tensor, state: State, elementwise: bool) -> None:
        self.p, self.state, self.elementwise = p, state, elementwise

    def step(self, update: Any, hyper: Group) -> None:
        state, p = self.state, self.p
        t = int(_raw(state["step"])) + 1
        h = SimpleNamespace(**hyper, t=t)
        if self.elementwise and type(p._raw) is np.ndarray and p.size > BLOCK and not isinstance(state["step"], Tensor):
            self._in_blocks(update, h)
        else:
            number = type(p._raw) is float
            s = {name: _raw(value) for name, value in state.items()}
            y, changed = update(np.asarray(p._raw) if number else p._raw, _gradient(p), SimpleNamespace(**s), h)
            p._raw, p.sharing = float(y) if number else y, None
            for name, value in changed.items():
                _store(state, name, float(value) if number else value)
        _store(state, "step", t)

    def _in_blocks(self, update: Any, h: Any) -> None:
        """The rule on a block at a time, written where the parameter was, if nobody else holds that array."""
        p, names = self.p, [name for name in self.state if name != "step"]
        in_place = is_alone(p) and p._raw.flags.c_contiguous
        source = np.ascontiguousarray(p._raw)
        target = p._raw if in_place else np.empty_like(source)
        x, y, g = source.reshape(-1), target.reshape(-1), np.ravel(_gradient(p))
        flats = {name: self.state[name].reshape(-1) for name in names}
        for start in range(0, x.size, BLOCK):
            block = slice(start, start + BLOCK)
            s = SimpleNamespace(**{name: flat[block] for name, flat in flats.items()})
            y[block], changed = update(x[block], g[block], s, h)
            for name, value in changed.items():
                flats[name][block] = value
        if not in_place:
            p._raw, p.sharing = target, None


def _raw(value: Any) -> Any:
    return value._raw if isinstance(value, Tensor) else value


def _store(state: State, name: str, value: Any) -> None:
    """Puts a value where a Program may look for it: into the Tensor, if there is one."""
    if isinstance(state[name], Tensor):
        state[name]._raw = float(value) if name == "step" else value
    else:
        state[name] = value


def _gradient(p: Any) -> Any:
    g = _raw(p.node.grad)
    return np.asarray(g) if isinstance(g, float) else g


def _copied(value: Any) -> Any:
    value = _raw(value)
    return np.array(value) if isinstance(value, np.ndarray) else value


def _hyper(group: Group) -> Group:
    return {name: value for name, value in group.items() if name != "params"}


# --- hyper-parameters of a recorded step -----------------------------------------------------------------------------------


def _symbol(group: Group, name: str) -> Any:
    """A hyper-parameter as a recorded step sees it: numbers are inputs of the Program, other things are part of it."""
    value = group[name]
    if isinstance(value, tuple):
        return tuple(_number(f"{name}[{i}]", partial(_part, group, name, i)) for i in range(len(value)))
    return _number(name, partial(group.__getitem__, name))


def _part(group: Group, name: str, i: int) -> Any:
    return group[name][i]


def _number(name: str, read: Callable[[], Any]) -> Any:
    value = read()
    if isinstance(value, float) and value:
        out = external(name, read)
        hyper = object.__new__(Hyper)
        hyper._raw, hyper.node, hyper.sharing, hyper._variable = out._raw, None, None, out._variable
        return hyper

    def unchanged() -> float:
        if read() != value:
            raise RecordingError(f"{name} was {value!r} when the step was recorded, and is {read()!r} now: record it again")
        return 0.0

    external(f"{name}_unchanged", unchanged)
    return value
