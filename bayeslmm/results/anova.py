"""F tests of the terms of the fixed part, printed as lmerTest's `anova()` prints them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.clustered import NOTE
from bayeslmm.point.distributions import f_p_value
from bayeslmm.point.estimates import Estimates
from bayeslmm.point.hypotheses import type1, type2, type3
from bayeslmm.point.inference import Inference
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.results import rformat
from bayeslmm.results.table_export import Tabular

TYPES: dict[object, str] = dict(zip((1, 2, 3, "1", "2", "3", "I", "II", "III"), ("I", "II", "III") * 3, strict=True))
HYPOTHESES = {"I": type1, "II": type2, "III": type3}
TITLES = {
    "satterthwaite": "Satterthwaite's method",
    "kenward-roger": "Kenward-Roger's method",
    "containment": "containment df",
    "residual": "residual df",
    "asymptotic": "chi-square (infinite df)",
    "clusters": "cluster-robust errors (CR2)",
}
HEADS = {"SumSq": "Sum Sq", "MeanSq": "Mean Sq", "NumDF": "NumDF", "DenDF": "DenDF"}
COLUMNS = ["SumSq", "MeanSq", "NumDF", "DenDF", "F", "p"]


@dataclass(frozen=True)
class Anova(Tabular):
    """Table of F tests.

    Attributes
    ----------
    table
        DataFrame by term: SumSq, MeanSq (both not with cluster-robust errors), NumDF, DenDF, F, p.
    type
        "I", "II" or "III".
    ddf
        Method of the denominator degrees of freedom.
    notes
        What a reader of the tests must know.
    """

    table: pd.DataFrame
    type: str
    ddf: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        title = f"Type {self.type} Analysis of Variance Table with {TITLES[self.ddf]}"
        if self.table.empty:
            return f"{title}\nno terms beside the intercept"
        t = {name: column.to_numpy(dtype=float) for name, column in self.table.items()}
        t["NumDF"] = np.where(np.isnan(t["F"]), np.nan, t["NumDF"])
        shown = [c for c in HEADS if c in t]
        numbers = {HEADS[c]: rformat.format_numbers(rformat.zap_small(t[c], 5), 5) for c in shown}
        numbers["F value"] = rformat.format_numbers(np.round(t["F"], 4), 5)
        return "\n".join([title, rformat.tests_as_text(self.table.index, numbers, "Pr(>F)", t["p"]), *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def anova_table(design: Design, estimates: Estimates, inference: Inference, type: object) -> Anova:
    """Test the hypotheses of each term.

    As in lmerTest, the sums of squares are those of the Wald statistic, before the scale of Kenward & Roger's F.
    """
    name = check_type(type)
    table = _f_tests(hypotheses(name, design), estimates.beta, estimates.sigma, inference)
    return Anova(table, name, inference.method, inference.notes)


def linear_anova(design: Design, found: LeastSquares, inference: Inference, type: object) -> Anova:
    """The same of a linear model; its sums of squares are those by which the residual sum of squares grows."""
    name = check_type(type)
    L = hypotheses(name, replace(design, X=design.X * np.sqrt(design.weights)[:, None]) if name != "III" else design)
    table = _f_tests(L, found.beta, found.sigma, inference)
    if inference.method == "clusters":
        return Anova(table.drop(columns=["SumSq", "MeanSq"]), name, inference.method, (*inference.notes, NOTE))
    rss, mean = rformat.format_numbers([found.rss], 5)[0], rformat.format_numbers([found.sigma**2], 5)[0]
    return Anova(table, name, inference.method, (f"Residuals: Sum Sq {rss}, Mean Sq {mean} on {found.df_resid} df",))


def _f_tests(tests: dict[str, np.ndarray], beta: np.ndarray, sigma: float, inference: Inference) -> pd.DataFrame:
    rows = {}
    for label, L in tests.items():
        F, q, df, scale = inference.f_test(L, L @ beta)
        mean_square = F / scale * sigma**2
        rows[label] = (mean_square * q, mean_square, q, df, F, f_p_value(F, q, df))
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("term")


def check_type(type: object) -> str:
    """Return "I", "II" or "III".

    Raises
    ------
    ArgumentError
        There is no such type.
    """
    if isinstance(type, bool) or not isinstance(type, int | str) or type not in TYPES:
        raise ArgumentError(
            f"anova(type={type!r}) is not known; it is 1 (sequential), 2 (each term after those that do not contain "
            "it) or 3 (SAS's type III)"
        )
    return TYPES[type]


def hypotheses(name: str, design: Design) -> dict[str, np.ndarray]:
    """L (m, p) of the test of each term, by type."""
    return HYPOTHESES[name](design)
