"""What could be done in the frequentist frame, tried: other optimisers, other scales, simpler random parts.

Each attempt is a fit of the same rows by the same criterion. `back` takes functions of the coefficients as first
written to those of the attempt, `shift` its criterion to the scale of the first (see `rescaled`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from bayeslmm.compare.triage.rescaled import rescaled
from bayeslmm.compare.triage.singular import constant_slopes
from bayeslmm.design.design import Design
from bayeslmm.design.simpler import (
    RandomPart,
    random_terms_of,
    simpler_parts,
    uncorrelated,
    whole,
    without_effect,
    written,
)
from bayeslmm.errors import DataError
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.point.estimates import estimates
from bayeslmm.point.optimise import Optimizer, optimise
from bayeslmm.results.fit import Fit

AFFORDABLE = 0.02  # seconds for an evaluation, of which optimisers without gradient need some hundred


@dataclass(frozen=True)
class Attempt:
    """One other way to fit.

    Attributes
    ----------
    kind
        "as fitted", "optimiser", "rescaled", "no correlation", "no slope", "no term" or "not singular".
    label, formula
        What was done, and the formula that does it.
    fit
        The fit.
    back
        (p, p): coefficients as first written from those of the fit.
    shift
        To be added to the criterion.
    """

    kind: str
    label: str
    formula: str
    fit: Fit
    back: np.ndarray
    shift: float = 0.0

    @property
    def criterion(self) -> float:
        """The criterion on the scale of the first fit."""
        return self.fit.criterion + self.shift

    @property
    def same_model(self) -> bool:
        """Whether it is meant to be the same model in another way."""
        return self.kind in ("as fitted", "optimiser", "rescaled")


def attempts(fit: Fit) -> tuple[Attempt, ...]:
    """Try everything that the formula allows; the fit itself comes first."""
    identity = np.eye(fit.design.p)
    text = fit.design.formula.written
    first = Attempt("as fitted", f"as fitted ({_name(fit)})", text, fit, identity)
    return (first, *_optimisers(fit, identity), *_rescaled(fit), *_simpler(fit, identity))


def _name(fit: Fit) -> str:
    return fit.optimizer.split()[0]


def _optimisers(fit: Fit, identity: np.ndarray) -> Iterator[Attempt]:
    if plain_seconds(fit.likelihood.structure, fit.design.p) > AFFORDABLE or not fit.likelihood.covariance.m:
        return
    for name in get_args(Optimizer):
        if name != _name(fit):
            other = _refit_by(fit, name)
            yield Attempt("optimiser", f"optimiser {name}", fit.design.formula.written, other, identity)


def _refit_by(fit: Fit, optimizer: Optimizer) -> Fit:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        optimum = optimise(fit.likelihood, fit.reml, optimizer)
        return replace(fit, optimum=optimum, estimates=estimates(fit.likelihood, optimum, fit.reml))


def _rescaled(fit: Fit) -> Iterator[Attempt]:
    for made in rescaled(fit.design):
        other = _refit(fit, made.design)
        if other is not None:
            shift = 2 * made.log_det if fit.reml else 0.0
            yield Attempt("rescaled", made.label, made.design.formula.written, other, made.back, shift)


def _simpler(fit: Fit, identity: np.ndarray) -> Iterator[Attempt]:
    formula = fit.design.formula
    found: list[str] = []
    for simpler in simpler_parts(formula, factors_of(fit.design)):
        other = _refit_part(fit, simpler.part)
        if other is not None:
            found.append(written(formula, simpler.part))
            yield Attempt(simpler.kind, simpler.label, found[-1], other, identity)
    more = (
        ("no slope", "no slopes of constant columns", without_constant_slopes(fit.design)),
        ("not singular", "simplified until not singular", _until_not_singular(fit)),
    )
    for kind, label, part in more:
        if part is not None and (text := written(formula, part)) not in found:
            other = _refit_part(fit, part)
            if other is not None:
                found.append(text)
                yield Attempt(kind, label, text, other, identity)


def without_constant_slopes(design: Design) -> RandomPart | None:
    """The random part without slopes that no level tells of (see `constant_slopes`); None where it has none."""
    part, factors = whole(design.formula), factors_of(design)
    for group, effect in constant_slopes(design):
        left = without_effect(design, part, group, effect, factors)
        part = part if left is None else left
    return part if part != whole(design.formula) else None


def factors_of(design: Design) -> frozenset[str]:
    """Names of the categorical variables."""
    return frozenset(design.recipe.levels)


def _until_not_singular(fit: Fit) -> RandomPart | None:
    """Take away what is singular, correlations first and intercepts last, until nothing is; None where that fails.

    The backward way of Bates, Kliegl, Vasishth & Baayen (2015, arXiv:1506.04967), without its tests.
    """
    formula, factors = fit.design.formula, factors_of(fit.design)
    part, now = whole(formula), fit
    while now.singularities:
        reason = min(now.singularities, key=lambda s: s.effects == ("(Intercept)",))
        correlated = any(k.correlated and len(k.terms) > 1 for k in _of_group(fit, part, reason.group))
        if reason.kind != "zero sd" or correlated:
            smaller: RandomPart | None = uncorrelated(formula, part, reason.group)
            if smaller == part:
                return None
        else:
            smaller = without_effect(fit.design, part, reason.group, reason.effects[0], factors)
        refitted = None if smaller is None else _refit_part(fit, smaller)
        if smaller is None or refitted is None:
            return None
        part, now = smaller, refitted
    return part if part != whole(formula) else None


def _of_group(fit: Fit, part: RandomPart, group: str) -> Iterator:
    return (k for bar, k in zip(fit.design.formula.random, part, strict=True) if bar.group.name == group)


def _refit_part(fit: Fit, part: RandomPart) -> Fit | None:
    return _refit(fit, replace(fit.design, terms=random_terms_of(fit.design, part)))


def _refit(fit: Fit, design: Design) -> Fit | None:
    """The same criterion for another design; None where it cannot be computed."""
    try:
        return fit.refit_design(design)
    except (np.linalg.LinAlgError, DataError):
        return None
