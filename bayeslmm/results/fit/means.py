"""Marginal means of a fit, their comparisons, and slopes."""

from typing import Any, Literal

from bayeslmm.design.reference_grid import Weights
from bayeslmm.errors import NotAvailableError
from bayeslmm.point.ddf import Ddf
from bayeslmm.point.multiplicity import Adjust
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.means import At, Means, Names, Request, adjustment


class FitMeans(FitBase):
    """What the coefficients say of means."""

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: At = None,
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

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("angle ~ recipe + (1 | recipe:replicate)", blm.datasets.load("cake"))
        >>> fit.means("recipe").table[["recipe", "estimate", "se", "df"]].round(2)
          recipe  estimate    se    df
        0      A     33.12  1.74  42.0
        1      B     31.64  1.74  42.0
        2      C     31.60  1.74  42.0
        """
        request = Request.means(self.design, specs, by, at, weights)
        return request.of_fit(self.estimates.beta, self._inference(ddf), adjust, check_level(level))

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: At = None,
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
        return request.of_fit(self.estimates.beta, self._inference(ddf), adjustment(adjust, method), check_level(level))

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: At = None,
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

    def marginaleffects(self, data: Any) -> Any:
        """The fit as `predictions`, `comparisons`, `slopes` and `hypotheses` of the package marginaleffects take it.

        Parameters
        ----------
        data
            The data that the fit was made from.

        Raises
        ------
        NotAvailableError
            The package is not installed.
        """
        try:
            from bayeslmm.results.marginaleffects import MarginalEffects
        except ImportError as error:
            raise NotAvailableError(
                f"{error.name} is not installed: pip install 'bayeslmm[marginaleffects]'; fit.means, fit.contrasts and "
                "fit.slopes need no other package"
            ) from error
        return MarginalEffects(self._fit, data)
