"""Marginal means of a linear fit, their comparisons, and slopes."""

from typing import Any, Literal

from bayeslmm.design.reference_grid import Weights
from bayeslmm.point.multiplicity import Adjust
from bayeslmm.results.checks import check_level
from bayeslmm.results.linear_fit.base import LinearBase
from bayeslmm.results.means import At, Means, Names, Request, adjustment


class LinearMeans(LinearBase):
    """What the coefficients say of means; with clusters, errors and df are robust to them."""

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Estimated marginal means, as emmeans: predictions averaged over the other factors.

        Parameters
        ----------
        specs, by, at, weights, adjust, level
            As for `Fit.means`.
        """
        request = Request.means(self.design, specs, by, at, weights)
        return request.of_fit(self.estimates.beta, self._inference, adjust, check_level(level))

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        ref: Any = None,
        adjust: Adjust | Literal["default"] | None = "default",
        level: float = 0.95,
    ) -> Means:
        """Comparisons of estimated marginal means.

        Parameters
        ----------
        specs, method, by, at, weights, ref, adjust, level
            As for `Fit.contrasts`.
        """
        request = Request.contrasts(self.design, specs, method, by, at, weights, ref)
        return request.of_fit(self.estimates.beta, self._inference, adjustment(adjust, method), check_level(level))

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Slopes of the mean in a numeric predictor, as emtrends: derivatives at the reference grid.

        Parameters
        ----------
        variable, by, at, weights, adjust, level
            As for `Fit.slopes`.
        """
        request = Request.slopes(self.design, variable, by, at, weights)
        return request.of_fit(self.estimates.beta, self._inference, adjust, check_level(level))
