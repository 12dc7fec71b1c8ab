"""Words for errors: what a value is, where the user's own line stands, and why shapes clash.

Stands on nothing but NumPy; knows neither Tensor nor rule.
"""

import dis
import functools
import linecache
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

    `math.sin` (or another function by its name), `assignment` for `array[0] = t`, `something` where that cannot be made out (in
    `[math.sin][0](t)`, or everywhere under `python -X no_debug_ranges`), nothing for `float(t)` and `'%.4f' % t`. They all
    arrive at `t.__float__`; the frame knows the instruction that it is at, and the instructions before it say what is called.
    The source is not asked: a program from a pipe has none.
    """
    name = opcode.opname[frame.f_code.co_code[frame.f_lasti]]
    if name == "STORE_SUBSCR":
        return "assignment"
    if name.startswith(("BINARY", "FORMAT")):
        return ""
    module = frame.f_globals.get("__name__", "")
    if module.partition(".")[0] in ("scipy", "sklearn"):  # float(t) in there is nobody's wish to drop a gradient
        return f"{module}.{frame.f_code.co_name}"
    function = called(frame) if "CALL" in name else None
    if any(function is plain for plain in PLAIN):
        return ""
    if function is None:
        return "something"
    home = getattr(function, "__module__", None)
    name = getattr(function, "__name__", repr(function))
    return f"{home}.{name}" if home else str(name)


# Instructions that come between the name of a function and its arguments, or stand for nothing.
NOTHING = ("CACHE", "PUSH_NULL", "NOP", "EXTENDED_ARG", "PRECALL", "KW_NAMES", "LOAD_CONST")


def called(frame: Any) -> Any:
    """What is called by the call that a frame is at, where that is `name(...)` or `name.attribute(...)`; else None."""
    first, *attributes = path_of(frame.f_code, frame.f_lasti) or ("",)
    spaces = (frame.f_locals, frame.f_globals, frame.f_builtins)
    found: Any = next((space[first] for space in spaces if first in space), None)
    for attribute in attributes:
        found = getattr(found, attribute, None)
    return found


@functools.lru_cache(1024)  # a loop of training asks for float(loss) at one place, ten thousand times
def path_of(code: Any, at: int) -> tuple[str, ...] | None:
    """The name, and the attributes, of what is called by the instruction at an offset.

    The name begins in the source where the call begins, and an instruction knows where its piece of the source begins.
    """
    before = [one for one in dis.get_instructions(code) if one.offset <= at]
    place = begins(before[-1])
    path: tuple[str, ...] | None = None
    for one in before[:-1]:
        if place is None or begins(one) != place or one.opname in NOTHING:
            continue
        if one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            path = path and (*path, one.argval)
        else:
            path = (one.argval,) if one.opname.startswith("LOAD") else None
    return path


def begins(instruction: Any) -> tuple[int, int] | None:
    """Line and column where the source of an instruction begins, None where Python was told not to keep that."""
    place = instruction.positions
    return None if place is None or place.col_offset is None else (place.lineno, place.col_offset)
