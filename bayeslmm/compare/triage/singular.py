"""What is singular: which directions have no variance, how flat the criterion is there, what stands behind it.

How far a parameter can go is read off the profile of the criterion (see `variance_profiles`). At the boundary the
interval is a description of the criterion more than a test: its level there is at least the nominal one (Self & Liang
1987).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.compare.variance_profiles import effects_of, variance_curves, variance_parameters
from bayeslmm.design import Design, RandomTerm
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.profile import Curve, Parameter
from bayeslmm.results.fit import Fit

PATIENCE = 500.0


@dataclass(frozen=True)
class Singular:
    """Part 1 of a reanalysis.

    Attributes
    ----------
    reasons
        DataFrame, one row for each reason: group, kind ("zero sd", "correlation", "combination"), effects, sentence.
        Empty where the fit is not singular.
    parameters
        DataFrame by sd and correlation: group, kind ("sd", "cor"), term, `estimate`, and `lower`, `upper`, how far it
        can go before the criterion rises by more than `rise` (NaN where profiles would cost too much); `levels` and
        `rows` of the group, and `informative`, the levels in which the effect's column is not constant (for an
        intercept all; for a correlation the smaller one).
    components
        DataFrame of `fit.repca()`: group, component, sd, share, cumulative. A share of zero is a direction without
        variance.
    curves
        The profiles by parameter, as `fit.profile` has them.
    rise
        3.84 for intervals of 95%.
    criterion
        "REML criterion" or "ML deviance".
    """

    reasons: pd.DataFrame
    parameters: pd.DataFrame
    components: pd.DataFrame
    curves: Mapping[str, Curve]
    rise: float
    criterion: str

    @property
    def is_singular(self) -> bool:
        """Whether there is a reason."""
        return not self.reasons.empty


def singular_part(fit: Fit, level: float) -> Singular:
    """Ask the fit what is singular, and profile its sds and correlations."""
    columns = ["group", "kind", "effects", "sentence"]
    reasons = pd.DataFrame(
        [(s.group, s.kind, ", ".join(s.effects), s.sentence) for s in fit.singularities], columns=columns
    )
    cutoff = normal_quantile(0.5 + level / 2)
    asked = variance_parameters(fit)
    curves = variance_curves(fit, asked, cutoff, PATIENCE)
    rows = {name: _row(fit, a, curves.get(name)) for name, a in asked.items()}
    names = ["group", "kind", "term", "estimate", "lower", "upper", "levels", "informative", "rows"]
    parameters = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    criterion = "REML criterion" if fit.reml else "ML deviance"
    return Singular(reasons, parameters, fit.repca().table, curves, cutoff**2, criterion)


def _row(fit: Fit, a: Parameter, curve: Curve | None) -> tuple[str | float, ...]:
    term, V = fit.design.terms[a.term], fit.estimates.covariances[a.term]
    sd = np.sqrt(np.diag(V))
    scale = sd[a.row] * sd[a.column]
    value = sd[a.row] if a.kind == "sd" else V[a.row, a.column] / scale if scale > 0 else np.nan
    ends = (np.nan, np.nan) if curve is None else (curve.lower, curve.upper)
    informative = min(informative_levels(term, a.row), informative_levels(term, a.column))
    return (term.group, a.kind, effects_of(term, a), value, *ends, term.n_levels, informative, fit.nobs)


def constant_slopes(design: Design) -> tuple[tuple[str, str], ...]:
    """Groups and slopes of columns that are the same in all rows of every level, beside an intercept of the levels.

    Such a slope is not one: it lets the variance of the intercepts change along the column. Without an intercept,
    `(0 + sex | id)`, columns are meant so: a variance for each sex.
    """
    return tuple(
        (term.group, effect)
        for term in design.terms
        if "(Intercept)" in term.effects
        for a, effect in enumerate(term.effects)
        if informative_levels(term, a) == 0
    )


def informative_levels(term: RandomTerm, effect: int) -> int:
    """In how many levels the column of an effect varies; all of them for an intercept."""
    column = term.Z[:, effect]
    if np.ptp(column) == 0:
        return term.n_levels
    low, high = np.full(term.n_levels, np.inf), np.full(term.n_levels, -np.inf)
    np.minimum.at(low, term.index, column)
    np.maximum.at(high, term.index, column)
    return int((high - low > 1e-12 * np.abs(column).max()).sum())
