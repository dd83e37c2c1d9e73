"""Caterpillar: every level's effects with conditional intervals, sorted; REML and Bayes dodged."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.results import style

MOST_LABELS = 40
NARROW = 5.0


def caterpillar(
    reml: pd.DataFrame,
    bayes: pd.DataFrame | None,
    term: RandomTerm,
    terms: tuple[str, ...] | None,
    level: float,
    axes: np.ndarray | None,
    width: float,
) -> np.ndarray:
    """One panel for each effect; levels in the order of the first effect drawn.

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
    order = _order(reml, term, effects[0])
    own_figure = axes is None
    panels = _new_panels(len(effects), term, width) if axes is None else np.ravel(np.asarray(axes, dtype=object))
    for effect, ax in zip(effects, panels, strict=False):
        _panel(ax, reml, bayes, effect, order, level)
        style.tidy(ax, effect)
        ax.grid(axis="y", visible=False)
    _names(panels, term, order)
    if own_figure:
        _finish(panels, term, bayes is not None, level, width)
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


def _new_panels(count: int, term: RandomTerm, width: float) -> np.ndarray:
    columns = min(count, 1 if width < NARROW else 2 if count in (2, 4) else 3)
    rows = -(-count // columns)
    height = 3.2 if term.n_levels > MOST_LABELS else 0.21 * term.n_levels + 0.6
    _, axes = plt.subplots(
        rows, columns, figsize=(width, rows * height + 1.1), sharey=True, layout="constrained", squeeze=False
    )
    for ax in axes.ravel()[count:]:
        ax.set_visible(False)
    return axes.ravel()[:count]


def _panel(
    ax: Axes, reml: pd.DataFrame, bayes: pd.DataFrame | None, effect: str, order: list[str], level: float
) -> None:
    y = np.arange(len(order))[::-1].astype(float)
    many = len(order) > MOST_LABELS
    look: dict[str, Any] = {"ms": 2.0 if many else 4.0, "lw": 0.7 if many else 1.5}
    dodge = 0.0 if bayes is None else 0.16
    own = reml[reml["term"] == effect].set_index("level").loc[order]
    half = normal_quantile(0.5 + level / 2) * own["se"].to_numpy(float)
    ax.axvline(0, color=style.DATA, lw=0.9, zorder=1)
    ax.errorbar(own["estimate"], y + dodge, xerr=half, fmt="s", color=style.REML, label="REML", **look)
    if bayes is not None:
        post = bayes[bayes["term"] == effect].set_index("level").loc[order]
        mean = post["estimate"].to_numpy(float)
        ends = np.abs(post[["lower", "upper"]].to_numpy(float).T - mean)
        ax.errorbar(mean, y - dodge, xerr=ends, fmt="o", color=style.BAYES, label="Bayes", **look)
    ax.set_ylim(-0.8, len(order) - 0.2)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=8)


def _names(panels: np.ndarray, term: RandomTerm, order: list[str]) -> None:
    for ax in panels:
        if term.n_levels > MOST_LABELS:
            ax.set_yticks([])
        else:
            ax.set_yticks(np.arange(len(order))[::-1], order)
    if term.n_levels > MOST_LABELS:
        panels[0].set_ylabel(f"{term.group}: {term.n_levels} levels, by the first effect", fontsize=9)


def _finish(panels: np.ndarray, term: RandomTerm, with_bayes: bool, level: float, width: float) -> None:
    figure = panels[0].figure
    percent = f"{100 * level:g}%"
    title = f"{term.group}: how far each level lies from the average, with conditional {percent} intervals"
    figure.suptitle(style.fold(title, width), x=0.01, ha="left", fontsize=10)
    if with_bayes:
        handles, _ = panels[0].get_legend_handles_labels()
        names = ["REML: mode, conditional sd", "Bayes: posterior mean, equal-tailed"]
        ncols = 1 if width < NARROW else 2
        figure.legend(handles, names, loc="outside lower center", ncols=ncols, frameon=False, fontsize=8)
