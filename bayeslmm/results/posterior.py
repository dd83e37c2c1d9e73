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
from bayeslmm.results.posterior_check import PosteriorCheck, check_posterior
from bayeslmm.results.posterior_diagnostics import Diagnostics, diagnose
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_hypothesis import Hypotheses, HypothesisTable, Rope, judge
from bayeslmm.results.posterior_loo import Loo, exact_logo, exact_loo, psis_loo
from bayeslmm.results.posterior_means import of_draws
from bayeslmm.results.posterior_predict import AsDraws, Interval, NewLevels, Replicated
from bayeslmm.results.posterior_summary import PosteriorSummary, posterior_summary
from bayeslmm.results.posterior_tables import IntervalKind, check_kind, coef_draws, ranef_draws, varcorr_draws
from bayeslmm.results.posterior_variance import icc_draws, r2_draws
from bayeslmm.results.predictor import Kind, Seed
from bayeslmm.results.saved import PathLike, Saved, write

if TYPE_CHECKING:
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.results.apa.prose import Apa
    from bayeslmm.results.posterior_plots import PosteriorPlots
    from bayeslmm.results.prior_decision import PriorDecision
    from bayeslmm.results.prior_sensitivity import PriorSensitivity
    from bayeslmm.results.report.blocks import Report

GROUPS = ("posterior_predictive", "log_likelihood", "prior", "log_prior")


class FittableModel(Protocol):
    """What a posterior needs of the model that it came from: to fit, to sample again, and to go into a file."""

    @property
    def data_name(self) -> str:
        """What summaries call the data."""

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML."""

    def with_priors(self, priors: Any) -> Any:
        """The same model with other priors."""


class ModelWithPriors(FittableModel, Protocol):
    """What draws made by somebody else need of their model."""

    @property
    def design(self) -> Design:
        """The arrays."""

    @property
    def priors(self) -> "Priors":
        """The priors."""


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

    @classmethod
    def from_draws(cls, model: ModelWithPriors, idata: Any, seed: int | None = None) -> "Posterior":
        """A posterior from draws that you made yourself, with exact draws of the fixed and the random effects added.

        For `model.pymc_model(marginal=True)`, extended or not, or any model with `model.marginal_logp(...)` in it.
        Given sds, correlations and sigma the effects are drawn from their conditional distribution, so that the whole
        is a draw of the joint posterior, also of one with terms of your own in those parameters.

        Parameters
        ----------
        model
            The `Model` whose data and priors these are.
        idata
            What `pm.sample` or nutpie returned, or a Dataset with dims chain and draw: `sigma`, and `sd_g` and `cor_g`
            for each grouping factor g; `beta_centred` where coefficients were sampled. With `beta` and all `b_g` in it
            nothing is drawn. Other variables and groups are kept.
        seed
            Of the effects.

        Raises
        ------
        ArgumentError
            A variable is missing, has another shape, or numbers that cannot be.
        """
        from bayeslmm.results.posterior_from_draws import from_draws

        data = from_draws(model.design, model.priors, idata, seed)
        return cls(data=data, design=model.design, priors=model.priors, model=model)

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

    def apa(self, level: float = 0.95, terms: Collection[str] | None = None) -> "Apa":
        """Methods and results as a paper tells them, in APA style; `print` it, or take it as Markdown, LaTeX or HTML.

        Parameters
        ----------
        level
            Probability of the equal-tailed intervals.
        terms
            The coefficients that are told of; None for the first dozen.
        """
        from bayeslmm.results.apa.of_posterior import apa_of_posterior

        return apa_of_posterior(self, check_level(level), terms)

    def report(self, path: PathLike | None = None, level: float = 0.95, title: str | None = None) -> "Report":
        """Everything on one page, verdict first: a single HTML file for the co-authors, on a phone or on paper.

        Parameters
        ----------
        path
            A name that ends in .html; None writes nothing.
        level
            Probability of the equal-tailed intervals.
        title
            Of the page; None names the response.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        from bayeslmm.results.report.of_posterior import report_of_posterior

        return report_of_posterior(self, path, check_level(level), title)

    # -- how far to trust it --------------------------------------------------------------------------------------

    @cached_property
    def _diagnostics(self) -> Diagnostics:
        return diagnose(self.draws, self.data)

    def diagnostics(self) -> Diagnostics:
        """Divergences, R-hat, ESS, E-BFMI and tree depth, each with what to do; `print` it, or take `.table`, `.ok`."""
        return self._diagnostics

    def loo(self, conditional: bool = False, draws: int | None = None) -> Loo:
        """Leave-one-out cross-validation by PSIS, exact for every draw of the sds, correlations and sigma.

        How well is a row predicted from all others? Random effects, and coefficients with a normal or flat prior, are
        integrated out in closed form, so that importance sampling has to account for the few other parameters only.

        Parameters
        ----------
        conditional
            Condition on the random effects too, as brms and bambi do. Where few rows share a level, single rows hold
            much of what is known about it, and Pareto k says so.
        draws
            How many draws to use, evenly spread; None: all, fewer where rows times draws are more than 20 million.
        """
        if not conditional:
            return exact_loo(self.draws, self.priors, self._obs, draws)
        if draws is not None:
            raise ArgumentError("loo(conditional=True) takes all draws; draws=... is for the exact one")
        tree = self.data if "log_likelihood" in self.data.children else self.extended("log_likelihood").data
        return psis_loo(tree)

    def logo(self, group: str) -> Loo:
        """Leave-one-group-out cross-validation, exact as `loo()`: all rows of a level, jointly, from all others.

        Parameters
        ----------
        group
            A grouping factor of the model.
        """
        return exact_logo(self.draws, self.priors, group)

    def check(self, replicates: int | None = None, seed: Seed = 1) -> PosteriorCheck:
        """Does the model make data like those observed? One table in words, worst first; `.plot()` shows it.

        Test statistics of rows (replicated with the same levels), of groups (replicated with new levels) and of
        residuals, with posterior predictive p-values; and whether rows lie in their leave-one-out predictive
        distributions as they should (LOO-PIT).

        Parameters
        ----------
        replicates
            How many data sets are made; None: 400, fewer for large data.
        seed
            Of the random numbers.
        """
        return check_posterior(self.draws, self.priors, self._obs, replicates, seed)

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

    def hypothesis(self, hypotheses: Hypotheses, rope: Rope = None, level: float = 0.95) -> HypothesisTable:
        """Judge statements about the parameters: how probable they are, and what the data changed.

        Parameters
        ----------
        hypotheses
            `"grade > 0"`, `"grade - 2 * female"`, `"grade = 0"`; several between commas, in a list, or in a dict by
            name. Coefficients, `sd_g[effect]`, `cor_g[effect, effect]` and `sigma` can be combined linearly. An
            equality is judged by the ratio of posterior and prior density there, for coefficients with proper priors.
        rope
            (low, high): from where to where left less right side counts as no difference.
        level
            Probability of the equal-tailed intervals.

        Raises
        ------
        ArgumentError
            A name is not known, or an equality has no prior density to compare with, and no rope.
        """
        return judge(self.draws, self.priors, hypotheses, rope, check_level(level))

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

    def posterior_predictive(self, re: Replicated = "all", seed: Seed = None) -> xr.Dataset:
        """New responses `y` (chain, draw, obs) for the rows that were fitted.

        Parameters
        ----------
        re
            "all": of the same levels, with their random effects; "new": of new levels, whose effects are drawn from
            their distribution, once per level and posterior draw; "none": with effects of zero.
        seed
            Of the random numbers.
        """
        return predictions.posterior_predictive(self.draws, self._obs, seed, re)

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
            Of "posterior_predictive", "log_likelihood", "prior", "log_prior"; none given is the first two.
        seed
            Of the random numbers.
        prior_draws
            How many draws `prior` has.
        """
        make = {
            "posterior_predictive": lambda: self.posterior_predictive(seed=seed),
            "log_likelihood": lambda: predictions.log_likelihood(self.draws, self._obs),
            "prior": lambda: self.prior(prior_draws, seed),
            "log_prior": self._log_prior,
        }
        for name in groups:
            if name not in GROUPS:
                raise ArgumentError(f"there is no group `{name}` to add" + did_you_mean(name, GROUPS))
        added = {name: make[name]() for name in groups or GROUPS[:2]}
        present = {name: node.to_dataset() for name, node in self.data.children.items()}
        tree = xr.DataTree.from_dict({**present, **added})
        tree.attrs = dict(self.data.attrs)
        return replace(self, data=tree)

    # -- priors ----------------------------------------------------------------------------------------------------

    @property
    def plot(self) -> "PosteriorPlots":
        """Pictures: `post.plot.prior_posterior()`."""
        from bayeslmm.results.posterior_plots import PosteriorPlots

        return PosteriorPlots(self.draws, self.priors)

    def prior_sensitivity(
        self,
        decision: Any = None,
        prior: str = "all",
        level: float = 0.95,
        reach: float = 32.0,
        draws: int = 1000,
        refits: int = 12,
        sampling: Mapping[str, Any] | None = None,
    ) -> "PriorSensitivity | PriorDecision":
        """Whether the priors decide: about each parameter, or about one decision.

        Without `decision`: power-scaling of priors and likelihood (Kallioinen et al. 2024), and a verdict on each
        parameter. With it: how much wider or narrower a prior must be until the interval of a quantity includes zero,
        or excludes it, by reweighting the draws, and by sampling again where k-hat is above 0.7.

        Parameters
        ----------
        decision
            One linear function of the coefficients, as for `contrast`: "grade", "recipeB - recipeC". The interval is
            held against 0, or against the number right of `=`.
        prior
            Of a decision: the prior that changes, by its name in `priors=`: a parameter ("grade", "sd_major[grade]"), a
            class ("beta", "sd", "sd_major", "sigma"), or "all". Priors of correlations and flat ones have no width.
        level
            Of a decision: probability of the equal-tailed interval.
        reach
            Of a decision: the largest factor tried, and one over the smallest.
        draws
            Without a decision: how many draws are used, at most.
        refits, sampling
            Of a decision: the most times the model is sampled again, and with which options of `Model.sample`; None:
            the chains, draws and seed of this posterior.

        Returns
        -------
        PriorSensitivity or PriorDecision
            `print` it; `.table`, of a decision also `.curve`, `.sentence` and `.plot()`.
        """
        from bayeslmm.results.prior_decision import prior_decision
        from bayeslmm.results.prior_parameters import own_priors
        from bayeslmm.results.prior_sensitivity import prior_sensitivity

        priors = own_priors(self.priors, "prior_sensitivity")
        if decision is None:
            return prior_sensitivity(self.draws, priors, draws)
        function = linear_functions(decision, self.design)

        def refit(given: Mapping[str, Any]) -> Draws:
            return self.model.with_priors(given).sample(**self._sampling(sampling)).draws

        return prior_decision(self.draws, priors, function, prior, refit, check_level(level), reach, refits)

    def _log_prior(self) -> xr.Dataset:
        from bayeslmm.results.prior_parameters import log_prior_dataset, own_priors

        return log_prior_dataset(self.draws, own_priors(self.priors, "log_prior"))

    def _sampling(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Options to sample again as this posterior was."""
        kept = ("chains", "draws", "tune", "seed")
        own: dict[str, Any] = {str(k): v for k, v in self.data.attrs.items() if k in kept}
        return {**own, "progressbar": False, **(given or {})}

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
