"""lme4's way: BOBYQA (Powell 2009) or Nelder-Mead on theta, from Lambda = I, with the diagonal bounded below by 0.

The tolerances, the restart at an edge and the snap to the boundary are those of lme4's `lmerControl`
(`nloptwrap`: xtol_abs = ftol_abs = 1e-8; `restart_edge`; `boundary.tol = 1e-5`), so that BOBYQA stops where lme4 stops
by default, which is usually 1e-12 to 1e-6 above the optimum. The certificate is ours, and says so where it is not one.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from bayeslmm.point.certificate import Boundary, certify
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimum import Optimum

TOLERANCE = 1e-8
EDGE = 1e-5
MAX_EVALUATIONS = 100_000
RANK_TOLERANCE = 1e-4


def derivative_free(objective: Objective, method: Literal["bobyqa", "nelder-mead"]) -> Optimum:
    """Minimise the criterion over theta without derivatives."""
    likelihood, reml = objective.likelihood, objective.reml
    covariance = likelihood.covariance
    lower = np.where(covariance.on_diagonal, 0.0, -np.inf)
    theta = covariance.on_diagonal.astype(float)
    theta = _run(objective, theta, lower, method)
    if _falls_inwards(objective.at_theta, theta, lower):
        theta = _run(objective, theta, lower, method)
    theta, value = _snap(objective.at_theta, theta, lower)
    full = Cone.of(likelihood)
    point = objective(*full.at(full.whitened(theta), RANK_TOLERANCE))
    certificate = certify(objective, point, Boundary.at(objective, point))
    evaluation = likelihood.evaluate_theta(theta, reml)
    name = {"bobyqa": "bobyqa (NLopt LN_BOBYQA, as lme4)", "nelder-mead": "nelder-mead (NLopt LN_NELDERMEAD)"}[method]
    return Optimum(theta, value, point.cone, point.x, evaluation, name, objective.evaluations, certificate)


def _run(objective: Objective, start: np.ndarray, lower: np.ndarray, method: str) -> np.ndarray:
    import nlopt

    algorithm = {"bobyqa": nlopt.LN_BOBYQA, "nelder-mead": nlopt.LN_NELDERMEAD}[method]
    optimizer = nlopt.opt(algorithm, start.size)
    optimizer.set_min_objective(lambda theta, _: _finite(objective.at_theta, theta))
    optimizer.set_lower_bounds(lower)
    optimizer.set_xtol_abs(TOLERANCE)
    optimizer.set_ftol_abs(TOLERANCE)
    optimizer.set_maxeval(MAX_EVALUATIONS)
    try:
        return np.asarray(optimizer.optimize(np.maximum(start, lower)))
    except nlopt.RoundoffLimited:
        return start


def _finite(f: Callable[[np.ndarray], float], theta: np.ndarray) -> float:
    try:
        value = f(np.array(theta))
    except np.linalg.LinAlgError:
        return 1e300
    return value if np.isfinite(value) else 1e300


def _falls_inwards(f: Callable[[np.ndarray], float], theta: np.ndarray, lower: np.ndarray) -> bool:
    """Whether the criterion falls a little way inside of a bound that was hit (lme4's `restart_edge`)."""
    at_bound = np.flatnonzero(theta == lower).tolist()
    value = f(theta) if at_bound else 0.0
    return any(f(_replaced(theta, i, lower[i] + EDGE)) < value for i in at_bound)


def _snap(f: Callable[[np.ndarray], float], theta: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, float]:
    """Move elements within 1e-5 of their bound onto it where that does not raise the criterion."""
    value = f(theta)
    for i in np.flatnonzero(theta - lower < EDGE).tolist():
        trial = _replaced(theta, i, lower[i])
        lowered = f(trial)
        if lowered < value:
            theta, value = trial, lowered
    return theta, value


def _replaced(theta: np.ndarray, i: int, value: float) -> np.ndarray:
    out = theta.copy()
    out[i] = value
    return out
