"""The likelihood of models in which one combination of the fixed effects has a given value, l'beta = c.

In the basis of the likelihood (see `basis`) the restriction is `a'gamma = c - l'b0` with a = T'l. With N (p, p - 1)
orthonormal and orthogonal to a, every gamma that fulfils it is

    gamma = gamma_0(c) + N delta,    gamma_0(c) = a (c - l'b0) / a'a,

so the restricted model has the columns X T N and the response y - X b0 - X T gamma_0(c). Both are linear maps of
[X T, y - X b0]: its cross-products come from the ones that are there, without the rows.

The derivative by c of the penalised residual sum of squares, at the best (u, delta), is that of its terms with u and
delta held (envelope theorem): `dr^2/dc = -2 a'q / a'a` with `q = (X T)'W(y - X beta - Z b)`.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.evaluation import Evaluation
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.runner import Runner


@dataclass(frozen=True, slots=True)
class Restriction:
    """All models with l'beta = c.

    Attributes
    ----------
    whole
        The likelihood without the restriction.
    combination
        l (p,), not zero.
    N
        (p, p - 1): the directions that are free.
    first
        The restricted likelihood at c = l'b0; the others share its pattern and workspaces.
    """

    whole: MarginalLikelihood
    combination: np.ndarray
    N: np.ndarray
    first: MarginalLikelihood

    @classmethod
    def of(cls, likelihood: MarginalLikelihood, combination: np.ndarray) -> Self:
        """Restrict l'beta, l (p,) not zero, of a likelihood with p >= 1."""
        a = likelihood.basis.T.T @ combination
        N = np.linalg.svd(a[None])[2][1:].T
        A = _mapped(likelihood.A, N)
        basis = FixedBasis(likelihood.basis.T @ N, likelihood.basis.b0, 0.0)
        runner = Runner(likelihood.structure, A)
        first = MarginalLikelihood(likelihood.structure, A, basis, likelihood.covariance, runner)
        return cls(likelihood, combination, N, first)

    @property
    def direction(self) -> np.ndarray:
        """a / a'a (p,): how gamma_0 moves with c."""
        a = self.whole.basis.T.T @ self.combination
        return a / (a @ a)

    def at(self, c: float) -> MarginalLikelihood:
        """The likelihood with l'beta = c; only its ML criterion has a meaning. Its coefficients are beta (p,)."""
        gamma0 = self.direction * (c - self.combination @ self.whole.basis.b0)
        A = _moved(self.first.A, self.whole.A, self.N, gamma0)
        basis = replace(self.first.basis, b0=self.whole.basis.coefficients(gamma0))
        return replace(self.first, A=A, basis=basis, runner=self.first.runner.like(A))

    def by_value(self, c: float, found: Evaluation) -> float:
        """dr^2/dc at what the likelihood `at(c)` told."""
        A, p = self.whole.A, self.whole.p
        gamma = self.direction * (c - self.combination @ self.whole.basis.b0) + self.N @ found.gamma
        q = A.corner[:p, p] - A.corner[:p, :p] @ gamma
        for block, b in zip(A.fixed, found.b, strict=True):
            q = q - np.einsum("apj,aj->p", block[:, :p], b)
        return -2 * float(self.direction @ q)


def _mapped(A: CrossProducts, N: np.ndarray) -> CrossProducts:
    """Cross-products of [X N, y] from those of [X, y]."""
    p = A.p
    C = np.zeros((p + 1, p))
    C[:p, : p - 1], C[p, p - 1] = N, 1.0
    fixed = tuple(np.ascontiguousarray(np.einsum("apj,pc->acj", block, C)) for block in A.fixed)
    return replace(A, fixed=fixed, corner=C.T @ A.corner @ C)


def _moved(base: CrossProducts, whole: CrossProducts, N: np.ndarray, gamma0: np.ndarray) -> CrossProducts:
    """The cross-products `base` of [X N, y] with y - X gamma0 in the place of y."""
    p = whole.p
    fixed = []
    for block, original in zip(base.fixed, whole.fixed, strict=True):
        moved = block.copy()
        moved[:, -1] -= np.einsum("apj,p->aj", original[:, :p], gamma0)
        fixed.append(moved)
    corner = base.corner.copy()
    Xy = whole.corner[:p, p] - whole.corner[:p, :p] @ gamma0
    corner[-1, :-1] = corner[:-1, -1] = N.T @ Xy
    corner[-1, -1] = whole.corner[p, p] - gamma0 @ (whole.corner[:p, p] + Xy)
    return replace(base, fixed=tuple(fixed), corner=corner)
