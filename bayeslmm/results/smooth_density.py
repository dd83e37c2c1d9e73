"""The density of draws on an interval whose ends may carry draws: sds near 0, correlations near -1 and 1.

A kernel estimate with weights K((x - v) / h) loses what the kernel puts beyond an end. With the moments of the kernel
within the interval, a_l = int u^l K(u) du over (x - upper) / h < u < (x - lower) / h, and of the draws,
f_l(x) = mean of u^l K(u) / h, u = (x - v) / h,

    f_cut = f_0 / a_0,    f_line = (a_2 f_0 - a_1 f_1) / (a_0 a_2 - a_1^2),    f = f_cut exp(f_line / f_cut - 1)

f_cut has a bias of order h at the end unless the density is level there (reflection has the same), f_line of order
h^2 but may be negative; f has the bias of the second and is positive (Jones & Foster 1996, Statistica Sinica 6:
1005-1013). Away from the ends all three are the usual estimate.
"""

import numpy as np
from arviz_stats.base import array_stats
from scipy.stats import norm

from bayeslmm.bayes.prior import Support

POINTS, REACH = 512, 5.0


def smooth_density(draws: np.ndarray, support: Support, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Density of draws, drawn from `low` to `high`.

    Parameters
    ----------
    draws
        (S,): finite and not all alike.
    support
        Where they may lie; the ends may be infinite.
    low, high
        What part of the support is looked at.

    Returns
    -------
    x, density
        (512,) each: the part that is looked at, and a little beyond.
    """
    h = float(array_stats.kde(draws)[2])
    x = np.linspace(max(support[0], low - REACH * h), min(support[1], high + REACH * h), POINTS)
    share = _on_grid(draws, x) / draws.size
    u = (x[:, None] - x) / h
    kernel = norm.pdf(u) / h
    f0, f1 = kernel @ share, (kernel * u) @ share
    a0, a1, a2 = _moments((x - support[1]) / h, (x - support[0]) / h)
    cut = f0 / a0
    line = (a2 * f0 - a1 * f1) / (a0 * a2 - a1**2)
    ratio = np.divide(line, cut, out=np.ones_like(cut), where=cut > 0)
    return x, cut * np.exp(ratio - 1)


def _on_grid(draws: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Count of draws at each point of x (m,), each shared by its two neighbours; those outside are left off."""
    at = (draws[(draws >= x[0]) & (draws <= x[-1])] - x[0]) / (x[1] - x[0])
    left = np.clip(at.astype(int), 0, x.size - 2)
    right = at - left
    counts = np.bincount(left, 1 - right, x.size) + np.bincount(left + 1, right, x.size)
    return np.asarray(counts)


def _moments(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments 0, 1, 2 of the normal kernel on (low, high), each (m,)."""
    a0 = norm.cdf(high) - norm.cdf(low)
    a1 = norm.pdf(low) - norm.pdf(high)
    edge = np.nan_to_num([low, high], posinf=0.0, neginf=0.0)
    return a0, a1, a0 + edge[0] * norm.pdf(low) - edge[1] * norm.pdf(high)
