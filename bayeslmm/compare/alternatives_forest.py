"""Forest plot of the alternatives: one panel for each coefficient, one row for each method."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.compare.methods import BAYES, CR2, FIXED, HC1, INTERACTION, INTERCEPT, MEANS, OLS, SLOPES, WILD
from bayeslmm.results import style
from bayeslmm.results.panels import headline, new_panels

COLOURS = {
    **dict.fromkeys((OLS, HC1, CR2, WILD), style.COMPLETE),
    **dict.fromkeys((MEANS, FIXED, INTERACTION), style.NO_POOLING),
    **dict.fromkeys((INTERCEPT, SLOPES), style.REML),
    BAYES: style.BAYES,
}
MARKERS = {style.COMPLETE: "s", style.NO_POOLING: "D", style.REML: "o", style.BAYES: "o"}
NARROW = 5.0
REACH = 2.5


def alternatives_forest(table: pd.DataFrame, group: str, level: float, axes: Any, width: float) -> np.ndarray:
    """Draw `Alternatives.table`.

    Parameters
    ----------
    table
        With columns term, method, estimate, lower, upper.
    group
        The grouping factor, for the title.
    level
        Of the intervals.
    axes
        As many axes as there are coefficients; None makes a figure.
    width
        Of the new figure, in inches.
    """
    terms = [str(t) for t in table["term"].unique()]
    count = table["method"].nunique()
    columns = 1 if width < NARROW or len(terms) == 1 else 2
    rows = -(-len(terms) // columns)
    size = (width, rows * (0.24 * count + 0.75) + 0.5)
    panels, figure = new_panels(axes, len(terms), (rows, columns), size, "plot", sharey=True)
    for term, ax in zip(terms, panels, strict=True):
        _panel(ax, table[table["term"] == term], term)
    if figure is not None:
        title = f"Each coefficient in {count} analyses ({100 * level:g}% intervals); clusters: {group}"
        headline(figure, panels, title, width)
    style.fold_titles(panels)
    return panels


def _panel(ax: Axes, rows: pd.DataFrame, term: str) -> None:
    y = np.arange(len(rows))[::-1].astype(float)
    low, high = _limits(rows)
    ax.axvline(0, color=style.ink(), lw=0.8)
    for at, row in zip(y, rows.to_dict("records"), strict=True):
        colour = COLOURS[row["method"]]
        if np.isnan(row["estimate"]):
            ax.text(
                0.5 * (low + high),
                at,
                "not estimable",
                ha="center",
                va="center",
                fontsize=8,
                color=style.readable(style.NO_POOLING),
            )
            continue
        _interval(ax, at, row["lower"], row["upper"], low, high, colour)
        ax.plot(row["estimate"], at, MARKERS[colour], ms=5, color=colour)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_yticks(y, list(rows["method"]))
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=8)
    style.tidy(ax, term)
    ax.grid(axis="y", visible=False)


def _interval(ax: Axes, y: float, lower: float, upper: float, low: float, high: float, colour: str) -> None:
    """A line; arrows where it goes on beyond the panel."""
    if np.isnan(lower) or np.isnan(upper):
        return
    ax.plot([max(lower, low), min(upper, high)], [y, y], "-", lw=1.6, color=colour)
    for end, edge, mark in ((lower, low, "<"), (upper, high, ">")):
        if (end < edge) == (mark == "<") and end != edge:
            ax.plot(edge, y, mark, ms=5, color=colour, clip_on=False)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """The range of the panel: all estimates, and intervals as far as the middle half of them reaches, and a bit."""
    estimates = rows["estimate"].dropna().to_numpy(float)
    ends = rows[["lower", "upper"]].to_numpy(float)
    reach = np.abs(ends - rows[["estimate"]].to_numpy(float))
    usual = float(np.median(reach[np.isfinite(reach)])) if np.isfinite(reach).any() else 1.0
    if not estimates.size:
        return -1.0, 1.0
    low, high = estimates.min() - REACH * usual, estimates.max() + REACH * usual
    finite = ends[np.isfinite(ends)]
    low, high = max(low, min(finite, default=low)), min(high, max(finite, default=high))
    room = 0.04 * (high - low)
    return min(low, 0.0) - room, max(high, 0.0) + room
