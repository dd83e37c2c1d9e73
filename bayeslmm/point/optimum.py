"""What an optimiser found, and the proof that it is an optimum."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.point.cone import Cone


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
    """

    gradient_norm: float
    newton_decrement: float
    smallest_eigenvalue: float
    multipliers: tuple[float, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in words; empty where all conditions hold."""
        found = []
        if not np.isfinite(self.newton_decrement) or self.newton_decrement > 1e-6:
            found.append(f"the criterion could still fall by about {self.newton_decrement:.2g}")
        if self.smallest_eigenvalue < -1e-4:
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
    optimizer: str
    evaluations: int
    certificate: Certificate
