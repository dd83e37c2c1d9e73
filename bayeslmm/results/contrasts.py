"""Tests of linear functions of the fixed effects, as `fit.contrast()` shows them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design.linear import LinearFunctions
from bayeslmm.point.clustered import NOTE
from bayeslmm.point.inference import Inference
from bayeslmm.point.linear_tests import joint_test, row_tests
from bayeslmm.point.multiplicity import Adjust, family_of_means
from bayeslmm.results import rformat
from bayeslmm.results.summary import METHODS
from bayeslmm.results.table_export import Tabular

ADJUSTED = {
    "holm": "p-values adjusted by Holm's method, intervals by Bonferroni's, for {m} tests",
    "bonferroni": "p-values and intervals adjusted by Bonferroni's method for {m} tests",
    "fdr": "p-values adjusted by Benjamini & Hochberg's method (fdr), intervals by Bonferroni's, for {m} tests",
    "tukey": "p-values and intervals adjusted by Tukey's method for comparing {k} means",
    "mvt": "p-values and intervals adjusted by the multivariate t distribution of {m} tests",
}


@dataclass(frozen=True)
class Contrast(Tabular):
    """What `fit.contrast()` returns; `print` it, or read its parts.

    Attributes
    ----------
    table
        DataFrame by contrast: `estimate`, `se`, `df`, `lower`, `upper`, `t`, `p`; and `null` where one is not zero.
    joint
        Of all rows together: `F`, `NumDF`, `DenDF`, `p`.
    notes
        Method of the degrees of freedom, adjustment, level of the intervals.
    """

    table: pd.DataFrame
    joint: pd.Series
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [table_text(self.table)]
        if len(self.table) > 1:
            F, q, df, p = (float(v) for v in self.joint)
            values = [rformat.format_numbers([v], 4)[0] for v in (F, q, df)]
            shown = rformat.format_p_values([p])[0]
            shown = shown if shown.startswith("<") else f"= {shown}"
            lines.append(f"all together: F = {values[0]} on {values[1]} and {values[2]} df, p {shown}")
        return "\n".join([*lines, *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def contrast(
    functions: LinearFunctions, beta: np.ndarray, inference: Inference, adjust: Adjust, level: float
) -> Contrast:
    """Test linear functions of beta (p,) row by row and together."""
    estimate = functions.values(beta)
    n_means = family_of_means(functions.m) if adjust == "tukey" else 0
    rows = row_tests(functions.L, estimate, functions.null, inference, adjust, level, n_means)
    table = tests_frame(functions, rows)
    found, p = joint_test(functions.L, estimate, functions.null, inference)
    joint = pd.Series({"F": found.F, "NumDF": found.q, "DenDF": found.df, "p": p}, name="joint", dtype=float)
    notes = test_notes(inference, adjust, level, functions.m, n_means)
    if functions.m > 1 and inference.method == "clusters":
        notes = (*notes, NOTE)
    return Contrast(table.set_index("contrast"), joint, notes)


def tests_frame(functions: LinearFunctions, rows: object) -> pd.DataFrame:
    """Labels and tests side by side."""
    columns = ("estimate", "se", "df", "lower", "upper", "t", "p")
    null = {"null": functions.null} if functions.null.any() else {}
    return pd.DataFrame({**functions.labels, **null, **{c: getattr(rows, c) for c in columns}}).infer_objects()


def test_notes(inference: Inference, adjust: Adjust, level: float, m: int, n_means: int) -> tuple[str, ...]:
    """How to read the numbers."""
    notes = [f"{METHODS[inference.method]}; {level:.4g} intervals", *inference.notes]
    if adjust != "none" and m > 1:
        notes.append(ADJUSTED[adjust].format(m=m, k=n_means))
    return tuple(notes)


def table_text(table: pd.DataFrame) -> str:
    """A table of tests as text: labels left, numbers right."""
    index = [] if isinstance(table.index, pd.RangeIndex) else [table.index.to_numpy()]
    names = ([] if not index else [""]) + [str(c) for c in table.columns]
    columns = [[str(v) for v in values] for values in index]
    left = [True] * len(index)
    for name in table.columns:
        values = table[name].to_numpy()
        numeric = values.dtype.kind in "if"
        left.append(not numeric)
        if not numeric:
            columns.append(["" if v is None else str(v) for v in values])
        elif name == "p":
            columns.append(rformat.format_p_values(values))
        elif name == "t":
            columns.append(rformat.format_numbers(np.round(values, 3), 4))
        else:
            columns.append(rformat.format_numbers(values, 4))
    return rformat.columns_as_text(names, columns, left)
