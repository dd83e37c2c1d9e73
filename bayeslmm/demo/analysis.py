"""The fits of the salary analysis, and the numbers that its text needs of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd
from scipy import stats

from bayeslmm import datasets
from bayeslmm.compare.comparison import Comparison, compare
from bayeslmm.compare.pooling import Pooling, pooling
from bayeslmm.compare.triage.reanalysis import Reanalysis
from bayeslmm.results.fit import Fit
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.posterior import Posterior
from bayeslmm.verbs.lm import lm
from bayeslmm.verbs.lmer import lmer

TITLE = "Do graduates with better grades earn more?"
ONE_LINE = "salary ~ grade"
LEVELS = "salary ~ 1 + grade + (1 | major)"
SLOPES = "salary ~ 1 + grade + (1 + grade | major)"


@dataclass(frozen=True)
class Analysis:
    """Everything that is fitted, each when it is first asked for.

    Attributes
    ----------
    sample
        Draws from the posterior of a fit's model; None for an analysis without it.
    """

    sample: Callable[[Fit], Posterior] | None

    @cached_property
    def data(self) -> pd.DataFrame:
        """The packaged salaries."""
        return datasets.load("salary")

    @cached_property
    def one_line(self) -> LinearFit:
        """Complete pooling."""
        return lm(ONE_LINE, self.data, data_name="salary")

    @cached_property
    def levels(self) -> Fit:
        """Random intercepts."""
        return lmer(LEVELS, self.data, data_name="salary")

    @cached_property
    def slopes(self) -> Fit:
        """Random intercepts and slopes, at the optimum."""
        return lmer(SLOPES, self.data, data_name="salary")

    @cached_property
    def stopped(self) -> Fit:
        """Random intercepts and slopes, where lme4's optimiser stops."""
        return lmer(SLOPES, self.data, optimizer="bobyqa", data_name="salary")

    @cached_property
    def posterior(self) -> Posterior | None:
        """Of the model with random slopes."""
        return None if self.sample is None else self.sample(self.slopes)

    @cached_property
    def comparison(self) -> Comparison | None:
        """REML and posterior."""
        return None if self.posterior is None else compare(self.slopes, self.posterior)

    @cached_property
    def pooled(self) -> Pooling:
        """No, complete and partial pooling."""
        return pooling(self.slopes, self.posterior)

    @cached_property
    def reanalysis(self) -> Reanalysis | None:
        """The triage of the singular fit."""
        return None if self.posterior is None else self.slopes.reanalyse(post=self.posterior)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient with its t test and 95% interval."""

    estimate: float
    se: float
    df: float
    p: float

    @classmethod
    def of(cls, fit: Fit | LinearFit, name: str) -> "Coefficient":
        """Take it from a fit."""
        row = cast(pd.Series, fit.tests().loc[name])
        return cls(*(float(row[column]) for column in ("estimate", "se", "df", "p")))

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        half = float(stats.t.ppf(0.975, self.df)) * self.se
        return self.estimate - half, self.estimate + half

    def agrees(self, other: "Coefficient", alpha: float = 0.05) -> bool:
        """Whether sign and verdict are the same."""
        return self.estimate * other.estimate > 0 and (self.p < alpha) == (other.p < alpha)


@dataclass(frozen=True, slots=True)
class Draws:
    """A parameter's posterior: median, 95% interval, probability of being positive."""

    median: float
    lower: float
    upper: float
    positive: float

    @classmethod
    def of(cls, draws: np.ndarray) -> "Draws":
        """Summarise draws (S,)."""
        lower, median, upper = (float(q) for q in np.quantile(draws, [0.025, 0.5, 0.975]))
        return cls(median, lower, upper, float((draws > 0).mean()))


def sds(fit: Fit) -> dict[str, float]:
    """Standard deviations by a name to show."""
    table = fit.varcorr
    rows = table[table["term2"].isna()].to_dict("records")
    return {f"sd {row['group']} {'' if pd.isna(row['term1']) else row['term1']}".rstrip(): row["sd"] for row in rows}


def slope_gain(levels: Fit, slopes: Fit) -> tuple[float, float]:
    """By how much slopes lower the criterion, and p: an even mixture of chi2(1) and chi2(2), as an sd is at zero."""
    gain = levels.criterion - slopes.criterion
    return gain, 0.5 * float(stats.chi2.sf(gain, 1) + stats.chi2.sf(gain, 2))
