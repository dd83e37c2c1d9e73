"""LAPACK on matrices of a few rows, without the checks of NumPy and SciPy, which take longer than the work itself."""

import numpy as np
from scipy.linalg import lapack


def eigen(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (k,), ascending, and eigenvectors (k, k) of a symmetric A (k, k).

    Raises
    ------
    numpy.linalg.LinAlgError
        It has entries that are not finite.
    """
    values, vectors, failed = lapack.dsyevd(A)
    if failed or not np.isfinite(values).all():
        raise np.linalg.LinAlgError("eigenvalues did not converge")
    return values, vectors


def singular_values(X: np.ndarray) -> np.ndarray:
    """Singular values (min(k, r),) of X (k, r), descending."""
    return lapack.dgesdd(X, compute_uv=0)[1]


def triangle(A: np.ndarray) -> np.ndarray:
    """R (min(n, k), k), upper trapezoidal, of A = Q R, A (n, k)."""
    return np.triu(lapack.dgeqrf(A)[0][: min(A.shape)])


def inverse_of_triangle(R: np.ndarray) -> np.ndarray:
    """R^-1 of an upper-triangular R (k, k)."""
    return lapack.dtrtri(R)[0] if R.size else R.copy()  # LAPACK prints a complaint about nothing
