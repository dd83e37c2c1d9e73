"""Where the search starts: moments from one evaluation at V = I.

In the whitened basis (see `cone`) an average level shows its effects with covariance `sigma^2 (V + I)`. At V = I the
conditional modes u are half of what it shows, so that `4 mean(u u') / sigma^2 - I` estimates V; what the groups do
not explain, `r^2 - 2 sum u'u`, estimates sigma^2. For one balanced grouping factor this is the optimum itself.
"""

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective

LEAST, MOST = 0.1, 1e4


def moment_start(objective: Objective, cone: Cone) -> list[np.ndarray]:
    """Whitened factors X (k, k) per block; every direction gets some variance, however little it showed."""
    likelihood = objective.likelihood
    objective.evaluations += 1
    parts, modes = likelihood.modes(cone.map @ cone.unit)
    sigma2 = _residual_variance(likelihood, parts.r2, sum(float((u * u).sum()) for u in modes))
    factors = []
    for b in cone.blocks:
        u = modes[b.term][list(b.effects)]
        values, vectors = np.linalg.eigh(4 * (u @ u.T) / u.shape[1] / sigma2 - np.eye(b.k))
        factors.append(vectors * np.sqrt(np.clip(values, LEAST, MOST)))
    return factors


def _residual_variance(likelihood: MarginalLikelihood, r2: float, squares: float) -> float:
    """What groups leave over, where there are rows for that; else what V = I leaves over."""
    n, q = likelihood.n, sum(k * J for k, J in zip(likelihood.structure.k, likelihood.structure.J, strict=True))
    rest, df = r2 - 2 * squares, n - likelihood.p - q
    if df > 0.1 * n and rest > 0:
        return rest / df
    return max(r2, float(np.finfo(float).tiny)) / (n - likelihood.p)
