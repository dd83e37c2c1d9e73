"""Standardised residuals of least squares, beside those of responses simulated from the fit; leverage.

    h_i = w_i x_i'(X'WX)^-1 x_i,     r_i = sqrt(w_i) e_i / (sigma_hat sqrt(1 - h_i)),
    Cook's distance  D_i = r_i^2 h_i / (p (1 - h_i))                        (Cook & Weisberg 1982, chapters 2 and 3)

What X beta and sigma are does not matter to r, so that the r of simulated errors N(0, 1/w) are exactly what they
would be were the model true: comparisons by rank have exactly the size that they say.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design

ALONE = 1e-10


@dataclass(frozen=True, slots=True)
class LinearResiduals:
    """Standardised residuals of S responses; the observed one is the first.

    Attributes
    ----------
    values
        (n, S): NaN in rows that decide a coefficient alone (leverage 1).
    leverage
        (n,).
    cooks
        (n,): Cook's distances of the observed response.
    """

    values: np.ndarray
    leverage: np.ndarray
    cooks: np.ndarray


def linear_residuals(design: Design, residuals: np.ndarray, n: int, rng: np.random.Generator) -> LinearResiduals:
    """Standardise the residuals of the observed response and of n simulated ones.

    Parameters
    ----------
    design
        A design without groups.
    residuals
        (n,): y - fitted.
    n
        Number of simulations.
    rng
        Of the simulations.
    """
    root = np.sqrt(design.weights)
    Q = np.linalg.qr(root[:, None] * design.X)[0]
    h = np.einsum("np,np->n", Q, Q)
    errors = np.hstack([(root * residuals)[:, None], rng.normal(size=(design.n, n))])
    errors -= Q @ (Q.T @ errors)
    sigma = np.sqrt(np.einsum("ns,ns->s", errors, errors) / (design.n - design.p))
    free = np.where(1 - h > ALONE, 1 - h, np.nan)
    values = errors / sigma / np.sqrt(free)[:, None]
    return LinearResiduals(values, h, values[:, 0] ** 2 * h / free / max(design.p, 1))
