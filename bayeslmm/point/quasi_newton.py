"""Descent with the exact gradient and a structured quasi-Newton model of the curvature.

The Hessian is `H = model + E`: `model` is the closed form of `information`, made anew at each point, and E what secants
have shown to be missing, by symmetric rank-one updates (Nocedal & Wright 2006, section 6.2; structured updates:
Dennis, Gay & Welsch 1981). Eigenvalues are taken by their absolute values, so that steps go downhill; a step is at
most as long as the point is far from zero, and is shortened until the criterion falls.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.point.information import model_hessian
from bayeslmm.point.objective import Objective, Point

PRECISE, ENOUGH = 1e-13, 1e-8
CHEAP = 2e-3
MAX_STEPS = 200
ARMIJO = 1e-4


@dataclass(frozen=True, slots=True)
class Descent:
    """Where the descent stopped, and the Hessian (cone.size, cone.size) that it had by then."""

    point: Point
    hessian: np.ndarray


def descend(objective: Objective, start: Point) -> Descent:
    """Go down from a point until the predicted decrease is nothing, or no step lowers the criterion.

    "Nothing" is 1e-13 where an evaluation takes a millisecond, and 1e-8 where it takes long: estimates within 0.0002 of
    their standard errors.
    """
    structure = objective.likelihood.structure
    n_levels, seconds = structure.J, plain_seconds(structure, objective.likelihood.p)
    enough = PRECISE if seconds < CHEAP else ENOUGH
    point = start
    E = np.zeros((start.x.size, start.x.size))
    nu = objective.likelihood.nu(objective.reml)
    model = model_hessian(point, n_levels, nu)
    for _ in range(MAX_STEPS if start.x.size else 0):
        step, decrement = _step(model + E, point)
        if decrement < enough:
            break
        moved = _shorten(objective, point, step)
        if moved is None:
            break
        s, y = moved.x - point.x, moved.g - point.g
        point, model = moved, model_hessian(moved, n_levels, nu)
        E = _secant(E, y - model @ s, s)
    return Descent(point, model + E)


def _step(H: np.ndarray, point: Point) -> tuple[np.ndarray, float]:
    """The step, and the decrease that the model predicts for it, g'H^-1 g / 2."""
    values, vectors, _ = lapack.dsyevd(H)  # NumPy's checks take longer than a small eigenproblem
    size = np.abs(values)
    along = vectors.T @ point.g
    curvature = np.maximum(size, 1e-6 * size.max())
    step = -vectors @ (along / curvature)
    decrement = float(0.5 * (along**2 / curvature).sum())
    length, limit = float(np.sqrt(step @ step)), max(1.0, float(np.sqrt(point.x @ point.x)))
    return step * min(1.0, limit / max(length, 1e-300)), decrement


def _shorten(objective: Objective, point: Point, step: np.ndarray) -> Point | None:
    """The first of the shortened steps that lowers the criterion by enough; None where none does."""
    slope = float(point.g @ step)
    noise = 1e-13 * max(1.0, abs(point.value))
    share = 1.0
    while share > 1e-6:
        moved = objective(point.cone, point.x + share * step)
        if moved.value <= point.value + ARMIJO * share * slope + noise:
            return moved
        # the minimum of the parabola through both values and the slope
        bend = moved.value - point.value - slope * share
        best = -slope * share**2 / (2 * bend) if np.isfinite(bend) else 0.0
        share = float(np.clip(best, 0.1 * share, 0.5 * share))
    return None


def _secant(E: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Symmetric rank-one update to E s = y, left out where it would divide by nearly nothing."""
    r = y - E @ s
    rs = float(r @ s)
    if abs(rs) <= 1e-8 * np.sqrt((r @ r) * (s @ s)):
        return E
    return E + np.outer(r, r) / rs
