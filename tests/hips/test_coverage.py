"""Every function that HIPS autograd 1.9 has a derivative for has one here, under its name in the same namespace.

The names are those of its public functions with a reverse rule. Each is called once on Tensors, and a gradient has to come
back that finite differences confirm.
"""

import importlib
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import check_grads

X = np.array([[0.31, 0.62], [0.55, 0.47]])
W = np.array([[0.72, 0.41], [0.23, 0.84]])
V = np.array([0.21, 0.37, 0.42])
SYMMETRIC = np.array([[2.0, 0.3], [0.3, 1.5]])
CUBE = np.arange(1.0, 9.0).reshape(2, 2, 2) / 7

NAMES = {
    "numpy": """abs absolute acos acosh add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh array_split
        asin asinh astype atan atan2 atanh atleast_1d atleast_2d atleast_3d broadcast_to clip concatenate conj conjugate
        cos cosh cross cumsum deg2rad degrees diag diagonal diff divide dot dsplit einsum exp exp2 expand_dims expm1
        fabs fliplr flipud fmax fmin full gradient hsplit hypot imag inner kron linspace log log10 log1p log2 logaddexp
        logaddexp2 make_diagonal matmul max maximum mean min minimum mod moveaxis multiply nan_to_num negative outer pad
        partition permute_dims pow power prod rad2deg radians ravel real real_if_close reciprocal remainder repeat
        reshape roll rollaxis rot90 sin sinc sinh sort split sqrt square squeeze std subtract sum swapaxes tan tanh
        tensordot tile trace transpose tril triu true_divide var vsplit where array stack vstack hstack column_stack
        append select""",
    "numpy.linalg": "cholesky det eig eigh inv norm pinv slogdet solve svd",
    "numpy.fft": "fft fft2 fftn fftshift ifft ifft2 ifftn ifftshift irfft irfft2 irfftn rfft rfft2 rfftn",
    "scipy.special": """beta betainc betaln digamma erf erfc erfcinv erfinv expit gamma gammainc gammaincc
        gammaln i0 i1 iv ive j0 j1 jn
        logit logsumexp multigammaln polygamma psi rgamma y0 y1 yn""",
    "scipy.linalg": "solve_banded solve_sylvester solve_triangular sqrtm",
    "scipy.signal": "convolve",
    "scipy.integrate": "odeint",
    "scipy.stats.norm": "cdf logcdf logpdf logsf pdf sf",
    "scipy.stats.t": "cdf logcdf logpdf pdf",
    "scipy.stats.beta": "cdf logpdf pdf",
    "scipy.stats.gamma": "cdf logpdf pdf",
    "scipy.stats.chi2": "cdf logpdf pdf",
    "scipy.stats.poisson": "cdf logpmf pmf",
    "scipy.stats.dirichlet": "logpdf pdf",
    "scipy.stats.multivariate_normal": "entropy logpdf pdf",
}
COMPLETE = [(space, name) for space, names in NAMES.items() for name in names.split()]

# How a function is called where f(x) is not enough: with x, or with x and w.
TWO = """add arctan2 atan2 divide dot fmax fmin hypot inner kron logaddexp logaddexp2 matmul maximum minimum mod multiply
    outer pow power remainder subtract tensordot true_divide cross append"""
CALLS: dict[str, Any] = {
    **{f"numpy.{name}": lambda f, x: f(x, x[::-1] * W) for name in TWO.split()},
    **{f"numpy.{name}": lambda f, x: f(x + 1.0) for name in ("acosh", "arccosh")},
    **{f"numpy.{name}": lambda f, x: f([x, x * W]) for name in ("concatenate", "stack", "vstack", "hstack", "column_stack")},
    **{f"numpy.{name}": lambda f, x: f(x, 2)[0] for name in ("array_split", "split", "hsplit", "vsplit")},
    "numpy.array": lambda f, x: f([x[0, 0], x[1, 1] * 2.0]),
    "numpy.angle": lambda f, x: f(x + 1j * x[::-1] * W),
    "numpy.astype": lambda f, x: f(x, np.float64),
    "numpy.broadcast_to": lambda f, x: f(x, (3, 2, 2)),
    "numpy.clip": lambda f, x: f(x, 0.4, 0.6),
    "numpy.cross": lambda f, x: f(x[0, 0] * V, [1.0, 2.0, 3.0]),
    "numpy.dsplit": lambda f, x: f(x[..., None] * CUBE, 2)[1],
    "numpy.einsum": lambda f, x: f("ij,jk->ik", x, W),
    "numpy.expand_dims": lambda f, x: f(x, 1),
    "numpy.full": lambda f, x: f((3,), x[0, 0]),
    "numpy.imag": lambda f, x: f(x * 1j),
    "numpy.linspace": lambda f, x: f(x[0, 0], x[1, 1], 5),
    "numpy.moveaxis": lambda f, x: f(x, 0, 1),
    "numpy.gradient": lambda f, x: f(x)[0],
    "numpy.make_diagonal": lambda f, x: f(x, axis1=-1, axis2=-2),
    "numpy.pad": lambda f, x: f(x, 1, "constant"),
    "numpy.partition": lambda f, x: f(x, 1),
    "numpy.permute_dims": lambda f, x: f(x, (1, 0)),
    "numpy.repeat": lambda f, x: f(x, 2),
    "numpy.reshape": lambda f, x: f(x, (4,)),
    "numpy.roll": lambda f, x: f(x, 1),
    "numpy.rollaxis": lambda f, x: f(x, 1),
    "numpy.select": lambda f, x: f([x > 0.5, x > 0.4], [x, x * 2.0], 0.0),
    "numpy.swapaxes": lambda f, x: f(x, 0, 1),
    "numpy.tile": lambda f, x: f(x, 2),
    "numpy.where": lambda f, x: f(x > 0.5, x, 2.0 * x),
    "numpy.linalg.cholesky": lambda f, x: f(x @ x.T + SYMMETRIC),
    "numpy.linalg.eig": lambda f, x: f(x)[0],
    "numpy.linalg.eigh": lambda f, x: f(x + x.T)[0],
    "numpy.linalg.slogdet": lambda f, x: f(x)[1],
    "numpy.linalg.solve": lambda f, x: f(x, W),
    "numpy.linalg.svd": lambda f, x: f(x)[1],
    **{f"scipy.special.{name}": lambda f, x: f(x, x[::-1] + 1.0) for name in ("beta", "betaln")},
    **{f"scipy.special.{name}": lambda f, x: f(2.0, x) for name in ("gammainc", "gammaincc", "iv", "ive")},
    **{f"scipy.special.{name}": lambda f, x: f(2, x) for name in ("jn", "yn", "polygamma")},
    "scipy.special.betainc": lambda f, x: f(2.0, 3.0, x),
    "scipy.special.multigammaln": lambda f, x: f(x + 2.0, 2),
    "scipy.linalg.solve_banded": lambda f, x: f((0, 1), x, np.ones(2)),
    "scipy.linalg.solve_sylvester": lambda f, x: f(x, W, SYMMETRIC),
    "scipy.linalg.solve_triangular": lambda f, x: f(x, np.ones(2), lower=True),
    "scipy.signal.convolve": lambda f, x: f(x, W),
    "scipy.integrate.odeint": lambda f, x: f(lambda y, t: -y, x[0], np.array([0.0, 0.5]), rtol=1e-11, atol=1e-12),
    **{f"scipy.stats.t.{name}": lambda f, x: f(x, 3.0) for name in ("cdf", "logcdf", "logpdf", "pdf")},
    **{f"scipy.stats.beta.{name}": lambda f, x: f(x, 2.0, 3.0) for name in ("cdf", "logpdf", "pdf")},
    **{f"scipy.stats.gamma.{name}": lambda f, x: f(x, 2.0) for name in ("cdf", "logpdf", "pdf")},
    **{f"scipy.stats.chi2.{name}": lambda f, x: f(x, 3.0) for name in ("cdf", "logpdf", "pdf")},
    **{f"scipy.stats.poisson.{name}": lambda f, x: f(2, x) for name in ("cdf", "logpmf", "pmf")},
    **{f"scipy.stats.dirichlet.{name}": lambda f, x: f(V, x[0, 0] + V) for name in ("logpdf", "pdf")},
    **{f"scipy.stats.multivariate_normal.{name}": lambda f, x: f(x, np.zeros(2), SYMMETRIC) for name in ("logpdf", "pdf")},
    "scipy.stats.multivariate_normal.entropy": lambda f, x: f(np.zeros(2), x @ x.T + SYMMETRIC),
}


@pytest.mark.parametrize(("space", "name"), COMPLETE, ids=[f"{space}.{name}" for space, name in COMPLETE])
def test_a_function_of_hips_has_its_derivative(space: str, name: str) -> None:
    function = getattr(importlib.import_module(f"autograd.{space}"), name)
    call = CALLS.get(f"{space}.{name}", lambda f, x: f(x))

    def f(x: Any) -> Any:
        return call(function, x)

    assert isinstance(f(Tensor(X)), Tensor)
    check_grads(f, X, order=1)


def test_the_table_names_functions_of_the_list() -> None:
    assert set(CALLS) <= {f"{space}.{name}" for space, name in COMPLETE}
