"""Pictures of a linear fit: residuals, their spread, leverage, effects of predictors.

Bands are from responses simulated with independent errors, also where standard errors are robust to clusters.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayeslmm.point.bands import envelope, simultaneous_band
from bayeslmm.point.linear_residuals import LinearResiduals, linear_residuals
from bayeslmm.point.seeds import generator
from bayeslmm.results import style
from bayeslmm.results.checks import check_level
from bayeslmm.results.diagnostic_pictures import NAMED, against_fitted, qq
from bayeslmm.results.effect_pictures import effect_grid, effects_plot
from bayeslmm.results.panels import new_panels
from bayeslmm.results.quantile_residuals import check_simulations
from bayeslmm.results.simulations import LastSimulations, Seed

if TYPE_CHECKING:
    from bayeslmm.results.linear_fit import LinearFit

NARROW, BINS, LEAST_IN_BIN = 5.0, 12, 8
COOKS = (0.5, 1.0)  # the distances that R draws


@dataclass(frozen=True)
class LinearPlots:
    """The pictures of one linear fit: `fit.plot.diagnostics()`, `fit.plot.qq()`, `fit.plot.effects("x")`, ..."""

    fit: "LinearFit"

    def residuals(self, width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Standardised residuals against fitted values; those beyond 3 are named by their rows.

        Parameters
        ----------
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        found, known = self._observed
        fitted, rows = self.fit.fitted[known], self.fit.design.rows[known].tolist()
        return against_fitted(fitted, found.values[known, 0], rows, "Standardised", width, ax)

    def qq(
        self,
        level: float = 0.95,
        n: int | None = None,
        seed: Seed = 1,
        width: float = 7.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Normal Q-Q plot of the standardised residuals with a simultaneous band from simulations of the fit.

        Parameters
        ----------
        level
            Probability that a response of this model stays inside the band everywhere.
        n, seed
            Number of simulations (None: up to 999, by the number of rows), and the seed of their random numbers.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        check_level(level)
        found, known = self._simulated(n, seed)
        ax = style.new_axes(ax, width, min(width, 4.5))
        qq(ax, found.values[known], self.fit.design.rows[known].tolist(), level, "Residuals", width)
        ax.set_ylabel("standardised residual", fontsize=9)
        return ax

    def scale_location(
        self,
        level: float = 0.95,
        n: int | None = None,
        seed: Seed = 1,
        width: float = 7.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Roots of the residuals' sizes against fitted values, with their local means: level where variances are equal.

        Parameters
        ----------
        level, n, seed, width, ax
            As for `qq`; the band is that of the local means.
        """
        check_level(level)
        found, known = self._simulated(n, seed)
        ax = style.new_axes(ax, width, min(0.8 * width, 4.2))
        fitted, sizes = self.fit.fitted[known], np.sqrt(np.abs(found.values[known, 0]))
        style.points(ax, fitted, sizes, ms=3, color=style.REML, alpha=0.6)
        title = "Spread along the fitted values"
        at, means = local_means(fitted, np.sqrt(np.abs(found.values[known])))
        if len(at) > 1:
            lower, upper, p = envelope(means, level)
            ax.fill_between(at, lower, upper, color=style.NO_POOLING, alpha=style.veil(0.25), lw=0)
            ax.plot(at, means[:, 0], "o-", ms=4, color=style.BAYES, lw=1.4)
            out = int(((means[:, 0] < lower) | (means[:, 0] > upper)).sum())
            title += f": {out} of {len(at)} means outside the {100 * level:g}% band (p = {p:.2g})"
        style.tidy(ax, style.fold(title, style.room(ax, width)))
        ax.set_ylim(bottom=0)
        ax.set_xlabel("fitted value", fontsize=9)
        ax.set_ylabel("root of |standardised residual|", fontsize=9)
        ax.tick_params(labelsize=8)
        return ax

    def leverage(self, width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Standardised residuals against leverage, with lines of equal Cook's distance; the largest are named.

        Parameters
        ----------
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        found, known = self._observed
        h, r, cooks = found.leverage[known], found.values[known, 0], found.cooks[known]
        ax = style.new_axes(ax, width, min(0.8 * width, 4.2))
        far = cooks > COOKS[0]
        ax.axhline(0, color=style.ink(), lw=0.8)
        style.points(ax, h[~far], r[~far], ms=3, color=style.REML, alpha=0.6)
        style.points(ax, h[far], r[far], ms=4.5, color=style.BAYES)
        ax.set_xlim(0, min(1.0, 1.08 * h.max()))
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        _cooks_lines(ax, self.fit.design.p)
        rows = self.fit.design.rows[known]
        worst = int(np.argmax(cooks))
        title = f"Leverage: Cook's distance is at most {cooks[worst]:.2g} (row {rows[worst]})"
        style.tidy(ax, style.fold(title, style.room(ax, width)))
        ax.set_xlabel("leverage", fontsize=9)
        ax.set_ylabel("standardised residual", fontsize=9)
        ax.tick_params(labelsize=8)
        named = [i for i in np.argsort(-cooks) if far[i]][:NAMED]
        if named:
            style.name_points(ax, h[named], r[named], [rows[i] for i in named])
        return ax

    def effects(
        self,
        variable: str,
        by: str | None = None,
        level: float = 0.95,
        width: float = 7.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Expected response along a predictor, with its band, over the data; other predictors averaged as in `means`.

        Parameters
        ----------
        variable
            A predictor.
        by
            Another one: a line for each of its levels, or for its 10%, 50% and 90% quantile.
        level
            Of the intervals, pointwise; with clusters they are robust to these.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        design = self.fit.design
        at = effect_grid(design, variable, by)
        table = self.fit.means(variable, by=by, at=at, level=check_level(level)).table
        return effects_plot(table, design, variable, by, level, width, ax)

    def diagnostics(self, seed: Seed = 1, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """One page: residuals against fitted values, their Q-Q plot, their spread, and leverage.

        Parameters
        ----------
        seed
            Of the simulations behind the bands.
        width, axes
            Of the figure in inches; below 5, one panel under the other; or the four axes to draw into.
        """
        columns = 1 if width < NARROW else 2
        flat, _ = new_panels(axes, 4, (4 // columns, columns), (width, 3.1 * 4 / columns), "diagnostics")
        each = width / columns
        self.residuals(ax=flat[0], width=each)
        self.qq(ax=flat[1], seed=seed, width=each)
        self.scale_location(ax=flat[2], seed=seed, width=each)
        self.leverage(ax=flat[3], width=each)
        return flat

    @cached_property
    def _observed(self) -> tuple[LinearResiduals, np.ndarray]:
        """Standardised residuals, and the rows (n,) that have them."""
        return self._standardised(0, None)

    @cached_property
    def _simulations(self) -> LastSimulations[tuple[LinearResiduals, np.ndarray]]:
        return LastSimulations(self._standardised)

    def _simulated(self, n: int | None, seed: Seed) -> tuple[LinearResiduals, np.ndarray]:
        """The same with simulated ones."""
        return self._simulations.of(check_simulations(n, self.fit.design.n), seed)

    def _standardised(self, n: int, seed: Seed) -> tuple[LinearResiduals, np.ndarray]:
        found = linear_residuals(self.fit.design, self.fit.residuals(), n, generator(seed))
        return found, np.isfinite(found.values[:, 0])


def p_values(plots: LinearPlots) -> tuple[float, float]:
    """Of the distribution of the residuals and of their spread: the p of `qq` and of `scale_location`."""
    found, known = plots._simulated(None, 1)
    means = local_means(plots.fit.fitted[known], np.sqrt(np.abs(found.values[known])))[1]
    spread = envelope(means, 0.95)[2] if len(means) > 1 else float("nan")
    return simultaneous_band(found.values[known], 0.95).p, spread


def largest_cooks(plots: LinearPlots) -> tuple[int, float]:
    """The row with the largest Cook's distance, and the distance."""
    found, known = plots._observed
    worst = int(np.argmax(np.where(known, found.cooks, -1.0)))
    return int(plots.fit.design.rows[worst]), float(found.cooks[worst])


def local_means(fitted: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of values (n, S) in bins of fitted values (n,) with about equal counts: where (d,), and means (d, S)."""
    bins = int(np.clip(fitted.size // LEAST_IN_BIN, 1, BINS))
    edges = np.unique(np.quantile(fitted, np.arange(1, bins) / bins))
    index = np.unique(np.searchsorted(edges, fitted, side="left"), return_inverse=True)[1]
    counts = np.bincount(index)
    sums = np.zeros((counts.size, values.shape[1]))
    np.add.at(sums, index, values)
    return np.bincount(index, fitted) / counts, sums / counts[:, None]


def _cooks_lines(ax: Axes, p: int) -> None:
    """Where Cook's distance is 0.5 and 1, as far as these are in sight."""
    low, high = ax.get_ylim()
    end = ax.get_xlim()[1]
    h = np.linspace(end / 200, min(end, 0.999), 200)
    for distance in COOKS:
        r = np.sqrt(distance * p * (1 - h) / h)
        for side in (r, -r):
            ax.plot(h, side, color=style.NO_POOLING, lw=0.9, ls="--")
        if low < -r[-1] or r[-1] < high:
            y = r[-1] if r[-1] < high else -r[-1]
            ax.annotate(
                f"{distance:g}",
                (end, y),
                (2, 0),
                textcoords="offset points",
                fontsize=7,
                va="center",
                color=style.ink(),
            )
    ax.set_ylim(low, high)
