"""Shrinkage arrows: each level's own estimate, and where partial pooling moves it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style
from bayeslmm.results.fit import Fit


def shrinkage(table: pd.DataFrame, fit: Fit, term: RandomTerm, terms: tuple[str, str] | None, ax: Axes | None) -> Axes:
    """Draw the arrows for one grouping factor; `table` holds its rows of `Pooling.table`."""
    x_name, y_name = _axes_names(term, terms)
    ax = style.new_axes(ax, 6.0, 5.0 if y_name else 0.32 * term.n_levels + 1.6)
    if y_name is None:
        return _one_effect(table, fit, term, x_name, ax)
    wide = table.pivot(index="level", columns="term").reindex(list(term.levels))
    own, partial = (
        np.column_stack([wide[(kind, e)] for e in (x_name, y_name)]).astype(float) for kind in ("no_pooling", "reml")
    )
    _ellipses(fit, term, (x_name, y_name), ax)
    _arrows(ax, own, partial)
    ax.plot(*own.T, "o", ms=5, mfc="none", color=style.NO_POOLING, label="no pooling")
    ax.plot(*partial.T, "o", ms=5, color=style.REML, label="partial pooling, REML")
    if "bayes" in table:
        ax.plot(
            wide[("bayes", x_name)],
            wide[("bayes", y_name)],
            "D",
            ms=4,
            color=style.BAYES,
            label="partial pooling, Bayes",
        )
    centre = [fit.fixef.get(e, 0.0) for e in (x_name, y_name)]
    ax.plot(*centre, "+", ms=12, mew=2, color=style.DATA, label="population")
    if term.n_levels <= 25:
        for label, point in zip(term.levels, np.where(np.isfinite(own), own, partial), strict=True):
            ax.annotate(label, point, xytext=(4, 4), textcoords="offset points", fontsize=8, color=style.DATA)
    ax.legend(frameon=False, fontsize=8)
    return style.tidy(
        ax, f"Partial pooling moves each {term.group} towards the population", xlabel=x_name, ylabel=y_name
    )


def _axes_names(term: RandomTerm, terms: tuple[str, str] | None) -> tuple[str, str | None]:
    names = tuple(terms) if terms is not None else term.effects[:2]
    for name in names:
        if name not in term.effects:
            raise ArgumentError(
                f"`{name}` does not vary between the levels of `{term.group}`" + did_you_mean(name, term.effects)
            )
    return (names[0], names[1]) if len(names) == 2 else (names[0], None)


def _ellipses(fit: Fit, term: RandomTerm, names: tuple[str, str], ax: Axes) -> None:
    """Where 50 and 95 % of the levels lie according to the fitted covariance; a line where it is singular."""
    at = [term.effects.index(n) for n in names]
    V = fit.estimates.covariances[fit.design.terms.index(term)][np.ix_(at, at)]
    values, vectors = np.linalg.eigh(V)
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    centre = (float(fit.fixef.get(names[0], 0.0)), float(fit.fixef.get(names[1], 0.0)))
    for quantile, label in ((1.386, "50 and 95 % of groups (REML)"), (5.991, None)):
        width, height = 2 * np.sqrt(quantile * np.clip(values[::-1], 0, None))
        ax.add_patch(
            Ellipse(
                centre, width, height, angle=angle, fill=False, lw=1, ls="--", color=style.REML, alpha=0.6, label=label
            )
        )


def _arrows(ax: Axes, start: np.ndarray, end: np.ndarray) -> None:
    for a, b in zip(start, end, strict=True):
        if np.isfinite(a).all() and np.isfinite(b).all():
            ax.annotate(
                "",
                b,
                a,
                arrowprops={"arrowstyle": "->", "color": style.NO_POOLING, "lw": 0.9, "shrinkA": 3, "shrinkB": 3},
            )


def _one_effect(table: pd.DataFrame, fit: Fit, term: RandomTerm, name: str, ax: Axes) -> Axes:
    rows = table[table["term"] == name].set_index("level").reindex(list(term.levels))
    y = np.arange(term.n_levels)[::-1].astype(float)
    own, partial = rows["no_pooling"].to_numpy(float), rows["reml"].to_numpy(float)
    _arrows(ax, np.column_stack([own, y]), np.column_stack([partial, y]))
    ax.plot(own, y, "o", ms=5, mfc="none", color=style.NO_POOLING, label="no pooling")
    ax.plot(partial, y, "o", ms=5, color=style.REML, label="partial pooling, REML")
    if "bayes" in rows:
        ax.plot(rows["bayes"], y - 0.2, "D", ms=4, color=style.BAYES, label="partial pooling, Bayes")
    ax.axvline(float(fit.fixef.get(name, 0.0)), color=style.DATA, lw=0.9, label="population")
    ax.set_yticks(y, list(term.levels))
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return style.tidy(
        ax, f"Partial pooling moves each {term.group} towards the population", xlabel=name, ylabel=term.group
    )
