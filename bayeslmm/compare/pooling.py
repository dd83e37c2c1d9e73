"""Partial pooling made visible: what each group says alone, all groups together, and in between.

*No pooling*: least squares within each level (see `levels` for what a level cannot tell). *Complete pooling*: least
squares of the fixed part over all rows, groups ignored. *Partial pooling*: fixed plus random part, by REML (best linear
unbiased prediction) and by the posterior. The pooling factor of an effect is `Var(b | y) / Var(b)`, the share of its
variance that the level's data leave open (Gelman & Pardoe 2006 measure the same share over all levels): 0 where a
level's own data decide, 1 where it gets the mean.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.compare.levels import Alone, alone, least_squares
from bayeslmm.compare.lines import group_lines
from bayeslmm.compare.same import check_same
from bayeslmm.compare.shrinkage import shrinkage
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.along import all_columns
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.estimates import mode_variances
from bayeslmm.results import rformat
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import coefficient_map, long_table

FACTOR = "factor: 0 where the level's own data decide, 1 where it gets the mean"


@runtime_checkable
class CanFit(Protocol):
    """A model."""

    def fit(self) -> Fit:
        """Fit it by REML."""


@dataclass(frozen=True, repr=False)
class Pooling:
    """What `pooling` returns; `print` it, take `.table`, or plot it.

    Attributes
    ----------
    table
        DataFrame, one row for each level and coefficient: `group`, `level`, `term`, `n` (rows); `no_pooling` and
        `no_pooling_se` (NaN where the level's own rows cannot tell); `complete` and `complete_se`; `reml` and
        `reml_se`; with a posterior `bayes`, `bayes_se`, `bayes_lower`, `bayes_upper`; `pooling_factor`.
    fit
        The fit behind it.
    post
        The posterior behind it, or None.
    """

    table: pd.DataFrame
    fit: Fit
    post: Posterior | None

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
        table = self.table[self.table["group"] == term.group].copy()
        intercept = table["term"] == "(Intercept)"
        for kind, others in self._others(term).items():
            mean = np.bincount(term.index, others) / np.bincount(term.index)
            table.loc[intercept, kind] += mean[: int(intercept.sum())]
        return shrinkage(table, self.fit, term, terms, ax, width)

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

    def _others(self, term: RandomTerm) -> dict[str, np.ndarray]:
        """(n,) by kind of pooling: what the other grouping factors add to each row; empty where there are none."""
        if len(self.fit.design.terms) == 1:
            return {}
        found = {"reml": other_effects(self.fit.design, term, self.fit.ranef())}
        if self.post is not None:
            found["bayes"] = other_effects(self.fit.design, term, self.post.ranef())
        return found

    def _term(self, group: str | None) -> RandomTerm:
        known = {t.group: t for t in self.fit.design.terms}
        if group is None:
            return self.fit.design.terms[0]
        if group not in known:
            raise ArgumentError(f"no grouping factor `{group}` in the model" + did_you_mean(group, known))
        return known[group]

    def __str__(self) -> str:
        blocks = [self._block(t) for t in self.fit.design.terms]
        return "\n\n".join(blocks)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def _block(self, term: RandomTerm, most: int = 20) -> str:
        """One grouping factor: a row per level, and a block of columns per varying coefficient."""
        own = self.table[(self.table["group"] == term.group) & self.table["term"].isin(term.coefficients)]
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
        return "\n".join([title, FACTOR, text, *more, *summaries])


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
    factor = table.pop("pooling_factor")
    return Pooling(table.assign(pooling_factor=factor), fit, post)


def _fitted(model: CanFit) -> Fit:
    if not isinstance(model, CanFit):
        raise ArgumentError(f"pooling takes a fit or a model; got {type(model).__name__}")
    return model.fit()


def _one_group(fit: Fit, t: int) -> pd.DataFrame:
    design, term = fit.design, fit.design.terms[t]
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
        pooling_factor=[_pooling_factor(fit, t) @ R.T + np.where(R.any(axis=1), 0.0, np.nan)],
    )
    return table.assign(reml=partial["estimate"].to_numpy(), reml_se=partial["se"].to_numpy())


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


def _pooling_factor(fit: Fit, t: int) -> np.ndarray:
    """Var(b | y) / Var(b) of every level and effect, (J, k); 1 where there is no variance."""
    conditional = np.einsum("jkk->jk", mode_variances(fit.likelihood, fit.estimates)[t])
    prior = np.diag(fit.estimates.covariances[t])
    return np.where(prior > 0, conditional / np.where(prior > 0, prior, 1.0), 1.0)


def _number(value: float) -> str:
    return "not estimable" if np.isnan(value) else rformat.format_numbers([value], 3)[0]
