"""Cholesky factor and inverse of the dense tail in tiles, on several threads.

LAPACK's own threads would give results that depend on their number. Here the work is cut into tiles by its size alone,
each tile is one call of BLAS on one thread, and tiles that do not depend on each other go to `threads.spread`.

A lower triangle in C order is an upper one in Fortran's, which is how BLAS sees it: S = L L' is U'U with U = L', and
the tile of rows I and columns J is the (J, I) tile of U, with the same leading dimension.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba.extending import get_cython_function_address

from bayeslmm.likelihood.threads import spread

TILE = 192
WIDE = 384  # columns of a piece of the product X'X


@cache
def _routine(module: str, name: str) -> Any:
    """A routine of the BLAS or LAPACK that SciPy brings; called through ctypes it lets other threads run."""
    return ctypes.CFUNCTYPE(None)(get_cython_function_address(f"scipy.linalg.cython_{module}", name))


def _call(module: str, name: str, *arguments: Any) -> None:
    """Call by reference, as Fortran wants it; addresses go as they are."""
    given: list[Any] = []
    for argument in arguments:
        match argument:
            case bytes():
                given.append(ctypes.byref(ctypes.c_char(argument)))
            case int():
                given.append(ctypes.byref(ctypes.c_int(argument)))
            case float():
                given.append(ctypes.byref(ctypes.c_double(argument)))
            case _:
                given.append(argument)
    _routine(module, name)(*given)


def _at(S: np.ndarray, row: int, column: int) -> ctypes.c_void_p:
    """Address of S[row, column]."""
    return ctypes.c_void_p(S.ctypes.data + S.itemsize * (row * S.shape[1] + column))


def cholesky(S: np.ndarray) -> None:
    """Lower Cholesky factor of S (n, n), C order, in its own lower triangle; NaN on the diagonal where it fails."""
    n = S.shape[0]
    for start in range(0, n, TILE):
        stop = min(start + TILE, n)
        if failed := _factorise(S, start, stop):
            S[start + failed - 1, start + failed - 1] = np.nan
            return
        rows = [(S, start, stop, low, min(low + TILE, n)) for low in range(stop, n, TILE)]
        spread(_panel, rows)
        spread(_update, rows[::-1])


def _factorise(S: np.ndarray, start: int, stop: int) -> int:
    """Factor a diagonal tile; the first pivot (from 1) that is not positive, or 0."""
    info = ctypes.c_int(0)
    _call("lapack", "dpotrf", b"U", stop - start, _at(S, start, start), S.shape[1], ctypes.byref(info))
    return info.value


def _panel(S: np.ndarray, start: int, stop: int, low: int, high: int) -> None:
    """Rows [low, high) of L below the diagonal tile [start, stop): L_i = S_i L_start^-T."""
    n, k = S.shape[1], stop - start
    _call("blas", "dtrsm", b"L", b"U", b"T", b"N", k, high - low, 1.0, _at(S, start, start), n, _at(S, low, start), n)


def _update(S: np.ndarray, start: int, stop: int, low: int, high: int) -> None:
    """Subtract from rows [low, high) what the columns [start, stop) of L explain."""
    n, k, own = S.shape[1], stop - start, _at(S, low, start)
    if low > stop:
        before, to = _at(S, stop, start), _at(S, low, stop)
        _call("blas", "dgemm", b"T", b"N", low - stop, high - low, k, -1.0, before, n, own, n, 1.0, to, n)
    _call("blas", "dsyrk", b"U", b"T", high - low, k, -1.0, own, n, 1.0, _at(S, low, low), n)


def inverse(S: np.ndarray, m: int) -> np.ndarray:
    """Lower triangle of (L L')^-1 (m, m), from the leading rows and columns of the factor in S (n, n).

    X = L^-1 goes, transposed, into the upper triangle of S, its diagonal tiles into arrays of their own: so that all
    columns of X, and then all tiles of X'X, can be made at the same time.
    """
    T = np.empty((m, m))
    cuts = [(start, min(start + TILE, m)) for start in range(0, m, TILE)]
    own = [np.zeros((stop - start, stop - start)) for start, stop in cuts]
    spread(_inverse_tile, [(S, X, *cut) for X, cut in zip(own, cuts, strict=True)])
    spread(_inverse_columns, [(S, own[i:], cuts[i:]) for i in range(len(cuts) - 1)])
    products = [
        (S, T, X, start, stop, low, min(low + WIDE, start))
        for X, (start, stop) in zip(own, cuts, strict=True)
        for low in range(0, start, WIDE)
    ]
    spread(_product, products)
    spread(_square, [(S, T, X, *cut) for X, cut in zip(own, cuts, strict=True)])
    return T


def _inverse_tile(S: np.ndarray, X: np.ndarray, start: int, stop: int) -> None:
    """The diagonal tile of L^-1."""
    X[:] = np.tril(S[start:stop, start:stop])
    info = ctypes.c_int(0)
    _call("lapack", "dtrtri", b"U", b"N", stop - start, _at(X, 0, 0), stop - start, ctypes.byref(info))


def _inverse_columns(S: np.ndarray, own: list[np.ndarray], cuts: list[tuple[int, int]]) -> None:
    """The first of these columns of tiles of L^-1, under its diagonal tile: X_ij = -X_ii sum_k<i L_ik X_kj."""
    n, (start, stop) = S.shape[1], cuts[0]
    k = stop - start
    for X, (low, high) in zip(own[1:], cuts[1:], strict=True):
        to, size = _at(S, start, low), high - low
        first = _at(own[0], 0, 0)
        _call("blas", "dgemm", b"T", b"T", size, k, k, 1.0, _at(S, low, start), n, first, k, 0.0, to, n)
        if low > stop:
            left, right = _at(S, low, stop), _at(S, start, stop)
            _call("blas", "dgemm", b"T", b"N", size, k, low - stop, 1.0, left, n, right, n, 1.0, to, n)
        _call("blas", "dtrmm", b"L", b"U", b"T", b"N", size, k, -1.0, _at(X, 0, 0), size, to, n)


def _product(S: np.ndarray, T: np.ndarray, X: np.ndarray, start: int, stop: int, low: int, high: int) -> None:
    """Rows [start, stop) and columns [low, high) of X'X, left of the diagonal tile."""
    n, m, k, to = S.shape[1], T.shape[1], stop - start, _at(T, start, low)
    T[start:stop, low:high] = 0.0
    if stop < m:
        left, right = _at(S, low, stop), _at(S, start, stop)
        _call("blas", "dgemm", b"T", b"N", high - low, k, m - stop, 1.0, left, n, right, n, 1.0, to, m)
    _call("blas", "dgemm", b"T", b"T", high - low, k, k, 1.0, _at(S, low, start), n, _at(X, 0, 0), k, 1.0, to, m)


def _square(S: np.ndarray, T: np.ndarray, X: np.ndarray, start: int, stop: int) -> None:
    """The diagonal tile of X'X."""
    m, k, to = T.shape[1], stop - start, _at(T, start, start)
    _call("blas", "dsyrk", b"U", b"N", k, k, 1.0, _at(X, 0, 0), k, 0.0, to, m)
    if stop < m:
        _call("blas", "dsyrk", b"U", b"T", k, m - stop, 1.0, _at(S, start, stop), S.shape[1], 1.0, to, m)
