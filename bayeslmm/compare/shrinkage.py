"""Shrinkage: each level's own estimate, and where partial pooling moves it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style
from bayeslmm.results.fit import Fit
from bayeslmm.results.short_names import short_names

MOST_LABELS, ALL_NAMED = 40, 20
ROOM = 1.2  # inches for a name
ELLIPSE = "50, 95% of levels"
QUANTILES = (1.386, 5.991)


def shrinkage(
    table: pd.DataFrame,
    fit: Fit,
    term: RandomTerm,
    terms: tuple[str, ...] | None,
    ax: Axes | None,
    width: float = 6.0,
) -> Axes:
    """Draw one grouping factor; `table` holds its rows of `Pooling.table`."""
    x_name, y_name = _axes_names(term, terms)
    own_figure = ax is None
    ax = style.new_axes(ax, width, 0.85 * width + 0.4 if y_name else _height(term))
    if y_name is None:
        _one_effect(table, fit, term, x_name, ax)
    else:
        start, end = _two_effects(table, fit, term, x_name, y_name, ax)
    if own_figure:
        handles, labels = ax.get_legend_handles_labels()
        ax.figure.legend(
            handles, labels, loc="outside lower center", ncols=2 if width < 5 else 3, frameon=False, fontsize=8
        )
    title = f"{term.group}: each level's own estimate, and where partial pooling moves it"
    if own_figure:
        ax.figure.suptitle(style.fold(title, width), x=0.01, ha="left", fontsize=10)
    style.tidy(ax, "" if own_figure else style.fold(title, style.room(ax, width)))
    if y_name is not None and term.n_levels <= MOST_LABELS:
        _names(ax, term, start, end)
    return ax


def _axes_names(term: RandomTerm, terms: tuple[str, ...] | None) -> tuple[str, str | None]:
    names = tuple(terms) if terms is not None else term.coefficients[:2]
    for name in names:
        if name not in term.coefficients:
            raise ArgumentError(
                f"`{name}` does not vary between the levels of `{term.group}`" + did_you_mean(name, term.coefficients)
            )
    if len(names) not in (1, 2):
        raise ArgumentError(f"terms={terms!r} names {len(names)} coefficients; give one or two")
    return (names[0], names[1]) if len(names) == 2 else (names[0], None)


def _label(fit: Fit, name: str) -> str:
    several = name == "(Intercept)" and len(fit.design.terms) > 1
    return "(Intercept) with the other groups' effects" if several else name


def _height(term: RandomTerm) -> float:
    if term.n_levels > MOST_LABELS:
        return 6.5
    return (0.3 if term.n_levels <= 15 else 0.2) * term.n_levels + 1.7


def _two_effects(
    table: pd.DataFrame, fit: Fit, term: RandomTerm, x_name: str, y_name: str, ax: Axes
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points, and return where each level starts and ends, (J, 2) each."""
    wide = table.pivot(index="level", columns="term").reindex(list(term.levels))
    kinds = [k for k in ("no_pooling", "reml", "bayes") if k in table]
    at = {k: np.column_stack([wide[(k, e)] for e in (x_name, y_name)]).astype(float) for k in kinds}
    _ellipses(fit, term, (x_name, y_name), ax)
    _moves(ax, at["no_pooling"], at["reml"])
    many = term.n_levels > MOST_LABELS
    _points(ax, at, 3.0 if many else 5.0)
    centre = [float(fit.fixef.get(e, 0.0)) for e in (x_name, y_name)]
    ax.plot(*centre, "+", ms=12, mew=2, color=style.ink(), label="population")
    ax.set_xlabel(_label(fit, x_name), fontsize=9)
    ax.set_ylabel(_label(fit, y_name), fontsize=9)
    ax.margins(0.08, 0.6 * ax.figure.dpi / ax.figure.bbox.width)
    return at["no_pooling"], at["reml"]


def _points(ax: Axes, at: dict[str, np.ndarray], size: float) -> None:
    ax.plot(*at["no_pooling"].T, "o", ms=size, mfc=style.paper(), color=style.NO_POOLING, label="no pooling")
    ax.plot(*at["reml"].T, "o", ms=size, color=style.REML, label="pooled, REML")
    if "bayes" in at:
        ax.plot(*at["bayes"].T, "D", ms=0.75 * size, color=style.BAYES, label="pooled, Bayes")


def _ellipses(fit: Fit, term: RandomTerm, names: tuple[str, str], ax: Axes) -> None:
    """Where 50 and 95 % of the levels lie according to the fitted covariance; a line where it is singular."""
    at = [term.coefficients.index(n) for n in names]
    V = fit.estimates.covariances[fit.design.terms.index(term)][np.ix_(at, at)]
    values, vectors = np.linalg.eigh(V)
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    centre = (float(fit.fixef.get(names[0], 0.0)), float(fit.fixef.get(names[1], 0.0)))
    for quantile in QUANTILES:
        width, height = 2 * np.sqrt(quantile * np.clip(values[::-1], 0, None))
        ax.add_patch(
            Ellipse(centre, width, height, angle=angle, fill=False, ls="--", lw=1, color=style.REML, alpha=0.6)
        )
    ax.add_line(Line2D([], [], label=ELLIPSE, ls="--", lw=1, color=style.REML, alpha=0.6))


def _moves(ax: Axes, start: np.ndarray, end: np.ndarray) -> None:
    """A line from each level's own estimate to its pooled one; the hollow end is where it starts."""
    both = np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1)
    for a, b in zip(start[both], end[both], strict=True):
        ax.plot(*zip(a, b, strict=True), "-", lw=0.9, color=style.NO_POOLING, zorder=1.5)


def _names(ax: Axes, term: RandomTerm, own: np.ndarray, partial: np.ndarray) -> None:
    """Names of the levels beside their own estimates, away from the pooled ones; of many, where there is room."""
    names = short_names(term.levels, ROOM)
    known = np.where(np.isfinite(own), own, partial)
    span = np.ptp(np.vstack([known, partial]), axis=0)
    if term.n_levels > ALL_NAMED:
        far = np.argsort(-np.linalg.norm((known - partial) / np.where(span > 0, span, 1.0), axis=1), kind="stable")
        style.name_points(ax, known[far, 0], known[far, 1], [names[i] for i in far])
        return
    for label, point, pooled in zip(names, known, partial, strict=True):
        away = (point - pooled) / np.where(span > 0, span, 1.0)
        size = float(np.linalg.norm(away))
        direction = away / size if size > 0.01 else np.array([0.7, 0.7])
        ax.annotate(
            label,
            point,
            xytext=tuple(9 * direction),
            textcoords="offset points",
            fontsize=8,
            color=style.ink(),
            ha="center" if abs(direction[0]) < 0.5 else "left" if direction[0] > 0 else "right",
            va="center",
        )


def _one_effect(table: pd.DataFrame, fit: Fit, term: RandomTerm, name: str, ax: Axes) -> None:
    rows = table[table["term"] == name].set_index("level").reindex(list(term.levels))
    many = term.n_levels > MOST_LABELS
    if many:
        rows = rows.sort_values("reml", ascending=False, kind="stable")
    y = np.arange(term.n_levels)[::-1].astype(float)
    at = {"no_pooling": y + 0.0, "reml": y + 0.0, "bayes": y - (0.0 if many else 0.25)}
    at = {k: np.column_stack([rows[k].to_numpy(float), v]) for k, v in at.items() if k in rows}
    _moves(ax, at["no_pooling"], at["reml"])
    ax.axvline(float(fit.fixef.get(name, 0.0)), color=style.ink(), lw=0.9, label="population", zorder=1)
    _points(ax, at, 2.5 if many else 4.5)
    ax.set_ylim(-0.8, term.n_levels - 0.2)
    if many:
        ax.set_yticks([])
        ax.set_ylabel(f"{term.group}: {term.n_levels} levels, in the order of REML", fontsize=9)
    else:
        ax.set_yticks(y, short_names(list(rows.index), ROOM + 0.6))
        ax.set_ylabel(term.group, fontsize=9)
    ax.set_xlabel(_label(fit, name), fontsize=9)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=9 if term.n_levels <= 15 else 8)
