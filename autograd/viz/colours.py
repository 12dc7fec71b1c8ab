"""The colours of all pictures, for light and for dark, in one place.

Kinds have the colours of Okabe and Ito, which people with any kind of colour blindness tell apart. Magnitudes go along one
scale from dark violet through green to yellow, whose lightness only grows. Stands on nothing; the page gets the same tables.
"""

import math
from collections.abc import Iterable

# kind -> (fill, line) in the light and in the dark
KINDS = {
    "op": ("#ffffff", "#8e99a8", "#1c2430", "#6b7889"),
    "input": ("#e3f0fa", "#0072b2", "#10293d", "#56b4e9"),
    "parameter": ("#fdf1d9", "#d18f00", "#3a2a08", "#e69f00"),
    "buffer": ("#f8e9f1", "#b8639a", "#381c2c", "#cc79a7"),
    "constant": ("#e0f3ec", "#009e73", "#0a2f25", "#1fb98c"),
    "folded": ("#edf0f5", "#7a879a", "#283140", "#8593a6"),
    "open": ("#f7f8fb", "#c3cad6", "#161d27", "#3a4656"),
    "port": ("#ffffff", "#c3cad6", "#1c2430", "#4a5768"),
}
# mark -> line in the light and in the dark, the gravest first; what does not stand here is drawn as "other"
MARKS = {
    "failed": ("#c63d00", "#ff7a33"),
    "clash": ("#c63d00", "#ff7a33"),
    "origin": ("#c63d00", "#ff7a33"),
    "reached": ("#e08a55", "#b8683c"),
    "added": ("#007a59", "#1fb98c"),
    "removed": ("#b8639a", "#cc79a7"),
    "changed": ("#b07800", "#e69f00"),
    "other": ("#0072b2", "#56b4e9"),
}
# what is not a box, in the light and in the dark
PAPER = ("#ffffff", "#0f141b")
INK = ("#1d2430", "#e6eaf0")  # names
QUIET = ("#5a6575", "#9aa6b5")  # everything else that is read
LINE = ("#98a2b1", "#66727f")  # links
SCALE = ("#35205e", "#3b4d8a", "#2b7a8c", "#2ea57d", "#86ca55", "#f2e14c")  # of magnitudes, small to large
ZERO = ("#d9dde3", "#3a424d")  # a magnitude of zero, which no log scale holds


def mark_of(marks: Iterable[str]) -> str:
    """The entry of MARKS for the gravest of these marks.

    >>> mark_of(["clash: axis 1"]), mark_of(["no_grad", "gradient reached"]), mark_of(["seen"])
    ('clash', 'reached', 'other')
    """
    known = {mark.removeprefix("gradient ").partition(" ")[0].rstrip(":") for mark in marks}
    return next((name for name in MARKS if name in known), "other")


def scale(t: float) -> str:
    """The colour at `t` of the way along SCALE.

    >>> scale(0.0), scale(1.0)
    ('#35205e', '#f2e14c')
    """
    along = min(max(t, 0.0), 1.0) * (len(SCALE) - 1)
    i = min(int(along), len(SCALE) - 2)
    mixed = [a + (b - a) * (along - i) for a, b in zip(_rgb(SCALE[i]), _rgb(SCALE[i + 1]), strict=True)]
    return "#" + "".join(f"{math.floor(c + 0.5):02x}" for c in mixed)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily on the colour (relative luminance, as WCAG has it).

    >>> ink_on("#35205e"), ink_on("#f2e14c")
    ('#ffffff', '#10151c')
    """
    red, green, blue = (_linear(c / 255) for c in _rgb(colour))
    return "#10151c" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.2 else "#ffffff"


def _linear(c: float) -> float:
    return c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
