"""Partial pooling made visible: what each group says alone, all groups together, and in between.

*No pooling*: least squares within each level (see `levels` for what a level cannot tell). *Complete pooling*: least
squares of the fixed part over all rows, groups ignored. *Partial pooling*: fixed plus random part, by REML (best linear
unbiased prediction) and by the posterior. The pooling factor of an effect is `Var(b | y) / Var(b)`, the share of its
variance that the level's data leave open (Gelman & Pardoe 2006 measure the same share over all levels): 0 where a
level's own data decide, 1 where it gets the mean. Where effects are correlated, what a level says about one of them is
data about the others too: at a correlation of +-1 a slope may follow its intercept, far from its own estimate, with a
factor near 0.
"""

from dataclasses import dataclass
from functools import cached_property
from textwrap import fill
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.compare.caterpillar import caterpillar
from bayeslmm.compare.factor_plot import curve, factor_against_rows
from bayeslmm.compare.levels import Alone, alone, least_squares
from bayeslmm.compare.lines import group_lines
from bayeslmm.compare.movers import movers, with_moves
from bayeslmm.compare.pooled_variance import ROWS, measures
from bayeslmm.compare.same import check_same
from bayeslmm.compare.shrinkage import shrinkage
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.along import all_columns
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.estimates import mode_variances
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import coefficient_map, long_table

MEASURES = "Variance explained, and pooling: 0 own data, 1 the mean (Gelman & Pardoe 2006)"
FACTOR = "factor: 0 where the level's own data decide, 1 where it gets the mean"


@runtime_checkable
class CanFit(Protocol):
    """A model."""

    def fit(self) -> Fit:
        """Fit it by REML."""


@dataclass(frozen=True, repr=False)
class Pooling:
    """What `pooling` returns; `print` it, take `.table`, `.measures` and `.movers()`, or plot it.

    Attributes
    ----------
    table
        DataFrame, one row for each level and coefficient: `group`, `level`, `term`, `n` (rows); `no_pooling` and
        `no_pooling_se` (NaN where the level's own rows cannot tell); `complete` and `complete_se`; `reml`, `reml_se`
        (of the coefficient, the uncertainty of the fixed part included) and `conditional_sd` (of the random effect
        given the fixed part, as lme4's `condVar`; NaN where the coefficient does not vary); with a posterior `bayes`,
        `bayes_se`, `bayes_lower`, `bayes_upper`; `pooling_factor`; `moved`, partial pooling (REML) less the level's
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
        if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
            raise ArgumentError(f"movers(most={most!r}): most must be a whole number, at least 1")
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
        return shrinkage(self._comparable(term), self.fit, term, terms, ax, width)

    def plot_lines(
        self,
        x: str | None = None,
        group: str | None = None,
        axes: np.ndarray | None = None,
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
        axes: np.ndarray | None = None,
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

    def _comparable(self, term: RandomTerm) -> pd.DataFrame:
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
        blocks = [self._block(t) for t in self.fit.design.terms]
        return "\n\n".join([*blocks, _measure_lines(self.measures)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def _block(self, term: RandomTerm, most: int = 20) -> str:
        """One grouping factor: a row per level, and a block of columns per varying coefficient."""
        own = self._comparable(term)
        own = own[own["term"].isin(term.coefficients)]
        wide = own.pivot(index="level", columns="term").reindex(list(term.levels))
        kinds = {"no_pooling": "none", "reml": "REML", **({"bayes": "Bayes"} if self.post else {})}
        rows = ["", "", *term.levels[:most]]
        left = rformat.columns_as_text(
            ["", ""], [rows[1:], ["n", *(str(n) for n in wide[("n", term.coefficients[0])].iloc[:most])]], [True, False]
        )
        blocks = [_effect_block(wide, effect, kinds, most) for effect in term.coefficients]
        text = _side_by_side(left.splitlines(), blocks)
        more = [f"... and {term.n_levels - most} more levels"] if term.n_levels > most else []
        complete = own.drop_duplicates("term").set_index("term")["complete"]
        mean = own.groupby("term")["no_pooling"].mean()
        summaries = [
            f"{e}: complete pooling {_number(complete[e])}, mean of the levels alone {_number(mean[e])}"
            for e in term.coefficients
        ]
        title = f"Pooling over {term.group} ({term.n_levels} levels)"
        several = len(self.fit.design.terms) > 1 and "(Intercept)" in term.coefficients
        others = ["intercepts: with the mean effects of the other groups"] if several else []
        moved = self.movers(1)
        lines = [_mover_line(row) for row in moved[moved["group"] == term.group].itertuples()]
        return "\n".join([title, FACTOR, *others, text, *more, *summaries, *lines])


def _mover_line(row: Any) -> str:
    decimals = rformat.decimals_for([row.reml_se])
    own, pooled = (rformat.fixed(v, decimals) for v in (row.no_pooling, row.no_pooling + row.moved))
    line = f"{row.term}: {row.level} moved most, from {own} to {pooled} ({row.n} rows): {row.why}"
    return fill(line, 80, subsequent_indent="  ")


def _measure_lines(table: pd.DataFrame) -> str:
    """Explained variance and pooling by term, as text."""
    shown = [c for c in table if c not in ("group", "term", "n")]
    names = {"r2": "R2", "pooling": "pooling", "bayes_r2": "R2, Bayes", "bayes_pooling": "pooling, Bayes"}
    columns = [
        [g if g == ROWS else f"{g}: {t}" for g, t in zip(table["group"], table["term"], strict=True)],
        [str(n) for n in table["n"]],
        *([_share(v) for v in table[c]] for c in shown),
    ]
    text = rformat.columns_as_text(["", "n", *(names[str(c)] for c in shown)], columns, [True, *[False] * len(columns)])
    return f"{MEASURES}\n{text}"


def _share(value: float) -> str:
    return "" if np.isnan(value) else rformat.fixed(value, 3)


def _effect_block(wide: pd.DataFrame, effect: str, kinds: dict[str, str], most: int) -> list[str]:
    """Lines of one coefficient: its name, the kinds of pooling, the levels."""
    values = {kind: wide[(kind, effect)].to_numpy(float)[:most] for kind in kinds}
    decimals = rformat.decimals_for(wide[("reml_se", effect)].to_numpy(float))
    columns = [["" if np.isnan(v) else rformat.fixed(v, decimals) for v in values[kind]] for kind in kinds]
    columns.append([rformat.fixed(v, 3) for v in wide[("pooling_factor", effect)].to_numpy(float)[:most]])
    text = rformat.columns_as_text([*kinds.values(), "factor"], columns, [False] * (len(kinds) + 1))
    return [effect, *text.splitlines()]


def _side_by_side(left: list[str], blocks: list[list[str]], width: int = 80) -> str:
    """Blocks beside each other as far as they fit, the first column before each row of them."""
    parts, row = [], left
    for block in blocks:
        size = max(map(len, block))
        if row is not left and len(row[0]) + 3 + size > width:
            parts.append(row)
            row = left
        start = max(map(len, row))
        row = [
            f"{a.ljust(start)}   {b.ljust(size) if i == 0 else b.rjust(size)}"
            for i, (a, b) in enumerate(zip(row, block, strict=True))
        ]
    return "\n".join(line.rstrip() for part in [*parts, row] for line in part)


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
    """
    check_level(level)
    fit = model_or_fit if isinstance(model_or_fit, Fit) else _fitted(model_or_fit)
    design = fit.design
    if post is not None:
        check_same(fit, post, "pooling")
    table = pd.concat([_one_group(fit, t) for t in range(len(design.terms))], ignore_index=True)
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


def _one_group(fit: Fit, t: int) -> pd.DataFrame:
    design, term = fit.design, fit.design.terms[t]
    variances = np.einsum("jkk->jk", mode_variances(fit.likelihood, fit.estimates)[t])
    names, _, R = coefficient_map(design.coef_names, term)
    own = levels_alone(fit, term)
    together = least_squares(design.X, design.y_net, design.weights, np.zeros(design.p, dtype=bool), np.zeros(design.p))
    coefficients = fit.coef()
    partial = coefficients[coefficients["group"] == term.group]
    table = long_table(
        [term],
        [names],
        n=[np.repeat(np.bincount(term.index, minlength=term.n_levels)[:, None], len(names), axis=1)],
        no_pooling=[own.estimate],
        no_pooling_se=[own.se],
        complete=[_for_all(together[1], names, term)],
        complete_se=[_for_all(together[2], names, term)],
        pooling_factor=[_pooling_factor(fit, t, variances) @ R.T + np.where(R.any(axis=1), 0.0, np.nan)],
    )
    sds = np.full((term.n_levels, len(names)), np.nan)
    sds[:, R.any(axis=1)] = np.sqrt(np.clip(variances, 0, None)) @ R[R.any(axis=1)].T
    table = table.assign(
        reml=partial["estimate"].to_numpy(), reml_se=partial["se"].to_numpy(), conditional_sd=sds.ravel()
    )
    return with_moves(table, _shift(fit, term, names))


def levels_alone(fit: Fit, term: RandomTerm) -> Alone:
    """Least squares of each level of a grouping factor."""
    columns = all_columns(fit.design, term)
    names = list(columns)
    held = fit.fixef.reindex(names).fillna(0.0).to_numpy()
    return alone(fit.design, term, np.column_stack(list(columns.values())), np.isin(names, term.coefficients), held)


def other_effects(design: Design, term: RandomTerm, ranef: pd.DataFrame) -> np.ndarray:
    """(n,): what the random effects of the other grouping factors add to each row."""
    total = np.zeros(design.n)
    for other in design.terms:
        if other.group != term.group:
            own = ranef[ranef["group"] == other.group]
            b = own["estimate"].to_numpy(float).reshape(other.n_levels, other.k)
            total += np.einsum("nk,nk->n", other.Z, b[other.index])
    return total


def _for_all(values: np.ndarray, names: list[str], term: RandomTerm) -> np.ndarray:
    """(J, c): the same values (p,) for all levels; NaN for effects that the fixed part does not have."""
    padded = np.append(values, np.full(len(names) - values.size, np.nan))
    return np.broadcast_to(padded, (term.n_levels, len(names)))


def _shift(fit: Fit, term: RandomTerm, names: list[str]) -> np.ndarray:
    """(J c,): the mean of what the other grouping factors add in each level, for its intercept."""
    added = np.zeros((term.n_levels, len(names)))
    if len(fit.design.terms) > 1 and "(Intercept)" in names:
        others = other_effects(fit.design, term, fit.ranef())
        added[:, names.index("(Intercept)")] = np.bincount(term.index, others) / np.bincount(term.index)
    return added.ravel()


def _pooling_factor(fit: Fit, t: int, conditional: np.ndarray) -> np.ndarray:
    """Var(b | y) / Var(b) of every level and effect, (J, k); 1 where there is no variance."""
    prior = np.diag(fit.estimates.covariances[t])
    return np.where(prior > 0, conditional / np.where(prior > 0, prior, 1.0), 1.0)


def _number(value: float) -> str:
    return "not estimable" if np.isnan(value) else rformat.format_numbers([value], 3)[0]
