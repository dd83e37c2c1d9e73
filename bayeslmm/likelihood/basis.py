"""A well-conditioned basis of the fixed part.

With W^(1/2) X = Q R (R upper triangular) the model is rewritten in `X T`, `T = R^-1`, whose columns are orthonormal in
the metric of W, and in `y - X b0`, b0 the weighted least-squares estimate. Nothing changes but the numbers' size:
`beta = b0 + T gamma`, and `log|X'V^-1 X| = log|(XT)'V^-1 (XT)| + 2 log|det R|`. Without it, a response of 1e7 or a
predictor such as a year cancels half of the digits of the cross-products.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular


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
        root = np.sqrt(weights)
        scale = np.linalg.norm(X * root[:, None], axis=0)
        Q, R = np.linalg.qr(X * (root[:, None] / scale))
        T = solve_triangular(R, np.eye(p)) / scale[:, None]
        b0 = T @ (Q.T @ (root * y))
        b0 += T @ (Q.T @ (root * (y - X @ b0)))
        log_det = 2 * float(np.log(np.abs(np.diag(R))).sum() + np.log(scale).sum())
        return cls(T, b0, log_det)

    def transform(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return [X T, y - X b0], (n, p + 1)."""
        return np.column_stack([X @ self.T, y - X @ self.b0])

    def coefficients(self, gamma: np.ndarray) -> np.ndarray:
        """Return beta (p,) of the coefficients in the new basis."""
        return self.b0 + self.T @ gamma
