"""`Fit`: a REML or ML fit, and everything that is read off it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.linear import linear_functions
from bayeslmm.design.reference_grid import Weights
from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.point.distributions import t_p_value
from bayeslmm.point.estimates import Estimates, estimates, joint_variances, mode_variances
from bayeslmm.point.inference import Inference
from bayeslmm.point.multiplicity import Adjust, check_adjust
from bayeslmm.point.optimise import optimise
from bayeslmm.point.optimum import Certificate, Optimum
from bayeslmm.point.shares import variances_at
from bayeslmm.point.singular import Singularity, singularities
from bayeslmm.results import contrasts
from bayeslmm.results.anova import Anova, anova_table
from bayeslmm.results.bootstrap import Bootstrap, bootstrap
from bayeslmm.results.check import Check, check
from bayeslmm.results.checks import check_level
from bayeslmm.results.confint import confint
from bayeslmm.results.fit_summary import fit_summary
from bayeslmm.results.frames import preformatted
from bayeslmm.results.functional import Parameters, Scale, functional_table, named
from bayeslmm.results.influence import Influence, influence
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.means import Means, Names, Request, default_adjust
from bayeslmm.results.missing import Missing, missing
from bayeslmm.results.model_table import ModelTable, model_table
from bayeslmm.results.parameters import Asked
from bayeslmm.results.predict import NewLevels, predict_fit
from bayeslmm.results.predict_interval import Interval, predict_interval
from bayeslmm.results.profile import Profile, profile
from bayeslmm.results.quantile_residuals import Of, QuantileResiduals, check_of, make_quantile_residuals
from bayeslmm.results.ranova import Ranova, ranova
from bayeslmm.results.refits import Resample
from bayeslmm.results.repca import RePCA, repca
from bayeslmm.results.summary import FitSummary
from bayeslmm.results.tables import coef_table, effects_table, varcorr_table
from bayeslmm.results.timings import Timings
from bayeslmm.results.variance_shares import icc_shares, icc_table, partition_table, r2_table
from bayeslmm.results.variance_test import How, Method

if TYPE_CHECKING:
    from bayeslmm.results.apa.prose import Apa
    from bayeslmm.results.fit_plots import FitPlots
    from bayeslmm.results.report.blocks import Report
    from bayeslmm.results.saved import PathLike

__all__ = ["Ddf", "Fit", "check_ddf"]


class SampledModel(Protocol):
    """What a fit needs of the model that it came from, to go on to the posterior."""

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model."""

    @property
    def priors(self) -> Any:
        """The priors of every parameter."""

    def with_response(self, y: Any) -> Any:
        """The same model of another response."""

    def fit(self, reml: bool, optimizer: Any) -> Any:
        """Fit it."""

    def reanalyse(self, fit: Any, **options: Any) -> Any:
        """Find out what a fit can tell."""


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted linear mixed model. Names follow lme4; tables are pandas objects.

    Attributes
    ----------
    model
        The model it came from.
    design
        The arrays: y, X, the random terms.
    likelihood
        The exact marginal likelihood.
    optimum
        Where the optimiser stopped, with its certificate.
    estimates
        beta, sigma, conditional modes and their factor at the optimum.
    reml
        REML (True) or ML.
    data_name
        What the summary calls the data.
    clock
        Where the time went; see `timings`.
    """

    model: SampledModel
    design: Design
    likelihood: MarginalLikelihood
    optimum: Optimum
    estimates: Estimates
    reml: bool
    data_name: str = "data"
    clock: Timings = field(default_factory=Timings, compare=False)

    # -- estimates ------------------------------------------------------------------------------------------------

    @property
    def fixef(self) -> pd.Series:
        """Fixed effects, by coefficient (p,)."""
        return pd.Series(self.estimates.beta, index=self._names, name="estimate")

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the fixed effects (p, p)."""
        return pd.DataFrame(self.estimates.vcov, index=self._names, columns=self._names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors of the fixed effects (p,)."""
        return pd.Series(np.sqrt(np.diag(self.estimates.vcov)), index=self._names, name="se")

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return self.estimates.sigma

    @property
    def theta(self) -> pd.Series:
        """Relative covariance factor, by name as lme4's `getME(, "theta")`."""
        return pd.Series(self.optimum.theta, index=list(self.likelihood.covariance.names), name="theta")

    @property
    def varcorr(self) -> pd.DataFrame:
        """Variances and correlations: group, term1, term2 (None for a variance), vcov, sd, corr; Residual last."""
        return varcorr_table(self.design.terms, self.estimates.covariances, self.sigma)

    def ranef(self) -> pd.DataFrame:
        """Conditional modes of the random effects with their conditional sds: group, level, term, estimate, se."""
        variances = mode_variances(self.likelihood, self.estimates)
        se = [np.sqrt(np.clip(np.einsum("jkk->jk", V), 0, None)) for V in variances]
        return effects_table(self.design.terms, self.estimates.b, se)

    def coef(self) -> pd.DataFrame:
        """Coefficients of every level, fixed plus random part: group, level, term, estimate, se.

        `se` is that of the error of prediction, with the uncertainty of the fixed part in it (Henderson 1975).
        """
        joint = joint_variances(self.likelihood, self.estimates)
        return coef_table(self._names, self.design.terms, self.estimates.beta, self.estimates.b, joint)

    # -- the criterion --------------------------------------------------------------------------------------------

    @property
    def criterion(self) -> float:
        """REML criterion, or ML deviance, at the estimate: -2 log L."""
        return self.optimum.value

    @property
    def loglik(self) -> float:
        """Log (restricted) likelihood."""
        return -0.5 * self.criterion

    @property
    def n_parameters(self) -> int:
        """Number of parameters: coefficients, covariance parameters, sigma."""
        return self.design.p + self.likelihood.covariance.m + 1

    @property
    def aic(self) -> float:
        """Akaike's information criterion, from the likelihood that was maximised."""
        return self.criterion + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Bayesian information criterion with log(nobs), as lme4."""
        return self.criterion + float(np.log(self.nobs)) * self.n_parameters

    @property
    def df_resid(self) -> int:
        """Number of observations less number of parameters."""
        return self.nobs - self.n_parameters

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.design.n

    @property
    def ngroups(self) -> pd.Series:
        """Number of levels of each grouping factor."""
        return pd.Series({t.group: t.n_levels for t in self.design.terms}, name="levels", dtype=int)

    def objective(self, theta: np.ndarray | pd.Series) -> float:
        """The profiled criterion at any theta (m,); a Series is matched by name."""
        return self.likelihood.criterion(self._theta_array(theta), self.reml)

    def gradient(self, theta: np.ndarray | pd.Series) -> np.ndarray:
        """Gradient (m,) of the profiled criterion at theta (m,)."""
        return self.likelihood.with_gradient(self._theta_array(theta), self.reml)[1]

    # -- how far to trust it --------------------------------------------------------------------------------------

    @cached_property
    def singularities(self) -> tuple[Singularity, ...]:
        """Why the fit is singular: zero sds, correlations of +-1, combinations without variance."""
        return singularities(self.optimum.cone, self.optimum.theta)

    @property
    def is_singular(self) -> bool:
        """Whether the estimated covariance of the random effects lies on the boundary."""
        return bool(self.singularities)

    @property
    def certificate(self) -> Certificate:
        """Optimality conditions, checked at the estimate."""
        return self.optimum.certificate

    @property
    def converged(self) -> bool:
        """Whether the estimate is a proven optimum: the certificate's word, not the optimiser's."""
        return self.certificate.ok

    @property
    def optimizer(self) -> str:
        """Which optimiser found it."""
        return self.optimum.optimizer

    # -- telling it -----------------------------------------------------------------------------------------------

    def apa(self, ddf: Ddf = "satterthwaite", level: float = 0.95, terms: Collection[str] | None = None) -> "Apa":
        """Methods and results as a paper tells them, in APA style; `print` it, or take it as Markdown, LaTeX or HTML.

        Parameters
        ----------
        ddf
            As for `summary`.
        level
            Of the intervals, from the t distribution with these degrees of freedom.
        terms
            The coefficients that are told of; None for the first dozen.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.apa().terms["Days"]
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001, 95% CI [7.21, 13.73]'
        """
        from bayeslmm.results.apa.of_fit import apa_of_fit

        return apa_of_fit(self, ddf, check_level(level), terms)

    def report(
        self,
        path: "PathLike | None" = None,
        ddf: Ddf = "satterthwaite",
        level: float = 0.95,
        title: str | None = None,
    ) -> "Report":
        """Everything on one page, verdict first: a single HTML file for the co-authors, on a phone or on paper.

        Parameters
        ----------
        path
            A name that ends in .html; None writes nothing.
        ddf, level
            As for `apa`.
        title
            Of the page; None names the response.

        Returns
        -------
        Report
            `write` it elsewhere, too, or take its `sections`.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        from bayeslmm.results.report.of_fit import report_of_fit

        return report_of_fit(self, path, ddf, check_level(level), title)

    # -- tests and intervals --------------------------------------------------------------------------------------

    @cached_property
    def _inferences(self) -> dict[str, Inference]:
        return {}

    def _inference(self, ddf: Ddf) -> Inference:
        """Tests by one method, made once."""
        check_ddf(ddf)
        if ddf not in self._inferences:
            with self.clock.of("inference"):
                self._inferences[ddf] = inference(
                    ddf, self.design, self.likelihood, self.optimum, self.estimates.vcov, self.reml
                )
        return self._inferences[ddf]

    def summary(self, ddf: Ddf = "satterthwaite", verbose: bool = False) -> FitSummary:
        """All that lmerTest's `summary()` shows; `print` it, or take `.fixed`.

        Parameters
        ----------
        ddf
            Degrees of freedom of the t tests: "satterthwaite"; "kenward-roger" (REML fits; standard errors adjusted,
            too); "containment" (nested groups, as `nlme`); "residual" (n - p) or "asymptotic" (normal).
        verbose
            Show the optimality conditions and where the time went, too.
        """
        return fit_summary(self, self.tests(ddf), self._inference(ddf), verbose)

    def tests(self, ddf: Ddf = "satterthwaite") -> pd.DataFrame:
        """One row per coefficient: estimate, se, df, t, p (two-sided)."""
        found = self._inference(ddf)
        beta, se = self.estimates.beta, np.sqrt(np.diag(found.vcov))
        df = found.df(np.eye(self.design.p))
        t = beta / se
        return pd.DataFrame({"estimate": beta, "se": se, "df": df, "t": t, "p": t_p_value(t, df)}, index=self._names)

    @overload
    def anova(self, *, type: Literal[1, 2, 3, "I", "II", "III"] = 3, ddf: Ddf = "satterthwaite") -> Anova: ...

    @overload
    def anova(
        self,
        first: "Fit | LinearFit",
        /,
        *others: "Fit | LinearFit",
        refit: bool | None = None,
        method: Method = "chisq",
        n: int = 1000,
        seed: int | None = 1,
    ) -> ModelTable: ...

    def anova(
        self,
        *others: Any,
        type: Literal[1, 2, 3, "I", "II", "III"] = 3,
        ddf: Ddf = "satterthwaite",
        refit: bool | None = None,
        method: Method = "chisq",
        n: int = 1000,
        seed: int | None = 1,
    ) -> Anova | ModelTable:
        """F tests of the terms; or, with other fits, likelihood-ratio tests of the models.

        Parameters
        ----------
        *others
            Fits of the same response and rows (of `blm.lmer`, or of `blm.lm` for a model without groups). Each model is
            tested against the next smaller one: npar, AIC, BIC, logLik, deviance, Chisq, Df, p, with the name of the
            reference distribution; where a variance of zero is tested, p_boundary against the one that holds there: a
            mixture of chi-squares for one more effect of independent groups, the exact finite-sample distribution for
            one variance against none.
        type
            Of F tests: 1 (sequential), 2 (each term after all that do not contain it) or 3 (SAS's type III, the
            default, as lmerTest).
        ddf
            Denominator degrees of freedom of F tests: "satterthwaite", "kenward-roger", "containment", "residual" or
            "asymptotic".
        refit
            By maximum likelihood: where fixed effects differ (None), always (True, as lme4), or never (False).
        method
            "chisq", or "boot": parametric bootstrap from the smaller model, which holds for any pair.
        n, seed
            Number of bootstrap refits; of all simulation.
        """
        if others:
            return model_table([self, *others], refit, How(method, n, seed))
        return anova_table(self.design, self.estimates, self._inference(ddf), type)

    def contrast(
        self, L: Any, ddf: Ddf = "satterthwaite", adjust: Adjust | None = None, level: float = 0.95
    ) -> contrasts.Contrast:
        """Tests of linear functions of the coefficients: t for each row, and one F for all.

        Parameters
        ----------
        L
            A row (p,) or matrix (m, p); a dict of weights, `{"recipeB": 1, "recipeC": -1}`; text, `"grade = 0"`,
            `"recipeB - recipeC = 0"`, `"a = b = c"`, the label of a term; a DataFrame with coefficients as columns; a
            list of these, or a dict of these by name.
        ddf
            As for `summary`.
        adjust
            For the number of rows: "holm", "bonferroni", "fdr", "tukey" (all pairwise differences) or "mvt"
            (multivariate t, exact for any contrasts); None does not adjust.
        level
            Of the intervals.

        Raises
        ------
        ArgumentError
            L does not fit the coefficients, or cannot be read.
        """
        functions = linear_functions(L, self.design)
        checked = check_adjust(adjust), check_level(level)
        return contrasts.contrast(functions, self.estimates.beta, self._inference(ddf), *checked)

    @property
    def parameters(self) -> Parameters:
        """All parameters by name: what the functions of `functional` and `confint` get."""
        at = self.estimates
        return named(self.design, at.beta, at.covariances, at.sigma)

    def functional(
        self, f: Callable[[Parameters], Any], scale: Scale = "identity", level: float = 0.95
    ) -> pd.DataFrame:
        """Estimate, se, df, lower, upper of any smooth function of the parameters, by the delta method.

        Parameters
        ----------
        f
            Of parameters `v` with `v.beta["Days"]`, `v.sigma`, and by grouping factor `v.cov["Subject"]` (covariances),
            `v.var`, `v.sd`, `v.cor`. Returns a number, several, or a dict of numbers by name.
        scale
            On which the function is nearly normal and the interval is made: "identity", "log" (variances, ratios),
            "logit" (shares, ICC) or "atanh" (correlations).
        level
            Of the intervals, from the t distribution with Satterthwaite-like df (see `point.functional`).

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
        >>> share = lambda v: v.var["Subject"]["(Intercept)"] / (v.var["Subject"]["(Intercept)"] + v.sigma**2)
        >>> fit.functional(share, scale="logit")[["estimate", "lower", "upper"]].round(2).to_numpy().tolist()
        [[0.59, 0.4, 0.75]]
        """
        return functional_table(
            f, self.design, self.likelihood, self.optimum, self.estimates.beta, self.reml, scale, check_level(level)
        )

    def ranova(self, method: Method = "chisq", n: int = 1000, seed: int | None = 1) -> Ranova:
        """Likelihood-ratio tests of the random terms, one taken away at a time, as lmerTest's `ranova()`.

        Parameters
        ----------
        method
            "chisq": p against the plain chi-square as lmerTest prints it, and, since a variance of zero is tested,
            p_boundary as for `anova`. "boot": parametric bootstrap.
        n, seed
            Number of bootstrap refits; of all simulation.
        """
        return ranova(self, How(method, n, seed))

    def confint(
        self,
        method: Literal["wald", "profile", "boot"] = "wald",
        level: float = 0.95,
        parm: Asked | Callable[[Parameters], Any] = None,
        **options: Any,
    ) -> pd.DataFrame:
        """Confidence intervals: columns lower, upper.

        Parameters
        ----------
        method
            "wald": estimate -+ normal quantile * se for fixed effects, as lme4; for sds and correlations, where `parm`
            asks for them, on the scales of log and atanh (NaN at the boundary).
            "profile": likelihood-ratio intervals, of the ML deviance as in lme4 (see `profile`).
            "boot": from refits of simulated responses (see `bootstrap`, which takes the `options`).
        level
            Between 0 and 1.
        parm
            Names, such as "Days", "sd_Days|Subject", "cor_Days.(Intercept)|Subject", "sigma"; "beta_" for all fixed
            effects, "theta_" for all others. Left out: all, and for "wald" the fixed effects. A dict asks for
            combinations of the fixed effects, `{"B - C": "recipeB - recipeC"}` or with weights as `contrast` takes
            them. For "wald" and "boot" also a function of the parameters, as `functional` takes it.
        **options
            Of "boot": `n`, `seed`, `kind` of interval and resampling, and what else `bootstrap` takes.
        """
        return confint(self, method, level, parm, options)

    def profile(self, parm: Asked = None, level: float = 0.99) -> Profile:
        """Profile-likelihood curves: read intervals off them, or plot them.

        The ML deviance is profiled for REML fits, too, as in lme4.

        Parameters
        ----------
        parm
            As for `confint`; all parameters where left out.
        level
            How far: up to the ends of intervals of this level, or the boundary.
        """
        return profile(self.design, self.likelihood, parm, level)

    # -- where the variance lies ----------------------------------------------------------------------------------

    def icc(self, by_group: bool = False, level: float | None = None) -> float | pd.Series | pd.DataFrame:
        """Intraclass correlation: the share of the variance that lies between groups.

        With random slopes the between-group variance is averaged over the rows, `mean(z'Vz)` (Johnson 2014); prior
        weights divide the residual variance.

        Parameters
        ----------
        by_group
            Return the share of each grouping factor.
        level
            Add the profile-likelihood interval of this level (estimate, lower, upper); right at the boundary too.
        """
        return icc_shares(self, by_group) if level is None else icc_table(self, by_group, level)

    def r2(self, by_term: bool = False) -> pd.Series | pd.DataFrame:
        """R2 of Nakagawa & Schielzeth (2013), with random slopes as by Johnson (2014).

        Returns
        -------
        Series or DataFrame
            `marginal`: share of the variance that the fixed part explains; `conditional`: fixed and random part. With
            `by_term`: what each term adds to the marginal R2 (`semi_partial`), by refits of the models with and without
            it; both leave out the interactions that contain the term.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.r2().round(3).to_dict()
        {'marginal': 0.279, 'conditional': 0.799}
        """
        return r2_table(self, by_term)

    def repca(self) -> RePCA:
        """Principal components of the random effects of each group: how many dimensions they have (lme4's `rePCA`).

        Like lme4's, they depend on the units of the predictors: compare directions with care where these differ.
        """
        return repca(self)

    def variance_partition(self, at: Any = None) -> pd.DataFrame:
        """Variances of the groups and of the residuals, and their shares, at chosen values of the predictors.

        Parameters
        ----------
        at
            Values of the variables left of the bars: a dict such as `{"Days": [0, 5, 9]}`, of which all combinations
            are taken, or a data frame. None where no random effect depends on a predictor.

        Returns
        -------
        DataFrame
            The values, `group` ("Residual" last), `variance`, `sd`, `share` (Goldstein, Browne & Rasbash 2002); the
            residual variance is that of a row with weight 1.
        """
        return partition_table(self, at)

    # -- looking at it --------------------------------------------------------------------------------------------

    def check(self, ddf: Ddf = "satterthwaite", seed: int = 1) -> Check:
        """Look at everything that can be wrong: one table in words, worst first.

        Convergence, singularity and its reason, groups too few for the degrees of freedom, predictors on wild scales or
        constant within the groups that have their slopes, rows and columns left out; and, against data simulated from
        the fit: tails of the residuals and of the random effects, unequal variances between groups, outlying groups.
        Each line says what was seen, why it matters, and what to do.

        Parameters
        ----------
        ddf
            The degrees of freedom that are used.
        seed
            Of the simulations.
        """
        return check(self, ddf, seed)

    def missing(self) -> Missing:
        """Which rows were left out for missing values, why, and how they lie in the groups.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> data = blm.datasets.load("sleepstudy")
        >>> data.loc[data.index[:5], "Reaction"] = float("nan")
        >>> found = blm.lmer("Reaction ~ Days + (1 | Subject)", data).missing()
        >>> found.groups[["level", "rows", "lost"]].head(1).to_numpy().tolist()
        [['308', 10, 5]]
        """
        return missing(self.design)

    def influence(self, by: Any = None, exact: bool = False) -> Influence:
        """What changes when a group or a row is left out: leverage, Cook's distance, DFBETAS, covratio, theta.

        Parameters
        ----------
        by
            Name of a grouping factor, whose levels are left out one by one; None for single rows; or an array with one
            label for each row used, for sets of the caller's own.
        exact
            Refit without each row. Groups always are: their cross-products are subtracted and theta is found again,
            about as quick as one fit each; rows otherwise are left out in closed form with theta fixed.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.influence("Subject").table["cooks"].nlargest(2).round(3).to_dict()
        {'309': 0.149, '335': 0.129}
        """
        return influence(self, by, exact)

    # -- means, comparisons, slopes -------------------------------------------------------------------------------

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Estimated marginal means, as emmeans: predictions averaged over the other factors of the fixed part.

        Parameters
        ----------
        specs, by
            Predictors whose combinations have a mean each; None is the overall mean.
        at
            Where numeric predictors are held, `{"temp": [175, 225]}` (default: their mean), or which levels of a factor
            are used.
        weights
            Over the other factors: "equal" (each combination alike), "proportional" (to its frequency in the data) or
            "cells" (to its frequency in the cell).
        ddf, adjust, level
            As for `contrast`.

        Returns
        -------
        Means
            `table` has the predictors, estimate, se, df, lower, upper, t, p; NaN where a mean cannot be estimated. The
            offset of a model, at its mean, is part of them; random effects are zero.
        """
        request = Request.means(self.design, specs, by, at, weights)
        return request.of_fit(self.estimates.beta, self._inference(ddf), adjust, check_level(level))

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        ref: Any = None,
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | Literal["default"] | None = "default",
        level: float = 0.95,
    ) -> Means:
        """Comparisons of estimated marginal means.

        Parameters
        ----------
        specs, at, weights, ddf, level
            As for `means`.
        method
            "pairwise", "revpairwise", "trt.vs.ctrl" (each with `ref`), "consec", "eff" (each with their average),
            "poly"; a dict of weights by name; or a matrix, one contrast a row.
        by
            Predictors within whose combinations the means are compared; each is a family of its own.
        ref
            The level that "trt.vs.ctrl" compares with; the first by default.
        adjust
            "default" is "tukey" for pairs, "mvt" for comparisons with one, none for others; else as for `contrast`.
        """
        request = Request.contrasts(self.design, specs, method, by, at, weights, ref)
        chosen = default_adjust(method) if adjust == "default" else adjust
        return request.of_fit(self.estimates.beta, self._inference(ddf), chosen, check_level(level))

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Slopes of the mean in a numeric predictor, as emtrends: derivatives at the reference grid.

        Parameters
        ----------
        variable
            A numeric column of the data; also where the formula has a function of it.
        by
            Predictors whose combinations have a slope each.
        at, weights, ddf, adjust, level
            As for `means`; `at` may hold the variable itself.
        """
        request = Request.slopes(self.design, variable, by, at, weights)
        return request.of_fit(self.estimates.beta, self._inference(ddf), adjust, check_level(level))

    def marginaleffects(self, data: Any) -> Any:
        """The fit as `predictions`, `comparisons`, `slopes` and `hypotheses` of the package marginaleffects take it.

        Parameters
        ----------
        data
            The data that the fit was made from.

        Raises
        ------
        NotAvailableError
            The package is not installed.
        """
        try:
            from bayeslmm.results.marginaleffects import MarginalEffects
        except ImportError as error:
            raise NotAvailableError(
                f"{error.name} is not installed: pip install 'bayeslmm[marginaleffects]'; fit.means, fit.contrasts and "
                "fit.slopes need no other package"
            ) from error
        return MarginalEffects(self, data)

    # -- predictions ----------------------------------------------------------------------------------------------

    @property
    def fitted(self) -> np.ndarray:
        """(n,): fitted values, random effects and offset included."""
        design = self.design
        value = design.offset + design.X @ self.estimates.beta
        for term, b in zip(design.terms, self.estimates.b, strict=True):
            value = value + np.einsum("nk,nk->n", term.Z, b[term.index])
        return value

    def residuals(
        self, kind: Literal["response", "pearson", "scaled"] = "response", of: Of = "conditional"
    ) -> np.ndarray:
        """(n,): residuals.

        Parameters
        ----------
        kind
            "response": y - fitted; "pearson": times sqrt(weight); "scaled": divided by the residual's standard
            deviation too, sigma / sqrt(w) for conditional ones, sqrt(z'Vz + sigma^2 / w) for marginal ones.
        of
            "conditional": fitted values with random effects; "marginal": without.
        """
        if kind not in ("response", "pearson", "scaled"):
            raise ArgumentError(f'residuals(kind="{kind}") is not known; it is one of response, pearson, scaled')
        check_of(of)
        design = self.design
        fitted = self.fitted if of == "conditional" else design.offset + design.X @ self.estimates.beta
        raw = design.y - fitted
        if kind == "response":
            return raw
        if kind == "scaled" and of == "marginal":
            between = variances_at([t.Z for t in design.terms], self.estimates.covariances).sum(axis=0)
            return raw / np.sqrt(between + self.sigma**2 / design.weights)
        pearson = raw * np.sqrt(design.weights)
        return pearson / self.sigma if kind == "scaled" else pearson

    def quantile_residuals(
        self, of: Of = "conditional", n: int | None = None, seed: int | np.random.Generator | None = None
    ) -> QuantileResiduals:
        """Residuals by simulation, uniform where the model holds, with tests of uniformity, dispersion and outliers.

        Responses are simulated from the fit with new random effects; beta, b and sigma are estimated again from each
        at the theta of the fit, and each row's standardised residual is ranked among its simulated ones. The tests
        compare the observed data with the simulated ones, which depend on each other as the rows of the data do.
        For a Gaussian model the estimated variances absorb most of what dispersion could show.

        Parameters
        ----------
        of
            "conditional" residuals (random effects taken off) or "marginal" ones.
        n
            How many simulations; None for up to 999, by the number of rows.
        seed
            Of the random numbers.
        """
        return make_quantile_residuals(self, of, n, seed)

    @property
    def plot(self) -> "FitPlots":
        """Pictures: `plot.qq()`, `plot.ranef_qq()`, `plot.residuals()`."""
        from bayeslmm.results.fit_plots import FitPlots

        return FitPlots(self)

    def predict(
        self,
        newdata: Any = None,
        re: Literal["all", "none"] | Collection[str] = "all",
        new_levels: NewLevels = "error",
        interval: Interval | None = None,
        level: float = 0.95,
        ddf: Ddf = "satterthwaite",
    ) -> pd.Series | pd.DataFrame:
        """Predicted means for new rows, with intervals where they are asked for.

        Parameters
        ----------
        newdata
            Any data frame with the columns of the right-hand side; None for the rows that were fitted.
        re
            Which random effects count: "all", "none", or names of grouping factors.
        new_levels
            A level that was not in the data is an "error", or gets the "population" value (effects of zero).
        interval
            "confidence" for the mean of a row, x'beta + z'b; "prediction" for a new observation of it; None for none.
        level
            Of the interval.
        ddf
            Degrees of freedom of the interval: "satterthwaite", "residual" (n - p) or "asymptotic" (normal).

        Returns
        -------
        Series or DataFrame
            One value per row of `newdata`, with its index where it has one; NaN where a value is missing. With an
            interval: columns estimate, se, df, lower, upper.

        Notes
        -----
        The interval is `estimate -+ t(df) se` with the variance of the error of prediction at the estimated theta,

            se^2 = sigma^2 { c'M^-1 c  +  sum_t z_t' Lambda_t Lambda_t' z_t  +  1/w },

        where c = (Lambda'z, x) are the coordinates of the row in the known effects and beta, and M is the matrix of
        Henderson's (1975) equations: `c'M^-1 c` holds the variance of beta_hat, the conditional variance of the
        random effects and their covariance. The sum runs over the groups whose level is new: its effects are predicted
        by zero and vary with their full variance. `1/w` belongs to "prediction" only; so does, there, the sum
        over groups that `re` leaves out, since an observation comes from some level of them (their columns left of the
        bar are needed then). The weight w of new rows is read from the column that the fit took its weights from; it
        is 1 where the new data do not have it. That theta is estimated shows in the df, not in the se.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> new = {"Days": [9, 9], "Subject": ["308", "somebody"]}
        >>> fit.predict(new, new_levels="population", interval="confidence").round(1)
           estimate    se     df  lower  upper
        0     430.7  13.9  152.5  403.3  458.0
        1     345.6  62.0   15.2  213.7  477.6
        """
        if interval is None:
            return predict_fit(self.design, self.estimates, newdata, re, new_levels)
        return predict_interval(self, newdata, re, new_levels, interval, level, ddf)

    def simulate(self, n: int = 1, seed: int | np.random.Generator | None = None) -> pd.DataFrame:
        """Simulate new responses, (nobs, n), from the fitted model with new random effects.

        Parameters
        ----------
        n
            How many.
        seed
            Of the random numbers; the same seed gives the same responses.
        """
        if n < 1:
            raise ArgumentError(f"simulate(n={n}): n must be at least 1")
        rng = np.random.default_rng(seed)
        design = self.design
        mean = design.offset + design.X @ self.estimates.beta
        noise = rng.normal(size=(design.n, n)) * (self.sigma / np.sqrt(design.weights))[:, None]
        y = mean[:, None] + noise
        for term, L in zip(design.terms, self.estimates.lambdas, strict=True):
            b = self.sigma * np.einsum("ab,jbn->jan", L, rng.normal(size=(term.n_levels, term.k, n)))
            y += np.einsum("rk,rkn->rn", term.Z, b[term.index])
        return pd.DataFrame(y, columns=[f"sim_{i + 1}" for i in range(n)], index=pd.Index(design.rows))

    @property
    def timings(self) -> pd.Series:
        """Seconds by stage: frame, cross-products, optimise, inference (NaN until it was asked for)."""
        return self.clock.series()

    # -- onwards --------------------------------------------------------------------------------------------------

    def refit(self, y: Any) -> "Fit":
        """Fit the same model to another response: nothing that depends on the predictors alone is made again.

        Parameters
        ----------
        y
            (nobs,): one number for each row that was used, such as a column of `simulate`.
        """
        method = self.optimizer.split()[0]
        return self.model.with_response(y).fit(self.reml, "lbfgs" if method == "none" else method)

    def refit_quietly(self, y: np.ndarray) -> "Fit":
        """Refit for simulations: y (nobs,) is taken as it is, nothing is warned of, `model` stays the first one.

        Raises
        ------
        numpy.linalg.LinAlgError, DataError
            The criterion cannot be computed.
        """
        design = replace(self.design, y=y)
        return self._refitted(design, self.likelihood.with_response(design, y - design.offset))

    def refit_design(self, design: Design) -> "Fit":
        """Refit other rows of the same model, as `refit_quietly`."""
        return self._refitted(design, MarginalLikelihood.of(design))

    def _refitted(self, design: Design, likelihood: MarginalLikelihood) -> "Fit":
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            optimum = optimise(likelihood, self.reml, "lbfgs")
            found = estimates(likelihood, optimum, self.reml)
        return Fit(self.model, design, likelihood, optimum, found, self.reml, self.data_name)

    def bootstrap(
        self,
        statistic: Callable[["Fit"], Any] | None = None,
        n: int = 1000,
        resample: Resample = "parametric",
        by: str | None = None,
        seed: int | np.random.Generator | None = None,
        workers: int | None = None,
        standard_error: Callable[["Fit"], Any] | None = None,
        progress: bool = True,
    ) -> Bootstrap:
        """Refit resampled data and keep a statistic of each refit: `.confint()`, `.se`, `.bias`, `.draws`.

        Parameters
        ----------
        statistic
            A function of a fit that returns a number, an array or a Series; sds, correlations, sigma and fixed effects
            where left out.
        n
            How many refits.
        resample
            "parametric" (new random effects and errors from the fitted normal distributions), "residual" (from the
            conditional modes and residuals, stretched to the estimated variances) or "cases" (levels of a grouping
            factor with all their rows).
        by
            For "cases": the grouping factor whose levels are drawn; the one that all others are nested in where left
            out.
        seed
            The same seed gives the same result, whatever the number of workers.
        workers
            Threads; as many as `blm.threads()` where left out.
        standard_error
            A function of a fit: the standard error of the statistic, for studentised intervals.
        progress
            Show a line on a terminal after two seconds.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
        >>> found = fit.bootstrap(lambda f: f.icc(), n=200, seed=1)
        >>> found.confint(kind="bca").shape
        (1, 2)
        """
        return bootstrap(self, statistic, n, resample, by, seed, workers, standard_error, progress)

    def save(self, path: "PathLike") -> None:
        """Save to a file that `blm.load` reads; the fit is made again there, and must have the same criterion.

        Parameters
        ----------
        path
            A name that ends in `.nc` (netCDF) or `.zarr` (Zarr, where installed).

        Raises
        ------
        ArgumentError
            The file cannot be written; nothing is lost.
        """
        from bayeslmm.results.saved_fit import save_fit

        save_fit(self, path)

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model; options as for `Model.sample`. Returns a `Posterior`."""
        return self.model.sample(**options)

    def reanalyse(self, **options: Any) -> Any:
        """From a singular fit to an answer: what is singular, what else could be done, the posterior, what to report.

        Parameters
        ----------
        **options
            `focal` (the effects that matter; all but the intercept), `post` (the posterior, where there is one), `ddf`,
            `level`, `near`, `seed`, `sensitivity`, `sampling`: as for
            `bayeslmm.compare.triage.reanalysis.reanalyse`. Returns its `Reanalysis`.
        """
        return self.model.reanalyse(self, **options)

    def __repr__(self) -> str:
        return self.summary().text

    def _repr_html_(self) -> str:
        return preformatted(self.summary().text)

    @property
    def _names(self) -> list[str]:
        return list(self.design.coef_names)

    def _theta_array(self, theta: np.ndarray | pd.Series) -> np.ndarray:
        if isinstance(theta, pd.Series):
            theta = theta.reindex(self.theta.index)
        array = np.asarray(theta, dtype=float)
        m = self.likelihood.covariance.m
        if array.shape != (m,) or not np.isfinite(array).all():
            raise ArgumentError(f"theta must be {m} finite numbers, for {', '.join(self.theta.index)}; got {theta!r}")
        return array
