"""Coordinates in which an sd or a correlation of the random effects is held and everything else is free.

The covariance of a set of correlated effects is `V = L L'` with any square L, in the units of the response (sigma
times the relative factor). Where the effects are ordered so that the ones in question come first and L is lower
triangular,

    an sd is the first entry,            L_1 = (s, 0, ..., 0)
    a correlation the angle of row 2,    L_1 = (a_1^2, 0, ...),   L_2 = a_2^2 (sin t, cos t, 0, ...),   cor = sin t

and all other entries are free: V is positive semi-definite whatever they are, and the criterion is smooth in them, at
zero variances and at correlations of +-1 too. The lengths of the two rows are squares because a negative one would turn
the correlation into its opposite. The path parameter t of a correlation is its arcsine, in which the criterion is
smooth where the correlation itself has a vertical tangent.

Rows are scaled by the information that an average level carries (see `cone`), and effects other than those in question
are taken free of what they share with each other, so that the coordinates are of order one and nearly orthogonal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.plain import split
from bayeslmm.point.charts import NONE, Chart, Told, lift, triangular, whitened
from bayeslmm.point.cone import Cone, inverse_root


@dataclass(frozen=True, slots=True)
class CovarianceChart(Chart):
    """t = an sd, or the arcsine of a correlation; z are the other entries of all factors, and log(sigma / unit).

    Attributes
    ----------
    likelihood, cone, reml
        The criterion and its whitening.
    block
        Position in `cone.blocks` of the effects in question.
    order
        The positions in the block of its k effects, the one or two in question first.
    pivots
        How many are in question: 1 for an sd, 2 for a correlation.
    unit
        Residual sd that the factors are measured in.
    root
        R (k, k), rows in this order: b = unit R b' with b' of order one.
    """

    likelihood: MarginalLikelihood
    cone: Cone
    reml: bool
    block: int
    order: tuple[int, ...]
    pivots: int
    unit: float
    root: np.ndarray

    @classmethod
    def of(
        cls, likelihood: MarginalLikelihood, reml: bool, term: int, effects: Sequence[int], unit: float
    ) -> "CovarianceChart":
        """The chart of one effect's sd, or of two effects' correlation."""
        cone = Cone.of(likelihood)
        block = next(i for i, b in enumerate(cone.blocks) if b.term == term and set(effects) <= set(b.effects))
        own = cone.blocks[block].effects
        first = [own.index(e) for e in effects]
        order = (*first, *(i for i in range(len(own)) if i not in first))
        mean = likelihood.A.diag[term].mean(axis=2)
        ordered = [own[i] for i in order]
        root = _partial_root(mean[np.ix_(ordered, ordered)], len(first))
        return cls(likelihood, cone, reml, block, order, len(first), unit, root)

    def tell(self, t: float, z: np.ndarray) -> Told:
        """Evaluate at a given sd or correlation."""
        likelihood = self.likelihood
        sigma = self.unit * float(np.exp(z[-1]))
        factor, by_t = self._own(t, z)
        flat = self._flat(z, self.root @ factor) * (self.unit / sigma)
        found = likelihood.evaluate(flat, self.reml, sigma)
        G = found.gradient * (self.unit / sigma)
        by_own = self.root.T @ G[self._place]
        by_path = float((by_own * by_t).sum())
        by_sigma = sigma * likelihood.sigma_derivative(found.parts, sigma, self.reml) - float(found.gradient @ flat)
        by_free = np.concatenate([(G @ self.cone.map)[self._others], self._pull(t, z, by_own), [by_sigma]])
        value = likelihood.value(found.parts, self.reml, sigma)
        beta = likelihood.basis.coefficients(found.gamma)
        return Told(value, by_free, by_path, split(likelihood.structure, flat), sigma, beta)

    def start(self, lambdas: Sequence[np.ndarray], sigma: float) -> np.ndarray:
        """Factors in units of `unit`, triangular in this order."""
        scale = sigma / self.unit
        others = scale * whitened(self.cone, lambdas)[self._others]
        flat = scale * np.concatenate([np.ravel(L) for L in lambdas])
        own = triangular(np.linalg.solve(self.root, flat[self._place]))
        own = own * np.where(np.diag(own) < 0, -1.0, 1.0)
        entries = own[self.free]
        if self.pivots == 2:
            lengths = np.array([own[0, 0], np.hypot(own[1, 0], own[1, 1])])
            entries = np.concatenate([np.sqrt(lengths), entries])
        return np.concatenate([others, entries, [np.log(scale)]])

    def lifted(self, z: np.ndarray, size: float) -> np.ndarray | None:
        """Lift empty columns of the other sets of effects, and of the rest of this one."""
        x = np.zeros(self.cone.size)
        x[self._others] = z[: self._others.size]
        own = self._blocks == self.block
        x[own] = np.inf
        lifted = lift(self.cone, x, size)
        out = z.copy()
        if lifted is not None:
            out[: self._others.size] = lifted[self._others]
        factor, _ = self._own(np.pi / 4, z)
        rest = np.abs(factor[:, self.pivots :]).max(axis=0, initial=0.0) < NONE
        at = self._others.size + (2 if self.pivots == 2 else 0)
        rows, columns = np.nonzero(self.free)
        for c in self.pivots + np.flatnonzero(rest):
            out[at + int(np.flatnonzero((rows == c) & (columns == c))[0])] = size
        if self.pivots == 2:
            roots = out[self._others.size : at]
            roots[np.abs(roots) < NONE] = size
        return None if (out == z).all() else out

    def collapsed(self) -> tuple[int, ...]:
        """For a correlation: the root lengths of both rows."""
        first = self._others.size
        return (first, first + 1) if self.pivots == 2 else ()

    @property
    def scale(self) -> np.ndarray:
        """Sd (pivots,) of the effects in question for which an average level is as informative as its prior."""
        return self.unit * np.diag(self.root)[: self.pivots]

    @property
    def free(self) -> np.ndarray:
        """(k, k) bool: entries of the own factor that z holds as they are."""
        k = len(self.order)
        lower = np.tril(np.ones((k, k), dtype=bool))
        lower[: self.pivots] = False
        return lower

    @property
    def _blocks(self) -> np.ndarray:
        """(cone.size,): the block that each entry of x belongs to."""
        return np.repeat(np.arange(len(self.cone.blocks)), [b.size for b in self.cone.blocks])

    @property
    def _others(self) -> np.ndarray:
        return np.flatnonzero(self._blocks != self.block)

    @property
    def _place(self) -> np.ndarray:
        """(k, k): positions of the own factor in the flat Lambdas, rows and columns in this order."""
        b = self.cone.blocks[self.block]
        start = sum(t.k**2 for t in self.cone.covariance.terms[: b.term])
        effects = np.array(b.effects)[list(self.order)]
        return start + effects[:, None] * self.cone.covariance.terms[b.term].k + effects

    def _own(self, t: float, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The own factor L' (k, k) and its derivative by t."""
        k = len(self.order)
        entries = z[self._others.size : -1]
        L, by_t = np.zeros((k, k)), np.zeros((k, k))
        if self.pivots == 1:
            size = self.unit * self.root[0, 0]
            L[0, 0], by_t[0, 0] = t / size, 1 / size
            L[self.free] = entries
            return L, by_t
        first, second = entries[:2] ** 2
        L[0, 0] = first
        L[1, :2] = second * np.sin(t), second * np.cos(t)
        by_t[1, :2] = second * np.cos(t), -second * np.sin(t)
        L[self.free] = entries[2:]
        return L, by_t

    def _pull(self, t: float, z: np.ndarray, by_own: np.ndarray) -> np.ndarray:
        """Derivatives by the own entries of z from those by L' (k, k)."""
        if self.pivots == 1:
            return by_own[self.free]
        roots = z[self._others.size :][:2]
        lengths = np.array([by_own[0, 0], by_own[1, 0] * np.sin(t) + by_own[1, 1] * np.cos(t)])
        return np.concatenate([2 * roots * lengths, by_own[self.free]])

    def _flat(self, z: np.ndarray, own: np.ndarray) -> np.ndarray:
        others = self._others
        flat = self.cone.map[:, others] @ z[: others.size]
        flat[self._place] = own
        return flat


def _partial_root(A: np.ndarray, pivots: int) -> np.ndarray:
    """R (k, k) for information A (k, k): the first rows diagonal, the others free of what they share.

    Z R has unit length in its first columns, which are what the others leave of the effects in question, and
    orthonormal ones after them.
    """
    rest = A[pivots:, pivots:]
    C = inverse_root(rest) if rest.size else rest
    share = C @ (C.T @ A[pivots:, :pivots])
    left = np.diag(A)[:pivots] - np.einsum("ij,ij->j", A[pivots:, :pivots], share)
    floor = np.maximum(1e-10 * np.diag(A)[:pivots], np.finfo(float).tiny)
    D = np.diag(1 / np.sqrt(np.where(left > floor, left, np.maximum(np.diag(A)[:pivots], floor))))
    R = np.zeros_like(A)
    R[:pivots, :pivots], R[pivots:, :pivots], R[pivots:, pivots:] = D, -share @ D, C
    return R
