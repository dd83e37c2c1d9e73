"""How well a fit or a posterior found the parameters and the random effects that data were simulated from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import t_quantile
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior


@dataclass(frozen=True, repr=False)
class Recovery(Tabular):
    """What `Simulation.recovery` returns; `print` it, take `.table` and `.effects`, or look at `.plot()`.

    Attributes
    ----------
    table
        DataFrame by parameter: `kind`, `group`, `term`, `true`, `estimate`, `lower`, `upper`, `inside` (whether the
        interval holds the true value; None where there is no interval, as at the boundary).
    effects
        DataFrame of random effects: `group`, `level`, `term`, `true`, `estimate`.
    level
        Of the intervals.
    method
        "REML", "ML" or "posterior".
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    level: float
    method: str

    @property
    def correlations(self) -> pd.Series:
        """Correlation of true and estimated random effects, by group and term; NaN where all estimates are one."""
        found = {
            (group, term): _correlation(part["true"].to_numpy(), part["estimate"].to_numpy())
            for (group, term), part in self.effects.groupby(["group", "term"], sort=False)
        }
        index = pd.MultiIndex.from_tuples(found, names=["group", "term"])
        return pd.Series(list(found.values()), index=index, name="correlation", dtype=float)

    def plot(self, axes: Any = None, width: float = 7.0) -> np.ndarray:
        """True against estimated random effects, one panel for each effect, beside the parameters with intervals.

        Parameters
        ----------
        axes
            As many axes as there are panels, the parameters first; None makes a figure.
        width
            Of the new figure, in inches.
        """
        from bayeslmm.planning.pictures import plot_recovery

        return plot_recovery(self, axes, width)

    def __str__(self) -> str:
        known = self.table["inside"].notna()
        caught = int(self.table.loc[known, "inside"].astype(bool).sum())
        head = f"true and estimated ({self.method}): {caught} of {int(known.sum())} intervals hold the true value"
        shown = self.table[["true", "estimate", "lower", "upper"]].to_string(float_format=lambda v: f"{v:.4g}")
        return f"{head} ({100 * self.level:g}%)\n\n{shown}"

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def recovery(truth: pd.DataFrame, ranef: pd.DataFrame, found: "Fit | Posterior", level: float) -> Recovery:
    """Lay truth and estimates side by side.

    Raises
    ------
    ArgumentError
        The fit is one of another model.
    """
    check_level(level)
    names = list(_names(found.design))
    if names != list(truth.index):
        missing = next((n for n in truth.index if n not in names), names[0])
        raise ArgumentError(f"recovery: this fit is one of another model; `{missing}` is not a parameter of both")
    is_fit = isinstance(found, Fit)
    estimate, lower, upper = _of_fit(found, level) if isinstance(found, Fit) else _of_draws(found, level)
    table = truth.rename(columns={"value": "true"}).assign(estimate=estimate, lower=lower, upper=upper)
    inside = (table["lower"] <= table["true"]) & (table["true"] <= table["upper"])
    table["inside"] = inside.astype(object).where(table["lower"].notna(), None)
    key = ["group", "level", "term"]
    own = found.ranef()[[*key, "estimate"]]
    effects = ranef.rename(columns={"value": "true"}).merge(own, on=key, how="left")
    method = ("REML" if found.reml else "ML") if is_fit else "posterior"  # type: ignore[union-attr]
    return Recovery(table, effects, level, method)


def _names(design: Design) -> Iterator[str]:
    """Names of the parameters, as the truth has them."""
    yield from design.coef_names
    for term in design.terms:
        short = ["Intercept" if e == "(Intercept)" else e for e in term.effects]
        yield from (f"sd_{term.group}[{e}]" for e in short)
        yield from (f"cor_{term.group}[{short[j]}, {short[i]}]" for i, j in term.pairs)
    yield "sigma"


def _of_fit(fit: Fit, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates with Satterthwaite intervals of the coefficients, Wald intervals of the rest."""
    tests = fit.tests()
    half = t_quantile(0.5 + level / 2, tests["df"].to_numpy()) * tests["se"].to_numpy()
    beta = tests["estimate"].to_numpy()
    V = fit.varcorr
    estimates = np.where(V["term2"].isna(), V["sd"], V["corr"]).astype(float)
    order = []
    for term in fit.design.terms:
        order += [f"sd_{e}|{term.group}" for e in term.effects]
        order += [f"cor_{term.effects[i]}.{term.effects[j]}|{term.group}" for i, j in term.pairs]
    ends = fit.confint(level=level, parm=[*order, "sigma"])
    return (
        np.concatenate([beta, estimates]),
        np.concatenate([beta - half, ends["lower"]]),
        np.concatenate([beta + half, ends["upper"]]),
    )


def _of_draws(post: "Posterior", level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posterior means and equal-tailed intervals."""
    draws = post.draws
    parts = [draws.beta]
    for term in draws.design.terms:
        parts += [draws.sd(term), draws.cor(term)]
    every = np.hstack([*parts, draws.sigma[:, None]])
    lower, upper = np.quantile(every, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return every.mean(axis=0), lower, upper


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
