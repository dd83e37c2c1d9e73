"""The summary of a REML or ML fit, printed as `lmerTest` prints it, with what it leaves unsaid below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.results import rformat
from bayeslmm.results.table_export import Tabular

DIGITS = 4
WIDTH = 80
CRITERIA = ["AIC", "BIC", "logLik", "deviance", "df.resid"]
METHODS = {
    "satterthwaite": "t-tests use Satterthwaite's method",
    "kenward-roger": "t-tests use Kenward-Roger's method",
    "containment": "t-tests use containment degrees of freedom",
    "residual": "t-tests use residual degrees of freedom",
    "asymptotic": "z-tests, normal approximation",
    "clusters": "t-tests use cluster-robust errors (CR2) and Satterthwaite's degrees of freedom",
}


@dataclass(frozen=True)
class FitSummary(Tabular):
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

    def _for_paper(self) -> pd.DataFrame:
        return self.fixed


def heading(reml: bool, ddf: str) -> str:
    """First line: method of estimation and of the tests."""
    method = "REML" if reml else "maximum likelihood"
    return f"Linear mixed model fit by {method}. {METHODS[ddf]} [bayeslmm]"


def call_lines(design: Design, data_name: str) -> list[str]:
    """What was asked for: formula, data, weights, offset."""
    lines = [f"Formula: {design.formula.written}", f"   Data: {data_words(design, data_name)}"]
    if design.weights_name:
        lines.append(f"Weights: {design.weights_name}")
    if design.offset_name:
        lines.append(f" Offset: {design.offset_name}")
    return lines


def data_words(design: Design, data_name: str) -> str:
    """What the data are called; the number of rows used where they have no name."""
    return data_name or f"{design.n} rows"


def note_lines(design: Design) -> list[str]:
    """What of the design changed the answer: rows left out, contrasts, columns left out."""
    notes = []
    if design.n_missing:
        rows = "1 row" if design.n_missing == 1 else f"{design.n_missing} rows"
        notes.append(f"{rows} with missing values left out ({design.n} used)")
    if design.contrasts:
        notes.append("contrasts: " + ", ".join(f"{name} {coding}" for name, coding in design.contrasts.items()))
    if design.dropped:
        columns = "1 collinear column" if len(design.dropped) == 1 else f"{len(design.dropped)} collinear columns"
        notes.append(f"fixed-effect matrix is rank deficient: {columns} left out: {', '.join(design.dropped)}")
    return notes


def criterion_lines(reml: bool, criterion: float, aic: float, bic: float, loglik: float, df_resid: int) -> str:
    """REML criterion, or the information criteria of an ML fit."""
    if reml:
        return f"REML criterion at convergence: {rformat.format_numbers([round(criterion, 1)])[0]}"
    values = [
        *rformat.format_numbers([*(round(v, 1) for v in (aic, bic, loglik, criterion)), df_resid])[:4],
        str(df_resid),
    ]
    width = max(map(len, [*values, *CRITERIA]))
    return "\n".join(" ".join(c.rjust(width) for c in row) for row in (CRITERIA, values))


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
    vcov = rformat.pad(rformat.format_numbers(variances["vcov"].to_numpy(), DIGITS))
    sd = rformat.pad(rformat.format_numbers(variances["sd"].to_numpy(), DIGITS))
    correlation = _correlation_cells(terms, varcorr)
    depth = max((len(c) for c in correlation), default=0)
    groups, names, previous = [], [], None
    for (group, name), cells in zip(variances[["group", "term1"]].itertuples(index=False), correlation, strict=True):
        groups.append(group if group != previous or (not cells and name == "(Intercept)") else "")
        names.append("" if pd.isna(name) else str(name))
        previous = group
    columns = [groups, names, vcov, sd, *([c[i] if i < len(c) else "" for c in correlation] for i in range(depth))]
    header = ["Groups", "Name", "Variance", "Std.Dev.", *(["Corr"] + [""] * (depth - 1) if depth else [])]
    table = rformat.columns_as_text(header, columns, [True] * len(header))
    return "Random effects:\n" + "\n".join(" " + line for line in table.splitlines())


def _correlation_cells(terms: Sequence[RandomTerm], varcorr: pd.DataFrame) -> list[list[str]]:
    """For each row of the table: its correlations with the effects above it in the same block."""
    pairs = varcorr[varcorr["term2"].notna()]
    keys = zip(pairs["group"], pairs["term1"], pairs["term2"], strict=True)
    known = dict(zip(keys, pairs["corr"].to_numpy(dtype=float).tolist(), strict=True))
    rows: list[list[str]] = []
    for term in terms:
        own = []
        for i, name in enumerate(term.effects):
            block = next(b for b in term.blocks if i in b)
            before = [term.effects[j] for j in block if j < i]
            values = [known.get((term.group, b, name), known.get((term.group, name, b), np.nan)) for b in before]
            own.append([rformat.fixed(v, 2) if np.isfinite(v) else "NaN" for v in values])
        width = max((len(cell) for row in own for cell in row), default=0)
        rows += [[cell.rjust(width) for cell in row] for row in own]
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
    rows = rformat.abbreviate(names, 11)[1:]
    cells = np.array(rformat.pad([rformat.fixed(r, 3) for r in correlation.ravel()]), dtype=object).reshape(p, p)
    columns = [["" if i <= j else cells[i, j] for i in range(1, p)] for j in range(p - 1)]
    header = ["", *rformat.abbreviate(names, 6)[:-1]]
    return "Correlation of Fixed Effects:\n" + rformat.columns_as_text(header, [rows, *columns], [True] * p, WIDTH)
