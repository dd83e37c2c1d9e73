"""The exact finite-sample distribution of the likelihood ratio for one variance component.

For `y = X beta + Z b + e`, b ~ N(0, lambda sigma^2 I), and lambda = 0, both ratios are functions of one spectral form
(Crainiceanu & Ruppert 2004, Journal of the Royal Statistical Society B 66(1), theorem 1): with mu_s the eigenvalues of
`Z'W^(1/2) P W^(1/2) Z`, P the projection off X, xi_s those of Z'WZ, and w_s independent standard normal,

    N(lambda) = sum_s lambda mu_s w_s^2 / (1 + lambda mu_s)
    D(lambda) = sum_s w_s^2 / (1 + lambda mu_s) + sum of n - p - K further w^2
    RLRT = sup_(lambda >= 0)  (n - p) log(1 + N / D) - sum_s log(1 + lambda mu_s)
    LRT  = sup_(lambda >= 0)      n   log(1 + N / D) - sum_s log(1 + lambda xi_s)

Beside other random effects the same holds approximately with Z of the tested component alone: their conditional modes
are taken as known and subtracted from y, whereby only that component and the errors are left (Greven, Crainiceanu,
Kuechenhoff & Peters 2008, Journal of Computational and Graphical Statistics 17(4), section 2.3). That is the better,
the more exactly the other effects are known.

It depends on the design alone, not on beta or sigma. K is at most the number of levels: nothing of size n x n is
needed, since in the basis of the likelihood the matrix with eigenvalues mu_s is `Z'WZ - (Z'WXT)(Z'WXT)'`.
"""

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.threads import one_blas_thread

MOST_LEVELS = 3000
GRID = 240
CHUNK = 2000


def applies(likelihood: MarginalLikelihood) -> bool:
    """Whether the model has one random term with one effect, and not too many levels for the eigenvalues."""
    structure = likelihood.structure
    return structure.k == (1,) and structure.J[0] <= MOST_LEVELS


def simulate(likelihood: MarginalLikelihood, reml: bool, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n values of the RLRT (`reml`) or LRT of lambda = 0 in a model with one variance component.

    Parameters
    ----------
    likelihood
        Of the model with the component.
    reml
        Restricted likelihood, or likelihood.
    n, rng
        How many, from which random numbers.
    """
    A, p, size = likelihood.A, likelihood.p, likelihood.n
    F = A.fixed[0][0, :p]
    xi = A.diag[0][0, 0]
    with one_blas_thread():
        mu = np.linalg.eigvalsh(np.diag(xi) - F.T @ F)[::-1]
    mu = mu[mu > 1e-10 * mu[0]][: size - p]
    rest, nu = size - p - mu.size, size - p if reml else size
    # from a variance that nothing could tell from zero to one beside which the errors are nothing
    grid = np.concatenate([[0.0], np.geomspace(1e-4 / mu[0], 1e5 / mu[-1], GRID)])
    shrunk = 1 / (1 + np.outer(mu, grid))
    penalty = np.log1p(np.outer(mu if reml else xi, grid)).sum(axis=0)
    out = np.empty(n)
    for start in range(0, n, CHUNK):
        count = min(CHUNK, n - start)
        w2 = rng.chisquare(1, size=(count, mu.size))
        left = rng.chisquare(rest, size=count) if rest else np.zeros(count)
        with one_blas_thread():
            D = w2 @ shrunk + left[:, None]
        value = nu * np.log((w2.sum(axis=1) + left)[:, None] / D) - penalty
        out[start : start + count] = _peak(value)
    return out


def _peak(value: np.ndarray) -> np.ndarray:
    """Maximum of each row (count, grid), by the parabola through the best point and its neighbours on the log grid."""
    best = value.argmax(axis=1)
    top = value[np.arange(best.size), best]
    inner = (best >= 2) & (best < value.shape[1] - 1)
    i = np.flatnonzero(inner)
    a, b, c = value[i, best[i] - 1], top[i], value[i, best[i] + 1]
    bend = a - 2 * b + c
    top[i] = np.where(bend < 0, b - (c - a) ** 2 / (8 * np.where(bend < 0, bend, -1.0)), b)
    return np.maximum(top, 0.0)


def monte_carlo_p_value(observed: float, simulated: np.ndarray) -> float:
    """(1 + number of simulated values at least as large) / (1 + how many); 1 where nothing was observed."""
    if observed <= 1e-8:
        return 1.0
    return float((1 + (simulated >= observed).sum()) / (1 + simulated.size))
