"""Rubin's rules: fits of m multiply imputed data sets as one.

For one quantity with estimates Q_j and squared standard errors U_j, j = 1 .. m:

    Qbar = mean Q_j,   Ubar = mean U_j,   B = sum (Q_j - Qbar)^2 / (m - 1),   T = Ubar + (1 + 1/m) B
    lambda = (1 + 1/m) B / T                        share of the variance that is due to missing values
    nu_m = (m - 1) / lambda^2                       (Rubin 1987, eq. 3.1.6)
    nu_obs = (nu_com + 1) / (nu_com + 3) nu_com (1 - lambda)
    nu = 1 / (1 / nu_m + 1 / nu_obs)                (Barnard & Rubin 1999, Biometrika 86(4), 948-955, eq. 3)

nu_com are the df without missing values: the mean of those of the m fits, by the method asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.linear import LinearFunctions, linear_functions
from bayeslmm.errors import ArgumentError
from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.point.distributions import t_p_value, t_quantile
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.summary import call_lines, fixed_lines, random_lines, size_line

STATISTICS = ["estimate", "se", "df", "t", "p", "lambda", "riv", "fmi"]


@dataclass(frozen=True, repr=False)
class PooledFits:
    """What `blm.pool` makes of fits of multiply imputed data. Tables as those of a `Fit`.

    Attributes
    ----------
    fits
        The m fits.
    """

    fits: tuple[Fit, ...]

    @property
    def m(self) -> int:
        """How many imputations."""
        return len(self.fits)

    @property
    def fixef(self) -> pd.Series:
        """Pooled fixed effects (p,)."""
        return self._mean(lambda f: f.fixef).rename("estimate")

    @property
    def vcov(self) -> pd.DataFrame:
        """T (p, p): covariance within the imputations, and (1 + 1/m) times that between them."""
        Q = np.array([f.estimates.beta for f in self.fits])
        U = np.mean([f.estimates.vcov for f in self.fits], axis=0)
        B = np.atleast_2d(np.cov(Q.T, ddof=1)) if Q.shape[1] else np.zeros((0, 0))
        names = list(self.fits[0].design.coef_names)
        return pd.DataFrame(U + (1 + 1 / self.m) * B, index=names, columns=names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors of the fixed effects (p,)."""
        V = self.vcov
        return pd.Series(np.sqrt(np.diag(V)), index=V.index, name="se")

    @property
    def sigma(self) -> float:
        """Root of the mean residual variance."""
        return float(np.sqrt(np.mean([f.sigma**2 for f in self.fits])))

    @property
    def varcorr(self) -> pd.DataFrame:
        """Mean variances and covariances over the imputations, with the sds and correlations that these make."""
        table = self.fits[0].varcorr
        table["vcov"] = np.mean([f.varcorr["vcov"].to_numpy() for f in self.fits], axis=0)
        variances = table["term2"].isna()
        table["sd"] = np.sqrt(table["vcov"]).where(variances)
        key = zip(table["group"], table["term1"], strict=True)
        sd = {k: v for k, v, own in zip(key, table["sd"], variances, strict=True) if own}
        table["corr"] = [
            np.nan if own else _ratio(v, sd[g, a] * sd[g, b])
            for g, a, b, v, own in zip(*(table[c] for c in ("group", "term1", "term2", "vcov")), variances, strict=True)
        ]
        return table

    def tests(self, ddf: Ddf = "satterthwaite") -> pd.DataFrame:
        """One row per coefficient: estimate, se, df, t, p, and what missing values cost.

        `lambda`: share of the variance that is due to missing values; `riv`: their relative increase of it; `fmi`:
        fraction of missing information, with the df in it.

        Parameters
        ----------
        ddf
            Method of the df without missing values: as for `Fit.summary`.
        """
        design = self.fits[0].design
        functions = LinearFunctions.of(np.eye(design.p), {"contrast": design.coef_names})
        return self._tests(functions, ddf)

    def contrast(self, L: Any, ddf: Ddf = "satterthwaite", level: float = 0.95) -> pd.DataFrame:
        """Pooled tests of linear functions of the coefficients, one row each, with intervals.

        Parameters
        ----------
        L
            As for `Fit.contrast`.
        ddf
            As for `tests`.
        level
            Of the intervals.
        """
        functions = linear_functions(L, self.fits[0].design)
        return self._with_interval(self._tests(functions, ddf), level)

    def confint(self, level: float = 0.95, ddf: Ddf = "satterthwaite") -> pd.DataFrame:
        """t intervals of the fixed effects: lower, upper.

        Parameters
        ----------
        level
            Between 0 and 1.
        ddf
            As for `tests`.
        """
        return self._with_interval(self.tests(ddf), level)[["lower", "upper"]]

    def _with_interval(self, tests: pd.DataFrame, level: float) -> pd.DataFrame:
        half = t_quantile(0.5 + check_level(level) / 2, tests["df"].to_numpy()) * tests["se"]
        return tests.assign(lower=tests["estimate"] - half, upper=tests["estimate"] + half)

    def _tests(self, functions: LinearFunctions, ddf: Ddf) -> pd.DataFrame:
        check_ddf(ddf)
        Q, U, df = (np.array(v) for v in zip(*(_parts(f, functions, ddf) for f in self.fits), strict=True))
        table = rubin(Q, U, df.mean(axis=0))
        t = (table["estimate"] - functions.null) / table["se"]
        table = table.assign(t=t, p=t_p_value(t.to_numpy(), table["df"].to_numpy()))
        return table[STATISTICS].set_axis([str(x) for x in functions.labels["contrast"]])

    def _mean(self, of: Callable[[Fit], pd.Series]) -> pd.Series:
        return pd.concat([of(f) for f in self.fits], axis=1).mean(axis=1)

    def __str__(self) -> str:
        first = self.fits[0]
        tests = self.tests()
        singular = sum(f.is_singular for f in self.fits)
        method = "REML" if first.reml else "maximum likelihood"
        head = [
            f"Linear mixed model fit by {method} to {self.m} imputed data sets, pooled by Rubin's rules. t-tests use "
            "Barnard and Rubin's df [bayeslmm]",
            *call_lines(first.design, first.data_name),
        ]
        missing = ", ".join(f"{n} {100 * v:.0f}%" for n, v in tests["fmi"].items())
        notes = [f"fraction of missing information: {missing}"] if len(tests) else []
        notes += [f"{singular} of {self.m} fits are singular"] if singular else []
        sections = [
            "\n".join(head),
            random_lines(first.design.terms, self.varcorr) + "\n" + size_line(first.design.n, first.design.terms),
            fixed_lines(tests, "satterthwaite"),
            "\n".join(notes),
        ]
        return "\n\n".join(s for s in sections if s)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def _parts(fit: Fit, functions: LinearFunctions, ddf: Ddf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, squared standard errors and df of the functions in one fit, each (m,)."""
    at = inference(ddf, fit.design, fit.likelihood, fit.optimum, fit.estimates.vcov, fit.reml)
    return functions.values(fit.estimates.beta), at.variances(functions.L), at.df(functions.L)


def _ratio(a: float, b: float) -> float:
    return float(np.clip(a / b, -1, 1)) if b > 0 else float("nan")


def rubin(Q: np.ndarray, U: np.ndarray, complete: np.ndarray) -> pd.DataFrame:
    """Pool estimates Q and squared standard errors U, both (m, q), with df (q,) without missing values.

    Returns
    -------
    DataFrame
        One row per quantity: `estimate`, `se`, `df`, `lambda`, `riv`, `fmi`.
    """
    m = Q.shape[0]
    within, between = U.mean(axis=0), (1 + 1 / m) * Q.var(axis=0, ddof=1)
    total = within + between
    share = between / total
    with np.errstate(divide="ignore", invalid="ignore"):
        nu_m = (m - 1) / share**2
        limit = np.where(np.isinf(complete), 1.0, (complete + 1) / (complete + 3))
        nu_obs = np.where(np.isinf(complete), np.inf, limit * complete * (1 - share))
        df = 1 / (1 / nu_m + 1 / nu_obs)
        riv = between / within
    fmi = np.where(np.isinf(df), riv / (1 + riv), (riv + 2 / (df + 3)) / (1 + riv))
    fmi = np.where(between == 0, 0.0, fmi)
    columns = {"estimate": Q.mean(axis=0), "se": np.sqrt(total), "df": df, "lambda": share, "riv": riv, "fmi": fmi}
    return pd.DataFrame(columns)


def pool(results: Sequence[Any]) -> Any:
    """Pool fits, or posteriors, of the same model on multiply imputed data.

    Parameters
    ----------
    results
        Of `blm.lmer` or `blm.brm`, one for each imputed data set; both verbs do this themselves for a list of frames.

    Returns
    -------
    PooledFits or PooledPosterior
        Fits by Rubin's rules, with the df of Barnard & Rubin (1999); posteriors by stacking their draws.

    Raises
    ------
    ArgumentError
        Fewer than two, of different models, or neither fits nor posteriors.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> data = blm.datasets.load("sleepstudy")
    >>> frames = [data.assign(Reaction=data["Reaction"] + shift) for shift in (-1.0, 0.0, 1.0)]
    >>> blm.pool([blm.lmer("Reaction ~ Days + (1 | Subject)", f) for f in frames]).fixef.round(2).tolist()
    [251.41, 10.47]
    """
    found = list(results) if isinstance(results, Sequence) and not isinstance(results, str) else []
    if len(found) < 2:
        raise ArgumentError("pool takes a list of two fits or posteriors at least, one for each imputed data set")
    if all(isinstance(f, Fit) for f in found):
        check_same(found)
        if len({f.reml for f in found}) > 1:
            raise ArgumentError("pool: some of the fits are by REML and some by maximum likelihood; fit all alike")
        return PooledFits(tuple(found))
    if not any(isinstance(f, Fit) for f in found):
        from bayeslmm.results.pooled_posterior import Posterior, pool_posteriors

        if all(isinstance(f, Posterior) for f in found):
            return pool_posteriors(found)
    kinds = ", ".join(sorted({type(f).__name__ for f in found}))
    raise ArgumentError(f"pool takes fits of blm.lmer, or posteriors of blm.brm, all of one kind; got {kinds}")


def check_same(found: Sequence[Any]) -> None:
    """Refuse results of different models.

    Raises
    ------
    ArgumentError
        With the number of the first that differs, and in what.
    """
    first = found[0].design
    for i, other in enumerate(found[1:], start=2):
        design = other.design
        names = (design.coef_names, [(t.group, t.effects, t.blocks) for t in design.terms])
        if names != (first.coef_names, [(t.group, t.effects, t.blocks) for t in first.terms]):
            differ = set(design.coef_names) ^ set(first.coef_names)
            what = f"; one of both has `{sorted(differ)[0]}`" if differ else ""
            raise ArgumentError(f"pool: number {i} is of another model than the first{what}")
