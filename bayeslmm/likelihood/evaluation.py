"""What one evaluation at given Lambda_t tells: all that the criterion, its gradient and the estimates need."""

from typing import NamedTuple

import numpy as np


class Parts(NamedTuple):
    """What -2 log L is made of.

    Attributes
    ----------
    log_det_Z
        log|Lambda'Z'WZ Lambda + I|.
    log_det_X
        log|R_X|^2.
    r2
        Penalised residual sum of squares at the best (u, beta); a rounding error below zero counts as zero.
    """

    log_det_Z: float
    log_det_X: float
    r2: float


class Evaluation(NamedTuple):
    """Value, gradient and solutions.

    Attributes
    ----------
    parts
        What the value is made of.
    L_X
        (p, p): lower Cholesky factor of X'V^-1 X, in the basis of the likelihood.
    gamma
        (p,): coefficients in that basis.
    u, b
        Per term (k, J): minimisers of the penalised least squares, and b = Lambda u.
    gradient
        (sum of k^2,): df/dLambda_t, term by term, row by row.
    """

    parts: Parts
    L_X: np.ndarray
    gamma: np.ndarray
    u: tuple[np.ndarray, ...]
    b: tuple[np.ndarray, ...]
    gradient: np.ndarray
