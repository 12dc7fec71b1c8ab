"""Discrete Fourier transforms: `numpy.fft` and the `fft` extension of the array API.

Three ops, all over several axes: complex to complex, real to half a spectrum, half a spectrum to real. Every function is
one of them with its arguments written out. Stands on the lower ops.
"""

import operator

import numpy as np

from ..errors import DtypeError, IndexingError, ShapeError
from ..rule import rule, sample
from ..tensor import implementations, literal
from . import elementwise, movement
from .creation import refuse_device
from .spellings import as_array

# The scale that a transform in the other direction has, if it is to have the same one.
SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _resized(x, shape):
    """Cut, or filled with zeros, at the end of each axis: the transpose of the same with the shapes exchanged."""
    if np.shape(x) == tuple(shape):
        return x
    x = x[tuple(slice(n) for n in shape)]
    margins = tuple((0, n - length) for n, length in zip(shape, np.shape(x), strict=True))
    return np.pad(x, margins) if any(after for _, after in margins) else x


def _weighted(half, s, axes, inner):
    """Half a spectrum, times `inner` where an entry also stands for its mirror image, which is not stored."""
    n, axis = s[-1], axes[-1]
    places = np.arange(n // 2 + 1, like=half)
    weights = np.where(2 * places % n == 0, 1.0, inner).astype(half.dtype.type().real.dtype)
    return half * weights.reshape((-1,) + (1,) * (len(half.shape) - 1 - axis))


# The matrix of a transform is symmetric, so that it is its own transpose; what is cut or filled before comes after.
@rule(
    kind="linear",
    x=lambda g, x_shape, s, axes, norm, inverse: _resized(fourier(g, s=s, axes=axes, norm=norm, inverse=inverse), x_shape),
    samples=[
        sample((5,), s=(5,), axes=(0,), norm=None, inverse=False),
        sample((2, 4), s=(3,), axes=(1,), norm="ortho", inverse=True),
        sample((2, 3), s=(4, 2), axes=(0, 1), norm="forward", inverse=False),
        sample(np.array([[0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]] * 2), s=(4,), axes=(1,), norm=None, inverse=False),
        sample(np.array([[0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]] * 2), s=(2, 3), axes=(0, 1), norm=None, inverse=True),
    ],
)
def fourier(x, *, s, axes, norm, inverse):
    """The transform over distinct axes, which are first cut or filled with zeros to the lengths s; or its inverse."""
    y = (np.fft.ifftn if inverse else np.fft.fftn)(x, s=s, axes=axes, norm=norm)
    return y if axes else y.copy()


@rule(
    kind="linear",
    x=lambda g, x_shape, s, axes, norm: _resized(
        real_from_half(_weighted(np.conj(g), s, axes, 0.5), s=s, axes=axes, norm=SWAPPED[norm]), x_shape
    ),
    samples=[
        sample((5,), s=(5,), axes=(0,), norm=None),
        sample((4,), s=(4,), axes=(0,), norm="forward"),
        sample((2, 4), s=(5,), axes=(1,), norm="ortho"),
        sample((3, 5), s=(4, 3), axes=(1, 0), norm=None),
        sample((1,), s=(1,), axes=(0,), norm=None),
    ],
)
def half_of_real(x, *, s, axes, norm):
    """The transform of real values, without the half (along the last of the axes) that follows from the other by symmetry."""
    return np.fft.rfftn(x, s=s, axes=axes, norm=norm)


@rule(
    kind="linear",
    x=lambda g, x_shape, s, axes, norm: _resized(
        _weighted(np.conj(half_of_real(g, s=s, axes=axes, norm=SWAPPED[norm])), s, axes, 2.0), x_shape
    ),
    samples=[
        sample(np.array([0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]), s=(4,), axes=(0,), norm=None),
        sample(np.array([0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]), s=(5,), axes=(0,), norm="ortho"),
        sample(np.array([[0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]] * 2), s=(2, 3), axes=(0, 1), norm="forward"),
        sample(np.array([[0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]] * 2), s=(4, 6), axes=(1, 0), norm=None),
        sample((3,), s=(4,), axes=(0,), norm=None),
        sample((2,), s=(1,), axes=(0,), norm=None),
    ],
)
def real_from_half(x, *, s, axes, norm):
    """The inverse of `half_of_real`. It does not look at the imaginary parts that are zero for real values."""
    return np.fft.irfftn(x, s=s, axes=axes, norm=norm)


# --- arguments -------------------------------------------------------------------------------------------------------------


def _arguments(name, x, s, axes, half=False):
    """(x, s, axes) with a length for each axis, and axes that count from the front. `half`: x is half a spectrum."""
    x = as_array(x)
    if axes is None:
        axes = range(x.ndim) if s is None else range(-len(s), 0)
    axes = _from_front(name, x.shape, axes)
    lengths = tuple(x.shape[axis] for axis in axes)
    if s is None:
        s = lengths[:-1] + tuple(2 * (n - 1) if half else n for n in lengths[-1:])
    s = tuple(operator.index(n) for n in s)
    if len(s) != len(axes):
        raise ShapeError(f"{name}: s={s} and axes={axes} must be of one length")
    s = tuple(length if n == -1 else n for n, length in zip(s, lengths, strict=True))
    if any(n < 1 for n in s):
        raise ShapeError(f"{name} of shape {x.shape} along the axes {axes}, to the lengths {s}: each must be 1 or more")
    return x, s, axes


def _from_front(name, shape, axes):
    """Axes that count from the front."""
    ndim, axes = len(shape), tuple(operator.index(axis) for axis in axes)
    if any(not -ndim <= axis < ndim for axis in axes):
        raise IndexingError(f"{name}: axes={axes} of an array of shape {shape}, which has {ndim} axes")
    return tuple(axis % ndim for axis in axes)


def _length(name, n):
    """The lengths s that mean a single n. (Of those, -1 stands for the length of the input, and as n it is an error.)"""
    if n is None:
        return None
    if operator.index(n) < 1:
        raise ShapeError(f"{name}: n={n}, and a transform needs 1 or more points")
    return (operator.index(n),)


def _repeated(axes):
    return len(set(axes)) < len(axes)


def _complex(name, x, s, axes, norm, inverse):
    x, s, axes = _arguments(name, x, s, axes)
    while _repeated(axes):  # one after the other, the last one first
        x = fourier(x, s=s[-1:], axes=axes[-1:], norm=norm, inverse=inverse)
        s, axes = s[:-1], axes[:-1]
    return fourier(x, s=s, axes=axes, norm=norm, inverse=inverse)


def _to_half(name, x, s, axes, norm):
    x, s, axes = _arguments(name, x, s, axes)
    if x.dtype.kind == "c":
        raise DtypeError(f"{name} takes real values, and these are {x.dtype}: take x.real, or use fft or fftn")
    _need_axis(name, axes)
    if not _repeated(axes):
        return half_of_real(x, s=s, axes=axes, norm=norm)
    return _complex(name, half_of_real(x, s=s[-1:], axes=axes[-1:], norm=norm), s[:-1], axes[:-1], norm, False)


def _from_half(name, x, s, axes, norm):
    x, s, axes = _arguments(name, x, s, axes, half=True)
    _need_axis(name, axes)
    while _repeated(axes):  # one after the other, the first one first
        x = fourier(x, s=s[:1], axes=axes[:1], norm=norm, inverse=True)
        s, axes = s[1:], axes[1:]
    return real_from_half(x, s=s, axes=axes, norm=norm)


def _need_axis(name, axes):
    if not axes:
        raise ShapeError(f"{name} needs at least one axis")


# --- complex to complex ----------------------------------------------------------------------------------------------------


def fft(x, n=None, axis=-1, norm=None):
    """The discrete Fourier transform along an axis: y[k] = sum over j of x[j] exp(-2πi jk/n).

    The axis is first cut, or filled with zeros, to the length n. `norm` says where the factor 1/n stands: "backward" (the
    default, in the inverse), "forward" (here), or "ortho" (1/√n in both).

    >>> from autograd import Tensor, fft
    >>> fft.fft(Tensor([1.0, 2.0])).real
    Tensor([ 3., -1.], op=real)
    """
    return _complex("fft", x, _length("fft", n), (axis,), norm, False)


def ifft(x, n=None, axis=-1, norm=None):
    """The inverse of `fft`: y[j] = 1/n sum over k of x[k] exp(2πi jk/n)."""
    return _complex("ifft", x, _length("ifft", n), (axis,), norm, True)


def fft2(x, s=None, axes=(-2, -1), norm=None):
    """`fftn` over two axes, the last two by default."""
    return _complex("fft2", x, s, axes, norm, False)


def ifft2(x, s=None, axes=(-2, -1), norm=None):
    """The inverse of `fft2`."""
    return _complex("ifft2", x, s, axes, norm, True)


def fftn(x, s=None, axes=None, norm=None):
    """`fft` along several axes, all by default, to the lengths s (-1: as it is). A repeated axis is transformed repeatedly."""
    return _complex("fftn", x, s, axes, norm, False)


def ifftn(x, s=None, axes=None, norm=None):
    """The inverse of `fftn`."""
    return _complex("ifftn", x, s, axes, norm, True)


# --- real values and half a spectrum ---------------------------------------------------------------------------------------


def rfft(x, n=None, axis=-1, norm=None):
    """The first n//2 + 1 entries of `fft` of real values, which determine the others.

    >>> from autograd import Tensor, fft
    >>> fft.rfft(Tensor([1.0, 2.0, 3.0])).shape
    (2,)
    """
    return _to_half("rfft", x, _length("rfft", n), (axis,), norm)


def irfft(x, n=None, axis=-1, norm=None):
    """The inverse of `rfft`, n real values. Give n where it is odd: the default is 2 (m - 1) for m entries.

    >>> from autograd import Tensor, fft
    >>> fft.irfft(fft.rfft(Tensor([1.0, 2.0, 4.0])), n=3).round(12)
    Tensor([1., 2., 4.], op=round)
    """
    return _from_half("irfft", x, _length("irfft", n), (axis,), norm)


def rfft2(x, s=None, axes=(-2, -1), norm=None):
    """`rfftn` over two axes, the last two by default."""
    return _to_half("rfft2", x, s, axes, norm)


def irfft2(x, s=None, axes=(-2, -1), norm=None):
    """The inverse of `rfft2`."""
    return _from_half("irfft2", x, s, axes, norm)


def rfftn(x, s=None, axes=None, norm=None):
    """`rfft` along the last of the axes and `fft` along the others."""
    return _to_half("rfftn", x, s, axes, norm)


def irfftn(x, s=None, axes=None, norm=None):
    """The inverse of `rfftn`: s gives the lengths of the result."""
    return _from_half("irfftn", x, s, axes, norm)


def hfft(x, n=None, axis=-1, norm=None):
    """The transform, of n real values, of a signal with Hermitian symmetry of which the first half is given."""
    return _from_half("hfft", elementwise.conj(x), _length("hfft", n), (axis,), SWAPPED.get(norm, norm))


def ihfft(x, n=None, axis=-1, norm=None):
    """The inverse of `hfft`: the first n//2 + 1 values."""
    return elementwise.conj(_to_half("ihfft", x, _length("ihfft", n), (axis,), SWAPPED.get(norm, norm)))


# --- frequencies and their order -------------------------------------------------------------------------------------------


def fftfreq(n, d=1.0, *, dtype=None, device=None):
    """The frequencies that the entries of `fft` stand for, at a distance d between samples: a Tensor.

    >>> from autograd import fft
    >>> fft.fftfreq(4, d=0.5)
    Tensor([ 0. ,  0.5, -1. , -0.5])
    """
    return _frequencies("fftfreq", lambda n: np.fft.ifftshift(np.arange(n) - n // 2), n, d, dtype, device)


def rfftfreq(n, d=1.0, *, dtype=None, device=None):
    """The frequencies that the entries of `rfft` stand for.

    >>> from autograd import fft
    >>> fft.rfftfreq(4, d=0.5)
    Tensor([0. , 0.5, 1. ])
    """
    return _frequencies("rfftfreq", lambda n: np.arange(n // 2 + 1), n, d, dtype, device)


def _frequencies(name, counts, n, d, dtype, device):
    refuse_device(device)
    (n,) = _length(name, n)
    dtype = np.dtype(float if dtype is None else dtype)
    if dtype.kind != "f":
        raise DtypeError(f"{name}: dtype={dtype}, and frequencies are floats")
    return movement.astype(literal(counts(n).astype(dtype)) * (1.0 / (n * d)), dtype=dtype)


def fftshift(x, axes=None):
    """The entry of frequency zero in the middle of each axis."""
    return _shifted("fftshift", x, axes, lambda n: n // 2)


def ifftshift(x, axes=None):
    """The inverse of `fftshift`."""
    return _shifted("ifftshift", x, axes, lambda n: -(n // 2))


def _shifted(name, x, axes, shift):
    shape = np.shape(x)
    axes = range(len(shape)) if axes is None else (axes,) if isinstance(axes, (int, np.integer)) else axes
    axes = _from_front(name, shape, axes)
    return movement.roll(x, shift=tuple(shift(shape[axis]) for axis in axes), axis=axes)


TRANSFORMS = (fft, ifft, fft2, ifft2, fftn, ifftn, rfft, irfft, rfft2, irfft2, rfftn, irfftn, hfft, ihfft)
implementations.update({getattr(np.fft, f.__name__): f for f in (*TRANSFORMS, fftshift, ifftshift)})
