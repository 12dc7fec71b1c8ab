"""`autograd.scipy.stats`: the values of scipy.stats, gradients in every argument, the support and its outside.

Gradients are compared with finite differences in float64; SciPy's functions are the reference for values.
"""

import importlib
import math

import numpy as np
import pytest
import scipy.stats

from autograd import NoRuleError, ShapeError, Tensor, grad, no_grad, record, vjp
from autograd.scipy import stats
from autograd.testing import check_grads

INF, NAN = math.inf, math.nan
FUNCTIONS = ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
REAL = np.array([[-2.3, -0.4, 0.2], [1.1, 2.5, 6.0]])
ABOVE = np.array([[0.1, 0.6, 1.3], [2.2, 4.5, 9.0]])
UNIT = np.array([[0.02, 0.3, 0.45], [0.6, 0.83, 0.99]])

# x, then the shape parameters; loc and scale come after.
FAMILIES = {
    "norm": (REAL,),
    "t": (REAL, np.array([1.3, 3.0, 12.5])),
    "gamma": (ABOVE, np.array([0.7, 1.8, 6.3])),
    "chi2": (ABOVE, np.array([1.4, 3.6, 12.6])),
    "beta": (UNIT, np.array([0.6, 1.5, 3.0]), 2.2),
}
LOC, SCALE = np.array([[0.3], [-0.7]]), np.array([1.7, 0.6, 1.0])
ROWS = [(family, function) for family in FAMILIES for function in FUNCTIONS]
# Distribution functions have derivatives in x, loc and scale; densities in the shape parameters as well.
OF_SHAPES = ("pdf", "logpdf")


def pairs_of(family, function):
    return getattr(importlib.import_module(f"autograd.scipy.stats.{family}"), function), getattr(
        getattr(scipy.stats, family), function
    )


def arguments(family):
    """x within the support, the shapes, loc and scale."""
    z, *shapes = FAMILIES[family]
    return [LOC + SCALE * z, *shapes, LOC, SCALE]


@pytest.mark.parametrize(("family", "function"), ROWS)
def test_values(family, function):
    ours, theirs = pairs_of(family, function)
    z, *shapes = FAMILIES[family]
    for args in (arguments(family), [z, *shapes], [float(z[0, 1]), *(float(np.ravel(s)[0]) for s in shapes)]):
        expected = theirs(*args)
        np.testing.assert_allclose(ours(*args), expected, rtol=1e-12)
        got = ours(Tensor(args[0]), *(Tensor(a, False) for a in args[1:]))
        assert isinstance(got, Tensor)
        np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-12)
    args = arguments(family)
    np.testing.assert_array_equal(ours(*args[:-2], scale=args[-1], loc=args[-2]), ours(*args))
    np.testing.assert_allclose(ours(z.tolist(), *shapes), theirs(z, *shapes), rtol=1e-12)


@pytest.mark.parametrize(("family", "function"), ROWS)
def test_gradients_in_every_argument(family, function):
    f, _ = pairs_of(family, function)
    args = [np.asarray(a, dtype=float) for a in arguments(family)]
    last = len(args) - 2
    free = [i for i in range(len(args)) if i in (0, last, last + 1) or function in OF_SHAPES or family == "norm"]

    def moving(*xs):
        given = list(args)
        for i, x in zip(free, xs, strict=True):
            given[i] = x
        return f(*given)

    check_grads(moving, *(args[i] for i in free), order=1, rtol=1e-8)


@pytest.mark.parametrize(("family", "function"), ROWS)
def test_second_derivatives(family, function):
    f, _ = pairs_of(family, function)
    x, *shapes, loc, scale = (np.asarray(a, dtype=float) for a in arguments(family))
    check_grads(lambda x, scale: f(x, *shapes, loc, scale), x, scale, rtol=1e-7)


ENTROPIES = {
    "norm": [],
    "t": [np.array([0.8, 3.0, 90.0, 1e4])],
    "gamma": [np.array([0.3, 5.0, 199.0, 201.0, 1e6])],
    "chi2": [np.array([0.3, 5.0, 399.0, 401.0, 1e6])],
    "beta": [np.array([0.3, 2.0, 15.0]), np.array([0.6, 1.5, 90.0])],
}


@pytest.mark.parametrize("family", ENTROPIES)
def test_entropies(family):
    shapes = ENTROPIES[family]
    f, plain = pairs_of(family, "entropy")
    with np.errstate(all="ignore"):
        expected = np.array([plain(*row, 0.3, 1.7) for row in zip(*shapes, strict=True)]) if shapes else plain(0.3, 1.7)
    np.testing.assert_allclose(f(*shapes, 0.3, 1.7), expected, rtol=1e-11)
    args = [*shapes, np.array(1.7)]
    total = lambda *args: f(*args[:-1], 0.3, args[-1]).sum()  # noqa: E731
    gradients = grad(total, argnum=tuple(range(len(args))))(*args)
    if family in ("gamma", "chi2", "t"):  # large parameters move the entropy too little for differences
        small = [a[:2] for a in shapes]
        check_grads(f, *small, order=1, rtol=1e-8)
        assert np.isfinite(gradients[0]).all()
    else:
        check_grads(total, *args, order=1, rtol=1e-8)
    np.testing.assert_allclose(grad(lambda s: f(*shapes, scale=s).sum())(1.7), np.size(expected) / 1.7, rtol=1e-12)


# --- tails, support, invalid parameters ------------------------------------------------------------------------------------


def test_tails_of_the_normal_distribution():
    f = lambda name: grad(getattr(stats.norm, name))  # noqa: E731
    assert f("logcdf")(-50.0) == pytest.approx(50.019984031905636, rel=1e-14)
    assert f("logsf")(50.0) == pytest.approx(-50.019984031905636, rel=1e-14)
    assert f("logpdf")(1e10, 0.0, 1.0) == -1e10
    assert f("logcdf")(50.0) == 0
    assert f("sf")(10.0) == pytest.approx(-math.exp(-50) / math.sqrt(2 * math.pi), rel=1e-14)


def test_t_with_infinite_freedom_is_normal():
    x = np.array([-1.5, 0.3, 2.0])
    for name in ("pdf", "logpdf", "cdf", "sf"):
        t, norm = getattr(stats.t, name), getattr(stats.norm, name)
        np.testing.assert_allclose(t(x, INF), norm(x), rtol=1e-14)
        np.testing.assert_allclose(grad(lambda x, t=t: t(x, INF).sum())(x), grad(lambda x, n=norm: n(x).sum())(x), rtol=1e-13)


@pytest.mark.parametrize(("family", "outside"), [("gamma", [-1.0, -0.1]), ("chi2", [-1.0, -0.1]), ("beta", [-0.3, 1.2])])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_outside_the_support_the_gradient_is_zero(family, outside, function):
    f, plain = pairs_of(family, function)
    x, shapes = np.array(outside), [1.5] * (len(FAMILIES[family]) - 1)
    np.testing.assert_array_equal(f(x, *shapes), plain(x, *shapes))
    y, pull = vjp(lambda x, loc, scale: f(x, *shapes, loc, scale), x, 0.0, 1.0)
    for gradient in pull(np.ones(2)):
        np.testing.assert_array_equal(gradient, np.zeros(np.shape(gradient)))
    assert np.shape(y) == (2,)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_invalid_parameters_and_nan_give_nan(family, function):
    f, plain = pairs_of(family, function)
    count = len(FAMILIES[family]) - 1
    for x, shapes, scale in [
        (NAN, [1.5] * count, 1.0),
        (0.5, [1.5] * count, -1.0),
        (0.5, [1.5] * count, 0.0),
        (0.5, [-1.0] * count, 1.0),
    ]:
        if shapes == [] and scale == 1.0 and x == x:
            continue
        with np.errstate(all="ignore"):
            assert np.isnan(plain(x, *shapes, 0.0, scale))
        y, (slope, by_scale) = (lambda r: (r[0], r[1](1.0)))(vjp(lambda x, s, c=shapes: f(x, *c, 0.0, s), x, scale))
        assert math.isnan(y)
        assert math.isnan(slope)
        assert math.isnan(by_scale)


@pytest.mark.parametrize(
    ("f", "want"),
    [
        (lambda x: stats.gamma.logpdf(x, 1.0), -1.0),
        (lambda x: stats.gamma.pdf(x, 1.0), -1.0),
        (lambda x: stats.gamma.pdf(x, 2.0), 1.0),
        (lambda x: stats.gamma.pdf(x, 1.5), INF),
        (lambda x: stats.gamma.pdf(x, 3.0), 0.0),
        (lambda x: grad(lambda x: stats.gamma.cdf(x, 2.0))(x), 1.0),
        (lambda x: stats.gamma.logcdf(x, 2.0), INF),
        (lambda x: stats.beta.pdf(x, 2.0, 3.0), 12.0),
        (lambda x: stats.beta.pdf(1 - x, 3.0, 2.0), 12.0),
        (lambda x: stats.beta.logsf(1 - x, 3.0, 2.0), INF),
        (lambda x: stats.gamma.cdf(x, 1.0), 1.0),
        (lambda x: stats.gamma.logpdf(x, 3.0), INF),
        (lambda x: stats.beta.cdf(x, 1.0, 3.0), 3.0),
        (lambda x: stats.chi2.cdf(x, 2.0), 0.5),
    ],
)
def test_at_the_edge_of_the_support(f, want):
    assert grad(f)(0.0) == pytest.approx(want)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: stats.gamma.cdf(1.0, a),
        lambda a: stats.chi2.sf(1.0, a),
        lambda a: stats.beta.cdf(0.5, a, 1.0),
        lambda a: stats.beta.logsf(0.5, 1.0, a),
        lambda a: stats.t.cdf(0.5, a),
        lambda a: stats.norm.ppf(a),
        lambda a: stats.norm.interval(a),
        lambda a: stats.expon.pdf(a),
        lambda a: stats.poisson.pmf(a, 1.0),
        lambda a: stats.poisson.cdf(3, 1.0, loc=a),
        lambda a: stats.multivariate_normal.cdf(a, np.zeros(2)),
    ],
)
def test_where_there_is_no_derivative_there_is_an_error(call):
    with pytest.raises(NoRuleError):
        call(Tensor([0.4, 0.7]))


def test_parameters_by_a_wrong_name_are_an_error():
    for call in (
        lambda: stats.norm.pdf(0.0, lok=1.0),
        lambda: stats.norm.pdf(0.0, 1.0, loc=1.0),
        lambda: stats.gamma.pdf(1.0),
        lambda: stats.norm.pdf(0.0, 1.0, 2.0, 3.0),
    ):
        with pytest.raises(TypeError, match="the parameters of this distribution are"):
            call()


def test_float32_stays():
    x = Tensor(np.float32([0.3, 0.6]))
    for y in (
        stats.norm.logpdf(x),
        stats.norm.cdf(x, 0.5, 2),
        stats.t.logpdf(x, 3),
        stats.t.cdf(x, 3.0),
        stats.gamma.pdf(x, 2.5),
        stats.beta.logcdf(x, 2, 3),
        stats.chi2.sf(x, 3),
        stats.poisson.logpmf(np.float32([1, 2]), x),
        stats.poisson.cdf([1, 2], x),
    ):
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.dtype == np.float32


def test_other_names_are_scipys():
    assert set(scipy.stats.__all__) <= set(dir(stats))
    assert stats.expon is scipy.stats.expon
    for family in ("norm", "t", "gamma", "beta", "chi2", "poisson", "dirichlet", "multivariate_normal"):
        there = {name for name in dir(getattr(scipy.stats, family)) if not name.startswith("_")}
        assert there <= set(dir(getattr(stats, family)))
    assert stats.norm.ppf(0.975) == scipy.stats.norm.ppf(0.975)
    np.testing.assert_array_equal(stats.norm.rvs(size=3, random_state=0), scipy.stats.norm.rvs(size=3, random_state=0))


def test_a_program_replays_a_density():
    def step(x, scale):
        scale = scale.requires_grad_()
        y = stats.gamma.logpdf(x, 2.5, 0.0, scale).sum()
        y.backward()
        return y, scale.grad

    _, program = record(step, ABOVE, SCALE)
    x, scale = ABOVE - 0.5, SCALE + 0.4  # one of them outside the support now
    y, g = program.run(x, scale)
    assert y.item() == -INF
    np.testing.assert_allclose(g.numpy(), grad(lambda s: stats.gamma.logpdf(x, 2.5, 0.0, s).sum())(scale), rtol=1e-13)


# --- counts ----------------------------------------------------------------------------------------------------------------

COUNTS = np.array([-1, 0, 1, 4, 20, 2.5])


@pytest.mark.parametrize("function", ["pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"])
def test_poisson(function):
    f, plain = pairs_of("poisson", function)
    mu = np.array([[0.4], [3.7]])
    np.testing.assert_allclose(f(COUNTS, mu), plain(COUNTS, mu), rtol=1e-12)
    np.testing.assert_allclose(f(COUNTS + 2, mu, 2), plain(COUNTS + 2, mu, 2), rtol=1e-12)
    np.testing.assert_allclose(f(3, 1.5), plain(3, 1.5), rtol=1e-12)
    w = np.where(np.isfinite(f(COUNTS, mu)), 0.3, 0)
    total = lambda mu: (np.where(w > 0, f(COUNTS, mu), 0) * w).sum()  # noqa: E731
    check_grads(total, mu, rtol=1e-8)


def test_poisson_at_rate_zero_and_below():
    assert stats.poisson.pmf(0, 0.0) == 1
    assert grad(lambda mu: stats.poisson.logpmf(0, mu))(0.0) == -1
    assert grad(lambda mu: stats.poisson.pmf(1, mu))(0.0) == 1
    assert math.isnan(stats.poisson.pmf(1, -1.0))
    assert math.isnan(grad(lambda mu: stats.poisson.pmf(1, mu))(-1.0))
    assert grad(lambda mu: stats.poisson.pmf(-1, mu))(2.0) == 0


def test_counts_may_be_tensors_without_a_gradient():
    with no_grad():
        assert stats.poisson.pmf(Tensor([3.0]), 1.5).item() == pytest.approx(scipy.stats.poisson.pmf(3, 1.5), rel=1e-14)
    assert stats.poisson.pmf(Tensor([3.0]).detach(), 1.5).shape == (1,)


# --- several dimensions ----------------------------------------------------------------------------------------------------

ALPHA = np.array([0.8, 2.5, 1.7])
POINT = np.array([0.2, 0.5, 0.3])
POINTS = np.array([[0.2, 0.6], [0.5, 0.1], [0.3, 0.3]])


@pytest.mark.parametrize("x", [POINT, POINT[:2], POINTS, POINTS[:2]], ids=["vector", "short", "columns", "short columns"])
def test_dirichlet(x):
    for name in ("logpdf", "pdf"):
        f, plain = pairs_of("dirichlet", name)
        np.testing.assert_allclose(f(x, ALPHA), plain(x, ALPHA), rtol=1e-13)
        check_grads(lambda a, f=f: f(x, a), ALPHA, rtol=1e-8)
    along = np.zeros_like(x)  # the simplex
    along[0], along[1] = 0.1, -0.1
    check_grads(lambda t: stats.dirichlet.logpdf(x + t * along, ALPHA), np.array(0.0), rtol=1e-8)


@pytest.mark.slow
def test_dirichlet_gradient_and_entropy():
    np.testing.assert_allclose(grad(stats.dirichlet.logpdf)(POINT, ALPHA), (ALPHA - 1) / POINT, rtol=1e-14)
    np.testing.assert_allclose(stats.dirichlet.entropy(ALPHA), scipy.stats.dirichlet.entropy(ALPHA), rtol=1e-13)
    check_grads(stats.dirichlet.entropy, ALPHA, rtol=1e-8)


@pytest.mark.parametrize(
    ("x", "alpha", "error"),
    [
        ([0.2, 0.5, 0.4], ALPHA, ValueError),
        ([-0.2, 0.9, 0.3], ALPHA, ValueError),
        ([0.0, 0.7, 0.3], ALPHA, ValueError),
        (POINT, [1.0, 0.0, 1.0], ValueError),
        ([0.2, 0.8], np.ones(4), ShapeError),
        (POINT, ALPHA[None], ShapeError),
    ],
)
def test_dirichlet_refuses_what_scipy_refuses(x, alpha, error):
    with pytest.raises(ValueError, match=r".+"):
        scipy.stats.dirichlet.logpdf(x, alpha)
    with pytest.raises(error, match="dirichlet"):
        stats.dirichlet.logpdf(Tensor(np.array(x)), alpha)


MEAN = np.array([0.3, -0.2, 1.0])
ROOTS = np.array([[1.2, 0.0, 0.0], [0.4, 0.9, 0.0], [-0.3, 0.5, 1.1]])
COV = ROOTS @ ROOTS.T
X = np.random.default_rng(3).normal(size=(2, 4, 3))

NORMALS = {
    "one point": (X[0, 0], MEAN, COV),
    "points": (X[0], MEAN, COV),
    "a grid": (X, MEAN, COV),
    "defaults": (X[0, 0, 0],),
    "one dimension": (X[0, 0], 0.3, 2.0),
    "a variance": (X[0], MEAN, 2.0),
    "variances": (X[0], MEAN, np.array([0.5, 1.0, 2.0])),
    "no mean": (X[0], None, COV),
}


@pytest.mark.parametrize("args", NORMALS.values(), ids=NORMALS)
@pytest.mark.parametrize("name", ["logpdf", "pdf"])
@pytest.mark.parametrize("allow_singular", [False, True])
def test_multivariate_normal(args, name, allow_singular):
    f, plain = pairs_of("multivariate_normal", name)
    expected = plain(*args, allow_singular=allow_singular)
    got = f(*args, allow_singular=allow_singular)
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    free = [i for i, a in enumerate(args) if a is not None and not (i == 2 and allow_singular)]
    xs = [np.asarray(args[i], dtype=float) for i in free]

    def density(*xs):
        given = list(args)
        for i, x in zip(free, xs, strict=True):
            given[i] = (x + x.T) / 2 if i == 2 and np.ndim(x) == 2 else x
        return f(*given, allow_singular=allow_singular)

    check_grads(density, *xs, rtol=1e-8)


def test_multivariate_normal_gradients_by_their_formulas():
    x, inverse = X[0, 0], np.linalg.inv(COV)
    by_x, by_mean, by_cov = grad(stats.multivariate_normal.logpdf, argnum=(0, 1, 2))(x, MEAN, COV)
    solved = inverse @ (x - MEAN)
    np.testing.assert_allclose(by_x, -solved, rtol=1e-12)
    np.testing.assert_allclose(by_mean, solved, rtol=1e-12)
    np.testing.assert_allclose(by_cov, (np.outer(solved, solved) - inverse) / 2, rtol=1e-11)
    hessian = np.array([grad(lambda x, i=i: grad(stats.multivariate_normal.logpdf)(x, MEAN, COV)[i])(x) for i in range(3)])
    np.testing.assert_allclose(hessian, -inverse, rtol=1e-11)


def test_multivariate_normal_entropy():
    f, plain = pairs_of("multivariate_normal", "entropy")
    np.testing.assert_allclose(f(MEAN, COV), plain(MEAN, COV), rtol=1e-13)
    np.testing.assert_allclose(f(None, 2.0), plain(None, 2.0), rtol=1e-13)
    np.testing.assert_allclose(grad(f, argnum=1)(MEAN, COV), np.linalg.inv(COV) / 2, rtol=1e-11)


def test_a_singular_covariance():
    flat = np.array([[1.0, 1.0], [1.0, 1.0]])
    f, plain = pairs_of("multivariate_normal", "logpdf")
    points = np.array([[0.5, 0.5], [0.5, 0.6]])
    np.testing.assert_allclose(f(points, None, flat, True), plain(points, None, flat, True), rtol=1e-12)
    np.testing.assert_allclose(grad(f)(points[0], np.zeros(2), flat, True), [-0.25, -0.25], rtol=1e-12)
    with pytest.raises(NoRuleError, match="allow_singular"):
        f(points, None, Tensor(flat), True)
    with pytest.raises(ValueError, match="negative eigenvalue"):
        f(points, None, -flat, True)
    for broken in (flat, -np.eye(2)):
        for function in (plain, f):
            with pytest.raises(ValueError, match="positive"):
                function(points, None, broken)


@pytest.mark.parametrize(("mean", "cov"), [(np.zeros(3), np.eye(2)), (np.zeros((2, 2)), np.eye(2)), (np.zeros(2), np.ones(3))])
def test_shapes_that_do_not_fit(mean, cov):
    with pytest.raises(ShapeError, match="do not fit"):
        stats.multivariate_normal.logpdf(np.zeros(2), mean, cov)
