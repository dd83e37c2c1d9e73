"""Is this point an optimum? The conditions that `Certificate` records, and the way out where one fails.

With G = df/dV in the whitened basis, min f(V) over V >= 0 requires G X = 0 (the gradient by the factor X vanishes) and
N'G N >= 0 for a basis N of the directions without variance. The second cannot be seen from the gradient at X, which
is zero there by symmetry; but the derivative by an added column eps N is 2 eps G N, so one more evaluation shows it.
"""

import numpy as np

from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimum import Certificate

PROBE = 1e-4


def certify(objective: Objective, cone: Cone, x: np.ndarray) -> Certificate:
    """Check the conditions at a point x of a cone of fixed ranks."""
    _, g = objective(cone, x)
    norm = float(np.abs(g).max(initial=0.0))
    decrement, smallest = 0.0, np.inf
    if x.size:
        values, vectors = np.linalg.eigh(objective.hessian(cone, x))
        decrement, smallest = _decrement(values, vectors.T @ g), float(values[0])
    multipliers = [
        float(v) for curvature, _ in _null_curvature(objective, cone, x) for v in np.linalg.eigvalsh(curvature)
    ]
    return Certificate(norm, decrement, smallest, tuple(multipliers))


def escape(objective: Objective, cone: Cone, x: np.ndarray, size: float = 0.1) -> list[np.ndarray] | None:
    """Whitened factors with variance added where the criterion falls by it, or None at a true boundary."""
    factors = cone.split(x)
    improved = False
    for i, (curvature, N) in enumerate(_null_curvature(objective, cone, x)):
        if not N.shape[1]:
            continue
        values, vectors = np.linalg.eigh(curvature)
        down = values < -1e-6
        if down.any():
            factors[i] = np.hstack([factors[i], size * N @ vectors[:, down]])
            improved = True
    return factors if improved else None


def _decrement(values: np.ndarray, g: np.ndarray) -> float:
    """g'H^-1 g / 2 on the directions with positive curvature; flat ones count by the size of their gradient."""
    scale = max(float(values[-1]), 1e-12)
    flat = values < 1e-10 * scale
    safe = np.where(flat, scale, values)
    return float(0.5 * (g**2 / safe).sum())


def _null_curvature(objective: Objective, cone: Cone, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each block: N'G N (d, d) and N (k, d), the directions without variance."""
    factors = cone.split(x)
    spaces = [_complement(X) for X in factors]
    if not any(N.shape[1] for N in spaces):
        return [(np.zeros((0, 0)), N) for N in spaces]
    probes = [np.hstack([X, PROBE * N]) for X, N in zip(factors, spaces, strict=True)]
    objective.evaluations += 1
    _, full = objective.likelihood.with_full_gradient(cone.place(probes), objective.reml)
    out = []
    for b, N in zip(cone.blocks, spaces, strict=True):
        columns = full[b.term][np.ix_(b.effects, b.effects[b.rank :])]
        GN = b.root.T @ columns / (2 * PROBE)
        curvature = N.T @ GN
        out.append(((curvature + curvature.T) / 2, N))
    return out


def _complement(X: np.ndarray) -> np.ndarray:
    """Orthonormal basis (k, k - r) of what is orthogonal to the columns of X (k, r)."""
    k, r = X.shape
    return np.eye(k) if r == 0 else np.linalg.svd(X)[0][:, r:]
