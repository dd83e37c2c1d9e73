"""Cholesky factor and inverse of a large dense matrix, tile by tile, on several threads.

The tiles are the same whatever the number of threads, and each is written by one task, so that results do not depend on
it; BLAS itself runs on one thread. Products are NumPy's, which hands them to BLAS and lets other threads run meanwhile.

    L_kk L_kk' = S_kk - ...,    L_ik = S_ik L_kk^-T,    S_ij -= L_ik L_jk'             (right-looking; i >= j > k)
    [L^-1]_ij = -[L_ii]^-1 sum_(j <= k < i) L_ik [L^-1]_kj,    [S^-1]_ij = sum_(k >= i) [L^-1]_ki' [L^-1]_kj
"""

from itertools import pairwise

import numpy as np
from scipy.linalg import lapack

from bayeslmm.likelihood.threads import spread

TILE = 224


def factor_in_place(S: np.ndarray) -> None:
    """Write the lower Cholesky factor of S (n, n) over its lower triangle; the strict upper triangle is left alone.

    Where S is not positive definite, NaN is left on the diagonal.
    """
    cuts = _cuts(S.shape[0])
    for k, own in enumerate(cuts):
        info = _small_factor(S, own)
        if info:
            S[own, own][info - 1, info - 1] = np.nan
            return
        inverse = _small_inverse(S, own)
        rest = cuts[k + 1 :]
        spread(_panel, [(S, own, rows, inverse) for rows in rest])
        spread(_update, [(S, own, rows, columns) for i, rows in enumerate(rest) for columns in rest[: i + 1]])


def inverse_of_factor(L: np.ndarray, m: int) -> np.ndarray:
    """Lower triangle of (L L')^-1 for the leading (m, m) of a lower factor, as a new array; above it is arbitrary."""
    cuts = _cuts(m)
    U, T = np.empty((m, m)), np.empty((m, m))
    spread(_inverse_column, [(L, U, cuts, j) for j in range(len(cuts))])
    spread(_product, [(U, T, cuts, i, j) for i in range(len(cuts)) for j in range(i + 1)])
    return T


def _cuts(n: int) -> list[slice]:
    edges = [*range(0, n, TILE), n]
    return [slice(a, b) for a, b in pairwise(edges)]


def _small_factor(S: np.ndarray, own: slice) -> int:
    tile, info = lapack.dpotrf(S[own, own], lower=1, clean=0)
    S[own, own] = np.tril(tile) + np.triu(S[own, own], 1)
    return int(info)


def _small_inverse(L: np.ndarray, own: slice) -> np.ndarray:
    """Inverse of the lower-triangular tile, zeros above."""
    inverse, _ = lapack.dtrtri(L[own, own], lower=1)
    return np.tril(inverse)


def _panel(S: np.ndarray, own: slice, rows: slice, inverse: np.ndarray) -> None:
    S[rows, own] = S[rows, own] @ inverse.T


def _update(S: np.ndarray, own: slice, rows: slice, columns: slice) -> None:
    product = S[rows, own] @ S[columns, own].T
    if rows == columns:
        product = np.tril(product)
    S[rows, columns] -= product


def _inverse_column(L: np.ndarray, U: np.ndarray, cuts: list[slice], j: int) -> None:
    """The tiles of L^-1 in one column of tiles."""
    U[cuts[j], cuts[j]] = _small_inverse(L, cuts[j])
    for i in range(j + 1, len(cuts)):
        between = slice(cuts[j].start, cuts[i - 1].stop)
        U[cuts[i], cuts[j]] = _small_inverse(L, cuts[i]) @ (L[cuts[i], between] @ -U[between, cuts[j]])


def _product(U: np.ndarray, T: np.ndarray, cuts: list[slice], i: int, j: int) -> None:
    below = slice(cuts[i].start, U.shape[0])
    np.matmul(U[below, cuts[i]].T, U[below, cuts[j]], out=T[cuts[i], cuts[j]])
