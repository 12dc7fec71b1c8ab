"""Blocks in several threads: the same bits as in one, errors come out, and a forked process has threads of its own."""

import os
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import optim
from autograd import Tensor
from optim import threads
from optim.optimizer import BLOCK


@pytest.fixture(params=["1", "4"])
def told(request, monkeypatch):
    """How many threads the environment asks for; on a machine that has four processors."""
    monkeypatch.setenv("OMP_NUM_THREADS", request.param)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    threads._forget()
    yield int(request.param)
    threads._forget()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 50])
def test_every_item_is_worked_on_once(told, count):
    seen: list[int] = []
    threads.share(seen.extend, range(count))
    assert sorted(seen) == list(range(count))


def test_as_many_threads_as_the_environment_says(told):
    names = set()
    together = threading.Barrier(told, timeout=20)

    def work(part: Any) -> None:
        together.wait()  # nobody passes before all are here
        names.add(threading.current_thread().name)

    threads.share(work, range(10))
    assert len(names) == told


@pytest.mark.parametrize("words", ["", "no", "0", "-3", "99"])
def test_a_foolish_number_of_threads_is_that_of_the_processors(words, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", words)
    assert threads.count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert threads.count() == 2


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam, optim.RMSprop, optim.NAdam])
def test_large_parameters_have_the_same_bits(told, rule):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5 * BLOCK + 17), rng.normal(size=(3, 5 * BLOCK + 17))
    whole, parts = Tensor(start), [Tensor(part) for part in np.array_split(start, 40)]
    one, many = rule([whole], lr=0.01), rule(parts, lr=0.01)
    for g in gradients:
        whole.grad = g
        for p, part in zip(parts, np.array_split(g, 40), strict=True):
            p.grad = part
        one.step()
        many.step()
    assert whole.data.tobytes() == b"".join(p.data.tobytes() for p in parts)


@pytest.mark.parametrize("where", [0, 9])
def test_an_error_comes_out_of_any_thread(told, where):
    def work(part: Any) -> None:
        if where in part:
            raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        threads.share(work, range(10))


def test_what_numpy_was_told_holds_in_every_thread(told):
    def work(part: Any) -> None:
        np.log(np.zeros(3))

    with np.errstate(divide="ignore"):
        threads.share(work, range(8))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        threads.share(work, range(8))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_child_has_threads_of_its_own(told):
    threads.share(list, range(8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if not child:
        seen: list[int] = []
        threads.share(seen.extend, range(8))
        os._exit(sorted(seen) != list(range(8)))
    assert os.waitpid(child, 0)[1] == 0
