"""Which columns of X to keep so that it has full rank.

R's rule (dqrdc2, as `lm` and lme4 use it): going from left to right, a column is left out when what remains of
it after the columns kept so far is shorter than 1e-7 times the column itself.
"""

import numpy as np

TOLERANCE = 1e-7
_SAFE = 1e-8


def independent(X: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """Return the positions of the columns of X (n, p) to keep, in order."""
    n, p = X.shape
    if p == 0 or n == 0:
        return np.arange(0)
    with np.errstate(over="ignore", under="ignore"):
        length = np.sqrt(np.einsum("ij,ij->j", X, X))
    if n >= p and _clearly_full(X, length):
        return np.arange(p)
    # The triangle of an unpivoted QR has the same lengths and angles as X, column by column.
    peak = np.abs(X).max(axis=0)
    scaled = X / np.where(peak > 0, peak, 1.0)
    scaled /= np.maximum(np.linalg.norm(scaled, axis=0), 1.0)
    return _sweep(np.linalg.qr(scaled, mode="r"), tolerance)


def _clearly_full(X: np.ndarray, length: np.ndarray) -> bool:
    """Whether the Cholesky pivots of the scaled cross-product are far above its rounding error."""
    if (length < 1e-140).any() or not (length < 1e140).all():
        return False
    gram = (X.T @ X) / np.outer(length, length)
    try:
        pivots = np.diag(np.linalg.cholesky(gram)) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool(pivots.min() > _SAFE)


def _sweep(R: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the kept columns of R (m, p), whose columns have length 1 or 0, by Gram-Schmidt done twice."""
    basis = np.zeros((R.shape[0], min(R.shape)))
    kept: list[int] = []
    for j in range(R.shape[1]):
        if len(kept) == basis.shape[1]:
            break
        Q = basis[:, : len(kept)]
        rest = R[:, j] - Q @ (Q.T @ R[:, j])
        rest -= Q @ (Q.T @ rest)
        size = float(np.linalg.norm(rest))
        if size >= tolerance:
            basis[:, len(kept)] = rest / size
            kept.append(j)
    return np.array(kept, dtype=np.int64)
