"""The same prior, wider or narrower."""

from dataclasses import replace

import numpy as np

from bayeslmm.bayes.distributions import (
    Cauchy,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Laplace,
    Logistic,
    LogNormal,
    Normal,
    Prior,
    StudentT,
    TruncatedNormal,
    Uniform,
    Weibull,
)
from bayeslmm.errors import ArgumentError

SCALES: dict[type[Prior], str] = {
    Normal: "sigma",
    StudentT: "sigma",
    TruncatedNormal: "sigma",
    HalfNormal: "sigma",
    HalfStudentT: "sigma",
    Cauchy: "beta",
    HalfCauchy: "beta",
    InverseGamma: "beta",
    Weibull: "beta",
    Laplace: "b",
    Logistic: "s",
}
RATES: dict[type[Prior], str] = {Exponential: "lam", Gamma: "beta"}


def has_width(prior: Prior) -> bool:
    """Whether `scaled` can widen it: not a flat prior, nor one of correlations, nor one of another library."""
    return type(prior) in SCALES or type(prior) in RATES or isinstance(prior, Uniform | LogNormal)


def scaled(prior: Prior, factor: float) -> Prior:
    """The prior, `factor` times as wide.

    A prior on the whole line is stretched about its centre, one on positive numbers from zero: the prior of
    `factor` times the parameter. Bounds of a `TruncatedNormal` stay where they are; those of a `Uniform` move.

    Raises
    ------
    ArgumentError
        It has no width.
    """
    kind = type(prior)
    if kind in SCALES:
        return replace(prior, **{SCALES[kind]: factor * getattr(prior, SCALES[kind])})
    if kind in RATES:
        return replace(prior, **{RATES[kind]: getattr(prior, RATES[kind]) / factor})
    if isinstance(prior, LogNormal):
        return LogNormal(prior.mu + float(np.log(factor)), prior.sigma)
    if isinstance(prior, Uniform):
        centre = 0.0 if prior.positive else (prior.lower + prior.upper) / 2
        return Uniform(centre + factor * (prior.lower - centre), centre + factor * (prior.upper - centre))
    raise ArgumentError(f"{prior} has no width that could be changed")
