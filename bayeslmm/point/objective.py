"""The profiled criterion at points of the search space, counting its evaluations."""

from dataclasses import dataclass, field

import numpy as np

from bayeslmm.likelihood.evaluation import Evaluation
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.progress import Progress


@dataclass(frozen=True, slots=True)
class Point:
    """The criterion at one point.

    Attributes
    ----------
    cone, x
        Where: ranks, and the entries of the whitened factors (cone.size,).
    value
        -2 log L; +inf where the factorisation breaks down.
    g
        (cone.size,): gradient.
    evaluation
        All that the likelihood told there; None where it broke down.
    """

    cone: Cone
    x: np.ndarray
    value: float
    g: np.ndarray
    evaluation: Evaluation | None


@dataclass(slots=True)
class Objective:
    """f(x) and its gradient; only the count of evaluations changes."""

    likelihood: MarginalLikelihood
    reml: bool
    evaluations: int = field(default=0)
    progress: Progress = field(default_factory=Progress, repr=False)

    def __call__(self, cone: Cone, x: np.ndarray) -> Point:
        """Evaluate at x (cone.size,)."""
        self.evaluations += 1
        try:
            found = self.likelihood.evaluate(cone.map @ x, self.reml)
        except (np.linalg.LinAlgError, ValueError):
            return Point(cone, x, np.inf, np.zeros(x.size), None)
        value = self.likelihood.value(found.parts, self.reml)
        self.progress.tell(self.evaluations, value)
        return Point(cone, x, value, found.gradient @ cone.map, found)

    def at_theta(self, theta: np.ndarray) -> float:
        """Value at theta (m,)."""
        self.evaluations += 1
        value = self.likelihood.criterion(theta, self.reml)
        self.progress.tell(self.evaluations, value)
        return value

    def hessian(self, point: Point, step: float = 1e-4, central: bool = False) -> np.ndarray:
        """Differences of the analytic gradient, forward or central, (cone.size, cone.size)."""
        x = point.x
        H = np.empty((x.size, x.size))
        for i in range(x.size):
            h = np.zeros(x.size)
            h[i] = step * max(1.0, abs(x[i]))
            behind = self(point.cone, x - h).g if central else point.g
            H[i] = (self(point.cone, x + h).g - behind) / (h[i] * (2 if central else 1))
        return (H + H.T) / 2
