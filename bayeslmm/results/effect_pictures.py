"""Pictures that fits and posteriors share: caterpillars of random effects, and effects of predictors over the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.grid_predictors import is_made_factor
from bayeslmm.design.levels import label as level_label
from bayeslmm.design.values import Logical, Numeric, as_factor
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels
from bayeslmm.results.short_names import short_names

NAMED, TALLEST, NARROW = 60, 9.0, 5.0
NAMES = 0.4  # share of a panel for the names of levels
CURVE, MOST_LINES, MOST_POINTS = 60, 8, 5000
BESIDE, BESIDE_NAME = 0.16, 32  # of the width of a category; points of a legend
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00", "#7F7F7F")


def panels_of(
    terms: Sequence[RandomTerm], group: str | None, term: str | None, ax: Axes | None, caller: str
) -> list[tuple[RandomTerm, int]]:
    """Random effects that are asked for: each term with the position of an effect.

    Raises
    ------
    ArgumentError
        There are none of these names; or several for the one panel that was given.
    """
    known = [t.group for t in terms]
    if group is not None and group not in known:
        raise ArgumentError(f"{caller}: no grouping factor `{group}`" + did_you_mean(str(group), known))
    within = [t for t in terms if group in (None, t.group)]
    effects = list(dict.fromkeys(e for t in within for e in t.effects))
    if term is not None and term not in effects:
        raise ArgumentError(f"{caller}: no random effect `{term}`" + did_you_mean(str(term), effects))
    found = [(t, a) for t in within for a, e in enumerate(t.effects) if term in (None, e)]
    if not found:
        raise ArgumentError(f"{caller}: the model has no random effects")
    if ax is not None and len(found) > 1:
        raise ArgumentError(f"{caller}(ax=...) draws one panel, and {len(found)} are asked for: name group= and term=")
    return found


def caterpillar(
    table: pd.DataFrame, panels: list[tuple[RandomTerm, int]], width: float, axes: Any, colour: str
) -> np.ndarray:
    """Effects of every level with intervals, the largest on top, one panel for each random effect.

    Parameters
    ----------
    table
        group, level, term, estimate, lower, upper.
    panels
        As `panels_of` gives them.
    width, axes
        Of the figure in inches; or the axes of the panels.
    colour
        Of the intervals.
    """
    columns = 1 if width < NARROW or len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    levels = max(t.n_levels for t, _ in panels)
    height = float(np.clip(0.17 * levels + 0.9, 1.6, TALLEST))
    flat, figure = new_panels(axes, len(panels), (rows, columns), (width, height * rows), "caterpillar")
    room = NAMES * (width / columns if figure is not None else style.inches(flat[0]))
    for (term, a), panel in zip(panels, flat, strict=True):
        own = table[(table["group"] == term.group) & (table["term"] == term.effects[a])]
        _caterpillar_panel(panel, own, f"{term.group}: {term.effects[a]}", colour, room)
    style.fold_titles(flat)
    return flat


def _caterpillar_panel(ax: Axes, own: pd.DataFrame, title: str, colour: str, room: float) -> None:
    own = own.sort_values("estimate", kind="stable")
    x, low, high = (own[c].to_numpy(dtype=float) for c in ("estimate", "lower", "upper"))
    y = np.arange(x.size)
    away = (low > 0) | (high < 0)
    few, named = x.size <= NAMED, x.size <= NAMED and style.names_fit(ax, x.size)
    ax.axvline(0, color=style.ink(), lw=0.8)
    ax.hlines(y, low, high, color=np.where(away, colour, style.NO_POOLING).tolist(), lw=1.6 if few else 0.6)
    ax.plot(x[~away], y[~away], "o", ms=3.5 if few else 1.5, color=style.NO_POOLING)
    ax.plot(x[away], y[away], "o", ms=4 if few else 1.5, color=colour)
    ax.set_yticks(y if named else [], short_names(list(own["level"]), room) if named else [])
    ax.set_ylim(-0.8, x.size - 0.2)
    style.tidy(ax, f"{title}: {away.sum()} of {x.size} intervals exclude zero")
    ax.tick_params(labelsize=8)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("difference from the mean" if named else "difference from the mean, by size", fontsize=9)


def effect_grid(design: Design, variable: str, by: str | None) -> dict[str, Any]:
    """The argument `at` of `means`: where a predictor's effect is looked at.

    Raises
    ------
    ArgumentError
        No predictor of this name.
    """
    for name in (variable, *([by] if by else [])):
        if name not in design.columns:
            known = list(design.columns)
            raise ArgumentError(f"effects: the fixed part has no predictor `{name}`" + did_you_mean(str(name), known))
    if variable == by:
        raise ArgumentError(f"effects: `{by}` cannot be the predictor and what it is shown by")
    at: dict[str, Any] = {}
    for name in (variable, *([by] if by else [])):
        value = design.columns[name]
        if isinstance(value, Numeric) and not is_made_factor(name, design):
            x = value.values[design.rows]
            at[name] = np.linspace(x.min(), x.max(), CURVE).tolist() if name == variable else _three(x)
    return at


def _three(x: np.ndarray) -> list[float]:
    """All values where there are at most three; else the quantiles of 10, 50 and 90 %."""
    few = np.unique(x)
    return (few if few.size <= 3 else np.unique(np.quantile(x, [0.1, 0.5, 0.9]))).tolist()


def effects_plot(
    table: pd.DataFrame,
    design: Design,
    variable: str,
    by: str | None,
    level: float,
    width: float,
    ax: Axes | None,
    colour: str = style.REML,
) -> Axes:
    """Expected responses with their band over the data, which have the colour of their line where they have one.

    Parameters
    ----------
    table
        `variable`, `by` where there is one, estimate, lower, upper.
    colour
        Where there is no `by`.
    """
    ax = style.new_axes(ax, width, float(np.clip(0.75 * width, 3, 4.2)))
    value = design.columns[variable]
    numeric = isinstance(value, Numeric) and not is_made_factor(variable, design)
    text = level_label if isinstance(value, Numeric) else str
    labels = [] if numeric else [text(v) for v in dict.fromkeys(table[variable])]
    x = value.values[design.rows] if isinstance(value, Numeric) and numeric else _positions(value, design.rows, labels)
    groups = [None] if by is None else list(dict.fromkeys(table[by]))
    if len(groups) > MOST_LINES:
        raise ArgumentError(f"effects(by={by!r}): {len(groups)} lines are too many to tell apart; at most {MOST_LINES}")
    line = None if by is None else _line_of(design, by, groups)
    if line is None:
        _data(ax, x, design, numeric)
    else:
        _coloured_data(ax, x, design, numeric, line, len(groups))
    for i, group in enumerate(groups):
        own = table if group is None else table[table[by] == group]
        hue = colour if by is None else CYCLE[i]
        if numeric:
            _line(ax, own, variable, hue, _label(by, group))
        else:
            _points(ax, own, _step(len(groups)) * (i - (len(groups) - 1) / 2), hue, _label(by, group))
    if not numeric:
        room = style.room(ax, width) / len(labels)
        ax.set_xticks(range(len(labels)), [style.fold(s, room, 8) for s in short_names(labels, 3 * room)])
        ax.set_xlim(-0.6, len(labels) - 0.4)
    if by is not None:
        _legend(ax, width)
    style.tidy(
        ax, style.fold(_effects_title(table, design.response, variable, by, numeric, level), style.room(ax, width))
    )
    ax.set_xlabel(variable, fontsize=9)
    ax.set_ylabel(style.fold(design.response, style.inches(ax, height=True), 9), fontsize=9)
    ax.tick_params(labelsize=8)
    return ax


def _legend(ax: Axes, width: float) -> None:
    """The lines by name, above the data, in as many rows as the names need."""
    names = ax.get_legend_handles_labels()[1]
    widest = max(style.text_points(name, 8) for name in names) + BESIDE_NAME
    columns = int(np.clip(72 * style.room(ax, width) / widest, 1, len(names)))
    rows = -(-len(names) // columns)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + (0.07 + 0.07 * rows) * (high - low))
    ax.legend(frameon=False, fontsize=8, loc="upper left", ncols=columns, borderpad=0.1, columnspacing=1)


def _effects_title(
    table: pd.DataFrame, response: str, variable: str, by: str | None, numeric: bool, level: float
) -> str:
    shown = f"means with {100 * level:g}% intervals"
    if by is not None or not numeric:
        return f"{response} by {variable}{f' and {by}' if by else ''}: {shown}"
    first, last = table["estimate"].iloc[0], table["estimate"].iloc[-1]
    return f"{response} from {first:.3g} to {last:.3g} along {variable}: {shown}"


def _label(by: str | None, group: Any) -> str | None:
    return None if by is None else f"{by} {group:.3g}" if isinstance(group, float) else str(group)


def _positions(value: Any, rows: np.ndarray, labels: list[str]) -> np.ndarray:
    given = (value.values == 1).astype(str) if isinstance(value, Logical) else as_factor(value).labels()
    where = {label: i for i, label in enumerate(labels)}
    return np.array([where.get(str(v), np.nan) for v in given[rows]], dtype=float)


def _line_of(design: Design, by: str, groups: list[Any]) -> np.ndarray | None:
    """Which line each row (n,) belongs to; None where the lines are at other numbers than the rows."""
    value = design.columns[by]
    if not isinstance(value, Numeric):
        return _positions(value, design.rows, [str(g) for g in groups]).astype(int)
    same = value.values[design.rows, None] == np.array(groups, dtype=float)
    return same.argmax(axis=1) if same.any(axis=1).all() else None


def _step(count: int) -> float:
    """How far lines stand beside each other at one category."""
    return min(BESIDE, 0.75 / count)


def _data(ax: Axes, x: np.ndarray, design: Design, numeric: bool) -> None:
    some, jitter = _some(design.n)
    look: Any = {"ms": 2.5, "color": style.ink(), "mew": 0, "rasterized": some.size > style.MANY_POINTS}
    at = x[some] if numeric else x[some] + 0.25 * jitter
    ax.plot(at, design.y[some], "o", alpha=style.veil(0.35), zorder=1, **look)


def _coloured_data(ax: Axes, x: np.ndarray, design: Design, numeric: bool, line: np.ndarray, count: int) -> None:
    """The rows in the colour of their line (n,), in random order so that no colour lies on top of all others."""
    some, jitter = _some(design.n)
    beside = _step(count) * (line[some] - (count - 1) / 2 + 0.35 * jitter)
    at = x[some] if numeric else x[some] + beside
    look: Any = {"s": 9, "lw": 0, "rasterized": some.size > style.MANY_POINTS, "zorder": 1.5}
    ax.scatter(at, design.y[some], c=np.array(CYCLE)[line[some]], alpha=style.veil(0.5), **look)


def _some(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are shown, in random order, with a number in (-1, 1) for each."""
    rng = np.random.default_rng(0)
    some = rng.permutation(n)[:MOST_POINTS]
    return some, rng.uniform(-1, 1, some.size)


def _line(ax: Axes, own: pd.DataFrame, variable: str, colour: str, label: str | None) -> None:
    x, mid, low, high = (own[c].to_numpy(dtype=float) for c in (variable, "estimate", "lower", "upper"))
    ax.fill_between(x, low, high, color=colour, alpha=style.veil(0.22), lw=0)
    ax.plot(x, mid, color=colour, lw=1.8, label=label)


def _points(ax: Axes, own: pd.DataFrame, shift: float, colour: str, label: str | None) -> None:
    mid, low, high = (own[c].to_numpy(dtype=float) for c in ("estimate", "lower", "upper"))
    at = np.arange(mid.size) + shift
    ax.vlines(at, low, high, color=colour, lw=2)
    ax.plot(at, mid, "o", ms=6, color=colour, label=label)
