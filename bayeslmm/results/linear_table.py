"""F tests of nested linear models, printed as R's `anova(lm1, lm2)` prints them.

    F = (RSS_smaller - RSS_larger) / df / sigma^2,

with sigma^2 of the largest model. With clusters the smaller model is a set of linear restrictions L beta = 0 of the
larger, tested with robust errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.clustered import NOTE
from bayeslmm.point.distributions import f_p_value
from bayeslmm.results import rformat
from bayeslmm.results.linear_fit.base import LinearBase
from bayeslmm.results.same_data import check_same_data, type_hint
from bayeslmm.results.table_export import Tabular

HEADS = {"ResDf": "Res.Df", "RSS": "RSS", "Df": "Df", "SumSq": "Sum of Sq", "DenDF": "DenDF"}
SAME = 1e-8


@dataclass(frozen=True)
class LinearTable(Tabular):
    """Linear models by number of coefficients, each tested against the one before it.

    Attributes
    ----------
    table
        DataFrame by model: ResDf, RSS, Df, SumSq (not with clusters), DenDF, F, p.
    formulas
        By model.
    notes
        What a reader of the tests must know.
    """

    table: pd.DataFrame
    formulas: dict[str, str]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        t = {name: column.to_numpy(dtype=float) for name, column in self.table.items()}
        shown = [c for c in HEADS if c in t]
        numbers = {HEADS[c]: rformat.format_numbers(rformat.zap_small(t[c], 5), 5) for c in shown}
        numbers["F"] = rformat.format_numbers(np.round(t["F"], 4), 5)
        body = rformat.tests_as_text(self.table.index, numbers, "Pr(>F)", t["p"])
        models = [f"{name}: {formula}" for name, formula in self.formulas.items()]
        return "\n".join(["Analysis of Variance Table", "Models:", *models, body, *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def linear_table(fits: Sequence[Any]) -> LinearTable:
    """Compare linear fits.

    Raises
    ------
    ArgumentError
        Something else than a linear fit, other rows, another response, or other clusters.
    """
    _check(fits)
    order = sorted(range(len(fits)), key=lambda i: fits[i].design.p)
    labels, models = [f"model{i + 1}" for i in order], [fits[i] for i in order]
    rows, notes = {labels[0]: (*_size(models[0]), *[np.nan] * 5)}, []
    for name, smaller, larger in zip(labels[1:], models, models[1:], strict=False):
        reason, L = restrictions(smaller.design, larger.design)
        if reason:
            notes.append(f"{name} does not contain the model before it ({reason}): no test")
        tested = (np.nan,) * 5 if reason else _test(smaller, larger, models[-1], L)
        rows[name] = (*_size(larger), *tested)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["ResDf", "RSS", "Df", "SumSq", "DenDF", "F", "p"])
    if models[0].clusters is not None:
        table, said = table.drop(columns="SumSq"), [*models[0]._inference.notes, NOTE]
        notes = [f"cluster-robust errors (CR2): {said[0]}", said[1], *notes]
    formulas = {name: m.design.formula.written for name, m in zip(labels, models, strict=True)}
    return LinearTable(table.rename_axis("model"), formulas, tuple(notes))


def _size(fit: LinearBase) -> tuple[float, float]:
    return float(fit.estimates.df_resid), fit.estimates.rss


def _test(smaller: LinearBase, larger: LinearBase, largest: LinearBase, L: np.ndarray) -> tuple[float, ...]:
    """Df, SumSq, DenDF, F and p."""
    q, square = len(L), max(smaller.estimates.rss - larger.estimates.rss, 0.0)
    if q == 0:
        return 0.0, square, np.nan, np.nan, np.nan
    if larger.clusters is not None:
        F, q, df, _ = larger._inference.f_test(L, L @ larger.estimates.beta)
    else:
        F, df = square / q / largest.estimates.sigma**2, float(largest.estimates.df_resid)
    return float(q), square, df, F, f_p_value(F, q, df)


def restrictions(smaller: Design, larger: Design) -> tuple[str, np.ndarray]:
    """Why a model is no special case of a larger one, or ""; and L (q, p) with L beta = 0 where the smaller holds."""
    if not np.allclose(smaller.offset, larger.offset) or not np.allclose(smaller.weights, larger.weights):
        return "its offset or weights are others", np.empty((0, larger.p))
    A = np.linalg.lstsq(larger.X, smaller.X, rcond=None)[0]
    left = np.linalg.norm(smaller.X - larger.X @ A, axis=0)
    if (left > SAME * np.linalg.norm(smaller.X, axis=0)).any():
        return "its coefficients are others", np.empty((0, larger.p))
    Q = np.linalg.qr(A, mode="complete")[0]
    return "", Q[:, smaller.p :].T


def _check(fits: Sequence[Any]) -> None:
    for other in fits[1:]:
        if not isinstance(other, LinearBase):
            hint = type_hint(other) or "; to compare with a mixed model write mixed.anova(linear)"
            raise ArgumentError(f"anova of a linear fit takes other fits of blm.lm; got {type(other).__name__}{hint}")
    check_same_data([f.design for f in fits], "F tests")
    first = fits[0].clusters
    for other in fits[1:]:
        a, b = first, other.clusters
        if (a is None) != (b is None) or (a is not None and b is not None and not np.array_equal(a.index, b.index)):
            raise ArgumentError("the models have different clusters; give all the same cluster=")
