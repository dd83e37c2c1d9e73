"""Test statistics of `post.check()`: of rows, of groups, and of residuals, observed and replicated.

Residuals are taken from the draw's own expectation in both (Gelman, Meng & Stern 1996, Statistica Sinica 6, 733-760).
A p-value is the share of replicates beyond the observed value, on the smaller side, twice. Where the data were used to
estimate what they are held against, such p-values stray towards 1, not towards 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from bayeslmm.design import Design, RandomTerm
from bayeslmm.results.posterior_replicates import Replicates

LEAST_LEVELS, LEAST_ROWS = 4, 3


def statistics(data: Replicates, design: Design) -> pd.DataFrame:
    """All test statistics that this design allows, smallest p first."""
    entries = list(_entries(data, design))
    rows = [_row(*e) for e in entries if np.isfinite(e[3]).all() and np.isfinite(e[4]).all()]
    table = pd.DataFrame(rows).set_index(["statistic", "group"])
    return table.sort_values("p", kind="stable")


def _entries(data: Replicates, design: Design) -> Iterator[tuple[str, str, str, Any, np.ndarray]]:
    """Statistic, group, re, observed value (a number, or one per draw) and replicated values (R,)."""
    y, same = data.y[None], data.same
    for name, f in (("mean", _mean), ("sd", _sd), ("minimum", _min), ("maximum", _max), ("skewness", skewness)):
        yield name, "", "all", f(y)[0], f(same)
    for term in design.terms:
        yield from _of_groups(term, data)
    root = np.sqrt(data.weights)
    residual, replicated = (y - data.eta) * root, (same - data.eta) * root
    finest = max(design.terms, key=lambda t: t.n_levels)
    if design.n >= LEAST_ROWS * finest.n_levels:
        lag = lagged(finest)
        yield "autocorrelation", finest.group, "all", lag_one(residual, lag), lag_one(replicated, lag)
    yield "sd with mean", "", "all", spread_with(residual, data.eta), spread_with(replicated, data.eta)


def _of_groups(term: RandomTerm, data: Replicates) -> Iterator[tuple[str, str, str, Any, np.ndarray]]:
    counts = np.bincount(term.index, minlength=term.n_levels)
    if (counts > 0).sum() < LEAST_LEVELS:
        return
    levels = LevelSums(term)
    y, new, g = data.y[None], data.new, term.group
    yield "sd of means", g, "new", _sd(levels.means(y))[0], _sd(levels.means(new))
    if (counts >= LEAST_ROWS).sum() >= LEAST_LEVELS:
        sds, replicated = levels.sds(y), levels.sds(new)
        if (sds > 0).all():
            yield "sd of log sds", g, "new", _sd(np.log(sds))[0], _sd(np.log(replicated))
        yield "share between", g, "new", levels.share(y)[0], levels.share(new)


@dataclass(frozen=True, eq=False)
class LevelSums:
    """Means and sds of the levels of a grouping factor, for many data sets."""

    term: RandomTerm

    @property
    def counts(self) -> np.ndarray:
        """(J,): rows of each level."""
        return np.bincount(self.term.index, minlength=self.term.n_levels)

    def means(self, y: np.ndarray) -> np.ndarray:
        """(R, J), from y (R, n)."""
        n, J = self.term.index.size, self.term.n_levels
        each = csr_array((np.ones(n), (self.term.index, np.arange(n))), shape=(J, n))
        return (each @ y.T).T / self.counts

    def sds(self, y: np.ndarray) -> np.ndarray:
        """(R, levels with three rows at least)."""
        enough = self.counts >= LEAST_ROWS
        centred = y - self.means(y)[:, self.term.index]
        return np.sqrt(self.means(centred**2)[:, enough] * (self.counts / np.maximum(self.counts - 1, 1))[enough])

    def share(self, y: np.ndarray) -> np.ndarray:
        """(R,): share of the variance that is between levels, by the analysis of variance."""
        n, J, counts = self.term.index.size, self.term.n_levels, self.counts
        means = self.means(y)
        within = ((y - means[:, self.term.index]) ** 2).sum(axis=1) / max(n - J, 1)
        between = (counts * (means - y.mean(axis=1)[:, None]) ** 2).sum(axis=1) / (J - 1)
        size = (n - (counts**2).sum() / n) / (J - 1)
        variance = (between - within) / size
        return variance / (variance + within)


def _row(name: str, group: str, re: str, observed: Any, replicated: np.ndarray) -> dict[str, Any]:
    above, below = float((replicated >= observed).mean()), float((replicated <= observed).mean())
    lower, upper = np.quantile(replicated, [0.025, 0.975])
    return {
        "statistic": name,
        "group": group,
        "re": re,
        "observed": float(np.mean(observed)),
        "replicated": float(replicated.mean()),
        "lower": lower,
        "upper": upper,
        "p_above": above,
        "p": min(1.0, 2 * min(above, below)),
    }


def _mean(y: np.ndarray) -> np.ndarray:
    return y.mean(axis=1)


def _sd(y: np.ndarray) -> np.ndarray:
    return y.std(axis=1, ddof=1)


def _min(y: np.ndarray) -> np.ndarray:
    return y.min(axis=1)


def _max(y: np.ndarray) -> np.ndarray:
    return y.max(axis=1)


def skewness(y: np.ndarray) -> np.ndarray:
    """Third moment about the mean over sd^3 (R,), of the rows of y (R, n)."""
    centred = y - y.mean(axis=1)[:, None]
    return (centred**3).mean(axis=1) / (centred**2).mean(axis=1) ** 1.5


def lagged(term: RandomTerm) -> tuple[np.ndarray, np.ndarray]:
    """Positions of rows and of the next row of the same level."""
    order = np.argsort(term.index, kind="stable")
    follows = term.index[order][:-1] == term.index[order][1:]
    return order[:-1][follows], order[1:][follows]


def lag_one(e: np.ndarray, lag: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Autocorrelation (R,) of residuals e (R, n) at lag one, within levels."""
    first, second = lag
    return (e[:, first] * e[:, second]).mean(axis=1) / (e**2).mean(axis=1)


def spread_with(e: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Correlation (R,) of |e| with the expectation."""
    size, x = np.abs(e), eta - eta.mean(axis=1)[:, None]
    size = size - size.mean(axis=1)[:, None]
    return (size * x).sum(axis=1) / np.sqrt((size**2).sum(axis=1) * (x**2).sum(axis=1))
