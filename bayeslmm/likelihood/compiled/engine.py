"""Run the compiled loops: one evaluation, from flat Lambdas to value, gradient and solutions."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isfinite
from threading import Lock
from typing import Self

import numpy as np
from scipy.linalg import solve_triangular

from bayeslmm.likelihood.compiled import tiles
from bayeslmm.likelihood.compiled.derivative import gradient
from bayeslmm.likelihood.compiled.draws import conditional_draw, draw_effects, spread_normals
from bayeslmm.likelihood.compiled.elimination import eliminate, fill_tail, tail_products
from bayeslmm.likelihood.compiled.plan import ENTRIES, LEVELS, TERM, Layout, apart, lay_out, pack, pack_response
from bayeslmm.likelihood.compiled.tail import back_substitute, small_cholesky, small_inverse, tail_inverse
from bayeslmm.likelihood.compiled.whole import evaluate
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.evaluation import Evaluation, Parts
from bayeslmm.likelihood.symbolic import Structure
from bayeslmm.likelihood.threads import spread

SMALL = 96  # rows of the tail up to which plain loops are faster than tiles of BLAS and LAPACK calls
TINY = float(np.finfo(float).tiny)
QUICK = 1_000_000  # numbers in the cross-products: about three milliseconds an evaluation
PIECE = 20_000  # entries below which a second thread gains nothing


@dataclass(frozen=True, slots=True)
class Engine:
    """The packed cross-products, and the workspaces of the loops.

    Attributes
    ----------
    layout
        Where each block lies.
    structure
        The pattern.
    a
        Cross-products, flat.
    w, v, S
        Workspaces: rows of the factor, blocks of M^-1, the tail (q + p + 1, q + p + 1).
    lock
        Held during an evaluation, since the workspaces are shared.
    """

    layout: Layout
    structure: Structure
    a: np.ndarray
    w: np.ndarray
    v: np.ndarray
    S: np.ndarray
    lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, structure: Structure, A: CrossProducts) -> Self:
        """Lay out and pack the cross-products."""
        layout = lay_out(structure, A.p)
        n = structure.q_tail + A.p + 1
        a = pack(layout, structure, A)
        return cls(layout, structure, a, apart(a.size), apart(a.size), apart(n, n))

    def like(self, A: CrossProducts) -> "Engine":
        """An engine for cross-products that differ in y alone, with the same workspaces and lock."""
        return replace(self, a=pack_response(self.layout, self.a, A))

    def anew(self, A: CrossProducts) -> "Engine":
        """An engine for any other cross-products of the same pattern, with the same workspaces and lock."""
        return replace(self, a=pack(self.layout, self.structure, A))

    def value(self, flat: np.ndarray) -> Parts:
        """Parts of the criterion at the Lambdas in `flat`.

        Raises
        ------
        numpy.linalg.LinAlgError
            M is not numerically positive definite.
        """
        with self.lock:
            return self._factorise(flat)

    def evaluation(self, flat: np.ndarray, nu: int, reml: bool, sigma: float | None) -> Evaluation:
        """Value, gradient and solutions at the Lambdas in `flat`."""
        with self.lock:
            return self._evaluation(flat, nu, reml, sigma)

    def modes(self, flat: np.ndarray) -> tuple[Parts, tuple[np.ndarray, ...]]:
        """Parts and u at the Lambdas in `flat`: an evaluation without the inverse, which takes longest."""
        with self.lock:
            found = self._evaluation(flat, 1, False, None, derivative=False)
        return found.parts, found.u

    def draw(self, flat: np.ndarray, sigma: float, z: np.ndarray) -> tuple[Parts, np.ndarray, np.ndarray]:
        """Draw (gamma, b) from their distribution given the Lambdas in `flat` and sigma.

        Parameters
        ----------
        flat, sigma
            Where.
        z
            (effects + p,): standard normal numbers, in the order of u and gamma.

        Returns
        -------
        Parts of the criterion there, gamma (p,), and b flat, (k, J) per term.
        """
        plan, S, q = self.layout.plan, self.S, self.structure.q_tail
        x, u, b = apart(S.shape[0] - 1), apart(self.layout.n_effects), apart(self.layout.n_effects)
        with self.lock:
            if self.is_small:
                found = conditional_draw(plan, self.a, flat, self.w, S, sigma, z, x, u, b)
                return _checked(*found), x[q:], b
            parts = self._factorise(flat)
            spread_normals(plan, z, x)
            x[:] = solve_triangular(S[:-1, :-1], S[-1, :-1] + sigma * x, lower=True, trans="T", check_finite=False)
            draw_effects(plan, flat, self.w, x, sigma, z, u, b)
        return parts, x[q:], b

    def _factorise(self, flat: np.ndarray) -> Parts:
        plan, S = self.layout.plan, self.S
        fill_tail(plan, self.a, flat, S)
        log_det = eliminate(plan, self.a, flat, self.w, S)
        if plan.column.size:
            spread(tail_products, [(plan, self.w, S, lo, hi) for lo, hi in self._tail_rows()])
        _cholesky(S)
        return self._parts(log_det)

    def _evaluation(
        self, flat: np.ndarray, nu: int, reml: bool, sigma: float | None, derivative: bool = True
    ) -> Evaluation:
        plan, S, q = self.layout.plan, self.S, self.structure.q_tail
        n, m = S.shape[0], S.shape[0] - 1 if reml else q
        G, x = apart(flat.size), apart(n - 1)
        u, b, e = (apart(self.layout.n_effects) for _ in range(3))
        c = 0.0 if sigma is None else sigma**-2
        if self.is_small:
            T = apart(m, m)
            parts = _checked(*evaluate(plan, self.a, flat, self.w, self.v, S, T, x, float(nu), c, G, u, b, e))
        else:
            parts = self._factorise(flat)
            back_substitute(S, x)
            T = _inverse(S, m) if derivative else np.zeros((m, m))
            for i, row in enumerate(plan.lead):
                if row[ENTRIES]:
                    pieces = _cut(int(plan.term[row[TERM], LEVELS]), int(row[ENTRIES]))
                    spread(tail_inverse, [(plan, self.w, self.v, T, i, lo, hi) for lo, hi in pieces])
            c = c or nu / max(parts.r2, TINY)
            gradient(plan, self.a, flat, self.w, self.v, T, x, c, G, u, b, e)
        return self.solution(parts, S, x, u, b, G)

    def solution(
        self, parts: Parts, factor: np.ndarray, x: np.ndarray, u: np.ndarray, b: np.ndarray, G: np.ndarray
    ) -> Evaluation:
        """Name what the loops wrote; `factor` is that of the tail, X and y."""
        q = self.structure.q_tail
        return Evaluation(parts, factor[q:-1, q:-1].copy(), x[q:], self._per_term(u), self._per_term(b), G)

    @property
    def is_quick(self) -> bool:
        """Whether a search in one call ends soon enough for nobody to want to interrupt it."""
        return self.is_small and self.a.size < QUICK

    @property
    def is_small(self) -> bool:
        """Whether one call of `whole.evaluate` does an evaluation."""
        return self.S.shape[0] <= SMALL and self.layout.plan.column.size < PIECE

    def _parts(self, log_det: float) -> Parts:
        """Read the parts off the factor in S."""
        q, diagonal = self.structure.q_tail, np.diagonal(self.S)
        logs = np.log(diagonal[:-1])
        return _checked(log_det + 2 * float(logs[:q].sum()), 2 * float(logs[q:].sum()), float(diagonal[-1]))

    def _per_term(self, flat: np.ndarray) -> tuple[np.ndarray, ...]:
        out, at = [], 0
        for k, J in zip(self.structure.k, self.structure.J, strict=True):
            out.append(flat[at : at + k * J].reshape(k, J))
            at += k * J
        return tuple(out)

    def _tail_rows(self) -> list[tuple[int, int]]:
        """Cuts of the tail's rows with about the same work: row i has i products."""
        q, n = self.structure.q_tail, 1 + self.layout.plan.column.size // PIECE
        n = n if n == 1 else 8
        edges = [int(q * (i / n) ** 0.5) for i in range(n)] + [q]
        return [(lo, hi) for lo, hi in pairwise(edges) if hi > lo]


def _checked(log_det_Z: float, log_det_X: float, last: float) -> Parts:
    """The parts, from the last pivot: NaN there is a rounding error below zero, elsewhere a failure."""
    if not isfinite(log_det_Z + log_det_X):
        raise np.linalg.LinAlgError("M is not positive definite")
    return Parts(log_det_Z, log_det_X, last * last if last > 0 else 0.0)


def _cut(levels: int, entries: int) -> list[tuple[int, int]]:
    n = 1 if entries < PIECE else 8
    edges = [levels * i // n for i in range(n + 1)]
    return [(lo, hi) for lo, hi in pairwise(edges) if hi > lo]


def _cholesky(S: np.ndarray) -> None:
    """Lower factor in place; NaN on the diagonal where S is not positive definite."""
    if S.shape[0] <= SMALL:
        small_cholesky(S)
    else:
        tiles.cholesky(S)


def _inverse(S: np.ndarray, m: int) -> np.ndarray:
    """Lower triangle of the inverse of the leading (m, m), from its factor."""
    if m > SMALL:
        return tiles.inverse(S, m)
    T = np.empty((m, m))
    small_inverse(S, T)
    return T
