"""The constrained optimum on a chart, found from one nearby: quasi-Newton steps with the exact gradient.

Along a profile the optimum moves little from point to point, and so does the curvature there: both are handed on.
Updates of the Hessian are BFGS's where the step curves upwards (Nocedal & Wright 2006, eq. 6.19); steps go along the
eigenvectors with curvatures by their absolute values, as in `quasi_newton`.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.point.charts import Chart, Told

ENOUGH = 1e-10
MAX_STEPS = 100
ARMIJO = 1e-4
STEP = 1e-4
LIFT = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """A constrained optimum.

    Attributes
    ----------
    t, z
        Where: the path parameter, and the free coordinates (s,) of the chart.
    told
        The criterion and the model there.
    hessian
        (s, s): curvature in z, as far as it is known.
    """

    t: float
    z: np.ndarray
    told: Told
    hessian: np.ndarray


def begin(chart: Chart, t: float, z: np.ndarray) -> Place:
    """The constrained optimum near z (s,), from a Hessian by differences of the gradient."""
    told = chart.tell(t, z)
    H = np.empty((z.size, z.size))
    for i in range(z.size):
        h = np.zeros(z.size)
        h[i] = STEP * max(1.0, abs(z[i]))
        H[i] = (chart.tell(t, z + h).by_free - told.by_free) / h[i]
    return follow(chart, t, Place(t, z, told, (H + H.T) / 2))


def follow(chart: Chart, t: float, near: Place) -> Place:
    """The constrained optimum at t, from the one at a nearby t; directions without variance are tried, too."""
    found = _descend(chart, t, near.z, near.hessian)
    lifted = chart.lifted(found.z, LIFT)
    if lifted is None:
        return found
    other = _descend(chart, t, lifted, near.hessian)
    return other if other.told.value < found.told.value - 1e-8 else found


def without(chart: Chart, near: Place, entry: int) -> Place:
    """The constrained optimum among those with zero in one entry of z, by which the derivative vanishes there."""
    z, H = near.z.copy(), near.hessian.copy()
    z[entry], H[entry], H[:, entry], H[entry, entry] = 0.0, 0.0, 0.0, 1.0
    return _descend(chart, near.t, z, H, held=entry)


def _descend(chart: Chart, t: float, z: np.ndarray, H: np.ndarray, held: int | None = None) -> Place:
    told = chart.tell(t, z)
    for _ in range(MAX_STEPS if z.size else 0):
        step, decrement = _step(H, told.by_free, z)
        if held is not None:
            step[held] = 0.0  # a rounding error would grow at a saddle
        if decrement < ENOUGH:
            break
        moved = _shorten(chart, t, z, told, step)
        if moved is None:
            break
        s, y = moved[0] - z, moved[1].by_free - told.by_free
        z, told = moved
        H = _updated(H, s, y)
    return Place(t, z, told, H)


def _step(H: np.ndarray, g: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eigh(H)
    along = vectors.T @ g
    curvature = np.maximum(np.abs(values), 1e-6 * max(1.0, float(np.abs(values).max())))
    step = -vectors @ (along / curvature)
    limit = max(1.0, float(np.linalg.norm(z)))
    length = float(np.linalg.norm(step))
    return step * min(1.0, limit / max(length, 1e-300)), float(0.5 * (along**2 / curvature).sum())


def _shorten(chart: Chart, t: float, z: np.ndarray, told: Told, step: np.ndarray) -> tuple[np.ndarray, Told] | None:
    """The first of the shortened steps that lowers the criterion by enough; None where none does."""
    slope = float(told.by_free @ step)
    noise = 1e-13 * max(1.0, abs(told.value))
    share = 1.0
    while share > 1e-6:
        moved = z + share * step
        try:
            found = chart.tell(t, moved)
        except (np.linalg.LinAlgError, ValueError):
            share *= 0.1
            continue
        if found.value <= told.value + ARMIJO * share * slope + noise:
            return moved, found
        bend = found.value - told.value - slope * share
        best = -slope * share**2 / (2 * bend) if np.isfinite(bend) else 0.0
        share = float(np.clip(best, 0.1 * share, 0.5 * share))
    return None


def _updated(H: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """BFGS where the step curved upwards and the model does; symmetric rank one elsewhere."""
    Hs = H @ s
    curved, modelled = float(s @ y), float(s @ Hs)
    small = 1e-10 * float(s @ s)
    if curved > small and modelled > small:
        return H + np.outer(y, y) / curved - np.outer(Hs, Hs) / modelled
    r = y - Hs
    rs = float(r @ s)
    if abs(rs) <= 1e-8 * float(np.linalg.norm(r) * np.linalg.norm(s)):
        return H
    return H + np.outer(r, r) / rs
