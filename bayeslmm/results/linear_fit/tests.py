"""Tests and intervals of a linear fit: of coefficients, of terms, of models."""

from typing import Any, Literal, overload

import numpy as np
import pandas as pd

from bayeslmm.design.linear import linear_functions
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import t_p_value, t_quantile
from bayeslmm.point.multiplicity import Adjust, check_adjust
from bayeslmm.point.robust import Kind
from bayeslmm.point.wild import Weights
from bayeslmm.results import contrasts
from bayeslmm.results.anova import Anova, linear_anova
from bayeslmm.results.checks import check_level
from bayeslmm.results.linear_fit.estimates import LinearEstimates
from bayeslmm.results.linear_table import LinearTable, linear_table
from bayeslmm.results.robust import Df, Robust, WildBootstrap, robust, wild_bootstrap


class LinearTests(LinearEstimates):
    """Which effects there are."""

    def tests(self) -> pd.DataFrame:
        """One row per coefficient: estimate, se, df, t, p (two-sided)."""
        if self.clusters is not None:
            return self._by_cluster.table[["estimate", "se", "df", "t", "p"]]
        t = self.fixef / self.bse
        p = t_p_value(t.to_numpy(), self.df_resid)
        return pd.DataFrame({"estimate": self.fixef, "se": self.bse, "df": float(self.df_resid), "t": t, "p": p})

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals from the t distribution: columns lower, upper."""
        if self.clusters is not None:
            return self.robust(level=level).table[["lower", "upper"]]
        half = t_quantile(0.5 + check_level(level) / 2, self.df_resid) * self.bse
        return pd.DataFrame({"lower": self.fixef - half, "upper": self.fixef + half})

    @overload
    def anova(self, *, type: Literal[1, 2, 3, "I", "II", "III"] = 3) -> Anova: ...

    @overload
    def anova(self, first: "LinearTests", /, *others: "LinearTests") -> LinearTable: ...

    def anova(self, *others: Any, type: Literal[1, 2, 3, "I", "II", "III"] = 3) -> Anova | LinearTable:
        """F tests of the terms; or, with other linear fits, of the models. With clusters, with robust errors.

        Parameters
        ----------
        *others
            Linear fits of the same response and rows. Each model is tested against the next smaller one, with the
            residual variance of the largest, as R's `anova(m1, m2)`. To compare with a mixed model, write
            `mixed.anova(linear)`.
        type
            1 (sequential), 2 (each term after all that do not contain it) or 3 (SAS's type III, the default). A factor
            is contained in its interactions with other factors, but not in those with numeric predictors, as in SAS and
            lmerTest; in R's car it is, so that type 2 may differ there.
        """
        if others:
            return linear_table([self, *others])
        return linear_anova(self.design, self.estimates, self._inference, type)

    def contrast(self, L: Any, adjust: Adjust | None = None, level: float = 0.95) -> contrasts.Contrast:
        """Tests of linear functions of the coefficients: t for each row, and one F for all.

        Parameters
        ----------
        L, adjust, level
            As for `Fit.contrast`: `"grade = 0"`, `{"recipeB": 1, "recipeC": -1}`, a row or matrix, or a list of these.

        Raises
        ------
        ArgumentError
            L does not fit the coefficients, or cannot be read.
        """
        functions = linear_functions(L, self.design)
        checked = check_adjust(adjust), check_level(level)
        return contrasts.contrast(functions, self.estimates.beta, self._inference, *checked)

    def robust(self, kind: Kind | None = None, adjust: bool = True, df: Df = "auto", level: float = 0.95) -> Robust:
        """Robust standard errors, by cluster where the fit has clusters, else by row.

        Parameters
        ----------
        kind
            "HC0", "HC1", "HC2" or "HC3"; None: HC2 for clusters (which is CR2), HC3 for rows. See
            `bayeslmm.point.robust`.
        adjust
            For clusters, the factor G / (G - 1).
        df
            "satterthwaite" (clusters; the default for HC2), "clusters" (G - 1; the default for other kinds),
            "residual" (n - p; the default for rows) or "asymptotic".
        level
            Of the intervals.

        Raises
        ------
        ArgumentError
            An argument is not one of these, or HC2 or HC3 by row where a row has leverage 1.
        """
        return robust(self.design, self.estimates, kind, self.clusters, adjust, df, level)

    def wild_bootstrap(
        self,
        terms: str | list[str] | None = None,
        weights: Weights = "auto",
        draws: int = 9999,
        seed: int | np.random.Generator | None = 1,
        level: float = 0.95,
    ) -> WildBootstrap:
        """Wild cluster bootstrap tests and intervals, the null imposed: for few clusters.

        Parameters
        ----------
        terms
            The coefficients to test; None for all.
        weights
            "rademacher", "webb", or "auto": Webb's for fewer than 12 clusters.
        draws
            Number of samples, at least 99; where there are no more than these, each is taken once.
        seed
            Of the random numbers.
        level
            Of the intervals.

        Raises
        ------
        ArgumentError
            The fit has no clusters, or an argument cannot be worked with.
        """
        if self.clusters is None:
            raise ArgumentError('wild_bootstrap needs clusters: blm.lm(formula, data, cluster="...")')
        chosen = [terms] if isinstance(terms, str) else terms
        return wild_bootstrap(self.design, self.clusters, chosen, weights, draws, seed, level)
