"""A well-conditioned basis of the fixed part.

With W^(1/2) X = Q R (R upper triangular) the model is rewritten in `X T`, `T = R^-1`, whose columns are orthonormal in
the metric of W, and in `y - X b0`, b0 the weighted least-squares estimate. Nothing changes but the numbers' size:
`beta = b0 + T gamma`, and `log|X'V^-1 X| = log|(XT)'V^-1 (XT)| + 2 log|det R|`. Without it, a response of 1e7 or a
predictor such as a year cancels half of the digits of the cross-products.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bayeslmm.likelihood.tiny import inverse_of_triangle, triangle

MANY_ROWS, CHUNK = 2_000, 1 << 15
SAFE_PIVOT = 1e-4


@dataclass(frozen=True, slots=True)
class FixedBasis:
    """The change of basis of X and the shift of y.

    Attributes
    ----------
    T
        (p, p): upper triangular.
    b0
        (p,): the shift, in coefficients of X.
    log_det
        log|det R|^2, to be added to log|X'V^-1 X| in the new basis.
    """

    T: np.ndarray
    b0: np.ndarray
    log_det: float

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> "FixedBasis":
        """Find the basis for X (n, p) of full column rank, y (n,), weights (n,)."""
        p = X.shape[1]
        if p == 0:
            return cls(np.zeros((0, 0)), np.zeros(0), 0.0)
        found = _by_cross_products(X, weights) if X.shape[0] > MANY_ROWS else None
        T, log_det = found or _by_qr(X, weights)
        return cls(T, np.zeros(p), log_det).shifted(X, y, weights)

    def shifted(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> "FixedBasis":
        """The same basis with the shift of another response y (n,)."""
        b0 = np.zeros(X.shape[1])
        for _ in range(2 if b0.size else 0):  # the second time for what rounding left
            b0 = b0 + self.T @ (self.T.T @ _over_rows(partial(_normal_residual, X, y, weights, b0), y.size))
        return replace(self, b0=b0)

    def transform(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return [X T, y - X b0], (n, p + 1)."""
        return np.column_stack([X @ self.T, y - X @ self.b0])

    def coefficients(self, gamma: np.ndarray) -> np.ndarray:
        """Return beta (p,) of the coefficients in the new basis."""
        return self.b0 + self.T @ gamma


def _by_qr(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """T (p, p) and log|det R|^2 by Householder QR of the scaled columns."""
    root = np.sqrt(weights)[:, None]
    scale = np.linalg.norm(X * root, axis=0)
    R = triangle(X * (root / scale))
    T = inverse_of_triangle(R) / scale[:, None]
    return T, 2 * float(np.log(np.abs(np.diag(R))).sum() + np.log(scale).sum())


def _by_cross_products(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The same by two Cholesky factors (CholeskyQR2, Yamamoto et al. 2015), without a copy of X; None where that fails.

    The first factor orthogonalises up to the square of the condition number, the second finishes; safe where the
    columns, at equal length, are far from collinear.
    """
    n = X.shape[0]
    scale = np.sqrt(_over_rows(lambda rows: np.einsum("ij,ij,i->j", X[rows], X[rows], weights[rows]), n))
    T, log_det = np.diag(1 / scale), 2 * float(np.log(scale).sum())
    for _ in range(2):
        gram = _over_rows(partial(_gram, X, T, weights), n)
        try:
            L = np.linalg.cholesky(gram)
        except np.linalg.LinAlgError:
            return None
        if np.diag(L).min() < SAFE_PIVOT:
            return None
        T, log_det = T @ inverse_of_triangle(L.T), log_det + 2 * float(np.log(np.diag(L)).sum())
    return np.triu(T), log_det


def _gram(X: np.ndarray, T: np.ndarray, weights: np.ndarray, rows: slice) -> np.ndarray:
    Q = X[rows] @ T
    return (Q * weights[rows, None]).T @ Q


def _normal_residual(X: np.ndarray, y: np.ndarray, weights: np.ndarray, b: np.ndarray, rows: slice) -> np.ndarray:
    """X'W(y - X b)."""
    return X[rows].T @ (weights[rows] * (y[rows] - X[rows] @ b))


def _over_rows(part: Callable[[slice], np.ndarray], n: int) -> np.ndarray:
    """Add up what each chunk of rows gives, in order."""
    return sum((part(slice(start, start + CHUNK)) for start in range(0, n, CHUNK)), start=np.zeros(()))
