"""Simulation-based calibration: whether the posterior of this model, sampled this way, is the right one.

    theta_i ~ prior,   y_i ~ p(y | theta_i),   theta_i1 .. theta_iL ~ p(theta | y_i) by the sampler,   i = 1 .. n

Where everything is right, the rank of theta_i among its L draws is uniform on 0 .. L for every function of theta
(Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv:1804.06788), which `rank_uniformity` tests. Besides the
parameters, the log likelihood is ranked, which sees errors of the joint posterior that no single parameter shows
(Modrak et al. 2023, Bayesian Analysis).
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.bayes.prior_draws import prior_draws
from bayeslmm.bayes.priors import Priors
from bayeslmm.compare.rank_uniformity import CLEAR, band, below, summary
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, SamplingWarning, check_whole
from bayeslmm.likelihood.threads import threads
from bayeslmm.results import style
from bayeslmm.results.checks import check_level
from bayeslmm.results.panels import new_panels
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_diagnostics import parameters
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import make_predictor
from bayeslmm.results.table_export import Tabular

RANKED, LEAST = 99, 50
LIKELIHOOD = "log likelihood"
NARROW = 5.0


class Sampled(Protocol):
    """What calibration needs of a model."""

    @property
    def design(self) -> Design:
        """The arrays."""

    @property
    def priors(self) -> Priors:
        """The priors."""

    def with_response(self, y: Any, same_priors: bool = False) -> Any:
        """The same model of another response."""

    def sample(self, **options: Any) -> Posterior:
        """Draws from its posterior."""


@dataclass(frozen=True, repr=False)
class Calibration(Tabular):
    """What `blm.calibrate(model)` returns; `print` it, take `table`, or look at `plot()`.

    Attributes
    ----------
    ranks
        DataFrame (n, parameters): how many of `ranked` draws lie below the true value.
    table
        DataFrame by parameter: `bias` (mean rank less the expected one, as a share of all), `spread` (variance of the
        ranks over that of uniform ones: above 1, posteriors are too narrow), `statistic`, `p`, `p_adjusted` (Holm),
        `verdict`.
    ranked
        L, draws of each posterior that the true value is ranked among.
    divergences
        Runs with divergences.
    """

    ranks: pd.DataFrame
    table: pd.DataFrame
    ranked: int
    divergences: int

    @property
    def ok(self) -> bool:
        """Whether no parameter has a p-value below 0.01, as adjusted for their number (Holm)."""
        return bool((self.table["p_adjusted"] > CLEAR).all())

    def plot(self, level: float = 0.95, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """ECDF of the ranks less the uniform one, with a simultaneous band, one panel a parameter.

        Parameters
        ----------
        level
            Probability of the band, everywhere at once, for each parameter.
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        columns = 2 if width < NARROW else 3
        names = [str(name) for name in self.ranks]
        rows = -(-len(names) // columns)
        size = (width, 0.3 + 2.0 * rows)
        flat, figure = new_panels(axes, len(names), (rows, columns), size, "plot", sharex=True)
        k = np.arange(1, self.ranked + 1)
        z, n = k / (self.ranked + 1), len(self.ranks)
        low, high = band(n, self.ranked, check_level(level))
        p_values = self.table["p"].to_dict()
        for name, ax in zip(names, flat, strict=True):
            share = below(self.ranks[name].to_numpy(), self.ranked) / n
            out = (share < low) | (share > high)
            colour = style.BAYES if out.any() else style.REML
            ax.fill_between(z, low - z, high - z, step="mid", color=style.NO_POOLING, alpha=style.veil(0.25), lw=0)
            ax.axhline(0, color=style.ink(), lw=0.8)
            ax.plot(z, share - z, color=colour, lw=1.4)
            style.tidy(ax, f"{style.fold(name, width / columns - 0.6)}\np = {p_values[name]:.2g}")
            ax.tick_params(labelsize=7)
        for ax in flat[:: columns if figure is not None else len(names)]:
            ax.set_ylabel("observed less uniform", fontsize=8)
        for ax in flat[max(0, len(names) - columns) :]:
            ax.set_xlabel("rank / (L + 1)", fontsize=8)
            ax.tick_params(labelbottom=True)
        return flat

    def __str__(self) -> str:
        n = len(self.ranks)
        worst = self.table["p_adjusted"].min()
        told = (
            f"every rank could be uniform (smallest p, adjusted for {len(self.table)} parameters: {worst:.2g})"
            if self.ok
            else f"! not calibrated: smallest p, adjusted for {len(self.table)} parameters, {worst:.2g}"
        )
        lines = [f"Simulation-based calibration: {n} data sets, ranks among {self.ranked} draws", ""]
        lines += [self.table.to_string(float_format=lambda v: f"{v:.3g}"), "", told]
        if self.divergences:
            lines.append(f"! {self.divergences} of {n} runs had divergences")
        return "\n".join(lines)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def calibrate(
    model: Sampled,
    n: int = 500,
    seed: int | None = None,
    sampler: Callable[[Any, int], Posterior] | None = None,
    cores: int | None = None,
    **options: Any,
) -> Calibration:
    """Check that posteriors of a model are right, by data sets whose parameters are known.

    Parameters are drawn from the priors, data from the model, and each data set is sampled: n fits.

    Parameters
    ----------
    model
        A `Model` whose priors are proper. Default priors are those of its own response, for all data sets.
    n
        Data sets, at least 50.
    seed
        Of all random numbers.
    sampler
        Called with a model and a seed, returns its posterior; None: `model.sample`.
    cores
        Data sets that are sampled at a time; None: as many as fits use threads. The result does not depend on it.
    **options
        For `model.sample`: 1 chain of 1000 draws where nothing else is said.

    Raises
    ------
    ArgumentError
        A prior is flat, and a flat prior has no draws; or an argument cannot be worked with.
    """
    _check(n, cores, sampler, options)
    sequence = np.random.SeedSequence(seed)
    first, *others = (int(s) for s in sequence.generate_state(n + 2, np.uint32))
    truth = Draws(prior_draws(model.design, model.priors, draws=n, seed=first), model.design)
    y = make_predictor(truth, seed=others[0]).draws("predictive")
    run = sampler or _default(options)
    known = _quantities(truth, y)

    def one(i: int) -> tuple[np.ndarray, bool]:
        post = run(model.with_response(y[i], same_priors=True), others[i + 1])
        return _ranks(known[i], post), _diverged(post)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        found = [one(0)]  # alone: what the model makes once, such as its cross-products, is made here
        with ThreadPoolExecutor(cores or threads()) as pool:
            found += pool.map(one, range(1, n))
    names = [*parameters(truth)[0], LIKELIHOOD]
    ranks = pd.DataFrame(np.array([r for r, _ in found]), columns=names)
    table = summary(ranks, RANKED, np.random.default_rng(sequence.spawn(1)[0]))
    return Calibration(ranks, table, RANKED, sum(d for _, d in found))


def _default(options: dict[str, Any]) -> Callable[[Any, int], Posterior]:
    """Sampling by the model itself."""
    chosen = {"chains": 1, "draws": 1000, "cores": 1, "progressbar": False, "check": False, **options}
    return lambda model, seed: model.sample(seed=seed, **chosen)


def _check(n: int, cores: int | None, sampler: object, options: dict[str, Any]) -> None:
    check_whole("n", n, LEAST, "calibrate")
    if cores is not None:
        check_whole("cores", cores, 1, "calibrate")
    if sampler is not None and not callable(sampler):
        raise ArgumentError("calibrate: sampler is a function of a model and a seed that returns its posterior")
    if sampler is not None and options:
        raise ArgumentError(f"calibrate: `{next(iter(options))}` is an option of model.sample, which sampler replaces")


def _quantities(draws: Draws, y: np.ndarray) -> np.ndarray:
    """(S, m): the parameters of each draw, and the log likelihood there of y, (n,) or one for each draw (S, n)."""
    _, values = parameters(draws)
    eta = make_predictor(draws).draws("expected")
    scale = draws.sigma[:, None] / np.sqrt(draws.design.weights)
    density = -0.5 * (np.log(2 * np.pi) + ((y - eta) / scale) ** 2) - np.log(scale)
    return np.column_stack([values.reshape(draws.size, -1), density.sum(axis=1)])


def _ranks(known: np.ndarray, post: Posterior) -> np.ndarray:
    """(m,): how many of `RANKED` draws, evenly spread over the chains, lie below the known values."""
    return (_quantities(_spread(post.draws), post.design.y) < known).sum(axis=0)


def _spread(draws: Draws) -> Draws:
    """`RANKED` of the draws, evenly spread over all."""
    if draws.size < RANKED:
        raise ArgumentError(f"calibrate: a posterior with {draws.size} draws; ranks need {RANKED} at least")
    chosen = np.linspace(0, draws.size - 1, RANKED).astype(int)
    chain, draw = (xr.DataArray(i, dims="draw") for i in np.divmod(chosen, draws.shape[1]))
    thinned = draws.posterior.drop_vars(["chain", "draw"], errors="ignore").isel(chain=chain, draw=draw)
    return Draws(thinned.expand_dims("chain"), draws.design)


def _diverged(post: Posterior) -> bool:
    if "sample_stats" not in post.data.children or "diverging" not in post.data["sample_stats"]:
        return False
    return bool(post.data["sample_stats"]["diverging"].any())
