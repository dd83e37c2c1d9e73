"""Where the variance lies: shares of groups, of the fixed part, of principal components."""

from typing import Any

import pandas as pd

from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.repca import RePCA, repca
from bayeslmm.results.variance_shares import icc_shares, icc_table, partition_table, r2_table


class FitVariance(FitBase):
    """Where the variance lies."""

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
        return icc_shares(self._fit, by_group) if level is None else icc_table(self._fit, by_group, level)

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
        return r2_table(self._fit, by_term)

    def repca(self) -> RePCA:
        """Principal components of the random effects of each group: how many dimensions they have (lme4's `rePCA`).

        Like lme4's, they depend on the units of the predictors: compare directions with care where these differ.
        """
        return repca(self._fit)

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
        return partition_table(self._fit, at)
