"""REML and posterior of the same model, parameter by parameter, with flags where conclusions would differ."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.compare.forest import forest
from bayeslmm.compare.same import check_same
from bayeslmm.compare.variance_profiles import variance_curves, variance_parameters
from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.covariance import sd_and_correlation
from bayeslmm.point.distributions import normal_quantile, t_quantile
from bayeslmm.point.profile import Parameter
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.tables import estimated_pairs

COLUMNS = [
    "kind",
    "group",
    "term",
    "reml",
    "reml_se",
    "reml_lower",
    "reml_upper",
    "mean",
    "median",
    "sd",
    "lower",
    "upper",
    "flag",
]
NEGLIGIBLE = 0.1
PATIENCE = 5.0


@dataclass(frozen=True, repr=False)
class Comparison(Tabular):
    """What `compare` returns; `print` it, take `.table`, or `.plot()` it.

    Attributes
    ----------
    table
        DataFrame by parameter: kind ("fixed", "sd", "cor", "sigma"), group, term, the REML (or ML) estimate `reml`
        with `reml_se` (fixed effects only) and interval `reml_lower`, `reml_upper` (of sds, correlations and sigma by
        profiles, NaN where there are none), the posterior `mean`, `median`, `sd` and interval `lower`, `upper`, and
        `flag`: "" or why the two would lead to different conclusions.
    level
        Of the intervals.
    method
        "REML" or "ML".
    """

    table: pd.DataFrame
    level: float
    method: str

    @property
    def agree(self) -> bool:
        """Whether nothing is flagged."""
        return not self.table["flag"].any()

    def plot(self, axes: Any = None, width: float = 7.0) -> np.ndarray:
        """Forest plot, REML above the posterior, one panel per kind of parameter; returns the axes.

        Parameters
        ----------
        axes
            As many axes as there are panels; None makes a figure.
        width
            Of the new figure, in inches.
        """
        return forest(self.table, self.method, self.level, axes, width)

    def __str__(self) -> str:
        percent = f"{100 * self.level:g}%"
        flagged = self.table[self.table["flag"] != ""]
        lines = [f"{self.method} and posterior of the same model, {percent} intervals", "", self._columns()]
        profiled = self.table.loc[self.table["kind"] != "fixed", "reml_lower"].notna().any()
        lines += [f"{self.method} intervals of sds, correlations and sigma: profile likelihood"] if profiled else []
        lines += ["", "no flags: both lead to the same conclusions"] if flagged.empty else ["", "Flags:"]
        lines += [
            f"  {mark} {name}: {row.flag}"
            for (name, row), mark in zip(flagged.iterrows(), "*" * len(flagged), strict=True)
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def _columns(self) -> str:
        t = self.table
        decimals = [rformat.decimals_for([size]) for size in t["sd"]]
        shown = ("reml", "reml_se", "reml_lower", "reml_upper", "median", "sd", "lower", "upper")
        cells = {
            c: ["" if pd.isna(v) else rformat.short(v, d) for v, d in zip(t[c], decimals, strict=True)] for c in shown
        }
        reml_interval = [
            f"[{a}, {b}]" if a else "" for a, b in zip(cells["reml_lower"], cells["reml_upper"], strict=True)
        ]
        interval = [f"[{a}, {b}]" for a, b in zip(cells["lower"], cells["upper"], strict=True)]
        mark = ["*" if f else "" for f in t["flag"]]
        columns = [
            list(t.index),
            cells["reml"],
            cells["reml_se"],
            reml_interval,
            cells["median"],
            cells["sd"],
            interval,
            mark,
        ]
        header = ["", self.method, "se", "interval", "median", "sd", "interval", ""]
        return rformat.columns_as_text(
            header, [[str(c) for c in column] for column in columns], [True, *[False] * 6, True]
        )


def compare(fit: Fit, post: Posterior, level: float = 0.95, profile: bool | Literal["auto"] = "auto") -> Comparison:
    """Lay a fit and the posterior of the same model side by side.

    Parameters
    ----------
    fit
        A REML or ML fit.
    post
        The posterior of the same model, as from `fit.sample()`.
    level
        Of all intervals: Satterthwaite t intervals of the fixed effects, equal-tailed posterior intervals.
    profile
        Intervals of the sds, correlations and sigma by profiles of the criterion of the fit; "auto" makes them where
        they take a second at most. An end at zero, or at -1 or 1, is the boundary.

    Raises
    ------
    ArgumentError
        The two are of different models, or an argument has no meaning.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> blm.compare(fit, fit.sample(seed=1)).agree
    True
    """
    check_level(level)
    if profile not in ("auto", True, False):
        raise ArgumentError(f'compare(profile={profile!r}): profile is "auto", True or False')
    check_same(fit, post, "compare")
    parts = [_fixed(fit, post, level)] if fit.design.p else []
    variances = _variances(fit, post, level)
    ends = _profiled(fit, level, profile)
    for column, values in (("reml_lower", 0), ("reml_upper", 1)):
        variances[column] = [ends.get(str(name), (np.nan, np.nan))[values] for name in variances.index]
    table = pd.concat([*parts, variances])
    return Comparison(table[COLUMNS], level, "REML" if fit.reml else "ML")


def _profiled(fit: Fit, level: float, profile: bool | Literal["auto"]) -> dict[str, tuple[float, float]]:
    """Ends of profile intervals by the names of the rows."""
    if profile is False:
        return {}
    asked = {**variance_parameters(fit), "sigma": Parameter("sigma")}
    curves = variance_curves(fit, asked, normal_quantile(0.5 + level / 2), PATIENCE if profile == "auto" else None)
    return {name: (curve.lower, curve.upper) for name, curve in curves.items()}


def _fixed(fit: Fit, post: Posterior, level: float) -> pd.DataFrame:
    tests = fit.tests()
    half = t_quantile(0.5 + level / 2, tests["df"].to_numpy()) * tests["se"]
    table = summarise(post.draws.beta, level, list(tests.index))
    table["kind"], table["group"], table["term"] = "fixed", "", list(tests.index)
    table["reml"], table["reml_se"] = tests["estimate"], tests["se"]
    table["reml_lower"], table["reml_upper"] = tests["estimate"] - half, tests["estimate"] + half
    method = "REML" if fit.reml else "ML"
    table["flag"] = [_fixed_flag(row, method) for row in table.to_dict("records")]
    return table


def _fixed_flag(row: dict[Hashable, Any], method: str) -> str:
    """Whether one interval excludes zero and the other does not, or both do on different sides."""
    reml = not row["reml_lower"] <= 0 <= row["reml_upper"]
    posterior = not row["lower"] <= 0 <= row["upper"]
    if reml != posterior:
        which, other = (method, "posterior") if reml else ("posterior", method)
        return f"the {which} interval excludes zero, the {other} interval does not"
    return "the signs differ" if reml and row["reml"] * row["median"] < 0 else ""


def _variances(fit: Fit, post: Posterior, level: float) -> pd.DataFrame:
    parts = []
    sigma = draws_of(post, "sigma")
    for term, V in zip(fit.design.terms, fit.estimates.covariances, strict=True):
        parts.append(_sds(term, V, draws_of(post, f"sd_{term.group}"), float(np.median(sigma)), level))
        if estimated_pairs(term):
            parts.append(_correlations(fit, term, V, draws_of(post, f"cor_{term.group}"), level))
    last = summarise(sigma[:, None], level, ["sigma"])
    parts.append(last.assign(kind="sigma", group="Residual", term="", reml=fit.sigma, flag=""))
    return pd.concat(parts).reindex(columns=COLUMNS)


def _sds(term: RandomTerm, V: np.ndarray, draws: np.ndarray, sigma: float, level: float) -> pd.DataFrame:
    table = summarise(draws, level, [f"sd {term.group} {e}" for e in term.effects])
    table = table.assign(kind="sd", group=term.group, term=term.effects, reml=np.sqrt(np.diag(V)))
    reach = sigma / np.sqrt((term.Z**2).mean(axis=0))
    zero = table["reml"] < 1e-3 * reach
    away = table["median"] > NEGLIGIBLE * reach
    table["flag"] = [
        f"estimated as zero, but the posterior gives it {m:.3g} [{lo:.3g}, {hi:.3g}]" if z and a else ""
        for z, a, m, lo, hi in zip(zero, away, table["median"], table["lower"], table["upper"], strict=True)
    ]
    return table


def _correlations(fit: Fit, term: RandomTerm, V: np.ndarray, draws: np.ndarray, level: float) -> pd.DataFrame:
    pairs = estimated_pairs(term)
    labels = [f"{term.effects[j]}, {term.effects[i]}" for i, j in pairs]
    table = summarise(draws, level, [f"cor {term.group} {x}" for x in labels])
    _, correlation = sd_and_correlation(V)
    reml = np.array([correlation[i, j] for i, j in pairs])
    table = table.assign(kind="cor", group=term.group, term=labels, reml=reml)
    away = (np.abs(draws) < 1 - NEGLIGIBLE).mean(axis=0)
    table["flag"] = [_correlation_flag(*row) for row in zip(reml, away, table["lower"], table["upper"], strict=True)]
    return table


def _correlation_flag(reml: float, away: float, lower: float, upper: float) -> str:
    if np.isnan(reml) or abs(reml) < 1 - 1e-4 or away < NEGLIGIBLE:
        return ""
    return f"estimated at {reml:+.0f}, the boundary, but the posterior allows [{lower:.2f}, {upper:.2f}]"


def draws_of(post: Posterior, name: str) -> np.ndarray:
    """Draws of a variable, (chains x draws, size); (chains x draws,) for a scalar."""
    values = post.data["posterior"][name].to_numpy()
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def summarise(draws: np.ndarray, level: float, names: list[str]) -> pd.DataFrame:
    """Mean, median, sd and equal-tailed interval of the columns of draws (S, size)."""
    lower, median, upper = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    columns = {"mean": draws.mean(axis=0), "median": median, "sd": draws.std(axis=0, ddof=1)}
    return pd.DataFrame({**columns, "lower": lower, "upper": upper}, index=names)
