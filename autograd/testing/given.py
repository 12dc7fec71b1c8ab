"""The front door of property-based gradient testing: one line, and Hypothesis looks for an input at which a gradient is wrong.

>>> import numpy as np
>>> from autograd.testing.given import assert_gradients
>>> assert_gradients(np.sinc)

What is wrong is shrunk to the smallest input that shows it. Stands on check_grads, on Hypothesis (the extra `testing`) and on
the rules, which say where an op is defined; of derivatives it knows nothing itself.
"""

import functools
import inspect
import math
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, Unsatisfiable

from ..rule import GENERATOR, Domain, Rule, Sample, reals
from ..tensor import Tensor, implementations
from ..tree import leaves, transform
from .checks import GradientMismatch, NotSmooth, Report, check_grads
from .samples import samples_of
from .strategies import GAP, Shape, arrays, broadcastable_shapes
from .subject import moves, plain

Settings: TypeAlias = hypothesis.settings
Drawn: TypeAlias = st.SearchStrategy[Any]

ATTRIBUTES = "attributes"  # the name under which the attributes of a rule's sample are drawn
IN_USE = "_hypothesis_internal_use_settings"  # where Hypothesis keeps the settings of a test; there is no public way to ask
FIELDS = tuple(name for name, p in inspect.signature(Settings).parameters.items() if p.kind is p.KEYWORD_ONLY)
REACH = 4.0
LONG = 1000  # characters of an input as code


# --- settings --------------------------------------------------------------------------------------------------------------


def profile() -> Settings:
    """Settings of Hypothesis that suit gradients: those in force, but without a deadline, for checks take their time.

    Where the environment variable CI is set, every run draws the same inputs, and there is no example database, for Hypothesis
    has no use for one then; elsewhere the database is kept, so that a failure is tried again first.
    """
    default = Settings.default
    assert default is not None
    repeatable: dict[str, Any] = {"derandomize": True} if "CI" in os.environ else {}
    return Settings(
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,  # one wrong derivative shows in both modes and orders: the smallest input says it all
        phases=[phase for phase in default.phases if phase is not Phase.explain],
        suppress_health_check={*default.suppress_health_check, HealthCheck.too_slow, HealthCheck.filter_too_much},
        **repeatable,
    )


def over_profile(theirs: Settings) -> Settings:
    """The profile, with every field that differs from the default in force; what is not to be looked at is put together.

    A settings object does not know which of its fields were set: one that was set to the default counts as not set.
    """
    ours, default = profile(), Settings.default
    chosen = {name: getattr(theirs, name) for name in FIELDS if getattr(theirs, name) != getattr(default, name)}
    if "suppress_health_check" in chosen:
        chosen["suppress_health_check"] = {*ours.suppress_health_check, *theirs.suppress_health_check}
    return Settings(ours, **chosen)


# --- what to draw ----------------------------------------------------------------------------------------------------------


def rule_of(f: Any) -> Rule | None:
    """The rule of one of our ops, or of the op behind one of NumPy's functions."""
    op = implementations.get(f) if callable(f) and getattr(f, "__hash__", None) else None
    found = getattr(f, "rule", None) or getattr(op, "rule", None)
    return found if isinstance(found, Rule) else None


def _parameters(f: Any, rule: Rule | None) -> tuple[list[str], int]:
    """The names of what f takes by position, and how many of them it needs."""
    if rule is not None:
        return list(rule.inputs), len(rule.inputs)
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        count = getattr(f, "nin", 0)
        return [f"x{i}" for i in range(count)], count
    places = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in places], sum(p.default is p.empty for p in places)


def _within(domain: Domain, shape: Any) -> Drawn:
    """Arrays with values well inside a domain, whole numbers among them."""
    low = max(domain.low, -REACH) if domain.high > -REACH else domain.high - REACH
    high = min(domain.high, max(REACH, low + REACH))
    ends = tuple(end for end in domain if math.isfinite(end))
    return arrays(shape, elements=(low, high), away_from=ends, gap=min(GAP, (high - low) / 8), layout="contiguous")


def _domain(rule: Rule | None, name: str) -> Domain:
    if rule is None:
        return reals
    return rule.domain.get(name, reals) if isinstance(rule.domain, dict) else rule.domain


def _varied(rule: Rule, sample: Sample, i: int) -> Drawn:
    """An input of a sample, with other values: of a shape, any in the domain; of numbers, these times a factor that keeps a
    matrix as definite and as well conditioned as it is."""
    given = sample.inputs[i]
    if isinstance(given, tuple):
        return _within(_domain(rule, rule.inputs[min(i, len(rule.inputs) - 1)]), given)
    if isinstance(given, np.ndarray) and given.dtype.kind in "fc":
        return st.sampled_from([1.0, 1.25, 0.75]).map(lambda factor: given * factor)
    return st.builds(np.random.default_rng, st.just(0)) if given is GENERATOR else st.just(given)


def _from_samples(rule: Rule) -> dict[str, Drawn]:
    """Inputs and attributes that fit together, because they are those of one of the rule's samples."""
    chosen = st.shared(st.sampled_from(samples_of(rule)), key="sample")

    def drawn(i: int) -> Drawn:
        if rule.inputs[i] != rule.rest:
            return chosen.flatmap(lambda sample: _varied(rule, sample, i))
        return chosen.flatmap(lambda sample: st.tuples(*(_varied(rule, sample, j) for j in range(i, len(sample.inputs)))))

    found = {name: drawn(i) for i, name in enumerate(rule.inputs)}
    return {**found, ATTRIBUTES: chosen.map(lambda sample: sample.attributes)}


def _broadcasting(names: list[str], rule: Rule | None) -> dict[str, Drawn]:
    """Float arrays of shapes that broadcast together."""
    together = st.shared(broadcastable_shapes(len(names)), key="shapes") if names else st.nothing()

    def shape(i: int) -> st.SearchStrategy[Shape]:
        return together.map(lambda found: found[i])

    return {name: _within(_domain(rule, name), shape(i)) for i, name in enumerate(names)}


class Search:
    """A function, what to draw for it, and what came of it so far.

    `positional` are the names of what is passed by position, `rest` of what is spread there, `made` of what nobody asked for.
    """

    def __init__(self, f: Any, given: tuple[Drawn, ...], named: dict[str, Drawn], options: dict[str, Any]) -> None:
        self.function, self.options = f, options
        self.target = target = f[0] if isinstance(f, tuple) else f
        self.name = str(options.get("name") or getattr(target, "__name__", type(target).__name__))
        rule = rule_of(target)
        places, needed = _parameters(target, rule)
        more = [f"{places[-1] if rule and rule.rest else 'x'}{i}" for i in range(len(places), len(given))]
        strategies = {**dict(zip(places + more, given, strict=False)), **named}
        if len(strategies) < len(given) + len(named):
            raise InvalidArgument(f"{self.name}: {', '.join(named)} is given twice, by place and by name")
        missing = [name for name in places[:needed] if name not in strategies]
        if rule and rule.samples and missing == places:
            made = _from_samples(rule)
        else:
            made = _broadcasting(missing, rule)
        self.made = frozenset(made)
        self.is_op = rule is not None  # whose attributes are no inputs
        self.held = {i for i in range(len(places)) if rule and rule.joint is None and rule.derivatives[i] is None}
        self.rest = rule.rest if rule and rule.rest in self.made else None
        self.strategies = {**made, **strategies}
        self.positional = [name for name in places + more if name in self.strategies]
        self.reason: Exception | None = None
        self.checked = hasattr(f, "named_parameters")  # whether there was ever an element to check
        if not self.strategies:
            raise InvalidArgument(f"{self.name} says no inputs that it needs: give a strategy for each")

    def call(self, drawn: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Drawn values as f takes them, by position and by name."""
        places = [drawn[name] for name in self.positional if name != self.rest]
        named = {name: value for name, value in drawn.items() if name not in (*self.positional, ATTRIBUTES)}
        if self.rest:
            places.extend(drawn[self.rest])
        return places, {**drawn.get(ATTRIBUTES, {}), **named}

    def check(self, drawn: dict[str, Any]) -> Report:
        """check_grads there. Rejects what cannot be checked; a mismatch is raised with the call that shows it again."""
        places, named = self.call(drawn)
        free = [i for i in range(len(places)) if i not in self.held]
        moving = {} if self.is_op else named
        inputs = [*(places[i] for i in free), *moving.values()]

        def f(*values: Any) -> Any:
            given = dict(zip(free, values, strict=False))
            by_name = dict(zip(moving, values[len(free) :], strict=True))
            return self.target(*(given.get(i, place) for i, place in enumerate(places)), **{**named, **by_name})

        # A module goes in as it is, because of its parameters, and a pair because of its vjp.
        checked = f if named or len(free) < len(places) else self.function
        code = ", ".join(map(written, inputs))
        wrong: GradientMismatch
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # outside its domain f gives nan, which is looked at
            try:
                self._look(f, inputs, code)
                report = check_grads(checked, *inputs, **{"name": self.name, **self.options})
                self.checked |= any(np.size(leaf) for leaf in leaves(inputs) if moves(leaf))
                return report
            except NotSmooth as reason:
                self.reason = reason
                hypothesis.reject()
            except GradientMismatch as mismatch:
                wrong = mismatch
        # Raised here, without a context: to Hypothesis all that is wrong with f is one failure, of which it wants the smallest.
        text = str(wrong).removesuffix(f"\ninput: {code}")
        raise GradientMismatch(f"{text}\nsee it again: {self.code(places, named)}")

    def _look(self, f: Callable[..., Any], inputs: list[Any], code: str) -> None:
        """The value has to be finite. Inputs that nobody asked for, and that f itself refuses, are no failure."""
        given = inputs if isinstance(self.function, tuple) else transform(_constant, inputs)
        try:
            found = [y for y in leaves(f(*given)) if moves(y)]
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            if not self.made:
                raise
            refused = f"{type(error).__name__}: {error}"
        else:
            if all(np.isfinite(plain(y)).all() for y in found):
                return
            refused = "its value is nan or infinite"
        raise NotSmooth(f"{refused}\ninput: {code}")

    def code(self, places: list[Any], named: dict[str, Any]) -> str:
        """The check as a line of Python."""
        call = self.name if self.name.isidentifier() else "f"
        moving = {f"x{i}": place for i, place in enumerate(places) if i not in self.held} | ({} if self.is_op else named)
        if named or self.held:
            words = [f"x{i}" if f"x{i}" in moving else written(place) for i, place in enumerate(places)]
            words += [f"{name}={name if name in moving else written(value)}" for name, value in named.items()]
            call = f"lambda {', '.join(moving)}: {call}({', '.join(words)})"
        options = [f"{name}={value!r}" for name, value in self.options.items() if name != "name"]
        text = f"check_grads({', '.join([call, *map(written, moving.values()), *options])})"
        return text if len(text) <= LONG else text[:LONG] + " ..."

    def nothing(self) -> NotSmooth:
        """The error if not one of the inputs could be checked."""
        hint = f"; give strategies for {', '.join(sorted(self.made - {ATTRIBUTES}))}" if self.made else ""
        last = f". The last one:\n{self.reason}" if self.reason else ", for all were empty"
        return NotSmooth(f"{self.name}: of the inputs that were drawn none could be checked{hint}{last}")


def _constant(leaf: Any) -> Any:
    return Tensor(leaf, requires_grad=False) if moves(leaf) and not isinstance(leaf, Tensor) else leaf


def written(value: Any) -> str:
    """A drawn value as code that makes it again."""
    if isinstance(value, Tensor):
        return f"Tensor({written(value.numpy())})"
    if isinstance(value, (np.ndarray, np.generic)):
        dtype = "" if value.dtype.name in ("float64", "int64", "bool", "complex128") else f", dtype=np.{value.dtype.name}"
        return f"np.array({value.tolist()}{dtype})" if value.size else f"np.zeros({value.shape}{dtype})"
    if type(value) is dict:
        return f"{{{', '.join(f'{k!r}: {written(v)}' for k, v in value.items())}}}"
    if type(value) in (list, tuple):
        words = ", ".join(map(written, value))
        return f"[{words}]" if type(value) is list else f"({words}{',' * (len(value) == 1)})"
    return repr(value)


# --- the front door --------------------------------------------------------------------------------------------------------


def given_gradients(
    f: Any, *strategies: Drawn, settings: Settings | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Makes a test of a function: before its body runs, `check_grads(f, ...)` at inputs that Hypothesis draws.

        @given_gradients(np.sinc)
        def test_sinc(report): ...

    The body may take the `report` of the check, and inputs by the names that f has for them; what else it takes are fixtures.
    See `assert_gradients` for the rest.
    """
    named = {name: value for name, value in options.items() if isinstance(value, st.SearchStrategy)}
    search = Search(f, strategies, named, {name: value for name, value in options.items() if name not in named})

    def decorated(body: Callable[..., Any]) -> Callable[..., None]:
        return _test(search, body, settings)

    return decorated


def assert_gradients(f: Any, *strategies: Drawn, settings: Settings | None = None, **options: Any) -> None:
    """Checks the derivatives of f at inputs that Hypothesis draws; an error with the smallest input at which they are wrong.

    - `f`: whatever check_grads takes: a function, a module, a pair (function, vjp)
    - `strategies`: for the inputs of f, by position or by name. What is not given is drawn for you: for an op within its
      domain, or from the samples on its rule; for another function an array for each argument without a default, of shapes that
      broadcast together
    - `settings`: of Hypothesis; each field in which they differ from its default goes before `profile()`
    - `options`: of check_grads, as `order=1`

    Inputs at which f is nan, jumps or is noisy are passed over. It is an error if there are no others.
    """

    def body() -> None: ...

    target = f[0] if isinstance(f, tuple) else f
    words = f"{getattr(target, '__module__', None)} {getattr(target, '__qualname__', type(target).__qualname__)}"
    body.__name__ = "gradients_of_" + re.sub(r"\W+", "_", words)  # a key of its own in the example database
    __tracebackhide__ = True
    given_gradients(f, *strategies, settings=settings, **options)(body)()


def _test(search: Search, body: Callable[..., Any], settings: Settings | None) -> Callable[..., None]:
    """The test as Hypothesis makes it, in a function that looks after its settings and its errors."""
    wanted = inspect.signature(body).parameters
    own = [p for name, p in wanted.items() if name != "report" and name not in search.strategies]
    drawn = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in search.strategies]

    @functools.wraps(body)
    def checked(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        kwargs.update(zip((p.name for p in own), args, strict=False))  # self, and fixtures
        inputs = {name: kwargs.pop(name) for name in search.strategies if name in kwargs}
        seen = {"report": search.check(inputs), **inputs}
        body(**kwargs, **{name: value for name, value in seen.items() if name in wanted})

    checked.__signature__ = inspect.Signature([*own, *drawn])  # type: ignore[attr-defined]
    made = hypothesis.given(**search.strategies)(checked)

    @functools.wraps(made)
    def test(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        left = {name: value for name, value in vars(test).items() if name != "__wrapped__"}
        vars(made).update(left)  # what @settings, @seed and @example above this one have said
        setattr(made, IN_USE, over_profile(left[IN_USE]))
        try:
            made(*args, **kwargs)
            if search.checked:
                return
            error: GradientMismatch = search.nothing()
        except GradientMismatch as mismatch:
            error = type(mismatch)(str(mismatch))
        except Unsatisfiable:
            error = search.nothing()
        raise error  # anew, for what Hypothesis adds is in it already, and nobody wants to see how it was found

    return test if settings is None else settings(test)
