"""The mode of the free numbers, and a root of the inverse curvature there: what whitens the posterior."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.compiled.plan import apart_like

STEP = 1e-4
FLATTEST = 0.05  # of curvature: the free numbers have priors with sds near 1

Density = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """x = centre + root z.

    Attributes
    ----------
    centre
        (d,).
    root
        (d, d).
    log_det
        log|det root|.
    """

    centre: np.ndarray
    root: np.ndarray

    @property
    def log_det(self) -> float:
        """log|det root|."""
        return float(np.linalg.slogdet(self.root)[1])

    def adapted(self, draws: np.ndarray) -> "Gaussian":
        """Moments of draws (n, d), their covariance drawn towards this one's with the weight of five draws."""
        n, d = draws.shape
        z = np.linalg.solve(self.root, (draws - draws.mean(axis=0)).T)
        covariance = (z @ z.T + 5 * np.eye(d)) / (n + 5)
        return Gaussian(draws.mean(axis=0), np.ascontiguousarray(self.root @ np.linalg.cholesky(covariance)))


def at_mode(density: Density, start: np.ndarray) -> Gaussian:
    """The Gaussian with the mode and the curvature of a log density.

    Parameters
    ----------
    density
        Value at x (d,), writing the gradient into its second argument; -inf where there is none.
    start
        (d,): where the search starts.

    Raises
    ------
    ArgumentError
        The density is zero there and near.
    """
    from scipy.optimize import minimize

    gradient = apart_like(start)
    if not np.isfinite(density(start, gradient)) or not np.isfinite(gradient).all():
        raise ArgumentError(
            "the posterior has no density where sampling starts: a prior may rule out what the data say, or the "
            "response or a predictor has numbers too large or too small to work with; see model.priors"
        )

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        value = density(apart_like(x), gradient)
        return (-value, -gradient) if np.isfinite(value) else (1e300, np.zeros_like(x))

    mode = minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-3}).x
    H = np.stack([negative(mode + e)[1] - negative(mode - e)[1] for e in STEP * np.eye(mode.size)]) / (2 * STEP)
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    return Gaussian(mode, np.ascontiguousarray((vectors / np.sqrt(np.maximum(values, FLATTEST))) @ vectors.T))
