"""The state machine of autograd.testing: the engine passes it, and planted faults of the engine do not."""

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import autograd.errors
import autograd.graph
import autograd.tensor
from autograd import Tensor
from autograd.ops import spellings
from autograd.testing.machine import TensorMachine, slope

REPEATABLE = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
def test_the_engine_passes() -> None:
    run_state_machine_as_test(TensorMachine, settings=settings(REPEATABLE, max_examples=120, stateful_step_count=40))


def overwrite(node: Any, g: Any) -> None:
    """deposit() that does not add."""
    node.grad = g


def forget_node(tensor: Tensor, value: Tensor, node: Any) -> None:
    """become() after which a Tensor stands outside the graph."""
    BECOME(tensor, value, None)


def not_copied(tensor: Tensor) -> Any:
    """kept() that leaves a graph with an array that somebody may write to."""
    return tensor._raw


def follow_alias(tensor: Tensor, value: Tensor, node: Any) -> None:
    """become() that does not see who looks at the memory."""
    tensor.sharing = None
    BECOME(tensor, value, node)


def shared_gradients(node: Any, g: Any) -> None:
    """deposit() that writes into an array which it does not own."""
    if isinstance(node.grad, np.ndarray):
        node.grad += g
    elif isinstance(node.grad, Tensor):
        node.grad._raw = np.add(node.grad._raw, g, out=node.grad._raw if isinstance(node.grad._raw, np.ndarray) else None)
    else:
        node.grad = g


def leave_shown(*given: Any) -> Any:
    """A sweep that fails and forgets what it has shown."""
    try:
        return SWEEP(*given)
    except autograd.errors.AutogradError:
        given[-2].clear()
        raise


def show_at_once(*given: Any) -> Any:
    """A sweep that fails and has not waited with the gradients in between."""
    try:
        return SWEEP(*given)
    except autograd.errors.AutogradError:
        for reference, g in given[-1]:
            autograd.tensor.deposit(reference(), g)
        raise


def release_on_error(*given: Any) -> Any:
    """A sweep that fails and lets go of a graph which it should retain."""
    try:
        return SWEEP(*given)
    except autograd.errors.AutogradError:
        autograd.graph.release(given[0])
        raise


SWEEP = autograd.graph._sweep
BECOME = autograd.tensor.become
RULE = sys.modules["autograd.rule"]  # `autograd.rule` itself is the decorator
FAULTS: dict[str, list[tuple[Any, str, Any]]] = {
    "a deposit that overwrites": [(autograd.tensor, "deposit", overwrite)],
    "a deposit into an array of others": [(autograd.tensor, "deposit", shared_gradients)],
    "an in-place change that loses the node": [(spellings, "become", forget_node)],
    "an in-place change under a view": [(spellings, "become", follow_alias)],
    "an exposed array that is not copied": [(RULE, "kept", not_copied)],
    "a graph that is never released": [(autograd.graph, "release", lambda node: None)],
    "a gradient left by a pass that failed": [(autograd.graph, "_sweep", leave_shown)],
    "a gradient shown before a pass failed": [(autograd.graph, "_sweep", show_at_once)],
    "a graph released by a pass that failed": [(autograd.graph, "_sweep", release_on_error)],
    "a leaf that is written to": [(spellings, "refuse_leaf", lambda x: None)],
    "a view that nobody notes": [(RULE, "_note_view", lambda source, view: None)],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, attribute, fault in FAULTS[name]:
        monkeypatch.setattr(module, attribute, fault)
    many = settings(REPEATABLE, max_examples=1500, stateful_step_count=40, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, autograd.errors.AutogradError)):
        run_state_machine_as_test(TensorMachine, settings=many)


def test_the_numeric_side_by_a_known_slope() -> None:
    slopes, error = slope(lambda by: float(np.sin(np.arange(3.0) + by).sum()), (3,))
    assert abs(slopes - np.cos(np.arange(3.0))).max() <= error < 1e-9
