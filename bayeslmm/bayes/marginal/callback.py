"""A Python function as the log density that compiled code calls by address: for problems too large for one loop."""

from collections.abc import Callable
from itertools import count

import numba
import numpy as np

from bayeslmm.likelihood.compiled.vectors import OPTIONS

Density = Callable[[np.ndarray, np.ndarray], float]
_functions: dict[int, Density] = {}
_keys = count(1)


def register(density: Density) -> int:
    """Keep a function and return its key; `forget` it when it is not used any more."""
    key = next(_keys)
    _functions[key] = density
    return key


def forget(key: int) -> None:
    """Forget a function."""
    _functions.pop(key, None)


def call(key: int, x: np.ndarray, gradient: np.ndarray) -> float:
    """Evaluate the function of this key; nothing may be raised through compiled code."""
    try:
        return float(_functions[key](x, gradient))
    except (ArithmeticError, np.linalg.LinAlgError):
        return -np.inf


@numba.njit(**{**OPTIONS, "nogil": False, "no_cfunc_wrapper": False})
def by_python(problem, x, gradient):  # type: ignore[no-untyped-def]
    """Log density at x (d,) by the function of the problem's key; the gradient (d,) is written."""
    with numba.objmode(value="float64"):
        value = call(problem.key[0], x, gradient)
    return value  # noqa: RET504 - objmode gives it a type
