"""Profiles of the sds, correlations and sigma under the names that `compare` gives them.

How far a parameter psi can go is read off the profile of the criterion of the fit (REML or ML; `fit.profile` takes ML),

    { psi : min_(psi held) f - min f <= c },      c the chi-square quantile of the level on 1 df, 3.84 for 95%.
"""

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.point.profile import Curve, Parameter, Profiler
from bayeslmm.results.fit import Fit
from bayeslmm.results.parameters import parameter_names

EVALUATIONS = 60  # of a profile, roughly


def variance_parameters(fit: Fit) -> dict[str, Parameter]:
    """Sds and correlations by name: `sd g x`, `cor g a, b`."""
    known = parameter_names(fit.design, fit.likelihood.covariance).values()
    return {parameter_label(fit.design.terms[a.term], a): a for a in known if a.kind in ("sd", "cor")}


def parameter_label(term: RandomTerm, a: Parameter) -> str:
    """`sd g x` or `cor g a, b`."""
    return f"{a.kind} {term.group} {effects_of(term, a)}"


def effects_of(term: RandomTerm, a: Parameter) -> str:
    """The effect of an sd, the two of a correlation."""
    return term.effects[a.row] if a.kind == "sd" else f"{term.effects[a.column]}, {term.effects[a.row]}"


def variance_curves(fit: Fit, asked: dict[str, Parameter], cutoff: float, patience: float | None) -> dict[str, Curve]:
    """Profiles of the parameters asked for, up to zeta of `cutoff`.

    Parameters
    ----------
    patience
        Seconds that they may take in plain NumPy, which is up to a hundred times what they do take; none are made
        where that is too much. None for no limit.
    """
    cost = EVALUATIONS * (1 + fit.likelihood.covariance.m) * len(asked)
    if patience is not None and cost * plain_seconds(fit.likelihood.structure, fit.design.p) > patience:
        return {}
    profiler = Profiler.of(fit.likelihood, fit.reml)
    return {name: profiler.curve(a, cutoff) for name, a in asked.items()}
