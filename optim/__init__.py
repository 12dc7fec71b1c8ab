"""Optimizers and what training needs around them.

Will hold `Optimizer`, the update rules (one file each), learning rate schedules, batches, `fit`, check-ups and
checkpoints, with PyTorch's names and argument names. Stands on `autograd`. Does not know `nn`: it asks a model only for
`parameters()`, `state_dict()` and to be called.
"""

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
