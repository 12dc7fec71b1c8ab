"""What the gradients promise beyond the rows of `test_traps.py`.

Second derivatives at awkward points, precision in the tails, behaviour that surprises in other engines (one test a trap),
and the properties that hold whatever the op: extremes share one unit of gradient, two spellings of one function agree, and
a finite true answer is never nan. Random points come from Hypothesis, and always the same ones.
"""

import copy
import functools
import gc
import math
import operator
import re
import types
import warnings
import weakref
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autograd as ag
from autograd import Tensor
from autograd.errors import DtypeError, GradientError

always_the_same = settings(derandomize=True, deadline=None, max_examples=60)
INF, NAN = math.inf, math.nan


def quiet(f):
    """f without NumPy's warnings: log(0) deserves one, its derivative does not."""

    def run(*xs):
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return f(*xs)

    return run


def close(got, want, rtol=1e-5, atol=0.0):
    """Equal to so many digits; zeros (unless atol says otherwise), infinities and nan exactly."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    return got.shape == want.shape and np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True)


# --- second order ----------------------------------------------------------------------------------------------------------


def entry(g, place):
    return g[place] if place else g


def by_grad_of_grad(f, x):
    rows = {place: ag.grad(lambda x, place=place: entry(ag.grad(f)(x), place))(x) for place in np.ndindex(np.shape(x))}
    return np.array(list(rows.values()), dtype=float).reshape(np.shape(x) * 2)


def by_create_graph(f, x):
    rows = []
    for place in np.ndindex(np.shape(x)):
        leaf = Tensor(x)
        f(leaf).backward(create_graph=True)
        first, leaf.grad = leaf.grad, None
        if first.requires_grad:
            entry(first, place).backward()
        rows.append(np.zeros(np.shape(x)) if leaf.grad is None else leaf.grad.numpy())
    return np.array(rows, dtype=float).reshape(np.shape(x) * 2)


def by_forward_over_reverse(f, x):
    rows = []
    for place in np.ndindex(np.shape(x)):
        tangent = np.zeros(np.shape(x))
        tangent[place] = 1
        rows.append(ag.jvp(ag.grad(f), (x,), (tangent if np.shape(x) else float(tangent),))[1])
    return np.array(rows, dtype=float).reshape(np.shape(x) * 2)


def of_two(f):
    """A function of two numbers as one of an array."""
    return lambda x: f(x[0], x[1])


def std_hessian(x):
    """The second derivatives of the standard deviation, written out."""
    x = np.asarray(x)
    n, d, s = len(x), x - x.mean(), x.std()
    return (np.eye(n) - 1 / n) / (n * s) - np.outer(d, d) / (n**2 * s**3)


QUADRATIC = np.array([[1.0, 2.0], [3.0, 4.0]])
Z2, Z3 = np.zeros((2, 2)), np.zeros((3, 3))

# (name, function, point, Hessians any of which is right)
SECOND = [
    ("x**2@0", lambda x: x**2, 0.0, [2]),
    ("x**1@0", lambda x: x**1, 0.0, [0]),
    ("x**0@0", lambda x: x**0, 0.0, [0]),
    ("x**1.0@0", lambda x: x**1.0, 0.0, [0]),
    ("x**2.0@0", lambda x: x**2.0, 0.0, [2]),
    ("x**1.5@0", lambda x: x**1.5, 0.0, [INF]),
    ("pow(x,y)@(2,3)", of_two(ag.power), [2.0, 3.0], [[[12, 12.317766], [12.317766, 3.8436241]]]),
    ("pow(x,y)@(0,1)", of_two(ag.power), [0.0, 1.0], [[[0, -INF], [-INF, 0]], np.full((2, 2), NAN)]),
    ("abs@0", abs, 0.0, [0]),
    ("abs(x)**3@0", lambda x: abs(x) ** 3, 0.0, [0]),
    ("sinc@1e-4", ag.sinc, 1e-4, [-(math.pi**2) / 3]),
    ("sinc@1e-9", ag.sinc, 1e-9, [-(math.pi**2) / 3]),
    ("sinc@0", ag.sinc, 0.0, [-(math.pi**2) / 3]),
    ("expm1@0", ag.expm1, 0.0, [1]),
    ("log1p@0", ag.log1p, 0.0, [-1]),
    ("sqrt@0", ag.sqrt, 0.0, [-INF]),
    ("sqrt(x**2+1)@0", lambda x: ag.sqrt(x**2 + 1), 0.0, [1]),
    ("prod@[2,0,0]", ag.prod, [2.0, 0.0, 0.0], [[[0, 0, 0], [0, 0, 2], [0, 2, 0]]]),
    ("prod@[0,0,0]", ag.prod, [0.0, 0.0, 0.0], [Z3]),
    ("sum cumprod@[2,0,3]", lambda x: ag.cumprod(x).sum(), [2.0, 0.0, 3.0], [[[0, 4, 0], [4, 0, 2], [0, 2, 0]]]),
    ("sum(x**2)@[0,0]", lambda x: (x**2).sum(), [0.0, 0.0], [2 * np.eye(2)]),
    ("logsumexp@[-inf,0]", ag.logsumexp, [-INF, 0.0], [Z2]),
    ("logsumexp@[1000,0]", ag.logsumexp, [1000.0, 0.0], [Z2]),
    ("logsumexp@[0,0]", ag.logsumexp, [0.0, 0.0], [[[0.25, -0.25], [-0.25, 0.25]]]),
    ("logaddexp@(1000,0)", of_two(ag.logaddexp), [1000.0, 0.0], [Z2]),
    ("logaddexp@(1,1)", of_two(ag.logaddexp), [1.0, 1.0], [[[0.25, -0.25], [-0.25, 0.25]]]),
    ("max@[1,2,2]", ag.max, [1.0, 2.0, 2.0], [Z3]),
    ("where(x>0,x**2,0)@0", lambda x: ag.where(x > 0, x**2, 0.0), 0.0, [0]),
    ("std@[1,2,4]", ag.std, [1.0, 2.0, 4.0], [std_hessian([1.0, 2.0, 4.0])]),
    ("std@[2,2]", ag.std, [2.0, 2.0], [Z2, np.full((2, 2), NAN)]),
    ("einsum quad", lambda x: ag.einsum("i,ij,j->", x, QUADRATIC, x), [1.0, 2.0], [[[2, 5], [5, 8]]]),
    ("arctan2@(1,1)", of_two(ag.arctan2), [1.0, 1.0], [[[-0.5, 0], [0, 0.5]]]),
    ("1/x@2", lambda x: 1 / x, 2.0, [0.25]),
    ("norm by sqrt@[3,4]", lambda x: ag.sqrt((x * x).sum()), [3.0, 4.0], [[[0.128, -0.096], [-0.096, 0.072]]]),
    ("tanh@20", ag.tanh, 20.0, [-3.3986836e-17]),
    ("tanh@1000", ag.tanh, 1000.0, [0]),  # 1/cosh**2 overflows on the way
    ("sigmoid@40", ag.sigmoid, 40.0, [-4.2483543e-18]),
    ("hypot@(0,0)", of_two(ag.hypot), [0.0, 0.0], [Z2, np.full((2, 2), NAN)]),
    ("hypot@(3,4)", of_two(ag.hypot), [3.0, 4.0], [[[0.128, -0.096], [-0.096, 0.072]]]),
    ("norm@[3,4]", ag.linalg.norm, [3.0, 4.0], [[[0.128, -0.096], [-0.096, 0.072]]]),
    ("squared norm@[0,0]", ag.squared_norm, [0.0, 0.0], [2 * np.eye(2)]),
    ("sort w", lambda x: (ag.sort(x) ** 2 * [10.0, 1.0]).sum(), [2.0, 1.0], [[[2, 0], [0, 20]]]),
    ("var@[1,2,4]", ag.var, [1.0, 2.0, 4.0], [2 / 3 * (np.eye(3) - 1 / 3)]),
]
HESSIANS = [by_grad_of_grad, by_create_graph, by_forward_over_reverse]


def points(x):
    """A number as a Python float and as a 0-d array; an array as it is."""
    return [x, np.float64(x)] if isinstance(x, float) else [np.array(x)]


@pytest.mark.parametrize("hessian", HESSIANS)
@pytest.mark.parametrize(("f", "x", "wants"), [row[1:] for row in SECOND], ids=[row[0] for row in SECOND])
def test_hessian(f, x, wants, hessian):
    for point in points(x):
        got = hessian(quiet(f), point)
        size = np.nan_to_num(got, nan=0.0, posinf=0.0, neginf=0.0)
        assert any(close(got, want, atol=1e-15 * abs(size).max()) for want in wants), f"{got} at {point!r}, wanted {wants[0]}"


def test_hessian_of_the_square_of_a_length_is_not_right():
    """Known: 2 is wanted at 0 and 0 comes. The slope of abs and norm there is 0, and the chain rule multiplies it by itself:
    write x*x, or squared_norm(x)."""
    assert by_grad_of_grad(lambda x: abs(x) ** 2, 0.0) == 0
    assert by_grad_of_grad(lambda x: x * x, 0.0) == 2
    assert close(by_grad_of_grad(lambda x: ag.linalg.norm(x) ** 2, np.zeros(2)), Z2)
    assert close(by_grad_of_grad(ag.squared_norm, np.zeros(2)), 2 * np.eye(2))


def test_second_derivative_of_a_square_of_a_kink_is_between_the_slopes():
    for point in points(0.0):
        assert 0 <= by_grad_of_grad(lambda x: ag.maximum(x, 0.0) ** 2, point) <= 2


# --- precision in the tails ------------------------------------------------------------------------------------------------


def exactly(formula, x):
    """A derivative in sixty digits, at the very double that x is."""
    with localcontext(prec=60):
        return float(formula(Decimal(x)))


SMALL = 4.248354255291589e-18  # exp(-40)
LOG1P_AT, NEAR_ONE = -1 + 2.0**-40, 1 - 2.0**-40

# (name, function, point, exact derivative)
TAILS = [
    ("expm1", ag.expm1, -40.0, SMALL),
    ("tanh", ag.tanh, 20.0, 1.6993417021166355e-17),
    ("tanh", ag.tanh, -20.0, 1.6993417021166355e-17),
    ("sigmoid", ag.sigmoid, 40.0, SMALL),
    ("sigmoid", ag.sigmoid, -40.0, SMALL),
    ("sigmoid", ag.sigmoid, 700.0, 9.859676543759770e-305),
    ("logaddexp(x,0)", lambda x: ag.logaddexp(x, 0.0), -40.0, SMALL),
    ("logaddexp(0,x)", lambda x: ag.logaddexp(0.0, x), -40.0, SMALL),
    ("logsigmoid by logaddexp", lambda x: -ag.logaddexp(0.0, -x), 40.0, SMALL),
    ("logaddexp2(x,0)", lambda x: ag.logaddexp2(x, 0.0), -40.0, 2.0**-40),
    ("sinc", ag.sinc, 1e-9, -3.289868133696453e-09),
    ("sinc", ag.sinc, 1e-6, -3.2898681336932065e-06),
    ("sinc", ag.sinc, 1e-300, -3.289868133696453e-300),
    ("arctan", ag.arctan, 1e200, 0.0),
    ("arctan", ag.arctan, 1e100, 1e-200),
    ("arcsinh", ag.arcsinh, 1e200, 1e-200),
    ("log1p", ag.log1p, LOG1P_AT, exactly(lambda x: 1 / (1 + x), LOG1P_AT)),
    ("log1p", ag.log1p, 1e-20, 1.0),
    ("arctanh", ag.arctanh, NEAR_ONE, exactly(lambda x: 1 / (1 - x * x), NEAR_ONE)),
    ("arccos", ag.arccos, NEAR_ONE, exactly(lambda x: -1 / (1 - x * x).sqrt(), NEAR_ONE)),
    ("arcsin", ag.arcsin, -NEAR_ONE, exactly(lambda x: 1 / (1 - x * x).sqrt(), NEAR_ONE)),
    ("arccosh", ag.arccosh, 1 + 2.0**-40, exactly(lambda x: 1 / (x * x - 1).sqrt(), 1 + 2.0**-40)),
    ("arccosh", ag.arccosh, 1e200, 1e-200),
    ("hypot(x,1)", lambda x: ag.hypot(x, 1e-200), 1e-200, 0.7071067811865475),
    ("hypot(x,1)", lambda x: ag.hypot(x, 1e200), 1e200, 0.7071067811865475),
    ("x**-1", lambda x: x**-1, 1e-100, -1e200),
    ("x/1e-200", lambda x: x / 1e-200, 1.0, 1e200),
    ("1/x", lambda x: 1 / x, 1e100, -1e-200),
    ("cbrt", ag.cbrt, 1e-150, 1e100 / 3),
    ("exp", ag.exp, -700.0, 9.859676543759770e-305),
    ("erf", ag.special.erf, 7.0, 5.915962958003069e-22),
    ("log_ndtr", ag.special.log_ndtr, -50.0, 50.019984031905636),
    ("log_ndtr", ag.special.log_ndtr, 37.0, math.exp(-684.5) / math.sqrt(2 * math.pi)),
    ("i0", ag.special.i0, 1e-300, 5e-301),
    ("sqrt", ag.sqrt, -0.0, INF),  # IEEE's sqrt(-0.0) is -0.0; the limit from where sqrt is defined is +inf
    ("log", ag.log, -0.0, INF),
]


@pytest.mark.parametrize(("f", "x", "want"), [row[1:] for row in TAILS], ids=[f"{row[0]}@{row[2]!r}" for row in TAILS])
def test_tail(f, x, want):
    """By backward and in forward mode, on a Python float, a 0-d array and an array."""
    f = quiet(f)
    for point in points(x):
        one = 1.0 if type(point) is float else np.float64(1)
        assert close(ag.grad(f)(point), want, rtol=1e-12), f"backward at {point!r}"
        assert close(ag.jvp(f, (point,), (one,))[1], want, rtol=1e-12), f"forward mode at {point!r}"
    assert close(ag.grad(lambda x: f(x).sum())(np.array([x, x])), [want, want], rtol=1e-12)


@pytest.mark.parametrize("x", [[40.0, 0.0], [1040.0, 1000.0]])
def test_tail_of_log_softmax(x):
    assert close(ag.grad(lambda x: ag.log_softmax(x)[0])(np.array(x)), [SMALL, -SMALL], rtol=1e-12)


def test_tail_of_softmax():
    assert close(ag.grad(lambda x: ag.softmax(x)[1])(np.array([40.0, 0.0])), [-SMALL, SMALL], rtol=1e-12)


# --- behaviour -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [1.0, np.ones(3)])
def test_chain_of_20000_adds(start):
    x = Tensor(start)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.sum().backward()
    assert np.all(x.grad.numpy() == 1)


ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
LEFT = [np.array([1.0, 2.0]), np.float64(2), np.float32(2), np.int64(2), 2, 2.0, True]


@pytest.mark.parametrize("left", LEFT, ids=repr)
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
@pytest.mark.parametrize("data", [3.0, [3.0, 4.0]], ids=repr)
def test_a_plain_value_on_the_left_gives_a_tensor(op, left, data):
    x = Tensor(data)
    y = op(left, x)
    assert isinstance(y, Tensor)
    assert y.requires_grad
    assert np.allclose(y.detach().numpy(), op(left, np.array(data)))
    right = op(x, left)
    assert isinstance(right, Tensor)
    assert np.allclose(right.detach().numpy(), op(np.array(data), left))


def test_matrix_on_the_left_of_matmul_gives_a_tensor():
    x = Tensor([1.0, 2.0])
    (np.eye(2) @ x).sum().backward()
    assert close(x.grad.numpy(), [1, 1])


@pytest.mark.parametrize("data", [0.5, np.float64(0.5), [0.5, 0.25]], ids=repr)
def test_a_numpy_function_keeps_the_gradient(data):
    x = Tensor(data)
    y = np.sin(x)
    assert isinstance(y, Tensor)
    y.sum().backward()
    assert np.allclose(x.grad.numpy(), np.cos(data))


@pytest.mark.parametrize("data", [0.5, np.float64(0.5), [0.5]], ids=repr)
@pytest.mark.parametrize("f", [math.sin, math.exp, math.sqrt], ids=lambda f: f.__name__)
def test_a_function_of_math_is_an_error_that_names_the_one_of_numpy(f, data):
    with pytest.raises(TypeError, match=rf"np\.{f.__name__}"):
        f(Tensor(data))


# How a number is asked for -> who is named in the error, "" where the gradient is dropped on purpose.
ASKING = {
    "math.sin(t)": "math.sin() knows",
    "math.fsum([t, t])": "math.fsum takes",  # there is no np.fsum to name
    "math.hypot(*[t, t])": "np.hypot",
    "math.isclose(1.0, 2.0, rel_tol=t)": "np.isclose",
    "functions.sine(t)": "np.sin",
    "sine(t)": "np.sin",
    "(lambda sine: lambda: sine(t))(sine)()": "np.sin",
    "[sine][0](t)": "something takes",
    "functools.partial(sine)(t)": "something takes",
    "list(map(sine, [t]))": "builtins.list takes",
    "[*map(sine, [t])]": "something takes",
    "[v for v in map(sine, [t])]": "something takes",
    "float(t)": "",
    "functions.number(t)": "",
    "(lambda: float(t))()": "",
    "round(float(t), 2) + sum(float(v) for v in [t, t])": "",
    "[float(\n t * 2 if t else t), complex(t)]": "",
    "f'{t:.2f}' + '%.2f' % t + '%.2f %.2f' % (t, t) + format(t, '.2f') + str(t)": "",
}


@pytest.mark.parametrize("code", ASKING)
def test_who_asks_for_a_number_is_known_without_its_source(code):
    """The code has no file, as in a shell or on standard input."""
    functions = types.SimpleNamespace(sine=math.sin, number=float)
    names = {"math": math, "functools": functools, "functions": functions, "sine": math.sin, "t": Tensor(0.5) * 1}
    if not ASKING[code]:
        eval(code, names)
        return
    with pytest.raises((GradientError, DtypeError), match=re.escape(ASKING[code])):
        eval(code, names)


@pytest.mark.parametrize("data", [3.0, np.float64(3.0)], ids=repr)
def test_assignment_of_a_tensor_into_an_array_is_an_error_with_the_fix(data):
    b = np.zeros(2)
    with pytest.raises(ValueError, match="setting an array element") as told:
        b[0] = Tensor(data)
    assert "autograd.stack" in str(told.value.__cause__)  # NumPy puts words of its own before ours
    with pytest.raises((TypeError, ValueError), match=r"(?i)stack|detach"):
        b[:] = Tensor([1.0, 2.0])
    assert not b.any()
    b[0] = Tensor(3.0, requires_grad=False)  # no gradient to lose
    assert b[0] == 3


def test_assignment_by_index_is_differentiable():
    x, v = Tensor([1.0, 2.0]), Tensor(5.0)
    y = x * x
    y[0] = v * 3
    y.sum().backward()
    assert close(x.grad.numpy(), [0, 4])
    assert close(v.grad.numpy(), 3)


def test_assignment_after_use_leaves_the_earlier_use_right():
    x = Tensor([1.0, 2.0])
    y = x * 1
    z = y * y  # the graph keeps y
    y[0] = 10.0
    (z.sum() + y.sum()).backward()
    assert close(x.grad.numpy(), [2, 5])


@pytest.mark.parametrize("write", ["constant", "data", "view of data"])
def test_a_write_to_an_array_that_a_graph_holds_is_harmless_or_an_error(write):
    source = np.array([1.0, 2.0])
    x = Tensor([3.0, 4.0])
    if write == "constant":
        y = x * source
        source[:] = 100
    else:
        raw = x.data if write == "data" else x.data[1:]
        y = x * x
        raw[...] = 100
        source = np.array([6.0, 8.0])
    try:
        y.sum().backward()
    except RuntimeError:
        return
    want = [1.0, 2.0] if write == "constant" else [6.0, 8.0]
    assert close(x.grad.numpy(), want)


@pytest.mark.parametrize("data", [3.0, [3.0]], ids=repr)
def test_second_backward_is_an_error_that_names_the_remedy(data):
    x = Tensor(data)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()
    assert close(np.squeeze(x.grad.numpy()), 6)


@pytest.mark.parametrize("data", [3.0, [3.0]], ids=repr)
def test_second_backward_through_a_retained_graph_doubles(data):
    x = Tensor(data)
    y = (x * x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert close(np.squeeze(x.grad.numpy()), 54)


@pytest.mark.parametrize("data", [1.0, [1.0]], ids=repr)
def test_two_losses_that_share_a_part(data):
    """An error that names the remedy, or the whole gradient: never the first loss's alone."""
    x = Tensor(data)
    shared = x * x * 2  # its slope is 4, and it counts twice
    first, second = shared.sum(), (shared * 1).sum()
    first.backward()
    try:
        second.backward()
        remedy = ""
    except RuntimeError as error:
        remedy = str(error)
    assert "retain_graph" in remedy or close(np.squeeze(x.grad.numpy()), 8)


def test_two_losses_that_share_a_retained_part():
    x = Tensor(1.0)
    shared = x * x * 2
    shared.backward(retain_graph=True)
    (shared * 1).backward()
    assert x.grad.item() == 8


def test_backward_of_several_elements_says_how_many_and_what_to_do():
    with pytest.raises(RuntimeError, match=r"6 elements.*sum\(\).*mean\(\).*backward\(gradient\).*Jacobian"):
        (Tensor(np.ones((2, 3))) * 2).backward()


def test_backward_of_a_constant_is_an_error():
    with pytest.raises(RuntimeError, match="requires a gradient"):
        Tensor([1.0], requires_grad=False).sum().backward()


DTYPES = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", DTYPES)
def test_gradient_has_the_dtype_of_its_leaf(dtype, other):
    x = Tensor(np.ones(3, dtype))
    (x * np.ones(3, other)).sum().backward()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_python_number_widens_nothing(dtype):
    x = Tensor(np.ones(3, dtype))
    y = (ag.where(x > 0, x * 2.0 + 1, Tensor(3.0)) ** 2.0).mean()
    assert y.dtype == dtype
    y.backward()
    assert x.grad.dtype == dtype


def test_gradient_has_the_shape_of_its_leaf():
    a, b, c = Tensor([1.0]), Tensor([[1.0], [2.0]]), Tensor(3.0)
    (ag.where(np.array([True, False, True]), a, 2.0) * b + c).sum().backward()
    assert (a.grad.shape, b.grad.shape, c.grad.shape) == ((1,), (2, 1), ())
    assert close(a.grad.numpy(), [6])
    assert close(c.grad.numpy(), 6)


@pytest.mark.parametrize("data", [[1, 2], np.array([True]), np.int32(3), 3], ids=repr)
def test_integers_cannot_require_a_gradient(data):
    if type(data) is int:  # a bare Python integer becomes a float
        assert Tensor(data).requires_grad
        return
    assert not Tensor(data).requires_grad
    with pytest.raises(TypeError, match=r"only floats and complex.*1\.0 for 1"):
        Tensor(data, requires_grad=True)
    with pytest.raises(TypeError, match="only floats"):
        ag.grad(lambda x: (x * 1.0).sum())(data)


def test_output_that_does_not_depend_on_the_input():
    """`grad` gives zeros of the input's shape and dtype; `backward` leaves None."""
    x = np.ones((2, 3), np.float32)
    g = ag.grad(lambda x: Tensor(1.0))(x)
    assert g.shape == x.shape
    assert g.dtype == x.dtype
    assert not g.any()
    assert ag.grad(lambda x: 1.0)(2.0) == 0
    a, b = Tensor(1.0), Tensor(2.0)
    (a * 2).backward()
    assert b.grad is None


def test_membership_is_not_decided_by_elementwise_equality():
    """`t in list` goes through `==`; a dict and a set go by identity, and that is what our own code uses."""
    a, b = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    assert a in [a, b]  # Python looks at identity first
    with pytest.raises(ValueError, match=r"single element|ambiguous"):
        operator.contains([b], a)
    assert a in {a}
    assert a not in {b}


def test_deepcopy_of_a_leaf_and_of_a_result():
    x = Tensor([1.0, 2.0])
    (x * x).sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad
    assert close(twin.grad.numpy(), [2, 4])
    twin.data[0] = 7.0
    assert close(x.detach().numpy(), [1, 2])
    with pytest.raises(RuntimeError, match=r"leaves.*detach\(\)"):
        copy.deepcopy(x * 2)


def test_matmul_of_shapes_that_do_not_fit():
    a = Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"(?s)matmul.*2, 3.*2, 3.*axis") as caught:
        a @ a
    assert ".T" in str(caught.value)


@pytest.mark.parametrize("op", [operator.add, operator.sub, ag.maximum], ids=lambda op: op.__name__)
def test_gradients_do_not_share_memory(op):
    a, b = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    weights = np.array([3.0, 4.0])
    op(a, b).backward(weights)
    assert not np.shares_memory(a.grad.data, b.grad.data)
    assert not np.shares_memory(a.grad.data, weights)
    kept = b.grad.numpy()
    a.grad.data[...] = 100
    assert close(b.grad.numpy(), kept)
    assert close(weights, [3, 4])


@pytest.mark.parametrize("ops", ["sum", "reshape", "identity"])
def test_gradients_of_views_do_not_share_memory(ops):
    """The cotangent of a sum is a broadcast, that of a reshape a view: neither may reach the user as such."""
    x = Tensor(np.ones((2, 3)))
    y = {"sum": lambda: x, "reshape": lambda: x.reshape(6), "identity": lambda: +x}[ops]()
    g = np.ones(y.shape)
    y.sum().backward() if ops == "sum" else y.backward(g)
    x.grad.data[0, 0] = 5.0
    assert x.grad.numpy().sum() == 10
    assert g.sum() == 6


def test_a_second_backward_does_not_change_a_gradient_in_hand():
    x = Tensor([1.0, 2.0])
    (x * 2).sum().backward()
    first = x.grad.data
    (x * 2).sum().backward()
    assert close(x.grad.numpy(), [4, 4])
    assert close(first, [2, 2]) or close(first, [4, 4])


def test_graph_is_freed_by_reference_count():
    gc.disable()
    try:
        x = Tensor(np.ones(4))
        y = ag.exp(x * 2)
        middle = weakref.ref(y.node)
        z = (y + 1).sum()
        del y
        assert middle() is not None
        del z
        assert middle() is None
        y = ag.exp(x * 2)
        middle = weakref.ref(y.node)
        z = (y + 1).sum()
        del y
        z.backward()
        assert middle() is None  # backward releases what nobody else can reach
    finally:
        gc.enable()


def test_recorded_graph_is_freed_by_reference_count():
    gc.disable()
    try:
        x = Tensor(np.ones(4))
        y = ag.tanh(x)
        middle = weakref.ref(y.node)
        y.sum().backward(create_graph=True)
        del y
        x.grad = None
        assert middle() is None
    finally:
        gc.enable()


def test_equal_constants_are_not_one():
    a, b = Tensor(2.0), Tensor(2.0)
    (a * b + a).backward()
    assert (a.grad.item(), b.grad.item()) == (3, 2)
    p, q = Tensor(np.ones(2)), Tensor(np.ones(2))
    (p * 3 + q).sum().backward()
    assert close(p.grad.numpy(), [3, 3])
    assert close(q.grad.numpy(), [1, 1])


@pytest.mark.parametrize("f", [ag.max, ag.min], ids=["max", "min"])
def test_ties_are_counted_in_a_wide_type(f):
    """4096 ties: float16 counts to 2048, and 1/70000 is 0 in it if the count overflows to infinity."""
    x = Tensor(np.zeros(4096, np.float16))
    f(x).backward()
    assert x.grad.dtype == np.float16
    assert np.all(x.grad.numpy() == np.float16(1 / 4096))
    many = Tensor(np.zeros(70_000, np.float16))
    f(many).backward()
    assert np.all(many.grad.numpy() == np.float16(1 / 70_000))


@pytest.mark.parametrize("x", [-2.0, np.float64(-2.0), np.array([-2.0, 0.0])], ids=repr)
@pytest.mark.parametrize("w", [3, 3.0, np.float64(3), np.array(3.0)], ids=repr)
def test_power_takes_no_logarithm_that_nobody_wants(x, w):
    """Warnings are errors here, so a logarithm of -2 or 0 would raise."""
    with np.errstate(all="raise"):
        t = Tensor(x)
        (t**w).sum().backward()
    assert np.allclose(t.grad.numpy(), 3 * np.asarray(x) ** 2)


def test_power_of_a_negative_base_has_a_gradient_in_the_base_only():
    x, w = Tensor([-2.0]), Tensor([3.0])
    (x**w).sum().backward()
    assert close(x.grad.numpy(), [12])
    assert close(w.grad.numpy(), [NAN])


def test_scalar_overflow_in_backward_is_infinity():
    """Python floats raise where NumPy goes on: (1e200)**2 is an OverflowError, and 1/0 a ZeroDivisionError."""
    assert ag.grad(ag.arctan)(1e200) == 0
    assert ag.grad(quiet(lambda x: x**3))(1e200) == INF
    assert ag.grad(quiet(lambda x: x * x * x))(1e160) == INF
    assert ag.grad(quiet(lambda x: 1 / x))(0.0) == -INF
    assert ag.grad(quiet(ag.exp))(1000.0) == INF


# --- the invariants --------------------------------------------------------------------------------------------------------

few = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0])  # so few that ties are common
lines = arrays(np.float64, st.integers(1, 6), elements=few)
pairs = st.integers(1, 5).flatmap(lambda n: st.tuples(*[arrays(np.float64, n, elements=few)] * 2))
triples = st.integers(1, 5).flatmap(lambda n: st.tuples(*[arrays(np.float64, n, elements=few)] * 3))


def ones_in_place_of(wanted, got):
    return close(got, np.ones_like(wanted), rtol=1e-12)


@always_the_same
@given(lines)
def test_gradients_of_an_extreme_sum_to_one(x):
    for f in (ag.max, ag.min):
        assert math.isclose(ag.grad(f)(x).sum(), 1, rel_tol=1e-12)
    for f in (ag.maximum, ag.minimum, ag.fmax, ag.fmin):  # one after the other
        total = ag.grad(lambda x, f=f: one_by_one(f, x))(x).sum()
        assert math.isclose(total, 1, rel_tol=1e-12)


def one_by_one(f, x):
    y = x[0]
    for i in range(1, len(x)):
        y = f(y, x[i])
    return y


@always_the_same
@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=few), st.sampled_from([0, 1, -1, (0, 1)]))
def test_gradients_of_an_extreme_along_an_axis_sum_to_one(x, axis):
    for f in (ag.max, ag.min):
        g = ag.grad(lambda x, f=f: f(x, axis=axis).sum())(x)
        assert np.allclose(g.sum(axis=axis), 1, rtol=1e-12)


@always_the_same
@given(pairs)
def test_gradients_of_a_choice_of_two_sum_to_one(pair):
    for f in (ag.maximum, ag.minimum, ag.fmax, ag.fmin):
        g = ag.grad(lambda x, w, f=f: f(x, w).sum(), argnum=(0, 1))(*pair)
        assert ones_in_place_of(pair[0], g[0] + g[1])


@always_the_same
@given(triples)
def test_gradients_of_clip_sum_to_one(triple):
    """Whatever the bounds, crossed ones included; and again with the gradient that a recorded pass gives."""
    g = ag.grad(lambda x, low, high: ag.clip(x, low, high).sum(), argnum=(0, 1, 2))(*triple)
    assert ones_in_place_of(triple[0], sum(g))
    leaves = [Tensor(t) for t in triple]
    ag.clip(*leaves).sum().backward(create_graph=True)
    assert ones_in_place_of(triple[0], sum(leaf.grad.detach().numpy() for leaf in leaves))


@always_the_same
@given(few, few, few)
def test_gradients_of_clip_of_numbers_sum_to_one(x, low, high):
    g = ag.grad(ag.clip, argnum=(0, 1, 2))(x, low, high)
    assert sum(g) == 1


@always_the_same
@given(arrays(np.float64, 3, elements=st.sampled_from([-1.0, 0.0, INF, -INF, NAN])))
def test_extreme_of_one_value_with_itself_is_that_value(x):
    for f in (ag.maximum, ag.minimum, ag.fmax, ag.fmin):
        assert ones_in_place_of(x, ag.grad(lambda x, f=f: quiet(ag.sum)(f(x, x)))(x))
        for v in x:
            assert ag.grad(lambda x, f=f: f(x, x))(float(v)) == 1


@pytest.mark.slow
@always_the_same
@given(arrays(np.float64, 5, elements=st.sampled_from([-7.0, -1.0, -0.0, 0.0, 0.5, 1.0, 6.0, 7.0])))
def test_two_spellings_agree(x):
    """Functions that are equal have equal gradients, kinks included."""
    agree(x, lambda x: ag.clip(x, 0.0, 6.0), lambda x: np.clip(x, 0.0, 6.0), lambda x: x.clip(0.0, 6.0))
    agree(x, abs, ag.absolute, np.abs, lambda x: ag.maximum(x, -x), lambda x: -ag.minimum(x, -x))
    agree(x, lambda x: abs(x).sum(), lambda x: ag.maximum(x, -x).sum(), lambda x: ag.einsum("i->", abs(x)))
    agree(x, ag.relu, lambda x: ag.where(x > 0, x, 0.0))
    agree(x, ag.max, lambda x: -ag.min(-x), lambda x: -(-x).min(), np.amax)
    agree(x, lambda x: x**2, ag.square, lambda x: x * x, lambda x: x**2.0)
    agree(x, lambda x: x**3, lambda x: x * x * x, lambda x: ag.power(x, np.full(5, 3)))
    agree(x, ag.prod, lambda x: x[0] * x[1] * x[2] * x[3] * x[4], lambda x: ag.cumprod(x)[-1])


def agree(x, *spellings):
    first, *others = (ag.grad(lambda x, f=f: f(x).sum())(x) for f in spellings)
    for other in others:
        assert close(other, first, rtol=1e-12), x


# relu and clip differ on a bound: relu's own slope of 0 is the convention of everyone, and clip gives the bound its share.
@pytest.mark.slow
@always_the_same
@given(arrays(np.float64, 4, elements=few), st.sampled_from([-1.0, 0.0, 1.0]))
def test_clip_agrees_with_maximum_and_minimum_away_from_the_bounds(x, low):
    assume(not np.isin(x, [low, low + 1]).any())
    agree(x, lambda x: ag.clip(x, low, low + 1), lambda x: ag.minimum(ag.maximum(x, low), low + 1))
    agree(x, lambda x: ag.clip(x, low, None), lambda x: ag.maximum(x, low))


# --- a finite true answer is never nan -------------------------------------------------------------------------------------

# Functions that are nan, or have an infinite slope, at a point that `where` does not choose: (name, function, bad points)
BAD = [
    ("sqrt", ag.sqrt, [-1.0, 0.0, NAN]),
    ("log", ag.log, [-1.0, 0.0, NAN]),
    ("1/x", lambda x: 1 / x, [0.0, NAN]),
    ("x/x", lambda x: x / x, [0.0, NAN]),
    ("sin(x)/x", lambda x: ag.sin(x) / x, [0.0, NAN, INF]),
    ("log(x)*x", lambda x: ag.log(x) * x, [0.0, -1.0]),
    ("exp(exp)", lambda x: ag.exp(ag.exp(x)), [1000.0, 10.0, INF]),
    ("x**0.5", lambda x: x**0.5, [0.0, -1.0]),
    ("x**-1", lambda x: x**-1, [0.0]),
    ("x**x", lambda x: x**x, [0.0, -1.0]),
    ("cbrt", ag.cbrt, [0.0]),
    ("arcsin", ag.arcsin, [1.0, 2.0]),
    ("arccosh", ag.arccosh, [1.0, 0.0]),
    ("arctanh", ag.arctanh, [1.0, -1.0, 2.0]),
    ("tan(log(sqrt))", lambda x: ag.tan(ag.log(ag.sqrt(x))), [-1.0, 0.0]),
    ("sqrt(x)*log(x)", lambda x: ag.sqrt(x) * ag.log(x), [-1.0, 0.0]),
    ("sqrt(x-1)+sqrt(x)", lambda x: ag.sqrt(x - 1) + ag.sqrt(x), [-1.0, 0.0]),
    ("tanh(1/x)", lambda x: ag.tanh(1 / x), [0.0]),
    ("sigmoid(1/x)", lambda x: ag.sigmoid(1 / x), [0.0]),
    ("logaddexp(1/x,log)", lambda x: ag.logaddexp(1 / x, ag.log(x)), [0.0]),
    ("sqrt(exp(x)*0)", lambda x: ag.sqrt(ag.exp(x) * 0), [1000.0, 0.0]),
    ("abs(log)", lambda x: abs(ag.log(x)), [0.0, -1.0]),
    ("hypot(log,1)", lambda x: ag.hypot(ag.log(x), 1.0), [0.0, -1.0]),
    ("clip(1/x)", lambda x: ag.clip(1 / x, -1.0, 1.0), [0.0]),
]
BETWEEN = [
    ("nothing", lambda y: y),
    ("affine", lambda y: 2 * y + 1),
    ("square", lambda y: y * y),
    ("exp", ag.exp),
    ("reshape and transpose", lambda y: y.reshape((1, -1)).T.reshape(-1)),
    ("flip", lambda y: ag.flip(ag.flip(y))),
    ("expand and squeeze", lambda y: ag.squeeze(ag.expand_dims(y, 0), 0)),
    ("stack and index", lambda y: ag.stack([y, y])[1]),
    ("cumsum", lambda y: ag.concatenate([y, y])[: len(y)]),
]


@pytest.mark.parametrize(("f", "bad"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.parametrize("between", [row[1] for row in BETWEEN], ids=[row[0] for row in BETWEEN])
def test_where_drops_what_it_does_not_choose(f, bad, between):
    for x in bad:
        point = np.array([x, 0.5])
        chosen = np.array([False, False])
        check_dropped(lambda t, c=chosen: ag.where(c, between(f(t)), 3 * t).sum(), point, [3, 3])


@pytest.mark.parametrize(("f", "bad"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.parametrize("between", [row[1] for row in BETWEEN[:4]], ids=[row[0] for row in BETWEEN[:4]])
def test_where_drops_a_number_that_it_does_not_choose(f, bad, between):
    for x in bad:
        check_dropped(lambda t: ag.where(False, between(f(t)), 3 * t), x, 3)


def check_dropped(f, x, want):
    """By grad, by a recorded backward, and in forward mode."""
    assert close(ag.grad(quiet(f))(x), want)
    leaf = Tensor(x)
    quiet(f)(leaf).backward(create_graph=True)
    assert close(leaf.grad.detach().numpy(), want), "recorded"
    tangent = np.ones_like(x) if np.ndim(x) else 1.0
    along = ag.jvp(quiet(f), (x,), (tangent,))[1]
    assert close(along, np.sum(want), atol=1e-15), f"forward mode gives {along}"


# Functions of a matrix that mix a row, for a row that is dropped afterwards: (name, function of a matrix)
ROWWISE = [
    ("softmax", lambda m: ag.softmax(m, axis=1)),
    ("log_softmax", lambda m: ag.log_softmax(m, axis=1)),
    ("logsumexp", lambda m: ag.logsumexp(m, axis=1, keepdims=True)),
    ("max", lambda m: ag.max(m, axis=1, keepdims=True)),
    ("mean", lambda m: ag.mean(m, axis=1, keepdims=True)),
    ("prod", lambda m: ag.prod(m, axis=1, keepdims=True)),
    ("cumprod", lambda m: ag.cumprod(m, axis=1)),
    ("cumsum", lambda m: ag.cumsum(m, axis=1)),
    ("std", lambda m: ag.std(m, axis=1, keepdims=True)),
    ("var", lambda m: ag.var(m, axis=1, keepdims=True)),
    ("matmul", lambda m: m @ np.array([[1.0], [2.0]])),
    ("einsum of squares", lambda m: ag.einsum("ij,ij->i", m, m)[:, None]),
    ("norm", lambda m: ag.sqrt((m * m).sum(axis=1, keepdims=True))),
]


@pytest.mark.parametrize("row", [[-INF, -INF], [INF, INF], [NAN, 1.0], [0.0, 0.0], [1e200, 1e200]], ids=repr)
@pytest.mark.parametrize("f", [row[1] for row in ROWWISE], ids=[row[0] for row in ROWWISE])
@pytest.mark.parametrize("drop", ["where", "index"])
def test_a_row_that_is_dropped_has_no_gradient(f, row, drop):
    """A masked row of attention, for example: nan in it must not come back through softmax."""
    good = np.array([0.5, 0.25])
    regular = ag.grad(lambda m: f(m).sum())(good[None])

    def kept(m):
        y = f(m)
        return (ag.where(np.array([[False], [True]]), y, 0.0) if drop == "where" else y[1:]).sum()

    check_dropped(kept, np.array([row, good]), [[0, 0], regular[0]])


# Ways of leaving out the first element of an array of three: (name, function)
DROPPING = [
    ("slice", lambda y: y[1:]),
    ("indices", lambda y: y[[1, 2]]),
    ("mask", lambda y: y[np.array([False, True, True])]),
    ("take", lambda y: ag.take(y, np.array([1, 2]))),
    ("split", lambda y: ag.split(y, [1])[1]),
    ("assignment", lambda y: overwritten(y)),
    ("where", lambda y: ag.where(np.array([False, True, True]), y, 0.0)),
    ("fmax", lambda y: ag.fmax(y, np.array([5.0, -9.0, -9.0]))),
]


def overwritten(y):
    y = y.copy()
    y[0] = 0.0
    return y


@pytest.mark.parametrize(("f", "bad"), [row[1:] for row in BAD[:8]], ids=[row[0] for row in BAD[:8]])
@pytest.mark.parametrize("drop", [row[1] for row in DROPPING[:-1]], ids=[row[0] for row in DROPPING[:-1]])
def test_what_indexing_drops_has_no_gradient(f, bad, drop):
    """The slope may be nan or infinite at the element that is left out."""
    regular = ag.grad(lambda t: f(t).sum())(np.array([0.5, 0.25]))
    for x in bad:
        check_dropped(lambda t: drop(f(t)).sum(), np.array([x, 0.5, 0.25]), [0, *regular])


@pytest.mark.parametrize("f", [lambda y: ag.tile(y, 0), lambda y: ag.repeat(y, 0), lambda y: ag.broadcast_to(y, (0, 2))])
def test_what_is_repeated_no_times_has_no_gradient(f):
    check_dropped(lambda x: f(ag.log(x)).sum(), np.array([-1.0, 0.0]), [0, 0])


def test_fmax_drops_nan():
    g = ag.grad(lambda x: quiet(ag.fmax)(quiet(ag.log)(x), -9.0).sum())(np.array([-1.0, 0.5]))
    assert close(g, [0, 2])


ZERO_SLOPES = [
    ("sqrt(x*x)", lambda x: ag.sqrt(x * x), 0.0),
    ("sqrt(x**2)", lambda x: ag.sqrt(x**2), 0.0),
    ("sqrt(x**4)", lambda x: ag.sqrt(x**4), 0.0),
    ("hypot(x,x)", lambda x: ag.hypot(x, x), 0.0),
    ("hypot(x,0)", lambda x: ag.hypot(x, 0.0), 0.0),
    ("sinc", ag.sinc, 0.0),
    ("x**0", lambda x: x**0, 0.0),
    ("x**0.0", lambda x: x**0.0, 0.0),
    ("0*log", lambda x: 0 * ag.log(x), 0.0),
    ("0*sqrt", lambda x: 0 * ag.sqrt(x), 0.0),
    ("sqrt(0*x)", lambda x: ag.sqrt(0 * x), 1.0),
    ("cbrt(x*x)", lambda x: ag.cbrt(x * x), 0.0),
    ("exp(-1/x**2)", lambda x: ag.exp(-1 / x**2), 0.0),
    ("tanh(1/x)", lambda x: ag.tanh(1 / x**2), 0.0),
    ("sigmoid(log)", lambda x: ag.clip(ag.log(x), -1.0, 1.0), 0.0),
]


@pytest.mark.parametrize(("f", "x"), [row[1:] for row in ZERO_SLOPES], ids=[row[0] for row in ZERO_SLOPES])
def test_a_zero_cotangent_that_meets_an_infinite_slope_gives_zero(f, x):
    check_dropped(f, x, 0)
    check_dropped(lambda t: f(t).sum(), np.array([x, x]), [0, 0])


@pytest.mark.parametrize("exponent", [0, 0.0, np.float64(0), np.zeros(4), np.zeros(4, int)], ids=repr)
def test_power_zero_has_slope_zero_everywhere(exponent):
    check_dropped(lambda x: (x**exponent).sum(), np.array([0.0, -0.0, 2.0, -3.0]), np.zeros(4))


small = arrays(np.float64, st.integers(1, 5), elements=st.sampled_from([-1.5, -1.0, 0.0, 0.0, 0.5, 2.0]))


@pytest.mark.slow
@always_the_same
@given(small)
def test_products_with_zeros_against_differences(x):
    """A product is linear in each factor, so that a difference is its derivative but for rounding."""
    weights = np.arange(1.0, len(x) + 1)
    for f in (ag.prod, lambda x: (ag.cumprod(x) * weights).sum(), lambda x: ag.prod(x.reshape((-1, 1)), axis=0).sum()):
        want = []
        for i in range(len(x)):
            up, down = x.copy(), x.copy()
            up[i] += 0.5
            down[i] -= 0.5
            want.append(float(f(Tensor(up)).detach()) - float(f(Tensor(down)).detach()))
        assert np.allclose(ag.grad(f)(x), want, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@always_the_same
@given(small)
def test_second_derivatives_of_products_with_zeros(x):
    want = np.zeros((len(x), len(x)))
    for i, j in np.ndindex(want.shape):
        want[i, j] = 0 if i == j else np.prod(np.delete(x, [i, j]))
    for hessian in HESSIANS:
        assert np.allclose(hessian(ag.prod, x), want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_nan_stays_visible(value):
    """Zero for a product of zero and infinity is for slopes; it must not hide a nan that is an input."""
    x = np.array([value, 1.0])
    g = ag.grad(lambda x: quiet(lambda x: (x * x).sum())(x))(x)
    assert close(g, [2 * value, 2])
    if value != value:
        for f in (abs, ag.sin, ag.exp, ag.tanh, ag.log, ag.sqrt, ag.sigmoid):
            g = ag.grad(lambda x, f=f: quiet(f)(x).sum())(x)
            assert math.isnan(g[0]), f
            assert math.isfinite(g[1]), f


def test_a_nan_cotangent_stays_nan():
    """A slope of zero times nan is not zero: the loss is not known, and so is its gradient."""
    x = Tensor([0.0, 1.0])
    (x * x).backward(np.array([NAN, 1.0]))
    assert close(x.grad.numpy(), [NAN, 2])


def test_a_root_of_a_negative_number_is_nan_and_not_complex():
    x = Tensor(-1.0)
    with np.errstate(invalid="ignore"):
        y = x**0.5
    y.backward()
    assert np.isnan(y.item())
    assert np.isnan(x.grad.item())
    assert ag.grad(lambda x: x**3)(-2.0) == 12
