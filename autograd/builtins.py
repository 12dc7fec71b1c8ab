"""The built-in functions that HIPS autograd has versions of: `isinstance` and `type` see through a Tensor to its value.

Containers need no version of their own: a tuple, list or dict of Tensors is a plain one. Stands on `autograd`.
"""

import builtins
from typing import Any

from .tensor import Tensor

tuple, list, dict = builtins.tuple, builtins.list, builtins.dict


def type(value: Any) -> Any:
    """The type of a value; for a Tensor, of what it holds.

    >>> type(Tensor([1.0, 2.0])), type(Tensor(1.0))
    (<class 'numpy.ndarray'>, <class 'float'>)
    """
    return builtins.type(value._raw if builtins.isinstance(value, Tensor) else value)


def isinstance(value: Any, kinds: Any) -> bool:
    """Whether a value, or what a Tensor holds, is of a kind.

    >>> import numpy as np
    >>> isinstance(Tensor([1.0, 2.0]), np.ndarray), isinstance(Tensor(1.0), float), isinstance(Tensor(1.0), Tensor)
    (True, True, True)
    """
    return builtins.isinstance(value, kinds) or (builtins.isinstance(value, Tensor) and builtins.isinstance(value._raw, kinds))


__all__ = ["dict", "isinstance", "list", "tuple", "type"]
