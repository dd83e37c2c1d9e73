"""Pictures of a fit: residuals, random effects, profiles, effects of predictors; normal Q-Q plots have bands.

Each returns the axes, so that it can be changed or saved.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.simulated import Standardised
from bayeslmm.results import style
from bayeslmm.results.checks import check_level
from bayeslmm.results.diagnostic_pictures import against_fitted, draw_band, qq
from bayeslmm.results.effect_pictures import caterpillar, effect_grid, effects_plot, panels_of
from bayeslmm.results.panels import headline, new_panels
from bayeslmm.results.parameters import Asked
from bayeslmm.results.quantile_residuals import Of, QuantileResiduals, check_of, check_simulations, simulated
from bayeslmm.results.residual_pictures import boxes, by_group, group_term
from bayeslmm.results.short_names import short_names
from bayeslmm.results.simulations import LastSimulations, Seed

if TYPE_CHECKING:
    from bayeslmm.results.fit import Ddf, Fit

NARROW, FEW_NAMES = 5.0, 25
NAME = 1.2  # inches for the name of a level beside its point


@dataclass(frozen=True)
class FitPlots:
    """The pictures of one fit: `fit.plot.diagnostics()`, `fit.plot.effects("Days")`, `fit.plot.caterpillar()`, ..."""

    fit: "Fit"

    def qq(
        self,
        of: Of = "conditional",
        level: float = 0.95,
        n: int | None = None,
        seed: Seed = 1,
        width: float = 7.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Normal Q-Q plot of the residuals with a simultaneous band from simulations of the fit.

        Parameters
        ----------
        of
            "conditional" residuals (random effects taken off) or "marginal" ones.
        level
            Probability that a response of this model stays inside the band everywhere.
        n, seed
            Number of simulations (None: up to 999, by the number of rows), and the seed of their random numbers.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        check_of(of)
        check_level(level)
        found = simulations(self, n, seed)
        values = found.residuals if of == "conditional" else found.marginal
        known = np.isfinite(values).all(axis=1)
        ax = style.new_axes(ax, width, min(width, 4.5))
        rows = list(np.asarray(self.fit.design.rows)[known])
        qq(ax, values[known], rows, level, f"{of.capitalize()} residuals", width)
        ax.set_ylabel("standardised residual", fontsize=9)
        return ax

    def ranef_qq(
        self,
        group: str | None = None,
        level: float = 0.95,
        n: int | None = None,
        seed: Seed = 1,
        width: float = 7.0,
        axes: Any = None,
    ) -> np.ndarray:
        """Normal Q-Q plot of every random effect with simultaneous bands; levels outside are named.

        Parameters
        ----------
        group
            A grouping factor; None for all.
        level, n, seed
            As for `qq`.
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        check_level(level)
        terms = self.fit.design.terms
        known = [t.group for t in terms]
        if group is not None and group not in known:
            raise ArgumentError(f"ranef_qq: no grouping factor `{group}`" + did_you_mean(group, known))
        chosen = [i for i, t in enumerate(terms) if group in (None, t.group)]
        found = simulations(self, n, seed)
        panels = [(terms[i], a, found.modes[i][:, a]) for i in chosen for a in range(terms[i].k)]
        columns = 1 if width < NARROW or len(panels) == 1 else 2
        rows = -(-len(panels) // columns)
        flat, _ = new_panels(axes, len(panels), (rows, columns), (width, 3.1 * rows), "ranef_qq")
        for (term, a, values), ax in zip(panels, flat, strict=True):
            title = f"{term.group}: {term.effects[a]}"
            if np.isfinite(values).all():
                qq(ax, values, short_names(term.levels, NAME), level, title, width / columns)
            else:
                style.tidy(ax, title)
                ax.text(0.5, 0.5, "no variance: nothing to show", ha="center", fontsize=9, transform=ax.transAxes)
            ax.set_ylabel("standardised mode", fontsize=9)
        return flat

    def residuals(self, of: Of = "conditional", width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Scaled residuals against fitted values; the largest are named by their rows.

        Parameters
        ----------
        of
            "conditional" or "marginal".
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        values = self.fit.residuals("scaled", of=of)
        design = self.fit.design
        fitted = self.fit.fitted if of == "conditional" else design.offset + design.X @ self.fit.estimates.beta
        return against_fitted(fitted, values, design.rows.tolist(), f"Scaled {of}", width, ax)

    def boxes(self, group: str | None = None, width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Box plots of scaled residuals by level, which should spread alike.

        Parameters
        ----------
        group
            A grouping factor; None for the first. Of many levels the 60 widest are shown.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        return boxes(self.fit, group_term(self.fit, group, "boxes"), width, ax)

    def by_group(self, group: str | None = None, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Scaled residuals against fitted values, one panel for each level, the largest residuals first.

        Parameters
        ----------
        group
            A grouping factor; None for the first. Of many levels 24 are shown.
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        return by_group(self.fit, group_term(self.fit, group, "by_group"), width, axes)

    def caterpillar(
        self,
        group: str | None = None,
        term: str | None = None,
        level: float = 0.95,
        width: float = 7.0,
        ax: Axes | None = None,
        axes: Any = None,
    ) -> np.ndarray:
        """Random effects of every level, sorted, with intervals from their conditional sds.

        Parameters
        ----------
        group, term
            A grouping factor and a random effect, such as "(Intercept)"; None for all.
        level
            Of the intervals: estimate -+ normal quantile * conditional sd.
        width, ax, axes
            Of the figure in inches; or the axes of one panel, for one group and term; or those of all panels.
        """
        z = normal_quantile(0.5 + check_level(level) / 2)
        table = self.fit.ranef()
        table = table.assign(lower=table["estimate"] - z * table["se"], upper=table["estimate"] + z * table["se"])
        panels = panels_of(self.fit.design.terms, group, term, ax, "caterpillar")
        return caterpillar(table, panels, width, axes if ax is None else ax, style.REML)

    def profile(self, parm: Asked = None, level: float = 0.95, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Profile zeta of the parameters with their intervals; straight where a Wald interval would do.

        Parameters
        ----------
        parm
            As for `fit.confint`; all parameters where left out.
        level
            Of the intervals.
        width, axes
            Of a full row of panels, in inches; or the axes to draw into, one for each parameter.
        """
        return self.fit.profile(parm, max(0.99, check_level(level))).plot(level, width, axes)

    def effects(
        self,
        variable: str,
        by: str | None = None,
        level: float = 0.95,
        ddf: "Ddf" = "satterthwaite",
        width: float = 7.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Expected response along a predictor, with its band, over the data; other predictors averaged as in `means`.

        Parameters
        ----------
        variable
            A predictor of the fixed part.
        by
            Another one: a line for each level, in the colour of its rows, or for its 10%, 50% and 90% quantile.
        level, ddf
            Of the intervals, pointwise.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        design = self.fit.design
        at = effect_grid(design, variable, by)
        table = self.fit.means(variable, by=by, at=at, ddf=ddf, level=check_level(level)).table
        return effects_plot(table, design, variable, by, level, width, ax)

    def diagnostics(self, seed: Seed = 1, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """One page: residuals against fitted values, their Q-Q plot and spread by group, and the random effects.

        Parameters
        ----------
        seed
            Of the simulations behind the bands.
        width, axes
            Of the figure in inches; below 5, one panel under the other; or the axes to draw into, four, and two for a
            model without random effects.
        """
        columns = 1 if width < NARROW else 2
        count = 4 if self.fit.design.terms else 2
        size = (width, 3.1 * 4 / columns)
        flat, _ = new_panels(axes, count, (4 // columns, columns), size, "diagnostics")
        each = width / columns
        self.residuals(ax=flat[0], width=each)
        self.qq(ax=flat[1], seed=seed, width=each)
        if not self.fit.design.terms:
            return flat
        term = group_term(self.fit, None, "diagnostics")
        self.boxes(ax=flat[2], width=each)
        self.caterpillar(term.group, term.effects[0], ax=flat[3], width=each)
        for ax in flat[2:]:
            if term.n_levels > FEW_NAMES:
                ax.set_yticks([])
        return flat

    @cached_property
    def _simulations(self) -> LastSimulations[Standardised]:
        return LastSimulations(lambda n, seed: simulated(self.fit, n, seed))


def simulations(plots: FitPlots, n: int | None = None, seed: Seed = 1) -> Standardised:
    """Standardised residuals and modes of the data and of n simulated data sets."""
    return plots._simulations.of(check_simulations(n, plots.fit.nobs), seed)


def quantile_plot(found: QuantileResiduals, width: float, given: Any = None) -> np.ndarray:
    """Sorted quantile residuals with their band, and quantile residuals against the ranks of the fitted values."""
    narrow = width < NARROW
    shape, size = ((2, 1), (width, 5.6)) if narrow else ((1, 2), (width, 3.4))
    axes, figure = new_panels(given, 2, shape, size, "quantile_residuals().plot")
    p = found.tests["p"]
    title = f"Quantile residuals ({found.of}): " + ", ".join(
        f"{name}\u00a0p\u00a0=\u00a0{p[name]:.2g}" for name in p.index
    )
    u = found.values.dropna().to_numpy()
    x = (np.arange(u.size) + 0.5) / u.size
    draw_band(axes[0], x, np.sort(u), found.band[:, 0], found.band[:, 1])
    style.tidy(axes[0], "Uniform where the model holds")
    axes[0].set_xlabel("expected", fontsize=9)
    axes[0].set_ylabel("observed", fontsize=9)
    fitted = found.fitted[found.values.notna().to_numpy()]
    rank = (np.argsort(np.argsort(fitted)) + 0.5) / fitted.size
    for y in (0.25, 0.5, 0.75):
        axes[1].axhline(y, color=style.ink(), lw=0.8, ls="--" if y != 0.5 else "-")
    style.points(axes[1], rank, u, ms=3, color=style.REML, alpha=0.6)
    style.tidy(axes[1], "No pattern where the model holds")
    axes[1].set_xlabel("fitted value (rank)", fontsize=9)
    axes[1].set_ylabel("quantile residual", fontsize=9)
    for ax in axes:
        ax.tick_params(labelsize=8)
    headline(figure, axes, title, 0.95 * width)
    return axes
