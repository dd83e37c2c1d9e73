"""Simultaneous bands for sorted values, and tests by rank among simulations.

S data sets are exchangeable where the model holds, the observed one among them. Sorted, each gives a curve of d order
statistics. With m, l, u the median and the 2.5 and 97.5 % quantiles of the S values at a position, the distance of a
curve is the largest of `(x - m) / (u - m)` above and `(m - x) / (m - l)` below the median, and the band is
`m - k (m - l)` to `m + k (u - m)` with k the quantile of the S distances: a curve leaves the band somewhere exactly
where its distance is among the largest (directional quantile envelope; Myllymaki, Mrkvicka, Grabarnik, Seijo & Hahn
2017, Journal of the Royal Statistical Society B 79, 381-404). So the band and the p-value say the same.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Band:
    """A Q-Q plot's contents.

    Attributes
    ----------
    order
        (d,): positions of the observed values, smallest first.
    values
        (d,): the observed values, sorted.
    lower, upper
        (d,): ends of the band.
    p
        Probability of a curve that strays as far, were the model true.
    """

    order: np.ndarray
    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p: float

    @property
    def outside(self) -> np.ndarray:
        """(d,) bool, in sorted order: observed values that lie outside."""
        return (self.values < self.lower) | (self.values > self.upper)


def simultaneous_band(values: np.ndarray, level: float) -> Band:
    """The band of S data sets (d, S); the observed one is the first.

    Parameters
    ----------
    values
        (d, S): standardised values.
    level
        Share of curves that stay inside everywhere.
    """
    curves = np.sort(values, axis=0)
    lower, upper, p = envelope(curves, level)
    return Band(np.argsort(values[:, 0], kind="stable"), curves[:, 0], lower, upper, p)


def envelope(curves: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Ends (d,) of the band of S curves (d, S), and the p-value of the first."""
    low, middle, high = np.quantile(curves, [0.025, 0.5, 0.975], axis=1)
    below, above = _positive(middle - low), _positive(high - middle)
    off = curves - middle[:, None]
    distance = np.where(off > 0, off / above[:, None], -off / below[:, None]).max(axis=0)
    k = float(np.quantile(distance, level, method="higher")) * (1 + 1e-12)  # the curve that sets k stays inside
    return middle - k * below, middle + k * above, rank_p_value(distance)


def _positive(width: np.ndarray) -> np.ndarray:
    """Keep widths off zero, where all values of a position are the same."""
    return np.maximum(width, float(np.finfo(float).tiny))


def rank_p_value(statistic: np.ndarray) -> float:
    """Share of S data sets whose statistic (S,) is at least that of the first, itself included: a Monte Carlo test."""
    return float((statistic >= statistic[0]).mean())


def quantile_residuals(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ranks of every data set's value among all of them, row by row, as numbers in (0, 1): (n, S) -> (n, S)."""
    ranks = _ranks(values)
    return (ranks - rng.uniform(size=values.shape)) / values.shape[1]


def uniform_distance(u: np.ndarray) -> np.ndarray:
    """Kolmogorov's distance (S,) of each column of u (n, S) from the uniform distribution."""
    n = u.shape[0]
    middle = (np.arange(n)[:, None] + 0.5) / n
    return np.abs(np.sort(u, axis=0) - middle).max(axis=0) + 0.5 / n


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks 1..S of each row (d, S)."""
    ranks = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(ranks, np.argsort(values, axis=1, kind="stable"), np.arange(1, values.shape[1] + 1)[None], axis=1)
    return ranks
