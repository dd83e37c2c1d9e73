"""Where the search starts: a few EM steps from "half of what is seen is noise".

In the whitened basis V = I says that an average level carries as much information on its effects as their
distribution does. From there one EM step (Laird & Ware 1982) sets each V_t to the mean over levels of
`b b' / sigma^2 + Var(b | y) / sigma^2`; a few of them find the right order of magnitude.
"""

import numpy as np

from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import factorise, solve
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective


def moment_start(objective: Objective, cone: Cone, steps: int = 3) -> list[np.ndarray]:
    """Whitened factors X (k, k) per block after some EM steps."""
    factors = [np.eye(b.k) for b in cone.blocks]
    for _ in range(steps):
        factors = _em_step(objective, cone, factors)
    return factors


def unit_start(cone: Cone) -> list[np.ndarray]:
    """Whitened factors that mean Lambda = I in the user's units: where lme4 starts."""
    theta = cone.covariance.on_diagonal.astype(float)
    return cone.whitened(theta)


def _em_step(objective: Objective, cone: Cone, factors: list[np.ndarray]) -> list[np.ndarray]:
    likelihood, reml = objective.likelihood, objective.reml
    objective.evaluations += 1
    lambdas = cone.place(factors)
    factor = factorise(likelihood.A, likelihood.structure, lambdas)
    u, _ = solve(factor, likelihood.structure)
    inverse = selected_inverse(factor, likelihood.structure, with_X=reml)
    sigma2 = likelihood.sigma(factor, reml) ** 2
    out = []
    for b in cone.blocks:
        J = cone.covariance.terms[b.term].n_levels
        moment = (u[b.term] @ u[b.term].T / sigma2 + inverse.diag[b.term].sum(axis=2)) / J
        root = np.linalg.solve(b.root, lambdas[b.term][list(b.effects)])
        values, vectors = np.linalg.eigh(root @ moment @ root.T)
        out.append(vectors * np.sqrt(np.clip(values, 1e-4, None)))
    return out
