"""The default optimiser: descent by the exact gradient to the proven optimum, rank by rank.

1. Descent from a moment start over full-rank factors; nothing is bounded, because f is smooth and even across the
   boundary (see `cone`).
2. Directions whose variance went to (nearly) nothing are set to none, and the descent goes on at the lower rank.
3. The multipliers show whether the boundary is real; where f would fall by leaving it, the search goes on from there.
4. Where the optimum lies at the boundary, or few levels must tell several variances, the criterion can have more than
   one minimum: a start far out, and with few levels one close to none, guard against a local one; the best is kept.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.tiny import singular_values
from bayeslmm.point.certificate import Boundary, certify
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective, Point
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.quasi_newton import Descent, descend
from bayeslmm.point.start import moment_start

NEGLIGIBLE = 1e-2
NO_VARIANCE = 1e-6
MAX_ESCAPES = 10
FEW, SMALL = 5, 12
# factors of I to start from again: of 960 random designs with few levels the moment start missed the best of six minima
# in 15, together with the first of these in 4, and with both in 1
OTHERS, NEARBY = (10.0, 0.3), (1.0,)


@dataclass(frozen=True, slots=True)
class Found:
    """Where one start led, and what holds at the boundary there."""

    descent: Descent
    boundary: Boundary

    @property
    def point(self) -> Point:
        """Where."""
        return self.descent.point


def search(objective: Objective, near: np.ndarray | None = None) -> Optimum:
    """Minimise the criterion over theta; `near` (m,) takes the place of the moment start."""
    likelihood = objective.likelihood
    full = Cone.of(likelihood)
    hessian = None
    engine = likelihood.runner.small_engine
    if engine is None or near is not None:
        factors = moment_start(objective, full) if near is None else full.whitened(near)
        start = objective(*full.at(factors, NO_VARIANCE))
        found = _from(objective, full, descend(objective, start))
    else:
        from bayeslmm.point.small_search import from_moments

        descent, hessian = from_moments(objective, engine, full)
        found = _from(objective, full, descent)
        if found.point is not descent.point:
            hessian = None
    at_boundary = found.point.cone.size < full.size
    for size in _others(objective, full, at_boundary):
        start = objective(*full.at([size * np.eye(b.k) for b in full.blocks], NO_VARIANCE))
        other = _from(objective, full, descend(objective, start))
        if other.point.value < found.point.value - 1e-9 * max(1.0, abs(found.point.value)):
            found, hessian = other, None
    certificate = certify(objective, found.point, found.boundary, found.descent.hessian, hessian)
    return Optimum.of(found.point, "lbfgs (quasi-Newton, exact gradient)", objective.evaluations, certificate)


def _others(objective: Objective, full: Cone, at_boundary: bool) -> tuple[float, ...]:
    """Where to start again: nowhere, or from one or two places; from nearby where a search far from it takes long."""
    few = _few_levels(full)
    if full.size > SMALL:
        return NEARBY if few or at_boundary else ()
    return OTHERS if few else OTHERS[:at_boundary]


def _few_levels(cone: Cone) -> bool:
    """Whether some block has several effects and fewer levels than `FEW` times as many."""
    return any(b.k > 1 and cone.covariance.terms[b.term].n_levels < FEW * b.k for b in cone.blocks)


def _from(objective: Objective, full: Cone, descent: Descent) -> Found:
    """Go on from a first descent: settle on the ranks, leave false boundaries."""
    for _ in range(MAX_ESCAPES):
        descent = _settle(objective, descent)
        boundary = Boundary.at(objective, descent.point)
        better = boundary.escape(descent.point)
        if better is None:
            break
        ranks = [b.rank for b in descent.point.cone.blocks]
        point = _line_search(objective, full, better, descent.point, ranks)
        if point is descent.point:
            break
        descent = descend(objective, point)
    return Found(descent, boundary)


def _settle(objective: Objective, descent: Descent) -> Descent:
    """Set small singular values of the factors to zero, smallest first, as long as the criterion does not mind.

    A direction that only looks small has a negative multiplier at zero; `escape` then brings it back.
    """
    point = descent.point
    factors = point.cone.split(point.x)
    smallest = sorted(s for X in factors if X.size for s in singular_values(X) if s < NEGLIGIBLE)
    for s in reversed(smallest):
        lower = objective(*point.cone.at(factors, s * (1 + 1e-9)))
        if lower.value <= point.value + 1e-6:
            return descend(objective, lower)
    return descent


def _line_search(
    objective: Objective, full: Cone, factors: list[np.ndarray], reference: Point, ranks: list[int]
) -> Point:
    """Scale the added columns until the criterion is below the one without them; the reference where it never is."""
    for shrink in 0.3 ** np.arange(12):
        trial = [np.hstack([X[:, :r], shrink * X[:, r:]]) for X, r in zip(factors, ranks, strict=True)]
        point = objective(*full.at(trial, 0.0))
        if point.value < reference.value:
            return point
    return reference
