"""Partial pooling made visible: what each group says alone, all groups together, and in between.

*No pooling*: least squares within each level. *Complete pooling*: least squares over all rows, groups ignored. *Partial
pooling*: fixed plus random part, by REML (best linear unbiased prediction) and by the posterior. The pooling factor of
an effect is `Var(b | y) / Var(b)`, the share of its variance that the level's data leave open (Gelman & Pardoe 2006
measure the same share over all levels): 0 where a level's own data decide, 1 where it gets the mean.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.compare.lines import group_lines
from bayeslmm.compare.shrinkage import shrinkage
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.estimates import mode_variances
from bayeslmm.results import rformat
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import coefficient_map, long_table


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

    def plot(self, group: str | None = None, terms: tuple[str, str] | None = None, ax: Axes | None = None) -> Axes:
        """Shrinkage arrows from no pooling to partial pooling, in the plane of two coefficients.

        Parameters
        ----------
        group
            Which grouping factor; the first by default.
        terms
            Which two coefficients; the first two random effects by default. With one random effect the arrows run
            along one axis.
        ax
            Axes to draw on; None makes a figure.
        """
        term = self._term(group)
        return shrinkage(self.table[self.table["group"] == term.group], self.fit, term, terms, ax)

    def plot_lines(self, x: str | None = None, group: str | None = None, axes: np.ndarray | None = None) -> np.ndarray:
        """Small multiples, one panel per level: the data, and the lines of the three poolings against `x`."""
        term = self._term(group)
        return group_lines(self.table[self.table["group"] == term.group], self.fit.design, term, x, axes)

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
        """One grouping factor: a row per level, a column per pooling and varying coefficient."""
        own = self.table[(self.table["group"] == term.group) & self.table["term"].isin(term.effects)]
        kinds = {
            "no_pooling": "none",
            "reml": "REML",
            **({"bayes": "Bayes"} if self.post else {}),
            "pooling_factor": "factor",
        }
        wide = own.pivot(index="level", columns="term").reindex(list(term.levels))
        header, columns = ["", "n"], [list(term.levels), [str(n) for n in wide[("n", term.effects[0])]]]
        for effect, short in zip(term.effects, rformat.abbreviate(term.effects, 11), strict=True):
            for kind, label in kinds.items():
                values = wide[(kind, effect)].to_numpy(float)
                digits = 2 if kind == "pooling_factor" else 3
                header.append(f"{short}:{label}")
                columns.append(["" if np.isnan(v) else rformat.format_numbers([v], digits)[0] for v in values])
        shown = [c[:most] for c in columns]
        text = rformat.columns_as_text(header, shown, [True, *[False] * (len(header) - 1)])
        more = f"\n... and {term.n_levels - most} more levels" if term.n_levels > most else ""
        complete = own.drop_duplicates("term").set_index("term")["complete"].reindex(list(term.effects))
        mean = own.groupby("term")["no_pooling"].mean()
        summary = "; ".join(
            f"{e}: complete pooling {_number(complete[e])}, mean of the groups alone {_number(mean[e])}"
            for e in term.effects
        )
        return f"Pooling over {term.group} (n_levels {term.n_levels})\n{text}{more}\n{summary}"


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
        There is nothing to pool, or the posterior is of another model.
    """
    fit = model_or_fit if isinstance(model_or_fit, Fit) else _fitted(model_or_fit)
    design = fit.design
    if post is not None and (post.design.coef_names != design.coef_names or post.design.n != design.n):
        raise ArgumentError("the posterior is of another model than the fit; pass `fit.sample()` of the same fit")
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
    X = _columns(design, term, names)
    alone, alone_se = _within_levels(design, term, X)
    together, together_se = _estimable_least_squares(X, design.y - design.offset, design.weights)
    coefficients = fit.coef()
    partial = coefficients[coefficients["group"] == term.group]
    shape = (term.n_levels, len(names))
    table = long_table(
        [term],
        [names],
        n=[np.repeat(np.bincount(term.index, minlength=term.n_levels)[:, None], len(names), axis=1)],
        no_pooling=[alone],
        no_pooling_se=[alone_se],
        complete=[np.broadcast_to(together, shape)],
        complete_se=[np.broadcast_to(together_se, shape)],
        pooling_factor=[_pooling_factor(fit, t) @ R.T + np.where(R.any(axis=1), 0.0, np.nan)],
    )
    return table.assign(reml=partial["estimate"].to_numpy(), reml_se=partial["se"].to_numpy())


def _columns(design: Design, term: RandomTerm, names: list[str]) -> np.ndarray:
    """(n, c): the columns that multiply each coefficient of a level."""
    own = dict(zip(term.effects, term.Z.T, strict=True))
    fixed = dict(zip(design.coef_names, design.X.T, strict=True))
    return np.column_stack([fixed[name] if name in fixed else own[name] for name in names])


def _within_levels(design: Design, term: RandomTerm, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares within each level: estimates and standard errors (J, c), NaN where they are not determined."""
    order = np.argsort(term.index, kind="stable")
    edges = np.searchsorted(term.index[order], np.arange(term.n_levels + 1))
    y = design.y - design.offset
    parts = [order[a:b] for a, b in pairwise(edges)]
    fits = [_estimable_least_squares(X[rows], y[rows], design.weights[rows]) for rows in parts]
    return np.array([f[0] for f in fits]), np.array([f[1] for f in fits])


def _estimable_least_squares(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors (c,) of the coefficients that the rows determine, NaN for the others.

    Columns that are zero on all rows (a factor level that does not occur) are left out first.
    """
    n, c = X.shape
    root = np.sqrt(weights)
    A = X * root[:, None]
    scale = np.linalg.norm(A, axis=0)
    used = scale > 0
    A = A[:, used] / scale[used]
    left, s, right = np.linalg.svd(A, full_matrices=False)
    rank = int((s > 1e-9 * s.max(initial=0.0)).sum())
    solution = right[:rank].T @ ((left[:, :rank].T @ (root * y)) / s[:rank])
    residual = root * y - A @ solution
    sigma2 = residual @ residual / (n - rank) if n > rank else np.nan
    variance = sigma2 * ((right[:rank].T / s[:rank]) ** 2).sum(axis=1)
    determined = (right[:rank] ** 2).sum(axis=0) > 1 - 1e-9
    estimate, se = np.full(c, np.nan), np.full(c, np.nan)
    estimate[used] = np.where(determined, solution, np.nan) / scale[used]
    se[used] = np.where(determined, np.sqrt(variance), np.nan) / scale[used]
    return estimate, se


def _pooling_factor(fit: Fit, t: int) -> np.ndarray:
    """Var(b | y) / Var(b) of every level and effect, (J, k); 1 where there is no variance."""
    conditional = np.einsum("jkk->jk", mode_variances(fit.likelihood, fit.estimates)[t])
    prior = np.diag(fit.estimates.covariances[t])
    return np.where(prior > 0, conditional / np.where(prior > 0, prior, 1.0), 1.0)


def _number(value: float) -> str:
    return "not estimable" if np.isnan(value) else rformat.format_numbers([value], 3)[0]
