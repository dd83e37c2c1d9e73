"""Linear algebra on stacks of small matrices, (a, b, J) with the level index innermost.

Loops run over the few rows and columns; each step is one pass over all J levels in contiguous memory, which is an
order of magnitude faster than a LAPACK call per level.
"""

import numpy as np


def cholesky(M: np.ndarray) -> np.ndarray:
    """Lower-triangular L with L L' = M for each level; M (k, k, J) symmetric positive definite.

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not positive definite (or not finite).
    """
    k = M.shape[0]
    L = np.zeros_like(M)
    for j in range(k):
        pivot = M[j, j] - np.einsum("aj,aj->j", L[j, :j], L[j, :j])
        if not (pivot > 0).all():
            raise np.linalg.LinAlgError("a diagonal block is not positive definite")
        L[j, j] = np.sqrt(pivot)
        for i in range(j + 1, k):
            L[i, j] = (M[i, j] - np.einsum("aj,aj->j", L[i, :j], L[j, :j])) / L[j, j]
    return L


def inverse_lower(L: np.ndarray) -> np.ndarray:
    """Inverse of lower-triangular L (k, k, J), level by level."""
    k = L.shape[0]
    out = np.zeros_like(L)
    for j in range(k):
        out[j, j] = 1.0 / L[j, j]
        for i in range(j + 1, k):
            out[i, j] = -np.einsum("aj,aj->j", L[i, j:i], out[j:i, j]) / L[i, i]
    return out


def multiply(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A B for each level: (a, b, J), (b, c, J) -> (a, c, J)."""
    return np.einsum("abj,bcj->acj", A, B)


def multiply_t(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A' B for each level: (b, a, J), (b, c, J) -> (a, c, J)."""
    return np.einsum("baj,bcj->acj", A, B)


def between(left: np.ndarray, B: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left' B right for each level, with one (a, k) and one (b, c) matrix for all: (a, b, J) -> (k, c, J)."""
    half = left.T @ B.reshape(B.shape[0], -1)
    half = half.reshape(left.shape[1], B.shape[1], -1)
    return np.einsum("kbj,bc->kcj", half, right)


def sum_by(group: np.ndarray, n_groups: int, B: np.ndarray) -> np.ndarray:
    """Sum B (a, b, J) over the levels of each group: -> (a, b, n_groups)."""
    out = np.empty((B.shape[0], B.shape[1], n_groups))
    for a in range(B.shape[0]):
        for b in range(B.shape[1]):
            out[a, b] = np.bincount(group, weights=B[a, b], minlength=n_groups)
    return out
