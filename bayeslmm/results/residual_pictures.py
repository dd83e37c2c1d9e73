"""Pictures of residuals group by group: box plots, and small multiples against fitted values."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style
from bayeslmm.results.panels import headline, new_panels, same_limits
from bayeslmm.results.short_names import short_names

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

MOST_BOXES, MOST_PANELS, BEYOND = 60, 24, 2.0
NAMES, WORST = 0.4, 2.0  # share of a panel for the names of levels; inches for that in the title


def group_term(fit: "Fit", group: str | None, caller: str) -> RandomTerm:
    """The term of a grouping factor; by default the one with the most rows a level that still has several levels.

    Raises
    ------
    ArgumentError
        No grouping factor of this name, or none at all.
    """
    terms = {t.group: t for t in fit.design.terms}
    if not terms:
        raise ArgumentError(f"{caller}: the model has no grouping factor")
    if group is None:
        return next(iter(terms.values()))
    if group not in terms:
        raise ArgumentError(f"{caller}: no grouping factor `{group}`" + did_you_mean(str(group), list(terms)))
    return terms[group]


def boxes(fit: "Fit", term: RandomTerm, width: float, ax: Axes | None) -> Axes:
    """Box plots of scaled residuals by level, the widest on top."""
    values = fit.residuals("scaled")
    parts = [values[term.index == j] for j in range(term.n_levels)]
    spread = np.array([part.std() for part in parts])
    order = np.argsort(spread, kind="stable")[-MOST_BOXES:]
    room = NAMES * (width if ax is None else style.inches(ax))
    ax = style.new_axes(ax, width, float(np.clip(0.17 * order.size + 0.9, 1.8, 9)))
    look = {"color": style.REML, "linewidth": 0.9}
    ax.axvline(0, color=style.ink(), lw=0.8)
    ax.boxplot(
        [parts[j] for j in order],
        orientation="horizontal",
        widths=0.6,
        tick_labels=short_names([term.levels[j] for j in order], room),
        boxprops=look,
        whiskerprops=look,
        capprops=look,
        medianprops={"color": style.ink(), "linewidth": 1.6},
        flierprops={"marker": "o", "markersize": 3, "markeredgecolor": style.BAYES},
    )
    shown = "" if order.size == term.n_levels else f", the {order.size} widest of {term.n_levels}"
    worst = short_names(term.levels, WORST, 10)[order[-1]]
    far = f"{term.group} {worst} spreads most (sd {spread[order[-1]]:.2g})"
    style.tidy(ax, f"Scaled residuals by {term.group}{shown}: {far}")
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("scaled residual", fontsize=9)
    ax.tick_params(labelsize=8)
    if not style.names_fit(ax, order.size):
        ax.set_yticks([])
    style.fold_titles(np.array([ax]))
    return ax


def by_group(fit: "Fit", term: RandomTerm, width: float, axes: Any = None) -> np.ndarray:
    """Scaled residuals against fitted values, one panel for each level, those with the largest residuals first."""
    values, fitted = fit.residuals("scaled"), fit.fitted
    largest = np.array([np.abs(values[term.index == j]).max() for j in range(term.n_levels)])
    order = np.argsort(-largest, kind="stable")[:MOST_PANELS]
    columns = min(order.size, 3 if width < 5 else 6)
    rows = -(-order.size // columns)
    size = (width, 1.15 * rows + 0.8)
    flat, figure = new_panels(axes, order.size, (rows, columns), size, "by_group", sharex=True, sharey=True)
    room = width / columns - 0.15 if figure is not None else style.inches(flat[0])
    names = short_names([term.levels[j] for j in order], room)
    for j, name, ax in zip(order, names, flat, strict=True):
        own = term.index == j
        out = np.abs(values[own]) > BEYOND
        ax.axhline(0, color=style.ink(), lw=0.8)
        ax.plot(fitted[own][~out], values[own][~out], "o", ms=3, color=style.REML, alpha=0.7)
        ax.plot(fitted[own][out], values[own][out], "o", ms=3.5, color=style.BAYES)
        style.tidy(ax, "")
        ax.set_title(name, loc="left", fontsize=8)
        ax.tick_params(labelsize=7)
    shown = "" if order.size == term.n_levels else f", the first {order.size} of {term.n_levels}"
    count = int((np.abs(values) > BEYOND).sum())
    title = f"Scaled residuals by {term.group}{shown}: {count} of {values.size} beyond {BEYOND:g}"
    headline(figure, flat, title, 0.9 * width)
    if figure is None:
        same_limits(flat)
        flat[-1].set_xlabel("fitted value", fontsize=9)
        flat[0].set_ylabel("scaled residual", fontsize=9)
    else:
        figure.supxlabel("fitted value", fontsize=9)
        figure.supylabel("scaled residual", fontsize=9)
    return flat
