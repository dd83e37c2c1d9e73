"""`post.check()`: does the model make data like those observed? Test statistics, LOO-PIT, and what they mean.

Of every draw a data set is made (`posterior_replicates`), and held against the observed one (`posterior_statistics`).
LOO-PIT judges each row by all others.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.point.bands import rank_p_value, uniform_distance
from bayeslmm.results.check import Check
from bayeslmm.results.findings import Finding
from bayeslmm.results.posterior_cures import finding
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_loo import Loo, exact_loo
from bayeslmm.results.posterior_replicates import Replicates, replicate
from bayeslmm.results.posterior_statistics import LEAST_LEVELS, LevelSums, statistics
from bayeslmm.results.predictor import Streams
from bayeslmm.results.simulations import Seed
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNIFORMS = 999


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
