"""Tests of the random terms, one taken away at a time, printed as lmerTest's `ranova()` prints them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslmm.design.deletions import deletions
from bayeslmm.results.model_table import chi_square_lines
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.variance_test import How, RatioTest, likelihood_ratio_test

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


@dataclass(frozen=True)
class Ranova(Tabular):
    """Single-term deletions of the random part.

    Attributes
    ----------
    table
        DataFrame by term taken away, the whole model first: npar, logLik, AIC, LRT, Df, p (plain chi-square, as
        lmerTest), reference, p_boundary and reference_boundary (the distribution that holds for a variance of zero).
    formula
        Of the whole model.
    """

    table: pd.DataFrame
    formula: str

    def __str__(self) -> str:
        title = "ANOVA-like table for random-effects: Single term deletions"
        body = chi_square_lines(self.table, ["npar", "logLik", "AIC"], "LRT")
        return f"{title}\n\nModel:\n{self.formula}\n{body}"

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def ranova(fit: "Fit", how: How) -> Ranova:
    """Refit without each random term, by the criterion of the fit, and test it."""
    rows: dict[str, tuple[float | str, ...]] = {"<none>": (*_size(fit), np.nan, np.nan, *_cells(RatioTest(np.nan, "")))}
    for deletion in deletions(fit.design):
        smaller = fit.refit_design(replace(fit.design, terms=deletion.terms))
        df = fit.n_parameters - smaller.n_parameters
        test = likelihood_ratio_test(smaller, fit, how)
        rows[deletion.label] = (*_size(smaller), smaller.criterion - fit.criterion, float(df), *_cells(test))
    names = ["npar", "logLik", "AIC", "LRT", "Df", "p", "reference", "p_boundary", "reference_boundary"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    return Ranova(table, fit.design.formula.written)


def _size(fit: "Fit") -> tuple[float, float, float]:
    return fit.n_parameters, fit.loglik, fit.aic


def _cells(test: RatioTest) -> tuple[float, str, float, str]:
    return test.p, test.reference, test.p_boundary, test.reference_boundary
