"""The attempts laid side by side: criterion, AIC, likelihood ratio, and what each does to the effects that matter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.compare.triage.attempts import Attempt, attempts
from bayeslmm.compare.triage.ratio import Bootstrap, ratio_test
from bayeslmm.design import Design
from bayeslmm.design.linear import LinearFunctions, linear_functions
from bayeslmm.errors import ArgumentError
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.variance_test import RatioTest

COLUMNS = ["estimate", "se", "df", "t", "p", "lower", "upper"]
SAME, DIFFERENT = 1e-3, 0.05
MOST_ROWS = 5_000  # for Kenward & Roger's adjustment
POSITIVE, NEGATIVE, OPEN = "positive", "negative", "open"
AGAINST = "the data speak against this model"
NOT_CONVERGED = "it did not converge"
STOPPED = "it stopped short of the optimum"


@dataclass(frozen=True)
class Alternatives:
    """Part 2 of a reanalysis.

    Attributes
    ----------
    table
        DataFrame by analysis, the fit first: `kind`, `formula`, `npar`, `criterion` (on the scale of the first),
        `difference` from it, `AIC` (of the criterion used, REML or ML), and for smaller models `LRT`, `Df`, `p`
        (chi-square), `reference`, `p_boundary` (the distribution that holds for a variance of zero, as for
        `fit.ranova`, or a parametric bootstrap; NaN where the plain one is right or none is known),
        `reference_boundary`, `p_error` (Monte Carlo standard error of a `p_boundary` that was simulated), and
        `against`, whether the data speak against the smaller model (p below 0.05, the one at the boundary where it is
        known); `singular`, `converged`.
    effects
        DataFrame, one row for each analysis and effect: `analysis`, `effect`, `estimate`, `se`, `df`, `t`, `p`,
        `lower`, `upper`, `shift` (from the first fit, in its standard errors) and `conclusion`: "positive" or
        "negative" where the interval excludes zero, else "open".
    attempts
        The fits behind it.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    attempts: tuple[Attempt, ...]

    @property
    def optimisers_agree(self) -> bool:
        """Whether no optimiser found a criterion lower by more than 0.001 than that of the fit."""
        own = self.table[self.table["kind"] == "optimiser"]
        return bool((own["difference"] > -SAME).all())


def focal_functions(design: Design, focal: object) -> LinearFunctions:
    """The effects that matter: those asked for, or all coefficients but the intercept, or the intercept alone.

    Raises
    ------
    ArgumentError
        An effect is not known, or an equation with something other than zero was given.
    """
    if focal is not None:
        functions = linear_functions(focal, design)
        if functions.null.any():
            raise ArgumentError("reanalyse(focal=...): effects are held against zero; leave out what stands right of =")
        if np.isnan(functions.L).any():
            raise ArgumentError("reanalyse(focal=...): the data cannot estimate one of these effects")
        if len(set(labels(functions))) < functions.m:
            raise ArgumentError(f"reanalyse(focal={focal!r}): an effect stands there twice")
        return functions
    names = list(design.coef_names)
    chosen = [j for j, n in enumerate(names) if n != "(Intercept)"] or list(range(len(names)))
    return LinearFunctions.of(np.eye(design.p)[chosen], {"contrast": [names[j] for j in chosen]})


def alternatives_part(
    fit: Fit,
    functions: LinearFunctions,
    ddf: Ddf,
    level: float,
    bootstrap: Bootstrap = "auto",
    seed: int | None = 1,
) -> Alternatives:
    """Try, test and compare; arguments as for `reanalyse`."""
    tried = attempts(fit)
    table = pd.DataFrame.from_dict(
        {a.label: _row(a, fit, bootstrap, seed) for a in tried}, orient="index"
    ).infer_objects()
    parts = [_effects(a, functions, ddf, level).assign(analysis=a.label) for a in tried]
    if fit.reml and ddf != "kenward-roger" and fit.nobs <= MOST_ROWS and functions.m:
        parts.insert(1, _effects(tried[0], functions, "kenward-roger", level).assign(analysis="Kenward-Roger"))
    effects = pd.concat(parts, ignore_index=True)
    return Alternatives(table, completed(effects, functions), tried)


def _row(a: Attempt, fit: Fit, bootstrap: Bootstrap, seed: int | None) -> dict[str, object]:
    test, smaller = RatioTest(np.nan, ""), not a.same_model
    if smaller:
        test = ratio_test(a.fit, fit, bootstrap, seed)
    p = test.p if np.isnan(test.p_boundary) else test.p_boundary
    return {
        "kind": a.kind,
        "formula": a.formula,
        "npar": a.fit.n_parameters,
        "criterion": a.criterion,
        "difference": a.criterion - fit.criterion,
        "AIC": a.fit.aic + a.shift,
        "LRT": max(a.criterion - fit.criterion, 0.0) if smaller else np.nan,
        "Df": float(fit.n_parameters - a.fit.n_parameters) if smaller else np.nan,
        "p": test.p,
        "reference": test.reference,
        "p_boundary": test.p_boundary,
        "reference_boundary": test.reference_boundary,
        "p_error": test.error,
        "against": bool(p < DIFFERENT),
        "singular": a.fit.is_singular,
        "converged": a.fit.converged,
    }


def _effects(a: Attempt, functions: LinearFunctions, ddf: Ddf, level: float) -> pd.DataFrame:
    """Estimates and tests of the functions in one attempt."""
    if not functions.m:
        return pd.DataFrame(columns=["effect", *COLUMNS])
    table = a.fit.contrast(functions.L @ a.back, ddf=ddf, level=level).table
    return table[COLUMNS].assign(effect=labels(functions)).reset_index(drop=True)


def labels(functions: LinearFunctions) -> list[str]:
    """Names of the effects."""
    return [str(name) for name in functions.labels["contrast"]]


def labels_of(effects: pd.DataFrame) -> list[str]:
    """Names of the effects of a table of all analyses."""
    return [str(name) for name in effects["effect"].unique()]


def completed(effects: pd.DataFrame, functions: LinearFunctions) -> pd.DataFrame:
    """Add the shift from the first analysis, and the conclusions."""
    first = effects.iloc[: functions.m]
    own = first.set_index("effect")
    at = effects["effect"]
    shift = (effects["estimate"] - at.map(own["estimate"])) / at.map(own["se"])
    conclusion = [conclude(lower, upper) for lower, upper in zip(effects["lower"], effects["upper"], strict=True)]
    order = ["analysis", "effect", *COLUMNS, "shift", "conclusion"]
    return effects.assign(shift=shift.astype(float), conclusion=conclusion)[order]


def conclude(lower: float, upper: float) -> str:
    """What an interval says about the sign of an effect."""
    return POSITIVE if lower > 0 else NEGATIVE if upper < 0 else OPEN


def why_not(tried: Alternatives, analysis: str) -> str:
    """Why an analysis does not count; "" where it does."""
    if analysis not in tried.table.index:
        return ""
    row = tried.table.loc[analysis]
    if row["against"] or row["converged"]:
        return AGAINST if row["against"] else ""
    return STOPPED if row["kind"] == "optimiser" else NOT_CONVERGED
