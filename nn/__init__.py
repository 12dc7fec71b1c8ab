"""Neural network modules: layers, initialisation, losses, and models as files.

Will hold `Module`, `functional`, `init`, the layers (one file a family) and `state`, with PyTorch's names, argument
names, parameter shapes and state_dict keys. Stands on `autograd`. Does not know `optim`.
"""

import autograd

# The HIPS package has the same import name. This check stands above every other import, which would fail less clearly.
if not hasattr(autograd, "Tensor"):
    raise ImportError(
        f"nn needs the autograd of wengert, but found another package of that name in {autograd.__path__[0]}. "
        "It is probably HIPS autograd, and the two cannot share an environment. Either install wengert in an "
        "environment of its own, or run `pip uninstall autograd` and reinstall wengert."
    )
