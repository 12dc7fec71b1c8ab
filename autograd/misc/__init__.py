"""What HIPS autograd keeps beside differentiation: flattening of nested values, plain optimizers, fixed points."""

from .flatten import flatten, flatten_func

__all__ = ["flatten", "flatten_func"]
