"""Coefficients, variances, random effects and shares of variance of a posterior."""

import pandas as pd

from bayeslmm.results.checks import check_level
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_tables import coef_draws, ranef_draws, varcorr_draws
from bayeslmm.results.posterior_variance import icc_draws, r2_draws


class PosteriorEstimates(PosteriorBase):
    """What was estimated."""

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

    def icc(self, level: float = 0.95, by_group: bool = False) -> pd.Series | pd.DataFrame:
        """Intraclass correlation, draw by draw, as `Fit.icc` defines it: estimate, sd, lower, upper.

        Parameters
        ----------
        level
            Probability of the interval.
        by_group
            Return one row for each grouping factor.
        """
        self._needs_normal("icc")
        return icc_draws(self.draws, check_level(level), by_group)

    def bayes_r2(self, level: float = 0.95) -> pd.Series:
        """Bayesian R2 of the fitted values, random effects included: estimate, sd, lower, upper.

        Var(fitted) / (Var(fitted) + residual variance) in every draw (Gelman et al. 2019).

        Parameters
        ----------
        level
            Probability of the interval.
        """
        self._needs_normal("bayes_r2")
        return r2_draws(self.draws, check_level(level))
