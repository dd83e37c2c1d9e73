"""The profiled criterion as a function of the whitened point x, counting its evaluations."""

from dataclasses import dataclass, field

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone


@dataclass(slots=True)
class Objective:
    """f(x) and its gradient; `evaluations` is the only thing that changes."""

    likelihood: MarginalLikelihood
    reml: bool
    evaluations: int = field(default=0)

    def __call__(self, cone: Cone, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient (cone.size,); +inf and zeros where the factorisation breaks down."""
        self.evaluations += 1
        try:
            value, full = self.likelihood.with_full_gradient(cone.lambdas(x), self.reml)
        except (np.linalg.LinAlgError, ValueError):
            return np.inf, np.zeros(cone.size)
        return value, cone.pull(full)

    def at_theta(self, theta: np.ndarray) -> float:
        """Value at theta (m,)."""
        self.evaluations += 1
        return self.likelihood.criterion(theta, self.reml)

    def hessian(self, cone: Cone, x: np.ndarray, step: float = 1e-4) -> np.ndarray:
        """Central differences of the analytic gradient, (cone.size, cone.size)."""
        H = np.empty((x.size, x.size))
        for i in range(x.size):
            h = step * max(1.0, abs(x[i]))
            e = np.zeros(x.size)
            e[i] = h
            H[i] = (self(cone, x + e)[1] - self(cone, x - e)[1]) / (2 * h)
        return (H + H.T) / 2
