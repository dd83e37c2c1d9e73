"""The default prior of every parameter, in the units of the response, with the reason in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayeslmm.bayes.distributions import LKJ, HalfStudentT, Normal, Prior
from bayeslmm.bayes.names import TermNames, short
from bayeslmm.bayes.scales import ResponseScale, level_columns, level_values, means, root_mean_square, spreads
from bayeslmm.design import Design, RandomTerm

Kind = Literal["beta", "sd", "cor", "sigma"]
AT_MEAN = "; at mean X"
FAR = 10.0


@dataclass(frozen=True, slots=True)
class Slot:
    """One parameter and its prior.

    Attributes
    ----------
    kind
        "beta", "sd", "cor" or "sigma".
    keys
        Names by which its prior can be given, most specific first. The first is the parameter's own.
    prior, why
        The prior, and where it comes from.
    scale
        How large the parameter typically is: where sampling starts if the prior does not say.
    group
        The grouping factor of an sd or of correlations.
    default
        Whether nobody chose this prior.
    unit
        Of the parameter, in words; "" for correlations.
    size
        Spread of the column that it multiplies: `size` times the parameter is in units of the response.
    """

    kind: Kind
    keys: tuple[str, ...]
    prior: Prior
    why: str
    scale: float
    group: str = ""
    default: bool = True
    unit: str = ""
    size: float = 1.0


def centring(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Which coefficients are intercepts (p,), and the means (p,) of the other columns, where there is one."""
    levels = level_columns(design.X)
    centre = np.where(levels, 0.0, means(design.X, design.weights)) if levels.any() else np.zeros(design.p)
    return levels, centre / level_values(design.X, levels)[levels].mean() if levels.any() else centre


def default_slots(design: Design, levels: np.ndarray) -> Iterator[Slot]:
    """Yield the slots of fixed effects, sds and correlations, and sigma; `levels` (p,) as `centring` gives them."""
    y, label = ResponseScale.of(design), _label(design)
    yield from _default_beta(design, y, levels, label)
    reach, what = (y.sd, f"sd({label})") if levels.any() else (y.from_zero, f"rms({label})")
    for term in design.terms:
        yield from _default_term(design, term, reach, what)
    why = f"sd({label})"
    yield Slot("sigma", ("sigma",), HalfStudentT(3, y.noise), why, y.noise, unit=label, size=y.sd / y.noise)


def _default_beta(design: Design, y: ResponseScale, levels: np.ndarray, label: str) -> Iterator[Slot]:
    reserved = {"beta", "sd", "cor", "sigma"} | {n for t in design.terms for n in TermNames.of(t)}
    values = level_values(design.X, levels)
    if levels.any():
        reach, how, size = y.sd, "sd", spreads(design.X, design.coef_names, design.weights)
    else:
        reach, how, size = y.from_zero, "rms", root_mean_square(design.X, design.weights)
    for j, name in enumerate(map(short, design.coef_names)):
        keys = (f"beta[{name}]",) if name in reserved else (name, f"beta[{name}]")
        keys = (*keys, "(Intercept)") if design.coef_names[j] == "(Intercept)" else (*keys, "beta")
        if levels[j]:
            why = f"mean, 2.5 sd of {label}" + ("" if levels.all() else AT_MEAN)
            prior = Normal(y.mean / values[j], 2.5 * y.sd / abs(values[j]))
        else:
            why = f"2.5 {how}({label}) / {how}({name})"
            prior = Normal(0, 2.5 * reach / size[j])
        unit = _unit(label, name, design.X[:, j])
        yield Slot(
            "beta", keys, prior, why, prior.sigma, unit=unit, size=abs(values[j]) if levels[j] else float(size[j])
        )


def _default_term(design: Design, term: RandomTerm, reach: float, what: str) -> Iterator[Slot]:
    names, levels = TermNames.of(term), level_columns(term.Z)
    size = np.where(levels, np.abs(level_values(term.Z, levels)), spreads(term.Z, term.effects, design.weights))
    label = _label(design)
    for j, (effect, level, scale) in enumerate(zip(term.effects, levels, reach / size, strict=True)):
        own = tuple(f"{names.sd}[{e}]" for e in dict.fromkeys((short(effect), effect)))
        why = what if level else f"{what} / sd({effect})"
        keys, unit = (*own, names.sd, "sd"), _unit(label, effect, term.Z[:, j])
        yield Slot("sd", keys, HalfStudentT(3, scale), why, scale, term.group, unit=unit, size=float(size[j]))
    if term.pairs:
        why = "slightly against large correlations"
        yield Slot("cor", (names.cor, "cor"), LKJ(2), why, 1.0, term.group)


def far_from_zero(design: Design, term: RandomTerm) -> list[tuple[str, str, float]]:
    """Correlated intercepts and columns whose data lie far from zero: (intercept, column, |mean| / sd).

    Such an intercept varies by as many sds of the slope as zero is away, which the default prior of its sd rules out.
    """
    levels, w = level_columns(term.Z), design.weights
    distance = np.abs(means(term.Z, w)) / spreads(term.Z, term.effects, w)
    return [
        (term.effects[i], term.effects[j], float(distance[j]))
        for block in term.blocks
        for i in block
        for j in block
        if levels[i] and not levels[j] and distance[j] > FAR
    ]


def _unit(label: str, name: str, x: np.ndarray) -> str:
    """Unit of what multiplies x (n,): the response's own for levels and for differences between levels."""
    return label if ((x == 0) | (x == 1)).all() else f"{label} per {name}"


def _label(design: Design) -> str:
    label = design.response if len(design.response) <= 24 else "y"
    return f"{label} - offset" if design.has_offset else label
