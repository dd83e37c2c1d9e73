"""The default optimiser: quasi-Newton with the exact gradient, Newton to the end, rank by rank.

1. L-BFGS from a moment start over full-rank factors; nothing is bounded, because f is smooth and even across the
   boundary (see `cone`).
2. Directions whose variance went to (nearly) nothing are set to none, and what remains is polished by Newton steps.
3. The multipliers show whether the boundary is real; where f would fall by leaving it, the search goes on from there.
4. Where the optimum lies at the boundary a second start guards against a local one; the better is kept.
"""

import numpy as np
from scipy.optimize import minimize

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.certificate import certify, escape
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.start import moment_start, unit_start

NEGLIGIBLE = 1e-2
NO_VARIANCE = 1e-6


def lbfgs(likelihood: MarginalLikelihood, reml: bool) -> Optimum:
    """Minimise the criterion over theta."""
    objective = Objective(likelihood, reml)
    full = Cone.of(likelihood)
    value, cone, x = _search(objective, full, moment_start(objective, full))
    if cone.size < full.size:
        other = _search(objective, full, unit_start(full))
        if other[0] < value - 1e-9 * max(1.0, abs(value)):
            value, cone, x = other
    certificate = certify(objective, cone, x)
    theta = cone.theta(x)
    return Optimum(
        theta, value, cone, x, "lbfgs (analytic gradient, Newton polish)", objective.evaluations, certificate
    )


def _search(objective: Objective, full: Cone, factors: list[np.ndarray]) -> tuple[float, Cone, np.ndarray]:
    """One start: descend, settle on the ranks, polish; leave false boundaries."""
    for _ in range(10):
        cone, x = full.at(factors, NO_VARIANCE)
        x = _descend(objective, cone, x)
        cone, x = _settle(objective, cone, x)
        value, x = _newton(objective, cone, x)
        better = escape(objective, cone, x)
        if better is None:
            break
        factors = _line_search(objective, full, factors=better, reference=value, ranks=[b.rank for b in cone.blocks])
    return value, cone, x


def _descend(objective: Objective, cone: Cone, x: np.ndarray) -> np.ndarray:
    if not x.size:
        return x
    value = objective(cone, x)[0]
    shift = value if np.isfinite(value) else 0.0

    def shifted(z: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = objective(cone, z)
        return f - shift, g

    found = minimize(
        shifted,
        x,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 500, "gtol": 1e-5, "ftol": 1e-13, "maxcor": 20},
    )
    return np.asarray(found.x)


def _settle(objective: Objective, cone: Cone, x: np.ndarray) -> tuple[Cone, np.ndarray]:
    """Set small singular values of the factors to zero, smallest first, as long as the criterion does not mind.

    A direction that only looks small has a negative multiplier at zero; `escape` then brings it back.
    """
    value = objective(cone, x)[0]
    smallest = sorted(s for X in cone.split(x) for s in np.linalg.svd(X, compute_uv=False) if s < NEGLIGIBLE)
    for s in reversed(smallest):
        lower, z = cone.at(cone.split(x), s * (1 + 1e-9))
        if objective(lower, z)[0] <= value + 1e-6:
            return lower, z
    return cone, x


def _newton(objective: Objective, cone: Cone, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Newton steps with the Hessian by differences of the gradient; each step must lower the criterion."""
    value, g = objective(cone, x)
    for _ in range(20):
        if not x.size:
            break
        values, vectors = np.linalg.eigh(objective.hessian(cone, x))
        curvature = np.maximum(np.abs(values), 1e-8 * max(1.0, np.abs(values).max()))
        step = -vectors @ ((vectors.T @ g) / curvature)
        decrement = -0.5 * float(g @ step)
        moved = _shorten(objective, cone, x, step, value)
        if moved is None:
            break
        x, value, g = moved
        if decrement < 1e-11:
            break
    return value, x


def _shorten(
    objective: Objective, cone: Cone, x: np.ndarray, step: np.ndarray, value: float
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """The longest of the steps 1, 1/4, 1/16, ... that does not raise the criterion."""
    slack = 1e-13 * max(1.0, abs(value))
    for shrink in 0.25 ** np.arange(8):
        f, g = objective(cone, x + shrink * step)
        if f <= value + slack:
            return x + shrink * step, f, g
    return None


def _line_search(
    objective: Objective, full: Cone, factors: list[np.ndarray], reference: float, ranks: list[int]
) -> list[np.ndarray]:
    """Scale the added columns until the criterion is below the one without them."""
    for shrink in 0.3 ** np.arange(12):
        trial = [np.hstack([X[:, :r], shrink * X[:, r:]]) for X, r in zip(factors, ranks, strict=True)]
        cone, x = full.at(trial, 0.0)
        if objective(cone, x)[0] < reference:
            return trial
    return factors
