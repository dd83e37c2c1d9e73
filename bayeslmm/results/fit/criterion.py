"""The criterion that was minimised, and whether its minimum was found."""

from functools import cached_property

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.point.optimum import Certificate
from bayeslmm.point.singular import Singularity, singularities
from bayeslmm.results.fit.base import FitBase


class FitCriterion(FitBase):
    """How good the fit is, and how far to trust it."""

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
        return self.criterion + float(np.log(self.design.n)) * self.n_parameters

    @property
    def df_resid(self) -> int:
        """Number of observations less number of parameters."""
        return self.design.n - self.n_parameters

    def objective(self, theta: np.ndarray | pd.Series) -> float:
        """The profiled criterion at any theta (m,); a Series is matched by name."""
        return self.likelihood.criterion(self._theta_array(theta), self.reml)

    def gradient(self, theta: np.ndarray | pd.Series) -> np.ndarray:
        """Gradient (m,) of the profiled criterion at theta (m,)."""
        return self.likelihood.with_gradient(self._theta_array(theta), self.reml)[1]

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

    def _theta_array(self, theta: np.ndarray | pd.Series) -> np.ndarray:
        names = list(self.likelihood.covariance.names)
        array = np.asarray(theta.reindex(names) if isinstance(theta, pd.Series) else theta, dtype=float)
        if array.shape != (len(names),) or not np.isfinite(array).all():
            raise ArgumentError(f"theta must be {len(names)} finite numbers, for {', '.join(names)}; got {theta!r}")
        return array
