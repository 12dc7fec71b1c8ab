"""scipy.signal with derivatives: `convolve`, in any number of dimensions, as HIPS autograd has it. Stands on the ops."""

from ..ops.signal import convolve_nd as convolve

__all__ = ["convolve"]
