"""F tests of the terms of the fixed part, printed as lmerTest's `anova()` prints them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import f_p_value
from bayeslmm.point.estimates import Estimates
from bayeslmm.point.hypotheses import type1, type2, type3
from bayeslmm.point.inference import Inference
from bayeslmm.results import rformat
from bayeslmm.results.frames import preformatted
from bayeslmm.results.table_export import Tabular

TYPES: dict[object, str] = dict(zip((1, 2, 3, "1", "2", "3", "I", "II", "III"), ("I", "II", "III") * 3, strict=True))
HYPOTHESES = {"I": type1, "II": type2, "III": type3}
TITLES = {
    "satterthwaite": "Satterthwaite's method",
    "kenward-roger": "Kenward-Roger's method",
    "containment": "containment df",
    "residual": "residual df",
    "asymptotic": "chi-square (infinite df)",
}


@dataclass(frozen=True)
class Anova(Tabular):
    """Table of F tests.

    Attributes
    ----------
    table
        DataFrame by term: SumSq, MeanSq, NumDF, DenDF, F, p.
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
        columns = [
            [str(i) for i in self.table.index],
            *(rformat.format_numbers(rformat.zap_small(t[c], 5), 5) for c in ("SumSq", "MeanSq", "NumDF", "DenDF")),
            rformat.format_numbers(np.round(t["F"], 4), 5),
            rformat.format_p_values(t["p"], 4),
            rformat.stars(t["p"]),
        ]
        columns = [["" if cell == "NA" else cell for cell in column] for column in columns]
        header = ["", "Sum Sq", "Mean Sq", "NumDF", "DenDF", "F value", "Pr(>F)", ""]
        body = rformat.columns_as_text(header, columns, [True, *[False] * 6, True])
        legend = ["---", rformat.LEGEND] if any(columns[-1]) else []
        return "\n".join([title, body, *legend, *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def anova_table(design: Design, estimates: Estimates, inference: Inference, type: object) -> Anova:
    """Test the hypotheses of each term.

    As in lmerTest, the sums of squares are those of the Wald statistic, before the scale of Kenward & Roger's F.
    """
    name = check_type(type)
    rows = {}
    for label, L in hypotheses(name, design).items():
        F, q, df, scale = inference.f_test(L, L @ estimates.beta)
        mean_square = F / scale * estimates.sigma**2
        rows[label] = (mean_square * q, mean_square, q, df, F, f_p_value(F, q, df))
    columns = ["SumSq", "MeanSq", "NumDF", "DenDF", "F", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index.name = "term"
    return Anova(table, name, inference.method, inference.notes)


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
