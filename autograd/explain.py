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


def losing_call(frame: Any) -> str:
    """`math.sin` if a frame is calling that function of the module `math`, `assignment` for `array[0] = t`, else nothing.

    `math.sin(t)` and `'%.4f' % t` both arrive at `t.__float__`, and only the first loses a gradient. The frame knows the
    instruction, and the exact piece of the source, that it is evaluating.
    """
    import ast
    import linecache

    if opcode.opname[frame.f_code.co_code[frame.f_lasti]] == "STORE_SUBSCR":
        return "assignment"

    positions = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if positions is None or None in positions:
        return ""
    first, last, start, end = positions
    lines = [linecache.getline(frame.f_code.co_filename, n, frame.f_globals) for n in range(first, last + 1)]
    if not all(lines):
        return ""
    lines[-1] = lines[-1].encode()[:end].decode()
    lines[0] = lines[0].encode()[start:].decode()
    try:
        called = ast.parse("(" + "".join(lines) + ")", mode="eval").body
    except SyntaxError:
        return ""
    function: Any = None
    if isinstance(called, ast.Call) and isinstance(called.func, ast.Name):
        function = {**frame.f_globals, **frame.f_locals}.get(called.func.id)
    elif isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute) and isinstance(called.func.value, ast.Name):
        module = {**frame.f_globals, **frame.f_locals}.get(called.func.value.id)
        function = getattr(module, called.func.attr, None)
    module = getattr(function, "__module__", None)
    return f"{module}.{function.__name__}" if module in ("math", "cmath") else ""
