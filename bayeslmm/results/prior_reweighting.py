"""The posterior of one quantity with wider or narrower priors: by reweighting its draws, or by sampling again.

At a factor f each chosen prior p(x) becomes that of f times its width, p_f(x), and the draws x_s of a posterior with
the priors p_g count

    w_s  proportional to  p_f(x_s) / p_g(x_s),

smoothed by PSIS, whose k-hat tells whether they can: up to 0.7 (Vehtari et al. 2024, Journal of Machine Learning
Research 25: 72), and if they are worth 100 draws, 1 / sum(w^2). Else, and where p_f allows what p_g does not, which no
k-hat shows, the model is sampled again, and those draws serve the factors around.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from arviz_stats.base import array_stats

from bayeslmm.bayes.distributions import Prior
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.widths import scaled
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_tables import interval
from bayeslmm.results.prior_parameters import PriorParameter, prior_parameters

GOOD_K, ENOUGH, SAME = 0.7, 100, 1e-12
How = Literal["posterior", "reweighted", "refitted"]
Refit = Callable[[Mapping[str, Prior]], Draws]


@dataclass(frozen=True, slots=True)
class AtFactor:
    """The quantity with priors `factor` times as wide; `k_hat` is NaN where the draws were not reweighted."""

    factor: float
    lower: float
    estimate: float
    upper: float
    k_hat: float
    how: How

    @property
    def includes(self) -> bool:
        """Whether the interval includes zero."""
        return self.lower <= 0 <= self.upper


@dataclass(frozen=True, slots=True)
class Base:
    """Draws of a posterior with priors `factor` times as wide: the quantity h (S,), and what has these priors."""

    factor: float
    h: np.ndarray
    parameters: tuple[PriorParameter, ...]

    @classmethod
    def of(
        cls, factor: float, draws: Draws, priors: Priors, function: LinearFunctions, changed: Sequence[str]
    ) -> "Base":
        """Keep of a posterior what is needed."""
        some = tuple(p for p in prior_parameters(draws, priors) if p.slot.keys[0] in changed)
        return cls(factor, function.values(draws.beta)[:, 0] - function.null[0], some)

    def covers(self, factor: float) -> bool:
        """Whether the priors allow all that those at another factor allow."""
        return all(
            _within(scaled(p.slot.prior, factor).support, scaled(p.slot.prior, self.factor).support)
            for p in self.parameters
        )

    def log_ratio(self, factor: float) -> np.ndarray:
        """(S,): log of the ratio of the priors at another factor and those of the draws."""
        return np.sum(
            [
                p.log_prior(scaled(p.slot.prior, factor)) - p.log_prior(scaled(p.slot.prior, self.factor))
                for p in self.parameters
            ],
            axis=0,
        )


def _within(inner: tuple[float, float], outer: tuple[float, float]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


@dataclass(slots=True)
class AtFactors:
    """All that has been learned so far: draws to reweight, and the quantity at each factor."""

    priors: Priors
    function: LinearFunctions
    changed: Sequence[str]
    refit: Refit
    level: float
    left: int
    bases: list[Base]
    found: dict[float, AtFactor] = field(default_factory=dict)

    @property
    def now(self) -> AtFactor:
        """The quantity with the priors as they are."""
        self.found[1.0] = _plain(1.0, self.bases[0].h, self.level, "posterior")
        return self.found[1.0]

    def at(self, factor: float) -> AtFactor | None:
        """The quantity at a factor; None where it would take one refit more than is allowed."""
        if factor not in self.found:
            value = self._reweighted(factor) or self._refitted(factor)
            if value is None:
                return None
            self.found[factor] = value
        return self.found[factor]

    def _reweighted(self, factor: float) -> AtFactor | None:
        base = min(self.bases, key=lambda b: abs(np.log(b.factor / factor)))
        if not base.covers(factor):
            return None
        log_ratio = base.log_ratio(factor)
        if not np.isfinite(log_ratio).any():
            return None
        log_weights, k = smoothed(log_ratio)
        if not k <= GOOD_K:
            return None
        w = np.exp(log_weights - log_weights.max())
        w /= w.sum()
        if 1 / (w @ w) < ENOUGH:
            return None
        lower, upper = weighted_quantiles(base.h, w, [(1 - self.level) / 2, (1 + self.level) / 2])
        return AtFactor(factor, lower, float(w @ base.h), upper, k, "reweighted")

    def _refitted(self, factor: float) -> AtFactor | None:
        if self.left <= 0:
            return None
        self.left -= 1
        given = {s.keys[0]: s.prior for s in self.priors.slots}
        given |= {name: scaled(given[name], factor) for name in self.changed}
        draws = self.refit(given)
        self.bases.append(Base.of(factor, draws, self.priors, self.function, self.changed))
        return _plain(factor, self.bases[-1].h, self.level, "refitted")


def _plain(factor: float, h: np.ndarray, level: float, how: How) -> AtFactor:
    lower, upper = interval(h, level)
    return AtFactor(factor, float(lower), float(h.mean()), float(upper), np.nan, how)


def smoothed(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed log weights (S,) and k-hat, which is 0 where the largest ratios are all the same."""
    finite = np.isfinite(log_ratio)
    out = np.where(finite, log_ratio, -np.inf)
    if not np.ptp(log_ratio[finite]) > SAME:
        return out, 0.0
    try:
        out[finite], k = array_stats.psislw(-log_ratio[finite])
    except ValueError:  # "All tail values are the same"
        return out, 0.0
    return out, float(k)


def weighted_quantiles(x: np.ndarray, w: np.ndarray, q: Sequence[float]) -> list[float]:
    """Quantiles of x (S,) with weights w (S,) that sum to 1; with equal weights those of Hazen."""
    order = np.argsort(x)
    x, w = x[order], w[order]
    return [float(v) for v in np.interp(q, np.cumsum(w) - w / 2, x)]
