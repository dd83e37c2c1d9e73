"""Fitted values and residuals, predictions of new rows, simulated responses."""

from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.point.ddf import Ddf
from bayeslmm.point.seeds import generator
from bayeslmm.point.shares import variances_at
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.predict import NewLevels, predict_fit
from bayeslmm.results.predict_interval import Interval, predict_interval
from bayeslmm.results.quantile_residuals import Of, QuantileResiduals, check_of, make_quantile_residuals


class FitPredictions(FitBase):
    """What the model says of rows."""

    @property
    def fitted(self) -> np.ndarray:
        """(n,): fitted values, random effects and offset included."""
        design = self.design
        value = design.offset + design.X @ self.estimates.beta
        for term, b in zip(design.terms, self.estimates.b, strict=True):
            value = value + np.einsum("nk,nk->n", term.Z, b[term.index])
        return value

    def residuals(
        self, kind: Literal["response", "pearson", "scaled"] = "response", of: Of = "conditional"
    ) -> np.ndarray:
        """(n,): residuals.

        Parameters
        ----------
        kind
            "response": y - fitted; "pearson": times sqrt(weight); "scaled": divided by the residual's standard
            deviation too, sigma / sqrt(w) for conditional ones, sqrt(z'Vz + sigma^2 / w) for marginal ones.
        of
            "conditional": fitted values with random effects; "marginal": without.
        """
        if kind not in ("response", "pearson", "scaled"):
            raise ArgumentError(f'residuals(kind="{kind}") is not known; it is one of response, pearson, scaled')
        check_of(of)
        design = self.design
        fitted = self.fitted if of == "conditional" else design.offset + design.X @ self.estimates.beta
        raw = design.y - fitted
        if kind == "response":
            return raw
        if kind == "scaled" and of == "marginal":
            between = variances_at([t.Z for t in design.terms], self.estimates.covariances).sum(axis=0)
            return raw / np.sqrt(between + self.estimates.sigma**2 / design.weights)
        pearson = raw * np.sqrt(design.weights)
        return pearson / self.estimates.sigma if kind == "scaled" else pearson

    def quantile_residuals(
        self, of: Of = "conditional", n: int | None = None, seed: int | np.random.Generator | None = None
    ) -> QuantileResiduals:
        """Residuals by simulation, uniform where the model holds, with tests of uniformity, dispersion and outliers.

        Responses are simulated from the fit with new random effects; beta, b and sigma are estimated again from each
        at the theta of the fit, and each row's standardised residual is ranked among its simulated ones. The tests
        compare the observed data with the simulated ones, which depend on each other as the rows of the data do.
        For a Gaussian model the estimated variances absorb most of what dispersion could show.

        Parameters
        ----------
        of
            "conditional" residuals (random effects taken off) or "marginal" ones.
        n
            How many simulations; None for up to 999, by the number of rows.
        seed
            Of the random numbers.
        """
        return make_quantile_residuals(self._fit, of, n, seed)

    def predict(
        self,
        newdata: Any = None,
        re: Literal["all", "none"] | Collection[str] = "all",
        new_levels: NewLevels = "error",
        interval: Interval | None = None,
        level: float = 0.95,
        ddf: Ddf = "satterthwaite",
    ) -> pd.Series | pd.DataFrame:
        """Predicted means for new rows, with intervals where they are asked for.

        Parameters
        ----------
        newdata
            Any data frame with the columns of the right-hand side; None for the rows that were fitted.
        re
            Which random effects count: "all", "none", or names of grouping factors.
        new_levels
            A level that was not in the data is an "error", or gets the "population" value (effects of zero).
        interval
            "confidence" for the mean of a row, x'beta + z'b; "prediction" for a new observation of it; None for none.
        level
            Of the interval.
        ddf
            Degrees of freedom of the interval: "satterthwaite", "residual" (n - p) or "asymptotic" (normal).

        Returns
        -------
        Series or DataFrame
            One value per row of `newdata`, with its index where it has one; NaN where a value is missing. With an
            interval: columns estimate, se, df, lower, upper.

        Notes
        -----
        The interval is `estimate -+ t(df) se` with the variance of the error of prediction at the estimated theta,

            se^2 = sigma^2 { c'M^-1 c  +  sum_t z_t' Lambda_t Lambda_t' z_t  +  1/w },

        where c = (Lambda'z, x) are the coordinates of the row in the known effects and beta, and M is the matrix of
        Henderson's (1975) equations: `c'M^-1 c` holds the variance of beta_hat, the conditional variance of the
        random effects and their covariance. The sum runs over the groups whose level is new: its effects are predicted
        by zero and vary with their full variance. `1/w` belongs to "prediction" only; so does, there, the sum
        over groups that `re` leaves out, since an observation comes from some level of them (their columns left of the
        bar are needed then). The weight w of new rows is read from the column that the fit took its weights from; it
        is 1 where the new data do not have it. That theta is estimated shows in the df, not in the se.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> new = {"Days": [9, 9], "Subject": ["308", "somebody"]}
        >>> fit.predict(new, new_levels="population", interval="confidence").round(1)
           estimate    se     df  lower  upper
        0     430.7  13.9  152.5  403.3  458.0
        1     345.6  62.0   15.2  213.7  477.6
        """
        if interval is None:
            return predict_fit(self.design, self.estimates, newdata, re, new_levels)
        return predict_interval(self._fit, newdata, re, new_levels, interval, level, ddf)

    def simulate(self, n: int = 1, seed: int | np.random.Generator | None = None) -> pd.DataFrame:
        """Simulate new responses, (nobs, n), from the fitted model with new random effects.

        Parameters
        ----------
        n
            How many.
        seed
            Of the random numbers; the same seed gives the same responses.
        """
        if n < 1:
            raise ArgumentError(f"simulate(n={n}): n must be at least 1")
        rng = generator(seed)
        design = self.design
        mean = design.offset + design.X @ self.estimates.beta
        noise = rng.normal(size=(design.n, n)) * (self.estimates.sigma / np.sqrt(design.weights))[:, None]
        y = mean[:, None] + noise
        for term, L in zip(design.terms, self.estimates.lambdas, strict=True):
            b = self.estimates.sigma * np.einsum("ab,jbn->jan", L, rng.normal(size=(term.n_levels, term.k, n)))
            y += np.einsum("rk,rkn->rn", term.Z, b[term.index])
        return pd.DataFrame(y, columns=[f"sim_{i + 1}" for i in range(n)], index=pd.Index(design.rows))
