"""Optimizers and what training needs around them.

`Optimizer` and the update rules, learning rate schedules, batches, `fit`, the check-up and checkpoints; with PyTorch's names
where it has them. Stands on `autograd`. Does not know `nn`: it asks a model for parameters, modules and state, and calls it.
"""

from .adafactor import Adafactor
from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, AdamW
from .adamax import Adamax, NAdam, RAdam
from .asgd import ASGD
from .averages import EMA, SWA
from .batches import Batches, Subset, random_split, stack, stratified_split
from .callbacks import Callback, EarlyStopping, Progress
from .checkpoint import CheckpointError, Checkpoints, DamagedError, read_checkpoint
from .checkup import Checkup, checkup
from .clip import clip_grad_norm_, clip_grad_value_
from .history import History
from .lamb import LAMB
from .lbfgs import LBFGS
from .lion import Lion
from .lookahead import Lookahead
from .lr_finder import LRFind, lr_find
from .muon import Muon
from .optimizer import Optimizer
from .preserve import preserved
from .rprop import Rprop
from .schedules import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    InverseSqrtLR,
    InverseTimeLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    Schedule,
    SequentialLR,
    StepLR,
    WarmUp,
)
from .sgd import SGD
from .training import Run, accuracy, evaluate, fit, objective, train_step

__all__ = [
    "ASGD",
    "EMA",
    "LAMB",
    "LBFGS",
    "SGD",
    "SWA",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Batches",
    "Callback",
    "ChainedScheduler",
    "CheckpointError",
    "Checkpoints",
    "Checkup",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "DamagedError",
    "EarlyStopping",
    "ExponentialLR",
    "History",
    "InverseSqrtLR",
    "InverseTimeLR",
    "LRFind",
    "LambdaLR",
    "LinearLR",
    "Lion",
    "Lookahead",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "Progress",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "Run",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "Subset",
    "WarmUp",
    "accuracy",
    "checkup",
    "clip_grad_norm_",
    "clip_grad_value_",
    "evaluate",
    "fit",
    "lr_find",
    "objective",
    "preserved",
    "random_split",
    "read_checkpoint",
    "stack",
    "stratified_split",
    "train_step",
]
