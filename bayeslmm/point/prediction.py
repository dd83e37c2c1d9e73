"""Variance of the error of predicting new rows, and its degrees of freedom.

For a row x, z_1, ..., z_T the linear predictor is eta = x'beta + sum_t z_t'b_t. Where the level of term t is known, b_t
is predicted by its conditional mode; where it is new or left out, by zero. The error of prediction then has

    Var(eta_hat - eta) = sigma^2 { c'M^-1 c  +  sum over the unknown t of z_t' Lambda_t Lambda_t' z_t },

c = (Lambda'z, x) the row's coordinates in (u, beta), the levels of unknown terms left out, and M the matrix of
Henderson's equations (Henderson 1975, Biometrics 31, 423-447; Robinson 1991, Statistical Science 6, eq. 5.2): the
variance of beta_hat, the variances of the conditional modes and their covariances, all in one. A new observation of
the row adds sigma^2 / w. All of it is at the estimate of theta.

The degrees of freedom are Satterthwaite's, `2 v^2 / (g'C g)` with g the derivatives of this variance v by the
covariance parameters and sigma (see `satterthwaite`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.kernel import factorise
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.solves import solve_rows
from bayeslmm.point.estimates import Estimates
from bayeslmm.point.optimum import Optimum

STEP = 1e-4


@dataclass(frozen=True, slots=True)
class RowsToPredict:
    """What the variance of m predictions depends on.

    Attributes
    ----------
    X
        (m, p).
    Z
        Per term (m, k).
    index
        Per term (m,): the level, or -1 where the level is new or the term left out.
    unknown
        Per term (m,) bool: rows whose effects of the term are drawn anew; where the level is -1 and this is False the
        effects do not count at all.
    noise
        (m,): what an observation adds, in units of sigma^2; zero for a mean.
    """

    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    index: tuple[np.ndarray, ...]
    unknown: tuple[np.ndarray, ...]
    noise: np.ndarray


def prediction_variance(
    likelihood: MarginalLikelihood, lambdas: Sequence[np.ndarray], rows: RowsToPredict
) -> np.ndarray:
    """(m,): the variance of the error of prediction in units of sigma^2, at these Lambda_t (k, k)."""
    factor = factorise(likelihood.A, likelihood.structure, lambdas)
    solved = solve_rows(factor, likelihood.structure, rows.Z, rows.index, rows.X @ likelihood.basis.T)
    variance = solved.squares + rows.noise
    for L, Z, new in zip(lambdas, rows.Z, rows.unknown, strict=True):
        variance = variance + np.where(new, ((Z @ L) ** 2).sum(axis=1), 0.0)
    return variance


def prediction_df(
    likelihood: MarginalLikelihood,
    optimum: Optimum,
    parameter_covariance: np.ndarray,
    at: Estimates,
    rows: RowsToPredict,
    variance: np.ndarray,
) -> np.ndarray:
    """Satterthwaite's degrees of freedom (m,) of `sigma^2 * variance`.

    Parameters
    ----------
    likelihood, optimum, at
        Of the fit.
    parameter_covariance
        (s, s): of the whitened covariance parameters, with sigma last (`Satterthwaite.parameter_covariance`).
    rows
        What is predicted.
    variance
        (m,): `prediction_variance` at the optimum.
    """
    cone, x = optimum.cone, optimum.x
    g = np.empty((x.size + 1, variance.size))
    for i in range(x.size):
        h = np.zeros(x.size)
        h[i] = STEP * max(1.0, abs(x[i]))
        up, down = (prediction_variance(likelihood, cone.lambdas(x + s * h), rows) for s in (1, -1))
        g[i] = at.sigma**2 * (up - down) / (2 * h[i])
    g[-1] = 2 * at.sigma * variance
    v = at.sigma**2 * variance
    spread = np.einsum("sm,st,tm->m", g, parameter_covariance, g)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, 2 * v**2 / spread, np.inf)
