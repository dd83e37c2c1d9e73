"""Pictures of influence: Cook's distance and DFBETAS, with the names of the levels that stand out."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bayeslmm.results import style
from bayeslmm.results.influence import Influence
from bayeslmm.results.panels import headline, new_panels
from bayeslmm.results.short_names import short_names

ALL_NAMED, NAMED = 30, 8
NARROW = 5.0
NAMES = 0.4  # share of a panel for names


def influence_plot(found: Influence, width: float, given: Any = None) -> np.ndarray:
    """Cook's distance of every level, and DFBETAS of every level and coefficient; side by side, or one above the other.

    Parameters
    ----------
    found
        What is drawn.
    width, given
        Of the figure, in inches; or two axes.
    """
    few = len(found.table) <= ALL_NAMED
    p = found.dfbetas.shape[1]
    first = 0.19 * len(found.table) + 1.2 if few else 3.0
    second = max(2.2, 0.55 * p + 1.2)
    if width < NARROW:
        size, ratios = (width, first + second), {"height_ratios": [first, second]}
        axes, figure = new_panels(given, 2, (2, 1), size, "influence().plot", **ratios)
    else:
        axes, figure = new_panels(given, 2, (1, 2), (width, max(first, second)), "influence().plot")
    what = "a row" if found.by == "row" else f"a level of {found.by}"
    title = f"What changes without {what}" + ("" if found.exact else " (theta fixed)")
    names = _all_cooks(axes[0], found) if few else _many_cooks(axes[0], found)
    after = _dfbetas(axes[1], found)
    headline(figure, axes, title, width)
    for ax, points in ((axes[0], names), (axes[1], after)):
        if points:
            x, y, labels = zip(*points, strict=True)
            style.name_points(ax, np.array(x), np.array(y), labels)
    return axes


def _all_cooks(ax: Axes, found: Influence) -> list[tuple[float, float, str]]:
    """One line per level, the largest on top, all with their names."""
    cooks = found.table["cooks"].dropna().sort_values(kind="stable")
    y = np.arange(len(cooks))
    out = cooks.to_numpy() > found.cutoff
    ax.hlines(y, 0, cooks, color=style.NO_POOLING, lw=0.9)
    ax.plot(cooks[~out], y[~out], "o", ms=4, color=style.REML)
    ax.plot(cooks[out], y[out], "o", ms=5, color=style.BAYES)
    _cutoff(ax, found, vertical=True)
    ax.set_yticks(y, short_names(list(cooks.index), NAMES * style.inches(ax)), fontsize=8)
    ax.set_ylim(-0.7, len(cooks) - 0.3)
    ax.set_xlim(0, 1.08 * max(float(cooks.max()), found.cutoff))
    style.tidy(ax, "Cook's distance")
    ax.grid(axis="y", visible=False)
    return []


def _many_cooks(ax: Axes, found: Influence) -> list[tuple[float, float, str]]:
    """One point per level in their order; the outlying ones get names."""
    cooks = found.table["cooks"].to_numpy()
    x = np.arange(cooks.size)
    out = cooks > found.cutoff
    ax.vlines(x, 0, cooks, color=style.NO_POOLING, lw=0.6)
    ax.plot(x[~out], cooks[~out], "o", ms=2, color=style.REML)
    ax.plot(x[out], cooks[out], "o", ms=4, color=style.BAYES)
    _cutoff(ax, found, vertical=False)
    ax.set_ylim(0, 1.12 * max(float(np.nanmax(cooks)), found.cutoff))
    label = "row, in the order of the data" if found.by == "row" else f"level of {found.by}, in their order"
    style.tidy(ax, "Cook's distance")
    ax.set_xlabel(style.fold(label, 0.8 * style.inches(ax), 9), fontsize=9)
    ax.tick_params(labelsize=8)
    position = {level: i for i, level in enumerate(found.table.index)}
    return [(position[i], cooks[position[i]], str(i)) for i in found.outlying[:NAMED]]


def _dfbetas(ax: Axes, found: Influence) -> list[tuple[float, float, str]]:
    """One strip of points per coefficient; those beyond the cutoff get names."""
    values, cutoff = found.dfbetas.to_numpy(), found.dfbetas_cutoff
    p = values.shape[1]
    labels = []
    for j in range(p):
        own, y = values[:, j], p - 1.0 - j
        out = np.abs(own) > cutoff
        ax.plot(own[~out], np.full((~out).sum(), y), "o", ms=3, color=style.REML, alpha=0.5)
        ax.plot(own[out], np.full(out.sum(), y), "o", ms=4.5, color=style.BAYES)
        worst = [i for i in np.argsort(-np.nan_to_num(np.abs(own))) if out[i]][: NAMED // 2]
        labels += [(own[i], y, str(found.dfbetas.index[i])) for i in worst]
    for edge in (-cutoff, cutoff):
        ax.axvline(edge, color=style.BAYES, lw=0.9, ls="--")
    ax.axvline(0, color=style.ink(), lw=0.8)
    ax.set_yticks(np.arange(p)[::-1], short_names(list(found.dfbetas.columns), NAMES * style.inches(ax)), fontsize=8)
    ax.set_ylim(-0.6, p - 0.4)
    largest = max(float(np.nanmax(np.abs(values), initial=0.0)), cutoff)
    ax.set_xlim(-1.15 * largest, 1.15 * largest)
    style.tidy(ax, "DFBETAS")
    ax.set_xlabel(style.fold("estimate moves by ... standard errors", 0.8 * style.inches(ax), 9), fontsize=9)
    ax.tick_params(axis="x", labelsize=8)
    return labels


def _cutoff(ax: Axes, found: Influence, vertical: bool) -> None:
    draw = ax.axvline if vertical else ax.axhline
    draw(found.cutoff, color=style.BAYES, lw=0.9, ls="--")
    ax.set_xlabel(f"dashed: 4/{len(found.table)} = {found.cutoff:.3g}", fontsize=9)
    ax.tick_params(axis="x", labelsize=8)
