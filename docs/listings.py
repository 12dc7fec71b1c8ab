"""The API reference from what the packages export: a Sphinx extension.

`.. public:: nn` with `:from: nn.linear nn.attention` lists what `nn.__all__` has from these modules, in the order in which they
define it, each as autodoc writes it. So a new layer is in the reference without a word here, and `tests/test_site.py` asks
`covered` whether every public name is on a page. Docstrings are plain text with names in single backticks, as the errors and
the pages are, not reST: `as_rest` lets them pass as such.
"""

import inspect
import re
import sys
from collections.abc import Container, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAME = re.compile(r"[A-Za-z_][\w.]*(\(\))?")
PLAINER = {  # what stands in signatures, and how it is shorter
    r"Callable\[\[?\.\.\.\]?, ~?(typing\.)?Any\]": "Callable",
    r"(\w): ~?(typing\.)?Any = ": r"\1=",
    r"(\w): ~?(typing\.)?Any(?=[,)])": r"\1",
    r"<factory>": "...",
}
QUOTED = re.compile(r"(`[^`]+`)")


def package(name: str) -> Any:
    """A module by the name that users write: `autograd.linalg`, which is the file `autograd/ops/linalg.py`."""
    top, *rest = name.split(".")
    thing = import_module(top)
    for i, part in enumerate(rest):
        if not hasattr(thing, part):
            import_module(".".join([top, *rest[: i + 1]]))
        thing = getattr(thing, part)
    return thing


def listed(name: str, modules: Sequence[str] = (), leave: Container[str] = ()) -> list[str]:
    """The public names of a package that functions and classes of these modules have, in the order of the modules."""
    home = package(name)
    found = [(key, getattr(home, key)) for key in exported(home) if key not in leave]
    found = [(key, thing) for key, thing in found if inspect.isroutine(thing) or inspect.isclass(thing)]
    found = [(key, thing) for key, thing in found if not modules or thing.__module__ in modules]
    return [key for key, _ in sorted(found, key=lambda pair: (place(pair[1], modules), pair[0] != pair[1].__name__))]


def exported(home: ModuleType) -> list[str]:
    """`__all__`, or the functions and classes that a module defines itself."""
    own = [key for key, thing in vars(home).items() if getattr(thing, "__module__", None) == home.__name__ and key[0] != "_"]
    return list(getattr(home, "__all__", own))


def place(thing: Any, modules: Sequence[str]) -> tuple[int, int]:
    """Which module defines a thing, and where in it."""
    module = thing.__module__
    defined = [id(other) for other in vars(sys.modules[module]).values()]
    return modules.index(module) if modules else 0, defined.index(id(thing)) if id(thing) in defined else len(defined)


class Public(SphinxDirective):
    """`.. public:: package`: an entry for each public name.

    `:from:` takes the names of some modules, `:leave:` names what is left out, `:first:` what comes first; with `:members:`
    methods are listed too.
    """

    required_arguments = 1
    option_spec = dict.fromkeys(("from", "leave", "first"), directives.unchanged) | {"members": directives.flag}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        chosen = listed(name, self.options.get("from", "").split(), self.options.get("leave", "").split())
        if not chosen:
            raise self.error(f"{name} has no public names from {self.options.get('from', 'anywhere')}")
        first = self.options.get("first", "").split()
        chosen.sort(key=lambda key: first.index(key) if key in first else len(first))
        return parsed(self, [line for key in chosen for line in entry(name, key, "members" in self.options)])


class Borrowed(SphinxDirective):
    """`.. borrowed:: package.Class`: the methods that were put on a class from elsewhere."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name, _, of = self.arguments[0].rpartition(".")
        thing = getattr(package(name), of)
        own = members(thing)
        lines = []
        for key, member in vars(thing).items():
            if key.startswith("_") or key in own:
                continue
            kind = "property" if isinstance(member, property) else "method"
            if inspect.getdoc(member):
                lines += [f".. auto{kind}:: {name}::{of}.{key}", ""]
            elif inspect.isroutine(member):
                lines += [f".. py:method:: {name}.{of}.{key}(...)", "", "   As in NumPy.", ""]
        return parsed(self, lines)


def parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    holder = nodes.Element()
    source = StringList(lines, source=directive.get_source_info()[0])
    directive.state.nested_parse(source, directive.content_offset, holder)
    return holder.children


def entry(name: str, key: str, with_members: bool) -> Iterator[str]:
    """The directive of autodoc that describes one name; a second name of something says only which."""
    thing = getattr(package(name), key)
    own = thing.__name__
    if key != own and own in exported(package(name)) and getattr(package(name), own) is thing:
        called = inspect.signature(thing)
        bare = called.replace(
            parameters=[one.replace(annotation=one.empty) for one in called.parameters.values()], return_annotation=called.empty
        )
        yield from (f".. py:function:: {key}{bare}", f"   :module: {name}", "", f"   The same as `{own}`.", "")
        return
    kind = "function" if inspect.isroutine(thing) else "exception" if issubclass(thing, BaseException) else "class"
    top, _, rest = (name, "", key) if name in sys.modules else f"{name}.{key}".partition(".")
    yield f".. auto{kind}:: {top}::{rest}"
    if with_members and kind == "class" and members(thing):
        yield f"   :members: {', '.join(members(thing))}"
    yield ""


def members(thing: type) -> list[str]:
    """The public methods and properties of a class that have a docstring and stand where the class does."""
    found = []
    for key, member in vars(thing).items():
        body = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not key.startswith("_") and inspect.getdoc(member) and getattr(body, "__module__", None) == thing.__module__:
            found.append(key)
    return found


def covered(page: str) -> Iterator[str]:
    """The full names that a page of the reference describes, read from its source."""
    for match in re.finditer(r"^\.\. public:: (\S+)\n((?:   :.*\n)*)", page, re.MULTILINE):
        options = dict(re.findall(r":(\w+): *(.*)", match[2]))
        for key in listed(match[1], options.get("from", "").split(), options.get("leave", "").split()):
            yield f"{match[1]}.{key}"
    for names in re.findall(r"^\.\. (?:auto|py:)\w+:: (.*(?:\n {8,}\S+)*)", page, re.MULTILINE):
        yield from (name.replace("::", ".") for name in re.sub(r"\(.*", "", names).split())


def named(role: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = ()) -> Any:
    """Single backticks: code, which is a link where it is the name of something in the reference."""
    if not NAME.fullmatch(text):
        return [nodes.literal(rawtext, text)], []
    env = inliner.document.settings.env
    target = text.removesuffix("()")
    reference = addnodes.pending_xref("", nodes.literal(rawtext, text), refdomain="py", reftype="obj", reftarget=target)
    reference["refdoc"], reference["refwarn"] = env.current_document.docname, False
    for context in ("py:module", "py:class"):
        reference[context] = env.ref_context.get(context)
    return [reference], []


def as_rest(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """A docstring as reST that says the same: outside of backticks and examples nothing is markup but lists and indentation.

    What is indented by itself is a formula or code, and is shown as it stands.
    """
    made: list[str] = []
    taken = parameters(thing)
    verbatim, level = False, 0  # whether the block that is being read stands as it is; where the text around it begins
    for i, line in enumerate(lines):
        begins = bool(line.strip()) and (i == 0 or not lines[i - 1].strip())
        indent = len(line) - len(line.lstrip())
        if begins and indent >= level + 4:
            made += ["::", ""]
            verbatim = True
        elif begins:
            verbatim, level = line.lstrip().startswith(">>>"), indent
        made.append(line if verbatim else escaped(line, taken))
    lines[:] = made


def escaped(line: str, taken: Container[str]) -> str:
    """A line in which only backticks are markup; the names in `taken` are code and no more."""
    parts = QUOTED.split(line)
    parts[::2] = [re.sub(r"([*|\\]|_\b|`)", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"`{part}`" if part.strip("`") in taken else part for part in parts[1::2]]
    return "".join(parts)


def parameters(thing: Any) -> Container[str]:
    """What a function or class is called with: `gradient` in a docstring is then its argument, not the function `gradient`."""
    try:
        return inspect.signature(thing).parameters
    except (TypeError, ValueError):  # no callable, or one of C
        return ()


def plainly(app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: Any, returns: Any) -> Any:
    """A signature without the annotations that say nothing."""
    for pattern, words in PLAINER.items():
        signature, returns = (re.sub(pattern, words, part) if part else None for part in (signature, returns))
    return signature, None if (returns or "").endswith("typing.Any") else returns


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("public", Public)
    app.add_directive("borrowed", Borrowed)
    app.add_role("named", named)
    app.config.default_role = "named"
    app.connect("autodoc-process-docstring", as_rest)
    app.connect("autodoc-process-signature", plainly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
