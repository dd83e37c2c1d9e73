"""Satterthwaite's degrees of freedom for contrasts of the fixed effects.

For a contrast l with variance `v(phi) = l'Var(beta_hat; phi) l`, phi = (covariance parameters, sigma),

    df = 2 v^2 / (g'C g),    g = dv/dphi,    C = 2 H^-1,    H = Hessian of the criterion in phi

(Satterthwaite 1946; Giesbrecht & Burns 1985; for F tests Fai & Cornelius 1996; as in lmerTest, Kuznetsova, Brockhoff
& Christensen 2017). g and H are exact (see `curvature`).

The boundary. phi are the whitened coordinates of the search (see `cone`) on matrices of the rank that the fit has. At a
singular fit the directions that would give variance to a combination of effects that has none are left out: by symmetry
they have a zero derivative and no second derivative with the others, so this is what the formula says at the boundary,
and it treats those variances as known to be zero. The df are then those of the model without these directions, and
larger than they would be if their uncertainty counted; `notes` says so.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.curvature import Curvature, curvature
from bayeslmm.point.inference import Inference
from bayeslmm.point.optimum import Optimum


@dataclass(frozen=True)
class Satterthwaite(Inference):
    """All that the degrees of freedom of any contrast need.

    Attributes
    ----------
    derivatives
        (s, p, p): of Var(beta_hat) by the s elements of phi.
    parameter_covariance
        (s, s): C.
    """

    derivatives: np.ndarray
    parameter_covariance: np.ndarray

    @classmethod
    def of(cls, likelihood: MarginalLikelihood, optimum: Optimum, reml: bool) -> "Satterthwaite":
        """Differentiate at the optimum."""
        sigma = likelihood.sigma(optimum.evaluation.parts, reml)
        found = curvature(likelihood, optimum.cone, optimum.x, sigma, reml)
        return cls.from_curvature(found, boundary_notes(optimum.cone))

    @classmethod
    def from_curvature(cls, found: Curvature, notes: tuple[str, ...] = ()) -> "Satterthwaite":
        """From derivatives at any point."""
        return cls(found.vcov, "satterthwaite", notes, found.derivatives, found.parameter_covariance)

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of each row of L (m, p): (m,); infinite where the variance does not depend on phi."""
        g = np.einsum("mi,sij,mj->ms", L, self.derivatives, L)
        return moment_df(self.variances(L), g, self.parameter_covariance)


def moment_df(v: np.ndarray, g: np.ndarray, C: np.ndarray) -> np.ndarray:
    """2 v^2 / (g'C g): df of the chi-square whose first two moments match v_hat; v (m,), g (m, s), C (s, s)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * v**2 / np.einsum("ms,st,mt->m", g, C, g)


def boundary_notes(cone: Cone) -> tuple[str, ...]:
    """What was left out at a singular fit, in words; empty where nothing was."""
    left_out = sum((b.k - b.rank) * (b.k - b.rank + 1) // 2 for b in cone.blocks)
    if not left_out:
        return ()
    parameters = "1 covariance parameter" if left_out == 1 else f"{left_out} covariance parameters"
    return (f"boundary (singular) fit: df hold {parameters} fixed at the boundary",)
