"""Coefficients, fit as a whole, fitted values and residuals of a linear fit."""

import numpy as np
import pandas as pd

from bayeslmm.point.distributions import f_p_value
from bayeslmm.results.linear_fit.base import LinearBase


class LinearEstimates(LinearBase):
    """What was estimated."""

    @property
    def fixef(self) -> pd.Series:
        """Coefficients (p,)."""
        return pd.Series(self.estimates.beta, index=list(self.design.coef_names), name="estimate")

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients (p, p)."""
        if self.clusters is not None:
            return self._by_cluster.vcov
        names = list(self.design.coef_names)
        return pd.DataFrame(self.estimates.vcov, index=names, columns=names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors (p,)."""
        if self.clusters is not None:
            return self._by_cluster.table["se"]
        return pd.Series(np.sqrt(np.diag(self.estimates.vcov)), index=list(self.design.coef_names), name="se")

    @property
    def sigma(self) -> float:
        """Residual standard error."""
        return self.estimates.sigma

    @property
    def df_resid(self) -> int:
        """n - p."""
        return self.estimates.df_resid

    @property
    def loglik(self) -> float:
        """Log likelihood."""
        return self.estimates.loglik

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return -2 * self.loglik + 2 * (self.design.p + 1)

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return -2 * self.loglik + float(np.log(self.design.n)) * (self.design.p + 1)

    @property
    def r2(self) -> float:
        """Share of the variance explained; with an offset of that of y - offset, where R has the offset in both."""
        return 1 - self.estimates.rss / self.estimates.tss

    @property
    def adj_r2(self) -> float:
        """`r2` adjusted for the number of coefficients."""
        intercept = int(self.design.formula.has_intercept)
        return 1 - (1 - self.r2) * (self.design.n - intercept) / self.df_resid

    @property
    def f_test(self) -> tuple[float, int, float, float]:
        """F of all coefficients but the intercept, its two degrees of freedom, and p.

        With clusters, robust to them as `contrast` is; NaN where there are too few. With an offset the model without
        these coefficients has it, too (R's `summary` takes the offset for something that the model explains).
        """
        q = self.design.p - int(self.design.formula.has_intercept)
        if q == 0:
            return np.nan, 0, self.df_resid, np.nan
        if self.clusters is not None:
            L = np.eye(self.design.p)[[name != "(Intercept)" for name in self.design.coef_names]]
            found = self._inference.f_test(L, L @ self.estimates.beta)
            return found.F, q, found.df, f_p_value(found.F, q, found.df)
        F = (self.estimates.tss - self.estimates.rss) / q / self.sigma**2
        return F, q, self.df_resid, f_p_value(F, q, self.df_resid)

    @property
    def fitted(self) -> np.ndarray:
        """(n,): fitted values, offset included."""
        return self.design.offset + self.design.X @ self.estimates.beta

    def residuals(self) -> np.ndarray:
        """(n,): y - fitted."""
        return self.design.y - self.fitted
