"""`LinearFit`: a linear model without groups, with the summary that R's `summary(lm())` prints."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import f_p_value, t_p_value, t_quantile
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.point.robust import Kind
from bayeslmm.point.wild import Weights
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.frames import preformatted
from bayeslmm.results.robust import Df, Robust, WildBootstrap, robust, wild_bootstrap
from bayeslmm.results.summary import DIGITS, call_lines, coefficient_lines, note_lines, residual_lines
from bayeslmm.results.table_export import Tabular

FEW = 5  # residual degrees of freedom up to which R prints the residuals themselves


@dataclass(frozen=True, repr=False)
class LinearFit(Tabular):
    """A least-squares fit: complete pooling, where the data have groups.

    With clusters, `vcov`, `bse`, `tests`, `confint` and `summary` have cluster-robust errors: CR2 with Satterthwaite
    degrees of freedom (Bell & McCaffrey 2002). Other kinds are in `robust`.

    Attributes
    ----------
    design
        The arrays.
    estimates
        The numbers.
    data_name
        What the summary calls the data.
    clusters
        Which rows may be dependent, or None.
    """

    design: Design
    estimates: LeastSquares
    data_name: str = "data"
    clusters: Clusters | None = None

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

    # -- tests and intervals --------------------------------------------------------------------------------------

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

    @cached_property
    def _by_cluster(self) -> Robust:
        return self.robust()

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

    def summary(self) -> str:
        """What R prints for `summary(lm(...))`; with clusters, their standard errors."""
        lines = [
            "\n".join(["Linear model fit by least squares [bayeslmm]", *call_lines(self.design, self.data_name)]),
            self._residual_lines(),
            self._coefficient_lines(),
            "\n".join(self._fit_lines()),
        ]
        notes = note_lines(self.design)
        return "\n\n".join([*lines, "\n".join(notes)] if notes else lines)

    def _residual_lines(self) -> str:
        kind = "Weighted Residuals" if self.design.has_weights else "Residuals"
        values = self.residuals() * np.sqrt(self.design.weights)
        if self.df_resid > FEW:
            return residual_lines(kind, values)
        cells = rformat.format_numbers(values, DIGITS)
        return f"{kind}:\n" + rformat.named_vector([str(row + 1) for row in self.design.rows], cells)

    def _coefficient_lines(self) -> str:
        dropped = self.design.dropped
        title = f"Coefficients: ({len(dropped)} not defined because of singularities)" if dropped else "Coefficients:"
        table = self.tests().reindex(self._all_names())
        shown = ["estimate", "se"] if self.clusters is None else ["estimate", "se", "df"]
        text = coefficient_lines(table, shown, "t value", "Pr(>|t|)", DIGITS)
        if self.clusters is None:
            return f"{title}\n{text}"
        said = (self._by_cluster.title, *self._by_cluster.notes)
        return "\n".join([title, text, *(f"{x[0].upper()}{x[1:]}" for x in said)])

    def _all_names(self) -> list[str]:
        """Names of all columns, those left out at their places."""
        kept, dropped = iter(self.design.coef_names), iter(self.design.dropped)
        at = set(np.asarray(self.design.recipe.kept).tolist())
        count = self.design.p + len(self.design.dropped)
        return [next(kept) if j in at else next(dropped) for j in range(count)]

    def _fit_lines(self) -> list[str]:
        F, q, df, p = self.f_test
        lines = [f"Residual standard error: {_significant(self.sigma)} on {df} degrees of freedom"]
        if self.design.n_missing:
            rows = "observation" if self.design.n_missing == 1 else "observations"
            lines.append(f"  ({self.design.n_missing} {rows} deleted due to missingness)")
        if q:
            shares = f"Multiple R-squared: {_significant(self.r2)}, Adjusted R-squared: {_significant(self.adj_r2)}"
            lines.append(shares)
            if self.clusters is None:
                p_value = rformat.format_p_values([p], DIGITS)[0]
                lines.append(f"F-statistic: {_significant(F)} on {q} and {df} DF, p-value: {p_value}")
        return lines

    def __repr__(self) -> str:
        return self.summary()

    def _for_paper(self) -> pd.DataFrame:
        return self.tests()

    def _repr_html_(self) -> str:
        return preformatted(self.summary())


def _significant(value: float) -> str:
    return rformat.format_numbers([value], DIGITS)[0]
