"""What is singular: which directions have no variance, how flat the criterion is there, what stands behind it.

How far a parameter psi can go is read off the profile of the criterion of the fit (REML or ML; `fit.profile` takes ML),

    { psi : min_(psi held) f - min f <= c },      c the chi-square quantile of the level on 1 df, 3.84 for 95%.

At the boundary the interval is a description of the criterion more than a test: its level there is at least the nominal
one (Self & Liang 1987).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.profile import Curve, Parameter, Profiler
from bayeslmm.results.fit import Fit
from bayeslmm.results.parameters import parameter_names

EVALUATIONS = 60  # of a profile, roughly
AFFORDABLE = 5.0  # seconds


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
    curves = _curves(fit, cutoff)
    rows = {name: _row(fit, a, curves.get(name)) for name, a in _covariance_parameters(fit).items()}
    names = ["group", "kind", "term", "estimate", "lower", "upper", "levels", "informative", "rows"]
    parameters = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    criterion = "REML criterion" if fit.reml else "ML deviance"
    return Singular(reasons, parameters, fit.repca().table, curves, cutoff**2, criterion)


def _covariance_parameters(fit: Fit) -> dict[str, Parameter]:
    """Sds and correlations under the names that `compare` gives them."""
    known = parameter_names(fit.design, fit.likelihood.covariance).values()
    return {parameter_label(fit.design.terms[a.term], a): a for a in known if a.kind in ("sd", "cor")}


def parameter_label(term: RandomTerm, a: Parameter) -> str:
    """`sd g x` or `cor g a, b`."""
    return f"{a.kind} {term.group} {_effects(term, a)}"


def _effects(term: RandomTerm, a: Parameter) -> str:
    return term.effects[a.row] if a.kind == "sd" else f"{term.effects[a.column]}, {term.effects[a.row]}"


def _curves(fit: Fit, cutoff: float) -> dict[str, Curve]:
    asked = _covariance_parameters(fit)
    cost = EVALUATIONS * (1 + fit.likelihood.covariance.m) * len(asked)
    if cost * plain_seconds(fit.likelihood.structure, fit.design.p) > 100 * AFFORDABLE:
        return {}
    profiler = Profiler.of(fit.likelihood, fit.reml)
    return {name: profiler.curve(a, cutoff) for name, a in asked.items()}


def _row(fit: Fit, a: Parameter, curve: Curve | None) -> tuple[str | float, ...]:
    term, V = fit.design.terms[a.term], fit.estimates.covariances[a.term]
    sd = np.sqrt(np.diag(V))
    scale = sd[a.row] * sd[a.column]
    value = sd[a.row] if a.kind == "sd" else V[a.row, a.column] / scale if scale > 0 else np.nan
    ends = (np.nan, np.nan) if curve is None else (curve.lower, curve.upper)
    informative = min(informative_levels(term, a.row), informative_levels(term, a.column))
    return (term.group, a.kind, _effects(term, a), value, *ends, term.n_levels, informative, fit.nobs)


def informative_levels(term: RandomTerm, effect: int) -> int:
    """In how many levels the column of an effect varies; all of them for an intercept."""
    column = term.Z[:, effect]
    if np.ptp(column) == 0:
        return term.n_levels
    low, high = np.full(term.n_levels, np.inf), np.full(term.n_levels, -np.inf)
    np.minimum.at(low, term.index, column)
    np.maximum.at(high, term.index, column)
    return int((high - low > 1e-12 * np.abs(column).max()).sum())
