"""`post.check()`: does the model make data like those observed? Test statistics, LOO-PIT, and what they mean.

Of every draw a data set is made. Statistics of rows come from the levels that were observed (re="all"), those of groups
from new levels (re="new"), so that the distribution of the random effects is judged and not their estimates (mixed
predictive checks: Marshall & Spiegelhalter 2007, Bayesian Analysis 2, 409-444). Residuals are taken from the draw's own
expectation in both, observed and replicated (Gelman, Meng & Stern 1996, Statistica Sinica 6, 733-760). A p-value is the
share of replicates beyond the observed value, on the smaller side, twice. Where the data were used to estimate what
they are held against, such p-values stray towards 1, not towards 0. LOO-PIT judges each row by all others.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.point.bands import rank_p_value, uniform_distance
from bayeslmm.results.check import Check
from bayeslmm.results.findings import Finding
from bayeslmm.results.posterior_cures import finding
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_loo import Loo, exact_loo
from bayeslmm.results.posterior_predict import replicator
from bayeslmm.results.predictor import Streams
from bayeslmm.results.simulations import Seed
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST, LEAST, NUMBERS = 400, 100, 20_000_000
UNIFORMS = 999
LEAST_LEVELS, LEAST_ROWS = 4, 3


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Observed and replicated data, offset taken off.

    Attributes
    ----------
    y
        (n,).
    eta
        (R, n): expectation of each draw, given its random effects.
    same, new
        (R, n): responses of the same levels, and of new ones.
    weights
        (n,).
    """

    y: np.ndarray
    eta: np.ndarray
    same: np.ndarray
    new: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, repr=False)
class PosteriorCheck(Tabular):
    """What `post.check()` returns; `print` it, take `.table`, look at `.plot()`, or ask `.ok`.

    Attributes
    ----------
    table
        DataFrame by statistic and group, smallest p first: `re` ("all": same levels, "new": new ones), `observed`,
        `replicated` (mean), `lower`, `upper` (95 % of the replicates), `p_above` (share of replicates at or above the
        observed value), `p` (two-sided). Statistics of residuals have the mean over draws as `observed`.
    findings
        What is off in words, as `fit.check()` gives it: worst first.
    loo
        Leave-one-out, exact, whose `pit` is judged; None where a row cannot be left out.
    """

    table: pd.DataFrame
    findings: Check
    loo: Loo | None
    replicates: Replicates = field(repr=False)
    design: Design = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.findings.ok

    @property
    def shown_term(self) -> RandomTerm | None:
        """The grouping factor with the most levels of which at least four can be looked at."""
        return max((t for t in self.design.terms if t.n_levels >= LEAST_LEVELS), key=lambda t: t.n_levels, default=None)

    def of_levels(self, term: RandomTerm, what: str) -> np.ndarray:
        """Observed, first, and replicated "means" or "sds" of the levels: (levels, 1 + R)."""
        levels, data = LevelSums(term), self.replicates
        found = levels.means if what == "means" else levels.sds
        return np.concatenate([found(data.y[None]), found(data.new)]).T

    def plot(self, width: float = 7.0, axes: Any = None) -> "dict[str, Axes]":
        """One page: densities, LOO-PIT, means and sds of groups, residuals, test statistics.

        Parameters
        ----------
        width, axes
            Of the figure in inches; below 5, one panel under the other; or six axes to draw into.

        Returns
        -------
        dict
            Axes by panel.
        """
        from bayeslmm.results.posterior_check_plot import page

        return page(self, width, axes)

    def __str__(self) -> str:
        R = self.replicates.same.shape[0]
        table = self.table.drop(columns="p_above")
        table["p"] = [f"{p:.3g}" if p else f"< {2 / R:.2g}" for p in table["p"]]
        shown = table.to_string(float_format=lambda v: f"{v:.3g}")
        return "\n".join(
            [
                f"{R} data sets from the posterior; rows: same levels, groups: new levels",
                "",
                str(self.findings),
                "",
                shown,
            ]
        )

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def check_posterior(
    draws: Draws, priors: object, obs: np.ndarray, replicates: int | None, seed: Seed
) -> PosteriorCheck:
    """Make data, and compare them with those observed."""
    data = replicate(draws, replicates, seed)
    table = statistics(data, draws.design)
    loo, told = None, ""
    try:
        loo = exact_loo(draws, priors, obs)
    except ArgumentError as error:
        told = str(error)
    worst = _worst_by_statistic(table, data.same.shape[0], draws.design)
    found = [*worst, pit_finding(loo, told, Streams.of(seed).rng(2))]
    found.sort(key=lambda f: -f.severity)
    words = Check(pd.DataFrame([asdict(f) for f in found]).set_index("check"))
    return PosteriorCheck(table, words, loo, data, draws.design)


def replicate(draws: Draws, replicates: int | None, seed: Seed) -> Replicates:
    """Data sets of draws that are evenly spread over the chains."""
    if replicates is not None and (
        isinstance(replicates, bool) or not isinstance(replicates, int | np.integer) or replicates < 20
    ):
        raise ArgumentError(f"check(replicates={replicates!r}): how many data sets to make, at least 20")
    design, (chains, each) = draws.design, draws.shape
    wanted = replicates or int(np.clip(NUMBERS // max(design.n, 1), LEAST, MOST))
    kept = np.unique(np.linspace(0, each - 1, min(each, -(-wanted // chains))).astype(int))
    some = Draws(draws.posterior.isel(draw=kept), design)
    stream = Streams.of(seed)
    same, new = (replicator(some, re, stream.entropy) for re in ("all", "new"))
    o = design.offset
    expected, first = same.draws("expected"), same.draws("predictive")
    return Replicates(design.y_net, expected - o, first - o, new.draws("predictive") - o, design.weights)


# -- statistics ----------------------------------------------------------------------------------------------------


def statistics(data: Replicates, design: Design) -> pd.DataFrame:
    """All test statistics that this design allows, smallest p first."""
    entries = list(_entries(data, design))
    rows = [_row(*e) for e in entries if np.isfinite(e[3]).all() and np.isfinite(e[4]).all()]
    table = pd.DataFrame(rows).set_index(["statistic", "group"])
    return table.sort_values("p", kind="stable")


def _entries(data: Replicates, design: Design) -> Iterator[tuple[str, str, str, Any, np.ndarray]]:
    """Statistic, group, re, observed value (a number, or one per draw) and replicated values (R,)."""
    y, same = data.y[None], data.same
    for name, f in (("mean", _mean), ("sd", _sd), ("minimum", _min), ("maximum", _max), ("skewness", _skewness)):
        yield name, "", "all", f(y)[0], f(same)
    for term in design.terms:
        yield from _of_groups(term, data)
    root = np.sqrt(data.weights)
    residual, replicated = (y - data.eta) * root, (same - data.eta) * root
    finest = max(design.terms, key=lambda t: t.n_levels)
    if design.n >= LEAST_ROWS * finest.n_levels:
        lag = _lagged(finest)
        yield "autocorrelation", finest.group, "all", _lag_one(residual, lag), _lag_one(replicated, lag)
    yield "sd with mean", "", "all", _spread_with(residual, data.eta), _spread_with(replicated, data.eta)


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


def _skewness(y: np.ndarray) -> np.ndarray:
    centred = y - y.mean(axis=1)[:, None]
    return (centred**3).mean(axis=1) / (centred**2).mean(axis=1) ** 1.5


def _lagged(term: RandomTerm) -> tuple[np.ndarray, np.ndarray]:
    """Positions of rows and of the next row of the same level."""
    order = np.argsort(term.index, kind="stable")
    follows = term.index[order][:-1] == term.index[order][1:]
    return order[:-1][follows], order[1:][follows]


def _lag_one(e: np.ndarray, lag: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    first, second = lag
    return (e[:, first] * e[:, second]).mean(axis=1) / (e**2).mean(axis=1)


def _spread_with(e: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Correlation (R,) of |e| with the expectation."""
    size, x = np.abs(e), eta - eta.mean(axis=1)[:, None]
    size = size - size.mean(axis=1)[:, None]
    return (size * x).sum(axis=1) / np.sqrt((size**2).sum(axis=1) * (x**2).sum(axis=1))


# -- words ---------------------------------------------------------------------------------------------------------


def _worst_by_statistic(table: pd.DataFrame, R: int, design: Design) -> Iterator[Finding]:
    """One finding for each statistic of R data sets: of the group where it is worst, its p times the number of groups.

    A share of none is told as less than the smallest p that R data sets can show.
    """
    for name, rows in table.groupby(level="statistic", sort=False):
        worst, group = rows.iloc[0], rows.index.get_level_values("group")[0]
        p = min(1.0, worst["p"] * len(rows))
        seen = (
            f"{worst['observed']:.3g}{f' in `{group}`' if group else ''}; data of the model: {worst['replicated']:.3g} "
            f"({worst['lower']:.3g} to {worst['upper']:.3g}), {f'p = {p:.2g}' if p else f'p < {2 * len(rows) / R:.2g}'}"
        )
        yield finding(str(name), p, seen, float(worst["observed"]), design)


def pit_finding(loo: Loo | None, told: str, rng: np.random.Generator) -> Finding:
    """Whether the rows lie in their predictive distributions like uniform numbers: by Kolmogorov's distance."""
    if loo is None or loo.pit is None:
        return Finding("LOO-PIT", 0, f"not looked at: {told}", float("nan"))
    distance = uniform_distance(np.column_stack([loo.pit, rng.uniform(size=(loo.pit.size, UNIFORMS))]))
    p = rank_p_value(distance)
    outer = float(np.mean((loo.pit < 0.025) | (loo.pit > 0.975)))
    seen = f"{100 * outer:.3g}% of rows outside of their 95% predictive intervals, p = {p:.2g}"
    return finding("LOO-PIT", p, seen, outer)
