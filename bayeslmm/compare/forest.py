"""Forest plot of a comparison: the REML estimate above the posterior, parameter by parameter."""

from collections.abc import Hashable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.results import style

TITLES = {
    "fixed": "Fixed effects",
    "sd": "Standard deviations between groups and of the residual",
    "cor": "Correlations of group effects",
}


def forest(table: pd.DataFrame, method: str, level: float, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw one panel per kind of parameter.

    Parameters
    ----------
    table
        As `Comparison.table`.
    method
        "REML" or "ML".
    level
        Of the intervals, for the legend.
    axes
        As many axes as there are kinds; None makes a figure.

    Returns
    -------
    ndarray of Axes
    """
    kinds = table["kind"].replace("sigma", "sd")
    present = [k for k in TITLES if (kinds == k).any()]
    if axes is None:
        rows = [int((kinds == k).sum()) for k in present]
        height = 0.9 * len(present) + 0.42 * len(table) + 0.5
        _, axes = plt.subplots(
            len(present),
            1,
            figsize=(7, height),
            height_ratios=[r + 0.6 for r in rows],
            layout="constrained",
            squeeze=False,
        )
    axes = np.ravel(np.asarray(axes, dtype=object))
    for kind, ax in zip(present, axes, strict=True):
        _panel(ax, table[kinds == kind], kind, method)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
        title=f"{100 * level:g}% intervals",
    )
    return axes


def _panel(ax: Axes, rows: pd.DataFrame, kind: str, method: str) -> None:
    y = np.arange(len(rows))[::-1].astype(float)
    reml_error = np.abs(rows[["reml_lower", "reml_upper"]].to_numpy(float).T - rows["reml"].to_numpy(float))
    ax.errorbar(
        rows["reml"].to_numpy(float),
        y + 0.13,
        xerr=np.nan_to_num(reml_error),
        fmt="s",
        ms=5,
        lw=1.6,
        color=style.REML,
        label=method,
    )
    error = np.abs(rows[["lower", "upper"]].to_numpy(float).T - rows["median"].to_numpy(float))
    ax.errorbar(
        rows["median"].to_numpy(float),
        y - 0.13,
        xerr=error,
        fmt="o",
        ms=5,
        lw=1.6,
        color=style.BAYES,
        label="posterior (median)",
    )
    if kind != "sd":
        ax.axvline(0, color="#888888", lw=0.8)
    if kind == "cor":
        ax.set_xlim(-1.08, 1.08)
    if kind == "sd":
        ax.set_xlim(left=0 - 0.02 * float(rows[["reml", "upper"]].max().max()))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    flagged = ["*" if f else "" for f in rows["flag"]]
    names = [_label(row, kind) + mark for row, mark in zip(rows.to_dict("records"), flagged, strict=True)]
    ax.set_yticks(y, names)
    note = "  (* the two differ: see the flags)" if any(flagged) else ""
    style.tidy(ax, TITLES[kind] + note)
    ax.grid(axis="y", visible=False)


def _label(row: dict[Hashable, Any], kind: str) -> str:
    if kind == "fixed":
        return row["term"]
    return "residual" if row["kind"] == "sigma" else f"{row['group']}: {row['term']}"
