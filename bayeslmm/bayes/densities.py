"""Log densities of the priors in compiled code, one function for all.

    code            log density less its constant
    CONSTANT        0                                           Flat, Uniform
    NORMAL          -z^2 / 2                                    Normal, HalfNormal, TruncatedNormal
    T               -(p2 + 1) / 2 log(1 + z^2 / p2)             StudentT, HalfStudentT, Cauchy, HalfCauchy
    LAPLACE         -|z|                                        Laplace
    LOGISTIC        -|z| - 2 log(1 + exp(-|z|))                 Logistic
    LOG_NORMAL      -log x - ((log x - p0) / p1)^2 / 2          LogNormal
    POWER           p0 log x - (x / p1)^p2                      Exponential, Gamma, InverseGamma, Weibull

with z = (x - p0) / p1. `Prior.code`, `Prior.constant()` and `Prior.numbers()` are what it takes.
"""

import numpy as np

from bayeslmm.bayes.codes import LAPLACE, LOG_NORMAL, LOGISTIC, NORMAL, POWER, SMALLEST, T
from bayeslmm.likelihood.compiled.vectors import inner


@inner
def log_density(code, constant, p0, p1, p2, x):
    """Log density at x and its derivative by x.

    Parameters
    ----------
    code, constant, p0, p1, p2
        Of the prior.
    x
        Inside of the support. A positive one below `SMALLEST` counts as `SMALLEST`, where LOG_NORMAL and POWER have
        logarithms and derivatives that are finite still.
    """
    if code == NORMAL:
        z = (x - p0) / p1
        return constant - 0.5 * z * z, -z / p1
    if code == T:
        z = (x - p0) / p1
        return constant - 0.5 * (p2 + 1.0) * np.log1p(z * z / p2), -(p2 + 1.0) * z / (p2 + z * z) / p1
    if code == LAPLACE:
        z = (x - p0) / p1
        return constant - np.abs(z), -np.sign(z) / p1
    if code == LOGISTIC:
        z = (x - p0) / p1
        return constant - np.abs(z) - 2.0 * np.log1p(np.exp(-np.abs(z))), -np.tanh(0.5 * z) / p1
    if code == LOG_NORMAL:
        x = max(x, SMALLEST)
        z = (np.log(x) - p0) / p1
        return constant - np.log(x) - 0.5 * z * z, -(1.0 + z / p1) / x
    if code == POWER:
        x = max(x, SMALLEST)
        power = (x / p1) ** p2
        return constant + p0 * np.log(x) - power, (p0 - p2 * power) / x
    return constant, 0.0
