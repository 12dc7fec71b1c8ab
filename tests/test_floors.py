"""Imports go down only, read from the source with `ast`; and `import autograd` brings in NumPy and nothing else.

`FLOORS` is the order, lowest first: a module imports from lower floors only, and not from its own. A module that stands in no
floor is a fault, so whoever adds one decides where it belongs.
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = [
    ["autograd.errors", "autograd.memory"],
    ["autograd.tree", "autograd.explain", "autograd.calls", "autograd.files", "autograd.rows"],
    ["autograd.graph"],
    ["autograd.tensor"],
    ["autograd.rule"],
    ["autograd.transforms"],
    ["autograd.testing.samples"],
    [
        "autograd.ops.elementwise",
        "autograd.ops.reduction",
        "autograd.ops.movement",
        "autograd.ops.contraction",
        "autograd.ops.indexing",
        "autograd.ops.numbers",
        "autograd.ops.ufuncs",
    ],
    ["autograd.ops.bessel", "autograd.ops.creation"],
    ["autograd.ops.fused"],
    ["autograd.ops.affine", "autograd.ops.attention", "autograd.ops.lookup"],
    ["autograd.ops.normalisation", "autograd.ops.recurrent", "autograd.ops.windows"],
    ["autograd.ops.random"],
    ["autograd.ops.spellings"],
    ["autograd.ops.decompositions"],
    [
        "autograd.ops.arrangement",
        "autograd.ops.fft",
        "autograd.ops.linalg",
        "autograd.ops.sorting",
        "autograd.ops.sparse",
        "autograd.ops.special",
    ],
    ["autograd.ops.activations", "autograd.ops.signal", "autograd.ops.statistics"],
    ["autograd.ops.losses"],
    ["autograd.ops.standard"],
    ["autograd.ops.methods"],
    ["autograd.ops"],
    ["autograd.integrate", "autograd.program"],
    ["autograd.builtins", "autograd.differential_operators", "autograd.tracer"],
    ["autograd.extend"],
    ["autograd"],
    ["autograd.numpy.spelling"],
    ["autograd.numpy.fft", "autograd.numpy.linalg", "autograd.numpy.random"],
    ["autograd.numpy"],
    ["autograd.misc.flatten"],
    ["autograd.misc.fixed_points", "autograd.misc.optimizers"],
    ["autograd.misc"],
    ["autograd.scipy.integrate", "autograd.scipy.linalg", "autograd.scipy.signal", "autograd.scipy.special"],
    ["autograd.scipy.stats.distribution"],
    [
        "autograd.scipy.stats.beta",
        "autograd.scipy.stats.dirichlet",
        "autograd.scipy.stats.gamma",
        "autograd.scipy.stats.multivariate_normal",
        "autograd.scipy.stats.norm",
        "autograd.scipy.stats.poisson",
        "autograd.scipy.stats.t",
    ],
    ["autograd.scipy.stats.chi2"],
    ["autograd.scipy.stats"],
    ["autograd.scipy"],
    ["autograd.testing.numeric", "autograd.testing.strategies"],
    ["autograd.testing.kinks", "autograd.testing.machine", "autograd.testing.programs", "autograd.testing.subject"],
    ["autograd.testing.checks"],
    ["autograd.test_util", "autograd.testing.given", "autograd.testing.plugin", "autograd.testing.properties"],
    ["autograd.report", "autograd.testing"],
    ["autograd.__main__", "autograd.testing.__main__"],
    ["autograd.viz.colours", "autograd.viz.model"],
    ["autograd.viz.compare", "autograd.viz.expressions", "autograd.viz.view"],
    ["autograd.viz.mathml"],
    ["autograd.viz.mathematics"],
    ["autograd.viz.arrows", "autograd.viz.collect", "autograd.viz.html", "autograd.viz.layout"],
    ["autograd.viz.parts", "autograd.viz.reasons", "autograd.viz.svg", "autograd.viz.text", "autograd.viz.watch"],
    ["autograd.viz.dot", "autograd.viz.programs", "autograd.viz.raster"],
    ["autograd.viz.picture"],
    ["autograd.viz"],
    ["nn.values"],
    ["nn.module"],
    ["nn.containers", "nn.functional.inputs", "nn.init", "nn.state", "nn.summary"],
    [
        "nn.functional.activation",
        "nn.functional.convolution",
        "nn.functional.dropout",
        "nn.functional.embedding",
        "nn.functional.linear",
        "nn.functional.normalisation",
    ],
    ["nn.functional.attention", "nn.functional.loss", "nn.functional.pooling"],
    ["nn.functional"],
    ["nn.activation", "nn.convolution", "nn.dropout", "nn.embedding", "nn.linear", "nn.normalisation", "nn.pooling"],
    ["nn.attention", "nn.loss", "nn.recurrent"],
    ["nn.transformer"],
    ["nn"],
    ["autograd.testing.networks"],
    ["optim.batches", "optim.history", "optim.optimizer", "optim.preserve"],
    [
        "optim.adafactor",
        "optim.adagrad",
        "optim.adam",
        "optim.asgd",
        "optim.averages",
        "optim.callbacks",
        "optim.checkpoint",
        "optim.clip",
        "optim.lbfgs",
        "optim.lion",
        "optim.muon",
        "optim.rprop",
        "optim.schedules",
        "optim.sgd",
    ],
    ["optim.adamax", "optim.lamb", "optim.lookahead", "optim.training"],
    ["optim.lr_finder"],
    ["optim.examined"],
    ["optim.checkup"],
    ["optim"],
]
FLOOR = {module: i for i, floor in enumerate(FLOORS) for module in floor}
PACKAGES = ("autograd", "nn", "optim")

SHAPELESS = {"utils", "util", "helpers", "helper", "common"}
LATE = {"scipy", "graphviz", "hypothesis", "tqdm", "matplotlib", "numpy.random"}


def module_name(path, root):
    """`autograd.ops.fused` for the file of that module, `autograd.ops` for the `__init__.py` of the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(statement, module, is_package, modules):
    """The modules that an import statement names, in full."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    base = statement.module or ""
    if statement.level:
        above = module.split(".")[: None if is_package else -1]
        above = above[: len(above) - statement.level + 1]
        base = ".".join([*above, base] if base else above)
    inner = [f"{base}.{alias.name}" for alias in statement.names]
    return [name if name in modules else base for name in inner]  # `from . import fused` names a module, not a value


def faults_between(importer, name):
    """Why a module may not import another of ours, in words; an empty list if it may."""
    if {importer.partition(".")[0], name.partition(".")[0]} == {"nn", "optim"}:
        return [f"imports {name}: nn and optim do not know one another"]
    if name not in FLOOR:
        return [f"imports {name}, which does not exist or has no floor"]
    return [] if FLOOR[name] < FLOOR[importer] else [f"imports {name}, which is not below it"]


def faults_inside_functions(names):
    """Why a function may not import these: it may what a user need not have installed, and nothing else."""
    for name in names:
        top = name.partition(".")[0]
        if top in PACKAGES or top == "numpy":
            yield f"imports {name} inside a function"
        elif top in sys.stdlib_module_names:
            yield f"imports {name} inside a function: the standard library is always there, import it at the top"


def imports_ours_by_call(call):
    """Whether a call imports a module that is ours, or may be: its name is computed."""
    if ast.unparse(call.func) not in ("__import__", "import_module", "importlib.import_module"):
        return False
    name = call.args[0] if call.args else None
    return not isinstance(name, ast.Constant) or str(name.value).partition(".")[0] in ("", *PACKAGES)


def faults_of(path, root, modules):
    """What is wrong with the imports of one file."""
    module = module_name(path, root)
    if SHAPELESS & set(module.split(".")):
        yield "is named after nothing: name the module after what it holds"
    if module not in FLOOR:
        yield "has no floor: add it to FLOORS in tests/test_floors.py"
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Call) and imports_ours_by_call(statement):
            yield "imports by a call: write an import statement"
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        names = imported(statement, module, path.name == "__init__.py", modules)
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            yield f"imports * from {names[0].removesuffix('.*')}"
        if id(statement) in inside:
            yield from faults_inside_functions(names)
        for name in names:
            if name.partition(".")[0] in PACKAGES:
                yield from faults_between(module, name)


def faults(root):
    """Everything that is wrong with the imports below a folder: `autograd/graph.py imports autograd.rule, which ...`."""
    files = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    modules = {module_name(path, root) for path in files}
    return [f"{path.relative_to(root).as_posix()} {fault}" for path in files for fault in faults_of(path, root, modules)]


def test_imports_go_down_only():
    assert faults(ROOT) == []


GOOD = {
    "autograd/__init__.py": "from .graph import Node\nfrom .ops import random\n",
    "autograd/errors.py": "import importlib\nimportlib.import_module('cupy')\n",
    "autograd/explain.py": "import linecache\n",
    "autograd/graph.py": "import numpy as np\nfrom .errors import AutogradError\n",
    "autograd/program.py": "from .graph import Node\n",
    "autograd/ops/__init__.py": "from . import fused, random\n",
    "autograd/ops/fused.py": "from ..graph import Node\n\ndef f():\n    import scipy.special\n",
    "autograd/ops/random.py": "from . import fused\n",
    "nn/__init__.py": "import autograd\n",
    "nn/linear.py": "from . import module\nfrom autograd import Tensor\n",
    "nn/module.py": "",
    "optim/__init__.py": "from autograd import no_grad\n",
}


def plant(folder, files):
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def test_a_tree_in_order_has_no_faults(tmp_path):
    plant(tmp_path, GOOD)
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("autograd/graph.py", "from .tensor import Tensor\n", "autograd.tensor, which is not below it"),
        ("autograd/graph.py", "from autograd.rule import rule\n", "autograd.rule, which is not below it"),
        ("autograd/graph.py", "import autograd\n", "autograd, which is not below it"),
        ("autograd/graph.py", "if TYPE_CHECKING:\n    from .rule import Rule\n", "autograd.rule, which is not below it"),
        ("autograd/errors.py", "from . import graph\n", "autograd.graph, which is not below it"),
        ("autograd/explain.py", "from .tree import leaves\n", "autograd.tree, which is not below it"),
        ("autograd/ops/fused.py", "from . import random\n", "autograd.ops.random, which is not below it"),
        ("autograd/ops/fused.py", "from .. import graph, program\n", "autograd.program, which is not below it"),
        ("autograd/graph.py", "def f():\n    from .errors import ShapeError\n", "autograd.errors inside a function"),
        ("autograd/graph.py", "def f():\n    import numpy\n", "numpy inside a function"),
        ("autograd/graph.py", "def f():\n    import json\n", "json inside a function"),
        ("autograd/explain.py", "def f():\n    import json\n", "json inside a function"),
        ("autograd/graph.py", "class A:\n    async def f(self):\n        import json\n", "json inside a function"),
        ("autograd/graph.py", "from .errors import *\n", "imports * from autograd.errors"),
        ("autograd/graph.py", "from numpy import *\n", "imports * from numpy"),
        ("autograd/graph.py", "import importlib\nimportlib.import_module('nn')\n", "imports by a call"),
        ("autograd/graph.py", "def f(name):\n    __import__(name)\n", "imports by a call"),
        ("autograd/utils.py", "", "is named after nothing"),
        ("nn/helpers.py", "", "is named after nothing"),
        ("autograd/ops/unknown.py", "", "has no floor"),
        ("autograd/graph.py", "import nn\n", "nn, which is not below it"),
        ("nn/linear.py", "import optim\n", "nn and optim do not know one another"),
        ("nn/linear.py", "from .transformer import Transformer\n", "nn.transformer, which is not below it"),
        ("optim/adam.py", "from nn import Linear\n", "nn and optim do not know one another"),
        ("optim/adam.py", "def f():\n    from nn import Linear\n", "nn inside a function"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, name, source, words):
    plant(tmp_path, {**GOOD, name: source})
    found = faults(tmp_path)
    assert found
    assert all(fault.startswith(f"{name} ") for fault in found)
    assert any(words in fault for fault in found), found


def test_contributing_names_the_same_floors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    named = [name for line in listed.splitlines() for name in line.split("  ")[0].split(", ")]
    assert named == [name for floor in FLOORS for name in floor]


def modules_after(statement):
    """The modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_import_autograd_brings_numpy_and_nothing_else():
    before = modules_after("import numpy")
    after = modules_after("import autograd")
    assert "autograd.ops.methods" in after
    assert not LATE & (after - before)
    foreign = {name.partition(".")[0] for name in after - before} - {"autograd", "numpy"} - sys.stdlib_module_names
    assert not foreign


def test_a_late_import_would_be_seen():
    assert "tqdm" in modules_after("import autograd, tqdm") - modules_after("import numpy")
