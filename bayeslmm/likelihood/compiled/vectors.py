"""The few vector operations that all compiled loops are made of.

Each works on `n` consecutive numbers that start at an offset of a flat array; for a block (k, c, J) these are the
levels of one element. The inner loops vectorise here, once, and not in each place that uses them, which is what keeps
the time to compile short. Offsets become unsigned first: Numba would otherwise look at the sign of every index, for
Python's negative ones, and no loop would vectorise.
"""

import warnings
from typing import Any

import numba
import numpy as np

from bayeslmm.errors import BayeslmmWarning


def _kept() -> bool:
    """Whether compiled code can be kept on disk."""
    try:
        numba.njit(cache=True)(_kept)
    except RuntimeError:
        warnings.warn(
            "compiled code cannot be kept on disk here, so that each process compiles it again; set the environment "
            "variable NUMBA_CACHE_DIR to a folder that can be written",
            BayeslmmWarning,
            stacklevel=2,
        )
        return False
    return True


CHUNK = 64  # levels worked on at a time

# without "nnan" and "ninf": NaN is how a failed factorisation is recognised
OPTIONS: dict[str, Any] = {
    "cache": _kept(),
    "no_cfunc_wrapper": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "arcp", "nsz"},
    "boundscheck": False,
}

compiled = numba.njit(**OPTIONS)
# called from compiled code only: nothing to unpack Python objects with, which is half of the time to compile
inner = numba.njit(**{**OPTIONS, "no_cpython_wrapper": True})
# given to other compiled code by address, which keeps it from being compiled into each of them
by_address = numba.njit(**{**OPTIONS, "no_cfunc_wrapper": False})


@inner
def scale(y, yo, s, x, xo, n):
    """y = s x."""
    yo, xo, n = np.uint64(yo), np.uint64(xo), np.uint64(n)
    for l in range(n):
        y[yo + l] = s * x[xo + l]


@inner
def add(y, yo, s, x, xo, n):
    """y += s x."""
    yo, xo, n = np.uint64(yo), np.uint64(xo), np.uint64(n)
    for l in range(n):
        y[yo + l] += s * x[xo + l]


@inner
def multiply(y, yo, s, x, xo, n):
    """y = s y x, element by element."""
    yo, xo, n = np.uint64(yo), np.uint64(xo), np.uint64(n)
    for l in range(n):
        y[yo + l] *= s * x[xo + l]


@inner
def add_product(y, yo, s, x, xo, z, zo, n):
    """y += s x z, element by element."""
    yo, xo, zo, n = np.uint64(yo), np.uint64(xo), np.uint64(zo), np.uint64(n)
    for l in range(n):
        y[yo + l] += s * x[xo + l] * z[zo + l]


@inner
def add_gathered(y, yo, s, x, xo, z, zo, index, io, n):
    """y += s x z[index], element by element."""
    yo, xo, zo, io, n = np.uint64(yo), np.uint64(xo), np.uint64(zo), np.uint64(io), np.uint64(n)
    for l in range(n):
        y[yo + l] += s * x[xo + l] * z[zo + np.uint64(index[io + l])]


@inner
def scatter_product(y, yo, index, io, s, x, xo, z, zo, n):
    """y[index] += s x z, element by element; indices may repeat."""
    yo, io, xo, zo, n = np.uint64(yo), np.uint64(io), np.uint64(xo), np.uint64(zo), np.uint64(n)
    for l in range(n):
        y[yo + np.uint64(index[io + l])] += s * x[xo + l] * z[zo + l]


@inner
def dot(x, xo, z, zo, n):
    """Sum of x z."""
    xo, zo, n = np.uint64(xo), np.uint64(zo), np.uint64(n)
    s = 0.0
    for l in range(n):
        s += x[xo + l] * z[zo + l]
    return s


@inner
def pivot(det, do, d, o, n):
    """det *= d, and d = 1 / sqrt(d): a diagonal element of a Cholesky factor, NaN where d is not positive."""
    do, o, n = np.uint64(do), np.uint64(o), np.uint64(n)
    for l in range(n):
        det[do + l] *= d[o + l]
        d[o + l] = 1.0 / np.sqrt(d[o + l])


@inner
def sum_log(x, xo, n):
    """Sum of log x; x becomes 1."""
    xo, n = np.uint64(xo), np.uint64(n)
    s = 0.0
    for l in range(n):
        s += np.log(x[xo + l])
        x[xo + l] = 1.0
    return s
