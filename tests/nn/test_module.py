"""Module, Parameter and the containers: names and repr as PyTorch's, hooks, modes, state, and errors that say where."""

import copy
import pickle

import numpy as np
import pytest

import autograd as ag
from autograd import AutogradError, DtypeError, GradientError, RecordingError, ShapeError, Tensor
from nn import Module, ModuleDict, ModuleList, Parameter, Residual, Sequential
from nn.module import parameter
from tests.elsewhere import Double
from tests.nn.held import equal_to_torch


class Linear(Module):
    """A layer that says what it expects."""

    def __init__(self, inputs, outputs, bias=True):
        self.inputs, self.outputs = inputs, outputs
        self.weight = Parameter(np.full((outputs, inputs), 0.5))
        self.bias = Parameter(np.zeros(outputs)) if bias else None

    def forward(self, x):
        if x.shape[-1] != self.inputs:
            raise ShapeError(f"linear: expected {self.inputs} features in the last axis, got {x.shape[-1]}")
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def extra_repr(self):
        return f"in_features={self.inputs}, out_features={self.outputs}, bias={self.bias is not None}"


class Relu(Module):
    def forward(self, x):
        return ag.relu(x)


class Norm(Module):
    def __init__(self, size):
        self.register_buffer("mean", np.zeros(size))
        self.weight = Parameter(np.ones(size))
        self.register_buffer("steps", 0)
        self.register_buffer("cache", np.ones(2), persistent=False)
        self.register_buffer("nothing", None)

    def forward(self, x):
        return x * self.weight + self.mean


class Net(Module):
    def __init__(self):
        self.first = Linear(2, 3)
        self.scale = Parameter(2.0)
        self.blocks = [Sequential(Linear(3, 3), Relu()), {"a": Linear(3, 3, bias=False), "b": [Norm(3)]}]
        self.sizes = [1, 2, 3]
        self.head = Linear(3, 3)
        self.head.weight = self.blocks[0][0].weight
        self.free = (Parameter([1.0]), Parameter([2.0]))

    def forward(self, x):
        x = self.blocks[0](self.first(x)) * self.scale
        return self.head(self.blocks[1]["b"][0](self.blocks[1]["a"](x)))


def names(pairs):
    return [name for name, _ in pairs]


X = np.ones((5, 2))


# --- names -----------------------------------------------------------------------------------------------------------------


def test_names_and_their_order():
    net = Net()
    own = ["scale", "free.0", "free.1"]
    assert names(net.named_parameters()) == [
        *own,
        "first.weight",
        "first.bias",
        "blocks.0.0.weight",
        "blocks.0.0.bias",
        "blocks.1.a.weight",
        "blocks.1.b.0.weight",
        "head.bias",
    ]
    assert names(net.named_parameters(recurse=False)) == own
    assert names(net.named_parameters("net", recurse=False)) == [f"net.{name}" for name in own]
    every = names(net.named_parameters(remove_duplicate=False))
    assert [name for name in every if name not in names(net.named_parameters())] == ["head.weight"]
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert names(net.named_buffers()) == ["blocks.1.b.0.mean", "blocks.1.b.0.steps", "blocks.1.b.0.cache"]
    assert len(list(net.buffers())) == 3
    assert not list(net.buffers(recurse=False))
    assert names(net.named_modules()) == [
        "",
        "first",
        "blocks.0",
        "blocks.0.0",
        "blocks.0.1",
        "blocks.1.a",
        "blocks.1.b.0",
        "head",
    ]
    assert names(net.named_modules("net"))[:2] == ["net", "net.first"]
    assert names(net.named_children()) == ["first", "blocks.0", "blocks.1.a", "blocks.1.b.0", "head"]
    assert list(net.children()) == [module for _, module in net.named_children()]
    assert list(net.state_dict()) == [
        *own,
        "first.weight",
        "first.bias",
        "blocks.0.0.weight",
        "blocks.0.0.bias",
        "blocks.1.a.weight",
        "blocks.1.b.0.weight",
        "blocks.1.b.0.mean",
        "blocks.1.b.0.steps",
        "head.weight",
        "head.bias",
    ]


def test_a_submodule_by_each_of_its_names():
    net = Net()
    net.again = net.first
    assert net.get_submodule("") is net
    assert net.get_submodule("blocks.1.b.0") is net.blocks[1]["b"][0]
    assert net.get_submodule("first") is net.get_submodule("again") is net.first
    with pytest.raises(KeyError, match=r"Net has no module 'blocks\.7'; it has , first, blocks\.0, blocks\.0\.0"):
        net.get_submodule("blocks.7")


def test_keys_of_dictionaries_are_names_whatever_they_are():
    module = Module()
    module.parts = {1: Linear(1, 1), (2, 3): Linear(1, 1), None: Parameter([1.0])}
    assert names(module.named_parameters())[0] == "parts.None"
    assert names(module.named_children()) == ["parts.1", "parts.(2, 3)"]


def test_two_values_of_one_name_are_an_error():
    module = Module()
    module.parts = {1: Linear(1, 1), "1": Linear(1, 1)}
    with pytest.raises(KeyError, match=r"Module has two values of one name: parts\.1\.weight, parts\.1\.bias\. Rename a key"):
        module.state_dict()


def test_a_module_in_two_places_is_one():
    relu, layer = Relu(), Linear(2, 2)
    net = Sequential(layer, relu, layer, relu)
    assert names(net.named_modules()) == ["", "0", "1"]
    assert names(net.named_parameters()) == ["0.weight", "0.bias"]
    assert len(net) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    seen = []
    net.apply(seen.append)
    assert seen == [layer, relu, net]


def ring():
    parent, child = Module(), Linear(1, 1)
    parent.child, child.parent, child.me = child, parent, [child]
    return parent


def test_a_ring_is_followed_once():
    parent = ring()
    assert names(parent.named_modules()) == ["", "child"]
    assert names(parent.named_parameters()) == ["child.weight", "child.bias"]
    assert list(parent.state_dict()) == ["child.weight", "child.bias"]
    assert names(parent.named_parameters(remove_duplicate=False)) == ["child.weight", "child.bias"]
    seen = []
    parent.eval().apply(seen.append)
    assert seen == [parent.child, parent]
    assert "(parent): ..." in repr(parent)
    twin = copy.deepcopy(parent)
    assert twin.child.parent is twin
    parent.forward = parent.child.__call__
    assert message(lambda: parent(np.ones((2, 3)))).startswith("Linear 'child': ")
    assert parent.load_state_dict(parent.state_dict()) == ([], [])


def test_hooks_that_are_modules_are_no_part_of_the_model():
    class Hook(Linear):
        def __call__(self, *_):
            return None

    net = Linear(2, 2)
    net.register_forward_hook(Hook(3, 3))
    assert names(net.named_modules()) == [""]


def test_a_subclass_need_not_call_init_and_may():
    class Called(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter([1.0])

    assert names(Called().named_parameters()) == names(pickle.loads(pickle.dumps(Linear(1, 1, False))).named_parameters())


# --- against PyTorch -------------------------------------------------------------------------------------------------------


def nested(library, linear, module):
    """The same nested model, of either library."""

    class Block(module):
        def __init__(self, size):
            super().__init__()
            self.lift = linear(size, 4)
            self.drop = linear(4, size, False)

    class Model(module):
        def __init__(self):
            super().__init__()
            self.embedding = linear(4, 4, False)
            self.blocks = library.ModuleList([Block(4), Block(4), Block(3)])
            self.named = library.ModuleDict({"left": linear(1, 2), "right": library.Sequential(linear(2, 2), linear(2, 1))})
            self.empty = library.ModuleList()
            self.head = linear(4, 4, False)
            self.head.weight = self.embedding.weight

        def extra_repr(self):
            return "size=4"

    return Model()


def both():
    import torch

    import nn

    return nested(nn, Linear, Module), nested(torch.nn, torch.nn.Linear, torch.nn.Module)


@pytest.mark.torch
def test_names_are_pytorchs():
    ours, theirs = both()
    assert names(ours.named_parameters()) == names(theirs.named_parameters())
    assert names(ours.named_modules()) == names(theirs.named_modules())
    assert names(ours.named_children()) == names(theirs.named_children())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, p in theirs.named_parameters(remove_duplicate=False):
        assert ours.state_dict()[name].shape == tuple(p.shape)


@pytest.mark.torch
def test_repr_is_pytorchs():
    ours, theirs = both()
    assert repr(ours) == repr(theirs)
    for part in ("blocks", "named", "empty", "head"):
        assert repr(getattr(ours, part)) == repr(getattr(theirs, part))


@pytest.mark.torch
def test_slices_and_changes_of_containers_are_pytorchs():
    import torch

    def changed(library, linear):
        numbers = iter(range(1, 100))

        def layer():
            return linear(1, next(numbers))

        whole = library.Sequential(*[layer() for _ in range(5)])
        part = whole[1:4]
        listed = library.ModuleList([layer() for _ in range(4)])
        yield from (whole, part, whole[-1], listed[1:], listed[::-1])
        del whole[1]
        whole.insert(1, layer())
        whole[0] = layer()
        whole.append(layer())
        whole.pop(2)
        yield whole
        listed.insert(0, layer())
        listed.extend([layer(), layer()])
        listed += [layer()]
        del listed[2]
        listed[-1] = layer()
        listed.pop(0)
        yield listed
        table = library.ModuleDict({"b": layer(), "a": layer()})
        table["c"] = layer()
        table["b"] = layer()
        del table["a"]
        table.update({"d": layer()})
        assert table.pop("c") not in table.values()
        yield table
        table.clear()
        yield table

    import nn

    for ours, theirs in zip(changed(nn, Linear), changed(torch.nn, torch.nn.Linear), strict=True):
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.torch
def test_state_goes_both_ways():
    import torch

    ours, theirs = both()
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name], value.numpy())
    kept = ours.state_dict()
    with torch.no_grad():
        for p in theirs.parameters():
            p.zero_()
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, kept[name])  # a copy
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()})
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name], value.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("name", ["nothing", "an output", "a gradient of the input", "a gradient of a parameter"])
def test_the_comparison_with_pytorch_can_fail(name):
    import torch

    class Faulty(Linear):
        def forward(self, x):
            y = super().forward(x)
            if name == "an output":
                return y * (1 + 1e-6)
            if name == "a gradient of the input":
                return y + (x - x.detach()).sum()
            return y + (self.bias - self.bias.detach()) if name == "a gradient of a parameter" else y

    def compare():
        equal_to_torch(Faulty(2, 3), torch.nn.Linear(2, 3), np.arange(4.0).reshape(2, 2))

    if name == "nothing":
        compare()
    else:
        with pytest.raises(AssertionError):
            compare()


# --- repr ------------------------------------------------------------------------------------------------------------------


def test_repr_of_plain_lists_and_of_several_lines():
    class Wide(Module):
        def extra_repr(self):
            return "a=1\nb=2"

    net = Module()
    net.layers = [Relu(), Wide()]
    assert repr(net) == "Module(\n  (layers.0): Relu()\n  (layers.1): Wide(\n    a=1\n    b=2\n  )\n)"
    assert repr(Residual(Relu())) == "Residual(\n  (block): Relu()\n)"


def test_repr_of_parameters():
    assert repr(Parameter([1.0, 2.0])) == "Parameter([1., 2.], requires_grad=True)"
    assert repr(Parameter(np.zeros(1, np.float32), requires_grad=False)) == "Parameter([0.], dtype=float32)"


# --- parameters and buffers ------------------------------------------------------------------------------------------------


def test_parameters_are_copies_and_leaves():
    array = np.ones(2)
    p = Parameter(array)
    array[:] = 5
    assert p.tolist() == [1, 1]
    x = Tensor([1.0, 2.0])
    q = Parameter(x * 2)
    assert (q.is_leaf, q.requires_grad, q.tolist()) == (True, True, [2, 4])
    with pytest.raises(DtypeError, match=r"Write 1\.0 for 1"):
        Parameter([1, 2])
    assert not Parameter([1, 2], requires_grad=False).requires_grad
    assert parameter(2, 3).dtype == np.float32
    assert parameter(2, dtype="float16", device="cpu").dtype == np.float16


def test_frozen_parameters_get_no_gradient():
    net = Net()
    net.blocks[0].requires_grad_(False)
    net(X).sum().backward()
    reached = {name for name, p in net.named_parameters() if p.grad is not None}
    assert reached == {"first.weight", "first.bias", "scale", "blocks.1.a.weight", "blocks.1.b.0.weight", "head.bias"}
    assert net.unreached() == ["free.0", "free.1"]
    net.zero_grad(set_to_none=False)
    assert not net.scale.grad.item()
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())


def test_buffers():
    norm = Norm(3)
    assert norm.nothing is None
    assert not norm.mean.requires_grad
    norm.register_buffer("mean", np.ones(3))  # anew
    assert norm.mean.tolist() == [1, 1, 1]
    norm.nothing = Tensor([1.0], requires_grad=False)
    assert list(norm.state_dict()) == ["weight", "mean", "steps", "nothing"]
    assert norm.state_dict()["steps"].dtype == np.int64
    for name in ("weight", "forward", "training"):
        with pytest.raises(KeyError, match=f"Norm has an attribute '{name}' already"):
            norm.register_buffer(name, 1)
    for name in ("a.b", ""):
        with pytest.raises(KeyError, match="a buffer's name is that of an attribute"):
            norm.register_buffer(name, 1)
    norm.mean = np.zeros(3)
    with pytest.raises(
        DtypeError, match=r"buffer 'mean' of Norm was set to a ndarray, and has to stay a Tensor: self\.mean = T"
    ):
        norm.state_dict()


# --- modes, dtypes, copies -------------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.head.train()
    assert [name for name, module in net.named_modules() if module.training] == ["head"]
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(TypeError, match="told True or False, not a list: it does not run a training"):
        net.train([1, 2])


def test_apply_goes_from_the_inside_out():
    seen = []
    net = Sequential(Linear(1, 1), Sequential(Relu()))
    assert net.apply(seen.append) is net
    assert seen == [net[0], net[1][0], net[1], net]


@pytest.mark.parametrize(
    ("move", "dtype"),
    [
        (lambda net: net.half(), np.float16),
        (lambda net: net.float(), np.float32),
        (lambda net: net.double(), np.float64),
        (lambda net: net.to(np.float32), np.float32),
        (lambda net: net.to("float16"), np.float16),
        (lambda net: net.to("cpu", np.float32), np.float32),
        (lambda net: net.to(dtype=np.complex64, device="cpu"), np.complex64),
    ],
)
def test_to_a_dtype(move, dtype):
    net = Net()
    before = net.state_dict()
    assert move(net) is net
    for name, value in (*net.named_parameters(), *net.named_buffers()):
        assert value.dtype == (np.int64 if name.endswith("steps") else dtype), name
    assert net.blocks[0][0].weight is net.head.weight
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert net(X.astype(dtype)).dtype == dtype


def test_gradients_and_hooks_of_parameters_move_too():
    layer = Linear(2, 1, bias=False)
    layer.weight.register_hook(lambda g: g * 10)
    layer(X).sum().backward()
    layer.to(np.float32)
    assert layer.weight.grad.dtype == np.float32
    assert layer.weight.grad.tolist() == [[50, 50]]
    layer.zero_grad()
    layer(X.astype(np.float32)).sum().backward()
    assert layer.weight.grad.tolist() == [[50, 50]]
    assert layer.weight.grad.dtype == np.float32


def test_to_what_is_not_there():
    with pytest.raises(DtypeError, match="a module can be of floats or complex numbers, not of int32"):
        Net().to(np.int32)
    net = Linear(1, 1).to(np.complex64)
    with pytest.raises(DtypeError, match="complex64 does not become float32: the imaginary parts would be lost"):
        net.float()
    assert net.weight.dtype == net.bias.dtype == np.complex64


def test_python_numbers_stay_weak():
    net = Module()
    net.scale = Parameter(2.0)
    net.load_state_dict({"scale": np.array(3.0)})
    assert type(net.scale.data) is float
    assert (net.scale * np.ones(2, np.float32)).dtype == np.float32


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_equal_and_apart(twin_of):
    net = Net()
    net.head.requires_grad_(False)
    net.first.eval()
    twin = twin_of(net)
    assert repr(twin) == repr(net)
    assert twin.head.weight is twin.blocks[0][0].weight
    assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in net.parameters()]
    assert [m.training for m in twin.modules()] == [m.training for m in net.modules()]
    np.testing.assert_array_equal(twin(X).numpy(), net(X).numpy())
    with ag.no_grad():
        for p in twin.parameters():
            p.data = p * 0
    assert net(X).numpy().any()


# --- state_dict ------------------------------------------------------------------------------------------------------------


def unchanged_after(net, given, kind, words, **options):
    before = net.state_dict()
    with pytest.raises(kind) as error:
        net.load_state_dict(given, **options)
    assert str(error.value) == words
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_all_faults_in_one_error_and_nothing_changed():
    net = Sequential(Linear(2, 3), Norm(3))
    given = {name: value + 1 for name, value in net.state_dict().items()}
    given["0.weights"] = given.pop("0.weight")
    del given["1.mean"]
    given["0.bias"] = np.ones(4)
    given["1.weight"] = np.array(["a", "b", "c"])
    given["1.steps"] = np.array(2.5)
    words = (
        "this state_dict does not belong to Sequential. {}of another shape: 0.bias: [3] here, [4] given. of another kind: "
        "1.weight: float64 here, <U1 given, 1.steps: int64 here, float64 given"
    )
    unmatched = "missing: 0.weight, 1.mean. unexpected: 0.weights. "
    unchanged_after(net, given, ShapeError, words.format(unmatched))
    unchanged_after(net, given, ShapeError, words.format(""), strict=False)


def test_strict_false_returns_what_did_not_match():
    net = Linear(2, 2)
    result = net.load_state_dict({"weight": np.zeros((2, 2)), "more": 1.0}, strict=False)
    assert result == (["bias"], ["more"])
    assert (result.missing_keys, result.unexpected_keys) == (["bias"], ["more"])
    assert not net.weight.numpy().any()


def test_values_are_copied_both_ways():
    net = Linear(2, 2)
    state = net.state_dict()
    state["weight"][:] = 7
    assert net.weight.numpy()[0, 0] == 0.5
    net.load_state_dict(state)
    state["weight"][:] = 8
    assert net.weight.numpy()[0, 0] == 7
    twin = Linear(2, 2)
    twin.load_state_dict(dict(net.named_parameters()))
    net.weight.data[:] = 9
    assert twin.weight.numpy()[0, 0] == 7


def test_loading_keeps_hooks_gradients_dtype_device_and_freedom():
    net = Linear(2, 1).float()
    net.weight.register_hook(lambda g: g * 10)
    net.bias.requires_grad = False
    net(X.astype(np.float32)).sum().backward()
    net.load_state_dict(Linear(2, 1).state_dict())
    assert net.weight.dtype == np.float32
    assert not net.bias.requires_grad
    assert net.weight.grad.tolist() == [[50, 50]]
    net.bias = Parameter(Tensor(Double(np.ones(1)), requires_grad=False))
    net.load_state_dict(Linear(2, 1).state_dict())
    assert isinstance(net.bias._raw, Double)


def test_a_live_graph_keeps_what_it_was_made_of():
    net = Linear(2, 1, bias=False)
    loss = (net(X) ** 2).sum()
    net.load_state_dict({"weight": np.zeros((1, 2))})
    loss.backward()
    assert net.weight.grad.tolist() == [[10, 10]]  # 5 rows of 2 (0.5 + 0.5)


def test_tied_parameters_may_be_given_once_but_not_twice_differently():
    net = Net()
    given = net.state_dict()
    del given["head.weight"]
    assert net.load_state_dict(given) == ([], [])
    given["head.weight"] = given["blocks.0.0.weight"] + 1
    words = (
        "this state_dict does not belong to Net. one parameter here, and different values given: "
        "blocks.0.0.weight and head.weight"
    )
    unchanged_after(net, given, ShapeError, words)


def test_not_while_recording():
    net = Linear(2, 1)
    for call, words in [
        (lambda: net.state_dict(), "state_dict"),
        (lambda: net.load_state_dict({"weight": 1, "bias": 2}, strict=False), "load_state_dict|another shape"),
        (lambda: net.float(), "to"),
    ]:
        with pytest.raises((RecordingError, ShapeError), match=words):
            ag.record(call)


def test_a_buffer_that_became_a_result_is_an_error():
    net = Norm(1)
    state = net.state_dict()
    net.mean = net.mean + net.weight
    for call in (net.float, net.state_dict, lambda: net.load_state_dict(state)):
        with pytest.raises(GradientError, match=r"became the result of an op; assign to it within no_grad\(\)"):
            call()


# --- hooks -----------------------------------------------------------------------------------------------------------------


def test_hooks_run_in_order_and_come_off():
    net, seen = Relu(), []
    handles = [
        net.register_forward_pre_hook(lambda module, inputs: seen.append(("before", module is net, inputs[0].tolist()))),
        net.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,)),
        net.register_forward_pre_hook(lambda module, inputs: inputs[0] * 2),
        net.register_forward_hook(lambda module, inputs, y: seen.append(("after", inputs[0].tolist(), y.tolist()))),
        net.register_forward_hook(lambda module, inputs, y: y * 10),
        net.register_forward_hook(lambda module, inputs, y: y + 1),
    ]
    x = Tensor([-3.0, 1.0])
    assert net(x).tolist() == [1, 41]
    assert seen == [("before", True, [-3, 1]), ("after", [-4, 4], [0, 4])]
    handles[4].remove()
    handles[4].remove()
    assert net(x).tolist() == [1, 5]
    late = net.register_forward_hook(lambda module, inputs, y: y * 100)
    assert net(x).tolist() == [100, 500]
    for handle in (*handles, late):
        handle.remove()
    assert net(x).tolist() == [0, 1]
    assert len(seen) == 6


def test_a_hook_may_take_itself_off_and_belongs_to_one_module():
    a, b = Relu(), Relu()

    def once(module, inputs, y):
        handle.remove()
        return y + 1

    handle = a.register_forward_hook(once)
    assert (a(1.0), a(1.0), b(1.0)) == (2, 1, 1)
    assert not Module._forward_hooks


# --- errors ----------------------------------------------------------------------------------------------------------------


def deep():
    net = Module()
    net.parts = {"encoder": [Sequential(Relu(), Sequential(Linear(4, 2)))]}
    net.forward = lambda x: net.parts["encoder"][0](x)
    return net


def message(call, kind=AutogradError):
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


def test_errors_name_the_module():
    words = "expected 4 features in the last axis, got 3"
    x = np.ones((5, 3))
    assert message(lambda: Linear(4, 2)(x)) == f"Linear: linear: {words}"
    assert message(lambda: Sequential(Relu(), Linear(4, 2))(x)) == f"Linear '1': linear: {words}"
    assert message(lambda: deep()(x)) == f"Linear 'parts.encoder.0.1.0': linear: {words}"
    assert message(lambda: Sequential(deep())(x)) == f"Linear '0.parts.encoder.0.1.0': linear: {words}"
    net = deep()
    for _ in range(2):  # not longer each time
        assert message(lambda: net(x)) == f"Linear 'parts.encoder.0.1.0': linear: {words}"


def test_a_layer_of_ours_stands_in_place_of_its_function():
    class Layer(Linear):
        pass

    Layer.__module__ = "nn.linear"
    assert (
        message(lambda: Sequential(Layer(4, 2))(np.ones((5, 3)))) == "nn.Layer '0': expected 4 features in the last axis, got 3"
    )


def test_an_op_in_a_module_of_ones_own_keeps_its_name():
    class Own(Module):
        def forward(self, x):
            return x @ np.ones((4, 4))

    assert message(lambda: Sequential(Own())(Tensor(np.ones((5, 3))))).startswith(
        "Own '0': matmul(float64[5, 3], float64[4, 4])"
    )


def test_a_model_that_is_no_attribute_keeps_its_own_path():
    inner = Sequential(Relu(), Linear(4, 2))

    class Outer(Module):
        def forward(self, x):
            return inner(x)

    assert message(lambda: Sequential(Outer())(np.ones((5, 3)))).startswith("Linear '1': ")


def test_other_errors_get_a_note():
    class Wrong(Module):
        def forward(self, x):
            return {}["key"]

    with pytest.raises(KeyError) as error:
        Sequential(Relu(), Sequential(Wrong()))(X)
    assert error.value.args == ("key",)
    assert error.value.__notes__ == ["Raised in Wrong '1.0'"]


def test_errors_keep_their_kind():
    assert issubclass(ShapeError, ValueError)
    with pytest.raises(ValueError, match="Linear '1'"):
        Sequential(Relu(), Linear(4, 2))(np.ones(3))


def test_a_module_without_a_forward():
    class Empty(Module):
        pass

    assert message(lambda: Empty()(1), NotImplementedError) == (
        "Empty has no forward(): define forward(self, x), which returns the output"
    )
    assert message(lambda: ModuleList()(1), NotImplementedError) == (
        "ModuleList is a list of modules: call those in a loop, or make it a Sequential"
    )


UNCALLED = {
    "t + m": lambda m, t: t + m,
    "m + t": lambda m, t: m + t,
    "t - m": lambda m, t: t - m,
    "t * m": lambda m, t: t * m,
    "m / t": lambda m, t: m / t,
    "t @ m": lambda m, t: t @ m,
    "m ** 2": lambda m, t: m**2,
    "-m": lambda m, t: -m,
    "array + m": lambda m, t: np.ones(3) + m,
    "m @ array": lambda m, t: m @ np.ones((3, 3)),
    "2 * m": lambda m, t: 2 * m,
    "np.exp": lambda m, t: np.exp(m),
    "np.where": lambda m, t: np.where(t > 0, m, t),
    "ag.exp": lambda m, t: ag.exp(m),
    "ag.sum": lambda m, t: ag.sum(m),
    "concatenate": lambda m, t: ag.concatenate([t, m]),
    "matmul": lambda m, t: ag.matmul(t, m),
    "Tensor": lambda m, t: Tensor(m),
    "Parameter": lambda m, t: Parameter(m),
    "asarray": lambda m, t: np.asarray(m),
    "float": lambda m, t: float(m),
}


@pytest.mark.parametrize("name", UNCALLED)
def test_a_module_that_was_not_called(name):
    assert message(lambda: UNCALLED[name](Relu(), Tensor([[1.0, 2.0, 3.0]])), DtypeError).endswith(
        "this Relu is a module, and not a value: call it, as in module(x), and use what it returns"
    )


def test_a_module_given_to_a_module():
    with pytest.raises(AttributeError) as error:
        Linear(2, 2)(Relu())
    assert error.value.__notes__ == [
        "One of the inputs is a Relu itself: call it, and pass on what it returns",
        "Raised in Linear",
    ]


# --- containers ------------------------------------------------------------------------------------------------------------

REFUSED = [
    (lambda: Sequential(Relu(), ag.relu), TypeError, "Sequential: '1' should be a module, and is <function relu"),
    (lambda: Sequential(Relu), TypeError, "'0' should be a module, and is <class 'nn.Relu'>: make an object of it, with brack"),
    (lambda: Sequential([Relu()]), TypeError, "Sequential takes modules, and not a list of them: Sequential(*modules)"),
    (lambda: ModuleList([None]), TypeError, "ModuleList: '0' should be a module, and is None"),
    (lambda: ModuleList().append(3), TypeError, "ModuleList: '0' should be a module, and is 3"),
    (lambda: ModuleDict({"a": 3}), TypeError, "ModuleDict: 'a' should be a module, and is 3"),
    (lambda: ModuleDict({"keys": Relu()}), KeyError, "ModuleDict: 'keys' cannot be the name of a module"),
    (lambda: ModuleDict({"a.b": Relu()}), KeyError, "ModuleDict: 'a.b' cannot be the name of a module"),
    (lambda: ModuleDict({"": Relu()}), KeyError, "ModuleDict: '' cannot be the name of a module"),
    (lambda: ModuleDict({3: Relu()}), TypeError, "ModuleDict: 3 is not text, and cannot be the name of a module"),
    (lambda: Sequential({"forward": Relu()}), KeyError, "Sequential: 'forward' cannot be the name of a module"),
    (lambda: ModuleList([Relu()])[3], IndexError, "list index out of range"),
    (lambda: ModuleDict()["a"], KeyError, "'a'"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_containers_refuse_what_is_no_module(call, kind, words):
    with pytest.raises(kind) as error:
        call()
    assert words.replace("nn.Relu", f"{Relu.__module__}.Relu")[:70] in str(error.value)


def test_a_refused_module_leaves_the_container_as_it_was():
    net = ModuleList([Relu(), Relu()])
    with pytest.raises(TypeError):
        net.insert(0, 3)
    with pytest.raises(TypeError):
        net.extend([Relu(), 3])
    assert names(net.named_children()) == ["0", "1"]


def test_a_slice_shares_its_modules_and_grows_alone():
    net = Sequential(Relu(), Linear(1, 2), Linear(2, 3), Relu())
    part = net[1:3]
    assert names(part.named_children()) == ["1", "2"]
    assert part[0] is net[1]
    last = Relu()
    part.append(last)
    assert list(part) == [net[1], net[2], last]
    assert len(net) == 4
    assert part(np.ones((1, 1))).shape == (1, 3)


def test_dictionaries_of_modules():
    table = ModuleDict({"b": Relu(), "a": Linear(1, 1)})
    assert (table.keys(), list(table), len(table)) == (["b", "a"], ["b", "a"], 2)
    assert table.values() == [table["b"], table["a"]]
    assert table.items() == [("b", table["b"]), ("a", table["a"])]
    assert "a" in table
    assert "weight" not in table
    assert table.training
    del table["b"]
    assert table.keys() == ["a"]
    with pytest.raises(KeyError):
        del table["b"]


def test_named_steps_and_a_residual():
    net = Sequential({"lift": Linear(2, 2), "act": Relu()})
    assert names(net.named_children()) == ["lift", "act"]
    assert net.lift is net[0]
    np.testing.assert_array_equal(Residual(*net)(X).numpy(), X + net(X).numpy())
    np.testing.assert_array_equal(Residual(Linear(2, 2))(X).numpy(), X + 1)


def test_plain_lists_do_as_well():
    plain, container = Module(), Module()
    plain.layers = [Linear(1, 1), Linear(1, 1)]
    container.layers = ModuleList(plain.layers)
    assert list(plain.state_dict()) == list(container.state_dict())
    plain.layers.append(Linear(1, 1))
    assert len(list(plain.parameters())) == 6
