"""Pictures of residuals that mixed and linear fits share: against fitted values, and normal Q-Q plots with bands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy import special

from bayeslmm.point.bands import Band, simultaneous_band
from bayeslmm.results import style

NAMED, LARGE, FAR = 8, 1.5, 3.0
EDGE = 800  # points of a band's edges


def against_fitted(
    fitted: np.ndarray, values: np.ndarray, names: Sequence[Any], what: str, width: float, ax: Axes | None
) -> Axes:
    """Residuals (n,) against fitted values (n,); those beyond 3 are named.

    Parameters
    ----------
    names
        (n,): of the rows.
    what
        What residuals they are: "Scaled conditional".
    width, ax
        Of the figure in inches; or the axes to draw into.
    """
    ax = style.new_axes(ax, width, min(0.8 * width, 4.2))
    out = np.abs(values) > FAR
    ax.axhline(0, color=style.ink(), lw=0.8)
    style.points(ax, fitted[~out], values[~out], ms=3, color=style.REML, alpha=0.6)
    style.points(ax, fitted[out], values[out], ms=4.5, color=style.BAYES)
    title = f"{what} residuals: {out.sum()} of {values.size} beyond {FAR:g}"
    style.tidy(ax, style.fold(title, style.room(ax, width)))
    ax.set_xlabel("fitted value", fontsize=9)
    ax.set_ylabel(f"{what.split()[0].lower()} residual", fontsize=9)
    ax.tick_params(labelsize=8)
    worst = [i for i in np.argsort(-np.abs(values)) if out[i]][:NAMED]
    if worst:
        style.name_points(ax, fitted[worst], values[worst], [names[i] for i in worst])
    return ax


def qq(ax: Axes, values: np.ndarray, names: Sequence[Any], level: float, title: str, width: float) -> Band:
    """One normal Q-Q plot of the first column of values (d, S); the band is from all of them."""
    band = simultaneous_band(values, level)
    d = band.values.size
    x = special.ndtri((np.arange(d) + 0.5) / d)
    draw_band(ax, x, band.values, band.lower, band.upper)
    out = np.flatnonzero(band.outside)
    text = f"{title}: {out.size} of {d} outside the {100 * level:g}% band (p = {band.p:.2g})"
    style.tidy(ax, style.fold(text, style.room(ax, width)))
    ax.set_xlabel("normal quantile", fontsize=9)
    ax.tick_params(labelsize=8)
    named = out[np.abs(band.values[out]) > LARGE]
    if named.size:
        worst = named[np.argsort(-np.abs(band.values[named]))][:NAMED]
        style.name_points(ax, x[worst], band.values[worst], [names[band.order[i]] for i in worst])
    return band


def draw_band(ax: Axes, x: np.ndarray, values: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> None:
    """Sorted values with their band around the diagonal; those outside stand out."""
    out = (values < lower) | (values > upper)
    some = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], EDGE)))
    ax.fill_between(x[some], lower[some], upper[some], color=style.NO_POOLING, alpha=style.veil(0.25), lw=0)
    ax.plot([x[0], x[-1]], [x[0], x[-1]], color=style.ink(), lw=0.8)
    style.points(ax, x[~out], values[~out], ms=3, color=style.REML)
    style.points(ax, x[out], values[out], ms=4.5, color=style.BAYES)
