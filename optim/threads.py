"""Threads for the blocks of a large parameter: NumPy lets other threads run while it computes.

As many as the process has processors, or as OMP_NUM_THREADS says, by which everybody else who computes is told. They are
started when they are first needed, and again in a process that was forked. Knows no optimizer.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise
from typing import Any


def count() -> int:
    """How many threads may compute."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(int(told), available) if told.isdigit() and int(told) else available


class _Pool:
    """The threads of this process."""

    workers: ThreadPoolExecutor | None = None


def _forget() -> None:
    _Pool.workers = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)  # threads do not live on in a child


def share(work: Callable[[Sequence[Any]], None], items: Sequence[Any]) -> None:
    """Calls `work` with parts of the items that together are all of them, in several threads at once if there are enough.

    >>> seen = []
    >>> share(seen.extend, range(5))
    >>> sorted(seen)
    [0, 1, 2, 3, 4]
    """
    parts = min(count(), len(items))
    if parts < 2:
        work(items)
        return
    if _Pool.workers is None:
        _Pool.workers = ThreadPoolExecutor(count(), "optim")
    ends = [len(items) * i // parts for i in range(parts + 1)]
    futures = [  # each in a copy of this thread's context, where np.errstate is kept
        _Pool.workers.submit(copy_context().run, work, items[start:end]) for start, end in pairwise(ends[1:])
    ]
    try:
        work(items[: ends[1]])
    finally:
        for future in futures:
            future.result()
