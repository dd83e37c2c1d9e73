"""Pareto-smoothed importance sampling: the largest weights replaced by quantiles of a generalised Pareto distribution.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Journal of Machine Learning Research 25(72): 1-58. The distribution is
fitted as Zhang & Stephens (2009), Technometrics 51: 316-325, with a weak prior of k towards 0.5.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

FEW = 5  # tail draws below which nothing is fitted
GOOD = 0.7  # k below which means of weighted draws can be trusted


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Weights of draws from a proposal.

    Attributes
    ----------
    weights
        (S,): smoothed, of sum 1.
    k
        Shape of the tail of the raw weights; inf where it is too short to tell.
    """

    weights: np.ndarray
    k: float

    @classmethod
    def of(cls, log_ratios: np.ndarray) -> Self:
        """Smooth the weights exp(log_ratios), (S,); -inf is a weight of zero."""
        lw = log_ratios - log_ratios.max()
        size = int(np.ceil(min(lw.size / 5, 3 * np.sqrt(lw.size))))
        order = np.argsort(lw)
        tail = order[lw.size - size :]
        cutoff = lw[order[lw.size - size - 1]] if size < lw.size else -np.inf
        cutoff = max(cutoff, float(np.log(np.finfo(float).tiny)))
        tail, k = tail[lw[tail] > cutoff], np.inf
        if tail.size >= FEW:
            exceedances = np.exp(lw[tail]) - np.exp(cutoff)
            if exceedances[-1] > exceedances[0]:
                k, scale = _fit(exceedances)
                share = (np.arange(tail.size) + 0.5) / tail.size
                lw[tail] = np.minimum(np.log(_quantiles(share, k, scale) + np.exp(cutoff)), 0.0)
        w = np.exp(lw - lw.max())
        return cls(w / w.sum(), float(k))

    @property
    def ess(self) -> float:
        """Effective number of draws (Kong 1992)."""
        return float(1 / np.square(self.weights).sum())


def _fit(x: np.ndarray) -> tuple[float, float]:
    """Shape and scale of the generalised Pareto distribution of x (n,), ascending and positive."""
    n = x.size
    m = 30 + int(np.sqrt(n))
    grid = 1 - np.sqrt(m / (np.arange(m) + 0.5))
    theta = grid / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    k = np.log1p(-theta[:, None] * x).mean(axis=1)
    profile = n * (np.log(-theta / k) - k - 1)
    weights = 1 / np.exp(profile - profile[:, None]).sum(axis=1)
    best = float((theta * weights).sum() / weights.sum())
    shape = float(np.log1p(-best * x).mean())
    scale = -shape / best
    return (n * shape + 10 * 0.5) / (n + 10), scale


def _quantiles(share: np.ndarray, k: float, scale: float) -> np.ndarray:
    return scale * (-np.log1p(-share) if abs(k) < 1e-10 else np.expm1(-k * np.log1p(-share)) / k)
