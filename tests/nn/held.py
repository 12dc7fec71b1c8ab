"""What every layer is held by: equal to PyTorch's layer of the same name, and a recorded training step that replays.

A test says which layer with which arguments, and the inputs; weights go over by state_dict, so names and shapes are compared
too. PyTorch is imported here only when it is compared with.
"""

import copy
from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor, record
from autograd.tree import leaves


def moving(inputs: tuple[Any, ...]) -> list[Tensor]:
    """The inputs that want a gradient, in order."""
    return [x for x in leaves(inputs) if isinstance(x, Tensor) and x.requires_grad]


def ours_of(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays as Tensors: of floats, they want a gradient; other things as they are."""
    return ag.tree.transform(lambda x: Tensor(x) if isinstance(x, np.ndarray) else x, inputs)


def theirs_of(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same as PyTorch's tensors."""
    import torch

    def of(x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        t = torch.from_numpy(x.copy())
        return t.requires_grad_() if x.dtype.kind in "fc" else t

    return ag.tree.transform(of, inputs)


def equal_to_torch(
    ours: Any, theirs: Any, *inputs: Any, rtol: float = 1e-9, atol: float = 1e-11, seed: int = 0, **options: Any
) -> None:
    """Two layers, or two functions, have equal outputs, gradients of inputs and parameters, and buffers afterwards.

    Layers are compared in double precision, in the mode (training or not) of ours, with the weights of theirs.
    """
    import torch

    layers = hasattr(ours, "state_dict")
    if layers:
        theirs = theirs.double().train(ours.training)
        ours.double()
        ours.load_state_dict(theirs.state_dict())
    xs, ts = ours_of(inputs), theirs_of(inputs)
    ys = [y for y in leaves(ours(*xs, **options)) if y is not None]
    zs = [z for z in leaves(theirs(*ts, **options)) if z is not None]
    assert len(ys) == len(zs)
    rng = np.random.default_rng(seed)
    losses = []
    for y, z in zip(ys, zs, strict=True):
        assert y.shape == tuple(z.shape), (y.shape, z.shape)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=rtol, atol=atol)
        if z.requires_grad:
            assert y.requires_grad
            w = rng.normal(size=y.shape)
            losses.append(((y * w).sum(), (z * torch.from_numpy(np.asarray(w))).sum()))
    if losses:
        sum((a for a, _ in losses[1:]), losses[0][0]).backward()
        sum((b for _, b in losses[1:]), losses[0][1]).backward()
    for x, t in zip(moving(xs), (t for t in leaves(ts) if getattr(t, "requires_grad", False)), strict=True):
        same_gradient("an input", x, t, rtol, atol)
    if layers:
        for (name, p), (their_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert name == their_name
            same_gradient(name, p, q, rtol, atol)
        for (name, b), (their_name, c) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            assert name == their_name
            np.testing.assert_allclose(b.numpy(), c.numpy(), rtol=rtol, atol=atol, err_msg=name)


def same_gradient(name: str, ours: Tensor, theirs: Any, rtol: float, atol: float) -> None:
    """Gradients agree; None and zeros are the same."""
    g = np.zeros(ours.shape) if ours.grad is None else ours.grad.numpy()
    h = np.zeros(ours.shape) if theirs.grad is None else theirs.grad.numpy()
    np.testing.assert_allclose(g, h, rtol=rtol, atol=atol, err_msg=f"gradient of {name}")


def step_of(layer: Any) -> Any:
    """A step of training by plain gradient descent, as a function of the inputs."""

    def step(*inputs: Any) -> Any:
        loss = sum(((y * y).mean() for y in leaves(layer(*inputs)) if isinstance(y, Tensor) and y.requires_grad), Tensor(0.0))
        layer.zero_grad()
        loss.backward()
        with ag.no_grad():
            for parameter in layer.parameters():
                if parameter.grad is not None:
                    parameter.data = parameter - 0.1 * parameter.grad
        return loss

    return step


def replays(layer: Any, *inputs: Any, steps: int = 3) -> None:
    """A recorded step of training does to the layer, bit for bit, what eager steps do: parameters and buffers."""
    twin = copy.deepcopy(layer)
    ag.random.seed(0)
    eager = step_of(layer)
    losses = [eager(*inputs).item() for _ in range(steps)]
    ag.random.seed(0)
    first, program = record(step_of(twin), *inputs)
    replayed = [first.item()] + [program.run(*inputs).item() for _ in range(steps - 1)]
    assert losses == replayed
    for (name, a), (_, b) in zip(layer.state_dict().items(), twin.state_dict().items(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
