"""Coefficients, variances and random effects of a fit."""

import numpy as np
import pandas as pd

from bayeslmm.point.estimates import joint_variances, mode_variances
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.functional import Parameters, named
from bayeslmm.results.tables import coef_table, effects_table, varcorr_table


class FitEstimates(FitBase):
    """What was estimated."""

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
        return varcorr_table(self.design.terms, self.estimates.covariances, self.estimates.sigma)

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

    @property
    def parameters(self) -> Parameters:
        """All parameters by name: what the functions of `functional` and `confint` get."""
        at = self.estimates
        return named(self.design, at.beta, at.covariances, at.sigma)

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.design.n

    @property
    def ngroups(self) -> pd.Series:
        """Number of levels of each grouping factor."""
        return pd.Series({t.group: t.n_levels for t in self.design.terms}, name="levels", dtype=int)
