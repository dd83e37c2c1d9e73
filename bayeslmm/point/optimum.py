"""What an optimiser found, and the proof that it is an optimum."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import DataError
from bayeslmm.likelihood.evaluation import Evaluation
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Point

SADDLE = -1e-4


@dataclass(frozen=True, slots=True)
class Certificate:
    """Karush-Kuhn-Tucker conditions of min f(V) over positive semi-definite V, checked where the optimiser stopped.

    Attributes
    ----------
    gradient_norm
        Largest derivative by an entry of the whitened factor; 0 at an optimum.
    newton_decrement
        How much lower the criterion could still be, by its second-order expansion.
    smallest_eigenvalue
        Of the Hessian on the free directions; negative at a saddle.
    multipliers
        At the boundary: derivatives of f by the variance of the directions that have none; negative where f would
        fall by giving them some. Empty inside.
    hessian
        Where the Hessian behind the decrement and the eigenvalue comes from: "differences of the gradient", or for
        large problems, where these would cost more than the fit, "quasi-Newton".
    """

    gradient_norm: float
    newton_decrement: float
    smallest_eigenvalue: float
    multipliers: tuple[float, ...]
    hessian: str = "differences of the gradient"

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in words; empty where all conditions hold."""
        found = []
        if not np.isfinite(self.newton_decrement) or self.newton_decrement > 1e-6:
            found.append(f"the criterion could still fall by about {self.newton_decrement:.2g}")
        if self.smallest_eigenvalue < SADDLE:
            found.append(f"the point is a saddle (Hessian eigenvalue {self.smallest_eigenvalue:.2g})")
        if self.multipliers and min(self.multipliers) < -1e-4:
            found.append(f"a variance at zero would rather grow (derivative {min(self.multipliers):.2g})")
        return tuple(found)

    @property
    def ok(self) -> bool:
        """Whether all conditions hold."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where an optimiser stopped.

    Attributes
    ----------
    theta
        (m,), canonical.
    value
        The criterion there.
    cone, x
        The same point in whitened coordinates, with the rank of each block.
    evaluation
        What the likelihood tells there.
    optimizer
        Which optimiser, in words.
    evaluations
        How many evaluations of the criterion or of its gradient it took, all starts and the certificate included.
    certificate
        The proof, or what is missing for one.
    """

    theta: np.ndarray
    value: float
    cone: Cone
    x: np.ndarray
    evaluation: Evaluation
    optimizer: str
    evaluations: int
    certificate: Certificate

    @classmethod
    def of(cls, point: Point, optimizer: str, evaluations: int, certificate: Certificate) -> "Optimum":
        """The optimum at a point of the search space."""
        if point.evaluation is None:
            raise DataError(
                "the likelihood cannot be evaluated at any point of the search: the numbers are too large, or too "
                "different in size. Rescale the response and the predictors (divide by their sd)"
            )
        theta = point.cone.theta(point.x)
        return cls(theta, point.value, point.cone, point.x, point.evaluation, optimizer, evaluations, certificate)
