"""Writes `docs/ops.md`, the table of all ops, from the registry: `make docs`. A test holds the file fresh.

Nothing is written here about any op: name, formula, inputs, modes and dtypes are read off the rules, and what a rule accepts
is found by trying it on its own samples.
"""

import inspect
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import autograd
from autograd.rule import KINDS, Rule
from autograd.testing.samples import build, samples_of

TARGET = Path(__file__).with_name("ops.md")
NAMESPACES = {"autograd": autograd, "autograd.linalg": autograd.linalg, "autograd.fft": autograd.fft}
NAMESPACES |= {"autograd.special": autograd.special, "autograd.random": autograd.random}
DTYPES = {"float": np.float64, "complex": np.complex128, "int": np.int64}

HEAD = """# The ops

Written by `make docs` from the registry; do not edit.

An op is one rule: a forward in NumPy, and the derivatives with respect to its inputs. **Inputs in bold** have one, the others
are constants. Every op with a derivative works in reverse and in forward mode and can be differentiated again, to any order.
The kind says where forward mode comes from and what can be taken for granted:

{kinds}

dtypes: what the forward takes; float stands for float16 to float64 where NumPy or SciPy know them. *host*: on NumPy arrays
only.

{count} ops, {differentiable} of them with derivatives.
"""


def ours() -> list[Rule]:
    """The rules of the project itself that can be called; a user's rules have a dot in their key."""
    return [rule for key, rule in autograd.registry.items() if "." not in key and (rule.samples or rule.elementwise)]


def formula(function: Any) -> str:
    """The first paragraph of a docstring, on one line of a table."""
    words = (function.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(words.split()).replace("|", "\\|")


def inputs_of(rule: Rule) -> str:
    names = []
    for i, name in enumerate(rule.inputs):
        moving = rule.joint is not None or rule.derivatives[i] is not None
        star = "\\*" if name == rule.rest else ""
        names.append(f"**{star}{name}**" if moving else star + name)
    attributes = [f"{name}={rule.defaults[name]!r}" if name in rule.defaults else name for name in rule.attributes]
    return ", ".join(names) + ("; " + ", ".join(attributes) if attributes else "")


def dtypes_of(rule: Rule) -> str:
    """The kinds of numbers that the forward takes on one of the rule's samples."""
    return ", ".join(name for name, dtype in DTYPES.items() if any(takes(rule, sample, dtype) for sample in samples_of(rule)))


def takes(rule: Rule, sample: Any, dtype: Any) -> bool:
    """Whether the forward runs on the sample's arrays as another dtype."""
    given = build(rule, sample)
    places = [i for i, x in enumerate(given) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]
    kinds = {given[i].dtype.kind for i in places}
    if dtype is np.float64:
        return not places or kinds == {"f"}
    if dtype is np.complex128 and "c" in kinds:
        return True
    for i in places:
        given[i] = given[i].real.astype(dtype)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # only whether it runs is asked
        try:
            rule.forward(*given, **{**rule.defaults, **sample.attributes})
        except (TypeError, ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError):
            return False
    return bool(places)


def modes_of(rule: Rule) -> str:
    return f"reverse, forward ({rule.kind})" if rule.differentiable else ""


def title_of(module: str) -> str:
    """What a file of ops is about: the first sentence of its docstring."""
    words = " ".join((sys.modules[module].__doc__ or module).split())
    return words.split(". ")[0].rstrip(".")


def rules_table(rules: list[Rule]) -> list[str]:
    rows = ["| op | formula | inputs; attributes | modes (kind) | dtypes |", "|---|---|---|---|---|"]
    for rule in sorted(rules, key=lambda rule: rule.name):
        host = ", *host*" if rule.host else ""
        cells = (f"`{rule.name}`", formula(rule.op), inputs_of(rule), modes_of(rule), dtypes_of(rule) + host)
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def composites(space: Any) -> list[tuple[str, Any]]:
    """The public functions of a namespace that are made of ops."""
    names = getattr(space, "__all__", [name for name in vars(space) if not name.startswith("_")])
    found = []
    for name in names:
        function = getattr(space, name)
        own = getattr(function, "__module__", "").startswith(("autograd.ops", "autograd.integrate"))
        if inspect.isfunction(function) and own and not hasattr(function, "rule"):
            found.append((name, function))
    return sorted(found, key=lambda pair: pair[0])


def text() -> str:
    """The whole page."""
    rules = ours()
    kinds = "\n".join(f"- {name}: {words}" for name, words in KINDS.items())
    count, differentiable = len(rules), sum(rule.differentiable for rule in rules)
    lines = [HEAD.format(kinds=kinds, count=count, differentiable=differentiable)]
    for module in dict.fromkeys(rule.forward.__module__ for rule in rules):
        lines += [f"## {title_of(module)}", ""]
        lines += [*rules_table([rule for rule in rules if rule.forward.__module__ == module]), ""]
    lines += ["## Functions made of ops", "", "They have the derivatives of the ops that they are made of.", ""]
    for space, module in NAMESPACES.items():
        rows = [f"| `{name}` | {formula(function)} |" for name, function in composites(module)]
        if rows:
            lines += [f"### {space}", "", "| function | what it is |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
