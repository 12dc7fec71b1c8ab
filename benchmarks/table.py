"""The workloads: one row each. A row names the file in steps/ that holds the step, how it is measured, and its sizes.

Which libraries take part is not said here: the file has a function `with_<library>` for each of them.
"""

import importlib
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

# How a step is measured -> the unit of the figure. The measures themselves are in child.py.
UNITS = {"time": "us", "memory": "MB", "arrays": "MB", "import": "ms"}


@dataclass(frozen=True)
class Workload:
    """One row. `aims` are the ratios (ours to the library's) that we want to stay below: they are shown, never enforced."""

    title: str
    step: str
    measure: str = "time"
    options: dict[str, Any] = field(default_factory=dict)
    warm_up: dict[str, Any] = field(default_factory=dict)  # memory: other options for the step that comes first
    only: tuple[str, ...] = ()
    aims: dict[str, float] = field(default_factory=dict)

    @property
    def module(self) -> ModuleType:
        """The file of the step."""
        return importlib.import_module(f"{__package__}.steps.{self.step}")

    @property
    def libraries(self) -> list[str]:
        """The libraries that the step is written for, ours first, in the order of the file."""
        written = [name.removeprefix("with_") for name in vars(self.module) if name.startswith("with_")]
        return [name for name in written if not self.only or name in self.only]


# Who takes part in training: HIPS autograd and MyGrad have no convolutions; PyTorch does not compile its LSTM.
RECURRENT = ("ours", "torch", "jax")
COMPILED = (*RECURRENT, "torch_compile")
EVERYBODY = (*COMPILED, "hips", "mygrad")


def training(title: str, model: str, optimizer: str, aim: float, only: tuple[str, ...]) -> Workload:
    """A row for a whole step of training."""
    options = {"model": model, "optimizer": optimizer}
    return Workload(title, step="training", options=options, only=only, aims={"torch": aim})


MLP50 = {"options": {"depth": 50, "width": 256, "batch": 512}, "warm_up": {"depth": 2, "width": 8, "batch": 4}}

TABLE = {
    "small_array": Workload(
        "100 ops (mul, add, tanh, sub) on 8 float32, forward and backward",
        step="small_array",
        aims={"torch": 0.5, "hips": 0.25},
    ),
    "scalars": Workload(
        "100 scalar ops (mul, add, relu, sub), forward and backward",
        step="scalars",
        options={"formula": "mixed"},
        aims={"micrograd": 1.15},
    ),
    "scalars_mul_add": Workload(
        "100 scalar ops (mul, add), forward and backward",
        step="scalars",
        options={"formula": "mul_add"},
        aims={"micrograd": 1.15},
    ),
    "mlp50_memory": Workload(
        "Peak resident memory of one step of a 50-layer MLP above what it was before (width 256, batch 512, float32)",
        step="mlp50",
        measure="memory",
        aims={"torch": 1.1},
        **MLP50,
    ),
    "mlp50_arrays": Workload(
        "The same as Python's tracemalloc counts it, which sees NumPy's arrays and nothing of PyTorch's",
        step="mlp50",
        measure="arrays",
        only=("ours", "hips", "mygrad"),
        **MLP50,
    ),
    "gelu_like": Workload(
        "0.5 x (1 + tanh(a (x + b x**3))) on 1e6 float32, value and gradient",
        step="gelu_like",
        options={"size": 1_000_000},
        aims={"torch": 1.5, "hips": 0.5},
    ),
    "logreg_100k": Workload(
        "Logistic regression on 100,000 x 50 float32, value and gradient",
        step="logreg",
        options={"rows": 100_000, "columns": 50},
        aims={"torch": 1.0, "hips": 0.5},
    ),
    "rosenbrock_hessian": Workload(
        "Hessian of Rosenbrock's function of 100 variables",
        step="rosenbrock",
        options={"size": 100, "what": "hessian"},
        only=("ours", "hips", "torch", "jax"),
        aims={"hips": 0.2},
    ),
    "rosenbrock_jvp": Workload(
        "Derivative of Rosenbrock's function of 100 variables along a direction (numpy: the function alone)",
        step="rosenbrock",
        options={"size": 100, "what": "jvp"},
        aims={"numpy": 3.0},
    ),
    "matmul": Workload("Product of two matrices of 1024 x 1024 float32", step="matmul", options={"size": 1024}),
    "tiny_mlp": training("MLP 2-16-16-1, tanh, batch 32, MSE, SGD", "tiny_mlp", "SGD", 0.8, EVERYBODY),
    "mlp_adam": training("MLP 784-256-128-10, ReLU, batch 64, cross-entropy, Adam", "mlp", "Adam", 1.0, EVERYBODY),
    "cnn_adam": training("Convolutions 16 and 32 with pooling, 64 x 28 x 28, Adam", "cnn", "Adam", 2.0, COMPILED),
    "lstm_adam": training("LSTM, input 32, hidden 128, 64 steps, batch 32, Adam", "lstm", "Adam", 2.0, RECURRENT),
    "gpt_adamw": training(
        "Transformer, 4 layers, width 128, 4 heads, 64 places, batch 16, AdamW", "gpt", "AdamW", 1.3, COMPILED
    ),
    "gpt_memory": Workload(
        "Peak resident memory of one such step above what it was before",
        step="training",
        measure="memory",
        options={"model": "gpt", "optimizer": "AdamW"},
        warm_up={"model": "tiny_mlp", "optimizer": "AdamW"},
        only=("ours", "torch"),
        aims={"torch": 1.2},
    ),
    "adam_large": Workload(
        "Adam on 10 parameters of 1e6 float32 (PyTorch: fused)",
        step="updates",
        options={"count": 10, "size": 1_000_000, "kind": "fused"},
        aims={"torch": 2.5},
    ),
    "adam_small": Workload(
        "Adam on 1,000 parameters of 100 float32 (PyTorch: foreach)",
        step="updates",
        options={"count": 1_000, "size": 100, "kind": "foreach"},
        aims={"torch": 0.5},
    ),
    "import_time": Workload(
        "Importing the package in a fresh process", step="import_time", measure="import", aims={"numpy": 1.5}
    ),
}
