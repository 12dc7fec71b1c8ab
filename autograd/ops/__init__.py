"""The ops, a file a family. Importing this package fills the registry and puts the operators and methods on Tensor."""

from . import contraction, creation, elementwise, fused, indexing, methods, movement, random, reduction, spellings

__all__ = [
    "contraction",
    "creation",
    "elementwise",
    "fused",
    "indexing",
    "methods",
    "movement",
    "random",
    "reduction",
    "spellings",
]
