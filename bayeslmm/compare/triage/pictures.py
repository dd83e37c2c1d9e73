"""Pictures of a reanalysis: an effect under all analyses, the posterior of the variances, profiles of the criterion."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayeslmm.compare.triage.alternatives import labels_of, why_not
from bayeslmm.compare.triage.posterior_part import parameter_columns, typical
from bayeslmm.compare.triage.verdict import POSTERIOR
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.profile import Curve
from bayeslmm.results import style
from bayeslmm.results.panels import headline, new_panels
from bayeslmm.results.short_names import short_names, two_lines

if TYPE_CHECKING:
    from bayeslmm.compare.triage.reanalysis import Reanalysis

MOST = 12
NARROW = 5.0
LINES = 5  # of the title of a panel, before there are fewer panels side by side
BETWEEN = 0.4  # inches of a panel's width that its title has not
NAMES = 0.42  # share of the width for the names of analyses


def forest(found: "Reanalysis", effect: str | None, ax: Axes | None, width: float) -> Axes:
    """Estimate and interval of one effect, analysis by analysis, the fit at the top and the posterior at the bottom."""
    names = labels_of(found.effects)
    if not names:
        raise ArgumentError("plot: this model has no fixed effects to compare; see plot_posterior()")
    chosen = names[0] if effect is None else effect
    if chosen not in names:
        raise ArgumentError(f"plot: no effect `{chosen}` was compared{did_you_mean(str(chosen), names)}")
    rows = found.effects[found.effects["effect"] == chosen]
    labels = _labels(rows["analysis"].tolist(), NAMES * (0.85 * width if ax is None else style.room(ax, width)))
    title = _forest_title(found, chosen)
    ax = style.new_axes(ax, width, _forest_height(labels, title, width))
    first = rows["conclusion"].iloc[0]
    ax.axvline(0, color=style.ink(), lw=0.8)
    ax.axvline(rows["estimate"].iloc[0], color=style.REML, lw=0.6, ls=":")
    for y, row in zip(np.arange(len(rows))[::-1], rows.to_dict("records"), strict=True):
        _interval(ax, float(y), row, bool(why_not(found.alternatives, row["analysis"])))
    marks = [_mark(found, row, first) for row in rows.to_dict("records")]
    ticks = [label + m for label, m in zip(labels, marks, strict=True)]
    ax.set_yticks(np.arange(len(rows))[::-1], ticks)
    ax.tick_params(labelsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(4 if width < NARROW else 7, steps=[1, 2, 5, 10]))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    style.tidy(ax, title)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(style.fold(f"{chosen}, {100 * found.level:g}% interval", style.inches(ax), 9), fontsize=9)
    style.fold_titles(np.array([ax]))
    return ax


def _forest_height(labels: list[str], title: str, width: float) -> float:
    """Inches that names of several lines and a long title need."""
    lines = 1 + max(label.count("\n") for label in labels)
    above = style.fold(title, (1 - NAMES) * width, 10).count("\n")
    return max(0.26, 0.06 + 0.14 * lines) * len(labels) + 0.9 + 0.17 * max(2, above)


def _labels(analyses: list[str], inches: float) -> list[str]:
    """Names of the analyses in this room; in several lines where they could not be told apart in one."""
    short = short_names(analyses, inches)
    fitting = all(style.text_points(name, 8) <= 72 * inches for name in short)
    return short if fitting else two_lines(analyses, inches)


def _mark(found: "Reanalysis", row: dict[Any, Any], first: str) -> str:
    """A star at another conclusion, in brackets where the analysis does not count."""
    if row["conclusion"] == first:
        return ""
    return " (*)" if why_not(found.alternatives, row["analysis"]) else " *"


def _interval(ax: Axes, y: float, row: dict[Any, Any], faint: bool) -> None:
    bayes = row["analysis"] == POSTERIOR
    color = style.BAYES if bayes else style.NO_POOLING if faint else style.REML
    ax.plot([row["lower"], row["upper"]], [y, y], color=color, lw=1.6)
    ax.plot(row["estimate"], y, "o" if bayes else "s", color=color, ms=5, mfc=style.paper() if faint else color)


def _forest_title(found: "Reanalysis", name: str) -> str:
    told = found.verdict.conclusions.loc[name]
    words = {True: "the same conclusion under all analyses", False: "the conclusion depends on the analysis (*)"}
    same = words[bool(told["same"])]
    if told["same"] and not told["everywhere"]:
        same = "the same conclusion but for models that the data speak against (grey)"
    return f"{name}: {same}"


def variances(found: "Reanalysis", width: float, given: Any = None) -> np.ndarray:
    """One panel for each sd and correlation, at most twelve: draws, estimate, and what counts as near the boundary."""
    table, values = found.posterior.table, parameter_columns(found.posterior.post.draws)
    every = np.flatnonzero(table["kind"].isin(["sd", "cor"]))
    shown = every[:MOST]
    titles = [f"{table.index[j]}\n{100 * table['near'].iloc[j]:.0f}% near the boundary" for j in shown]
    axes, figure = _panels(given, titles, width, "plot_posterior")
    method = "REML" if found.fit.reml else "ML"
    for ax, j, title in zip(axes, shown, titles, strict=True):
        row = table.iloc[j]
        _variance(ax, row, values[:, j], _edge(found, row))
        _titled(ax, title)
        ax.grid(axis="y", visible=False)
    part = f" ({MOST} of {len(every)})" if len(every) > MOST else ""
    title = f"Posterior of the sds and correlations{part}; the line is the {method} estimate"
    headline(figure, axes, title, 0.95 * width)
    style.fold_titles(axes)
    return axes


def _variance(ax: Axes, row: pd.Series, draws: np.ndarray, edge: float) -> None:
    low, high = (-1.0, 1.0) if row["kind"] == "cor" else (0.0, float(np.quantile(draws, 0.99)))
    bins = np.linspace(low, max(high, 1.1 * float(np.nan_to_num(row["reml"]))), 41)
    counts, edges, patches = ax.hist(draws, bins.tolist(), color=style.BAYES, alpha=style.veil(0.35))
    for patch, left, right in zip(np.ravel(np.asarray(patches, dtype=object)), edges[:-1], edges[1:], strict=True):
        middle = (left + right) / 2
        if (row["kind"] == "sd" and middle < edge) or (row["kind"] == "cor" and abs(middle) > edge):
            patch.set(alpha=0.9)
    if np.isfinite(row["reml"]):
        ax.plot([row["reml"]] * 2, [0, 1.05 * float(np.max(counts))], color=style.REML, lw=2, clip_on=False)
    ax.set(yticks=[], ylim=(0, 1.1 * float(np.max(counts))))
    if row["kind"] == "cor":
        ax.set(xlim=(-1.05, 1.05), xticks=[-1, 0, 1])
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=8)


def _edge(found: "Reanalysis", row: pd.Series) -> float:
    """Where the neighbourhood of the boundary ends, the residual sd at its median."""
    part = found.posterior
    if row["kind"] == "cor":
        return 1 - part.near
    term = next(t for t in found.fit.design.terms if t.group == row["group"])
    return part.near * float(np.median(part.post.draws.sigma)) / float(typical(term)[term.effects.index(row["term"])])


def _titled(ax: Axes, title: str) -> None:
    style.tidy(ax, "")
    ax.set_title(title, loc="left", fontsize=9)


def profiles(found: "Reanalysis", width: float, given: Any = None) -> np.ndarray:
    """One panel for each sd and correlation, at most twelve: the rise of the criterion, with the cutoff."""
    part = found.singular
    if not part.curves:
        raise ArgumentError("plot_profile: the profiles of this model cost too much; see fit.profile(parm=...)")
    curves = list(part.curves.items())[:MOST]
    axes, figure = _panels(given, [name for name, _ in curves], width, "plot_profile")
    for ax, (name, curve) in zip(axes, curves, strict=True):
        _profile(ax, curve, part.rise)
        _titled(ax, name)
    some = f" ({MOST} of {len(part.curves)})" if len(part.curves) > MOST else ""
    title = f"How far each can go{some} before the {part.criterion} rises by {part.rise:.3g}"
    headline(figure, axes, title, 0.95 * width)
    style.fold_titles(axes)
    return axes


def _profile(ax: Axes, curve: Curve, rise: float) -> None:
    x = np.linspace(curve.value[0], curve.value[-1], 121)
    ax.plot(x, curve.at(x) ** 2, color=style.REML, lw=1.6)
    ax.axhline(rise, color=style.ink(), lw=0.8, ls="--")
    if np.isfinite(curve.estimate):
        ax.plot(curve.estimate, 0, "s", color=style.REML, ms=5, clip_on=False, zorder=3)
    ax.set_ylim(0, 1.25 * rise)
    if curve.parameter.kind == "cor":
        ax.set(xlim=(-1.05, 1.05), xticks=[-1, 0, 1])
    else:
        ax.set_xlim(left=0)
    ax.tick_params(labelsize=8)


def _panels(given: Any, titles: list[str], width: float, caller: str) -> tuple[np.ndarray, Figure | None]:
    """As many columns as leave each title few lines, rows as high as these need."""
    most = min(len(titles), 2 if width < NARROW else 3)
    lines = {c: max(style.fold(t, width / c - BETWEEN, 9).count("\n") + 1 for t in titles) for c in range(1, most + 1)}
    columns = max((c for c in lines if lines[c] <= LINES), default=1)
    rows = -(-len(titles) // columns)
    size = (width, max(1.7, 1.2 + 0.15 * lines[columns]) * rows + 0.5)
    return new_panels(given, len(titles), (rows, columns), size, caller)
