"""`Model`: a formula and data, before any inference; the one object that sees every layer."""

import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslmm.design import Design, build, checked_response
from bayeslmm.design.some_rows import some_rows
from bayeslmm.errors import (
    ArgumentError,
    DataError,
    FormulaError,
    NotAvailableError,
    check_options,
)
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.breakdown import breakdown, check_residual
from bayeslmm.point.estimates import estimates
from bayeslmm.point.optimise import Optimizer, optimise
from bayeslmm.results.fit import Fit
from bayeslmm.results.fit_warnings import unwarned, warn
from bayeslmm.results.missing import Missing, missing
from bayeslmm.results.timings import Timings

if TYPE_CHECKING:
    import pymc
    import xarray as xr

    from bayeslmm.bayes.parameterisation import Parameterisation
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.compare.triage.reanalysis import Reanalysis
    from bayeslmm.results.model_plots import ModelPlots
    from bayeslmm.results.posterior import Posterior


class Model:
    """A mixed model: formula and data, before any inference.

    Parameters
    ----------
    formula
        lme4-style: `"salary ~ 1 + grade + (1 + grade | major)"`.
    data
        Any data frame that narwhals reads (pandas, polars, pyarrow). It is never changed.
    family
        Distribution of the response given the linear predictor: "gaussian".
    weights, offset
        A column's name, or an array of length n. Weights are prior weights: Var(e_i) = sigma^2 / w_i.
    contrasts
        Coding of factors in the fixed part: `{"recipe": "sum"}` (treatment, sum, helmert, poly) or a matrix.
    priors
        None or "default", "flat", or a dict of priors by name, for `sample` and `pymc_model`: from most to least
        specific `"grade"`, `"beta"`; `"sd_major[grade]"`, `"sd_major"`, `"sd"`; `"cor_major"`, `"cor"`; `"sigma"`.
        The prior of `"Intercept"` is one of the expected response where every predictor has its mean.
    functions
        Functions that the formula may call, besides the usual ones: `{"f": f}`.
    data_name
        What summaries call the data; without a name they tell the number of rows.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        With what was given, what was expected and what to do.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> blm.Model("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    Model('Reaction ~ Days + (Days | Subject)', 180 rows, groups: Subject (18))
    """

    def __init__(
        self,
        formula: str,
        data: Any,
        family: str = "gaussian",
        weights: str | np.ndarray | None = None,
        offset: str | np.ndarray | None = None,
        contrasts: Mapping[str, Any] | None = None,
        priors: Any = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        data_name: str = "",
    ):
        if family != "gaussian":
            raise NotAvailableError(f'family="{family}" is not available; bayeslmm fits family="gaussian" models')
        self._timings = Timings()
        with self._timings.of("frame"):
            self._design = build(
                formula, data, weights=weights, offset=offset, contrasts=contrasts, functions=functions
            )
        if not self._design.terms:
            raise FormulaError(
                "no random effects in the formula: a mixed model needs at least one bar such as (1 | g). "
                "For a linear model without groups use blm.lm",
                self._design.formula.text,
            )
        self._given_priors = priors
        self._data_name = data_name

    @classmethod
    def of_design(cls, design: Design, priors: Any = None, data_name: str = "") -> "Model":
        """The model of a design that was built before."""
        model = cls.__new__(cls)
        model._timings, model._design = Timings(), design
        model._given_priors, model._data_name = priors, data_name
        return model

    @property
    def design(self) -> Design:
        """The arrays of formula and data."""
        return self._design

    @property
    def data_name(self) -> str:
        """What summaries call the data."""
        return self._data_name

    @cached_property
    def likelihood(self) -> MarginalLikelihood:
        """The exact marginal likelihood: cross-products, made once."""
        with self._timings.of("cross-products"):
            return MarginalLikelihood.of(self._design)

    def with_response(self, y: Any, same_priors: bool = False) -> "Model":
        """The same model of another response; columns and cross-products of the predictors are not made again.

        Parameters
        ----------
        y
            (n,): one number for each row that was used.
        same_priors
            Keep the priors of this response; otherwise default ones take the scale of the other.

        Raises
        ------
        ArgumentError, DataError
            Another length, values that are not finite, or all the same.
        """
        other = copy(self)
        with other._clean_timings().of("cross-products"):
            other._design = replace(self._design, y=checked_response(y, self._design))
            other.__dict__["likelihood"] = self.likelihood.with_response(other._design, other._design.y_net)
        if same_priors:
            other.__dict__["priors"] = self.priors
        else:
            other.__dict__.pop("priors", None)
        return other

    def _clean_timings(self) -> Timings:
        self._timings = Timings()
        return self._timings

    def fit(self, reml: bool = True, optimizer: Optimizer = "lbfgs") -> Fit:
        """Fit by REML or maximum likelihood.

        Parameters
        ----------
        reml
            Restricted maximum likelihood (True) or maximum likelihood.
        optimizer
            "lbfgs" (analytic gradient, to the proven optimum), "bobyqa" (stops where lme4 stops) or "nelder-mead".

        Warns
        -----
        SingularFitWarning
            The estimate lies on the boundary; the message says why.
        ConvergenceWarning
            The optimality conditions do not hold where the optimiser stopped.

        Raises
        ------
        DataError
            The model reproduces the response exactly, or its columns are too badly scaled to be told apart.
        """
        if not isinstance(reml, bool | np.bool_):
            raise ArgumentError(f"reml={reml!r} is True (REML) or False (maximum likelihood)")
        likelihood, timings = self.likelihood, Timings(dict(self._timings.seconds))
        try:
            with timings.of("optimise"), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                optimum = optimise(likelihood, reml, optimizer)
                found = estimates(likelihood, optimum, reml)
        except np.linalg.LinAlgError as error:
            raise breakdown(self._design) from error
        check_residual(self._design, found.sigma)
        fit = Fit(self, self._design, likelihood, optimum, found, reml, self._data_name, timings)
        warn(fit)
        return fit

    @cached_property
    def priors(self) -> "Priors":
        """The priors of every parameter, in the units of the response."""
        from bayeslmm.bayes.packed_priors import PriorsInWords
        from bayeslmm.bayes.priors import resolve

        if isinstance(self._given_priors, PriorsInWords):
            raise self._given_priors.refusal()
        return resolve(self._design, self._given_priors)

    def with_priors(self, priors: Any) -> "Model":
        """The same model with other priors; nothing of the data is made again.

        Parameters
        ----------
        priors
            As for `Model`.
        """
        other = copy(self)
        other._given_priors = priors
        other.__dict__.pop("priors", None)
        return other

    def of_rows(self, rows: np.ndarray) -> "Model":
        """The same model, with the same priors, of some of the rows; levels that have none left keep their place.

        Parameters
        ----------
        rows
            Positions among the rows that were used.
        """
        other = Model.of_design(some_rows(self._design, rows), self._given_priors, self._data_name)
        other.__dict__["priors"] = self.priors
        return other

    def prior_predictive(self, draws: int = 500, seed: int | None = None) -> "xr.DataTree":
        """Draw parameters from their priors, and responses that they imply.

        Parameters
        ----------
        draws, seed
            How many, and the seed of the random numbers.

        Returns
        -------
        DataTree
            Groups `prior`, `prior_predictive` and `observed_data`, as ArviZ's plots want them.

        Raises
        ------
        ArgumentError
            A prior is flat, which has no draws.
        """
        from bayeslmm.results.prior_predictive import prior_predictive

        return prior_predictive(self._design, self.priors, draws, seed)

    def missing(self) -> Missing:
        """Which rows were left out for missing values, why, and how they lie in the groups; as `Fit.missing`."""
        return missing(self._design)

    @property
    def plot(self) -> "ModelPlots":
        """Pictures of the model: `model.plot.priors()`."""
        from bayeslmm.results.model_plots import ModelPlots

        return ModelPlots(self._design, self.priors)

    def pymc_model(
        self, parameterisation: "Parameterisation" = "auto", marginal: bool = False, likelihood: bool = True
    ) -> "pymc.Model":
        """The PyMC model, to read, to draw, or to extend: named dims and coords, LKJ correlations.

        It takes `pm.do`, `pm.observe`, `pm.compute_log_likelihood` and `pm.sample_posterior_predictive`; the marginal
        model has no likelihood of single rows for the last two.

        Parameters
        ----------
        parameterisation
            "noncentred", "centred", "auto", or one of the first two for each grouping factor by name. "auto" centres
            the effects that the data inform well, by the REML fit: `bayeslmm.bayes.parameterisation`.
        marginal
            Integrate out the random effects, and the coefficients whose priors are normal or flat: fewer parameters,
            which mix better. `Posterior.from_draws` draws the rest, exactly.
        likelihood
            False leaves the normal distribution of the response to you. In the model are the priors, also that of
            `sigma`; the expected response `mu` (obs), offset included; and as data `y_observed` and `weights`, which
            then count for nothing unless you use them.

        Raises
        ------
        ArgumentError
            `marginal=True` with `likelihood=False`: what is integrated out is integrated over the normal likelihood.
        """
        from bayeslmm.bayes.hierarchical import pymc_model, without_starts

        if marginal:
            from bayeslmm.bayes.marginal_model import marginal_model

            if not likelihood:
                raise ArgumentError(
                    "pymc_model: marginal=True integrates over the normal likelihood, and likelihood=False leaves it "
                    "out: use pymc_model(likelihood=False)"
                )
            return without_starts(marginal_model(self._design, self.priors))
        from bayeslmm.bayes.parameterisation import centred_groups

        centred = centred_groups(self._design, parameterisation, self._reliability)
        return without_starts(pymc_model(self._design, self.priors, centred, likelihood))

    def marginal_logp(
        self, sd: Mapping[str, Any], sigma: Any, L: Mapping[str, Any] | None = None, beta: Any = None
    ) -> Any:
        """Log density of y, random effects integrated out, as a PyTensor expression for a model of your own.

        Parameters
        ----------
        sd
            For each grouping factor its sds (k,), in units of the response: `{"Subject": sd}`.
        sigma
            Residual sd.
        L
            For each grouping factor with correlations the Cholesky factor (k, k) of its correlation matrix, as
            `pm.LKJCorr` draws it.
        beta
            The coefficients whose priors are neither normal nor flat, on the scale that has the priors. All others are
            integrated out with the priors of this model.

        Returns
        -------
        A scalar: `pm.Potential("y", model.marginal_logp(...))`.

        Raises
        ------
        ArgumentError
            A grouping factor is missing or unknown, or `beta` is missing or not wanted.
        """
        from bayeslmm.bayes.marginal_model import marginal_logp

        return marginal_logp(self._design, self.priors, sd, sigma, L, beta)

    def _reliability(self) -> dict[str, float]:
        """How well informed the effects of each grouping factor are at the REML fit; nothing where there is none."""
        from bayeslmm.bayes.parameterisation import reliabilities

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return reliabilities(self.likelihood, self.fit().theta.to_numpy())
            except DataError:
                return {}

    def sample(self, *, check: bool = True, **options: Any) -> "Posterior":
        """Sample the posterior by NUTS.

        Where the marginal engine's draws diverge, or its chains mix badly, and neither `tune` nor `target_accept` was
        given, the model is sampled once more with `tune=1000, target_accept=0.99`, and the better run is kept:
        `bayeslmm.results.posterior_remedy`. A warning says so, and so do the summary and `data.attrs["remedy"]`.

        Parameters
        ----------
        check
            Look at the draws, and warn and sample once more where something is wrong with them. `post.diagnostics()`
            looks at any time.
        **options
            `draws=1000`, `tune=None`, `chains=4`, `seed=None`, `target_accept=None`, `cores=None`, `progressbar=None`,
            `engine="auto" | "marginal" | "importance" | "hierarchical"`, and for the last `sampler="nutpie" | "pymc" |
            "numpyro"` and `parameterisation="auto"`: see `bayeslmm.bayes.sample.sample`.

        Warns
        -----
        SamplingWarning
            Divergences, a large R-hat or few effective draws; the message says what to do. So does Ctrl-C, which gives
            what was drawn until then.
        """
        from bayeslmm.bayes.sample import OPTIONS
        from bayeslmm.results.posterior_remedy import remedied

        check_options(options, (*OPTIONS, "check"), "sample", "")
        first = self._sampled(**options)
        return remedied(first, options, self._sampled) if check else first

    def _sampled(self, **options: Any) -> "Posterior":
        """One run, whatever comes of it."""
        from bayeslmm.bayes.sample import sample
        from bayeslmm.results.posterior import Posterior

        data = sample(self._design, self.priors, self._reliability, **options, data_name=self._data_name)
        return Posterior(data=data, design=self._design, priors=self.priors, model=self)

    def reanalyse(self, fit: Fit | None = None, **options: Any) -> "Reanalysis":
        """Find out what a fit of this model can tell: `bayeslmm.compare.triage.reanalysis.reanalyse`.

        Parameters
        ----------
        fit
            The fit; by REML where it is left out.
        **options
            `post`, `focal`, `ddf`, `level`, `near`, `seed`, `sensitivity`, `sampling`, `bootstrap`.
        """
        from bayeslmm.compare.triage.reanalysis import OPTIONS, reanalyse

        check_options(options, OPTIONS, "reanalyse", "")
        with unwarned():
            return reanalyse(self.fit() if fit is None else fit, **options)

    def __repr__(self) -> str:
        groups = ", ".join(f"{t.group} ({t.n_levels})" for t in self._design.terms)
        return f"Model({self._design.formula.text!r}, {self._design.n} rows, groups: {groups})"
