"""scipy.integrate with derivatives, by SciPy's names, as far as there are derivatives. Stands on `autograd.integrate`."""

from ..integrate import odeint, trapezoid

__all__ = ["odeint", "trapezoid"]
