"""Small multiples: the data of each level, and the lines of no, complete and partial pooling over them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.along import Along, all_columns, along
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels, same_limits
from bayeslmm.results.short_names import short_names

MOST = 24
PANEL_INCHES = 1.15
ROOM = 1.0  # inches for a category, upright
LINES = (
    ("complete", style.COMPLETE, ":", 1.5, "complete pooling"),
    ("no_pooling", style.NO_POOLING, "--", 1.3, "no pooling"),
    ("reml", style.REML, "-", 2.6, "partial pooling, REML"),
    ("bayes", style.BAYES, "-", 1.2, "partial pooling, Bayes"),
)


def group_lines(
    table: pd.DataFrame,
    design: Design,
    term: RandomTerm,
    others: Mapping[str, np.ndarray],
    x: str | None,
    axes: Any,
    width: float,
) -> np.ndarray:
    """One panel for each of the first 24 levels.

    Parameters
    ----------
    table
        The rows of `Pooling.table` of this grouping factor.
    others
        By kind of pooling, (n,): what the other grouping factors add to each row; the lines of a level have the mean.
    x
        The variable on the horizontal axis; None chooses.
    axes
        As many axes as there are panels; None makes a figure.
    width
        Of the new figure, in inches.

    Returns
    -------
    ndarray of Axes
    """
    where = along(design, term, x)
    shown = term.levels[:MOST]
    panels, figure = _panels(axes, len(shown), width)
    columns = all_columns(design, term)
    coefficients = _coefficients(table, list(columns))
    room = style.inches(panels[0])
    names = short_names(shown, room, 9)
    for position, (level, ax) in enumerate(zip(shown, panels, strict=True)):
        rows = np.flatnonzero(term.index == position)
        lines = {k: v.loc[level].to_numpy(float) for k, v in coefficients.items()}
        shifts = {k: float(v[rows].mean()) for k, v in others.items()}
        _panel(ax, where, rows, design, columns, lines, shifts)
        ax.set_title(names[position], fontsize=9, loc="left")
    if figure is not None:
        _finish(figure, panels, where, design, term, width, room)
    else:
        same_limits(panels)
    return panels


def _panels(axes: Any, count: int, width: float) -> tuple[np.ndarray, Figure | None]:
    columns = _column_count(count, max(1, int(width / PANEL_INCHES)))
    rows = -(-count // columns)
    height = max(1.6, 0.85 * width / columns) * rows + 0.9
    shape, size = (rows, columns), (width, height)
    panels, figure = new_panels(axes, count, shape, size, "plot_lines", sharex=True, sharey=True)
    for ax in panels[max(0, count - columns) :]:
        ax.xaxis.set_tick_params(labelbottom=True)
    return panels, figure


def _column_count(count: int, fit: int) -> int:
    """Columns that leave few panels empty, at most 6 and no more than fit."""
    most = min(fit, 6)
    if count <= min(most, 5):
        return count
    return min(range(min(3, most), most + 1), key=lambda c: (-count % c > c // 3, abs(c - np.sqrt(1.5 * count)), c))


def _coefficients(table: pd.DataFrame, names: list[str]) -> dict[str, pd.DataFrame]:
    """Coefficients (J, c) of each kind of pooling; the complete one has no effects beside the fixed ones."""
    kinds = [kind for kind, *_ in LINES if kind in table]
    found = {kind: table.pivot(index="level", columns="term", values=kind)[names] for kind in kinds}
    found["complete"] = found["complete"].fillna(0.0)
    return found


def _panel(
    ax: Axes,
    where: Along,
    rows: np.ndarray,
    design: Design,
    columns: dict[str, np.ndarray],
    lines: dict[str, np.ndarray],
    shifts: dict[str, float],
) -> None:
    ax.plot(where.values[rows], design.y[rows] - design.offset[rows], "o", ms=3.5, color=style.ink(), alpha=0.75)
    at, X = where.path(rows, columns)
    marker = "." if where.categories else ""
    for kind, colour, dash, lw, label in LINES:
        if kind in lines and np.isfinite(lines[kind][(X != 0).any(axis=0)]).all():
            fitted = X @ np.nan_to_num(lines[kind]) + shifts.get(kind, 0.0)
            alpha = 0.55 if kind == "reml" else 1.0
            ax.plot(at, fitted, ls=dash, lw=lw, marker=marker, color=colour, alpha=alpha, label=label)
    style.tidy(ax, "")
    if where.categories:
        ax.set_xlim(-0.4, len(where.categories) - 0.6)
        ax.set_xticks(range(len(where.categories)), short_names(where.categories, ROOM))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=8)


def _finish(
    figure: Figure, panels: np.ndarray, where: Along, design: Design, term: RandomTerm, width: float, room: float
) -> None:
    hidden = f" (the first {MOST} of {term.n_levels})" if term.n_levels > MOST else ""
    title = f"{design.response} by {term.group}: each level alone, all together, and partially pooled{hidden}"
    figure.suptitle(style.fold(title, width), x=0.01, ha="left", fontsize=10)
    figure.supylabel(design.response, fontsize=9)
    bottom = [ax for ax in panels if ax.xaxis.get_tick_params()["labelbottom"]]
    for ax in bottom:
        ax.set_xlabel(style.fold(where.label, room, 9), fontsize=9)
        if sum(len(c) + 1 for c in where.categories) > 13 * ax.get_window_extent().width / figure.dpi:
            ax.tick_params(axis="x", rotation=90)
    handles = {label: h for ax in panels for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    order = [label for *_, label in LINES if label in handles]
    figure.legend(
        [handles[label] for label in order],
        order,
        loc="outside lower center",
        ncols=len(order) if width > 5 else 2,
        frameon=False,
        fontsize=8,
    )
