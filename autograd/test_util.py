"""Checks of derivatives as HIPS autograd's test_util spells them: names and call forms for what `testing` does.

>>> import numpy as np
>>> check_grads(lambda x: np.sin(x) * x, order=2)(np.array([0.5, 2.0]))
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from .extend import vspace
from .testing import checks, numeric
from .testing.subject import Subject, widened
from .tree import leaves, rebuild

Function = Callable[..., Any]

TOL = 1e-6
RTOL = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers agree to 1e-6, absolutely or relatively.

    >>> scalar_close(1.0, 1.0 + 1e-7), scalar_close(1e9, 1e9 + 1), scalar_close(1.0, 1.001)
    (True, True, False)
    """
    return bool(abs(a - b) < TOL or abs(a - b) < RTOL * abs(a + b))


def numerical_jvp(f: Function, x: Any, v: Any) -> Any:
    """The derivative of f at x along v, by finite differences.

    >>> float(numerical_jvp(lambda x: x**2, 3.0, 1.0).round(6))
    6.0
    """
    subject = Subject(f, (x,))
    direction = [numeric.STEP * np.asarray(part) for part in leaves(v)]
    slope = numeric.slope(subject.values, list(map(widened, subject.given)), direction)
    return rebuild(f(x), iter([value / numeric.STEP for value in slope.values]))


def check_vjp(f: Function, x: Any) -> None:
    """Reverse mode against finite differences."""
    checks.check_grads(f, x, modes=("rev",), order=1)


def check_jvp(f: Function, x: Any) -> None:
    """Forward mode against finite differences."""
    checks.check_grads(f, x, modes=("fwd",), order=1)


def check_equivalent(x: Any, y: Any) -> None:
    """Two values of one kind, equal along a random direction."""
    if [np.shape(leaf) for leaf in leaves(x)] != [np.shape(leaf) for leaf in leaves(y)]:
        raise AssertionError(f"values of different kinds: {vspace(x)!r} and {vspace(y)!r}")
    space = vspace(x)
    v = space.randn()
    if not scalar_close(space.inner_prod(x, v), space.inner_prod(y, v)):
        raise AssertionError(f"values that differ: {x!r} and {y!r}")


def check_grads(
    f: Function, argnum: int | Sequence[int] = 0, modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> Callable[..., None]:
    """check_grads(f)(*args) checks the derivatives of f with respect to the argument, or arguments, at `argnum`, in forward
    and reverse mode and in all their combinations up to an order. It raises AssertionError where one is wrong."""
    places = [argnum] if isinstance(argnum, int) else list(argnum)
    if not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f"modes are 'fwd' and 'rev', not {modes!r}")

    def check(*args: Any, **kwargs: Any) -> None:
        def of_chosen(*xs: Any) -> Any:
            full = list(args)
            for place, x in zip(places, xs, strict=True):
                full[place] = x
            return f(*full, **kwargs)

        chosen = (args[place] for place in places)
        checks.check_grads(of_chosen, *chosen, modes=tuple(modes), order=order, name=getattr(f, "__name__", repr(f)))

    return check


def combo_check(f: Function, argnum: int | Sequence[int] = 0, **options: Any) -> Callable[..., None]:
    """combo_check(f)([x1, x2], [y1], axis=[0, 1]) checks the derivatives for all combinations of the values given."""

    def check(*args: Any, **kwargs: Any) -> None:
        for positional in product(*args):
            for named in product(*kwargs.values()):
                check_grads(f, argnum, **options)(*positional, **dict(zip(kwargs, named, strict=True)))

    return check
