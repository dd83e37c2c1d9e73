"""Least squares of columns of any rank: which functions of the coefficients the rows determine, and how well."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import DataError

RANK = 1e-9


@dataclass(frozen=True, slots=True)
class Regression:
    """Estimates and standard errors (c,), NaN where not estimable, and degrees of freedom."""

    estimate: np.ndarray
    se: np.ndarray
    df: int


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """One solution, and what is needed to judge functions of it.

    Attributes
    ----------
    beta
        (c,): the shortest solution, in units of the columns' lengths.
    half
        (c, rank): its covariance is s2 half half'.
    scale, null
        (c,) lengths of the columns, and (c, c - rank) directions in their units that leave the fit as it is.
    s2, df
        Residual variance and its degrees of freedom.
    """

    beta: np.ndarray
    half: np.ndarray
    scale: np.ndarray
    null: np.ndarray
    s2: float
    df: int

    def tells(self, G: np.ndarray, terms: np.ndarray | None = None) -> np.ndarray:
        """(m,) bool: whether the rows determine each function G beta, G (m, c).

        `terms` (m, c) are the sizes of what G is a difference of, where rounding errors of these are left in it.
        """
        away = ((G / self.scale @ self.null) ** 2).sum(axis=1)
        return away <= RANK * (((G if terms is None else terms) / self.scale) ** 2).sum(axis=1)

    def variances(self, G: np.ndarray) -> np.ndarray:
        """(m,): of G beta, over s2."""
        return ((G @ self.half) ** 2).sum(axis=1)


def least_squares_of(A: np.ndarray, y: np.ndarray, lost: int = 0) -> LeastSquares:
    """Least squares of y (n,) on A (n, c); `lost` degrees of freedom were spent before.

    Raises
    ------
    DataError
        Nothing is left to estimate the residual variance from.
    """
    length = np.linalg.norm(A, axis=0)
    scale = np.where(length > 0, length, 1.0)
    left, s, right = np.linalg.svd(A / scale, full_matrices=A.shape[0] < A.shape[1])
    rank = int((s > RANK * s.max(initial=0.0)).sum())
    df = A.shape[0] - rank - lost
    if df < 1:
        raise DataError(f"{rank + lost} coefficients for {A.shape[0]} rows")
    half = right[:rank].T / s[:rank] / scale[:, None]
    beta = half @ (left[:, :rank].T @ y)
    rest = y - A @ beta
    return LeastSquares(beta, half, scale, right[rank:].T, float(rest @ rest / df), df)


def regress(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Regression:
    """Weighted least squares of X (n, c) of any rank.

    Raises
    ------
    DataError
        Nothing is left to estimate the residual variance from.
    """
    root = np.sqrt(weights)
    found, each = least_squares_of(X * root[:, None], y * root), np.eye(X.shape[1])
    told = found.tells(each)
    se = np.sqrt(found.s2 * found.variances(each))
    return Regression(np.where(told, found.beta, np.nan), np.where(told, se, np.nan), found.df)
