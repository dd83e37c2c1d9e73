"""Pooling factors against the number of rows: small levels borrow most.

For a single random intercept, rows of weight one and no other grouping factor, `Var(b | y, beta) / Var(b)` is
1 / (1 + n theta^2) exactly, with theta the ratio of the sds: the curve.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.design import Design, RandomTerm
from bayeslmm.results import style
from bayeslmm.results.short_names import short_names

MARKERS = ("o", "s", "D", "^", "v", "P")
FEW_LEVELS = 12
SPREAD = 0.25


def factor_against_rows(
    table: pd.DataFrame, term: RandomTerm, theta: float | None, ax: Axes | None, width: float
) -> Axes:
    """One point for each level and effect.

    Parameters
    ----------
    table
        The rows of `Pooling.table` of this grouping factor.
    theta
        sd of the effects over the residual sd where the curve holds; None for no curve.
    """
    own_figure = ax is None
    ax = style.new_axes(ax, width, min(0.62 * width + 0.9, 4.4))
    own = table[table["pooling_factor"].notna()]
    n = own.groupby("level")["n"].first().reindex(list(term.levels)).to_numpy(float)
    jitter = SPREAD * np.linspace(-1, 1, term.n_levels) if np.ptp(n) == 0 else np.zeros(term.n_levels)
    _effects(ax, own, term, n + jitter)
    if theta is not None:
        at = np.linspace(max(0.0, n.min() - 1), n.max() + 1, 200)
        ax.plot(at, 1 / (1 + at * theta**2), "--", lw=1, color=style.ink(), label="1 / (1 + n theta²)", zorder=1)
    ax.set_ylim(-0.04, 1.04)
    ax.set_xlim(n.min() - 1, n.max() + 1)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.axhline(1, color=style.NO_POOLING, lw=0.8)
    ax.axhline(0, color=style.NO_POOLING, lw=0.8)
    label = f"rows of the level of {term.group}" + (" (side by side)" if jitter.any() else "")
    ax.set_xlabel(style.fold(label, min(0.75 * width, style.inches(ax)), 9), fontsize=9)
    ax.set_ylabel("pooling factor\n0: own data     1: the mean", fontsize=9)
    ax.tick_params(labelsize=8)
    title = _title(own, term, n)
    if own_figure:
        _around(ax, title, width)
    style.tidy(ax, "" if own_figure else style.fold(title, style.room(ax, width)))
    if term.n_levels <= FEW_LEVELS and term.k == 1:
        at_level = own.set_index("level")["pooling_factor"].reindex(list(term.levels))
        style.name_points(ax, n + jitter, at_level.to_numpy(float), short_names(term.levels, 1.2))
    return ax


def _effects(ax: Axes, own: pd.DataFrame, term: RandomTerm, x: np.ndarray) -> None:
    """The points of each effect, its levels at x (J,)."""
    colours = style.series()
    for i, effect in enumerate(term.coefficients):
        factor = own[own["term"] == effect].set_index("level")["pooling_factor"].reindex(list(term.levels))
        look: dict[str, Any] = {"color": colours[i % 6], "marker": MARKERS[i % 6], "alpha": 0.75, "ls": ""}
        ax.plot(x, factor, label=effect, ms=max(3.0, 7.0 - 1.5 * i), **look)


def _around(ax: Axes, title: str, width: float) -> None:
    """Legend and title of a figure of its own."""
    handles, labels = ax.get_legend_handles_labels()
    ncols = min(len(labels), 2 if width < 5 else 4)
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=ncols, frameon=False, fontsize=8)
    ax.figure.suptitle(style.fold(title, width), x=0.01, ha="left", fontsize=10)


def _title(own: pd.DataFrame, term: RandomTerm, n: np.ndarray) -> str:
    if (own["pooling_factor"] > 1 - 1e-6).all():
        return f"{term.group}: no variance between levels is estimated, so that all are pooled completely"
    if np.ptp(n) == 0:
        return f"{term.group}: how much each level borrows; all have {n[0]:.0f} rows"
    return f"{term.group}: the fewer rows a level has, the more it borrows from the others"


def curve(design: Design, term: RandomTerm, sd: float, sigma: float) -> float | None:
    """Theta where 1 / (1 + n theta^2) is exact, None elsewhere."""
    alone = len(design.terms) == 1 and term.effects == ("(Intercept)",) and not design.has_weights
    return sd / sigma if alone and sd > 0 else None
