"""Tests of the coefficients, of terms and of models."""

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pandas as pd

from bayeslmm.design.linear import linear_functions
from bayeslmm.point.ddf import Ddf
from bayeslmm.point.distributions import t_p_value
from bayeslmm.point.multiplicity import Adjust, check_adjust
from bayeslmm.results import contrasts
from bayeslmm.results.anova import Anova, anova_table
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.model_table import ModelTable, model_table
from bayeslmm.results.ranova import Ranova, ranova
from bayeslmm.results.variance_test import How, Method

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


class FitTests(FitBase):
    """Which effects there are."""

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
            reference distribution; where a variance of zero is tested, p_boundary against the one that holds there: the
            finite-sample distribution of one uncorrelated effect, exact against no other and given the other random
            effects beside them (as RLRsim), crossed ones too; a mixture of chi-squares for one more correlated effect
            of independent groups.
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

        Examples
        --------
        >>> import bayeslmm as blm
        >>> sleep = blm.datasets.load("sleepstudy")
        >>> smaller, fit = (blm.lmer(f"Reaction ~ Days + ({x} | Subject)", sleep) for x in ("1", "Days"))
        >>> round(float(fit.anova().table.loc["Days", "F"]), 2)  # R: 45.853
        45.85
        >>> round(float(smaller.anova(fit).table["Chisq"].iloc[1]), 2)  # R: 42.837
        42.84
        """
        if others:
            return model_table([self._fit, *others], refit, How(method, n, seed))
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
        return ranova(self._fit, How(method, n, seed))
