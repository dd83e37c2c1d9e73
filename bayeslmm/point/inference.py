"""What every method of degrees of freedom answers: the covariance it uses, df of t tests, and F tests.

`FixedDf` is for the methods that need no derivation: n - p, and infinitely many.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

TINY = 1e-8


class FTest(NamedTuple):
    """F with q and df degrees of freedom; `scale` is what the Wald statistic over q was multiplied by."""

    F: float
    q: int
    df: float
    scale: float = 1.0


@dataclass(frozen=True)
class Inference(ABC):
    """Tests of linear functions of the fixed effects.

    Attributes
    ----------
    vcov
        (p, p): covariance of the fixed effects that standard errors come from.
    method
        Whose numbers these are: where the method asked for is not defined, its fallback.
    notes
        Sentences that a reader of the tests must see.
    """

    vcov: np.ndarray
    method: str
    notes: tuple[str, ...]

    @abstractmethod
    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of the t test of each row of L (m, p): (m,)."""

    def variances(self, L: np.ndarray) -> np.ndarray:
        """Variance of each row of L beta_hat, L (m, p): (m,)."""
        return np.einsum("mi,ij,mj->m", L, self.vcov, L)

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """F test of L beta = r.

        The denominator df are those of a sum of q independent squared t variables (Fai & Cornelius 1996).

        Parameters
        ----------
        L
            (m, p); linearly dependent rows are reduced.
        difference
            (m,): L beta_hat - r.
        """
        rows, values = uncorrelated_rows(L, self.vcov)
        if values.size == 0:
            return FTest(np.nan, 0, np.nan)
        F = float(((rows @ difference) ** 2 / values).sum() / values.size)
        return FTest(F, values.size, combined_df(self.df(rows @ L)))


@dataclass(frozen=True)
class FixedDf(Inference):
    """The same df for every test."""

    denominator: float

    def df(self, L: np.ndarray) -> np.ndarray:
        """The df (m,) of each row of L (m, p)."""
        return np.full(L.shape[0], self.denominator)


def residual(vcov: np.ndarray, n: int) -> FixedDf:
    """Residual df n - p, as in an ordinary regression of n rows."""
    return FixedDf(vcov, "residual", (), float(n - vcov.shape[0]))


def asymptotic(vcov: np.ndarray) -> FixedDf:
    """Normal and chi-square approximation."""
    return FixedDf(vcov, "asymptotic", (), np.inf)


def uncorrelated_rows(L: np.ndarray, vcov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Combinations (q, m) of the rows of L (m, p) that are uncorrelated and not constant; their variances (q,)."""
    values, vectors = np.linalg.eigh(L @ vcov @ L.T)
    keep = values > TINY * values.max(initial=0.0)
    return vectors[:, keep].T, values[keep]


def combined_df(nu: np.ndarray) -> float:
    """Denominator df of a sum of independent squared t variables (m,) (Fai & Cornelius 1996)."""
    if np.isinf(nu).all():
        return np.inf
    if nu.size == 1 or np.ptp(nu) < 1e-8 * nu.mean():
        return float(nu.mean())
    if (nu <= 2).any():
        return 2.0
    E = float((nu / (nu - 2)).sum())
    return 2 * E / (E - nu.size)
