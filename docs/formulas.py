"""Formulas as MathML, which browsers show by themselves: no script, no network. A Sphinx extension.

Stands on latex2mathml. A formula that it does not understand is a warning, and so fails the build.
"""

from html import unescape
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from sphinx.application import Sphinx
from sphinx.util import logging

ROWS = ("math", "mrow", "mstyle", "mtd", "msqrt")  # what may have any number of children
ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
ERRORS = tuple(error for error in vars(exceptions).values() if isinstance(error, type))
logger = logging.getLogger(__name__)


def finish(element: ElementTree.Element) -> None:
    """Signs as they are instead of by number, and a thin space after `ln` in `ln x`, where MathML would set none."""
    element.text = unescape(element.text) if element.text else None
    for child in element:
        finish(child)
    if element.tag not in ROWS:
        return
    children = list(element)
    for i in reversed(range(len(children) - 1)):
        if is_function(children[i]) and children[i + 1].tag not in ("mo", "mspace", "mfenced"):
            element.insert(i + 1, ElementTree.Element("mspace", width="0.167em"))


def is_whole(element: ElementTree.Element) -> bool:
    """Not so where an argument is missing, or where a command stands as it came because it is not known."""
    return "\\" not in (element.text or "") and len(element) == ARITY.get(element.tag, len(element))


def is_function(element: ElementTree.Element) -> bool:
    """Whether this is a name like `ln`, or `log` with an index."""
    if element.tag in ("msub", "msup", "msubsup"):
        return is_function(element[0])
    return element.tag == "mi" and len(element.text or "") > 1


def mathml(node: nodes.math | nodes.math_block) -> str:
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    try:
        element = convert_to_element(node.astext(), display=display)
    except ERRORS as error:
        logger.warning("latex2mathml does not understand %r: %r", node.astext(), error, location=node)
        return ""
    if not all(is_whole(part) for part in element.iter()):
        logger.warning("latex2mathml does not know all of %r", node.astext(), location=node)
    finish(element)
    return ElementTree.tostring(element, encoding="unicode")


def show(self: Any, node: Any) -> None:
    self.body.append(mathml(node))
    raise nodes.SkipNode


def show_block(self: Any, node: Any) -> None:
    self.body.append(f'<div class="formula">{mathml(node)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (show, None), (show_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
