"""Confidence intervals from bootstrap replicates (Davison & Hinkley 1997, chapter 5).

With t the estimate, t* its n replicates, and q(a) their a-quantile,

    percentile    q(alpha), q(1 - alpha)                                            eq. 5.18
    basic         2 t - q(1 - alpha), 2 t - q(alpha)                                eq. 5.6
    studentised   t - se z*(1 - alpha), t - se z*(alpha),  z* = (t* - t) / se*      eq. 5.7
    BCa           q(Phi(w + (w + z) / (1 - a (w + z)))),  w = Phi^-1(#{t* <= t} / n)    eq. 5.21

with z the normal quantile and a = sum L^3 / (6 (sum L^2)^1.5) from the influence L of each cluster, by the jackknife.
Quantiles interpolate between order statistics on the normal scale (eq. 5.8), as R's `boot.ci` does.
"""

import numpy as np
from scipy import special

from bayeslmm.errors import ArgumentError


def percentile(draws: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of replicates (n,)."""
    a = (1 - level) / 2
    return quantile(draws, a), quantile(draws, 1 - a)


def basic(draws: np.ndarray, estimate: float, level: float) -> tuple[float, float]:
    """Basic interval: the percentile interval reflected at the estimate."""
    low, high = percentile(draws, level)
    return 2 * estimate - high, 2 * estimate - low


def studentised(
    draws: np.ndarray, errors: np.ndarray, estimate: float, error: float, level: float
) -> tuple[float, float]:
    """Studentised interval from replicates (n,) and the standard error of each (n,)."""
    low, high = percentile((draws - estimate) / errors, level)
    return estimate - error * high, estimate - error * low


def bca(draws: np.ndarray, estimate: float, acceleration: float, level: float) -> tuple[float, float, bool]:
    """Bias-corrected accelerated interval; NaN where all replicates lie on one side of the estimate.

    Where the corrections ask for quantiles beyond the replicates, the smallest or largest one is taken, as `boot.ci`
    does; the third value says so.
    """
    share = float((draws < estimate).mean())
    w = float(special.ndtri(share))
    if not np.isfinite(w):
        return np.nan, np.nan, False
    z = special.ndtri([(1 - level) / 2, (1 + level) / 2])
    at = special.ndtr(w + (w + z) / (1 - acceleration * (w + z)))
    within = np.clip(at, 1 / (draws.size + 1), draws.size / (draws.size + 1))
    beyond = bool((np.abs(within - at) > 1e-12).any())
    return quantile(draws, float(within[0])), quantile(draws, float(within[1])), beyond


def acceleration(left_out: np.ndarray) -> np.ndarray:
    """a (s,) from the statistics (J, s) with each cluster left out, NaN where there is none; zero for fewer than 3."""
    out = np.zeros(left_out.shape[1])
    for j, values in enumerate(left_out.T):
        known = values[np.isfinite(values)]
        if known.size < 3:
            continue
        influence = known.mean() - known
        squares = float((influence**2).sum())
        out[j] = float((influence**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    return out


def quantile(draws: np.ndarray, probability: float) -> float:
    """The quantile of replicates (n,), between order statistics k and k + 1, k = floor((n + 1) probability).

    Raises
    ------
    ArgumentError
        It lies beyond the smallest or largest replicate.
    """
    ordered, n = np.sort(draws), draws.size
    place = (n + 1) * probability
    k = int(np.floor(place + 1e-12))
    if k < 1 or place > n + 1e-12:
        raise ArgumentError(
            f"{n} bootstrap replicates do not reach the quantile {probability:.3g}; take more of them, n=..., or a "
            "lower level"
        )
    if k >= n or abs(place - k) < 1e-9:
        return float(ordered[min(k, n) - 1])
    z = special.ndtri([probability, k / (n + 1), (k + 1) / (n + 1)])
    return float(ordered[k - 1] + (z[0] - z[1]) / (z[2] - z[1]) * (ordered[k] - ordered[k - 1]))
