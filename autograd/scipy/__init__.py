"""SciPy with derivatives, by SciPy's names: `integrate`, `linalg`, `signal`, `special`, `stats`.

On plain values a function is SciPy's own; where a Tensor takes part it is our op. Importing this imports SciPy, which
`import autograd` does not.
"""

from . import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
