"""What every derivative has to satisfy, whatever the function: checks that need no finite differences.

Each takes a function and its inputs as `check_grads` does, returns nothing, and raises `GradientMismatch` with both sides.
Stands on subject.
"""

from typing import Any

import numpy as np

from ..tensor import Tensor
from ..transforms import jvp, vjp
from .checks import GradientMismatch, as_code, normal_like, pairing
from .subject import Arrays, BlackBox, Subject, widened


def _subject(f: Any, inputs: tuple[Any, ...]) -> tuple[Subject, Arrays, Any]:
    subject = BlackBox(f[0], f[1], inputs, None) if isinstance(f, tuple) else Subject(f, inputs)
    return subject, list(map(widened, subject.given)), np.random.default_rng(0)


def _refuse(subject: Subject, words: str, xs: Arrays) -> None:
    raise GradientMismatch(f"{subject.name}: {words}\ninput: {as_code(xs)}")


def _close(a: Any, b: Any, size: float, rtol: float) -> bool:
    return bool(np.all(np.abs(a - b) <= rtol * (size + np.maximum(np.abs(a), np.abs(b)))))


def check_adjoint(f: Any, *inputs: Any, rtol: float = 1e-9) -> None:
    """The two modes are one linear map: the product of w with (J t) is that of (w J) with t.

    >>> import numpy as np
    >>> check_adjoint(np.cumprod, np.array([1.0, 2.0, 0.5]))
    """
    subject, xs, rng = _subject(f, inputs)
    ts = [normal_like(x, rng) for x in xs]
    pushed = subject.push(xs, ts)
    ws = [normal_like(y, rng) for y in pushed]
    pulled = subject.pull(xs, ws)
    forward = [pairing(w, y) for w, y in zip(ws, pushed, strict=True)]
    reverse = [pairing(g, t) for g, t in zip(pulled, ts, strict=True)]
    if not _close(sum(forward), sum(reverse), float(np.sum(np.abs(forward)) + np.sum(np.abs(reverse))), rtol):
        _refuse(subject, f"forward mode gives {sum(forward):.10g} along a direction, reverse mode {sum(reverse):.10g}", xs)


def check_linear(f: Any, *inputs: Any, rtol: float = 1e-9) -> None:
    """A vjp is linear in its cotangent.

    >>> import numpy as np
    >>> check_linear(np.tanh, np.array([0.3, -1.0]))
    """
    subject, xs, rng = _subject(f, inputs)
    ys = subject.values(xs)
    first, second = ([normal_like(y, rng) for y in ys] for _ in range(2))
    both = subject.pull(xs, [2 * a - 3 * b for a, b in zip(first, second, strict=True)])
    parts = zip(subject.names, both, subject.pull(xs, first), subject.pull(xs, second), strict=True)
    for name, whole, a, b in parts:
        size = float(np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0))
        if not _close(whole, 2 * a - 3 * b, size, rtol):
            _refuse(
                subject, f"the vjp is not linear in its cotangent: pull(2 a - 3 b) is not 2 pull(a) - 3 pull(b) at {name}", xs
            )


def check_deterministic(f: Any, *inputs: Any) -> None:
    """Two evaluations and two backward passes give the same bits.

    >>> import numpy as np
    >>> check_deterministic(np.sort, np.array([2.0, 1.0]))
    """
    subject, xs, rng = _subject(f, inputs)
    first = subject.values(xs)
    ws = [normal_like(y, rng) for y in first]
    for what, a, b in (("value", first, subject.values(xs)), ("gradient", subject.pull(xs, ws), subject.pull(xs, ws))):
        if any(x.tobytes() != y.tobytes() for x, y in zip(a, b, strict=True)):
            _refuse(subject, f"two runs on the same input give two {what}s", xs)


def check_no_mutation(f: Any, *inputs: Any) -> None:
    """Neither the function nor its derivatives write to the arrays of their inputs.

    >>> import numpy as np
    >>> check_no_mutation(np.sin, np.array([0.5]))
    """
    subject, xs, rng = _subject(f, inputs)
    ws = [normal_like(y, rng) for y in subject.values(xs)]
    seen: Arrays = list(xs)

    def watched(*values: Any) -> Any:
        seen[:] = [value._raw if isinstance(value, Tensor) else value for value in values]
        return subject.call(*values)

    def refuse_changed(who: str) -> None:
        for name, array, before in zip(subject.names, seen, xs, strict=True):
            if np.asarray(array).tobytes() != before.tobytes():
                _refuse(subject, f"{who} wrote to {name}", xs)

    if isinstance(subject, BlackBox):
        seen[:] = [x.copy() for x in xs]
        subject.pull(seen, ws)
        refuse_changed("the function, or its vjp,")
        return
    _, pull = vjp(watched, *xs)
    refuse_changed("the function")
    pull(ws)
    refuse_changed("reverse mode")
    jvp(watched, tuple(xs), tuple(normal_like(x, rng) for x in xs))
    refuse_changed("forward mode")


def check_dtypes(f: Any, *inputs: Any, dtypes: tuple[Any, ...] = (np.float16, np.float32, np.float64)) -> None:
    """Outputs have the precision of the inputs, and gradients the dtype of theirs.

    >>> import numpy as np
    >>> check_dtypes(lambda x: x * 0.1, np.array([1.0, 2.0]))
    """
    subject, xs, rng = _subject(f, inputs)
    for dtype in dtypes:
        narrow = [x.astype(dtype) if x.dtype.kind == "f" else x for x in xs]
        ys = subject.values(narrow)
        for i, y in enumerate(ys):
            if y.dtype.kind == "f" and y.dtype != dtype:
                _refuse(subject, f"output {i} of {np.dtype(dtype)} inputs is {y.dtype}", narrow)
        found = subject.pull(narrow, [normal_like(y, rng).astype(y.dtype) for y in ys])
        for name, g, x in zip(subject.names, found, narrow, strict=True):
            if g.dtype != x.dtype:
                _refuse(subject, f"the gradient of {name}, which is {x.dtype}, is {g.dtype}", narrow)


def check_broadcast(f: Any, *inputs: Any, rtol: float = 1e-9) -> None:
    """An axis of length one that is broadcast gets the sum of what the repeated elements would get.

    >>> import numpy as np
    >>> check_broadcast(np.hypot, np.array([3.0, 1.0]), np.array([4.0, 2.0]))
    """
    subject, xs, rng = _subject(f, inputs)
    for i, x in enumerate(xs):
        for axis in range(x.ndim):
            short, long = list(xs), list(xs)
            short[i] = x.take([0], axis)
            long[i] = np.repeat(short[i], x.shape[axis], axis)
            ys, zs = subject.values(short), subject.values(long)
            if [y.shape for y in ys] != [z.shape for z in zs]:
                continue  # the function does not broadcast along this axis
            ws = [normal_like(y, rng) for y in ys]
            ours, wanted = subject.pull(short, ws)[i], subject.pull(long, ws)[i].sum(axis=axis, keepdims=True)
            if ours.shape != wanted.shape or not _close(ours, wanted, float(np.max(np.abs(wanted), initial=0.0)), rtol):
                _refuse(subject, f"the gradient of {subject.names[i]}, broadcast along axis {axis}, is not the sum", short)


def check_second_order_symmetry(f: Any, *inputs: Any, rtol: float = 1e-8) -> None:
    """Second derivatives do not depend on the order: u H v is v H u.

    >>> import numpy as np
    >>> check_second_order_symmetry(lambda x: x[0] ** 2 * np.sin(x[1]), np.array([0.5, 1.0]))
    """
    subject, xs, rng = _subject(f, inputs)
    slopes = subject.derivative("rev", [normal_like(y, rng) for y in subject.values(xs)])
    us, vs = ([normal_like(x, rng) for x in xs] for _ in range(2))
    first = [pairing(u, h) for u, h in zip(us, slopes.pull(xs, vs), strict=True)]
    second = [pairing(v, h) for v, h in zip(vs, slopes.pull(xs, us), strict=True)]
    if not _close(sum(first), sum(second), float(np.sum(np.abs(first)) + np.sum(np.abs(second))), rtol):
        _refuse(subject, f"the second derivative is not symmetric: u H v is {sum(first):.10g}, v H u {sum(second):.10g}", xs)
