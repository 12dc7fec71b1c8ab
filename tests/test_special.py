"""`autograd.special`: values and dtypes of SciPy, precision in the tails, limits at the edges of domains, errors.

What `test_rules.py` cannot see. Numbers without another source were computed with 40 digits.
"""

import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.special

import autograd
import autograd.scipy.special
from autograd import DtypeError, NoRuleError, ShapeError, Tensor, grad, record, special, vjp
from autograd.testing import check_adjoint, check_grads

INF, NAN = math.inf, math.nan
ROOT = Path(__file__).parents[1]


def slopes(f, *points, second=False):
    """The derivative of an elementwise function in each input, at arrays of points; or the second derivative."""
    xs = [np.array(x, dtype=float) for x in points]
    if second:
        return slopes(lambda x: vjp(f, x)[1](np.ones(np.shape(x)))[0], *points)
    y, pull = vjp(f, *xs)
    gradients = pull(np.ones(np.shape(y)) if np.shape(y) else 1.0)
    return gradients[0] if len(xs) == 1 else gradients


def agree(got, want, digits=1e-13):
    """Equal to so many digits; zeros, infinities and nan exactly."""
    np.testing.assert_allclose(got, want, rtol=digits, atol=0)


# --- values, by three ways -------------------------------------------------------------------------------------------------

REAL = np.array([-2.5, -0.3, 0.4, 1.7])
ABOVE = np.array([0.2, 0.9, 1.7, 5.5])
UNIT = np.array([0.05, 0.3, 0.5, 0.98])

VALUES = {
    **dict.fromkeys(["erf", "erfc", "erfcx", "erfi", "dawsn", "ndtr", "log_ndtr", "exprel", "exp10", "cosm1"], (REAL,)),
    **dict.fromkeys(["rgamma", "gammasgn", "log_expit", "expit", "j0", "j1", "i0", "i1", "i0e", "i1e"], (REAL,)),
    **dict.fromkeys(["fresnel", "cbrt", "exp2", "expm1", "softmax", "log_softmax", "logsumexp"], (REAL,)),
    **dict.fromkeys(["gamma", "gammaln", "loggamma", "digamma", "psi", "entr", "y0", "y1", "k0", "k1"], (ABOVE,)),
    **dict.fromkeys(["k0e", "k1e", "exp1", "expi", "spence", "sici", "shichi", "log1p"], (ABOVE,)),
    **dict.fromkeys(["erfinv", "erfcinv", "ndtri", "logit", "ellipk", "ellipe"], (UNIT,)),
    **dict.fromkeys(["jv", "yv", "iv", "kv", "ive", "kve", "jn"], (0.5, ABOVE)),
    **dict.fromkeys(["yn", "kn", "expn", "polygamma"], (2, ABOVE)),
    **dict.fromkeys(["xlogy", "xlog1py", "rel_entr", "kl_div", "beta", "betaln", "pseudo_huber"], (ABOVE, ABOVE[::-1].copy())),
    **dict.fromkeys(["gammainc", "gammaincc"], (1.5, ABOVE)),
    **dict.fromkeys(["gammaincinv", "gammainccinv"], (1.5, UNIT)),
    **dict.fromkeys(["betainc", "betaincc", "betaincinv", "betainccinv"], (1.5, 0.7, UNIT)),
    "ndtri_exp": (-ABOVE,),
    "huber": (0.5, REAL),
    "stdtr": (3.0, REAL),
    **dict.fromkeys(["fdtr", "fdtrc"], (3.0, 5.0, ABOVE)),
    **dict.fromkeys(["chdtr", "chdtrc"], (3.0, ABOVE)),
    "zeta": (2.5, ABOVE),
    "multigammaln": (ABOVE + 1, 3),
}


def test_every_public_function_is_in_the_table():
    assert set(VALUES) == set(special.__all__)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_dtypes(name, dtype):
    args = [x.astype(dtype) if isinstance(x, np.ndarray) else x for x in VALUES[name]]
    tensors = [Tensor(x) if isinstance(x, np.ndarray) else x for x in args]
    plain, ours = getattr(scipy.special, name), getattr(special, name)
    expected = plain(*args)
    results = [ours(*args), ours(*tensors)]
    if isinstance(plain, np.ufunc):
        results.append(plain(*tensors))  # SciPy's own function, which meets a Tensor
    for result in results:
        for got, want in zip(*(v if isinstance(v, tuple) else (v,) for v in (result, expected)), strict=True):
            assert isinstance(got, Tensor) == (result is not results[0])
            assert got.dtype == dtype
            np.testing.assert_allclose(np.asarray(getattr(got, "data", got)), want, rtol=1e-14 if dtype == np.float64 else 2e-6)


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"softmax", "log_softmax", "logsumexp"}))
def test_python_numbers_give_python_numbers(name):
    args = [float(x[2]) if isinstance(x, np.ndarray) else x for x in VALUES[name]]
    got = getattr(special, name)(*args)
    for part in got if isinstance(got, tuple) else (got,):
        assert type(part) is float or isinstance(part, np.floating)
    np.testing.assert_allclose(got, getattr(scipy.special, name)(*args), rtol=1e-14)


def test_float32_stays_with_python_and_whole_numbers():
    x = Tensor(np.float32([0.5, 1.5]))
    for y in (special.gammainc(1.5, x), special.jv(2, x), special.kn(np.array([1, 2]), x), special.xlogy(2.0, x)):
        assert y.dtype == np.float32
        y.sum().backward()
    assert x.grad.dtype == np.float32


def test_numpys_i0_and_sinc():
    x = np.array([0.5, -2.0])
    agree(slopes(np.i0, x), scipy.special.i1(x))
    agree(slopes(scipy.special.sinc, x), slopes(autograd.sinc, x))


@pytest.mark.slow
def test_importing_autograd_does_not_import_scipy():
    code = "import sys, autograd; a = 'scipy' in sys.modules; autograd.special.gamma(2.5); print(a, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]


# --- first derivatives in the tails, at kinks and at the edges ---------------------------------------------------------------

SLOPES = [
    ("erf", [0.0, INF, 40.0], [2 / math.sqrt(math.pi), 0, 0]),
    ("erf", [7.0], [5.9159629580030695e-22]),
    ("erfcx", [-3.0, 3.0, 20.0], [-97237.06150316462, -0.05437226000717287, -0.0014052174534598012]),
    ("erfcx", [6.9, 7.1, 1e4, INF], [-0.01149516542104348, -0.010874449244412466, -5.641895750849127e-09, 0]),
    ("dawsn", [0.0, 6.9, 7.1], [1, -0.010851659569168347, -0.010229562139533134]),
    ("dawsn", [-8.0, 300.0], [-0.008003179320854207, -5.5556481507202645e-06]),
    ("erfinv", [0.0, 1.0, -1.0, 2.0], [math.sqrt(math.pi) / 2, INF, INF, NAN]),
    ("erfcinv", [1.0, 0.0, 2.0], [-math.sqrt(math.pi) / 2, -INF, -INF]),
    ("log_ndtr", [-50.0, -10.0, 2.0], [50.019984031905636, 10.098093233962512, 0.055247862678989956]),
    ("log_ndtr", [-INF, 0.0, 50.0, INF, NAN], [INF, math.sqrt(2 / math.pi), 0, 0, NAN]),
    ("ndtri", [0.0, 0.5, 1.0], [INF, math.sqrt(2 * math.pi), INF]),
    ("ndtri_exp", [-1.0], [0.9761716948251948]),
    ("log_expit", [-1000.0, 0.0, 40.0], [1, 0.5, 4.248354255291589e-18]),
    ("logit", [0.0, 1.0, 1e-10, 2.0, -1.0], [INF, INF, 10000000001.0, NAN, NAN]),
    ("entr", [0.0, 1.0, 1e-300, -1.0], [INF, -1, 689.7755278982137, NAN]),
    ("exprel", [0.0, 1e-3, -0.99, 1.01], [0.5, 0.5003334583666736, 0.26585285671475267, 1.007211067689608]),
    ("exprel", [-50.0, 700.0, -INF, 800.0], [0.0004, 1.4468330739995269e301, 0, INF]),
    ("gammaln", [0.0, -1.0, 1.0, 2.0], [-INF, NAN, -0.5772156649015329, 0.4227843350984671]),
    ("digamma", [0.0, 1.0, 1e8], [INF, math.pi**2 / 6, 1.000000005e-08]),
    ("rgamma", [0.0, -1.0, -2.0, -3.0], [1, -1, 2, -6]),
    ("gammasgn", [-0.5, 0.5], [0, 0]),
    ("i0", [1e-300, 0.0, -1e-300], [5e-301, 0, -5e-301]),
    ("i0e", [0.0, 0.1, 39.0, 41.0], [0, -0.8618024789734917, -0.0008270703500962113, -0.0007669230573007253]),
    ("i0e", [1e5, -1e5, INF], [-6.307854959639557e-09, 6.307854959639557e-09, 0]),
    ("k1e", [0.1, 39.0, 42.0], [-100.69397024971015, -0.0026462185714208404, -0.00236319326492997]),
    ("k1e", [1e5], [-1.9816859424029428e-08]),
    ("ellipk", [0.0, 1e-4, 1.0, 2.0], [math.pi / 8, 0.39274326494782746, INF, NAN]),
    ("ellipk", [-5.0, 0.09, 0.11], [0.04838042193397311, 0.43656422946570445, 0.4475675483126193]),
    ("ellipe", [0.0, 1e-4, 1.0], [-math.pi / 8, -0.39271380883474344, -INF]),
    ("ellipe", [-5.0, 0.09, 0.11], [-0.18746943192818333, -0.4067508611514653, -0.41010942725437044]),
    ("spence", [0.0, 1.0, 2.0, -1.0], [-INF, -1, -math.log(2), NAN]),
    ("exp1", [0.0, -1.0], [-INF, NAN]),
    ("expi", [-1.0, 1.0], [-math.exp(-1), math.e]),
]


@pytest.mark.parametrize(("name", "points", "want"), SLOPES, ids=[f"{row[0]}@{row[1]}" for row in SLOPES])
def test_slopes(name, points, want):
    agree(slopes(getattr(special, name), points), want)


PAIRS = [
    ("xlogy", (0.0, 0.0), (-INF, 0)),
    ("xlogy", (0.0, 2.0), (math.log(2), 0)),
    ("xlogy", (2.0, 0.0), (-INF, INF)),
    ("xlogy", (1.0, -1.0), (NAN, NAN)),
    ("xlog1py", (0.0, -1.0), (-INF, 0)),
    ("xlog1py", (2.0, 1e-20), (1e-20, 2)),
    ("rel_entr", (0.0, 1.0), (-INF, 0)),
    ("rel_entr", (0.0, 0.0), (INF, 0)),
    ("rel_entr", (1e200, 1e-200), (922.0340371976183, -INF)),
    ("rel_entr", (1.0, -1.0), (NAN, NAN)),
    ("kl_div", (0.0, 1.0), (-INF, 1)),
    ("kl_div", (1.0, 1.0 + 1e-12), (-1.000088900581841e-12, 1.0000889005813408e-12)),
    ("huber", (1.0, 1.0), (0, 1)),
    ("huber", (1.0, -3.0), (2, -1)),
    ("pseudo_huber", (1.0, 0.0), (0, 0)),
    ("pseudo_huber", (0.0, 1.0), (1, 0)),
    ("pseudo_huber", (0.0, 0.0), (0, 0)),
    ("betaln", (1e8, 1.0), (-1e-8, -18.997896413853898)),
]


@pytest.mark.parametrize(("name", "at", "want"), PAIRS, ids=[f"{row[0]}@{row[1]}" for row in PAIRS])
def test_slopes_in_two(name, at, want):
    got = slopes(getattr(special, name), *at)
    agree(got, want)


EDGES = [
    (lambda x: special.gammainc(1.0, x), [0.0, -1.0, INF], [1, NAN, 0]),
    (lambda x: special.gammainc(0.5, x), [0.0], [INF]),
    (lambda x: special.gammainc(3.0, x), [0.0], [0]),
    (lambda x: special.gammaincc(3.0, x), [800.0], [-(800.0**2) * math.exp(-700) * math.exp(-100) / 2]),
    (lambda x: special.betainc(1.0, 1.0, x), [0.0, 1.0, -1.0, 2.0], [1, 1, NAN, NAN]),
    (lambda x: special.betainc(0.5, 2.0, x), [0.0, 1.0], [INF, 0]),
    (lambda x: special.gammainc(1.5, x), [INF], [0]),
    (lambda x: special.chdtrc(4.0, x), [2.0, INF], [-math.exp(-1) / 2, 0]),
    (lambda x: special.fdtr(2.0, 2.0, x), [0.0, 1.0, 1e10, INF], [1, 0.25, 1e-20 * (1 - 2e-10), 0]),
    (lambda x: special.fdtrc(2.0, 2.0, x), [1e-10, 1.0, 3.0], [-1 + 2e-10, -0.25, -1 / 16]),
    (lambda x: special.k1(x), [700.0], [-4.676452304252103e-306]),
    (lambda x: special.stdtr(2.0, x), [0.0, INF, -1e10], [math.sqrt(2) / 4, 0, 1e-30]),
    (lambda x: special.expn(1, x), [0.0, 1.0], [-INF, -math.exp(-1)]),
    (lambda x: special.expn(3, x), [0.0], [-1]),
    (lambda x: special.jv(0.5, x), [0.0], [INF]),
    (lambda x: special.jv(2, x), [0.0], [0]),
    (lambda x: special.multigammaln(x, 1), [2.5], [scipy.special.psi(2.5)]),
    (lambda x: special.polygamma(0, x), [1.0], [math.pi**2 / 6]),
    (lambda q: special.zeta(2.0, q), [1.0], [-2 * scipy.special.zeta(3.0)]),
]


@pytest.mark.parametrize(("f", "points", "want"), EDGES, ids=range(len(EDGES)))
def test_slopes_of_families(f, points, want):
    agree(slopes(f, points), want, 1e-12)


# Arguments, the logarithm, its slope and the slope of that, from 50 digits.
TAILS = [
    (special.log_gammainc, (3.0, 1e-150), -1037.9550513165486, 3e150, -3e300),
    (special.log_gammainc, (30.0, 1e-20), -1456.2092921452577, 3e21, -3.0000000000000002e41),
    (special.log_gammainc, (500.0, 10.0), -1470.0177508159989, 49.00203649129539, -4.999995869900499),
    (special.log_gammainc, (1000.0, 300.0), -507.9896393300137, 2.3347581328114115, -0.011109089278439925),
    (special.log_gammainc, (10000.0, 5000.0), -1936.3029753315975, 1.0001998801517142, -0.00039996007981968866),
    (special.log_gammainc, (2.0, 1.0), -1.3308932682040546, 1.3922111911773327, -1.938252000839408),
    (special.log_gammainc, (50.0, 20.0), -18.200828516730247, 1.5310686789169599, -0.12412171513093286),
    (special.log_gammaincc, (1.5, 800.0), -796.5362874834134, -0.9993757797891085, -7.793023484212432e-07),
    (special.log_gammaincc, (0.3, 1000.0), -1005.9319257475905, -1.0006993018825545, 6.986056402557142e-07),
    (special.log_gammaincc, (1.0, 900.0), -900.0, -1.0, 0.0),
    (special.log_gammaincc, (3.0, 5000.0), -4983.658360797738, -0.9996000799999936, -7.996800000511743e-08),
    (special.log_gammaincc, (100.0, 1500.0), -1135.057158566831, -0.9340470373764561, -4.393512212476795e-05),
    (special.log_gammaincc, (1000.0, 3000.0), -906.4545069900745, -0.6671661680981212, -0.00011086173328370967),
    (special.log_gammaincc, (1e-10, 800.0), -829.7117103215526, -1.001248443327727, 1.5586155651501519e-06),
    (special.log_gammaincc, (2.0, 1.0), -0.3068528194400547, -0.5, -0.25),
    (special.log_gammaincc, (50.0, 90.0), -13.31503925460324, -0.46765200180018096, -0.005656927300967348),
    (special.log_betainc, (900.0, 3.0, 0.2), -1436.02488075745, 4497.503468365813, -22503.116329105447),
    (special.log_betainc, (10000.0, 10000.0, 0.3), -1748.488537827141, 19052.615927023824, -131494.32113672196),
    (special.log_betainc, (50.0, 0.5, 1e-07), -808.4356589028735, 500000000.49019617, -5000000000000000.0),
    (special.log_betainc, (2000.0, 0.01, 0.5), -1397.733015583084, 4001.9780239383244, -7996.047892476785),
    (special.log_betainc, (3.0, 4.0, 0.2), -2.313848285272756, 12.427184466019417, -76.76501083985295),
    (special.log_betaincc, (3.0, 900.0, 0.8), -1436.0248807574503, -4497.503468365815, -22503.11632910546),
    (special.log_betaincc, (10000.0, 10000.0, 0.7), -1748.48853782714, -19052.615927023817, -131494.3211367219),
    (special.log_betaincc, (0.5, 50.0, 0.9999999), -808.4356589291913, -500000000.75337404, -5000000005263559.0),
    (special.log_betaincc, (3.0, 4.0, 0.8), -4.076897648618381, -18.113207547169814, -101.67319330722681),
    (special.log_stdtr, (1000.0, -60.0), -767.2789337230812, 13.047092221249805, 0.12302778939049813),
    (special.log_stdtr, (1000.0, -100.0), -1203.2731472575078, 9.091816186803099, 0.0744057252933579),
    (special.log_stdtr, (3.0, -1e150), -1036.065568408276, 3e-150, 3e-300),
    (special.log_stdtr, (100000.0, -50.0), -1239.4496468437255, 48.7999840322236, -0.9276107128917606),
    (special.log_stdtr, (3.0, -2.0), -2.6640861743156115, 0.9690894147329147, 0.1683964659473765),
    (special.log_stdtr, (30.0, -1000000000000.0), -780.540541769134, 3e-11, 3e-23),
]


@pytest.mark.parametrize(("f", "at", "value", "slope", "bend"), TAILS, ids=range(len(TAILS)))
def test_logarithms_of_probabilities_that_underflow(f, at, value, slope, bend):
    *parameters, x = at
    along = lambda x: f(*parameters, x)  # noqa: E731
    agree(along(x), value)
    agree(grad(along)(x), slope, 1e-12)
    agree(grad(grad(along))(x), bend, 1e-8)


@pytest.mark.parametrize(
    ("f", "at", "value", "slope"),
    [
        (special.log_gammainc, (0.5, 0.0), -INF, INF),
        (special.log_gammaincc, (3.0, INF), -INF, -1),
        (special.log_gammaincc, (3.0, 0.0), 0, 0),
        (special.log_betainc, (0.5, 2.0, 0.0), -INF, INF),
        (special.log_betaincc, (0.5, 2.0, 1.0), -INF, -INF),
        (special.log_stdtr, (3.0, -INF), -INF, 0),
        (special.log_stdtr, (INF, -50.0), scipy.special.log_ndtr(-50.0), 50.019984031905636),
    ],
)
def test_logarithms_of_probabilities_at_the_ends(f, at, value, slope):
    *parameters, x = at
    agree(f(*parameters, x), value)
    agree(grad(lambda x: f(*parameters, x))(x), slope)


SECOND = [("erfcx", 7.1), ("erfcx", 20.0), ("dawsn", 8.0), ("log_ndtr", -50.0), ("log_ndtr", 2.0), ("k1e", 45.0), ("i1e", 1e3)]


@pytest.mark.parametrize(("name", "point"), SECOND)
def test_second_derivatives_where_formulas_cancel(name, point):
    """Against differences of the first derivative, which the table above holds to account."""
    check_grads(lambda x: vjp(getattr(special, name), x)[1](np.ones(1))[0], np.array([point]), order=1, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "point", "want"),
    [
        ("exprel", 0.0, 1 / 3),
        ("spence", 1.0, 0.5),
        ("rgamma", 0.0, 1.1544313298030657),
        ("i0", 0.0, 0.5),
        ("ellipk", 0.0, 9 * math.pi / 64),
        ("log_ndtr", INF, 0.0),
        ("log_ndtr", 50.0, 0.0),
        ("erf", 0.0, 0.0),
    ],
)
def test_second_derivatives_at_a_point(name, point, want):
    agree(slopes(getattr(special, name), [point], second=True), [want])


def test_xlogy_has_a_mixed_second_derivative_at_zero():
    mixed = grad(lambda w: grad(special.xlogy)(0.0, w))(4.0)
    assert mixed == 0.25
    assert grad(lambda x: grad(special.xlogy, argnum=1)(x, 4.0))(0.0) == 0.25


def test_digamma_gap_is_exact_where_the_difference_cancels():
    a, b = np.array([1e8, 2.0, 0.3, 1e-3, 40.0, 0.7]), np.array([1.0, 1e-10, 2.5, 1.0, -3.0, -2.0])
    want = [1e-8, 6.449340668280208e-11, 4.34307121104955, 1000.0, -0.07898384214173688, 4.102564102564102]
    agree(special.digamma_gap(a, b), want, 2e-15)


@pytest.mark.parametrize("v", [0, 1, 2.5])
def test_scaled_bessel_functions_have_no_seam(v):
    """Where the series takes over from the difference, the two agree."""
    seam = 40.0 + v * v
    for f in (special.ive, special.kve):
        below, above = slopes(lambda x, f=f: f(v, x), [seam * (1 - 1e-15), seam * (1 + 1e-15)])
        agree(below, above, 1e-12)


# --- complex numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx", "erfi", "dawsn", "ndtr", "log_ndtr", "gamma", "loggamma", "rgamma"])
def test_holomorphic_functions(name):
    z = np.array([0.4 + 0.3j, 1.2 - 0.7j, -0.6 + 1.1j])
    check_grads(getattr(special, name), z, order=1, rtol=1e-9)  # polygamma is of real numbers only


@pytest.mark.parametrize("f", [special.jv, special.iv, special.kv, special.yv], ids=lambda f: f.__name__)
def test_bessel_functions_of_complex_numbers(f):
    z = np.array([0.4 + 0.3j, 1.2 - 0.7j])
    check_grads(lambda z: f(1.5, z), z, rtol=1e-8)


# --- sums of exponentials --------------------------------------------------------------------------------------------------

A = np.array([[0.5, -1.0, 2.0], [1.5, 0.2, -0.7]])
B = np.array([[1.0, 0.5, -2.0], [0.3, 0.0, 1.0]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("b", [None, B, B[0], 2.0, [[1], [3]]], ids=["none", "matrix", "row", "number", "list"])
def test_logsumexp_has_scipys_values(axis, keepdims, b):
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # SciPy's, at negative sums
        expected = scipy.special.logsumexp(A, axis=axis, b=b, keepdims=keepdims, return_sign=True)
        single = scipy.special.logsumexp(A, axis=axis, b=b, keepdims=keepdims)
    got = special.logsumexp(Tensor(A), axis=axis, b=b, keepdims=keepdims, return_sign=True)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-14)
    np.testing.assert_allclose(special.logsumexp(A, axis, b, keepdims), single, rtol=1e-14)
    y, sign = special.logsumexp(A, axis=axis, b=b, keepdims=keepdims, return_sign=True)
    assert not isinstance(y, Tensor)
    assert not isinstance(sign, Tensor)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_logsumexp_gradients_in_both(axis):
    def f(a, b):
        return special.logsumexp(a, axis=axis, b=b, return_sign=True)[0]

    check_grads(f, A, B, rtol=1e-8)
    check_adjoint(f, A, B, rtol=1e-12)


def test_logsumexp_at_its_edges():
    weights = lambda a, b: grad(lambda b: special.logsumexp(np.array(a), b=b))(np.array(b))  # noqa: E731
    agree(weights([0.0, 1.0], [1.0, 0.0]), [1, math.e])  # a weight of 0 has a slope
    agree(weights([0.0, 800.0], [1.0, 0.0]), [1, INF])
    agree(grad(lambda a: special.logsumexp(a, b=np.array([1.0, 0.0])))(np.array([0.0, 800.0])), [1, 0])
    agree(grad(lambda a: special.logsumexp(a, b=np.array([1.0, -5.0])))(np.array([1.0, 2.0])), [NAN, NAN])
    assert special.logsumexp(np.array([-INF, -INF]), return_sign=True) == (-INF, 0)
    assert special.logsumexp([1, 2]) == scipy.special.logsumexp([1, 2])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), (1, 0)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_by_scipys_axes(name, axis):
    x = np.stack([A, 2 * A[::-1]])
    f = getattr(special, name)
    np.testing.assert_allclose(f(x, axis), getattr(scipy.special, name)(x, axis), rtol=1e-14)
    check_grads(lambda x: f(x, axis), x, rtol=1e-8)


# --- errors and other ways in ----------------------------------------------------------------------------------------------

X = np.array([0.3, 0.6])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda t: special.jv(t, 1.0), "'v'"),
        (lambda t: special.gammainc(t, 1.0), "'a'"),
        (lambda t: special.betainc(t, 1.0, 0.5), "'a'"),
        (lambda t: special.betainc(1.0, t, 0.5), "'b'"),
        (lambda t: special.stdtr(t, 1.0), "'df'"),
        (lambda t: special.kv(t, Tensor(1.0)), "'v'"),
        (lambda t: scipy.special.iv(t, 1.0), "'v'"),
        (lambda t: scipy.special.hyp2f1(1.0, 2.0, 3.0, t), "hyp2f1 has no derivative"),
        (lambda t: scipy.special.struve(1.0, t), "struve has no derivative"),
        (lambda t: scipy.special.polygamma(1, t), "gradient would be lost"),
    ],
)
def test_a_gradient_that_does_not_exist_is_an_error(call, name):
    with pytest.raises(NoRuleError, match=name):
        call(Tensor(X))


def test_a_riemann_zeta_has_no_gradient():
    with pytest.raises(NoRuleError, match="zeta"):
        special.zeta(Tensor([2.0]))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: special.multigammaln(Tensor([0.1]), 3), ShapeError, "not met"),
        (lambda: special.polygamma(1, Tensor(np.array([1j]))), DtypeError, "polygamma"),
        (lambda: special.ive(1, Tensor(np.array([1j]))).sum().backward(np.complex128(1)), DtypeError, "scale the plain one"),
        (lambda: special.beta(Tensor(np.ones(2)), Tensor(np.ones(3))), ShapeError, "beta"),
        (lambda: scipy.special.erf(Tensor(X), where=np.array([True, False])), TypeError, "where"),
    ],
)
def test_errors_say_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_no_elements(shape):
    x = Tensor(np.zeros(shape))
    for f in (special.erf, special.log_ndtr, lambda x: special.jv(1, x), lambda x: special.xlogy(x, x)):
        x.grad = None
        f(x).sum().backward()
        assert x.grad.shape == shape


def test_a_program_replays():
    def step(x):
        x = x.requires_grad_()
        y = special.logsumexp(special.log_ndtr(x), b=np.array([1.0, -0.5]))
        y.backward()
        return y, x.grad

    _, program = record(step, np.array([-3.0, -9.0]))
    x = np.array([-40.0, -60.0])
    y, g = program.run(x)
    agree(y.numpy(), special.logsumexp(scipy.special.log_ndtr(x), b=np.array([1.0, -0.5])))
    agree(g.numpy(), grad(lambda x: special.logsumexp(special.log_ndtr(x), b=np.array([1.0, -0.5])))(x))


def test_the_namespace_of_scipy_is_whole():
    there = autograd.scipy.special
    assert set(scipy.special.__all__) <= set(dir(there))
    assert there.erf is special.erf
    assert there.psi is there.digamma
    assert there.hyp2f1 is scipy.special.hyp2f1
    assert grad(there.gammaln)(2.0) == pytest.approx(0.4227843350984671, rel=1e-15)
