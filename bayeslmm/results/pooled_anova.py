"""Tests of terms, and of models, over imputations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import f_p_value
from bayeslmm.point.imputed import Imputed, Joint, d3
from bayeslmm.results import rformat
from bayeslmm.results.anova import TITLES, check_type, hypotheses
from bayeslmm.results.fit import Fit
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.variance_test import by_ml

COLUMNS = ["F", "NumDF", "DenDF", "p", "riv"]
VARIANCES = "where random effects are tested, p is too large: F does not know that variances cannot be negative"


@dataclass(frozen=True)
class PooledAnova(Tabular):
    """What `anova` of pooled fits returns; `print` it, or take `table`.

    Attributes
    ----------
    table
        DataFrame by term or model: F, NumDF, DenDF, p, riv.
    title
        Which test.
    notes
        What a reader of the tests must know.
    """

    table: pd.DataFrame
    title: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        t = {name: column.to_numpy(dtype=float) for name, column in self.table.items()}
        columns = [
            [str(i) for i in self.table.index],
            *(rformat.format_numbers(rformat.zap_small(t[c], 5), 5) for c in ("F", "NumDF", "DenDF")),
            rformat.format_p_values(t["p"], 4),
            rformat.format_numbers(t["riv"], 3),
        ]
        columns = [["" if cell == "NA" else cell for cell in column] for column in columns]
        header = ["", "F value", "NumDF", "DenDF", "Pr(>F)", "riv"]
        return "\n".join([self.title, rformat.columns_as_text(header, columns, [True, *[False] * 5]), *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def terms_over_imputations(fits: Sequence[Fit], at: Imputed, type: object) -> PooledAnova:
    """D1 of the hypotheses of each term, which types I and II take from each imputed data set anew."""
    name = check_type(type)
    each = [_comparable(hypotheses(name, f.design), f.design, name) for f in fits]
    rows = {label: _row(at.joint([L[label] for L in each])) for label in each[0]}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("term")
    title = f"Type {name} tests over {at.m} imputations (D1); df without missing values: {TITLES[at.method]}"
    return PooledAnova(table, title, at.notes)


def _comparable(tests: dict[str, np.ndarray], design: Design, name: str) -> dict[str, np.ndarray]:
    """Functions that mean the same in every data set: a term's own coefficients, and those of others on top.

    The rows of types I and II are a basis that depends on the data; those of type III do not.
    """
    if name == "III":
        return tests
    own = {t.label: list(t.columns) for t in design.fixed_terms}
    return {label: np.linalg.solve(L[:, own[label]], L) for label, L in tests.items()}


def models_over_imputations(models: Sequence[Sequence[Fit]]) -> PooledAnova:
    """D3 of each model against the next smaller one."""
    ordered = sorted(([by_ml(f) for f in fits] for fits in models), key=lambda fits: fits[0].n_parameters)
    for fits in ordered[1:]:
        _check_same_data(ordered[0], fits)
    names = [_name(fits) for fits in ordered]
    rows: dict[str, tuple[float, ...]] = {names[0]: (np.nan,) * len(COLUMNS)}
    for smaller, larger, name in zip(ordered, ordered[1:], names[1:], strict=False):
        rows[name] = _row(_d3(smaller, larger))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("model")
    random = len({_random(fits[0]) for fits in ordered}) > 1
    title = f"Likelihood-ratio tests over {len(ordered[0])} imputations (D3), fits by maximum likelihood"
    return PooledAnova(table, title, (VARIANCES,) if random else ())


def _d3(smaller: list[Fit], larger: list[Fit]) -> Joint:
    q = larger[0].n_parameters - smaller[0].n_parameters
    if q < 1:
        raise ArgumentError(
            f"anova: `{_name(smaller)}` and `{_name(larger)}` have equally many parameters; neither is part of "
            "the other"
        )
    own = np.array([a.criterion - b.criterion for a, b in zip(smaller, larger, strict=True)])
    return d3(own, _pooled_deviance(smaller) - _pooled_deviance(larger), q)


def _pooled_deviance(fits: list[Fit]) -> np.ndarray:
    """ML deviance (m,) of each imputed data set at the means of coefficients, covariances and residual variance."""
    beta = np.mean([f.estimates.beta for f in fits], axis=0)
    s2 = float(np.mean([f.sigma**2 for f in fits]))
    V = [np.mean(parts, axis=0) for parts in zip(*(f.estimates.covariances for f in fits), strict=True)]
    theta = fits[0].likelihood.covariance.factor([v / s2 for v in V])
    return np.array([-2 * f.likelihood.log_density(beta, theta, np.sqrt(s2)) for f in fits])


def _check_same_data(first: Sequence[Fit], other: Sequence[Fit]) -> None:
    if len(first) != len(other):
        raise ArgumentError(f"anova: one model has {len(first)} imputations and another {len(other)}")
    for i, (a, b) in enumerate(zip(first, other, strict=True), start=1):
        if a.nobs != b.nobs or not np.array_equal(a.design.y_net, b.design.y_net):
            raise ArgumentError(f"anova: the models are of different responses or rows in imputation {i}")


def _random(fit: Fit) -> tuple:
    return tuple(sorted((t.group, t.effects, t.blocks) for t in fit.design.terms))


def _name(fits: Sequence[Fit]) -> str:
    return fits[0].design.formula.written


def _row(found: Joint) -> tuple[float, ...]:
    return found.F, found.q, found.df, f_p_value(found.F, found.q, found.df), found.riv
