"""Likelihood-ratio tests of several models, printed as lme4's `anova(m1, m2)` prints them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.point.boundary import change
from bayeslmm.results import rformat
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.same_data import check_same_data, type_hint
from bayeslmm.results.summary import data_words
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.variance_test import How, RatioTest, by_ml, likelihood_ratio_test

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

SAME = 1e-8


@dataclass(frozen=True)
class ModelTable(Tabular):
    """Models by number of parameters, each tested against the one before it.

    Attributes
    ----------
    table
        DataFrame by model: npar, AIC, BIC, logLik, deviance, Chisq, Df, p (plain chi-square, as R prints it), reference
        (its name), p_boundary and reference_boundary (where a variance of zero is tested or a bootstrap was asked for).
    formulas
        By model.
    data_name
        What the data are called, or how many rows they have.
    notes
        Refits, and what else changed the answer.
    """

    table: pd.DataFrame
    formulas: dict[str, str]
    data_name: str
    notes: tuple[str, ...]

    def __str__(self) -> str:
        t = self.table
        head = [*self.notes, f"Data: {self.data_name}", "Models:", *(f"{m}: {f}" for m, f in self.formulas.items())]
        return "\n".join([*head, chi_square_lines(t, ["npar", "AIC", "BIC", "logLik", "deviance"], "Chisq")])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def chi_square_lines(table: pd.DataFrame, measures: Sequence[str], statistic: str) -> str:
    """The table as R's `print.anova` shows it, with the references of tests at the boundary below."""
    t = {name: table[name].to_numpy(dtype=float) for name in (*measures, statistic, "Df", "p")}
    shown = [rformat.format_numbers(rformat.zap_small(t[c], 5), 5) for c in measures]
    x = np.round(t[statistic], 4) if statistic == "Chisq" else rformat.zap_small(t[statistic], 5)
    numbers = {**dict(zip(measures, shown, strict=True)), statistic: rformat.format_numbers(x, 5)}
    numbers["Df"] = rformat.format_numbers(t["Df"], 5)
    return rformat.tests_as_text(table.index, numbers, "Pr(>Chisq)", t["p"]) + _reference_lines(table)


def _reference_lines(table: pd.DataFrame) -> str:
    rows = table[table["reference_boundary"] != ""]
    if not len(rows):
        return ""
    lines = []
    for name, p, words in rows[["p_boundary", "reference_boundary"]].itertuples():
        value = f"p = {rformat.format_p_values([p], 4)[0]} by " if np.isfinite(p) else ""
        lines.append(f"  {name}: {value}{words}".replace("= <", "<"))
    if rows["reference_boundary"].str.startswith("parametric").all():
        return "\nReference distribution of each test:\n" + "\n".join(lines)
    return "\nVariances of zero are tested: Pr(>Chisq) is too large.\n" + "\n".join(lines)


def model_table(fits: Sequence[Any], refit: bool | None, how: How) -> ModelTable:
    """Compare fits, the first of which is a `Fit`.

    Raises
    ------
    ArgumentError
        Something that is not a fit, other rows or another response, REML fits that must not be refitted.
    """
    _check_fits(fits)
    first: Fit = fits[0]
    check_same_data([f.design for f in fits], "likelihoods")
    mixed = [f if not isinstance(f, LinearFit) else _without_groups(first, f) for f in fits]
    names = [f"model{i + 1}" for i in range(len(mixed))]
    mixed, notes = _one_criterion(mixed, refit)
    order = sorted(range(len(mixed)), key=lambda i: mixed[i].n_parameters)
    models, labels = [mixed[i] for i in order], [names[i] for i in order]
    tests, untested = _tests(models, labels, how)
    table = pd.DataFrame(
        {
            "npar": [m.n_parameters for m in models],
            "AIC": [m.aic for m in models],
            "BIC": [m.bic for m in models],
            "logLik": [m.loglik for m in models],
            "deviance": [m.criterion for m in models],
            "Chisq": [x for x, _, _ in tests],
            "Df": [df for _, df, _ in tests],
            "p": [t.p for _, _, t in tests],
            "reference": [t.reference for _, _, t in tests],
            "p_boundary": [t.p_boundary for _, _, t in tests],
            "reference_boundary": [t.reference_boundary for _, _, t in tests],
        },
        index=labels,
    )
    formulas = {name: m.design.formula.written for name, m in zip(labels, models, strict=True)}
    return ModelTable(table, formulas, data_words(first.design, first.data_name), (*notes, *untested))


def _tests(models: "list[Fit]", names: list[str], how: How) -> tuple[list[tuple[float, float, RatioTest]], list[str]]:
    """Of each model against the one before it: chi-square, its df and p-values; and why there are none of some."""
    tests, notes = [(np.nan, np.nan, RatioTest(np.nan, ""))], []
    for name, smaller, larger in zip(names[1:], models, models[1:], strict=False):
        df = float(larger.n_parameters - smaller.n_parameters)
        reason = _not_nested(smaller, larger)
        if reason:
            notes.append(f"{name} does not contain the model before it ({reason}): no test, compare AIC or BIC")
            tests.append((np.nan, df, RatioTest(np.nan, "")))
        else:
            x = max(smaller.criterion - larger.criterion, 0.0)
            tests.append((x, df, likelihood_ratio_test(smaller, larger, how)))
    return tests, notes


def _check_fits(fits: Sequence[Any]) -> None:
    for other in fits[1:]:
        if not isinstance(other, (type(fits[0]), LinearFit)):
            got = repr(other) if isinstance(other, int | str) else type(other).__name__
            raise ArgumentError(f"anova compares fits of blm.lmer or blm.lm; got {got}{type_hint(other)}")


def _without_groups(like: "Fit", linear: LinearFit) -> "Fit":
    """A linear model as a mixed one without random effects, fitted by the criterion of another."""
    return like.refit_design(linear.design)


def _one_criterion(models: "list[Fit]", refit: bool | None) -> "tuple[list[Fit], list[str]]":
    """All by the same criterion: ML where fixed effects differ, or where some are ML fits already."""
    X = models[0].design.X
    differ = any(m.design.X.shape != X.shape or not np.allclose(m.design.X, X) for m in models[1:])
    some, every = any(m.reml for m in models), all(m.reml for m in models)
    needed = some and (differ or not every)
    if needed and refit is False:
        why = "different fixed effects" if differ else "REML and ML fits"
        raise ArgumentError(
            f"refit=False: REML criteria cannot be compared between models with {why}; leave refit out, and they are "
            "fitted by maximum likelihood"
        )
    if some and (needed or refit):
        return [by_ml(m) for m in models], ["refitting model(s) with ML (instead of REML)"]
    return models, []


def _not_nested(smaller: "Fit", larger: "Fit") -> str:
    """Why a smaller model is not a special case of a larger one; empty where it is."""
    a, b = smaller.design, larger.design
    if a.p:
        scale = np.maximum(np.linalg.norm(a.X, axis=0), 1e-300)
        left = a.X - (b.X @ np.linalg.lstsq(b.X, a.X, rcond=None)[0] if b.p else 0.0)
        if (np.linalg.norm(left, axis=0) > SAME * scale).any():
            return "its fixed effects are others"
    if not np.allclose(a.offset, b.offset) or not np.allclose(a.weights, b.weights):
        return "its offset or weights are others"
    groups = {t.group for t in a.terms} - {t.group for t in b.terms}
    if groups:
        return f"it has no random effects of `{groups.pop()}`"
    if change(a.terms, b.terms).kind == "not nested":
        return "its random effects are others"
    return ""
