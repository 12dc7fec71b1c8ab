"""Importing a package, nothing else. Here the call itself is what is measured."""


def with_ours():
    import autograd  # noqa: F401


def with_numpy():
    import numpy  # noqa: F401


def with_torch():
    import torch  # noqa: F401


def with_hips():
    import autograd.numpy  # noqa: F401


def with_mygrad():
    import mygrad  # noqa: F401


def with_micrograd():
    import micrograd.engine  # noqa: F401


def with_jax():
    import jax.numpy  # noqa: F401
