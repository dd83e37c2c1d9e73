"""Pictures of planning: curves of power with Monte Carlo bands; true against estimated."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.errors import ArgumentError
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels

if TYPE_CHECKING:
    from bayeslmm.planning.power_table import Power
    from bayeslmm.planning.recovery import Recovery

NARROW, MOST_PANELS = 5.0, 8
WORDS = {
    "power": "power",
    "type_s": "wrong sign, of the significant",
    "type_m": "exaggeration of the significant",
    "coverage": "coverage of the intervals",
}
GOALS = {"power": 0.8, "type_m": 1.0}


def _panels(count: int, width: float, height: float, axes: Any) -> np.ndarray:
    columns = min(count, 1 if width < NARROW else 2)
    rows = -(-count // columns)
    return new_panels(axes, count, (rows, columns), (width, height * rows), "plot")[0]


def plot_power(of: "Power", measure: str, axes: Any, width: float) -> np.ndarray:
    """One panel for each test."""
    tests = list(dict.fromkeys(of.table.loc[of.table[measure].notna(), "test"]))
    if not tests:
        raise ArgumentError(f"plot({measure!r}): no test here has one; a true value of zero has no sign and no size")
    panels = _panels(len(tests), width, 2.9, axes)
    share = width / (1 if width < NARROW or len(tests) == 1 else 2)
    for ax, test in zip(panels, tests, strict=True):
        part = of.table[of.table["test"] == test]
        if measure in ("power", "type_s"):
            ax.set_ylim(-0.02, 1.02)
        if of.sizes:
            _curves(ax, part, of.sizes, measure)
        else:
            _point(ax, part, measure)
        goal = 1 - of.alpha if measure == "coverage" else GOALS.get(measure)
        if measure == "power" and (part["true"] == 0).all():
            goal = of.alpha
        if goal is not None:
            ax.axhline(goal, color=style.ink(), lw=0.8, ls="--", zorder=1)
        true = float(part["true"].iloc[0])
        what = "size of the test" if measure == "power" and true == 0 else WORDS[measure]
        style.tidy(ax, style.fold(f"{test} (true value {true:g}): {what}", min(share - 0.5, style.room(ax, share))))
        ax.set_ylabel(what, fontsize=9)
    return panels


def _curves(ax: Axes, part: pd.DataFrame, sizes: tuple[str, ...], measure: str) -> None:
    first, rest = sizes[0], list(sizes[1:])
    numeric = pd.api.types.is_numeric_dtype(part[first])
    labels = list(dict.fromkeys(part[first]))
    lines = list(part.groupby(rest, sort=False)) if rest else [((), part)]
    ends, colours = [], style.series()
    for i, (key, own) in enumerate(lines):
        own = own.sort_values(first) if numeric else own
        x = (
            own[first].to_numpy(dtype=float)
            if numeric
            else np.array([labels.index(v) for v in own[first]], dtype=float)
        )
        y = own[measure].to_numpy(dtype=float)
        colour = colours[i % len(colours)]
        low, high = (own[f"{measure}_{end}"].to_numpy(dtype=float) for end in ("lower", "upper"))
        ax.fill_between(x, low, high, color=colour, alpha=style.veil(0.18), lw=0)
        ax.plot(x, y, "o-", color=colour, ms=4, lw=1.4)
        name = ", ".join(f"{s} = {v}" for s, v in zip(rest, key, strict=True))
        finite = np.flatnonzero(np.isfinite(y))
        if name and finite.size:
            ends.append((x[finite[-1]], y[finite[-1]], name, colour))
    if numeric:
        ticks = sorted(set(part[first]))
        ax.set_xticks(ticks[:: -(-len(ticks) // MOST_PANELS)])
    else:
        ax.set_xticks(range(len(labels)), [str(v) for v in labels])
    ax.set_xlabel(first, fontsize=9)
    _name_lines(ax, ends)


def _name_lines(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Names of lines right of their last points, moved apart where they would touch."""
    if not ends:
        return
    figure: Any = ax.figure
    longest = max(len(name) for _, _, name, _ in ends)
    share = min(0.6, 0.065 * longest * figure.dpi / max(ax.get_window_extent().width, 1.0))
    left = min(float(np.min(np.asarray(line.get_xdata(), dtype=float))) for line in ax.lines)
    right = max(x for x, *_ in ends)
    span = right - left or 1.0
    pad = 0.05 * span
    ax.set_xlim(left - pad, right + 1.6 * pad + span * share / (1 - share))
    gap = 0.075
    at: list[float] = []
    low, high = ax.get_ylim()
    for x, y, name, colour in sorted(ends, key=lambda e: e[1]):
        place = (y - low) / (high - low)
        place = max(place, at[-1] + gap) if at else place
        at.append(place)
        ax.annotate(
            name,
            (x, y),
            xytext=(x + 1.2 * pad, low + place * (high - low)),
            textcoords="data",
            fontsize=8,
            color=style.readable(colour),
            va="center",
        )


def _point(ax: Axes, part: pd.DataFrame, measure: str) -> None:
    row = part.iloc[0]
    y = float(row[measure])
    error = [[y - float(row[f"{measure}_lower"])], [float(row[f"{measure}_upper"]) - y]]
    ax.errorbar([0], [y], yerr=error, fmt="o", color=style.REML, ms=6, lw=1.6)
    ax.annotate(f"{y:.2f}", (0, y), xytext=(8, 0), textcoords="offset points", fontsize=9, va="center")
    ax.set_xticks([0], [f"{int(row['n_rows'])} rows"])
    ax.set_xlim(-1, 1)


def plot_recovery(of: "Recovery", axes: Any, width: float) -> np.ndarray:
    """Parameters with intervals, in units of these; then true against estimated effects, a panel for each."""
    effects = list(of.effects.groupby(["group", "term"], sort=False))[: MOST_PANELS - 1]
    panels = _panels(1 + len(effects), width, 3.0, axes)
    share = width / (1 if width < NARROW else min(2, len(panels)))
    _parameters(panels[0], of, share)
    correlations = of.correlations
    for ax, (key, part) in zip(panels[1:], effects, strict=True):
        _effects(ax, part, f"{key[0]}: {key[1]}", float(correlations.to_dict()[key]), share)
    return panels


def _parameters(ax: Axes, of: "Recovery", share: float) -> None:
    table = of.table.iloc[::-1]
    half = (table["upper"] - table["lower"]).to_numpy(dtype=float) / 2
    y = np.arange(len(table))
    true = table["true"].to_numpy(dtype=float)
    low, middle, high = ((table[c].to_numpy(dtype=float) - true) / half for c in ("lower", "estimate", "upper"))
    caught = (low <= 0) & (high >= 0)
    for inside, colour in ((True, style.REML), (False, style.BAYES)):
        own = np.isfinite(half) & (caught == inside)
        ax.hlines(y[own], low[own], high[own], color=colour, lw=1.6)
        ax.plot(middle[own], y[own], "o", ms=4, color=colour)
    for i in np.flatnonzero(~np.isfinite(half)):
        ax.annotate("no interval", (0, y[i]), xytext=(4, 0), textcoords="offset points", fontsize=7, va="center")
    ax.axvline(0, color=style.ink(), lw=0.8)
    ax.set_yticks(y, [str(n).replace("[", "\n[") for n in table.index], fontsize=7)
    ax.set_ylim(-0.7, len(table) - 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    title = f"Parameters: {of.method} less the true value, {100 * of.level:g}% intervals"
    style.tidy(ax, style.fold(title, min(share - 1.3, style.room(ax, share))))
    ax.set_xlabel("in half-widths of the interval", fontsize=9)


def _effects(ax: Axes, part: pd.DataFrame, name: str, correlation: float, share: float) -> None:
    true, estimate = part["true"].to_numpy(dtype=float), part["estimate"].to_numpy(dtype=float)
    both = np.concatenate([true, estimate[np.isfinite(estimate)]])
    ends = np.array([both.min(), both.max()])
    ax.plot(ends, ends, "-", lw=0.9, color=style.NO_POOLING)
    ax.plot(true, estimate, "o", ms=4, color=style.REML, alpha=0.8)
    said = f"r = {correlation:.2f}" if np.isfinite(correlation) else "all estimates alike"
    style.tidy(
        ax, style.fold(f"{name}: true against estimated effects, {said}", min(share - 1.3, style.room(ax, share)))
    )
    ax.set_xlabel("true", fontsize=9)
    ax.set_ylabel("estimated", fontsize=9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
