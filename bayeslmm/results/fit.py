"""`Fit`: a REML or ML fit, and everything that is read off it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.linear import linear_functions
from bayeslmm.design.reference_grid import Weights
from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.point.distributions import normal_quantile, t_p_value
from bayeslmm.point.estimates import Estimates, joint_variances, mode_variances
from bayeslmm.point.inference import Inference
from bayeslmm.point.multiplicity import Adjust, check_adjust
from bayeslmm.point.optimum import Certificate, Optimum
from bayeslmm.point.singular import Singularity, singularities
from bayeslmm.results import contrasts
from bayeslmm.results.anova import Anova, anova_table
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit_summary import fit_summary
from bayeslmm.results.frames import preformatted
from bayeslmm.results.functional import Parameters, Scale, functional_table
from bayeslmm.results.means import Means, Names, Request, default_adjust
from bayeslmm.results.predict import NewLevels, predict_fit
from bayeslmm.results.summary import FitSummary
from bayeslmm.results.tables import coef_table, effects_table, varcorr_table
from bayeslmm.results.timings import Timings

__all__ = ["Ddf", "Fit", "check_ddf"]


class SampledModel(Protocol):
    """What a fit needs of the model that it came from, to go on to the posterior."""

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model."""

    def with_response(self, y: Any) -> Any:
        """The same model of another response."""

    def fit(self, reml: bool, optimizer: Any) -> Any:
        """Fit it."""


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

    def anova(self, type: Literal[1, 2, 3, "I", "II", "III"] = 3, ddf: Ddf = "satterthwaite") -> Anova:
        """F tests of the terms: SumSq, MeanSq, NumDF, DenDF, F, p.

        Parameters
        ----------
        type
            1 (sequential), 2 (each term after all that do not contain it) or 3 (SAS's type III, the default, as
            lmerTest).
        ddf
            Denominator degrees of freedom: "satterthwaite", "kenward-roger", "containment", "residual" or
            "asymptotic".
        """
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

    def confint(self, method: Literal["wald"] = "wald", level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals of the fixed effects: columns lower, upper.

        Parameters
        ----------
        method
            "wald": estimate -+ normal quantile * se, as lme4's `confint(method = "Wald")`.
        level
            Between 0 and 1.
        """
        if method != "wald":
            raise NotAvailableError(f'confint(method="{method}") is not available; use method="wald"')
        z = normal_quantile(0.5 + check_level(level) / 2)
        half = z * self.bse
        return pd.DataFrame({"lower": self.fixef - half, "upper": self.fixef + half})

    def icc(self, by_group: bool = False) -> float | pd.Series:
        """Intraclass correlation: the share of the variance that lies between groups.

        With random slopes the between-group variance is averaged over the rows, `mean(z'Vz)` (Johnson 2014); prior
        weights divide the residual variance.

        Parameters
        ----------
        by_group
            Return the share of each grouping factor, as a Series.
        """
        between = pd.Series(
            {
                t.group: float(np.einsum("ni,ij,nj->n", t.Z, V, t.Z).mean())
                for t, V in zip(self.design.terms, self.estimates.covariances, strict=True)
            },
            dtype=float,
        )
        share = between / (between.sum() + self.sigma**2 * float((1 / self.design.weights).mean()))
        return share.rename("icc") if by_group else float(share.sum())

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

    # -- predictions ----------------------------------------------------------------------------------------------

    @property
    def fitted(self) -> np.ndarray:
        """(n,): fitted values, random effects and offset included."""
        design = self.design
        value = design.offset + design.X @ self.estimates.beta
        for term, b in zip(design.terms, self.estimates.b, strict=True):
            value = value + np.einsum("nk,nk->n", term.Z, b[term.index])
        return value

    def residuals(self, kind: Literal["response", "pearson", "scaled"] = "response") -> np.ndarray:
        """(n,): y - fitted; times sqrt(weight) for "pearson"; and divided by sigma for "scaled"."""
        raw = self.design.y - self.fitted
        if kind == "response":
            return raw
        if kind not in ("pearson", "scaled"):
            raise ArgumentError(f'residuals(kind="{kind}") is not known; it is one of response, pearson, scaled')
        pearson = raw * np.sqrt(self.design.weights)
        return pearson / self.sigma if kind == "scaled" else pearson

    def predict(
        self,
        newdata: Any = None,
        re: Literal["all", "none"] | Collection[str] = "all",
        new_levels: NewLevels = "error",
    ) -> pd.Series:
        """Predicted means for new rows.

        Parameters
        ----------
        newdata
            Any data frame with the columns of the right-hand side; None for the rows that were fitted.
        re
            Which random effects count: "all", "none", or names of grouping factors.
        new_levels
            A level that was not in the data is an "error", or gets the "population" value (effects of zero).

        Returns
        -------
        Series
            One value per row of `newdata`, with its index where it has one; NaN where a value is missing.
        """
        return predict_fit(self.design, self.estimates, newdata, re, new_levels)

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

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model; options as for `Model.sample`. Returns a `Posterior`."""
        return self.model.sample(**options)

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
