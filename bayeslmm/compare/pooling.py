"""Partial pooling made visible: what each group says alone, all groups together, and in between.

*No pooling*: least squares within each level (see `levels` for what a level cannot tell). *Complete pooling*: least
squares of the fixed part over all rows, groups ignored. *Partial pooling*: fixed plus random part, by REML (best linear
unbiased prediction) and by the posterior. The pooling factor of an effect is `Var(b | y) / Var(b)`, the share of its
variance that the level's data leave open, were its effects uncorrelated: 0 where what a level says about the effect
decides, 1 where it gets the mean. For a single effect it is v / (v + tau^2), v the sampling variance of the level's own
estimate and tau^2 the variance of the effect (Gelman & Hill 2007, chapter 12). Where there are several, the others vary
by their sds, so that a level with fewer rows than effects has a factor too. Correlations are left out since what a
level says about one effect is data about the others: at a correlation of +-1 a slope follows its intercept, far from
its own estimate, and nothing is left open (Gelman & Pardoe 2006 measure that share, over all levels: see
`Pooling.measures`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.compare.caterpillar import caterpillar
from bayeslmm.compare.factor_plot import curve, factor_against_rows
from bayeslmm.compare.lines import group_lines
from bayeslmm.compare.movers import movers
from bayeslmm.compare.pooled_variance import measures
from bayeslmm.compare.pooling_table import levels_alone, other_effects, pooling_table
from bayeslmm.compare.pooling_text import pooling_text
from bayeslmm.compare.same import check_same
from bayeslmm.compare.shrinkage import shrinkage
from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, check_whole, did_you_mean
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.table_export import Tabular


@runtime_checkable
class CanFit(Protocol):
    """A model."""

    def fit(self) -> Fit:
        """Fit it by REML."""


@dataclass(frozen=True, repr=False)
class Pooling(Tabular):
    """What `pooling` returns; `print` it, take `.table`, `.measures` and `.movers()`, or plot it.

    Attributes
    ----------
    table
        DataFrame, one row for each level and coefficient: `group`, `level`, `term`, `n` (rows); `no_pooling` and
        `no_pooling_se` (NaN where the level's own rows cannot tell); `complete` and `complete_se`; `reml`, `reml_se`
        (of the coefficient, the uncertainty of the fixed part included) and `conditional_sd` (of the random effect
        given the fixed part, as lme4's `condVar`; NaN where the coefficient does not vary); with a posterior `bayes`,
        `bayes_se`, `bayes_lower`, `bayes_upper`; `pooling_factor`, the share of the variance of an effect that the
        level's data leave open, its correlations with other effects set to zero (NaN where the coefficient does not
        vary); `moved`, partial pooling (REML) less the level's
        own estimate, with the mean effects of other grouping factors on both sides; `why` it moved, in words.
    fit
        The fit behind it.
    post
        The posterior behind it, or None.
    level
        Of the intervals.
    """

    table: pd.DataFrame
    fit: Fit
    post: Posterior | None
    level: float = 0.95

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Explained variance and pooling of each term (Gelman & Pardoe 2006): group, term, n, r2, pooling.

        The first row is that of the rows of the data. `r2`: the share of the variance between the levels'
        coefficients that predictors of the levels (and coarser groups) explain; `pooling`: 0 where the levels' own
        data decide, 1 where they are pooled completely. With a posterior `bayes_r2` and `bayes_pooling` too.
        """
        return measures(self.fit, self.post)

    def movers(self, most: int = 3) -> pd.DataFrame:
        """The levels that partial pooling moved most, per grouping factor and effect, and why.

        Parameters
        ----------
        most
            How many of each.

        Returns
        -------
        DataFrame
            Columns of `table`; `why` names few rows (less than 0.6 of the median), noisy (standard error more than
            1.5 times the median), extreme (own estimate more than 1.5 sds from the middle), or carried outward by
            what the level's other effects say.
        """
        check_whole("most", most, 1, "movers")
        return movers(self.table, int(most))

    def plot(
        self,
        group: str | None = None,
        terms: tuple[str, ...] | None = None,
        ax: Axes | None = None,
        width: float = 6.0,
    ) -> Axes:
        """Shrinkage: lines from no pooling to partial pooling, in the plane of two coefficients.

        Parameters
        ----------
        group
            Which grouping factor; the first by default.
        terms
            Which one or two coefficients; the first two random effects by default. With one, each level has a row.
            A pooled intercept has the mean effects of the other grouping factors in it, as the level's own estimate.
        ax
            Axes to draw on; None makes a figure.
        width
            Of the new figure, in inches.
        """
        term = self._term(group)
        return shrinkage(self.comparable(term), self.fit, term, terms, ax, width)

    def plot_lines(
        self,
        x: str | None = None,
        group: str | None = None,
        axes: Any = None,
        width: float = 7.0,
    ) -> np.ndarray:
        """Small multiples, one panel per level (at most 24): the data, and the lines of the three poolings.

        Parameters
        ----------
        x
            The variable on the horizontal axis; by default that of the first random slope, else of the fixed part.
        group
            Which grouping factor; the first by default.
        axes
            Axes to draw on, one per panel; None makes a figure.
        width
            Of the new figure, in inches.
        """
        term = self._term(group)
        table = self.table[self.table["group"] == term.group]
        # where the rows of a level do not determine a coefficient, they do determine the line
        table = table.assign(no_pooling=levels_alone(self.fit, term).coefficients.ravel())
        return group_lines(table, self.fit.design, term, self._others(term), x, axes, width)

    def plot_caterpillar(
        self,
        group: str | None = None,
        terms: tuple[str, ...] | None = None,
        axes: Any = None,
        width: float = 7.0,
    ) -> np.ndarray:
        """Random effects of every level with conditional intervals, sorted; REML and Bayes dodged.

        Parameters
        ----------
        group
            Which grouping factor; the first by default.
        terms
            Which random effects, one panel each; all by default.
        axes
            Axes to draw on, one per panel; None makes a figure.
        width
            Of the new figure, in inches.
        """
        term = self._term(group)
        reml = self.fit.ranef()
        bayes = None if self.post is None else self.post.ranef(self.level)
        own = [None if b is None else b[b["group"] == term.group] for b in (reml, bayes)]
        assert own[0] is not None
        return caterpillar(own[0], own[1], term, terms, self.level, axes, width)

    def plot_factor(self, group: str | None = None, ax: Axes | None = None, width: float = 6.0) -> Axes:
        """Pooling factor of every level and effect against the number of rows.

        Parameters
        ----------
        group
            Which grouping factor; the first by default.
        ax
            Axes to draw on; None makes a figure.
        width
            Of the new figure, in inches.
        """
        term = self._term(group)
        design, at = self.fit.design, self.fit.estimates
        sd = float(np.sqrt(at.covariances[design.terms.index(term)][0, 0]))
        table = self.table[self.table["group"] == term.group]
        return factor_against_rows(table, term, curve(design, term, sd, at.sigma), ax, width)

    def _others(self, term: RandomTerm) -> dict[str, np.ndarray]:
        """(n,) by kind of pooling: what the other grouping factors add to each row; empty where there are none."""
        if len(self.fit.design.terms) == 1:
            return {}
        found = {"reml": other_effects(self.fit.design, term, self.fit.ranef())}
        if self.post is not None:
            found["bayes"] = other_effects(self.fit.design, term, self.post.ranef())
        return found

    def comparable(self, term: RandomTerm) -> pd.DataFrame:
        """Rows of one grouping factor; pooled intercepts with the mean effects of the others, as own estimates are."""
        table = self.table[self.table["group"] == term.group].copy()
        intercept = table["term"] == "(Intercept)"
        for kind, others in self._others(term).items():
            mean = np.bincount(term.index, others) / np.bincount(term.index)
            table.loc[intercept, kind] += mean[: int(intercept.sum())]
        return table

    def _term(self, group: str | None) -> RandomTerm:
        known = {t.group: t for t in self.fit.design.terms}
        if group is None:
            return self.fit.design.terms[0]
        if group not in known:
            raise ArgumentError(f"no grouping factor `{group}` in the model" + did_you_mean(group, known))
        return known[group]

    def __str__(self) -> str:
        return pooling_text(self)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def pooling(model_or_fit: Fit | CanFit, post: Posterior | None = None, level: float = 0.95) -> Pooling:
    """Compare no, complete and partial pooling, for every level of every grouping factor.

    Parameters
    ----------
    model_or_fit
        A fit, or a model (it is fitted by REML).
    post
        The posterior of the same model, to add the Bayesian partial pooling.
    level
        Of the posterior intervals.

    Raises
    ------
    ArgumentError
        What is given is neither a fit nor a model, or the posterior is of another model.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> pooled = blm.pooling(blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy")))
    >>> slopes = pooled.table[pooled.table["term"] == "Days"].set_index("level")
    >>> slopes.loc["308", ["no_pooling", "reml", "complete"]].astype(float).round(1).to_list()
    [21.8, 19.7, 10.5]
    """
    check_level(level)
    fit = model_or_fit if isinstance(model_or_fit, Fit) else _fitted(model_or_fit)
    if post is not None:
        check_same(fit, post, "pooling")
    table = pooling_table(fit)
    if post is not None:
        bayes = post.coef(level=level).rename(
            columns={"estimate": "bayes", "se": "bayes_se", "lower": "bayes_lower", "upper": "bayes_upper"}
        )
        table = table.merge(bayes, on=["group", "level", "term"], how="left", validate="one_to_one")
    last = table[["pooling_factor", "moved", "why"]]
    return Pooling(table.drop(columns=list(last)).join(last), fit, post, level)


def _fitted(model: CanFit) -> Fit:
    if not isinstance(model, CanFit):
        raise ArgumentError(f"pooling takes a fit or a model; got {type(model).__name__}")
    return model.fit()
