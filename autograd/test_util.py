"""Checks of derivatives against finite differences, as HIPS autograd's test_util spells them. Stands on `extend`.

>>> import numpy as np
>>> check_grads(lambda x: np.sin(x) * x, order=2)(np.array([0.5, 2.0]))
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from .extend import vspace
from .tracer import getval
from .transforms import jvp, vjp
from .tree import leaves, transform

Function = Callable[..., Any]

TOL = 1e-6
RTOL = 1e-6
STEP = 1e-6  # small, so that a kink is seldom near; what rounding does then is far below the tolerance


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers agree to 1e-6, absolutely or relatively.

    >>> scalar_close(1.0, 1.0 + 1e-7), scalar_close(1e9, 1e9 + 1), scalar_close(1.0, 1.001)
    (True, True, False)
    """
    return bool(abs(a - b) < TOL or abs(a - b) < RTOL * abs(a + b))


def numerical_jvp(f: Function, x: Any, v: Any) -> Any:
    """The derivative of f at x along v, by central differences."""
    space = vspace(x)
    there, back = (getval_all(f(space.add(x, space.scalar_mul(v, h)))) for h in (STEP / 2, -STEP / 2))
    return transform(lambda a, b: (a - b) / STEP, there, back)


def getval_all(tree: Any) -> Any:
    """Nested containers with plain values in the place of Tensors."""
    return transform(getval, tree)


def check_vjp(f: Function, x: Any) -> None:
    """Reverse mode against finite differences, along a random direction and for a random cotangent."""
    y, pull = vjp(f, x)
    x_space, y_space = vspace(x), vspace(y)
    x_v, y_v = x_space.randn(), y_space.randn()
    gradient = x_space.covector(getval_all(pull(y_space.covector(y_v))[0]))
    _check_kind(f, "gradient", vspace(gradient), x_space)
    exact = x_space.inner_prod(x_v, gradient)
    numeric = y_space.inner_prod(y_v, numerical_jvp(f, x, x_v))
    if not scalar_close(exact, numeric):
        raise AssertionError(
            f"Reverse mode (VJP) check of {_name(f)} failed at {x!r}: its derivative is {exact!r} and should be {numeric!r}"
        )


def check_jvp(f: Function, x: Any) -> None:
    """Forward mode against finite differences, along a random direction."""
    x_v = vspace(x).randn()
    y, tangent = jvp(f, (x,), (x_v,))
    _check_kind(f, "tangent", vspace(tangent), vspace(y))
    exact, numeric = getval_all(tangent), numerical_jvp(f, x, x_v)
    if not _agree(exact, numeric):
        raise AssertionError(
            f"Forward mode (JVP) check of {_name(f)} failed at {x!r}: its derivative is {exact!r} and should be {numeric!r}"
        )


def _name(f: Function) -> str:
    return getattr(f, "__name__", repr(f))


def _check_kind(f: Function, what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"the {what} of {_name(f)} is of the kind {found!r}, not {expected!r}")


def check_equivalent(x: Any, y: Any) -> None:
    """Two values of one kind, equal along a random direction."""
    if [np.shape(leaf) for leaf in leaves(x)] != [np.shape(leaf) for leaf in leaves(y)]:
        raise AssertionError(f"values of different kinds: {vspace(x)!r} and {vspace(y)!r}")
    if not _agree(x, y):
        raise AssertionError(f"values that differ: {x!r} and {y!r}")


def _agree(x: Any, y: Any) -> bool:
    space = vspace(x)
    v = space.randn()
    return scalar_close(space.inner_prod(x, v), space.inner_prod(y, v))


def check_grads(
    f: Function, argnum: int | Sequence[int] = 0, modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> Callable[..., None]:
    """check_grads(f)(*args) checks the derivatives of f with respect to the argument, or arguments, at `argnum`, in forward
    and reverse mode and in all their combinations up to an order. It raises AssertionError where one is wrong."""
    if not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f"modes are 'fwd' and 'rev', not {modes!r}")

    def check(*args: Any, **kwargs: Any) -> None:
        places = [argnum] if isinstance(argnum, int) else list(argnum)

        def of_chosen(x: Any) -> Any:
            full = list(args)
            for place, value in zip(places, [x] if isinstance(argnum, int) else x, strict=True):
                full[place] = value
            return f(*full, **kwargs)

        of_chosen.__name__ = _name(f)
        _check(of_chosen, args[argnum] if isinstance(argnum, int) else tuple(args[i] for i in places), modes, order)

    return check


def _check(f: Function, x: Any, modes: Sequence[str], order: int) -> None:
    """The checks of a function of one argument, and those of its derivatives as functions of (x, v)."""
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:
            _check_next(lambda x, v: jvp(f, (x,), (v,))[1], f"jvp_{_name(f)}", x, vspace(x).randn(), modes, order)
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:
            v = vspace(getval_all(f(x))).randn()
            _check_next(lambda x, v: vjp(f, x)[1](v)[0], f"vjp_{_name(f)}", x, v, modes, order)


def _check_next(derivative: Function, name: str, x: Any, v: Any, modes: Sequence[str], order: int) -> None:
    def of_both(both: Any) -> Any:
        return derivative(*both)

    of_both.__name__ = name
    _check(of_both, (x, v), modes, order - 1)


def combo_check(f: Function, argnum: int | Sequence[int] = 0, **options: Any) -> Callable[..., None]:
    """combo_check(f)([x1, x2], [y1], axis=[0, 1]) checks the derivatives for all combinations of the values given."""

    def check(*args: Any, **kwargs: Any) -> None:
        for positional in product(*args):
            for named in product(*kwargs.values()):
                check_grads(f, argnum, **options)(*positional, **dict(zip(kwargs, named, strict=True)))

    return check
