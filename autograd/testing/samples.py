"""Inputs to try a rule on, made from the samples that stand on it. Stands on `rule` alone.

A sample says shapes, attributes and, where values matter, the values; what it leaves open is drawn from the rule's domain.
"""

from typing import Any

import numpy as np

from ..errors import RuleError
from ..rule import GENERATOR, Domain, Rule, Sample

SHAPES: dict[int, list[tuple[Any, ...]]] = {1: [((2, 3),)], 2: [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3))]}
SHAPES[3] = [((2, 3), (2, 3), (2, 3))]


def samples_of(rule: Rule) -> list[Sample]:
    """The samples on the rule, or shapes that broadcast, for an elementwise one."""
    if rule.samples:
        return list(rule.samples)
    if not rule.elementwise:
        raise RuleError(f"rule {rule.name} has no samples: only an elementwise one can be tried without")
    return [Sample(shapes, {}) for shapes in SHAPES[len(rule.inputs)]]


def within(domain: Domain, shape: tuple[int, ...], rng: Any, dtype: Any = np.float64) -> Any:
    """Distinct values well inside a domain, none near another or near a whole number, where steps and kinks are."""
    low, high = max(domain.low, -2.0), min(domain.high, 2.0 if domain.low < 0 else 3.0)
    n = int(np.prod(shape))
    margin = 0.12 * (high - low)
    values = np.linspace(low + margin, high - margin, n + 2)[1:-1] + 0.013
    values = np.where(abs(values - np.round(values)) < 0.04, values + 0.06, values)
    return rng.permutation(values).reshape(shape).astype(dtype)


def build(rule: Rule, sample: Sample, dtype: Any = np.float64, seed: int = 0) -> list[Any]:
    """Arrays for the shapes of a sample; everything else in it as it is."""
    rng = np.random.default_rng(seed)
    inputs: list[Any] = []
    for i, given in enumerate(sample.inputs):
        if isinstance(given, tuple):
            name = rule.inputs[min(i, len(rule.inputs) - 1)]
            domain = rule.domain[name] if isinstance(rule.domain, dict) else rule.domain
            inputs.append((within(domain, given, rng, dtype) + np.dtype(dtype).type(0.011 * i)).astype(dtype))
        elif given is GENERATOR:
            inputs.append(np.random.default_rng(seed))
        elif isinstance(given, np.ndarray) and given.dtype.kind in "fc":
            inputs.append(given.astype(dtype if given.dtype.kind == "f" else complex_of(dtype)))
        else:
            inputs.append(given)
    return inputs


def complex_of(dtype: Any) -> Any:
    """The complex dtype of a real one's precision and byte order."""
    return np.dtype({2: "c8", 4: "c8", 8: "c16"}[np.dtype(dtype).itemsize]).newbyteorder(np.dtype(dtype).byteorder)
