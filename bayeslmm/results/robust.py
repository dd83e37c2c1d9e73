"""Robust standard errors and wild bootstrap tests of a linear model, as tables."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.errors import ArgumentError, check_choice, check_whole, did_you_mean
from bayeslmm.point.clustered import satterthwaite_df
from bayeslmm.point.distributions import t_p_value, t_quantile
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.point.robust import CLUSTERED, KINDS, Kind, Named, decided_alone, robust_covariance
from bayeslmm.point.wild import POINTS, Scores, Signs, Weights, wild_test
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.summary import DIGITS, coefficient_lines
from bayeslmm.results.table_export import Tabular

Df = Literal["auto", "satterthwaite", "clusters", "residual", "asymptotic"]
DFS = ("auto", "satterthwaite", "clusters", "residual", "asymptotic")
IN_WORDS = {
    "satterthwaite": "Satterthwaite degrees of freedom",
    "clusters": "G - 1 degrees of freedom",
    "residual": "residual degrees of freedom",
    "asymptotic": "normal approximation",
}


@dataclass(frozen=True, repr=False)
class Robust(Tabular):
    """What `LinearFit.robust` returns; `print` it, or take `table` and `vcov`.

    Attributes
    ----------
    table
        DataFrame by coefficient: estimate, se, df, t, p, lower, upper; NaN where one cluster decides a coefficient
        alone, so that nothing shows how clusters differ in it.
    vcov
        Covariance of the coefficients (p, p).
    kind
        "HC0" .. "HC3".
    df
        Method of the degrees of freedom.
    clusters
        The clusters, or None.
    adjust
        Whether the factor G / (G - 1) of clusters is in it.
    """

    table: pd.DataFrame
    vcov: pd.DataFrame
    kind: Kind
    df: str
    clusters: Clusters | None
    adjust: bool

    @property
    def title(self) -> str:
        """What kind of errors, in words."""
        if self.clusters is None:
            return f"heteroskedasticity-consistent standard errors ({self.kind}), {IN_WORDS[self.df]}"
        names = {of: name for name, of in CLUSTERED.items()}
        name = names.get((self.kind, self.adjust), self.kind)
        name += ", Bell & McCaffrey" if name == "CR2" else ""
        factor = "" if self.adjust or name == "CR0" else ", without the factor G / (G - 1)"
        return (
            f"standard errors clustered by {self.clusters.name} ({self.clusters.count} clusters; {name}{factor}), "
            f"{IN_WORDS[self.df]}"
        )

    @property
    def notes(self) -> list[str]:
        """What the table leaves open."""
        lost = [str(name) for name in self.table.index[self.table["se"].isna()]]
        if not lost:
            return []
        return [f"no robust error where one cluster decides a coefficient alone: {', '.join(lost)}"]

    def __str__(self) -> str:
        title = self.title[0].upper() + self.title[1:]
        shown = ["estimate", "se"] if self.df in ("residual", "asymptotic") else ["estimate", "se", "df"]
        letter = "z" if self.df == "asymptotic" else "t"
        lines = coefficient_lines(self.table, shown, f"{letter} value", f"Pr(>|{letter}|)", DIGITS)
        return "\n".join([title, lines, *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


@dataclass(frozen=True, repr=False)
class WildBootstrap(Tabular):
    """What `LinearFit.wild_bootstrap` returns; `print` it, or take `table`.

    Attributes
    ----------
    table
        DataFrame by coefficient: estimate, se (cluster-robust, HC1), t, p, lower, upper (the values that are not
        rejected; infinite where with so few clusters none is).
    clusters
        The clusters.
    weights
        "rademacher" or "webb".
    samples
        Number of bootstrap samples.
    complete
        Whether these are all that there are.
    level
        Of the intervals.
    """

    table: pd.DataFrame
    clusters: Clusters
    weights: str
    samples: int
    complete: bool
    level: float

    def __str__(self) -> str:
        how = "all" if self.complete else "random"
        title = (
            f"Wild cluster bootstrap, null imposed: {self.clusters.count} clusters of {self.clusters.name}, "
            f"{how} {self.samples} {self.weights.capitalize()} samples, {100 * self.level:g}% intervals"
        )
        t = self.table
        decimals = [rformat.decimals_for([se]) for se in t["se"]]
        numbers = [
            [rformat.short(v, d) for v, d in zip(t[c], decimals, strict=True)]
            for c in ("estimate", "se", "lower", "upper")
        ]
        columns = [
            [str(i) for i in t.index],
            *numbers[:2],
            [rformat.fixed(v, 3) for v in t["t"]],
            rformat.format_p_values(t["p"].to_numpy(float)),
            *numbers[2:],
        ]
        header = ["", "estimate", "se", "t", "p", "lower", "upper"]
        return f"{title}\n{rformat.columns_as_text(header, columns, [True, *[False] * 6])}"

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def robust(
    design: Design,
    found: LeastSquares,
    kind: Named | None,
    clusters: Clusters | None,
    adjust: bool,
    df: Df,
    level: float,
) -> Robust:
    """Table and covariance; arguments as for `LinearFit.robust`."""
    chosen, adjust = _kind(kind, clusters, adjust)
    check_choice("df", df, DFS)
    check_level(level)
    method = _method(df, chosen, clusters)
    V = robust_covariance(design, found, chosen, clusters, adjust)
    alone = np.zeros(design.p, dtype=bool) if clusters is None else decided_alone(design, clusters)
    with np.errstate(invalid="ignore"):
        se = np.where(alone, np.nan, np.sqrt(np.diag(V)))
    freedom = np.where(alone, np.nan, _freedom(method, design, clusters, chosen))
    t = found.beta / se
    half = t_quantile(0.5 + level / 2, freedom) * se
    columns = {"estimate": found.beta, "se": se, "df": freedom, "t": t, "p": t_p_value(t, freedom)}
    names = list(design.coef_names)
    table = pd.DataFrame({**columns, "lower": found.beta - half, "upper": found.beta + half}, index=names)
    return Robust(table, pd.DataFrame(V, index=names, columns=names), chosen, method, clusters, adjust)


def _kind(kind: Named | None, clusters: Clusters | None, adjust: bool) -> tuple[Kind, bool]:
    """The kind as `point.robust` calls it, and whether the factor G / (G - 1) is in it."""
    asked = kind or ("HC3" if clusters is None else "HC2")
    if asked not in (*KINDS, *CLUSTERED):
        raise ArgumentError(
            f"kind={asked!r} is not known; it is one of {', '.join(KINDS)}, or for clusters {', '.join(CLUSTERED)}"
        )
    if asked not in CLUSTERED:
        return cast(Kind, asked), adjust
    if clusters is None:
        raise ArgumentError(
            f'kind="{asked}" is for clusters; give cluster="..." too, or take one of {", ".join(KINDS)}'
        )
    if not adjust:
        raise ArgumentError(f'kind="{asked}" says itself which factor it has; leave adjust out, or take an HC kind')
    return CLUSTERED[asked]


def _method(df: Df, kind: Kind, clusters: Clusters | None) -> str:
    if clusters is None and df in ("satterthwaite", "clusters"):
        raise ArgumentError(f'df="{df}" is for clusters; give cluster="..." too, or take df="residual"')
    if df != "auto":
        return df
    return "residual" if clusters is None else "satterthwaite" if kind == "HC2" else "clusters"


def _freedom(method: str, design: Design, clusters: Clusters | None, kind: Kind) -> np.ndarray:
    """(p,): degrees of freedom."""
    if clusters is not None and method == "satterthwaite":
        return satterthwaite_df(design, clusters, kind)
    one = {
        "residual": design.n - design.p,
        "asymptotic": np.inf,
        "clusters": np.nan if clusters is None else clusters.count - 1,
    }[method]
    return np.full(design.p, float(one))


def wild_bootstrap(
    design: Design,
    clusters: Clusters,
    terms: list[str] | None,
    weights: Weights,
    draws: int,
    seed: int | np.random.Generator | None,
    level: float,
) -> WildBootstrap:
    """Tests of the coefficients named; arguments as for `LinearFit.wild_bootstrap`."""
    check_choice("weights", weights, ("auto", *POINTS))
    check_level(level)
    check_whole("draws", draws, 99, "wild_bootstrap")
    names = list(design.coef_names)
    chosen = names if terms is None else terms
    for name in chosen:
        if name not in names:
            raise ArgumentError(f"no coefficient `{name}`" + did_you_mean(name, names))
    signs = Signs.draw(clusters.count, weights, int(draws), seed)
    alone = decided_alone(design, clusters)
    rows = {name: _wild_row(design, clusters, names.index(name), signs, level, alone) for name in chosen}
    fields = ["estimate", "se", "t", "p", "lower", "upper"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=fields)
    return WildBootstrap(table, clusters, signs.kind, len(signs.values), signs.complete, level)


def _wild_row(design: Design, clusters: Clusters, k: int, signs: Signs, level: float, alone: np.ndarray) -> list[float]:
    if alone[k]:
        return [Scores.of(design, clusters, k).estimate, *[np.nan] * 5]
    test = wild_test(design, clusters, k, signs, level)
    return [test.estimate, test.se, test.t, test.p, test.lower, test.upper]
