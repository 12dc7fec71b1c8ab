"""`python -m autograd.testing mymodule:function`: checks the derivatives of a function from the shell.

Its inputs are random numbers between 0.1 and 1, one for each parameter without a default, in the shapes that are given.
"""

import argparse
import inspect
import pkgutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .checks import KINKS, GradientMismatch, check_grads


def shape_of(text: str) -> tuple[int, ...]:
    """`2,3` -> (2, 3); nothing -> a number."""
    return tuple(int(n) for n in text.split(",") if n)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m autograd.testing", description="Derivatives against finite differences.")
    parser.add_argument("function", help="mymodule:function")
    parser.add_argument(
        "--shape", action="append", type=shape_of, default=[], help="2,3 for each argument in turn; a number else"
    )
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exhaustive", action="store_true", help="every element by itself")
    parser.add_argument("--kinks", choices=KINKS, default="leave", help="what to do at a kink: leave it, or demand least norm")
    return parser.parse_args(arguments)


def found(where: str) -> Any:
    """The function of a name, of a module in this folder or an installed one."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return pkgutil.resolve_name(where)
    except (ValueError, ImportError, AttributeError) as error:
        raise SystemExit(f"{where}: {error}. Name the function as module:function") from None


def main(arguments: list[str] | None = None) -> int:
    """Prints what was checked, or the failure; the exit status is 1 if a derivative is wrong."""
    options = parsed(arguments)
    function = found(options.function)
    wanted = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    shapes = options.shape + [()] * (len(wanted) - len(options.shape))
    rng = np.random.default_rng(options.seed)
    inputs = [rng.uniform(0.1, 1.0, size=shape).astype(options.dtype) for shape in shapes]
    settings = {"order": options.order, "exhaustive": options.exhaustive, "seed": options.seed, "kinks": options.kinks}
    try:
        report = check_grads(function, *inputs, **settings, each_op=True)
    except GradientMismatch as mismatch:
        print(mismatch)
        return 1
    for what, error in report.errors.items():
        print(f"{what}: right, worst relative error {error:.2g}")
    for op, error in report.ops.items():
        print(f"op {op}, by itself: {error:.2g}")
    for kink in report.kinks:
        print(f"kink: {kink}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
