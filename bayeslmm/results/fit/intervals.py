"""Intervals of any parameter, and of any function of them: Wald, profile, bootstrap, delta method."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.results.bootstrap import Bootstrap, bootstrap
from bayeslmm.results.checks import check_level
from bayeslmm.results.confint import confint
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.functional import Parameters, Scale, functional_table
from bayeslmm.results.parameters import Asked
from bayeslmm.results.profile import Profile, profile
from bayeslmm.results.refits import Resample

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


class FitIntervals(FitBase):
    """How well the parameters are known."""

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

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.confint("profile", parm=["Days", "sigma"]).round(2).to_numpy().tolist()
        [[7.36, 13.58], [22.9, 28.86]]
        """
        return confint(self._fit, method, level, parm, options)

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
        return bootstrap(self._fit, statistic, n, resample, by, seed, workers, standard_error, progress)
