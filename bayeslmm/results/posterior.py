"""`Posterior`: posterior draws of a mixed model, and everything that is read off them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.bayes.packed_priors import pack_priors
from bayeslmm.design import Design
from bayeslmm.design.linear import linear_functions
from bayeslmm.design.packed import pack
from bayeslmm.design.reference_grid import Weights
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import posterior_predict as predictions
from bayeslmm.results.checks import check_level
from bayeslmm.results.frames import preformatted
from bayeslmm.results.means import Means, Names, Request
from bayeslmm.results.posterior_diagnostics import Diagnostics, diagnose
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_loo import Loo, psis_loo
from bayeslmm.results.posterior_means import of_draws
from bayeslmm.results.posterior_predict import AsDraws, Interval, NewLevels
from bayeslmm.results.posterior_summary import PosteriorSummary, posterior_summary
from bayeslmm.results.posterior_tables import IntervalKind, check_kind, coef_draws, ranef_draws, varcorr_draws
from bayeslmm.results.posterior_variance import icc_draws, r2_draws
from bayeslmm.results.predictor import Kind, Seed
from bayeslmm.results.saved import PathLike, Saved, write

if TYPE_CHECKING:
    from bayeslmm.bayes.priors import Priors

GROUPS = ("posterior_predictive", "log_likelihood", "prior")


class FittableModel(Protocol):
    """What a posterior needs of the model that it came from, to go back to the REML fit and into a file."""

    @property
    def data_name(self) -> str:
        """What summaries call the data."""

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML."""


class PriorTable(Protocol):
    """What a posterior needs of its priors."""

    @property
    def table(self) -> pd.DataFrame:
        """Columns parameter, prior, why."""


@dataclass(frozen=True, repr=False)
class Posterior:
    """The posterior of a linear mixed model. Tables are pandas objects; `data` is for ArviZ.

    Attributes
    ----------
    data
        DataTree with groups `posterior` (`beta`, `sigma` and, for each grouping factor g, `sd_g`, `cor_g`, `b_g`),
        `sample_stats`, `observed_data`, `constant_data`.
    design
        The arrays: y, X, the random terms.
    priors
        The priors that were used; `priors.table` shows them.
    model
        The model it came from.
    """

    data: xr.DataTree
    design: Design
    priors: PriorTable
    model: FittableModel

    @cached_property
    def draws(self) -> Draws:
        """The draws as arrays, chains joined."""
        return Draws.of(self.data, self.design)

    # -- estimates ------------------------------------------------------------------------------------------------

    @property
    def fixef(self) -> pd.Series:
        """Posterior means of the fixed effects, by coefficient (p,)."""
        return pd.Series(self.draws.beta.mean(axis=0), index=list(self.design.coef_names), name="estimate")

    @property
    def sigma(self) -> float:
        """Posterior mean of the residual sd, in units of the response."""
        return float(self.draws.sigma.mean())

    @property
    def varcorr(self) -> pd.DataFrame:
        """Variances and correlations: group, term1, term2 (None for a variance), vcov, sd, corr; Residual last.

        Each number is a posterior mean of its own, so that `vcov` is not the square of `sd`.
        """
        return varcorr_draws(self.draws)

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.design.n

    @property
    def ngroups(self) -> pd.Series:
        """Number of levels of each grouping factor."""
        return pd.Series({t.group: t.n_levels for t in self.design.terms}, name="levels", dtype=int)

    def ranef(self, level: float = 0.95) -> pd.DataFrame:
        """Random effects: group, level, term, estimate (mean), se (posterior sd), lower, upper (equal-tailed).

        Parameters
        ----------
        level
            Probability of the intervals.
        """
        return ranef_draws(self.draws, check_level(level))

    def coef(self, level: float = 0.95) -> pd.DataFrame:
        """Coefficients of every level, fixed plus random part: group, level, term, estimate, se, lower, upper.

        Parameters
        ----------
        level
            Probability of the intervals.
        """
        return coef_draws(self.draws, check_level(level))

    def summary(self, level: float = 0.95, kind: IntervalKind = "eti") -> PosteriorSummary:
        """Everything at a glance; `print` it, or take `.fixed` and `.random`.

        Parameters
        ----------
        level
            Probability of the intervals.
        kind
            "eti": equal-tailed; "hdi": shortest (highest density).
        """
        check_level(level)
        return posterior_summary(self.draws, self.priors, self._diagnostics, level, check_kind(kind))

    # -- how far to trust it --------------------------------------------------------------------------------------

    @cached_property
    def _diagnostics(self) -> Diagnostics:
        return diagnose(self.draws, self.data)

    def diagnostics(self) -> Diagnostics:
        """Divergences, R-hat, ESS, E-BFMI and tree depth, each with what to do; `print` it, or take `.table`, `.ok`."""
        return self._diagnostics

    def loo(self) -> Loo:
        """Leave-one-out cross-validation by PSIS; the random effects of the row's groups are kept.

        Where few rows share a level, single rows hold much of what is known about it, and Pareto k says so.
        """
        tree = self.data if "log_likelihood" in self.data.children else self.extended("log_likelihood").data
        return psis_loo(tree)

    # -- shares of variance ---------------------------------------------------------------------------------------

    def icc(self, level: float = 0.95, by_group: bool = False) -> pd.Series | pd.DataFrame:
        """Intraclass correlation, draw by draw, as `Fit.icc` defines it: estimate, sd, lower, upper.

        Parameters
        ----------
        level
            Probability of the interval.
        by_group
            Return one row for each grouping factor.
        """
        return icc_draws(self.draws, check_level(level), by_group)

    def bayes_r2(self, level: float = 0.95) -> pd.Series:
        """Bayesian R2 of the fitted values, random effects included: estimate, sd, lower, upper.

        Var(fitted) / (Var(fitted) + residual variance) in every draw (Gelman et al. 2019).

        Parameters
        ----------
        level
            Probability of the interval.
        """
        return r2_draws(self.draws, check_level(level))

    # -- means, comparisons, slopes -------------------------------------------------------------------------------

    def contrast(self, L: Any, level: float = 0.95) -> Means:
        """Posterior of linear functions of the coefficients.

        Parameters
        ----------
        L
            As for `Fit.contrast`; a value right of `=` is subtracted.
        level
            Probability of the equal-tailed intervals.
        """
        functions = linear_functions(L, self.design)
        shifted = replace(functions, constant=functions.constant - functions.null)
        return of_draws(Request.one_family(shifted, ()), self.draws.beta, check_level(level))

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> Means:
        """Posterior of marginal means; arguments as for `Fit.means`."""
        return of_draws(Request.means(self.design, specs, by, at, weights), self.draws.beta, check_level(level))

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        ref: Any = None,
        level: float = 0.95,
    ) -> Means:
        """Posterior of comparisons of marginal means; arguments as for `Fit.contrasts`."""
        request = Request.contrasts(self.design, specs, method, by, at, weights, ref)
        return of_draws(request, self.draws.beta, check_level(level))

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> Means:
        """Posterior of slopes of the mean in a numeric predictor; arguments as for `Fit.slopes`."""
        return of_draws(Request.slopes(self.design, variable, by, at, weights), self.draws.beta, check_level(level))

    # -- predictions ----------------------------------------------------------------------------------------------

    def predict(
        self,
        newdata: Any = None,
        re: Literal["all", "none"] | Collection[str] = "all",
        new_levels: NewLevels = "error",
        kind: Kind = "expected",
        level: float = 0.95,
        seed: Seed = None,
        draws: AsDraws = False,
        interval: Interval | None = None,
    ) -> pd.DataFrame | np.ndarray | xr.DataArray:
        """Predictions with their uncertainty, for any number of rows: a chunk of them is in memory at a time.

        Parameters
        ----------
        newdata
            Any data frame with the columns of the right-hand side; None for the rows that were fitted.
        re
            Which random effects count: "all", "none", or names of grouping factors.
        new_levels
            A level that was not in the data is an "error", gets the "population" value (effects of zero), or effects
            that are a "sample" from their distribution: one draw per level and posterior draw.
        kind
            "expected": the mean of the response; "linear": the linear predictor, which is the same for a Gaussian
            response; "predictive": a new response, with residual noise. Rows of `newdata` have weight 1.
        level
            Probability of the equal-tailed intervals.
        seed
            Of new levels and of the noise.
        draws
            Return the draws instead of their summary: True or "array" as (draws, rows), "xarray" with dims chain, draw
            and obs. All of them have to fit into memory.
        interval
            Ask as `Fit.predict` is asked, for the interval of the mean of a row, "confidence" (or "expected"), or of a
            new observation of it, "prediction" (or "predictive"). Then levels that are new vary with their full
            variance, unless they are an "error"; an observation has the weight in the column that the model took its
            weights from, and comes from one new level of the groups that `re` leaves out.

        Returns
        -------
        DataFrame
            Columns estimate (mean), se (sd), lower, upper, with the index of `newdata` where it has one; NaN where a
            value is missing.

        Raises
        ------
        DataError
            A column is missing, or a level is new and that was not allowed for.
        ArgumentError
            An argument is not known, or the draws do not fit into memory.
        """
        return predictions.predict_posterior(self.draws, newdata, re, new_levels, kind, level, seed, draws, interval)

    def posterior_predictive(self, seed: Seed = None) -> xr.Dataset:
        """New responses `y` (chain, draw, obs) for the rows that were fitted, given their random effects."""
        return predictions.posterior_predictive(self.draws, self._obs, seed)

    def log_likelihood(self) -> xr.DataArray:
        """Log density (chain, draw, obs) of each response, given its random effects; weights respected."""
        return predictions.log_likelihood(self.draws, self._obs)["y"]

    def prior(self, draws: int = 1000, seed: int | None = None) -> xr.Dataset:
        """Draws from the prior, with the names and dims of the posterior.

        Parameters
        ----------
        draws
            How many.
        seed
            Of the random numbers.
        """
        from bayeslmm.bayes.prior_draws import prior_draws

        if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 1:
            raise ArgumentError(f"prior(draws={draws!r}): draws must be a whole number, at least 1")
        return prior_draws(self.design, cast("Priors", self.priors), draws=int(draws), seed=seed)

    def extended(self, *groups: str, seed: int | None = None, prior_draws: int = 1000) -> "Posterior":
        """Return the same posterior with more groups in `data`, as ArviZ's plots want them.

        Parameters
        ----------
        *groups
            Of "posterior_predictive", "log_likelihood", "prior"; none given is the first two.
        seed
            Of the random numbers.
        prior_draws
            How many draws `prior` has.
        """
        make = {
            "posterior_predictive": lambda: self.posterior_predictive(seed),
            "log_likelihood": lambda: predictions.log_likelihood(self.draws, self._obs),
            "prior": lambda: self.prior(prior_draws, seed),
        }
        for name in groups:
            if name not in GROUPS:
                raise ArgumentError(f"there is no group `{name}` to add" + did_you_mean(name, GROUPS))
        added = {name: make[name]() for name in groups or GROUPS[:2]}
        present = {name: node.to_dataset() for name, node in self.data.children.items()}
        tree = xr.DataTree.from_dict({**present, **added})
        tree.attrs = dict(self.data.attrs)
        return replace(self, data=tree)

    # -- onwards --------------------------------------------------------------------------------------------------

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML. Returns a `Fit`."""
        return self.model.fit(reml=reml)

    def save(self, path: PathLike) -> None:
        """Save to a file that `blm.load` reads; ArviZ reads the draws in it too.

        It holds the draws, the formula, the columns that it uses, contrasts and levels, priors, seed, settings and
        versions: everything but functions of one's own, which are given again to `blm.load`.

        Parameters
        ----------
        path
            A name that ends in `.nc` (netCDF) or `.zarr` (Zarr, where installed). A file of that name is replaced once
            the new one is whole.

        Raises
        ------
        ArgumentError
            The file cannot be written; nothing is lost.
        """
        parts = {"design": pack(self.design), "priors": pack_priors(self.priors)}
        write(path, Saved("posterior", {"data_name": self.model.data_name}, parts, self.data))

    def __repr__(self) -> str:
        return self.summary().text

    def _repr_html_(self) -> str:
        return preformatted(self.summary().text)

    @property
    def _obs(self) -> np.ndarray:
        return predictions.observations(self.data, self.design)
