"""The summary of a REML or ML fit, printed as `lmerTest` prints it, with what it leaves unsaid below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import RandomTerm
from bayeslmm.results import rformat
from bayeslmm.results.frames import preformatted

DIGITS = 4
METHODS = {
    "satterthwaite": "t-tests use Satterthwaite's method",
    "residual": "t-tests use residual degrees of freedom",
    "asymptotic": "z-tests, normal approximation",
}


@dataclass(frozen=True)
class FitSummary:
    """What `fit.summary()` returns; `print` it, or read its parts.

    Attributes
    ----------
    fixed
        DataFrame by coefficient: `estimate`, `se`, `df`, `t`, `p`.
    varcorr
        DataFrame of variances and correlations.
    ddf
        Method of the degrees of freedom.
    text
        The whole summary.
    """

    fixed: pd.DataFrame
    varcorr: pd.DataFrame
    ddf: str
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(self.text)


def heading(reml: bool, ddf: str) -> str:
    """First line: method of estimation and of the tests."""
    method = "REML" if reml else "maximum likelihood"
    return f"Linear mixed model fit by {method}. {METHODS[ddf]} [bayeslmm]"


def criterion_lines(reml: bool, criterion: float, aic: float, bic: float, loglik: float, df_resid: int) -> str:
    """REML criterion, or the information criteria of an ML fit."""
    if reml:
        return f"REML criterion at convergence: {criterion:.1f}"
    values = [f"{v:.1f}" for v in (aic, bic, loglik, criterion)] + [str(df_resid)]
    header = ["AIC", "BIC", "logLik", "deviance", "df.resid"]
    width = [max(len(h), len(v)) + 1 for h, v in zip(header, values, strict=True)]
    return "\n".join("".join(c.rjust(w) for c, w in zip(row, width, strict=True)) for row in (header, values))


def residual_lines(title: str, residuals: np.ndarray) -> str:
    """Quantiles of residuals."""
    quantiles = rformat.zap_small(np.quantile(residuals, [0, 0.25, 0.5, 0.75, 1]), DIGITS + 1)
    cells = rformat.format_numbers(quantiles, DIGITS)
    names = ["Min", "1Q", "Median", "3Q", "Max"]
    width = max(map(len, [*cells, *names]))
    rows = [" ".join(c.rjust(width) for c in row) for row in (names, cells)]
    return "\n".join([f"{title}:", *rows])


def random_lines(terms: Sequence[RandomTerm], varcorr: pd.DataFrame) -> str:
    """The table of variances, standard deviations and correlations."""
    variances = varcorr[varcorr["term2"].isna()]
    vcov = rformat.format_numbers(variances["vcov"].to_numpy(), DIGITS)
    sd = rformat.format_numbers(variances["sd"].to_numpy(), DIGITS)
    correlation = _correlation_cells(terms, varcorr)
    depth = max((len(c) for c in correlation), default=0)
    groups, names, previous = [], [], None
    for (group, name), cells in zip(variances[["group", "term1"]].itertuples(index=False), correlation, strict=True):
        groups.append(group if group != previous or (not cells and name == "(Intercept)") else "")
        names.append("" if pd.isna(name) else str(name))
        previous = group
    columns = [groups, names, vcov, sd, *([c[i] if i < len(c) else "" for c in correlation] for i in range(depth))]
    header = ["Groups", "Name", "Variance", "Std.Dev.", *(["Corr"] + [""] * (depth - 1) if depth else [])]
    left = [True, True, False, False, *[False] * depth]
    table = rformat.columns_as_text(header, columns, left)
    return "Random effects:\n" + "\n".join(" " + line for line in table.splitlines())


def _correlation_cells(terms: Sequence[RandomTerm], varcorr: pd.DataFrame) -> list[list[str]]:
    """For each row of the table: its correlations with the effects above it in the same block."""
    pairs = varcorr[varcorr["term2"].notna()]
    keys = zip(pairs["group"], pairs["term1"], pairs["term2"], strict=True)
    known = dict(zip(keys, pairs["corr"].to_numpy(dtype=float).tolist(), strict=True))
    rows: list[list[str]] = []
    for term in terms:
        for i, name in enumerate(term.effects):
            block = next(b for b in term.blocks if i in b)
            before = [term.effects[j] for j in block if j < i]
            values = [known.get((term.group, b, name), known.get((term.group, name, b), np.nan)) for b in before]
            rows.append([f"{v:.2f}" if np.isfinite(v) else "NaN" for v in values])
    return [*rows, []]


def size_line(n: int, terms: Sequence[RandomTerm]) -> str:
    """Number of observations and of groups."""
    groups = "; ".join(f"{t.group}, {t.n_levels}" for t in terms)
    return f"Number of obs: {n}, groups:  {groups}"


def fixed_lines(fixed: pd.DataFrame, ddf: str) -> str:
    """The table of coefficients."""
    if fixed.empty:
        return "No fixed effect coefficients"
    if ddf == "asymptotic":
        return "Fixed effects:\n" + coefficient_lines(fixed, ["estimate", "se"], "z value", "Pr(>|z|)", DIGITS)
    return "Fixed effects:\n" + coefficient_lines(fixed, ["estimate", "se", "df"], "t value", "Pr(>|t|)", DIGITS)


def coefficient_lines(tests: pd.DataFrame, shown: Sequence[str], statistic: str, p_name: str, digits: int) -> str:
    """Estimates with their tests, as R's `printCoefmat` shows them."""
    names = {"estimate": "Estimate", "se": "Std. Error", "df": "df"}
    p = tests["p"].to_numpy(dtype=float)
    columns = [
        [str(i) for i in tests.index],
        *rformat.coefficient_columns(tests[list(shown)].to_numpy(dtype=float), digits),
        rformat.format_numbers(np.round(tests["t"].to_numpy(dtype=float), 3), digits),
        rformat.format_p_values(p),
        rformat.stars(p),
    ]
    header = ["", *(names[c] for c in shown), statistic, p_name, ""]
    table = rformat.columns_as_text(header, columns, [True, *[False] * (len(header) - 2), True])
    return table + (f"\n---\n{rformat.LEGEND}" if any(columns[-1]) else "")


def correlation_lines(vcov: pd.DataFrame, limit: int = 12) -> str:
    """Correlations of the fixed effects: the lower triangle."""
    p = len(vcov)
    if p < 2:
        return ""
    if p > limit:
        return f"Correlation matrix of the {p} fixed effects not shown; it is in `fit.vcov`."
    se = np.sqrt(np.diag(vcov.to_numpy()))
    correlation = vcov.to_numpy() / np.outer(se, se)
    names = [str(n) for n in vcov.index]
    rows = [rformat.abbreviate(n, 11) for n in names[1:]]
    columns = [[f"{correlation[i, j]:.3f}" if i > j else "" for i in range(1, p)] for j in range(p - 1)]
    columns = [[c.replace("-0.000", "0.000") for c in column] for column in columns]
    header = ["", *(rformat.abbreviate(n, 6) for n in names[:-1])]
    return "Correlation of Fixed Effects:\n" + rformat.columns_as_text(
        header, [rows, *columns], [True, *[True] * (p - 1)]
    )
