"""The exceptions, and nothing else: each says in its docstring what wrong code looks like and what right code does.

Every one is also the built-in kind that NumPy or Python would have raised, so `except ValueError` keeps its meaning.
Stands on nothing.
"""


class AutogradError(Exception):
    """The common base: `except AutogradError` catches what is raised about values, shapes, dtypes and gradients.

    Arguments that are wrong in themselves, an `argnum` that is not there or a negative learning rate, are a ValueError or a
    TypeError, as anywhere in Python.
    """


class GradientError(AutogradError, RuntimeError):
    """A gradient was asked for where there is none to give, or more than one answer is possible.

    Wrong: `(x * x).backward()` on an array of three: which of the three outputs?
    Right: `(x * x).sum().backward()`, or `(x * x).backward(weights)`.
    """


class GraphReleasedError(GradientError):
    """The graph behind this value was given back by an earlier `backward()`.

    Wrong: `loss.backward(); loss.backward()`
    Right: `loss.backward(retain_graph=True); loss.backward()`, or compute `loss` again.
    """


class NoRuleError(AutogradError, TypeError):
    """The function has no derivative rule, and a gradient would be lost on the way through it.

    Wrong: `np.roots(x)` on a Tensor that requires a gradient, while `roots` has no rule.
    Right: `np.roots(x.detach())` when the gradient is not wanted, or write the rule with `@rule`.
    """


class RuleError(AutogradError, RuntimeError):
    """A rule contradicts itself: it reads a name that does not exist, or returns a gradient of the wrong shape.

    Wrong: `@rule(x=lambda g, z: g * z)` over `def f(x)`: there is no `z`.
    Right: read `g`, `y`, an input or attribute of `f`, or the shape of an input as `x_shape`.
    """


class ShapeError(AutogradError, ValueError):
    """Shapes do not fit together.

    Wrong: `a @ b` with shapes (2, 3) and (2, 3).
    Right: `a @ b.T`.
    """


class DtypeError(AutogradError, TypeError):
    """A value is of a kind that the operation, or differentiation, cannot use.

    Wrong: `Tensor([1, 2, 3], requires_grad=True)`: integers have no derivative.
    Right: `Tensor([1.0, 2.0, 3.0])`.
    """


class AliasError(AutogradError, RuntimeError):
    """An in-place change whose meaning would be ambiguous, because another Tensor looks at the same memory.

    Wrong: `v = x[1:]; x[1] = 5.0`: should `v` change?
    Right: `v = x[1:].copy(); x[1] = 5.0`, or `x = x.copy(); x[1] = 5.0`.
    """


class RecordingError(AutogradError, RuntimeError):
    """A concrete value was read while `record` was running, so the Program would be right for that value only.

    Wrong: `if loss > 1: ...` inside a recorded step.
    Right: `autograd.where(loss > 1, a, b)`, or decide outside the step.
    """


class AnomalyError(AutogradError, ArithmeticError):
    """Raised under `detect_anomaly()` at the first op that turns finite inputs into nan or inf."""


class IndexingError(AutogradError, IndexError):
    """An index or an axis that the array does not have.

    Wrong: `x[3]` for a Tensor of shape (3,), or `x.sum(axis=2)` for one of shape (2, 3).
    Right: `x[2]`, `x[-1]`, `x.sum(axis=-1)`.
    """
