"""Pictures of a posterior: parameters, chains, data of the model, effects; and densities beside those of the priors."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bayeslmm.bayes.bounds import support_of
from bayeslmm.bayes.defaults import AT_MEAN
from bayeslmm.bayes.distributions import LKJ
from bayeslmm.bayes.names import pair_labels
from bayeslmm.bayes.prior import Support
from bayeslmm.bayes.priors import Priors
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import rformat, style
from bayeslmm.results.checks import check_level
from bayeslmm.results.draw_pictures import forest, predictive, ranks
from bayeslmm.results.effect_pictures import caterpillar, effect_grid, effects_plot, panels_of
from bayeslmm.results.panels import headline, new_panels
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.prior_parameters import PriorParameter, marginal_correlation, own_priors, prior_parameters
from bayeslmm.results.simulations import Seed
from bayeslmm.results.smooth_density import smooth_density

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior

MOST, PANEL_INCHES, GRID, BETWEEN = 24, 1.7, 200, 0.2


@dataclass(frozen=True)
class Density:
    """What one panel shows.

    Attributes
    ----------
    name
        Of the parameter.
    draws
        (S,): the posterior.
    parameter
        The slot that it belongs to.
    block
        Size of the block of a correlation; 0 for all others.
    """

    name: str
    draws: np.ndarray
    parameter: PriorParameter
    block: int = 0

    @property
    def support(self) -> Support:
        """Where it may lie."""
        return (-1.0, 1.0) if self.block else support_of(self.parameter.slot)

    def prior(self, x: np.ndarray) -> np.ndarray | None:
        """Density of the prior at x (m,); None for a flat one."""
        prior = self.parameter.slot.prior
        if not prior.proper:
            return None
        return marginal_correlation(prior, self.block, x) if isinstance(prior, LKJ) else np.exp(prior.logp(x))

    @property
    def prior_sd(self) -> float:
        """Standard deviation of the prior."""
        prior = self.parameter.slot.prior
        return float(1 / np.sqrt(2 * (prior.eta - 1) + self.block + 1)) if isinstance(prior, LKJ) else prior.sd


@dataclass(frozen=True)
class PosteriorPlots:
    """The pictures of one posterior: `post.plot.forest()`, `post.plot.ranks()`, `post.plot.predictive()`, ..."""

    post: "Posterior"

    def forest(self, level: float = 0.95, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Fixed effects, sds and correlations: medians with intervals of `level` (thin) and 50% (thick).

        Parameters
        ----------
        level
            Of the thin intervals.
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        return forest(self.post.draws, check_level(level), width, axes)

    def ranks(self, parameters: str | list[str] | None = None, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Ranks and traces of the chains, a row for each parameter: chains that agree are within the band everywhere.

        Parameters
        ----------
        parameters
            Names such as "grade", "sd major grade", "sigma"; None for the twelve with the largest R-hat.
        width, axes
            Of the figure in inches; below 5, traces stand under ranks; or the axes to draw into, two for each
            parameter.

        Returns
        -------
        ndarray of Axes
            (parameters, 2).
        """
        return ranks(self.post.draws, parameters, width, axes)

    def predictive(self, seed: Seed = 1, width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Densities of the observed responses and of data sets that the model makes; more in `post.check().plot()`.

        Parameters
        ----------
        seed
            Of the random numbers.
        width, ax
            Of the figure in inches; or the axes to draw into.
        """
        self.post._needs_normal("plot.predictive")
        return predictive(self.post.draws, seed, width, ax)

    def caterpillar(
        self,
        group: str | None = None,
        term: str | None = None,
        level: float = 0.95,
        width: float = 7.0,
        ax: Axes | None = None,
        axes: Any = None,
    ) -> np.ndarray:
        """Random effects of every level, sorted, with equal-tailed intervals; as `fit.plot.caterpillar`."""
        table = self.post.ranef(check_level(level))
        panels = panels_of(self.post.design.terms, group, term, ax, "caterpillar")
        return caterpillar(table, panels, width, axes if ax is None else ax, style.BAYES)

    def effects(
        self, variable: str, by: str | None = None, level: float = 0.95, width: float = 7.0, ax: Axes | None = None
    ) -> Axes:
        """Expected response along a predictor over the data; arguments as for `fit.plot.effects`."""
        design = self.post.design
        table = self.post.means(variable, by=by, at=effect_grid(design, variable, by), level=check_level(level)).table
        return effects_plot(table, design, variable, by, level, width, ax, style.BAYES)

    def prior_posterior(
        self, parameters: Collection[str] | None = None, width: float = 7.0, axes: Any = None
    ) -> np.ndarray:
        """Densities of prior and posterior, one panel for each parameter: how much was learned from the data.

        The intercept is the one that has the prior: the expected response where every predictor has its mean. Each
        panel shows where the posterior is, and as much around it; the density of a vague prior is a low line there. The
        numbers are the sds of both.

        Parameters
        ----------
        parameters
            Names as in `post.priors.table`, where correlations are "cor_g"; None is the first 24.
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.

        Raises
        ------
        ArgumentError
            No parameter of this name.
        """
        found = list(_densities(self.post.draws, own_priors(self.post.priors, "prior_posterior")))
        chosen = _chosen(found, parameters)
        rows = -(-len(chosen) // max(1, int(width / PANEL_INCHES)))
        columns = -(-len(chosen) // rows)
        size = (width, 1.55 * rows + 0.75)
        flat, figure = new_panels(axes, len(chosen), (rows, columns), size, "prior_posterior")
        for density, ax in zip(chosen, flat, strict=True):
            _panel(ax, density, width / columns)
        hidden = f", the first {len(chosen)} of {len(found)}" if parameters is None and len(found) > MOST else ""
        headline(figure, flat, f"Prior and posterior{hidden}", width)
        _legend(figure, flat[0])
        return flat


def _densities(draws: Draws, priors: Priors) -> Iterator[Density]:
    terms = {t.group: t for t in draws.design.terms}
    for parameter in prior_parameters(draws, priors):
        slot = parameter.slot
        if slot.kind != "cor":
            yield Density(slot.keys[0], parameter.draws[0], parameter)
            continue
        term = terms[slot.group]
        size = {i: len(block) for block in term.blocks for i in block}
        for (i, _), label, x in zip(term.pairs, pair_labels(term), draws.cor(term).T, strict=True):
            yield Density(f"{slot.keys[0]}[{label}]", x, parameter, size[i])


def _chosen(found: list[Density], parameters: Collection[str] | None) -> list[Density]:
    if parameters is None:
        return found[:MOST]
    wanted = [parameters] if isinstance(parameters, str) else list(parameters)
    known = list(dict.fromkeys(name for d in found for name in (d.name, *d.parameter.slot.keys)))
    for name in wanted:
        if name not in known:
            raise ArgumentError(f"prior_posterior: no parameter `{name}`" + did_you_mean(str(name), known))
    chosen = [d for d in found if {d.name, *d.parameter.slot.keys} & set(wanted)]
    if not chosen:
        raise ArgumentError("prior_posterior: no parameter was named; None shows all")
    return chosen


def _panel(ax: Axes, density: Density, inches: float) -> None:
    draws = density.draws[np.isfinite(density.draws)]
    spread = float(draws.std())
    style.tidy(ax, "")
    title = density.name + (" at mean X" if density.parameter.slot.why.endswith(AT_MEAN) else "")
    ax.set_title(style.fold(title, inches - BETWEEN, 8.5), loc="left", fontsize=8.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=7.5)
    ax.xaxis.set_major_locator(MaxNLocator(3 if inches < 2 else 4, steps=[1, 2, 5, 10]))
    x = _grid(draws, density.support)
    if spread > 0:
        at, curve = smooth_density(draws, density.support, x[0], x[-1])
        ax.fill_between(at, curve, color=style.BAYES, alpha=style.veil(0.35), lw=0)
        ax.plot(at, curve, color=style.BAYES, lw=1.2)
        ax.set_ylim(0, 1.15 * float(curve.max()))
    else:
        ax.axvline(draws[0], color=style.BAYES, lw=1.5)
    prior = density.prior(x)
    if prior is not None:
        ax.plot(x, prior, color=style.PRIOR, lw=1.6)
    ax.set_xlim(x[0], x[-1])
    sds = ["flat" if prior is None else _sd(density.prior_sd), _sd(spread)]
    for text, colour, height in ((sds[0], style.PRIOR, 0.98), (sds[1], style.BAYES, 0.82)):
        ax.text(
            0.99, height, text, color=style.readable(colour), ha="right", va="top", fontsize=7.5, transform=ax.transAxes
        )


def _grid(draws: np.ndarray, support: Support) -> np.ndarray:
    """Points (m,) over the posterior and half as much on each side, within the support."""
    low, high = np.quantile(draws, [0.001, 0.999])
    more = 0.5 * (high - low) or 1.0
    lower, upper = max(low - more, support[0]), min(high + more, support[1])
    inside = 1e-6 * (upper - lower)  # a density may be infinite where its support ends
    return np.linspace(lower + inside, upper - inside, GRID)


def _sd(value: float) -> str:
    if np.isfinite(value):
        return "sd " + rformat.format_numbers([value], 2)[0]
    return "sd infinite" if np.isinf(value) else "no sd"


def _legend(figure: Figure | None, first: Axes) -> None:
    handles = [
        Line2D([], [], color=style.PRIOR, lw=1.6, label="prior"),
        Line2D([], [], color=style.BAYES, lw=5, alpha=0.5, label="posterior"),
    ]
    if figure is None:
        first.legend(handles=handles, loc="upper left", frameon=False, fontsize=7)
    else:
        figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=8)
