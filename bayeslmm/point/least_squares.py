"""Weighted least squares, y = offset + X beta + e, e ~ N(0, sigma^2 W^-1): the model without groups.

beta_hat = (X'WX)^-1 X'W(y - offset),   sigma_hat^2 = RSS / (n - p),   Var(beta_hat) = sigma_hat^2 (X'WX)^-1
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import DataError
from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.point.breakdown import check_residual

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A least-squares fit.

    Attributes
    ----------
    beta
        (p,).
    vcov
        (p, p).
    sigma
        Residual sd.
    df_resid
        n - p.
    rss, tss
        Weighted residual sum of squares, and the one about the mean (about zero without an intercept).
    loglik
        Log likelihood at the maximum-likelihood sigma.
    """

    beta: np.ndarray
    vcov: np.ndarray
    sigma: float
    df_resid: int
    rss: float
    tss: float
    loglik: float


def least_squares(design: Design) -> LeastSquares:
    """Fit the fixed part of a design by weighted least squares.

    Raises
    ------
    DataError
        There are no more rows than coefficients, or the coefficients reproduce the response exactly.
    """
    df = design.n - design.p
    if df < 1:
        raise DataError(
            f"{design.n} rows cannot estimate {design.p} coefficients and a residual variance: "
            "use fewer terms or more data"
        )
    basis = FixedBasis.of(design.X, design.y_net, design.weights)
    fitted = design.X @ basis.b0
    residual = design.y_net - fitted
    rss = float(design.weights @ residual**2)
    tss = rss + _explained(fitted, design.weights, design.formula.has_intercept)
    sigma2 = rss / df
    check_residual(design, float(np.sqrt(sigma2)))
    n = design.n
    loglik = 0.5 * (float(np.log(design.weights).sum()) - n * (LOG_2PI + np.log(rss / n) + 1))
    return LeastSquares(basis.b0, sigma2 * basis.T @ basis.T.T, float(np.sqrt(sigma2)), df, rss, tss, float(loglik))


def _explained(fitted: np.ndarray, weights: np.ndarray, has_intercept: bool) -> float:
    """Sum of squares of the fitted values, about their mean where there is an intercept."""
    centre = np.average(fitted, weights=weights) if has_intercept else 0.0
    return float(weights @ (fitted - centre) ** 2)
