"""Rubin's rules: fits of m multiply imputed data sets as one.

For one quantity with estimates Q_j and squared standard errors U_j, j = 1 .. m:

    Qbar = mean Q_j,   Ubar = mean U_j,   B = sum (Q_j - Qbar)^2 / (m - 1),   T = Ubar + (1 + 1/m) B

with the df of Barnard & Rubin (1999), and D1 for several together: see `point.imputed`. The df without missing values
are the mean of those of the m fits, by the method asked for. The relative efficiency of m imputations is 1 / (1 + fmi /
m) (Rubin 1987, eq. 4.1.7).

Variances and covariances of the random effects are means over the imputations, as in mitml: they are unbiased for what
REML gives without missing values, where means of logarithms would be infinite as soon as one fit is singular.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.design.linear import linear_functions
from bayeslmm.errors import PACKAGE, ArgumentError, DesignWarning
from bayeslmm.point.ddf import Ddf
from bayeslmm.point.distributions import t_p_value, t_quantile
from bayeslmm.point.multiplicity import Adjust, check_adjust
from bayeslmm.results import contrasts
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.pooled_anova import PooledAnova, models_over_imputations, terms_over_imputations
from bayeslmm.results.pooled_base import RULES, costs
from bayeslmm.results.pooled_means import PooledMeans
from bayeslmm.results.summary import call_lines, fixed_lines, random_lines, size_line


@dataclass(frozen=True, repr=False)
class PooledFits(PooledMeans):
    """What `blm.pool` makes of fits of multiply imputed data. Tables as those of a `Fit`.

    Attributes
    ----------
    fits
        The m fits.
    """

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
        fraction of missing information, with the df in it; `re`: efficiency relative to infinitely many imputations.

        Parameters
        ----------
        ddf
            Method of the df without missing values: as for `Fit.summary`.
        """
        found, rows = self._inference(ddf), np.eye(self.fits[0].design.p)
        cost = found.shares(rows)
        estimate, se = self.fixef.to_numpy(), np.sqrt(np.diag(found.vcov))
        t = estimate / se
        table = pd.DataFrame({"estimate": estimate, "se": se, "df": cost.df, "t": t, "p": t_p_value(t, cost.df)})
        return table.join(costs(cost, self.m)).set_axis(list(self.fits[0].design.coef_names))

    def contrast(
        self, L: Any, ddf: Ddf = "satterthwaite", adjust: Adjust | None = None, level: float = 0.95
    ) -> contrasts.Contrast:
        """Pooled tests of linear functions of the coefficients: t for each row, and D1 for all together.

        Parameters
        ----------
        L
            As for `Fit.contrast`.
        ddf
            As for `tests`.
        adjust, level
            As for `Fit.contrast`.

        Returns
        -------
        Contrast
            As of `Fit.contrast`; `table` has `lambda`, `riv`, `fmi` and `re`, too.
        """
        functions = linear_functions(L, self.fits[0].design)
        checked = check_adjust(adjust), check_level(level)
        at = self._inference(ddf)
        found = contrasts.contrast(functions, self.fixef.to_numpy(), at, *checked)
        cost = costs(at.shares(functions.L), self.m).set_axis(found.table.index)
        return replace(found, table=found.table.join(cost), notes=(*found.notes, RULES))

    def anova(
        self, *others: "PooledFits", type: Literal[1, 2, 3, "I", "II", "III"] = 3, ddf: Ddf = "satterthwaite"
    ) -> PooledAnova:
        """Tests of the terms over the imputations; or, with other models, likelihood-ratio tests.

        Parameters
        ----------
        *others
            Of the same imputed data; each model is tested against the next smaller one by D3 (Meng & Rubin 1992), on
            fits by maximum likelihood. Without others the terms of this model are tested by D1, with Reiter's (2007)
            df.
        type
            As for `Fit.anova`.
        ddf
            As for `tests`.

        Returns
        -------
        PooledAnova
            `table`: F, NumDF, DenDF, p, and `riv`, the average relative increase of the variance by missing values.

        Raises
        ------
        ArgumentError
            The models are of different imputations or rows.
        """
        if others:
            return models_over_imputations([self.fits, *(o.fits for o in _only_pooled(others))])
        return terms_over_imputations(self.fits, self._inference(ddf), type)

    def confint(self, level: float = 0.95, ddf: Ddf = "satterthwaite") -> pd.DataFrame:
        """t intervals of the fixed effects: lower, upper.

        Parameters
        ----------
        level
            Between 0 and 1.
        ddf
            As for `tests`.
        """
        tests = self.tests(ddf)
        half = t_quantile(0.5 + check_level(level) / 2, tests["df"].to_numpy()) * tests["se"]
        return pd.DataFrame({"lower": tests["estimate"] - half, "upper": tests["estimate"] + half})

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

    def _for_paper(self) -> pd.DataFrame:
        return self.tests()


def _only_pooled(others: Sequence[Any]) -> Sequence[PooledFits]:
    for other in others:
        if not isinstance(other, PooledFits):
            raise ArgumentError(f"anova compares pooled fits of the same imputed data; got {type(other).__name__}")
    return others


def _ratio(a: float, b: float) -> float:
    return float(np.clip(a / b, -1, 1)) if b > 0 else float("nan")


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
        _warn_of_rows([f.design.n for f in found])
        if len({f.reml for f in found}) > 1:
            raise ArgumentError("pool: some of the fits are by REML and some by maximum likelihood; fit all alike")
        return PooledFits(tuple(found))
    if not any(isinstance(f, Fit) for f in found):
        from bayeslmm.results.pooled_posterior import Posterior, pool_posteriors

        if all(isinstance(f, Posterior) for f in found):
            return pool_posteriors(found)
    kinds = ", ".join(sorted({type(f).__name__ for f in found}))
    raise ArgumentError(f"pool takes fits of blm.lmer, or posteriors of blm.brm, all of one kind; got {kinds}")


def _warn_of_rows(rows: Sequence[int]) -> None:
    """Imputed data have the same rows; fewer in one of them are a value that was not filled in."""
    other = next((i for i, n in enumerate(rows) if n != rows[0]), None)
    if other is not None:
        warnings.warn(
            f"pool: number {other + 1} has {rows[other]} rows, the first {rows[0]}; imputed data sets have the same "
            "rows: see .missing() of the fit with fewer",
            DesignWarning,
            skip_file_prefixes=PACKAGE,
        )


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
