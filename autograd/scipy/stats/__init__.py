"""scipy.stats with derivatives: densities, distribution functions and entropies of the usual distributions.

Each distribution is a module, so that `import autograd.scipy.stats.norm as norm` works as in HIPS autograd. What has no
derivative (random draws, quantiles, fits, other distributions) is SciPy's own, for plain values.

>>> from autograd import grad
>>> from autograd.scipy.stats import norm
>>> print(f"{grad(norm.logpdf)(1.0, 0.0, 2.0):.4f}")
-0.2500
"""

import scipy.stats as _plain

from . import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t

_others = [name for name in _plain.__all__ if name not in globals()]
globals().update({name: vars(_plain)[name] for name in _others})

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t", *_others]
