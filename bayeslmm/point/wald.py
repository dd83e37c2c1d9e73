"""Wald intervals: symmetric around the estimate, on a scale where that makes sense.

Fixed effects: `beta_hat -+ z se` (lme4's `confint(method = "Wald")`, which gives nothing else).

Sds and sigma on the log scale, correlations on Fisher's z = atanh (Pinheiro & Bates 2000, section 2.4.3): the
standard error of the path parameter t (see `covariance_chart`) is `sqrt(2 / D'')`, D'' the curvature at the estimate
of the criterion that was minimised, all other parameters following. They rest on a quadratic criterion; an sd of zero
and a correlation of +-1 have no such interval, and get NaN.
"""

import numpy as np

from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.profile import Parameter, Profiler, natural

STEP = 1e-3
NEAR = 1e-6


def wald_interval(profiler: Profiler, parameter: Parameter, quantile: float) -> tuple[float, float]:
    """Lower and upper end for an sd, a correlation or sigma; NaN at the boundary."""
    estimate = float(natural([parameter], profiler.lambdas, profiler.sigma, profiler.beta)[0])
    at_boundary = np.isnan(estimate) or (1 - abs(estimate) < NEAR if parameter.kind == "cor" else estimate <= 0)
    if at_boundary:
        return np.nan, np.nan
    with one_blas_thread(), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        se = _path_error(profiler, parameter, estimate)
    if not np.isfinite(se):
        return np.nan, np.nan
    if parameter.kind == "cor":
        half = quantile * se / np.sqrt(1 - estimate**2)
        return float(np.tanh(np.arctanh(estimate) - half)), float(np.tanh(np.arctanh(estimate) + half))
    half = quantile * se / estimate
    with np.errstate(over="ignore"):
        return estimate * float(np.exp(-half)), estimate * float(np.exp(half))


def _path_error(profiler: Profiler, parameter: Parameter, estimate: float) -> float:
    """Standard error of the path parameter: the Hessian in (t, z), z the free coordinates, with z eliminated."""
    chart = profiler.chart(parameter)
    t = float(np.arcsin(estimate)) if parameter.kind == "cor" else estimate
    z = profiler.start(chart, t).z
    size = np.append(profiler.scale(parameter, chart), np.maximum(1.0, np.abs(z)))
    H = np.empty((size.size, size.size))
    for i, h in enumerate(STEP * size):
        e = np.zeros(size.size)
        e[i] = h
        up, down = (chart.tell(t + s * e[0], z + s * e[1:]) for s in (1, -1))
        H[i] = np.append(up.by_path - down.by_path, up.by_free - down.by_free) / (2 * h)
    H = (H + H.T) / 2
    curvature = H[0, 0] - H[0, 1:] @ np.linalg.pinv(H[1:, 1:], rcond=1e-10, hermitian=True) @ H[1:, 0]
    return float(np.sqrt(2 / curvature)) if curvature > 0 else np.nan
