"""`LinearFit`: a linear model without groups, with the summary that R's `summary(lm())` prints."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.point.distributions import f_p_value, t_p_value, t_quantile
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.frames import preformatted
from bayeslmm.results.summary import DIGITS, call_lines, coefficient_lines, note_lines, residual_lines


@dataclass(frozen=True, repr=False)
class LinearFit:
    """A least-squares fit: complete pooling, where the data have groups.

    Attributes
    ----------
    design
        The arrays.
    estimates
        The numbers.
    data_name
        What the summary calls the data.
    """

    design: Design
    estimates: LeastSquares
    data_name: str = "data"

    @property
    def fixef(self) -> pd.Series:
        """Coefficients (p,)."""
        return pd.Series(self.estimates.beta, index=list(self.design.coef_names), name="estimate")

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the coefficients (p, p)."""
        names = list(self.design.coef_names)
        return pd.DataFrame(self.estimates.vcov, index=names, columns=names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors (p,)."""
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
        """Share of the variance explained."""
        return 1 - self.estimates.rss / self.estimates.tss

    @property
    def adj_r2(self) -> float:
        """`r2` adjusted for the number of coefficients."""
        intercept = int(self.design.formula.has_intercept)
        return 1 - (1 - self.r2) * (self.design.n - intercept) / self.df_resid

    @property
    def f_test(self) -> tuple[float, int, int, float]:
        """F of all coefficients but the intercept, its two degrees of freedom, and p."""
        q = self.design.p - int(self.design.formula.has_intercept)
        if q == 0:
            return np.nan, 0, self.df_resid, np.nan
        F = (self.estimates.tss - self.estimates.rss) / q / self.sigma**2
        return F, q, self.df_resid, f_p_value(F, q, self.df_resid)

    @property
    def fitted(self) -> np.ndarray:
        """(n,): fitted values, offset included."""
        return self.design.offset + self.design.X @ self.estimates.beta

    def residuals(self) -> np.ndarray:
        """(n,): y - fitted."""
        return self.design.y - self.fitted

    def tests(self) -> pd.DataFrame:
        """One row per coefficient: estimate, se, df, t, p (two-sided)."""
        t = self.fixef / self.bse
        p = t_p_value(t.to_numpy(), self.df_resid)
        return pd.DataFrame({"estimate": self.fixef, "se": self.bse, "df": float(self.df_resid), "t": t, "p": p})

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Confidence intervals from the t distribution: columns lower, upper."""
        half = t_quantile(0.5 + check_level(level) / 2, self.df_resid) * self.bse
        return pd.DataFrame({"lower": self.fixef - half, "upper": self.fixef + half})

    def summary(self) -> str:
        """What R prints for `summary(lm(...))`."""
        F, q, df, p = self.f_test
        kind = "Weighted Residuals" if self.design.has_weights else "Residuals"
        lines = [
            "\n".join(["Linear model fit by least squares [bayeslmm]", *call_lines(self.design, self.data_name)]),
            residual_lines(kind, self.residuals() * np.sqrt(self.design.weights)),
            "Coefficients:\n" + coefficient_lines(self.tests(), ["estimate", "se"], "t value", "Pr(>|t|)", DIGITS),
            f"Residual standard error: {_significant(self.sigma)} on {df} degrees of freedom",
        ]
        if q:
            p_value = rformat.format_p_values([p], DIGITS)[0]
            lines[-1] += (
                f"\nMultiple R-squared: {_significant(self.r2)}, Adjusted R-squared: {_significant(self.adj_r2)}"
                f"\nF-statistic: {_significant(F)} on {q} and {df} DF, p-value: {p_value}"
            )
        notes = note_lines(self.design)
        return "\n\n".join([*lines, "\n".join(notes)] if notes else lines)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return preformatted(self.summary())


def _significant(value: float) -> str:
    return rformat.format_numbers([value], DIGITS)[0]
