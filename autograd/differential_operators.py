"""The transforms of functions, by the name of the module that HIPS autograd keeps them in; and three that only it has.

Stands on `autograd.transforms`.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from .transforms import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

Function = Callable[..., Any]


def grad_named(fun: Function, argname: str) -> Function:
    """The gradient with respect to the argument of that name.

    >>> grad_named(lambda x, w: x * w, "w")(2.0, 3.0)
    2.0
    """
    names = list(signature(fun).parameters)
    if argname not in names:
        raise TypeError(f"the function has no argument {argname!r}: it takes {', '.join(names) or 'none'}")
    return grad(fun, names.index(argname))


def multigrad_dict(fun: Function) -> Function:
    """The gradients with respect to all arguments at once, as a dictionary by their names. Defaults count as given.

    >>> multigrad_dict(lambda x, w=3.0: x * w)(2.0)
    {'x': 3.0, 'w': 2.0}
    """
    parameters = signature(fun)

    def by_name(given: dict[str, Any]) -> Any:
        bound = parameters.bind_partial()
        bound.arguments.update(given)
        return fun(*bound.args, **bound.kwargs)

    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        found: dict[str, Any] = grad(by_name)(dict(bound.arguments))
        return found

    return gradients


def make_jvp_reversemode(fun: Function, argnum: int = 0) -> Function:
    """The function that returns t -> the derivative of `fun` along t, by transposing reverse mode: a check of `make_jvp`.

    >>> make_jvp_reversemode(lambda x: x**3)(2.0)(10.0)
    120.0
    """

    def made(*args: Any, **kwargs: Any) -> Function:
        def transposed(g: Any) -> Any:  # linear in g, so that it does not matter where its derivative is taken
            return make_vjp(fun, argnum)(*args, **kwargs)[0](g)

        push: Function = make_vjp(transposed)(fun(*args, **kwargs))[0]
        return push

    return made


__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]
