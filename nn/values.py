"""The values of parameters and buffers, as they move to another dtype or device, into a state_dict, or give way to others.

Stands on Tensor; knows no module.
"""

from typing import Any

import numpy as np

from autograd import DtypeError, GradientError, Tensor
from autograd.tensor import refuse_reading


def replace(value: Tensor, raw: Any) -> None:
    """A parameter or buffer takes another array of its shape, of any dtype and device; its gradient goes with it."""
    value._raw, value.sharing = raw, None
    node = value.node
    if node is not None:  # the same node, for hooks stand on it
        node.dtype, node.value = (None, raw) if type(raw) is float else (raw.dtype, None)
        if node.grad is not None:
            value.grad = Tensor(as_raw(value.grad._raw, raw), requires_grad=False)  # type: ignore[union-attr]


def as_raw(array: Any, like: Any) -> Any:
    """A copy of an array's values as what `like` is: its dtype, and on its device; or a Python number."""
    if type(like) in (float, int, bool):
        return type(like)(array)
    if isinstance(like, (np.ndarray, np.generic)):
        return np.array(array, like.dtype)
    return np.asarray(array, like=like).astype(like.dtype)


def settled(value: Any, what: str) -> Any:
    """The raw value of a leaf, outside of recordings; other things as they are."""
    if not isinstance(value, Tensor):
        return value
    if not value.is_leaf:
        raise GradientError(
            f"{what}: a parameter or buffer became the result of an op; assign to it within no_grad(), or detach() the value"
        )
    refuse_reading(value, what)
    return value._raw


def moved(raw: Any, dtype: Any, device: Any) -> Any:
    """A copy of an array in another dtype, if it is of floats, and on another device."""
    array = np.asarray(raw) if np.isscalar(raw) else raw
    if dtype is not None and array.dtype.kind in "fc":
        if array.dtype.kind == "c" and np.dtype(dtype).kind == "f":
            raise DtypeError(f"{array.dtype} does not become {np.dtype(dtype)}: the imaginary parts would be lost")
        array = array.astype(dtype)
    if device is None:
        return array.copy()
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return np.array(array.get() if hasattr(array, "get") else array)
    try:
        import cupy
    except ImportError:
        raise DtypeError(f"device {device!r} needs CuPy, which is not installed: pip install cupy-cuda12x") from None
    with cupy.cuda.Device(int(number or 0)):
        return cupy.array(array)


def plain(value: Any) -> Any:
    """An array, of NumPy or of another device, from what may stand in a state_dict."""
    if isinstance(value, Tensor):
        value = value._raw
    elif hasattr(value, "detach"):  # PyTorch's; NumPy has no bfloat16, and float32 holds all its values
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return value if hasattr(value, "dtype") and hasattr(value, "shape") else np.asarray(value)
