"""Pictures of a model before any inference: what its priors think possible, drawn over the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayeslmm.bayes.prior_draws import prior_draws
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.along import Along, all_columns, along
from bayeslmm.errors import ArgumentError, check_whole, did_you_mean
from bayeslmm.results import rformat, style
from bayeslmm.results.panels import headline, new_panels
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.short_names import short_names

WORLDS, GROUPS, COLUMNS = 3, 20, 9


@dataclass(frozen=True)
class ModelPlots:
    """The pictures of one model: `model.plot.priors()`."""

    design: Design
    given: Priors

    def priors(
        self,
        x: str | None = None,
        group: str | None = None,
        draws: int = 60,
        seed: int | None = 1,
        width: float = 7.0,
        axes: Any = None,
    ) -> np.ndarray:
        """Lines and groups that the priors think possible, over the data.

        The first panel has one line for each draw: the expected response along `x`, with random effects of zero. Each
        other panel is one draw, with the lines of up to 20 groups around it. A model without predictors shows the
        means of the groups, one column for each draw. Priors are sensible where the data look like one of the
        possibilities, neither the only one nor lost among impossible ones.

        Parameters
        ----------
        x
            The variable on the horizontal axis; None chooses.
        group
            The grouping factor whose groups are shown; None is the first with random slopes, or the first.
        draws, seed
            Number of lines, and the seed of their random numbers.
        width, axes
            Of the figure in inches; or the axes to draw into: four, and one for a model without predictors.

        Raises
        ------
        ArgumentError
            A flat prior, which has no draws; or no variable or grouping factor of this name.
        """
        check_whole("draws", draws, 1, "priors")
        design = self.design
        term = _term(design, group)
        found = Draws(prior_draws(design, self.given, max(int(draws), COLUMNS), seed), design)
        if x is None and not any(name != "(Intercept)" for name in all_columns(design, term)):
            return _means(design, term, found, width, axes)
        return _lines(design, term, along(design, term, x), found, int(draws), width, axes)


def _term(design: Design, group: str | None) -> RandomTerm:
    known = [t.group for t in design.terms]
    if group is None:
        return next((t for t in design.terms if t.k > 1), design.terms[0])
    if group not in known:
        raise ArgumentError(f"priors: no grouping factor `{group}`" + did_you_mean(group, known))
    return design.terms[known.index(group)]


# -- along a predictor ---------------------------------------------------------------------------------------------


def _lines(
    design: Design, term: RandomTerm, where: Along, found: Draws, draws: int, width: float, axes: Any
) -> np.ndarray:
    at, X = where.path(np.arange(design.n), all_columns(design, term))
    mean, groups = _coefficients(design, term, found)
    lines = mean[:draws] @ X.T
    worlds = [groups[s, : min(GROUPS, term.n_levels)] @ X.T for s in range(WORLDS)]
    size = (width, 0.72 * width + 0.9)
    flat, figure = new_panels(axes, 1 + WORLDS, (2, 2), size, "priors", sharex=True, sharey=True)
    _bundle(flat[0], where, at, lines, design, f"{draws} means")
    for i, ax in enumerate(flat[1:]):
        _bundle(ax, where, at, worlds[i], design, f"Draw {i + 1}")
        ax.plot(at, lines[i % draws], color=style.ink(), lw=1.6, ls="--")
    _limits(flat, [lines, *worlds], design.y_net)
    _label(flat, where, given=figure is None)
    lower, upper = np.quantile(lines, [0.025, 0.975])
    low, high = design.y_net.min(), design.y_net.max()
    ends = rformat.format_numbers([lower, upper, low, high], 2)
    said = f"95% of the means lie between {ends[0]} and {ends[1]}, the data between {ends[2]} and {ends[3]}"
    shown = f"Draws 1 to {WORLDS}: the mean (dashed) and {worlds[0].shape[0]} of {term.group} around it"
    _title(figure, flat, f"What the priors think possible: {said}. {shown}", design, width)
    return flat


def _coefficients(design: Design, term: RandomTerm, found: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Draws of the coefficients of the mean (S, c) and of each level (S, J, c), in the order of `all_columns`."""
    names = list(all_columns(design, term))
    mean = np.zeros((found.size, len(names)))
    mean[:, : design.p] = found.beta
    levels = np.repeat(mean[:, None, :], term.n_levels, axis=1)
    levels[:, :, [names.index(e) for e in term.coefficients]] += found.b(term)
    return mean, levels


def _bundle(ax: Axes, where: Along, at: np.ndarray, lines: np.ndarray, design: Design, title: str) -> None:
    ax.plot(where.values, design.y_net, "o", ms=2.5, color=style.ink(), alpha=min(0.6, 60 / design.n + 0.1), zorder=3)
    marker = "." if where.categories else ""
    ax.plot(at, lines.T, color=style.PRIOR, lw=0.9, alpha=0.6, marker=marker)
    style.tidy(ax, title)
    ax.tick_params(labelsize=8)


def _limits(axes: np.ndarray, bundles: Sequence[np.ndarray], y: np.ndarray) -> None:
    """All data, and what nine tenths of the lines reach: heavy tails leave the picture."""
    reach = np.concatenate([np.ravel(b) for b in bundles])
    low, high = np.quantile(reach, [0.05, 0.95])
    low, high = min(low, y.min()), max(high, y.max())
    for ax in axes:
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _label(axes: np.ndarray, where: Along, given: bool) -> None:
    """Names along x: of the lowest panels, of all that were given."""
    for ax in axes if given else axes[-2:]:
        ax.set_xlabel(where.label, fontsize=9)
        if where.categories:
            ax.set_xlim(-0.4, len(where.categories) - 0.6)
            room = 0.9 * style.inches(ax) / len(where.categories)
            ax.set_xticks(
                range(len(where.categories)), [style.fold(s, room, 8) for s in short_names(where.categories, 2 * room)]
            )
        else:
            ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _title(figure: Figure | None, panels: np.ndarray, text: str, design: Design, width: float) -> None:
    headline(figure, panels, text, width)
    label = f"{design.response}{' - offset' if design.has_offset else ''}"
    if figure is None:
        panels[0].set_ylabel(label, fontsize=9)
    else:
        figure.supylabel(label, fontsize=9)


# -- without predictors --------------------------------------------------------------------------------------------


def _means(design: Design, term: RandomTerm, found: Draws, width: float, axes: Any) -> np.ndarray:
    """Means of the groups, of the data and of the draws, in columns."""
    observed, X, Z = (_by_level(term, design.weights, values) for values in (design.y_net[:, None], design.X, term.Z))
    observed = observed[:, 0]
    means = found.beta[:COLUMNS] @ X.T + (found.b(term)[:COLUMNS] * Z).sum(axis=2)
    panels, figure = new_panels(axes, 1, (1, 1), (width, min(0.6 * width, 4.0)), "priors")
    ax = panels[0]
    for column, values in enumerate([observed, *means]):
        colour = style.PRIOR if column else style.ink()
        ax.plot(np.full(values.size, column), values, "_", ms=9, mew=1.2, color=colour, alpha=0.8)
    ax.set_xticks(range(COLUMNS + 1), ["data", *map(str, range(1, COLUMNS + 1))])
    _limits(panels, [means], observed)
    style.tidy(ax, "")
    ax.tick_params(labelsize=8)
    ax.set_xlabel("draw from the priors", fontsize=9)
    spread = rformat.format_numbers([observed.std(), float(np.median(means.std(axis=1)))], 2)
    said = f"the means of {term.group} have an sd of {spread[0]}, and of {spread[1]} in the middle draw"
    _title(figure, panels, f"What the priors think possible: {said}", design, width)
    return panels


def _by_level(term: RandomTerm, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted means (J, c) of columns (n, c) in each level."""
    count = np.bincount(term.index, weights, term.n_levels)
    sums = [np.bincount(term.index, weights * column, term.n_levels) for column in values.T]
    return np.stack(sums, axis=1) / count[:, None] if sums else np.zeros((term.n_levels, 0))
