"""`autograd.numpy`: NumPy's names and values on plain arrays, our ops on Tensors, lists with Tensors, random draws."""

import inspect

import numpy as onp
import pytest

import autograd.numpy as np
from autograd import DtypeError, NoRuleError, ShapeError, Tensor, grad, jacobian
from autograd.numpy.spelling import has_tensor
from autograd.test_util import check_grads

MODULES = [(onp, np), (onp.linalg, np.linalg), (onp.fft, np.fft), (onp.random, np.random)]


@pytest.mark.parametrize(("theirs", "ours"), MODULES, ids=[theirs.__name__ for theirs, _ in MODULES])
def test_every_public_name_is_there(theirs, ours):
    wanted = {name for name in theirs.__all__ if name in vars(theirs) and not inspect.ismodule(vars(theirs)[name])}
    assert wanted <= vars(ours).keys()
    assert len(wanted) > 15


def test_types_and_constants_are_numpys_own():
    for name in ("ndarray", "float32", "float64", "int64", "pi", "inf", "newaxis", "dtype", "errstate", "zeros"):
        assert getattr(np, name) is getattr(onp, name)
    assert np.__version__ == onp.__version__


def test_one_function_with_two_names_is_one_function():
    assert np.abs is np.absolute
    assert np.concat is np.concatenate


def test_a_ufunc_keeps_its_members():
    x = onp.array([1.0, 3.0, 2.0])
    assert np.maximum.reduce(x) == 3.0
    onp.testing.assert_array_equal(np.add.outer(x, x), onp.add.outer(x, x))
    onp.testing.assert_array_equal(np.add.accumulate(x), onp.cumsum(x))
    assert np.add.nin == 2
    assert float(np.maximum.reduce(Tensor(x)).item()) == 3.0


A = onp.arange(6.0).reshape(2, 3) / 7 + 0.1

PLAIN = [
    ("sin", (A,), {}),
    ("add", (A, A), {"where": A > 0.5, "out": onp.zeros((2, 3))}),
    ("sum", (A,), {"axis": (0, 1), "keepdims": True, "initial": 2.0}),
    ("mean", ([1.0, 2.0, 3.0],), {}),
    ("concatenate", ([A, A],), {"axis": 1}),
    ("concatenate", ([[1, 2], [3]],), {}),
    ("stack", ((A, A),), {"axis": -1}),
    ("array", ([[1, 2], [3, 4]],), {"dtype": onp.float32, "ndmin": 3}),
    ("asarray", (A,), {}),
    ("full", ((2, 3), 7), {"dtype": int}),
    ("where", (A > 0.5, A, 0), {}),
    ("einsum", ("ij,kj->ik", A, A), {}),
    ("einsum", (A, [0, 1], A, [2, 1], [0, 2]), {}),
    ("reshape", (A, (3, 2)), {"order": "F"}),
    ("pad", (A, [(1, 1), (0, 2)]), {"mode": "wrap"}),
    ("linspace", (0.0, 1.0, 5), {"endpoint": False}),
    ("shape", ([[1, 2], [3, 4]],), {}),
    ("select", ([A > 0.5, A > 0.3], [A, -A]), {"default": 9.0}),
    ("block", ([[A, A], [A, A]],), {}),
    ("isclose", (A, A + 1e-12), {}),
    ("argsort", (A,), {"axis": 0, "kind": "stable"}),
    ("result_type", (onp.float32, 1.0), {}),
    ("tril", (A,), {"k": -1}),
    ("ravel", (A,), {"order": "F"}),
    ("meshgrid", ([1, 2], [3, 4, 5]), {"indexing": "ij"}),
    ("matmul", (A, A.T), {"casting": "same_kind"}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), PLAIN, ids=[f"{i}-{name}" for i, (name, _, _) in enumerate(PLAIN)])
def test_plain_values_go_to_numpy_itself(name, args, kwargs):
    ours, theirs = getattr(np, name)(*args, **kwargs), getattr(onp, name)(*args, **kwargs)
    assert type(ours) is type(theirs)
    onp.testing.assert_array_equal(ours, theirs)
    assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)


def test_plain_values_stay_plain_and_tensors_stay_tensors():
    assert type(np.exp(onp.ones(2))) is onp.ndarray
    assert type(np.exp(1.0)) is onp.float64
    assert type(np.exp(Tensor([1.0]))) is Tensor
    assert not isinstance(Tensor([1.0]), np.ndarray)


# Functions of one array x of shape (3,) or of a number, through lists and makers of arrays. NumPy on plain values is the
# reference for the value, finite differences for the gradient.
LISTS = {
    "array of numbers": lambda x: np.array([x[0], x[1] * x[2], 3.0]),
    "array of lists": lambda x: np.array([[x[0], 1.0], [2.0, x[1]]]),
    "array of arrays": lambda x: np.array([x, 2 * x, onp.ones(3)]),
    "array of tuples": lambda x: np.array(((x[0], x[1]), (x[2], 0.5))),
    "array of an array": lambda x: np.array(x),
    "array, ndmin": lambda x: np.array(x, ndmin=3),
    "array, ndmin of a list": lambda x: np.array([x[0], 1.0], ndmin=2),
    "asarray of a list": lambda x: np.asarray([x[2], x[0]]),
    "concatenate": lambda x: np.concatenate([x, onp.ones(2), x]),
    "concatenate lists": lambda x: np.concatenate([[x[0], 1.0], x, [2.0]]),
    "concatenate, axis": lambda x: np.concatenate((x[None], x[None] * 2), axis=1),
    "stack": lambda x: np.stack([x, x * x], axis=1),
    "hstack": lambda x: np.hstack([x, x[0], 1.0]),
    "hstack of matrices": lambda x: np.hstack((x[:, None], onp.ones((3, 2)))),
    "vstack": lambda x: np.vstack([x, 2 * x]),
    "row_stack": lambda x: np.row_stack([x, 2 * x]),
    "dstack": lambda x: np.dstack([x, 2 * x]),
    "column_stack": lambda x: np.column_stack([x, onp.ones(3)]),
    "append": lambda x: np.append(x, x[0]),
    "append, axis": lambda x: np.append(x[None], x[None], axis=0),
    "append to a plain one": lambda x: np.append(onp.ones(2), x),
    "sum of a list": lambda x: np.sum([x[0], x[1], 2.0]),
    "mean of a list": lambda x: np.mean([x[0], x[1], 2.0]),
    "std of a list": lambda x: np.std([x[0], x[1], 2.0]),
    "max of a list": lambda x: np.max([x[0], x[1], 2.0]),
    "dot of a list": lambda x: np.dot([x[0], x[1], 2.0], x),
    "sin of a list": lambda x: np.sin([x[0], 2.0 * x[1]]),
    "add of lists": lambda x: np.add([x[0], 1.0], [x[1], x[2]]),
    "shape of a list": lambda x: np.sum(x) * np.shape([x[0], x[1]])[0],
    "full": lambda x: np.full((2, 3), x),
    "full of a number": lambda x: np.full(4, x[1]),
    "r_": lambda x: np.r_[x, 0:3, x[0]],
    "c_": lambda x: np.c_[x, onp.ones(3), x**2],
    "c_ of matrices": lambda x: np.c_[onp.ones((3, 2)), x],
    "select": lambda x: np.select([onp.array([True, False, False]), onp.array([False, True, False])], [x, 2 * x], 0.5),
    "block": lambda x: np.block([[x[None], onp.ones((1, 2))], [onp.zeros((1, 2)), x[None]]]),
    "make_diagonal": lambda x: np.make_diagonal(x, axis1=-1, axis2=-2),
    "piecewise of numbers": lambda x: np.piecewise(X, [X < 0.5, X >= 0.5], [x[0], lambda v: v * x[1]]),
    "where with numbers": lambda x: np.where(x > 0.5, x * x, 0.0),
    "einsum": lambda x: np.einsum("i,j->ij", x, x),
    "outer of a list": lambda x: np.outer(x, [x[0], 1.0]),
}
X = onp.array([0.3, 0.9, 1.7])


@pytest.mark.filterwarnings("ignore:.*row_stack.*:DeprecationWarning")
@pytest.mark.parametrize("name", LISTS)
def test_lists_and_makers_of_arrays(name):
    f = LISTS[name]
    y = f(Tensor(X))
    plain = f(X)
    assert isinstance(y, Tensor)
    assert y.shape == onp.shape(plain)
    onp.testing.assert_allclose(y.detach().numpy(), plain, rtol=1e-15)
    check_grads(f)(X)


def test_array_casts_and_copies():
    x = Tensor([1.5, 2.5])
    assert np.array(x, dtype=onp.float32).dtype == onp.float32
    assert np.array([x, x], onp.float32).dtype == onp.float32
    assert np.array(x, dtype=int).tolist() == [1, 2]
    assert np.asarray(x) is x
    copy = np.array(x)
    copy[0] = 7.0
    assert x.tolist() == [1.5, 2.5]
    assert grad(lambda v: np.sum(np.array(v, dtype=onp.float32) * 2))(onp.ones(2)).dtype == onp.float64


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match=r"\(2,\), \(3,\).*concatenate"):
        np.array([Tensor(X), onp.ones(2)])


def test_directives_of_r_are_refused():
    with pytest.raises(NoRuleError, match="directives"):
        np.r_["0,2", Tensor(X), X]


def test_out_is_refused():
    with pytest.raises(NoRuleError, match="write the value of a Tensor into an array"):
        np.sin(Tensor(X), out=onp.zeros(3))


def test_a_list_that_is_no_array_stays_a_list():
    given = [onp.array([0.1, 0.5, 0.9]), onp.array([0.2, 0.2, 0.8])]
    counts, _ = np.histogramdd([Tensor(x, requires_grad=False) for x in given], bins=2)
    onp.testing.assert_array_equal(counts, onp.histogramdd(given, bins=2)[0])


def test_numpy_functions_that_lose_a_gradient_say_so():
    with pytest.raises(NoRuleError, match="histogramdd has no derivative rule"):
        grad(lambda x: np.histogramdd(x[:, None])[1][0].sum())(X)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Tensor(1.0), True),
        ([1.0, Tensor(1.0)], True),
        ([[1.0], (2.0, [Tensor(1.0)])], True),
        ([1.0, [2.0]], False),
        ("text", False),
        (onp.ones(2), False),
        ([], False),
    ],
)
def test_where_a_tensor_is(value, expected):
    assert has_tensor(value) is expected


# --- random draws ----------------------------------------------------------------------------------------------------------

DRAWS = {
    "normal": (lambda p: np.random.normal(p[0], p[1], size=4), (0.5, 1.5)),
    "normal by name": (lambda p: np.random.normal(loc=p[0], scale=p[1]), (0.5, 1.5)),
    "uniform": (lambda p: np.random.uniform(p[0], p[1], (2, 2)), (0.5, 1.5)),
    "exponential": (lambda p: np.random.exponential(p[0] * p[1], 4), (0.5, 1.5)),
    "laplace": (lambda p: np.random.laplace(p[0], p[1], 4), (0.5, 1.5)),
    "logistic": (lambda p: np.random.logistic(p[0], p[1], 4), (0.5, 1.5)),
    "gumbel": (lambda p: np.random.gumbel(p[0], p[1], 4), (0.5, 1.5)),
    "lognormal": (lambda p: np.random.lognormal(p[0], p[1], 4), (0.5, 0.3)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_reparameterised_draws(name):
    draw, parameters = DRAWS[name]

    def seeded(p):
        np.random.seed(3)
        return draw(p)

    p = onp.array(parameters)
    y = seeded(Tensor(p))
    assert isinstance(y, Tensor)
    onp.testing.assert_allclose(y.detach().numpy(), seeded(p), rtol=1e-12)  # the same draws as those of plain parameters
    assert onp.any(jacobian(seeded)(p) != 0)
    check_grads(seeded)(p)


WRONG_DRAWS = {
    "an argument too many": (lambda x: np.random.normal(x, 1.0, 3, 4), TypeError, "too many"),
    "an unknown name": (lambda x: np.random.uniform(x, hi=2.0), TypeError, "'hi'"),
    "an argument twice": (lambda x: np.random.normal(x, loc=x), TypeError, "'loc'"),
    "a negative scale": (lambda x: np.random.normal(0.0, -x), ValueError, "scale < 0"),
    "a negative scale by name": (lambda x: np.random.laplace(scale=-x * X), ValueError, "scale < 0"),
    "a negative sigma": (lambda x: np.random.lognormal(x, -1.0), ValueError, "sigma < 0"),
}


@pytest.mark.parametrize("name", WRONG_DRAWS)
def test_wrong_arguments_of_a_draw_are_errors_as_in_numpy(name):
    draw, error, words = WRONG_DRAWS[name]
    with pytest.raises(error):
        draw(1.5)
    with pytest.raises(error, match=words):
        draw(Tensor(1.5))


def test_draws_of_arrays_of_parameters():
    np.random.seed(0)
    assert np.random.normal(Tensor(onp.zeros((2, 1))), onp.ones(3)).shape == (2, 3)
    assert np.random.randn(2, 3).shape == (2, 3)
    assert type(np.random.normal(onp.zeros(2))) is onp.ndarray


def test_other_draws_refuse_a_tensor_that_requires_a_gradient():
    with pytest.raises(NoRuleError, match="poisson has no derivative rule"):
        np.random.poisson(Tensor(3.0))
    np.random.seed(0)
    assert np.random.poisson(Tensor(3.0).detach()) >= 0


# --- complex numbers -------------------------------------------------------------------------------------------------------


def test_gradient_of_a_real_function_of_a_complex_number():
    z = 1.0 + 2.0j
    onp.testing.assert_allclose(grad(lambda z: np.abs(z) ** 2)(z), 2 * onp.conj(z), rtol=1e-15)
    onp.testing.assert_allclose(grad(lambda z: np.real(np.exp(z)))(z), onp.exp(z), rtol=1e-15)
    onp.testing.assert_allclose(grad(lambda z: np.imag(np.exp(z)))(z), -1j * onp.exp(z), rtol=1e-15)


def test_int_arguments_are_refused():
    with pytest.raises(DtypeError):
        grad(lambda x: np.sin(x))(1)
