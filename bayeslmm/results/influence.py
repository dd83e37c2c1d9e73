"""What changes when rows or groups are left out: `fit.influence()`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.influence import Base, Deletions, delete_rows, delete_sets
from bayeslmm.results import rformat
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

SHOWN = 10


@dataclass(frozen=True, repr=False)
class Influence(Tabular):
    """What `fit.influence()` returns; `print` it, take its tables, or `plot()` it.

    Attributes
    ----------
    by
        What was left out, one at a time: "row", or the name of the groups.
    exact
        Whether each was left out by a refit (True) or in closed form with theta fixed.
    table
        DataFrame by level (rows: position in the data), in the order of the levels: `n` rows, `leverage` (sum of their
        hat values), `cooks` distance, `covratio`, `sigma` without it, `displacement` of theta, `dfbetas` (the largest
        in size) and the `coefficient` that it belongs to, `problem` ("" where there is none).
    dfbetas, fixef
        DataFrames by level and coefficient: (estimate - estimate without it) / se without it; the estimate without it.
    theta
        DataFrame by level: covariance parameters without it.
    """

    by: str
    exact: bool
    table: pd.DataFrame
    dfbetas: pd.DataFrame
    fixef: pd.DataFrame
    theta: pd.DataFrame

    @property
    def cutoff(self) -> float:
        """Cook's distance above which a level is worth a look: 4 / number of levels (Van der Meer et al. 2010)."""
        return 4 / len(self.table)

    @property
    def dfbetas_cutoff(self) -> float:
        """Size of DFBETAS above which a level is worth a look: 2 / sqrt(number of levels) (Belsley et al. 1980)."""
        return 2 / float(np.sqrt(len(self.table)))

    @property
    def outlying(self) -> list[Any]:
        """Levels with Cook's distance above `cutoff`, worst first."""
        cooks = self.table["cooks"].sort_values(ascending=False, kind="stable")
        return list(cooks.index[cooks > self.cutoff])

    def __str__(self) -> str:
        return _text(self)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def plot(self, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Draw Cook's distance and DFBETAS with the names of the outlying levels.

        Parameters
        ----------
        width, axes
            Of the figure, in inches; or two axes to draw into.

        Returns
        -------
        ndarray of Axes
        """
        from bayeslmm.results.influence_plot import influence_plot

        return influence_plot(self, width, axes)


def influence(fit: "Fit", by: Any, exact: bool) -> Influence:
    """Leave out every row (by None), every level of a group, or every set of rows that share a label."""
    base = Base(fit.design, fit.likelihood, fit.optimum, fit.estimates, fit.reml)
    if by is None:
        labels, name = list(fit.design.rows), "row"
        found = (
            delete_sets(base, [np.array([i]) for i in range(fit.nobs)])
            if exact
            else delete_rows(base, fit.design.y - fit.fitted)
        )
        return _tables(fit, name, exact, labels, found)
    labels, index, name = _sets(fit.design, by)
    order = np.argsort(index, kind="stable")
    ends = np.cumsum(np.bincount(index, minlength=len(labels)))[:-1]
    return _tables(fit, name, True, labels, delete_sets(base, np.split(order, ends)))


def _sets(design: Design, by: Any) -> tuple[list[Any], np.ndarray, str]:
    """Labels, the label's position of each row, and what they are called."""
    if isinstance(by, str):
        known = [t.group for t in design.terms]
        if by not in known:
            raise ArgumentError(
                f'influence("{by}"): no such grouping factor; None is for rows' + did_you_mean(by, known)
            )
        term = design.terms[known.index(by)]
        labels, index, name = list(term.levels), term.index, by
    else:
        values = np.asarray(by)
        if values.shape != (design.n,):
            raise ArgumentError(
                f"influence(by=...) takes a grouping factor's name, None for rows, or one label for each of the "
                f"{design.n} rows used; got shape {values.shape}"
            )
        index, found = pd.factorize(values, sort=True)
        labels, name = list(found), "set"
        if (index < 0).any():
            raise ArgumentError("influence(by=...): a label is missing")
    if len(labels) < 3:
        raise ArgumentError(
            f"influence of `{name}`: one of {len(labels)} levels left out leaves nothing to compare; it needs three"
        )
    return labels, index, name


def _tables(fit: "Fit", name: str, exact: bool, labels: list[Any], found: Deletions) -> Influence:
    index = pd.Index(labels, name=name)
    names = list(fit.design.coef_names)
    dfbetas = pd.DataFrame((fit.estimates.beta - found.beta) / found.se, index=index, columns=names)
    size = np.nan_to_num(np.abs(dfbetas.to_numpy()))
    worst = size.argmax(axis=1) if names else np.zeros(len(labels), dtype=int)
    table = pd.DataFrame(
        {
            "n": found.n,
            "leverage": found.leverage,
            "cooks": found.cooks,
            "covratio": found.covratio,
            "sigma": found.sigma,
            "displacement": found.displacement,
            "dfbetas": dfbetas.to_numpy()[np.arange(len(labels)), worst] if names else np.nan,
            "coefficient": [names[j] for j in worst] if names else "",
            "problem": list(found.problems),
        },
        index=index,
    )
    theta = pd.DataFrame(found.theta, index=index, columns=list(fit.theta.index))
    return Influence(name, exact, table, dfbetas, pd.DataFrame(found.beta, index=index, columns=names), theta)


def _text(found: Influence) -> str:
    how = "refitted without each" if found.exact else "theta fixed"
    what = "rows" if found.by == "row" else f"levels of {found.by}"
    worst = found.table.sort_values("cooks", ascending=False, kind="stable", na_position="last")[:SHOWN]
    columns = [
        [str(i) for i in worst.index],
        [str(n) for n in worst["n"]],
        *(rformat.format_numbers(worst[c].to_numpy(dtype=float), 3) for c in ("leverage", "cooks", "covratio")),
        *(rformat.format_numbers(worst[c].to_numpy(dtype=float), 3) for c in ("sigma", "displacement", "dfbetas")),
        [str(c) for c in worst["coefficient"]],
    ]
    header = [found.by, "rows", "leverage", "Cook's D", "covratio", "sigma", "displ.", "DFBETAS", "of"]
    table = rformat.columns_as_text(header, columns, [True, *[False] * 7, True])
    lines = [f"Influence of {len(found.table)} {what} ({how}), worst first", "", table]
    if len(found.table) > SHOWN:
        lines.append(f"... and {len(found.table) - SHOWN} more")
    names = ", ".join(str(i) for i in found.outlying[:SHOWN])
    more = ", ..." if len(found.outlying) > SHOWN else ""
    lines += ["", f"Cook's distance above 4/{len(found.table)} = {found.cutoff:.3g}: {names or 'none'}{more}"]
    problems = found.table["problem"]
    lines += [f"{level}: {text}" for level, text in problems[problems != ""].head(SHOWN).items()]
    return "\n".join(lines)
