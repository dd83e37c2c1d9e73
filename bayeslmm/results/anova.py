"""F tests of the terms of the fixed part, printed as lmerTest's `anova()` prints them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import f_p_value
from bayeslmm.point.estimates import Estimates
from bayeslmm.point.hypotheses import type1, type3
from bayeslmm.point.satterthwaite import Satterthwaite
from bayeslmm.results import rformat
from bayeslmm.results.frames import preformatted

TYPES = {1: "I", 3: "III", "1": "I", "3": "III", "I": "I", "III": "III"}
TITLES = {
    "satterthwaite": "Satterthwaite's method",
    "residual": "residual df",
    "asymptotic": "chi-square (infinite df)",
}


@dataclass(frozen=True)
class Anova:
    """Table of F tests.

    Attributes
    ----------
    table
        DataFrame by term: SumSq, MeanSq, NumDF, DenDF, F, p.
    type
        "I" or "III".
    ddf
        Method of the denominator degrees of freedom.
    """

    table: pd.DataFrame
    type: str
    ddf: str

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
        return f"{title}\n{body}" + (f"\n---\n{rformat.LEGEND}" if any(columns[-1]) else "")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def anova_table(design: Design, estimates: Estimates, inference: Satterthwaite, type: object, ddf: str) -> Anova:
    """Test the hypotheses of each term."""
    if type not in TYPES:
        raise ArgumentError(f"anova(type={type!r}) is not known; it is 1 (sequential) or 3 (SAS's type III)")
    name = TYPES[type]
    hypotheses = type1(design) if name == "I" else type3(design)
    denominator = {"residual": float(design.n - design.p), "asymptotic": np.inf}
    rows = {}
    for label, L in hypotheses.items():
        F, q, df = inference.f_test(L, estimates.beta) if len(L) else (np.nan, 0, np.nan)
        df = denominator.get(ddf, df)
        p = f_p_value(F, q, df)
        rows[label] = (F * q * estimates.sigma**2, F * estimates.sigma**2, q, df, F, float(p))
    columns = ["SumSq", "MeanSq", "NumDF", "DenDF", "F", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index.name = "term"
    return Anova(table, name, ddf)
