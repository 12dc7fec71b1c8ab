"""Fixed points by iteration, with the derivative of the implicit function theorem. Stands on `extend`."""

from collections.abc import Callable
from typing import Any

from ..extend import defvjp, primitive, vspace
from ..transforms import vjp as pull_back


@primitive
def fixed_point(
    f: Callable[[Any], Callable[[Any], Any]], a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float
) -> Any:
    """The x with f(a)(x) = x, by iteration from x0 until `distance` of two steps is at most `tol`.

    Its gradient with respect to `a` solves a linear equation, by iteration too, and keeps nothing of the steps:
    w = g + w df/dx at the fixed point, then w df/da. The start x0 has no influence on it.

    >>> from autograd import grad
    >>> newton = lambda a: lambda x: 0.5 * (x + a / x)
    >>> root = lambda a: fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    >>> print(f"{root(2.0):.6f} {grad(root)(2.0):.6f}")
    1.414214 0.353553
    """
    step = f(a)
    before, x = x0, step(x0)
    while distance(x, before) > tol:
        before, x = x, step(x)
    return x


def _fixed_point_vjp(ans: Any, f: Any, a: Any, x0: Any, distance: Any, tol: float) -> Callable[[Any], Any]:
    def step(a: Any, x: Any) -> Any:
        return f(a)(x)

    # Both times with respect to a and x, so that the sweep ends at both: x may itself come from a fixed point of this f.
    def adjoint(parameters: Any) -> Callable[[Any], Any]:
        a, x, g = parameters
        _, pull = pull_back(step, a, x)
        return lambda w: vspace(g).add(g, pull(w)[1])

    def vjp(g: Any) -> Any:
        w = fixed_point(adjoint, (a, ans, g), vspace(ans).zeros(), distance, tol)
        return pull_back(step, a, ans)[1](w)[0]

    return vjp


defvjp(fixed_point, _fixed_point_vjp, None, argnums=(1, 2))
