"""What holds for every test: which markers skip it, and how Hypothesis looks for examples.

A test with a marker is skipped where what it needs is missing. With `--require-all`, as the project's own checks run it, a
missing `dot`, browser or compiler is a failure instead; PyTorch and a GPU may always be missing.
"""

import functools
import gc
import importlib.util
import itertools
import os
import shutil
import warnings

import hypothesis
import pytest

import autograd

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("repeatable" if os.environ.get("CI") else "here")


@functools.cache
def has_gpu():
    """Whether CuPy is there and finds a device."""
    if importlib.util.find_spec("cupy") is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CuPy warns of what a machine lacks, which is no fault of ours
        import cupy
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


def has_program(*names):
    return any(shutil.which(name) for name in names)


# marker: whether its tests can run here, and what to say if not
NEEDS = {
    "torch": (lambda: importlib.util.find_spec("torch") is not None, "PyTorch is not installed"),
    "gpu": (has_gpu, "CuPy or a GPU is missing"),
    "dot": (lambda: has_program("dot"), "the program `dot` is missing: install Graphviz"),
    "browser": (
        lambda: (
            has_program("chromium", "google-chrome")
            and has_program("chromedriver")
            and importlib.util.find_spec("selenium") is not None
        ),
        "Chromium, chromedriver or selenium is missing: install Debian's chromium and chromium-driver, and pip's selenium",
    ),
    "compiler": (lambda: has_program("cc", "gcc", "clang"), "no C compiler was found: install gcc or clang"),
}
MAY_BE_MISSING = ("torch", "gpu")
FAST_CASES = 4  # of each table of cases, with `-m "not slow"`


def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=40, help="how often a function that is right is tried to be accused")
    parser.addoption("--require-all", action="store_true", help="fail, not skip, where dot, a browser or a compiler is missing")


def pytest_configure(config):
    """With several workers each has one thread of BLAS: threads that wait for a core that others use do so at full speed."""
    if getattr(config.option, "numprocesses", None):  # before the workers start, which import NumPy
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """The thirty thousand tests are no garbage: nobody looks for some among them while they are collected, or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(items):
    """Of a table of many cases a few are fast, spread evenly; the rest are slow, because they are many."""
    for _, cases in itertools.groupby(items, lambda item: item.nodeid.partition("[")[0]):
        cases = list(cases)
        fast = {i * (len(cases) - 1) // (FAST_CASES - 1) for i in range(FAST_CASES)}
        for i, item in enumerate(cases):
            if i not in fast:
                item.add_marker("slow")


def pytest_runtest_setup(item):
    for marker, (there, reason) in NEEDS.items():
        if item.get_closest_marker(marker) and not there():
            if item.config.getoption("--require-all") and marker not in MAY_BE_MISSING:
                pytest.fail(f"{reason} (--require-all)", pytrace=False)
            pytest.skip(reason)


@pytest.fixture
def seeds(request):
    return request.config.getoption("--seeds")


@pytest.fixture
def own_ops():
    """Takes the ops that a test defines out of the registry again."""
    before = dict(autograd.registry)
    yield
    autograd.registry.clear()
    autograd.registry.update(before)
