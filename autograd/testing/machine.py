"""A Hypothesis state machine that drives Tensor step by step, against plain NumPy and numeric derivatives.

The reference keeps two things for every Tensor: the NumPy array that the same steps give, with NumPy's own views and writes,
and the recipe of the value, which can be replayed with a leaf moved. Central differences of that replay are the gradients.
Where an error is due, the machine foresees it, and sees that it has changed nothing. Hypothesis prints the fewest steps that
fail. Stands on Tensor and its errors; it uses no derivative rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from ..errors import AliasError, AutogradError, GradientError, GraphReleasedError
from ..graph import no_grad
from ..tensor import Tensor
from . import numeric

Step = Callable[..., Any]

LARGEST = 20.0  # what grows beyond it is left out: differences of large numbers say little about slopes
MOST = 60  # of the steps in one recipe


def _assigned(key: Any) -> Step:
    """The step x[key] = v, into memory of its own."""

    def assigned(x: Any, v: Any) -> Any:
        out = np.array(x)
        out[key] = v
        return out

    return assigned


def _index(key: Any) -> Step:
    return lambda x: x[key]


UNARY: dict[str, Step] = {
    "sin": np.sin,
    "tanh": np.tanh,
    "exp": np.exp,
    "negative": lambda x: -x,
    "half": lambda x: x * 0.5,
    "square": lambda x: x * x,
    "one more": lambda x: 1.0 + x,
    "copy": lambda x: x.copy(),
}
REDUCTIONS: dict[str, Step] = {
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "sum of rows": lambda x: x.sum(axis=0),
    "sum, axis kept": lambda x: x.sum(axis=-1, keepdims=True),
}
BINARY: dict[str, Step] = {
    "+": lambda x, w: x + w,
    "-": lambda x, w: x - w,
    "*": lambda x, w: x * w,
    "/": lambda x, w: x / (2.0 + w * w),
    "@": np.matmul,
}
VIEWS: dict[str, Step] = {
    "x[1:]": _index(slice(1, None)),
    "x[0]": _index(0),
    "x[::-1]": _index(slice(None, None, -1)),
    "x[..., :2]": _index((..., slice(None, 2))),
    "x[:, 1]": _index((slice(None), 1)),
    "x[None]": _index(None),
    "x.reshape(-1)": lambda x: x.reshape(-1),
    "x.reshape(3, -1)": lambda x: x.reshape(3, -1),
    "x.T": lambda x: x.T,
}
KEYS: dict[str, Any] = {
    "0": 0,
    "...": ...,
    "1:": slice(1, None),
    "::-2": slice(None, None, -2),
    "[0, 2, 0]": [0, 2, 0],
    "(0, 1)": (0, 1),
}


def _add(x: Any, w: Any) -> Any:
    x += w
    return x


def _multiply(x: Any, w: Any) -> Any:
    x *= w
    return x


IN_PLACE: dict[str, Step] = {"+=": _add, "*=": _multiply}

# --- the reference ---------------------------------------------------------------------------------------------------------


class Place:
    """A place in the graph: a leaf, or the result of a step; what backward() has added up there, and what it depends on."""

    def __init__(self, parents: Iterable[Place] = (), leaf: bool = True) -> None:
        self.parents = frozenset(parents)
        self.leaf = leaf
        self.released = False
        self.grad: Any = None

    def behind(self) -> list[Place]:
        """Every place that this one depends on, itself included."""
        found, stack = [self], [self]
        while stack:
            new = [place for place in stack.pop().parents if place not in found]
            found += new
            stack += new
        return found


class Recipe:
    """How a value came about: a step on other recipes, or a value given, each perhaps at a place in the graph."""

    def __init__(self, step: Step | None, inputs: tuple[Recipe, ...], value: Any = None, place: Place | None = None) -> None:
        self.step = step
        self.inputs = inputs
        self.value = None if value is None else np.array(value)[()]
        self.place = place
        self.length: int = 1 + sum(recipe.length for recipe in inputs)

    def replay(self, moved: Place | None = None, by: Any = 0.0, known: dict[Recipe, Any] | None = None) -> Any:
        """The value in plain NumPy, with what stands at one place moved by a little."""
        known = {} if known is None else known
        if self not in known:
            inputs = [recipe.replay(moved, by, known) for recipe in self.inputs]
            value = self.value if self.step is None else self.step(*inputs)
            known[self] = value + by if moved is not None and self.place is moved else value
        return known[self]


class Held:
    """A Tensor, and what the reference knows of it: its plain array, which shares memory as NumPy's do, and its recipe."""

    def __init__(self, tensor: Tensor, array: Any, recipe: Recipe, place: Place | None) -> None:
        self.tensor: Any = tensor
        self.array = array
        self.recipe = recipe
        self.place = place

    def __repr__(self) -> str:
        return "forgotten" if self.tensor is None else repr(self.tensor)

    def is_leaf(self) -> bool:
        return self.place is not None and self.place.leaf

    def restart(self, place: Place | None) -> None:
        """The value as it is now becomes one that was given: a constant, or a leaf."""
        self.place = place
        self.recipe = Recipe(None, (), self.array, place)

    def follow(self, value: Any) -> None:
        """The value has changed outside the graph: the place stays, and slopes behind it are those that were."""
        self.array = value
        if self.place is None or self.place.leaf:
            self.restart(self.place)
        else:
            shift = value - self.recipe.replay()
            self.recipe = Recipe(lambda x: x + shift, (self.recipe,))


class Handed:
    """An array that `data` has handed out, and the array of the reference that stands for it."""

    def __init__(self, array: Any, mirror: Any) -> None:
        self.array = array
        self.mirror = mirror

    def __repr__(self) -> str:
        return repr(self.array)


def memory_of(array: Any) -> Any:
    """The array that owns the memory; None for a number."""
    if not isinstance(array, np.ndarray):
        return None
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def slope(f: Callable[[Any], float], shape: tuple[int, ...]) -> tuple[Any, float]:
    """The gradient of f at zero by differences, and how far it may be off."""
    gradient, error = np.zeros(shape), 0.0
    for index in np.ndindex(shape):
        direction = np.zeros(shape)
        direction[index] = numeric.STEP
        found = numeric.slope(lambda xs: [np.asarray(f(xs[0]))], [np.zeros(shape)], [direction])
        gradient[index] = found.values[0] / numeric.STEP
        error = max(error, float(found.errors[0]) / numeric.STEP)
    return gradient, error


def weights_of(held: Held) -> Any:
    """What a pass from a value weighs its elements with: a number counts once."""
    weights = np.ones(held.tensor.shape)
    return weights if weights.size < 2 else weights * 0.5 + np.arange(weights.size).reshape(weights.shape)


def failing(g: Any) -> None:
    """A hook that raises."""
    raise GradientError("a hook that fails")


def weighed(recipe: Recipe, weights: Any, place: Place, by: Any) -> float:
    """The weighted sum of the elements of a replay, with what stands at a place moved."""
    return float((weights * recipe.replay(place, by)).sum())


def same(ours: Any, reference: Any, tolerance: float) -> bool:
    """Whether two values agree in shape, and in every element up to a share of the largest."""
    ours, reference = np.asarray(ours), np.asarray(reference)
    if ours.shape != reference.shape:
        return False
    scale = max(1.0, float(abs(reference).max(initial=0.0)))
    return bool((abs(ours - reference) <= tolerance * scale).all())


def bare(value: Any) -> Any:
    """The raw value inside a Tensor, looked at without leaving a trace, as `t.data` and `t.grad` would."""
    return value._raw if isinstance(value, Tensor) else value


def numbers() -> st.SearchStrategy[float]:
    """Numbers of moderate size that print short."""
    return st.integers(-8, 8).map(lambda n: n / 4)


def values() -> st.SearchStrategy[Any]:
    """A float, an array without axes, a vector or a matrix, small enough that some of them fit each other."""

    def of(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
        size = int(np.prod(shape))
        return st.lists(numbers(), min_size=size, max_size=size).map(lambda row: np.reshape(row, shape))

    return st.one_of(numbers(), of((3,)), of((2, 3)), of((3, 3)), of(()), of((1,)))


tensors: Bundle[Held] = Bundle("tensors")
arrays: Bundle[Handed] = Bundle("arrays")
New = MultipleResults[Held]  # of a rule: the new Tensor, or none

# --- the machine -----------------------------------------------------------------------------------------------------------


class TensorMachine(RuleBasedStateMachine):
    """Steps that a user may take with Tensors, in any order, each checked against plain NumPy and numeric derivatives.

    Run it with Hypothesis, or as a test of its own: `TestTensor = TensorMachine.TestCase`.

    >>> from hypothesis import settings
    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> few = settings(max_examples=3, stateful_step_count=5, deadline=None, database=None, derandomize=True)
    >>> run_state_machine_as_test(TensorMachine, settings=few)
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Held] = []
        self.handed: list[Handed] = []
        self.seen: list[tuple[Any, Any]] = []  # arrays of gradients that were looked at, and what they held then
        self.blocks = ExitStack()
        self.recording = True

    def teardown(self) -> None:
        self.blocks.close()

    # --- how a step is taken ---

    def keep(self, tensor: Any, array: Any, recipe: Recipe, place: Place | None) -> New:
        assert isinstance(tensor, Tensor), f"the result is a {type(tensor).__name__}"
        self.held.append(Held(tensor, array, recipe, place))
        return multiple(self.held[-1])

    def state(self) -> list[Any]:
        """Every value, and every gradient, of leaves and in between, as it is."""
        return [
            (h.tensor.requires_grad, np.array(bare(h.tensor)).tolist(), np.array(bare(gradient_of(h))).tolist())
            for h in self.held
        ]

    def refused(self, action: Callable[[], Any], *due: type[Exception]) -> None:
        """The action raises what is due, and changes nothing."""
        before = self.state()
        kind: type = type(None)
        told = "nothing was raised"
        try:
            action()
        except AutogradError as error:
            kind, told = type(error), str(error)  # not the error itself, whose frames would keep Tensors alive
        words = " or ".join(error.__name__ for error in due)
        assert issubclass(kind, due), f"{words} was due, and there came {kind.__name__}: {told}"
        assert self.state() == before, f"{kind.__name__} has left something changed: {told}"

    def step(self, step: Step, *inputs: Held) -> New:
        """Takes a step on Tensors and on arrays alike."""
        recipe, array = self.foresee(step, inputs)
        if isinstance(array, Exception):
            self.refused(lambda: step(*(h.tensor for h in inputs)), ValueError, IndexError, TypeError)  # np.matmul of numbers
            return multiple()
        if recipe is None:
            return multiple()
        return self.keep(step(*(h.tensor for h in inputs)), array, recipe, recipe.place)

    def foresee(self, step: Step, inputs: tuple[Held, ...], written: Step | None = None) -> tuple[Recipe | None, Any]:
        """The recipe and the array of a result; no recipe where it is too long or large, NumPy's error where there is one."""
        try:
            array = step(*(h.array for h in inputs))
        except (ValueError, IndexError) as error:
            return None, error
        recipe = self.recipe_of(step, inputs, array)
        small = np.size(array) > 0 and bool((abs(np.asarray(array)) < LARGEST).all())
        return (recipe if small and recipe.length < MOST else None), array

    def recipe_of(self, step: Step, inputs: tuple[Held, ...], array: Any) -> Recipe:
        parents = [h.place for h in inputs if h.place is not None]
        if not self.recording or not parents:
            return Recipe(None, (), array)
        return Recipe(step, tuple(h.recipe for h in inputs), place=Place(parents, leaf=False))

    def has_company(self, held: Held) -> bool:
        """Whether another Tensor looks at the same memory. (A number has none.)"""
        memory = memory_of(held.array)
        return memory is not None and any(memory_of(h.array) is memory for h in self.held if h is not held)

    # --- rules: values ---

    @initialize(target=tensors, shape=st.sampled_from([(3,), (2, 3), (3, 3)]))
    def leaves(self, shape: tuple[int, ...]) -> New:
        """Leaves to begin with: a number, a vector, and an array that it can be broadcast to, or multiplied by."""
        self.leaf_of(0.75, True)
        self.leaf_of(np.array([0.5, -1.0, 1.5]), True)
        self.leaf_of(np.linspace(-1.0, 1.0, int(np.prod(shape))).reshape(shape), True)
        return multiple(*self.held)

    @rule(target=tensors, value=values(), wanted=st.booleans())
    def leaf(self, value: Any, wanted: bool) -> New:
        return self.leaf_of(value, wanted)

    def leaf_of(self, value: Any, wanted: bool) -> New:
        tensor = Tensor(value, requires_grad=wanted)
        array = np.array(value) if isinstance(value, np.ndarray) else np.float64(value)
        place = Place() if wanted else None
        return self.keep(tensor, array, Recipe(None, (), array, place), place)

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(UNARY)))
    def unary(self, x: Held, name: str) -> New:
        return self.step(UNARY[name], x)

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(REDUCTIONS)))
    def reduction(self, x: Held, name: str) -> New:
        return self.step(REDUCTIONS[name], x)

    @rule(target=tensors, x=tensors, w=tensors, name=st.sampled_from(sorted(BINARY)))
    def binary(self, x: Held, name: str, w: Held) -> New:
        return self.step(BINARY[name], x, w)

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(VIEWS)))
    def view(self, x: Held, name: str) -> New:
        return self.step(VIEWS[name], x)

    @rule(target=tensors, x=tensors)
    def detach(self, x: Held) -> New:
        return self.keep(x.tensor.detach(), x.array, Recipe(None, (), x.array), None)

    @rule(x=consumes(tensors))
    def forget(self, x: Held) -> None:
        self.held.remove(x)
        x.tensor = None

    # --- rules: changes in place ---

    @rule(x=tensors, key=st.sampled_from(sorted(KEYS)), w=tensors)
    def assign(self, x: Held, key: str, w: Held) -> None:
        """x[key] = w"""
        step = _assigned(KEYS[key])
        recipe, array = self.foresee(step, (x, w))

        def write() -> None:
            x.tensor[KEYS[key]] = w.tensor

        if self.recording and x.is_leaf():
            self.refused(write, GradientError)
        elif isinstance(array, Exception):
            self.refused(write, ValueError, IndexError)
        elif self.has_company(x):
            self.refused(write, AliasError)
        elif recipe is not None:
            write()
            self.rewritten(x, recipe, array)

    @rule(x=tensors, name=st.sampled_from(sorted(IN_PLACE)), w=tensors)
    def in_place(self, x: Held, name: str, w: Held) -> None:
        """x += w: of a number, the name is bound anew; an array changes for everyone who holds it."""
        step = BINARY[name[0]]
        recipe, array = self.foresee(step, (x, w))
        number = x.tensor.shape == () and (self.recording or not x.is_leaf())
        if isinstance(array, Exception):
            self.refused(lambda: IN_PLACE[name](x.tensor, w.tensor), ValueError)
        elif number and recipe is not None:
            x.tensor = IN_PLACE[name](x.tensor, w.tensor)
            x.array, x.recipe, x.place = array, recipe, recipe.place
        elif number:
            return
        elif self.recording and x.is_leaf():
            self.refused(lambda: IN_PLACE[name](x.tensor, w.tensor), GradientError)
        elif np.shape(array) != np.shape(x.array):
            self.refused(lambda: IN_PLACE[name](x.tensor, w.tensor), ValueError)
        elif self.has_company(x):
            self.refused(lambda: IN_PLACE[name](x.tensor, w.tensor), AliasError)
        elif recipe is not None:
            before = x.tensor
            assert IN_PLACE[name](x.tensor, w.tensor) is before, f"{name} has made another Tensor"
            self.rewritten(x, recipe, array)

    def rewritten(self, x: Held, recipe: Recipe, array: Any) -> None:
        """A leaf that is updated by hand stays one; anything else takes the place of the result."""
        if x.is_leaf():
            x.follow(array)
        else:
            x.array, x.recipe, x.place = array, recipe, recipe.place

    @rule(x=tensors, w=tensors, bare=st.booleans())
    def replace_data(self, x: Held, w: Held, bare: bool) -> None:
        """x.data = w"""

        def replace() -> None:
            x.tensor.data = np.array(w.array) if bare else w.tensor

        if np.shape(x.array) != np.shape(w.array):
            self.refused(replace, ValueError)
        elif self.has_company(x):
            self.refused(replace, AliasError)
        else:
            replace()
            x.follow(np.array(w.array) if isinstance(w.array, np.ndarray) else w.array)

    @rule(target=arrays, x=tensors)
    def hand_out(self, x: Held) -> MultipleResults[Handed]:
        """x.data: the array itself, or a copy that takes its place in x, if others hold the array. Later it stays the same."""
        array = x.tensor.data
        memory = memory_of(x.array)
        if not isinstance(array, np.ndarray):
            return multiple()
        if memory is None or not any(memory_of(h.mirror) is memory for h in self.handed):
            x.array = np.array(x.array)
        self.handed.append(Handed(array, x.array))
        return multiple(self.handed[-1])

    @rule(handed=arrays, number=numbers(), every=st.booleans())
    def write(self, handed: Handed, number: float, every: bool) -> None:
        """Into an array that was handed out, which no graph may notice, and whoever looks at the memory does."""
        for array in (handed.array, handed.mirror):
            array[... if every else (0,) * array.ndim] = number
        for h in self.held:
            if memory_of(h.array) is memory_of(handed.mirror):
                h.follow(h.array)

    # --- rules: modes and gradients ---

    @precondition(lambda self: self.recording)
    @rule()
    def enter_no_grad(self) -> None:
        self.blocks.enter_context(no_grad())
        self.recording = False

    @precondition(lambda self: not self.recording)
    @rule()
    def leave_no_grad(self) -> None:
        self.blocks.close()
        self.recording = True

    @rule(x=tensors, wanted=st.booleans())
    def requires_grad(self, x: Held, wanted: bool) -> None:
        def switch() -> None:
            x.tensor.requires_grad = wanted

        if x.place is not None and not wanted and not x.is_leaf():
            self.refused(switch, GradientError)
            return
        switch()
        if wanted != (x.place is not None):
            x.restart(Place() if wanted else None)

    @rule(x=tensors, retain=st.booleans())
    def backward(self, x: Held, retain: bool) -> None:
        """Gradients of x, or of a weighted sum of its elements, added to those that are there."""
        run = self.pass_of(x, retain)
        if x.place is None:
            self.refused(run, GradientError)
        elif any(place.released for place in x.place.behind()):
            self.refused(run, GraphReleasedError)
        else:
            run()
            self.add_slopes(x, weights_of(x), retain)
            x.place.released = not retain and not x.place.leaf

    def pass_of(self, x: Held, retain: bool) -> Callable[[], Any]:
        """The call of backward() that a rule makes or refuses."""
        weights = weights_of(x)
        return lambda: x.tensor.backward(weights if weights.size > 1 else None, retain_graph=retain)

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(UNARY)), retain=st.booleans())
    def backward_into_an_error(self, x: Held, name: str, retain: bool) -> New:
        """Two steps, and passes that fail between them: in a hook, and later because the first has been released."""
        made = list(self.step(UNARY[name], x).values)
        made += [new for first in made for new in self.step(UNARY[name], first).values]
        if len(made) == 2:
            self.fail_between(x if x.is_leaf() else made[0], made[0], made[1], retain)
        return multiple(*made)

    def fail_between(self, where: Held, first: Held, second: Held, retain: bool) -> None:
        """Where the graph was retained, another attempt without the hook succeeds."""
        if second.place is None or any(place.released for place in second.place.behind()):
            return
        handle = where.tensor.register_hook(failing)
        self.refused(self.pass_of(second, retain), GradientError)
        handle.remove()
        second.place.released = not retain
        for held in (second, first, second):
            self.backward(held, retain and held is second)

    @rule(x=tensors)
    def backward_twice(self, x: Held) -> None:
        """With the graph retained, and then without."""
        self.backward(x, retain=True)
        self.backward(x, retain=False)

    @rule(target=tensors, x=tensors, w=tensors, name=st.sampled_from(sorted(BINARY)), retain=st.booleans())
    def backward_through(self, x: Held, name: str, w: Held, retain: bool) -> New:
        """A step that is differentiated at once, and kept."""
        new = self.step(BINARY[name], x, w)
        for result in new.values:
            self.backward(result, retain)
        return new

    @rule(target=tensors, x=tensors, w=tensors, name=st.sampled_from(sorted(BINARY)), number=numbers())
    def write_between(self, x: Held, name: str, w: Held, number: float) -> New:
        """An array is handed out, a graph made, the array written to, and the graph differentiated."""
        count = len(self.handed)
        self.hand_out(x)
        new = self.step(BINARY[name], x, w)
        for array in self.handed[count:]:
            self.write(array, number, every=True)
        for result in new.values:
            self.backward(result, retain=False)
        return new

    @rule(x=tensors)
    def backward_of_many(self, x: Held) -> None:
        """Of several numbers, without saying how they are weighed."""
        if x.tensor.size > 1:
            self.refused(x.tensor.backward, GradientError)

    def add_slopes(self, x: Held, weights: Any, retain: bool) -> None:
        """What backward() must have added: to every leaf, and to what is in between if it shows gradients."""
        assert x.place is not None
        for place in x.place.behind():
            owner = next((h for h in self.held if h.place is place), None)
            if owner is None or not (place.leaf or retain or type(bare(owner.tensor)) is float):
                continue
            slopes, error = slope(partial(weighed, x.recipe, weights, place), owner.tensor.shape)
            shown = bare(gradient_of(owner))
            assert shown is not None, "backward() has left no gradient"
            total = slopes if place.grad is None else place.grad + slopes
            assert same(shown, total, 1e-7 + 10 * error), f"a gradient of {shown} where the slopes add up to {total}"
            place.grad = np.array(shown)

    @rule(x=tensors, value=st.none() | numbers())
    def set_gradient(self, x: Held, value: float | None) -> None:
        given = None if value is None else np.full(x.tensor.shape, value)

        def reset() -> None:
            x.tensor.grad = given

        if x.place is None and given is not None:
            self.refused(reset, GradientError)
            return
        reset()
        if x.place is not None:
            x.place.grad = given

    @precondition(lambda self: any(h.place is not None and h.place.grad is not None for h in self.held))
    @rule(x=tensors, scale=st.sampled_from([1.0, 0.5]))
    def scale_gradient(self, x: Held, scale: float) -> None:
        """x.grad.data *= scale, which is nobody else's; and backward() never writes to an array that was handed out."""
        if x.place is None or x.place.grad is None:
            assert x.tensor.grad is None
            return
        array = x.tensor.grad.data
        if isinstance(array, np.ndarray):
            array *= scale
            x.place.grad = x.place.grad * scale
            self.seen = [(a, np.array(a) if np.shares_memory(a, array) else was) for a, was in self.seen]
            self.seen.append((array, array.copy()))

    # --- what holds after every step ---

    @invariant()
    def sound(self) -> None:
        """One invariant, not four: Hypothesis prints it after every step."""
        self.values_are_those_of_the_replay()
        self.places_are_those_foreseen()
        self.gradients_are_those_added_up()
        self.arrays_handed_out_are_nobodys_to_write()

    def values_are_those_of_the_replay(self) -> None:
        known: dict[Recipe, Any] = {}
        for h in self.held:
            ours = bare(h.tensor)
            assert same(ours, h.array, 1e-12), f"{h!r} where NumPy has {h.array}"
            assert same(ours, h.recipe.replay(known=known), 1e-10), f"{h!r} where the replay has {h.recipe.replay()}"
            assert h.tensor.dtype == np.float64, f"{h!r} of {h.tensor.dtype}"

    def places_are_those_foreseen(self) -> None:
        for h in self.held:
            assert h.tensor.requires_grad == (h.place is not None), f"{h!r} is in the graph, or not, against expectation"
            assert h.tensor.is_leaf == (h.place is None or h.place.leaf), f"{h!r} is a leaf, or not, against expectation"

    def gradients_are_those_added_up(self) -> None:
        for h in self.held:
            ours, expected = bare(gradient_of(h)), None if h.place is None else h.place.grad
            assert (ours is None) == (expected is None), f"the gradient of {h!r} is {ours}, expected {expected}"
            if ours is not None:
                assert same(ours, expected, 1e-12), f"the gradient of {h!r} is {ours}, expected {expected}"
                assert np.asarray(ours).dtype == h.tensor.dtype, f"a gradient of {np.asarray(ours).dtype} for {h!r}"

    def arrays_handed_out_are_nobodys_to_write(self) -> None:
        for handed in self.handed:
            assert same(handed.array, handed.mirror, 1e-12), f"an array handed out is {handed!r}, not {handed.mirror}"
        for array, was in self.seen:
            assert np.array_equal(array, was), f"an array of a gradient was written to: {array}, it was {was}"


def gradient_of(held: Held) -> Any:
    """What stands in `grad`, without the Tensor that looking at `grad` would make of it."""
    return None if held.tensor.node is None else held.tensor.node.grad
