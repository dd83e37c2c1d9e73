"""`Model`: a formula and data, and the verbs `lmer`, `brm`, `lm`, `reanalyse`; the one place that sees every layer."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bayeslmm.design import Design, build, checked_response
from bayeslmm.design.clusters import clusters
from bayeslmm.design.stacked import stacked
from bayeslmm.errors import (
    PACKAGE,
    ArgumentError,
    ConvergenceWarning,
    DataError,
    FormulaError,
    NotAvailableError,
    SingularFitWarning,
    did_you_mean,
)
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.breakdown import breakdown, check_residual
from bayeslmm.point.estimates import estimates
from bayeslmm.point.least_squares import least_squares
from bayeslmm.point.optimise import Optimizer, optimise
from bayeslmm.results.fit import Fit
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.missing import Missing, missing
from bayeslmm.results.pooled import PooledFits, check_same, pool
from bayeslmm.results.timings import Timings

if TYPE_CHECKING:
    import pymc
    import xarray as xr

    from bayeslmm.bayes.parameterisation import Parameterisation
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.compare.alternatives import Alternatives
    from bayeslmm.compare.triage.reanalysis import Reanalysis
    from bayeslmm.results.model_plots import ModelPlots
    from bayeslmm.results.pooled_posterior import PooledPosterior
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
        What summaries call the data.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        With what was given, what was expected and what to do.
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
        data_name: str = "data",
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
    def of_design(cls, design: Design, priors: Any = None, data_name: str = "data") -> "Model":
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
        _warn(fit)
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

    def pymc_model(self, parameterisation: "Parameterisation" = "auto", marginal: bool = False) -> "pymc.Model":
        """The PyMC model, to read, to draw, or to extend: named dims and coords, LKJ correlations.

        Parameters
        ----------
        parameterisation
            "noncentred", "centred", "auto", or one of the first two for each grouping factor by name. "auto" centres
            the effects that the data inform well, by the REML fit: `bayeslmm.bayes.parameterisation`.
        marginal
            Integrate out the random effects, and the coefficients whose priors are normal or flat: fewer parameters,
            which mix better. `Posterior.from_draws` draws the rest, exactly.
        """
        if marginal:
            from bayeslmm.bayes.marginal_model import marginal_model

            return marginal_model(self._design, self.priors)
        from bayeslmm.bayes.hierarchical import pymc_model
        from bayeslmm.bayes.parameterisation import centred_groups

        return pymc_model(self._design, self.priors, centred_groups(self._design, parameterisation, self._reliability))

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

        _no_unknown(options, (*OPTIONS, "check"), "sample", "")
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
            `post`, `focal`, `ddf`, `level`, `near`, `seed`, `sensitivity`, `sampling`.
        """
        from bayeslmm.compare.triage.reanalysis import OPTIONS, reanalyse

        _no_unknown(options, OPTIONS, "reanalyse", "")
        with _said_by_the_triage():
            return reanalyse(self.fit() if fit is None else fit, **options)

    def __repr__(self) -> str:
        groups = ", ".join(f"{t.group} ({t.n_levels})" for t in self._design.terms)
        return f"Model({self._design.formula.text!r}, {self._design.n} rows, groups: {groups})"


@overload
def lmer(
    formula: str, data: list[Any], reml: bool = True, optimizer: Optimizer = "lbfgs", **options: Any
) -> PooledFits: ...


@overload
def lmer(formula: str, data: Any, reml: bool = True, optimizer: Optimizer = "lbfgs", **options: Any) -> Fit: ...


def lmer(
    formula: str,
    data: Any,
    reml: bool = True,
    optimizer: Optimizer = "lbfgs",
    **options: Any,
) -> Fit | PooledFits:
    """Fit a linear mixed model by REML or ML: `Model(formula, data, **options).fit(reml, optimizer)`.

    Parameters
    ----------
    formula, data
        As for `Model`; a list of multiply imputed frames is fitted one by one and pooled, as by `blm.pool`.
    reml, optimizer
        As for `Model.fit`.
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Returns
    -------
    Fit, or PooledFits of a list of frames.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> round(fit.criterion, 4)
    1743.6283
    """
    known = ("reml", "optimizer", "family", "weights", "offset", "contrasts", "functions", "priors", "data_name")
    _no_unknown(options, known, "lmer")
    if _are_frames(data):
        return _pooled_fits([Model(formula, frame, **options) for frame in data], reml, optimizer)
    return Model(formula, data, **options).fit(reml, optimizer)


def _are_frames(data: Any) -> bool:
    """Whether these are several frames, as multiple imputation makes them."""
    return isinstance(data, list) and bool(data) and not any(np.isscalar(d) for d in data)


def _pooled_fits(models: list[Model], reml: bool, optimizer: Optimizer) -> PooledFits:
    """Fit all, and warn once of all that is wrong with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = [model.fit(reml, optimizer) for model in models]
    found: PooledFits = pool(fits)
    singular, lost = sum(f.is_singular for f in fits), sum(not f.converged for f in fits)
    if singular:
        warnings.warn(f"{singular} of {len(fits)} fits are singular", SingularFitWarning, skip_file_prefixes=PACKAGE)
    if lost:
        warnings.warn(f"{lost} of {len(fits)} fits did not converge", ConvergenceWarning, skip_file_prefixes=PACKAGE)
    return found


@overload
def brm(formula: str, data: list[Any], priors: Any = None, **options: Any) -> "PooledPosterior": ...


@overload
def brm(formula: str, data: Any, priors: Any = None, **options: Any) -> "Posterior": ...


def brm(formula: str, data: Any, priors: Any = None, **options: Any) -> "Posterior | PooledPosterior":
    """Sample the posterior of a mixed model: `Model(formula, data, priors=priors).sample(...)`.

    Parameters
    ----------
    formula, data, priors
        As for `Model`; a list of multiply imputed frames is sampled one by one, and the draws are stacked, as by
        `blm.pool`. All have the same priors: default ones have the scale of the rows of all frames together.
    **options
        `weights`, `offset`, `contrasts`, `functions` as for `Model`; all others as for `Model.sample`.

    Returns
    -------
    Posterior, or PooledPosterior of a list of frames.
    """
    model_options = {
        k: options.pop(k)
        for k in ("family", "weights", "offset", "contrasts", "functions", "data_name")
        if k in options
    }
    if _are_frames(data):
        return _pooled_posteriors([Model(formula, d, priors=priors, **model_options) for d in data], options)
    return Model(formula, data, priors=priors, **model_options).sample(**options)


def reanalyse(
    model: str | Model | Fit,
    data: Any = None,
    reml: bool = True,
    optimizer: Optimizer = "lbfgs",
    **options: Any,
) -> "Reanalysis":
    """From a singular fit to an answer: what is singular, what else could be done, the posterior, what to report.

    Parameters
    ----------
    model, data
        A formula and its data; or a `Fit` or a `Model` alone.
    reml, optimizer
        As for `Model.fit`, where a formula or a model is given.
    **options
        `focal` (the effects that matter), `post` (a posterior made before), `ddf`, `level`, `near`, `seed`,
        `sensitivity`, `sampling`: as for `bayeslmm.compare.triage.reanalysis.reanalyse`. With a formula also `weights`,
        `offset`, `contrasts`, `functions`, `priors`, `data_name`: as for `Model`.

    Returns
    -------
    Reanalysis
        `print` it; `.verdict`, `.effects`, `.singular`, `.alternatives`, `.posterior`; `.plot()`.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> salary = blm.datasets.load("salary")
    >>> found = blm.reanalyse("salary ~ 1 + grade + (1 + grade | major)", salary, sensitivity=False)
    >>> found.verdict.recommendation
    'posterior'
    """
    if isinstance(model, Fit | Model) and data is not None:
        raise ArgumentError("reanalyse: data belong to a formula; a fit or a model has its own")
    if isinstance(model, Fit):
        return model.reanalyse(**options)
    if not isinstance(model, Model):
        given = ("family", "weights", "offset", "contrasts", "functions", "priors", "data_name")
        of_model = {k: options.pop(k) for k in given if k in options}
        model = Model(model, data, **of_model)
    with _said_by_the_triage():
        fit = model.fit(reml, optimizer)
    return model.reanalyse(fit, **options)


@contextmanager
def _said_by_the_triage() -> Iterator[None]:
    """A fit that is singular or has not converged is what the triage is about: it is not warned of as well."""
    with warnings.catch_warnings():
        for category in (SingularFitWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        yield


def _pooled_posteriors(models: list[Model], options: dict[str, Any]) -> "PooledPosterior":
    """Sample all with the same priors, each with a seed of its own."""
    if "store" in options:
        raise ArgumentError(
            "brm of a list of frames has no `store`; sample each frame with a store of its own, then pool"
        )
    seed = options.pop("seed", None)
    seeds = [None] * len(models) if seed is None else _spawned(seed, len(models))
    _share_priors(models)
    found: PooledPosterior = pool([m.sample(**options, seed=s) for m, s in zip(models, seeds, strict=True)])
    return found


def _share_priors(models: list[Model]) -> None:
    """Give all the priors of the first; default ones have the scale of the rows of all.

    The posterior given what was observed averages over the imputations of one model, whose prior must not depend on
    which of them is looked at, nor on their order.
    """
    if len(models) < 2:
        raise ArgumentError("brm of a list takes two frames at least, one for each imputed data set")
    check_same(models)
    every = stacked([m.design for m in models])
    priors = Model.of_design(every, models[0]._given_priors).priors
    for model in models:
        model.__dict__["priors"] = priors


def _spawned(seed: int, n: int) -> list[int]:
    """Seeds for n runs from one."""
    return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(n)]


def lm(formula: str, data: Any, cluster: Any = None, **options: Any) -> LinearFit:
    """Fit a linear model without groups by (weighted) least squares; what complete pooling means.

    Parameters
    ----------
    formula, data
        As for `Model`, without bars.
    cluster
        Rows that may be dependent: a column, a combination as `"batch:cask"`, or an array with one value per row of
        the data. Standard errors and tests are then robust to it (see `LinearFit`).
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Raises
    ------
    FormulaError
        The formula has random effects.
    ArgumentError, DataError
        The clusters are not there, are missing in a row used, or are fewer than two.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lm("salary ~ grade", blm.datasets.load("salary"), cluster="major")
    >>> fit.tests().round(3)
                 estimate     se     df      t      p
    (Intercept)     1.273  4.301  3.916  0.296  0.782
    grade          -3.653  3.677  3.106 -0.994  0.391
    """
    _no_unknown(options, ("weights", "offset", "contrasts", "functions", "data_name"), "lm", "formula, data, cluster, ")
    data_name = options.pop("data_name", "data")
    design = build(formula, data, **options)
    if design.terms:
        raise FormulaError("the formula has random effects, which blm.lm cannot fit; use blm.lmer", design.formula.text)
    return LinearFit(
        design,
        least_squares(design),
        data_name,
        None if cluster is None else clusters(data, cluster, design.rows),
    )


def alternatives(
    formula: str,
    data: Any,
    focal: str | list[str] | None = None,
    group: str | None = None,
    group_contrasts: Any = "sum",
    bayes: bool = True,
    level: float = 0.95,
    seed: int | None = 1,
    **options: Any,
) -> "Alternatives":
    """Compare the ways in which textbooks analyse grouped data, for the coefficients that matter.

    Least squares with and without cluster-robust errors, wild cluster bootstrap, cluster means, fixed effects for the
    groups and for their slopes, random intercepts, random slopes, the posterior, and the repeated-measures ANOVA where
    the design has it: each with what it assumes and when it misleads.

    Parameters
    ----------
    formula, data
        As for `Model`.
    focal
        Coefficients, or labels of terms; None for all but the intercept.
    group
        The grouping factor whose levels are the clusters; None: the one in which all others are nested, or else the
        one with most levels.
    group_contrasts
        Coding of the clusters where they are fixed effects: "sum" (the focal slope is the average of the clusters'),
        "treatment" (that of the first), "helmert", "poly", or a matrix.
    bayes
        Whether to sample the posterior, too.
    level
        Of the intervals.
    seed
        Of the bootstrap and the posterior.
    **options
        `weights`, `offset`, `contrasts`, `functions`, `priors`: as for `Model`.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        As for `Model`; or focal or group are not in it.
    """
    from bayeslmm.compare.alternatives import alternatives as compared

    _no_unknown(options, ("weights", "offset", "contrasts", "functions", "priors", "data_name"), "alternatives")

    def make(text: str) -> Model:
        return Model(text, data, **options)

    return compared(make, formula, focal, group, group_contrasts, bayes, level, seed)


def _no_unknown(options: Mapping[str, Any], known: tuple[str, ...], verb: str, first: str = "formula, data, ") -> None:
    unknown = [name for name in options if name not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise ArgumentError(
            f"{verb} has no argument `{unknown[0]}`{near if near.startswith('; did') else ''}; "
            f"it takes {first}{', '.join(known)}"
        )


def _warn(fit: Fit) -> None:
    """Say what is wrong with a fit, with the number that shows it and the next step."""
    if fit.is_singular:
        reasons = "; ".join(r.sentence for r in fit.singularities)
        warnings.warn(
            f"boundary (singular) fit: {reasons}. The fixed effects can be used; for the sds and correlations see the "
            "posterior of the same model: fit.sample()",
            SingularFitWarning,
            stacklevel=4,
        )
    if not fit.converged:
        rescale = "; bring the predictors with random effects to similar sds, scale(x), and fit again"
        cure = rescale if fit.optimizer.startswith("lbfgs") else '; optimizer="lbfgs" goes on to the optimum'
        warnings.warn(
            f"the fit did not converge: {'; '.join(fit.certificate.problems)}{cure}", ConvergenceWarning, stacklevel=4
        )
