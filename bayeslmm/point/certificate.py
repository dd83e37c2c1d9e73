"""Is this point an optimum? The conditions that `Certificate` records, and the way out where one fails.

With G = df/dV in the whitened basis, min f(V) over V >= 0 requires G X = 0 (the gradient by the factor X vanishes) and
N'G N >= 0 for a basis N of the directions without variance. The second cannot be seen from the gradient at X, which
is zero there by symmetry; but the derivative by an added column eps N is 2 eps G N, so one more evaluation shows it.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.marginal import flattened
from bayeslmm.likelihood.plain import split
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.likelihood.tiny import eigen
from bayeslmm.point.objective import Objective, Point
from bayeslmm.point.optimum import SADDLE, Certificate

PROBE = 1e-4
LOOKS = 12
AFFORDABLE = 0.25  # seconds of plain work for a Hessian by differences


@dataclass(frozen=True, slots=True)
class Boundary:
    """What holds at the directions without variance, block by block.

    Attributes
    ----------
    curvature
        N'G N (d, d): derivatives of the criterion by the variance of these directions.
    basis
        N (k, d).
    """

    curvature: tuple[np.ndarray, ...]
    basis: tuple[np.ndarray, ...]

    @classmethod
    def at(cls, objective: Objective, point: Point) -> "Boundary":
        """Probe them with one evaluation, where there are any."""
        cone = point.cone
        factors = cone.split(point.x)
        spaces = tuple(_complement(X) for X in factors)
        if not any(N.shape[1] for N in spaces):
            return cls(tuple(np.zeros((0, 0)) for _ in spaces), spaces)
        probes = [np.hstack([X, PROBE * N]) for X, N in zip(factors, spaces, strict=True)]
        objective.evaluations += 1
        likelihood = objective.likelihood
        found = likelihood.evaluate(flattened(cone.place(probes)), objective.reml)
        full = split(likelihood.structure, found.gradient)
        out = []
        for b, N in zip(cone.blocks, spaces, strict=True):
            columns = full[b.term][np.ix_(b.effects, b.effects[b.rank :])]
            curvature = N.T @ (b.root.T @ columns) / (2 * PROBE)
            out.append((curvature + curvature.T) / 2)
        return cls(tuple(out), spaces)

    @property
    def multipliers(self) -> tuple[float, ...]:
        """Eigenvalues of all N'G N; not negative at an optimum."""
        return tuple(float(v) for C in self.curvature for v in np.linalg.eigvalsh(C))

    def escape(self, point: Point, size: float = 0.1) -> list[np.ndarray] | None:
        """Whitened factors with variance added where the criterion falls by it, or None at a true boundary."""
        factors = point.cone.split(point.x)
        improved = False
        for i, (C, N) in enumerate(zip(self.curvature, self.basis, strict=True)):
            values, vectors = np.linalg.eigh(C)
            down = values < -1e-6
            if down.any():
                factors[i] = np.hstack([factors[i], size * N @ vectors[:, down]])
                improved = True
        return factors if improved else None


def certify(
    objective: Objective,
    point: Point,
    boundary: Boundary,
    approximate: np.ndarray | None = None,
    hessian: np.ndarray | None = None,
) -> Certificate:
    """Check the conditions at a point.

    Parameters
    ----------
    objective, point
        The criterion, and where.
    boundary
        What holds at directions without variance.
    approximate
        (cone.size, cone.size): the Hessian that is used where one by differences of the gradient, one evaluation for
        each element, would cost too much.
    hessian
        The one by differences, where it is known already.
    """
    norm = float(np.abs(point.g).max(initial=0.0))
    if not point.x.size:
        return Certificate(norm, 0.0, np.inf, boundary.multipliers, "exact")
    likelihood = objective.likelihood
    source = "differences of the gradient"
    if hessian is None:
        costly = point.x.size * plain_seconds(likelihood.structure, likelihood.p) > AFFORDABLE
        if approximate is not None and costly:
            hessian, source = _looked_into(objective, point, approximate), "quasi-Newton"
        else:
            hessian = objective.hessian(point)
    values, vectors = eigen(hessian)
    if values[0] < SADDLE and source != "quasi-Newton":
        # the error of forward differences looks like this too, where effects differ much in size
        values, vectors = np.linalg.eigh(objective.hessian(point, central=True))
    decrement = _decrement(values, vectors.T @ point.g)
    return Certificate(norm, decrement, float(values[0]), boundary.multipliers, source)


def _looked_into(objective: Objective, point: Point, H: np.ndarray) -> np.ndarray:
    """Correct an approximate Hessian where it curves downwards: one evaluation shows the true curvature there."""
    for _ in range(LOOKS):
        values, vectors = np.linalg.eigh(H)
        if values[0] >= SADDLE:
            break
        v = vectors[:, 0]
        h = 1e-4 * max(1.0, float(np.abs(point.x * v).max() / np.abs(v).max()))
        Hv = (objective(point.cone, point.x + h * v).g - point.g) / h
        # the symmetric matrix nearest to H that maps v to Hv (Powell's update)
        r = Hv - H @ v
        H = H + np.outer(r, v) + np.outer(v, r) - float(r @ v) * np.outer(v, v)
    return H


def _decrement(values: np.ndarray, g: np.ndarray) -> float:
    """g'H^-1 g / 2 on the directions with positive curvature; flat ones count by the size of their gradient."""
    scale = max(float(values[-1]), 1e-12)
    flat = values < 1e-10 * scale
    safe = np.where(flat, scale, values)
    return float(0.5 * (g**2 / safe).sum())


def _complement(X: np.ndarray) -> np.ndarray:
    """Orthonormal basis (k, k - r) of what is orthogonal to the columns of X (k, r)."""
    k, r = X.shape
    return np.eye(k)[:, : k - r] if r in (0, k) else np.linalg.svd(X)[0][:, r:]
