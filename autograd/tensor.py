"""Tensor: a value that remembers how it was computed; and the protocols by which NumPy's functions come back to our ops.

A Tensor is a thin handle: the raw value, the node behind it if it wants a gradient, and who else may hold its memory. It
knows no op: the operators and methods are put on the class by `ops/methods.py`, and what NumPy calls comes back through the
table `implementations`, which `@rule` fills.

Memory. A graph keeps arrays, so nobody may write to an array that a graph holds. The invariant: the memory of a Tensor is
reachable only from Tensors and graphs, until `data` hands it out. So a Tensor copies what it is made from; `data` hands out
a copy if a graph holds the array at that moment, and marks the Tensor as exposed; and an op that needs the value of an
exposed Tensor for its derivative keeps a copy, unless a look at the reference count shows that nobody else is left.
"""

import inspect
import math
import operator
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import takewhile
from sys import getrefcount
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from .errors import AliasError, DtypeError, GradientError, NoRuleError, RecordingError, ShapeError
from .explain import kind_of, losing_call
from .graph import Node, backpropagate, gate, leaf_of, mode, modes, ndarray, release
from .rows import dense
from .tree import leaves, transform

NUMBERS = frozenset((float, int, bool))  # raw values that are weak in NumPy's promotion and can never be written to

Method: TypeAlias = Callable[..., Any]

# What NumPy calls comes back to us here: a function, a ufunc, (ufunc, method), or the full name of a ufunc of SciPy, which
# is not imported for it -> the op that it means on Tensors.
implementations: dict[Any, Callable[..., Any]] = {}


class Sharing:
    """Held by the Tensors that look at one piece of memory; `exposed` once it was handed out through `data`."""

    __slots__ = ("exposed",)

    def __init__(self, exposed: bool) -> None:
        self.exposed = exposed


class Tensor:
    """A number or an array that can be differentiated.

    Made from floats it wants a gradient, unless `requires_grad=False`; a Python number stays a Python float (weak, as in
    NumPy: it never widens an array). Made from integers or booleans it is a constant; a bare Python integer becomes a float.

    >>> x = Tensor([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_raw", "_variable", "node", "sharing")
    _raw: Any
    node: Node | None
    sharing: Sharing | None
    _variable: Any

    # Put on the class by ops/methods.py, and named here for editors and type checkers.
    __add__: Method
    __radd__: Method
    __iadd__: Method
    __sub__: Method
    __rsub__: Method
    __isub__: Method
    __mul__: Method
    __rmul__: Method
    __imul__: Method
    __truediv__: Method
    __rtruediv__: Method
    __itruediv__: Method
    __floordiv__: Method
    __rfloordiv__: Method
    __mod__: Method
    __rmod__: Method
    __pow__: Method
    __rpow__: Method
    __matmul__: Method
    __rmatmul__: Method
    __and__: Method
    __or__: Method
    __xor__: Method
    __lt__: Method
    __le__: Method
    __gt__: Method
    __ge__: Method
    __neg__: Method
    __pos__: Method
    __abs__: Method
    __invert__: Method
    __getitem__: Method
    __setitem__: Method
    exp: Method
    log: Method
    sqrt: Method
    sin: Method
    cos: Method
    tanh: Method
    sigmoid: Method
    relu: Method
    abs: Method
    conj: Method
    conjugate: Method
    round: Method
    clip: Method
    sum: Method
    mean: Method
    prod: Method
    max: Method
    min: Method
    var: Method
    std: Method
    argmax: Method
    argmin: Method
    argsort: Method
    any: Method
    all: Method
    cumsum: Method
    cumprod: Method
    dot: Method
    reshape: Method
    transpose: Method
    swapaxes: Method
    squeeze: Method
    ravel: Method
    flatten: Method
    repeat: Method
    take: Method
    nonzero: Method
    astype: Method
    copy: Method
    T: "Tensor"
    mT: "Tensor"
    real: "Tensor"
    imag: "Tensor"

    __array_priority__ = 1000.0

    def __init__(self, data: Any, requires_grad: bool | None = None, dtype: Any = None) -> None:
        if isinstance(data, Tensor) and data.node is not None and modes.gradients and requires_grad is not False:
            raise GradientError(
                f"Tensor({describe(data)}) would start anew, without the gradient of what it is made from. Use the Tensor "
                "itself, x.copy(), autograd.asarray(x), or x.detach() to drop its gradient on purpose"
            )
        raw = owned(data, dtype)
        if requires_grad is not False and dtype is None and type(raw) is int:
            raw = float(raw)
        differentiable = is_inexact(raw)
        if requires_grad and not differentiable:
            raise DtypeError(
                f"a Tensor of {kind_of(raw)} cannot require a gradient: only floats and complex numbers have derivatives. "
                "Write 1.0 for 1, or pass dtype=float"
            )
        self._raw = raw
        self.node = leaf_of(raw) if requires_grad or (requires_grad is None and differentiable) else None
        self.sharing = None

    # --- what it holds -----------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The raw array or number, for reading and for writing.

        While a graph still needs the array, the graph keeps it and `data` goes on with a copy.
        """
        refuse_reading(self, "data")
        if type(self._raw) in NUMBERS or isinstance(self._raw, np.generic):
            return self._raw
        if self.sharing is None or not self.sharing.exposed:
            if not is_alone(self):
                self._raw = self._raw.copy()
            self.sharing = Sharing(exposed=True)
        return self._raw

    @data.setter
    def data(self, value: Any) -> None:
        new = value if isinstance(value, Tensor) else constant(owned(value))
        if np.shape(new._raw) != np.shape(self._raw):
            raise ShapeError(
                f"data of shape {np.shape(new._raw)} cannot replace data of shape {np.shape(self._raw)}: a Tensor keeps "
                "its shape; make a new one"
            )
        become(self, cast_like(new, self._raw), self.node)

    @property
    def grad(self) -> "Tensor | None":
        """The gradient that backward() has added up here, or None."""
        node = self.node
        if node is None or node.grad is None:
            return None
        if not isinstance(node.grad, Tensor):
            node.grad = constant(dense(node.grad))
        if modes.recorder is not None:
            modes.recorder.reads_gradient(node)
        return node.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if modes.recorder is not None:
            modes.recorder.replaced_gradient(self)
        if value is None or (type(value) in NUMBERS and value == 0):
            if self.node is not None:
                self.node.grad = None
            return
        if self.node is None:
            raise GradientError("this Tensor does not require a gradient, so it has no place for one: set requires_grad first")
        new = value if isinstance(value, Tensor) else constant(owned(value))
        if new.shape != self.shape:
            raise ShapeError(f"a gradient of shape {new.shape} does not belong to a Tensor of shape {self.shape}")
        self.node.grad = cast_like(new, self._raw)

    @property
    def requires_grad(self) -> bool:
        """Whether ops on this Tensor build a graph, so that backward() reaches it."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted == self.requires_grad:
            return
        if wanted:
            if not is_inexact(self._raw):
                raise DtypeError(f"{kind_of(self._raw)} cannot require a gradient: only floats and complex numbers can")
            self.node = leaf_of(self._raw)
        elif self.is_leaf:
            self.node = None
        else:
            raise GradientError("this Tensor is the result of an op; use detach() for its value without the graph")

    @property
    def is_leaf(self) -> bool:
        """True for what the user made, False for results of ops that require a gradient."""
        return self.node is None or self.node.rule is None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes; () for a scalar."""
        return () if type(self._raw) in NUMBERS else self._raw.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array; float64 for a Python float."""
        return np.dtype(type(self._raw)) if type(self._raw) in NUMBERS else self._raw.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return self.size * self.dtype.itemsize

    # --- gradients ---------------------------------------------------------------------------------------------------------

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Adds d(self)/d(leaf) to `grad` of every leaf behind this Tensor.

        `gradient` weighs the elements of an output that is not a scalar. `retain_graph` keeps the graph for a second pass,
        and the gradients of the values in between for looking at. `create_graph` makes the gradients differentiable; such a
        gradient refers to its leaf and the leaf to it, so set it to None when done with it (autograd.grad has no such ring).

        A pass that raises has changed no gradient, neither of a leaf nor in between. With `retain_graph` another attempt finds
        the whole graph. Without, the graph of this Tensor may have been released all the same, because memory is freed as the
        pass goes, and nobody knows then that it will fail: compute the value again.
        """
        if self.node is None:
            raise GradientError(
                f"backward() on {describe(self)}, which does not depend on anything that requires a gradient. Make the "
                "inputs with Tensor(...) from floats (a Tensor of integers is a constant), and compute outside no_grad()"
            )
        if retain_graph is None:
            retain_graph = create_graph
        recorded = create_graph or modes.recorder is not None
        watch = deposit if retain_graph else None
        watcher = modes.watcher
        if watcher is not None:
            watch = watcher.watching(watch)
        cotangents = sweep(
            self,
            gradient,
            recorded=recorded,
            differentiable=create_graph,
            retain=retain_graph or watcher is not None,  # for it sees nodes at the end
            watch=watch,
            finish=call_hooks,  # before anything is shown: one that raises leaves no gradient half done
        )
        for leaf, g in cotangents.items():
            deposit(leaf, g)
        if watcher is not None:
            watcher.swept(cotangents)
            if not (retain_graph or self.is_leaf):
                release(self.node)

    def detach(self) -> "Tensor":
        """The same value, outside the graph."""
        out = constant(self._raw)
        if is_mutable(self._raw):
            share(self, out)
        if modes.recorder is not None:
            out._variable = modes.recorder.variable_of(self)
        if modes.watcher is not None:
            modes.watcher.detached(self, out)
        return out

    def requires_grad_(self, wanted: bool = True) -> "Tensor":
        """Sets `requires_grad` and returns the Tensor."""
        self.requires_grad = wanted
        return self

    def register_hook(self, hook: Callable[["Tensor"], Any]) -> "HookHandle":
        """Calls `hook(gradient)` when the gradient of this Tensor is known; what it returns, if anything, takes its place."""
        if self.node is None:
            raise GradientError("a hook needs a Tensor that requires a gradient")
        if not callable(hook):
            raise DtypeError(f"a hook is a function of the gradient, not a {type(hook).__name__}")
        return HookHandle(self.node, hook)

    # --- conversion --------------------------------------------------------------------------------------------------------

    def item(self, *index: Any) -> Any:
        """The only element, or the one at an index, as a Python number."""
        refuse_reading(self, "item()")
        return (np.asarray(self._raw) if type(self._raw) in NUMBERS else self._raw).item(*index)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        refuse_reading(self, "tolist()")
        return self._raw if type(self._raw) in NUMBERS else self._raw.tolist()

    def numpy(self) -> ndarray:
        """A copy of the value as a NumPy array, which the graph does not know of."""
        refuse_reading(self, "numpy()")
        return np.array(self._raw)

    def __float__(self) -> float:
        refuse_reading(self, "float()")
        self._refuse_losing_call(sys._getframe(1))
        return float(self._single("float()"))

    def __int__(self) -> int:
        refuse_reading(self, "int()")
        return int(self._single("int()"))

    def __complex__(self) -> complex:
        refuse_reading(self, "complex()")
        self._refuse_losing_call(sys._getframe(1))
        return complex(self._single("complex()"))

    def __bool__(self) -> bool:
        refuse_reading(self, "if, and, or, not")
        return bool(self._single("bool()"))

    def __index__(self) -> int:
        refuse_reading(self, "an index or range()")
        return operator.index(self._raw)

    def _refuse_losing_call(self, frame: Any) -> None:
        """An error where a number is wanted by somebody who would go on without the gradient."""
        if self.node is None or not modes.gradients:
            return
        name = losing_call(frame)
        if name == "assignment":  # not a TypeError, for which NumPy would try other ways
            raise GradientError(str(self._lost()))
        home, _, short = name.partition(".")
        if home in ("math", "cmath") and hasattr(np, short):
            raise DtypeError(f"{name}() knows numbers only, and the gradient would be lost: use np.{short}(t)")
        if name:
            raise GradientError(
                f"{name} takes the bare number of {describe(self)}, and its gradient would be lost. Pass t.item() to drop it "
                "on purpose"
            )

    def _single(self, what: str) -> Any:
        if self.size != 1:
            raise ShapeError(f"{what} needs a single element, and this Tensor has shape {self.shape}")
        return self._raw if type(self._raw) in NUMBERS else self._raw.item()

    def __len__(self) -> int:
        if not self.shape:
            raise DtypeError("len() of a scalar Tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        if not self.shape:
            raise DtypeError("a scalar Tensor cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        refuse_reading(self, "formatting")
        return format(self._single(f"the format {spec!r}"), spec)

    def __repr__(self) -> str:
        return describe(self, full=True)

    __hash__ = object.__hash__  # by identity: `==` is elementwise

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        if sys._getframe(1).f_code.co_name == "_matmul_dispatch":  # scipy_matrix @ t
            unknown = np.empty((), object)  # what makes SciPy leave the product to our __rmatmul__
            unknown[()] = self
            return unknown
        refuse_reading(self, "numpy.asarray()")
        if self.node is not None and modes.gradients:
            raise self._lost()
        if copy is False:
            raise ValueError("a Tensor hands out copies of its memory only, for graphs may hold it: leave copy=False out")
        return np.array(self._raw, dtype=dtype)

    # --- the Python array API standard -------------------------------------------------------------------------------------

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ValueError(f"version {api_version!r} of the array API standard is not known; autograd follows 2024.12")
        return sys.modules[__name__.partition(".")[0]]  # the package stands above this file, and has been imported by now

    def __dlpack__(self, *, copy: bool | None = None, **kwargs: Any) -> Any:
        refuse_reading(self, "__dlpack__()")
        if self.node is not None and modes.gradients:
            raise NoRuleError(
                f"DLPack hands out the bare array of {describe(self)}, and its gradient would be lost. Pass t.detach() to "
                "drop it on purpose"
            )
        if copy is False:
            raise BufferError("a Tensor hands out copies of its memory only, for graphs may hold it: ask with copy=None")
        return self._dlpack_source().copy().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self._dlpack_source().__dlpack_device__()
        return device

    def _dlpack_source(self) -> Any:
        return self._raw if is_mutable(self._raw) else np.asarray(self._raw)

    @property
    def device(self) -> Any:
        """Where the array is: "cpu" for NumPy's, what the array says for others."""
        return "cpu" if type(self._raw) in NUMBERS else self._raw.device

    def to_device(self, device: Any, /, *, stream: Any = None) -> "Tensor":
        """The Tensor itself: it is on the only device that its arrays know."""
        if device != self.device or stream is not None:
            raise ValueError(f"a Tensor on device {self.device!r} cannot move to {device!r} (stream {stream!r})")
        return self

    def _lost(self) -> NoRuleError:
        return NoRuleError(
            f"NumPy asked for the bare array of {describe(self)}, and its gradient would be lost on the way. To keep it, "
            "use functions that know Tensors: autograd.stack([a, b]) for np.array([a, b]), or a Tensor for the array "
            "that is assigned to. To drop it on purpose, write t.detach() or t.data"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        out = _restore(*self._state("deepcopy"))
        memo[id(self)] = out
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, self._state("pickle")

    def _state(self, what: str) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise GradientError(f"{what} works on leaves only, and this Tensor is the result of an op: use detach() first")
        refuse_reading(self, what)
        grad = self.grad
        return type(self), owned(self._raw), self.requires_grad, None if grad is None else owned(grad._raw)

    # --- NumPy's protocols -------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = ufunc if method == "__call__" else (ufunc, method)
        return through_numpy(function, getattr(ufunc, method) if method != "__call__" else ufunc, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in CREATORS:  # np.zeros(shape, like=t): t says which kind of array to make
            like = {"like": self._raw} if hasattr(self._raw, "__array_function__") else {}
            return literal(owned(function(*args, **kwargs, **like)))
        return through_numpy(function, function, args, kwargs)


# --- what Tensors are made of ----------------------------------------------------------------------------------------------

_new = object.__new__


def constant(raw: Any) -> Tensor:
    """A Tensor around a raw value that nobody outside will write to."""
    out = _new(Tensor)
    out._raw = raw
    out.node = None
    out.sharing = None
    return out


def literal(raw: Any) -> Tensor:
    """A constant that the engine or an op makes for itself: part of a Program, where one is being recorded."""
    out = constant(raw)
    if modes.recorder is not None:
        out._variable = modes.recorder.literal(raw)
    return out


def with_node(raw: Any, node: Node | None) -> Tensor:
    """The same, at a place in the graph."""
    out = _new(Tensor)
    out._raw = raw
    out.node = node
    out.sharing = None
    return out


def is_array(value: Any) -> bool:
    """Whether a value is an array by NumPy's protocols: NumPy's own, CuPy's, a test's."""
    return isinstance(value, (ndarray, np.generic)) or (
        hasattr(value, "__array_function__") and hasattr(value, "__array_ufunc__") and not isinstance(value, Tensor)
    )


def is_inexact(raw: Any) -> bool:
    """Whether a raw value is of floats or complex numbers, which alone can have a gradient."""
    return type(raw) is float or (type(raw) not in NUMBERS and raw.dtype.kind in "fc")


def bare(value: Any) -> Any:
    """What a user gave as data, as a raw value: a Python number, or an array of a dtype that can be computed with."""
    if type(value) in NUMBERS:
        return value
    if type(value) is not ndarray and isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise DtypeError(f"a {type(value).__name__} is not supported: pass a plain array (np.asarray(x), x.filled(0))")
    if not is_array(value):
        if any(isinstance(leaf, Tensor) for leaf in leaves(value)):
            raise DtypeError("a list that contains Tensors: use autograd.stack([...]), which keeps their gradients")
        if value is None:
            raise DtypeError("None cannot be computed with: a function that lacks its return gives None")
        if callable(value) and not hasattr(value, "__array__"):
            raise DtypeError(f"a {type(value).__name__} cannot be computed with: call it, and use what it returns")
        try:
            value = np.asarray(value)
        except (TypeError, ValueError) as error:
            raise DtypeError(f"a {type(value).__name__} cannot be made an array: {error}") from None
        if value.dtype.kind in "biufc":
            value = value[()]
    if value.dtype.kind not in "biufc":
        raise DtypeError(f"values of dtype {value.dtype} cannot be computed with: only numbers and booleans can")
    return value


def owned(value: Any, dtype: Any = None) -> Any:
    """What a user gave as data, as a raw value of our own, to which nobody else can write."""
    if isinstance(value, Tensor):
        refuse_reading(value, "Tensor()")
        value = value._raw
    raw = bare(value)
    if dtype is not None:
        raw = np.asarray(raw)[()].astype(dtype) if type(raw) in NUMBERS else raw.astype(dtype)
    if type(raw) not in NUMBERS and raw.dtype.kind not in "biufc":
        raise DtypeError(f"values of dtype {raw.dtype} cannot be computed with: only numbers and booleans can")
    return raw.copy() if raw is value and is_mutable(raw) else raw


def is_mutable(raw: Any) -> bool:
    """Whether a raw value is an array, which can be written to, rather than a number."""
    return type(raw) not in NUMBERS and not isinstance(raw, (np.generic, complex))


def is_alone(tensor: Tensor) -> bool:
    """Whether nobody but this Tensor holds its array. (The caller must not hold it in a variable either.)"""
    if not is_mutable(tensor._raw):
        return True
    if type(tensor._raw) is ndarray and not tensor._raw.flags.writeable:  # a broadcast view, say: not to be written to
        return False
    # An attribute gives getrefcount exactly one reference beside the holder's own, whatever the version of Python.
    if getrefcount(tensor._raw) > 2:
        return False
    if getattr(tensor._raw, "base", None) is None:
        return True
    return type(tensor._raw.base) is ndarray and tensor._raw.base.base is None and getrefcount(tensor._raw.base) == 2


def kept(tensor: Tensor) -> Any:
    """The raw value for a graph to keep: a copy, if somebody outside may write to the array."""
    if tensor.sharing is not None and tensor.sharing.exposed:
        if not is_alone(tensor):
            return tensor._raw.copy()
        tensor.sharing = None
    return tensor._raw


def share(source: Tensor, view: Tensor) -> None:
    """Notes that two Tensors look at the same memory."""
    if source.sharing is None:
        source.sharing = Sharing(exposed=False)
    view.sharing = source.sharing


def become(tensor: Tensor, value: Tensor, node: Node | None) -> None:
    """The Tensor takes another value and node, in place: what every in-place change comes down to."""
    if tensor.sharing is not None and getrefcount(tensor.sharing) > 2:
        raise AliasError(
            f"an in-place change of {describe(tensor)}, while another Tensor is a view of the same memory (made by slicing, "
            "reshape, transpose, detach ...). NumPy would change both, and the gradient of that is ambiguous. Make one of "
            "them a copy first: y = x[1:].copy(), or x = x.copy()"
        )
    if modes.recorder is not None:
        modes.recorder.replaced(tensor, value)
    if modes.watcher is not None:
        modes.watcher.replaced(tensor, value)
    tensor._raw = kept(value)
    tensor.node = node
    tensor.sharing = None


def cast_like(new: Tensor, raw: Any) -> Tensor:
    """`new` in the dtype of the raw value whose place it takes, as an assignment to an array casts."""
    if type(raw) is float:
        keeps = type(new._raw) is float or new.node is not None or modes.recorder is not None
        return new if keeps else constant(float(new._raw))
    dtype = np.dtype(type(raw)) if type(raw) in NUMBERS else raw.dtype
    if type(new._raw) not in NUMBERS and new._raw.dtype == dtype:
        return new
    if not np.can_cast(new.dtype, dtype, "same_kind"):
        raise DtypeError(f"{new.dtype} cannot be stored in a Tensor of {dtype}")
    return implementations[np.astype](new, dtype)  # type: ignore[no-any-return]


def describe(tensor: Tensor, full: bool = False) -> str:
    """How a Tensor is shown: its value where that is short or asked for, its kind else."""
    raw = tensor._raw
    if modes.recorder is not None or not (full or tensor.size == 1):
        words = kind_of(raw)
    elif type(raw) in NUMBERS:
        words = repr(raw)
    else:
        words = repr(raw.item()) if raw.ndim == 0 else np.array2string(np.asarray(raw), separator=", ", prefix="Tensor(")
        if raw.dtype not in (np.float64, np.int64, np.bool_):
            words += f", dtype={raw.dtype}"
    if tensor.node is not None:
        words += ", requires_grad=True" if tensor.node.rule is None else f", op={tensor.node.rule.name}"
    return f"Tensor({words})"


def refuse_reading(tensor: Tensor, what: str) -> None:
    """An error if a recording is under way, in which values have to stay symbols."""
    if gate.shut and modes.recorder is not None:
        raise RecordingError(
            f"{what} reads the value of {describe(tensor)} while autograd.record is running, and the Program would be "
            "right for this value only. Use ops (autograd.where for a choice), or read it outside the recorded function"
        )


# --- gradients -------------------------------------------------------------------------------------------------------------


def sweep(
    output: Tensor,
    gradient: Any,
    *,
    recorded: bool,
    differentiable: bool,
    retain: bool,
    watch: Callable[[Node, Any], None] | None = None,
    finish: Callable[[dict[Node, Any]], None] | None = None,
) -> dict[Node, Any]:
    """The backward pass from an output that has a node: bare values, or Tensors where the pass is itself recorded."""
    assert output.node is not None
    g = seed(output, gradient)
    if not recorded:
        return backpropagate(output.node, kept(g), retain=retain, watch=watch, sparse=True, finish=finish)
    with mode(gradients=differentiable):
        return backpropagate(output.node, g, retain=retain, rewrap=linked_reads, watch=watch, finish=finish)


def seed(output: Tensor, gradient: Any) -> Tensor:
    """The cotangent that a backward pass starts from."""
    raw = output._raw
    if gradient is None and type(raw) is float:
        return literal(1.0)
    if gradient is not None:
        g = gradient if isinstance(gradient, Tensor) else constant(owned(gradient))
        if g.shape != output.shape:
            raise ShapeError(f"backward(gradient) got shape {g.shape} for an output of shape {output.shape}")
        return cast_like(g, raw)
    if output.size != 1:
        raise GradientError(
            f"backward() on {describe(output)} with {output.size} elements: a gradient belongs to one number. Reduce it "
            "first (.sum() or .mean()), pass weights as backward(gradient), or ask autograd.vjp for products with the Jacobian"
        )
    if output.dtype.kind == "c":
        raise GradientError("backward() on a complex number: take .real, or pass the cotangent as backward(gradient)")
    return literal(raw.dtype.type(1) if isinstance(raw, np.generic) else np.ones_like(raw))


def linked_reads(node: Node) -> Any:
    """What a node saved, as Tensors at their places in the graph: the derivatives then build a graph of their own."""
    rule = node.rule
    if rule.joint is not None:
        return tuple(link(node, name, value) for name, value in zip(rule.joint_reads, node.saved, strict=True))
    return tuple(
        None if saved is None else tuple(link(node, name, value) for name, value in zip(rule.reads[i], saved, strict=True))
        for i, saved in enumerate(node.reads())
    )


def link(node: Node, name: str, value: Any) -> Any:
    """A saved value with the node that made it, if a gradient goes through it."""
    inputs = node.rule.inputs
    if name == "y" and isinstance(value, tuple):
        return tuple(at_node(part, node.rule.output_node(node, i, part)) for i, part in enumerate(value))
    if name == "y":
        return at_node(value, node)
    if name == node.rule.rest:  # the inputs of a rule that takes any number of them
        parents = node.parents[len(inputs) - 1 :]
        return tuple(at_node(v, parent) for v, parent in zip(value, parents, strict=True))
    return at_node(value, node.parents[inputs.index(name)]) if name in inputs else value


def at_node(value: Any, node: Node | None) -> Any:
    if isinstance(value, Tensor):  # the graph was made while recording: the twin stands for the same variable
        twin = with_node(value._raw, node)
        twin._variable = value._variable
        return twin
    return value if node is None else with_node(value, node)


def call_hooks(cotangents: dict[Node, Any]) -> None:
    """Lets the hooks of leaves replace what a sweep has found for them."""
    for leaf in cotangents:
        for hook in leaf.hooks or ():
            cotangents[leaf] = hook(cotangents[leaf])


def deposit(node: Node, g: Any) -> None:
    """Adds a cotangent to what `grad` of the node shows. In between leaves it is for looking at only: a gradient that is
    itself differentiable would refer to its own node there, in a cycle."""
    if node.rule is not None and isinstance(g, Tensor):
        g = constant(g._raw)
    if modes.recorder is not None:
        modes.recorder.deposits(node)
    total = node.grad
    if total is None:
        node.grad = g
        return
    with np.errstate(all="ignore"):  # as in the sweep: an error here would leave some gradients added, and others not
        _add_to(node, total, g)


def _add_to(node: Node, total: Any, g: Any) -> None:
    if isinstance(g, Tensor) or not isinstance(total, Tensor) or total.node is not None:
        node.grad = total + g
    elif type(g) is ndarray and type(total._raw) is ndarray and is_alone(total):
        total._raw += g
    else:
        total._raw = total._raw + g
        total.sharing = None


class HookHandle:
    """What `register_hook` returns: `remove()` takes the hook away again."""

    def __init__(self, node: Node, hook: Callable[[Tensor], Any]) -> None:
        def on_raw(g: Any) -> Any:
            g = dense(g)
            result = hook(g if isinstance(g, Tensor) else constant(g))
            if result is None:
                return g
            if np.shape(result) != node.shape:
                raise ShapeError(f"a hook returned shape {np.shape(result)} for a gradient of shape {node.shape}")
            if isinstance(g, Tensor):
                return result if isinstance(result, Tensor) else constant(owned(result))
            raw = kept(result) if isinstance(result, Tensor) else owned(result)
            return float(raw) if type(g) is float else np.asarray(raw, dtype=g.dtype) if isinstance(g, ndarray) else raw

        self._node = node
        self._hook = on_raw
        node.hooks = [*(node.hooks or ()), on_raw]

    def remove(self) -> None:
        """Takes the hook away; doing so twice is no error."""
        self._node.hooks = [hook for hook in self._node.hooks or () if hook is not self._hook] or None


def _restore(kind: type[Tensor], raw: Any, requires_grad: bool, grad: Any) -> Tensor:
    out = _new(kind)
    out._raw, out.node, out.sharing = raw, leaf_of(raw) if requires_grad else None, None
    if out.node is not None and grad is not None:
        out.node.grad = constant(grad)
    return out


# --- NumPy's protocols -----------------------------------------------------------------------------------------------------

# These look at shapes and dtypes only, so they may see the bare array whatever is wanted of it.
INSPECTIONS: frozenset[Any] = frozenset(
    (
        np.shape,
        np.ndim,
        np.size,
        np.result_type,
        np.iscomplexobj,
        np.isrealobj,
        np.array_repr,
        np.array_str,
        np.array2string,
    )
)
CREATORS: frozenset[Any] = frozenset(
    (np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange, np.array, np.asarray)
)
# These write into an argument: the gradient of what is written would be lost in a plain array.
WRITERS = frozenset((np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal))


def through_numpy(function: Any, plain: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """A NumPy function that was called with a Tensor: our op, or an error if a gradient would be lost, or the plain result."""
    name = name_of(function)
    op = implementations.get(function) or implementations.get(name)
    if op is not None and kwargs.get("out") is None:
        kwargs.pop("out", None)
        by_name = inputs_of(function)[len(args) :] if kwargs else ()
        if by_name:
            args = (*args, *[kwargs.pop(name) for name in takewhile(kwargs.__contains__, by_name)])
        return op(*args, **kwargs)
    tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    inspection = function in INSPECTIONS
    if not inspection:
        for tensor in tensors:
            refuse_reading(tensor, name)
    wanted = modes.gradients and any(tensor.node is not None for tensor in tensors)
    writes = function in WRITERS or name.endswith(".at")
    targets = [args[:1] if writes else (), kwargs.get("out")]
    if wanted and (writes or kwargs.get("out") is not None):
        raise NoRuleError(
            f"{name} would write the value of a Tensor into an array, where its gradient is lost. Use t[index] = value or "
            "t += value on a Tensor, or detach() the value"
        )
    if any(isinstance(leaf, Tensor) for leaf in leaves(targets)):
        raise AliasError(
            f"{name} would write into the memory of a Tensor, which graphs may hold: use t[index] = value or t += value"
        )
    # What looks at shapes sees the array itself; what computes gets a copy, for it may return a view of it.
    show: Callable[[Tensor], Any] = operator.attrgetter("_raw") if inspection else owned
    args, kwargs = transform(lambda leaf: show(leaf) if isinstance(leaf, Tensor) else leaf, (args, kwargs))
    result = plain(*args, **kwargs)
    # An array of objects, as np.frompyfunc makes them, may hold floats.
    lost = wanted and not inspection
    if lost and any(is_array(leaf) and (is_inexact(leaf) or leaf.dtype.kind == "O") for leaf in leaves(result)):
        raise NoRuleError(
            f"{name} has no derivative rule, and the gradient of its result is wanted. Compose it of functions that have one, "
            "write a rule (autograd.rule), or pass t.detach() to go on without its gradient"
        )
    return result


@cache
def inputs_of(function: Any) -> tuple[str, ...]:
    """The arguments without a default of one of NumPy's functions, which our op may call by other names."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind in places)


def name_of(function: Any) -> str:
    """`np.median`, `np.add.reduceat`, `scipy.special.erf`."""
    if isinstance(function, tuple):
        return f"np.{function[0].__name__}.{function[1]}"
    name, module = function.__name__, getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc) and getattr(sys.modules.get("scipy.special"), name, None) is function:
        return f"scipy.special.{name}"
    return f"{module}.{name}".replace("numpy", "np", 1)
