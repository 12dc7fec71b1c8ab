"""Random networks of nn: their derivatives, their files, their recordings; and that the smallest failing one is small."""

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import nn
from autograd import Tensor, rule
from autograd.testing import GradientMismatch, check_grads
from autograd.testing.networks import BENT, LAYERS, SMOOTH, Network, modules

from .nn.held import replays

few = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@pytest.mark.slow
@settings(few, max_examples=12)
@given(modules(max_layers=2))
def test_derivatives_of_all_parameters_and_inputs(network: Network) -> None:
    check_grads(network.module, *network.inputs, directions=1, rtol=1e-5)


@pytest.mark.slow
@few
@given(modules(kinks=True))
def test_networks_with_kinks(network: Network) -> None:
    check_grads(network.module, *network.inputs, order=1, directions=1, rtol=1e-5)


@pytest.mark.slow
@few
@given(modules(kinks=True))
def test_files_and_recorded_steps(network: Network) -> None:
    inputs = [Tensor(x) for x in network.inputs]
    y = network.module(*inputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.safetensors")
        nn.save(network.module, path)
        before = network.module.state_dict()
        nn.init.reset(network.module, seed=99)
        nn.load(network.module, path)
    for name, value in network.module.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(network.module(*inputs).numpy(), y.numpy())
    if list(network.module.parameters()):
        replays(network.module, *network.inputs)


@pytest.mark.slow
def test_every_kind_of_layer_is_drawn() -> None:
    wanted = {*SMOOTH, *BENT, "Linear", "LayerNorm", "RMSNorm", "Conv2d", "AvgPool2d", "MaxPool2d", "GroupNorm"}
    wanted |= {"RNN", "LSTM", "GRU", "TransformerEncoderLayer", "Flatten", "Residual", "Softmax"}
    seen: set[str] = set()

    def all_seen(network: Network) -> bool:
        seen.update(type(module).__name__ for module in network.module.modules())
        return wanted <= seen

    many = settings(few, max_examples=1000, derandomize=False, phases=[Phase.generate])
    find(modules(kinks=True), all_seen, settings=many, random=Random(0))  # takes 264 to 589 of them, by the seed
    assert set(LAYERS) == {2, 3, 4}


@pytest.mark.slow
@pytest.mark.usefixtures("own_ops")
def test_a_planted_fault_is_found_in_a_small_network(monkeypatch: Any) -> None:
    wrong = rule(kind="elementwise", x=lambda g, x: 1.001 * g * (1 - np.tanh(x) ** 2))(lambda x: np.tanh(x))
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, x: wrong(x if isinstance(x, Tensor) else Tensor(x)))

    def fails(network: Network) -> bool:
        try:
            check_grads(network.module, *network.inputs, order=1, modes=("rev",))
        except GradientMismatch:
            return True
        return False

    unexplained = [Phase.generate, Phase.shrink]  # Phase.explain is slow
    smallest = find(modules(), fails, settings=settings(few, max_examples=1000, phases=unexplained))
    kinds = [type(module).__name__ for module in smallest.module.modules()]
    assert "Tanh" in kinds
    assert len(kinds) <= 3
