"""The page of `post.check().plot()`: observed data in dark, data of the model in orange."""

from typing import TYPE_CHECKING, Any

import numpy as np
from arviz_stats.base import array_stats
from matplotlib.axes import Axes

from bayeslmm.design import RandomTerm
from bayeslmm.point.bands import simultaneous_band
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels
from bayeslmm.results.short_names import short_names

if TYPE_CHECKING:
    from bayeslmm.results.posterior_check import PosteriorCheck
    from bayeslmm.results.posterior_replicates import Replicates

NARROW, CURVES, BINS, LEVEL = 5.0, 40, 12, 0.95
SMOOTH = {"extend": True, "bound_correction": False}
NAMES = 0.52  # share of a panel for the names of statistics
PANELS = ("density", "loo_pit", "means", "sds", "residuals", "statistics")


def page(check: "PosteriorCheck", width: float, axes: Any = None) -> dict[str, Axes]:
    """Draw the page and return its axes by panel."""
    columns = 1 if width < NARROW else 2
    rows = len(PANELS) // columns
    panels, _ = new_panels(axes, len(PANELS), (rows, columns), (width, 2.6 * rows), "check().plot")
    out = dict(zip(PANELS, panels, strict=True))
    inches, term = width / columns - 0.75, check.shown_term
    _density(out["density"], check.replicates, inches)
    _pit(out["loo_pit"], check, inches)
    _levels(out["means"], check, term, "means", inches)
    _levels(out["sds"], check, term, "sds", inches)
    _residuals(out["residuals"], check.replicates, inches)
    _statistics(out["statistics"], check, inches)
    for name, ax in out.items():
        ax.tick_params(labelsize=8)
        if name != "statistics":
            ax.locator_params(nbins=5, steps=[1, 2, 5, 10])
        ax.xaxis.label.set_size(9)
        ax.yaxis.label.set_size(9)
    return out


def _density(ax: Axes, data: "Replicates", inches: float) -> None:
    for y in data.same[:: max(1, len(data.same) // CURVES)]:
        x, density, *_ = array_stats.kde(y, **SMOOTH)
        ax.plot(x, density, color=style.BAYES, lw=0.6, alpha=0.35)
    x, density, *_ = array_stats.kde(data.y, **SMOOTH)
    ax.plot(x, density, color=style.ink(), lw=1.8)
    ax.text(0.98, 0.95, "observed", color=style.ink(), ha="right", va="top", fontsize=8, transform=ax.transAxes)
    ax.text(
        0.98,
        0.86,
        "data of the model",
        color=style.readable(style.BAYES),
        ha="right",
        va="top",
        fontsize=8,
        transform=ax.transAxes,
    )
    style.tidy(ax, style.fold("Responses, same levels", inches), xlabel="response", ylabel="density")
    ax.set_ylim(bottom=0)


def _pit(ax: Axes, check: "PosteriorCheck", inches: float) -> None:
    pit = check.loo.pit if check.loo is not None else None
    if pit is None:
        style.tidy(ax, "LOO-PIT")
        ax.text(0.5, 0.5, "a row cannot be left out", ha="center", fontsize=9, transform=ax.transAxes)
        return
    uniform = np.random.default_rng(0).uniform(size=(pit.size, 499))
    band = simultaneous_band(np.column_stack([pit, uniform]), LEVEL)
    x = (np.arange(pit.size) + 0.5) / pit.size
    ax.fill_between(x, band.lower - x, band.upper - x, color=style.NO_POOLING, alpha=style.veil(0.25), lw=0)
    ax.axhline(0, color=style.NO_POOLING, lw=0.8)
    ax.plot(x, band.values - x, color=style.ink(), lw=1.4)
    out = band.outside
    ax.plot(x[out], (band.values - x)[out], "o", ms=3.5, color=style.BAYES)
    title = f"LOO-PIT: {out.sum()} of {pit.size} rows outside"
    style.tidy(ax, style.fold(title, inches), xlabel="expected", ylabel="observed less expected")


def _levels(ax: Axes, check: "PosteriorCheck", term: RandomTerm | None, what: str, inches: float) -> None:
    """Sorted means or sds of the levels, with the band of new levels."""
    values = None if term is None else check.of_levels(term, what)
    if term is None or values is None or values.shape[0] < 2:
        style.tidy(ax, style.fold(f"{what.capitalize()} of groups", inches))
        ax.text(0.5, 0.5, "too few levels or rows", ha="center", fontsize=9, transform=ax.transAxes)
        return
    band = simultaneous_band(values, LEVEL)
    rank = np.arange(1, band.values.size + 1)
    ax.fill_between(rank, band.lower, band.upper, color=style.BAYES, alpha=style.veil(0.25), lw=0)
    out = band.outside
    ax.plot(rank[~out], band.values[~out], "o", ms=3.5, color=style.ink())
    ax.plot(rank[out], band.values[out], "D", ms=4.5, color=style.BAYES)
    title = f"{what.capitalize()} of {term.group}, new levels: {out.sum()} of {rank.size} outside"
    style.tidy(ax, style.fold(title, inches), xlabel="level, by size", ylabel=what[:-1] + " of the response")


def _residuals(ax: Axes, data: "Replicates", inches: float) -> None:
    """Residuals against the expectation, and their means in bins with what the model gives."""
    root = np.sqrt(data.weights)
    x, e = data.eta.mean(axis=0), (data.y - data.eta.mean(axis=0)) * root
    ax.axhline(0, color=style.ink(), lw=0.8)
    style.points(ax, x, e, ms=2.5, color=style.ink(), alpha=0.5)
    order = np.argsort(x, kind="stable")
    parts = np.array_split(order, min(BINS, max(2, x.size // 5)))
    middle = np.array([x[part].mean() for part in parts])
    replicated = (data.same - data.eta) * root
    spread = np.array([np.quantile(np.sqrt((replicated[:, part] ** 2).mean(axis=1)), [0.025, 0.975]) for part in parts])
    size = np.array([np.sqrt((e[part] ** 2).mean()) for part in parts])
    for sign in (-1, 1):
        ax.fill_between(
            middle, sign * spread[:, 0], sign * spread[:, 1], color=style.BAYES, alpha=style.veil(0.25), lw=0
        )
        ax.plot(middle, sign * size, color=style.ink(), lw=1.4)
    title = "Residuals: spread (line) and that of the model (band)"
    style.tidy(ax, style.fold(title, inches), xlabel="expectation", ylabel="residual")


def _statistics(ax: Axes, check: "PosteriorCheck", inches: float) -> None:
    """Where the observed statistics lie among the replicated ones: in sds from their mean."""
    table = check.table.iloc[::-1]
    half = (table["upper"] - table["lower"]).to_numpy() / 2
    middle = table["replicated"].to_numpy()
    scale = np.where(half > 0, half / 1.96, 1.0)
    z = np.clip((table["observed"].to_numpy() - middle) / scale, -5, 5)
    low, high = ((table[c].to_numpy() - middle) / scale for c in ("lower", "upper"))
    at = np.arange(len(table))
    ax.hlines(at, low, high, color=style.BAYES, lw=5, alpha=style.veil(0.3))
    off = table["p"].to_numpy() <= 0.05
    ax.plot(z[~off], at[~off], "o", ms=4, color=style.ink())
    ax.plot(z[off], at[off], "D", ms=5, color=style.BAYES)
    texts = [f"{name} ({group})" if group else name for name, group in table.index]
    for y, text in zip(at, short_names(texts, NAMES * inches, 7.5), strict=True):
        ax.text(-12.7, float(y), text, fontsize=7.5, color=style.ink(), va="center")
    ax.set_yticks([])
    ax.set_xticks([-4, -2, 0, 2, 4])
    ax.set_xlim(-13, 5.3)
    title = f"Test statistics: {off.sum()} of {len(table)} with p below 0.05"
    style.tidy(ax, style.fold(title, inches), xlabel="sds of the replicated ones")
