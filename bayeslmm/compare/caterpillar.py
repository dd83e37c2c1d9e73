"""Caterpillar: every level's effects with conditional intervals, sorted; REML and Bayes dodged.

Where there are so many levels that two intervals side by side would be one blot, REML has a faint line for each and
Bayes three points, the mean and the ends: points beyond the lines are intervals that are wider.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels
from bayeslmm.results.short_names import short_names

MOST_LABELS = 40
MOST_DODGED = 100
NARROW = 5.0
NAMES = 0.35  # share of the width for the names of levels


def caterpillar(
    reml: pd.DataFrame,
    bayes: pd.DataFrame | None,
    term: RandomTerm,
    terms: tuple[str, ...] | None,
    level: float,
    axes: Any,
    width: float,
) -> np.ndarray:
    """One panel for each effect; levels in the order of the first, or each panel in its own where none has its name.

    Parameters
    ----------
    reml
        `Fit.ranef()` of this grouping factor.
    bayes
        `Posterior.ranef()` of it, or None.
    terms
        Which effects; None for all.
    level
        Of the intervals.
    axes
        As many axes as there are panels; None makes a figure.
    width
        Of the new figure, in inches.
    """
    effects = _effects(term, terms)
    orders = [_order(reml, term, e if term.n_levels > MOST_LABELS else effects[0]) for e in effects]
    panels, figure = _panels(axes, len(effects), _height(term.n_levels, bayes is not None), width)
    for effect, order, ax in zip(effects, orders, panels, strict=True):
        _panel(ax, reml, bayes, effect, order, level)
        style.tidy(ax, effect)
        ax.grid(axis="y", visible=False)
    _names(panels, term, orders[0], NAMES * (width if figure is not None else style.inches(panels[0])))
    if figure is not None:
        _finish(panels, term, bayes is not None, level, width)
    style.fold_titles(panels)
    return panels


def _effects(term: RandomTerm, terms: tuple[str, ...] | None) -> tuple[str, ...]:
    effects = tuple(term.effects if terms is None else terms)
    for name in effects:
        if name not in term.effects:
            raise ArgumentError(f"`{term.group}` has no random effect `{name}`" + did_you_mean(name, term.effects))
    if not effects:
        raise ArgumentError("terms=() names no random effect; give one at least, or leave it out for all")
    return effects


def _order(reml: pd.DataFrame, term: RandomTerm, effect: str) -> list[str]:
    """Levels by the conditional mode of an effect, the largest first."""
    first = reml[reml["term"] == effect].set_index("level")["estimate"].reindex(list(term.levels))
    return list(first.sort_values(ascending=False, kind="stable").index)


def _height(levels: int, both: bool) -> float:
    """Of a panel, in inches: room for a name of each level, or for two intervals."""
    if levels <= MOST_LABELS:
        return 0.21 * levels + 0.6
    return max(0.06 * levels, 3.2) if both and levels <= MOST_DODGED else 3.2


def _panels(axes: Any, count: int, height: float, width: float) -> tuple[np.ndarray, Figure | None]:
    columns = min(count, 1 if width < NARROW else 2 if count in (2, 4) else 3)
    rows = -(-count // columns)
    size = (width, rows * height + 1.1)
    return new_panels(axes, count, (rows, columns), size, "plot_caterpillar", sharey=True)


def _panel(
    ax: Axes, reml: pd.DataFrame, bayes: pd.DataFrame | None, effect: str, order: list[str], level: float
) -> None:
    y = np.arange(len(order))[::-1].astype(float)
    own = reml[reml["term"] == effect].set_index("level").loc[order]
    half = normal_quantile(0.5 + level / 2) * own["se"].to_numpy(float)
    mode = own["estimate"].to_numpy(float)
    ax.axvline(0, color=style.ink(), lw=0.9, zorder=1)
    if bayes is None:
        _intervals(ax, y, mode, mode - half, mode + half, "REML")
    else:
        post = bayes[bayes["term"] == effect].set_index("level").loc[order]
        mean, lower, upper = (post[c].to_numpy(float) for c in ("estimate", "lower", "upper"))
        if len(order) > MOST_DODGED:
            _lines_and_points(ax, y, (mode, mode - half, mode + half), (mean, lower, upper))
        else:
            dodge = 0.16 if len(order) <= MOST_LABELS else 0.22
            _intervals(ax, y + dodge, mode, mode - half, mode + half, "REML")
            _intervals(ax, y - dodge, mean, lower, upper, "Bayes")
    ax.set_ylim(-0.8, len(order) - 0.2)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=8)


def _intervals(ax: Axes, y: np.ndarray, middle: np.ndarray, lower: np.ndarray, upper: np.ndarray, kind: str) -> None:
    many = y.size > MOST_LABELS
    look: dict[str, Any] = {"ms": 2.0 if many else 4.0, "lw": 0.8 if many else 1.5}
    fmt, color = ("s", style.REML) if kind == "REML" else ("o", style.BAYES)
    ax.errorbar(middle, y, xerr=np.abs([lower - middle, upper - middle]), fmt=fmt, color=color, label=kind, **look)


def _lines_and_points(ax: Axes, y: np.ndarray, reml: Sequence[np.ndarray], bayes: Sequence[np.ndarray]) -> None:
    """Middle, lower and upper ends of both kinds, (J,) each."""
    ax.hlines(y, reml[1], reml[2], color=style.REML, lw=0.6, alpha=0.45, label="REML")
    for i, values in enumerate(bayes):
        ax.plot(values, y, "o", ms=1.2, mew=0, color=style.BAYES, label="Bayes" if i == 0 else None)
    ax.plot(reml[0], y, "s", ms=1.0, mew=0, color=style.REML)


def _names(panels: np.ndarray, term: RandomTerm, order: list[str], room: float) -> None:
    for ax in panels:
        if term.n_levels > MOST_LABELS or not style.names_fit(ax, term.n_levels):
            ax.set_yticks([])
        else:
            ax.set_yticks(np.arange(len(order))[::-1], short_names(order, room))
    if term.n_levels > MOST_LABELS:
        own = ", each panel in its own order" if len(panels) > 1 else ""
        panels[0].set_ylabel(f"{term.group}: {term.n_levels} levels{own}", fontsize=9)


def _finish(panels: np.ndarray, term: RandomTerm, with_bayes: bool, level: float, width: float) -> None:
    figure = panels[0].figure
    percent = f"{100 * level:g}%"
    title = f"{term.group}: how far each level lies from the average, with conditional {percent} intervals"
    figure.suptitle(style.fold(title, width), x=0.01, ha="left", fontsize=10)
    if with_bayes:
        handles, _ = panels[0].get_legend_handles_labels()
        names = ["REML: mode, conditional sd", "Bayes: posterior mean, equal-tailed"]
        if term.n_levels > MOST_DODGED:
            names[1] = "Bayes: posterior mean, ends of intervals"
        ncols = 1 if width < NARROW else 2
        look = {
            "ncols": ncols,
            "frameon": False,
            "fontsize": 8,
            "markerscale": 2.0 if term.n_levels > MOST_LABELS else 1,
        }
        figure.legend(handles, names, loc="outside lower center", **look)
