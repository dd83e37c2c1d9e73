"""Forest plot of a comparison: the REML estimate above the posterior, parameter by parameter."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.results import style
from bayeslmm.results.panels import new_panels
from bayeslmm.results.short_names import two_lines

NAMES = 0.4  # share of the width for the names of parameters
TITLES = {
    "intercept": "Intercept",
    "fixed": "Fixed effects",
    "sd": "Standard deviations",
    "cor": "Correlations",
}


def forest(table: pd.DataFrame, method: str, level: float, axes: Any = None, width: float = 7.0) -> np.ndarray:
    """Draw one panel per kind of parameter; the intercept has its own where other coefficients would be dwarfed.

    Parameters
    ----------
    table
        As `Comparison.table`.
    method
        "REML" or "ML".
    level
        Of the intervals, for the legend.
    axes
        As many axes as there are panels; None makes a figure.
    width
        Of the new figure, in inches.

    Returns
    -------
    ndarray of Axes
    """
    panel = _panels(table)
    present = [k for k in TITLES if (panel == k).any()]
    rows = [int((panel == k).sum()) for k in present]
    size = (width, 0.75 * len(present) + 0.36 * len(table) + 0.6)
    ratios = [r + 0.5 for r in rows]
    panels, figure = new_panels(axes, len(present), (len(present), 1), size, "plot", height_ratios=ratios)
    for kind, ax in zip(present, panels, strict=True):
        _panel(ax, table[panel == kind], kind, method, level, 4 if width < 5 else 6)
    if figure is not None:
        handles, labels = panels[0].get_legend_handles_labels()
        columns = 2 if width > 5 else 1
        note = "* see the flags" if table["flag"].any() else None
        look = {"fontsize": 9, "title_fontsize": 9}
        figure.legend(handles, labels, title=note, loc="outside lower center", ncols=columns, frameon=False, **look)
    return panels


def _panels(table: pd.DataFrame) -> pd.Series:
    """Which panel each row belongs to."""
    panel = table["kind"].replace("sigma", "sd")
    intercept = (panel == "fixed") & (table["term"] == "(Intercept)")
    others = (panel == "fixed") & ~intercept
    ends = table[["reml_lower", "reml_upper", "lower", "upper"]].to_numpy(dtype=float)
    reach = np.nanmax(np.abs(ends), axis=1, initial=0.0)
    if intercept.any() and others.any() and reach[intercept].max() > 3 * reach[others].max():
        panel = panel.mask(intercept, "intercept")
    return panel


def _panel(ax: Axes, rows: pd.DataFrame, kind: str, method: str, level: float, ticks: int) -> None:
    y = np.arange(len(rows))[::-1].astype(float)
    look: dict[str, Any] = {"ms": 5, "lw": 1.6}
    reml, median = rows["reml"].to_numpy(float), rows["median"].to_numpy(float)
    error = np.abs(rows[["lower", "upper"]].to_numpy(float).T - median)
    of_fit, of_posterior = (f"{what}, {100 * level:g}% interval" for what in (method, "posterior median"))
    ax.errorbar(reml, y + 0.14, xerr=_distances(rows), fmt="s", color=style.REML, label=of_fit, **look)
    ax.errorbar(median, y - 0.14, xerr=error, fmt="o", color=style.BAYES, label=of_posterior, **look)
    _scale(ax, rows, kind, ticks)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    flagged = ["*" if f else "" for f in rows["flag"]]
    names = [_label(row, kind) + mark for row, mark in zip(rows.to_dict("records"), flagged, strict=True)]
    ax.set_yticks(y, two_lines(names, NAMES * style.inches(ax), 9))
    ax.tick_params(labelsize=9)
    style.tidy(ax, TITLES[kind])
    ax.grid(axis="y", visible=False)


def _scale(ax: Axes, rows: pd.DataFrame, kind: str, ticks: int) -> None:
    """Ticks, and the limits that the kind of parameter has."""
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    if kind in ("fixed", "cor"):
        ax.axvline(0, color=style.ink(), lw=0.8)
    if kind == "cor":
        ax.set(xlim=(-1.08, 1.08), xticks=[-1, 0, 1] if ticks < 5 else [-1, -0.5, 0, 0.5, 1])
    if kind == "sd":
        ends = rows[["reml", "upper", "reml_upper"]].to_numpy(float)
        reach = float(ends[np.isfinite(ends)].max())
        ax.set_xlim(-0.02 * reach, 1.05 * reach)


def _distances(rows: pd.DataFrame) -> np.ndarray:
    """(2, r): from the estimate to the ends of its interval; 0 where there is none, far where it has no end."""
    ends = rows[["reml_lower", "reml_upper"]].to_numpy(float).T
    found = np.nan_to_num(np.abs(ends - rows["reml"].to_numpy(float)), posinf=np.inf)
    return np.where(np.isinf(found), 1e3 * max(float(rows["upper"].max()), 1.0), found)


def _label(row: dict[Hashable, Any], kind: str) -> str:
    if kind in ("fixed", "intercept"):
        return row["term"]
    return "residual" if row["kind"] == "sigma" else f"{row['group']}: {row['term']}"
