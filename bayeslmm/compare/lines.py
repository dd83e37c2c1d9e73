"""Small multiples: the data of each level, and the lines of no, complete and partial pooling over them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style

MOST = 24
LINES = (
    ("complete", style.COMPLETE, ":", "complete pooling"),
    ("no_pooling", style.NO_POOLING, "--", "no pooling"),
    ("reml", style.REML, "-", "partial pooling, REML"),
    ("bayes", style.BAYES, "-", "partial pooling, Bayes"),
)


def group_lines(
    table: pd.DataFrame, design: Design, term: RandomTerm, x: str | None, axes: np.ndarray | None
) -> np.ndarray:
    """One panel for each of the first 24 levels; other coefficients are held at their columns' means in the level."""
    x = _predictor(design, term, x)
    shown = term.levels[:MOST]
    if axes is None:
        columns = min(len(shown), 5 if len(shown) <= 10 else 6)
        rows = -(-len(shown) // columns)
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(7.2, 1.75 * rows + 0.7),
            sharex=True,
            sharey=True,
            layout="constrained",
            squeeze=False,
        )
        figure.suptitle(
            f"{design.response} by {term.group}: each group alone, together, and partially pooled",
            x=0.01,
            ha="left",
            fontsize=10,
        )
        figure.supxlabel(x, fontsize=9)
        figure.supylabel(design.response, fontsize=9)
    axes = np.ravel(np.asarray(axes, dtype=object))
    names = list(dict.fromkeys(table["term"]))
    values = {
        kind: table.pivot(index="level", columns="term", values=kind)[names] for kind, *_ in LINES if kind in table
    }
    for position, (level, ax) in enumerate(zip(shown, axes, strict=False)):
        _panel(ax, design, term, position, x, names, {k: v.loc[level].to_numpy(float) for k, v in values.items()})
        ax.set_title(f"{level}", fontsize=9, loc="left")
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
    return axes


def _predictor(design: Design, term: RandomTerm, x: str | None) -> str:
    numeric = [n for n in dict.fromkeys([*term.effects, *design.coef_names]) if n != "(Intercept)"]
    if x is None:
        if not numeric:
            raise ArgumentError("there is no predictor to draw lines against: the model has an intercept only")
        return numeric[0]
    if x not in numeric:
        raise ArgumentError(f"no coefficient `{x}` to draw lines against" + did_you_mean(x, numeric))
    return x


def _columns(design: Design, term: RandomTerm, names: list[str], rows: np.ndarray) -> np.ndarray:
    fixed = dict(zip(design.coef_names, design.X.T, strict=True))
    own = dict(zip(term.effects, term.Z.T, strict=True))
    return np.column_stack([(fixed[n] if n in fixed else own[n])[rows] for n in names])


def _panel(
    ax: plt.Axes, design: Design, term: RandomTerm, level: int, x: str, names: list[str], lines: dict[str, np.ndarray]
) -> None:
    rows = np.flatnonzero(term.index == level)
    X = _columns(design, term, names, rows)
    at = names.index(x)
    everywhere = _columns(design, term, [x], np.arange(design.n))[:, 0]
    grid = np.array([everywhere.min(), everywhere.max()])
    means = X.mean(axis=0)
    ends = np.tile(means, (2, 1))
    ends[:, at] = grid
    ax.plot(X[:, at], design.y[rows] - design.offset[rows], "o", ms=3.5, color=style.DATA, alpha=0.75)
    for kind, colour, dash, label in LINES:
        if kind in lines and np.isfinite(lines[kind][means != 0]).all():
            coefficients = np.nan_to_num(lines[kind])
            ax.plot(grid, ends @ coefficients, ls=dash, lw=1.5, color=colour, label=label)
    style.tidy(ax, "")
