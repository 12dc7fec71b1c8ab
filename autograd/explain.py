"""Words for errors: what a value is, where the user's own line stands, and why shapes clash.

Stands on nothing but NumPy; knows neither Tensor nor rule.
"""

import itertools
import opcode
import os
import sys
from typing import Any

import numpy as np

PACKAGE = os.path.dirname(__file__) + os.sep


def kind_of(value: Any) -> str:
    """`float32[2, 3]` for arrays, the type's name for other things.

    >>> kind_of(np.zeros((2, 3), np.float32))
    'float32[2, 3]'
    >>> kind_of(2.0)
    'float'
    """
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    return type(value).__name__


def range_of(value: Any) -> str:
    """Smallest and largest entry, and how many entries are nan or infinite.

    >>> range_of(np.array([1.0, np.nan, 3.0]))
    '1 to 3, 1 of 3 nan'
    """
    array = np.asarray(value)
    finite = array[np.isfinite(array)]
    if np.iscomplexobj(finite):
        finite = abs(finite)
    words = [f"{finite.min():.6g} to {finite.max():.6g}"] if finite.size else ["nothing finite"]
    bad = {"nan": int(np.isnan(array).sum()), "infinite": int(np.isinf(array).sum())}
    return ", ".join(words + [f"{count} of {array.size} {name}" for name, count in bad.items() if count])


def user_source() -> tuple[str, int]:
    """File and line of the innermost caller outside this package."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def source_line(source: tuple[str, int] | None) -> str:
    """The place and its text, as a traceback shows them."""
    if source is None:
        return "an unknown line (the graph was made before detect_anomaly() was switched on)"
    import linecache  # costs nothing where nothing goes wrong

    text = linecache.getline(*source).strip()
    return f"{source[0]}:{source[1]}" + (f"\n    {text}" if text else "")


def broadcast_clash(shapes: list[tuple[int, ...]]) -> str:
    """Which axis it is that does not broadcast, or an empty string when all do.

    >>> broadcast_clash([(2, 3), (4,)])
    'axis -1 has length 3 in one and 4 in another, and neither is 1'
    """
    for axis in range(-1, -max(map(len, shapes), default=0) - 1, -1):
        lengths = sorted({shape[axis] for shape in shapes if len(shape) >= -axis} - {1})
        if len(lengths) > 1:
            return f"axis {axis} has length {lengths[0]} in one and {lengths[1]} in another, and neither is 1"
    return ""


# Calls that are meant to make a plain number or text of a Tensor.
PLAIN: tuple[Any, ...] = (float, int, complex, bool, str, repr, format, print, isinstance)


def losing_call(frame: Any) -> str:
    """Who asks for a bare number in a frame, if it is a function that would go on without the gradient.

    `math.sin` (or another function by its name), `assignment` for `array[0] = t`, nothing for `float(t)`, `'%.4f' % t` and
    what cannot be made out. They all arrive at `t.__float__`; the frame knows the instruction, and the exact piece of the
    source, that it is evaluating.
    """
    import ast

    if opcode.opname[frame.f_code.co_code[frame.f_lasti]] == "STORE_SUBSCR":
        return "assignment"
    module = frame.f_globals.get("__name__", "")
    if module.partition(".")[0] in ("scipy", "sklearn"):  # float(t) in there is nobody's wish to drop a gradient
        return f"{module}.{frame.f_code.co_name}"
    called = evaluated(frame)
    if not isinstance(called, ast.Call):
        return ""
    names = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
    function: Any = None
    if isinstance(called.func, ast.Name):
        function = names.get(called.func.id)
    elif isinstance(called.func, ast.Attribute) and isinstance(called.func.value, ast.Name):
        function = getattr(names.get(called.func.value.id), called.func.attr, None)
    if function is None or any(function is plain for plain in PLAIN):
        return ""
    name = getattr(function, "__name__", repr(function))
    home = getattr(function, "__module__", None)
    return f"{home}.{name}" if home else str(name)


def evaluated(frame: Any) -> Any:
    """The syntax tree of the expression that a frame is evaluating, None where its source is not to be had."""
    import ast
    import linecache

    positions = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if positions is None or None in positions:
        return None
    first, last, start, end = positions
    lines = [linecache.getline(frame.f_code.co_filename, n, frame.f_globals) for n in range(first, last + 1)]
    if not all(lines):
        return None
    lines[-1] = lines[-1].encode()[:end].decode()
    lines[0] = lines[0].encode()[start:].decode()
    try:
        return ast.parse("(" + "".join(lines) + ")", mode="eval").body
    except SyntaxError:
        return None
