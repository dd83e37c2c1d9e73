"""The model as an arrow: one grouping factor's levels on the shaft, all that they share in the head; for many draws.

    y = X alpha + Z b + e,   b_t ~ N(0, sigma^2 Lambda_t Lambda_t'),   e ~ N(0, sigma^2 W^-1),
    alpha_j ~ N(m_j, s_j^2), flat, or given

Rows that belong to one level of the factor t meet effects that are theirs alone, P: those of t and of all factors
nested in it; and others, R: levels of the other factors and X. In units of sigma^2 the precision M of (u, gamma) is

    [ D_1           B_1 ]     D_g = Lambda' Z_P'W Z_P Lambda + I,      D_g = L_g L_g',   R_g = L_g^-1 B_g
    [      D_2      B_2 ]
    [ B_1' B_2' ..  C   ]     S = C - sum_g R_g'R_g = sum_g U_g + diag(I, sigma^2 K),     U_g = C_g - R_g'R_g

K the precision of the normal priors (`normal_prior`), and U_g what the rows of g tell about R once their own effects
are integrated out. This is the Cholesky factor of Bates et al. (2015, section 3.4) in another order, which makes each
level's share of the density of y explicit; and everything is small, so that many draws of (theta, sigma) are handled
at once. Coefficients that are given are taken off y within the cross-products.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.likelihood.normal_prior import NormalPrior


@dataclass(frozen=True, slots=True, eq=False)
class FixedPart:
    """The columns that are the same for all draws.

    Attributes
    ----------
    X
        (n, p): columns whose coefficients are integrated out, in an orthonormal basis.
    given
        (n, c): columns whose coefficients are given.
    y, weights
        (n,): the response less offset and a common shift, and the prior weights.
    corner
        (p + 1, p + 1): what the normal priors add to [X y]'W[X y], per sigma^2.
    constant
        What basis and priors add to -2 log p(y).
    basis
        The change of basis and the shift.
    """

    X: np.ndarray
    given: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    corner: np.ndarray
    constant: float
    basis: FixedBasis

    @classmethod
    def of(cls, X: np.ndarray, given: np.ndarray, y: np.ndarray, weights: np.ndarray, prior: NormalPrior) -> Self:
        """Find the basis of X (n, p), with given (n, c), y (n,), weights (n,) and the prior of the p coefficients."""
        basis = FixedBasis.of(X, y, weights)
        transformed = basis.transform(X, y)
        constant = basis.log_det + prior.constant
        return cls(transformed[:, :-1], given, transformed[:, -1], weights, prior.corner(basis), constant, basis)

    def part(self, rows: np.ndarray) -> "FixedPart":
        """The same of some rows."""
        X, given, y, weights = self.X[rows], self.given[rows], self.y[rows], self.weights[rows]
        return replace(self, X=X, given=given, y=y, weights=weights)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """B draws of what is not integrated out.

    Attributes
    ----------
    lambdas
        Per term (B, k, k): any square root of Cov(b) / sigma^2.
    sigma
        (B,).
    coefficients
        (B, c): of `FixedPart.given`.
    """

    lambdas: tuple[np.ndarray, ...]
    sigma: np.ndarray
    coefficients: np.ndarray

    def part(self, draws: slice) -> "Given":
        """Some of the draws."""
        return Given(tuple(L[draws] for L in self.lambdas), self.sigma[draws], self.coefficients[draws])


@dataclass(frozen=True, eq=False)
class Arrow:
    """Pattern and cross-products, with one grouping factor on the shaft.

    The local coordinates of a level are the effects of P, those of R, the columns of X; raw ones end with the given
    columns and y. A level that meets fewer effects than others has zeros in their places.

    Attributes
    ----------
    order
        The terms in the order of the coordinates: those on the shaft first.
    k, slots
        Per term in this order: effects per level, and levels that one level of the shaft meets at most.
    own
        How many local coordinates belong to P.
    group
        (n,): the level of the shaft of each row.
    place, value
        (n, K): local coordinate and value of a row's random-effect columns, K the sum of the k.
    shared
        (J, d): where the local coordinates of R without X stand among those of all levels; -1 in empty places.
    q
        How many random effects are in R.
    fixed
        The columns of X, given columns and y.
    A
        (J, D, D): cross-products of the raw local coordinates.
    """

    order: tuple[int, ...]
    k: tuple[int, ...]
    slots: tuple[int, ...]
    own: int
    group: np.ndarray
    place: np.ndarray
    value: np.ndarray
    shared: np.ndarray
    q: int
    fixed: FixedPart
    A: np.ndarray

    @classmethod
    def of(cls, terms: Sequence[RandomTerm], fixed: FixedPart, shaft: int) -> "Arrow":
        """Lay out the coordinates with the term `shaft` on the shaft, and add up the cross-products."""
        group, J = terms[shaft].index, terms[shaft].n_levels
        inside = [t for t, term in enumerate(terms) if t == shaft or _nested(term, group)]
        order = (*inside, *(t for t in range(len(terms)) if t not in inside))
        k = tuple(terms[t].k for t in order)
        met = [_met(group, J, terms[t]) for t in order]
        slots = tuple(levels.shape[1] for _, levels in met)
        starts = np.concatenate([[0], np.cumsum(np.multiply(slots, k))]).astype(int)
        place = np.hstack([starts[a] + met[a][0][:, None] * k[a] + np.arange(k[a]) for a in range(len(order))])
        value = np.hstack([terms[t].Z for t in order])
        shared, q = [np.zeros((J, 0), dtype=int)], 0
        for a in range(len(inside), len(order)):
            levels = met[a][1][:, :, None]
            shared.append(np.where(levels < 0, -1, q + levels * k[a] + np.arange(k[a])).reshape(J, -1))
            q += terms[order[a]].n_levels * k[a]
        columns = np.column_stack([fixed.X, fixed.given, fixed.y])
        A = _cross_products(group, J, int(starts[-1]), place, value, columns, fixed.weights)
        own = int(starts[len(inside)])
        return cls(order, k, slots, own, group, place, value, np.hstack(shared), q, fixed, A)

    @property
    def J(self) -> int:
        """Levels on the shaft."""
        return self.A.shape[0]

    @property
    def p(self) -> int:
        """Coefficients that are integrated out."""
        return self.fixed.X.shape[1]

    @property
    def local(self) -> int:
        """Local coordinates: effects and X."""
        return self.own + self.shared.shape[1] + self.p

    @property
    def numbers(self) -> int:
        """How many numbers one draw needs."""
        return 3 * self.A.size + 2 * (self.q + self.p + 1) ** 2

    def values(self, given: Given) -> np.ndarray:
        """(B, n, K): a row's coordinates in u, Lambda'z."""
        parts, at = [], 0
        for t, k in zip(self.order, self.k, strict=True):
            parts.append(self.value[:, at : at + k] @ given.lambdas[t])
            at += k
        return np.concatenate(parts, axis=2)

    def scaled(self, A: np.ndarray, given: Given) -> np.ndarray:
        """From raw columns (1 or B, ..., D) to those of (u, gamma) and y less what is given, (B, ..., local + 1)."""
        B, columns = given.sigma.size, A.reshape(A.shape[0], -1, A.shape[-1])
        out = np.empty((B, columns.shape[1], self.local + 1))
        at = 0
        for t, k, slots in zip(self.order, self.k, self.slots, strict=True):
            end = at + k * slots
            part = columns[..., at:end].reshape(columns.shape[0], -1, k)
            out[..., at:end] = (part @ given.lambdas[t]).reshape(B, -1, k * slots)
            at = end
        out[..., at : at + self.p] = columns[..., at : at + self.p]
        taken = columns[..., at + self.p : -1] @ given.coefficients[:, :, None]
        out[..., -1] = columns[..., -1] - taken[..., 0]
        return out.reshape(B, *A.shape[1:-1], self.local + 1)

    @cached_property
    def scatter(self) -> csr_array:
        """Sum over levels of matrices in the coordinates (R, y) of each: ((Q + 1)^2, J w^2), Q = q + p."""
        Q, fixed = self.q + self.p, np.arange(self.q, self.q + self.p + 1)
        where = np.hstack([self.shared, np.broadcast_to(fixed, (self.J, fixed.size))])
        rows = np.where(
            (where[:, :, None] < 0) | (where[:, None] < 0), -1, where[:, :, None] * (Q + 1) + where[:, None]
        )
        known = np.flatnonzero(rows.ravel() >= 0)
        ones = np.ones(known.size)
        return csr_array((ones, (rows.ravel()[known], known)), shape=((Q + 1) ** 2, rows.size))

    def gathered(self, values: np.ndarray) -> np.ndarray:
        """From (B, Q, ...) to the coordinates of R of each level, (B, J, d + p, ...); zero in empty places."""
        fixed = np.arange(self.q, self.q + self.p)
        where = np.hstack([self.shared, np.broadcast_to(fixed, (self.J, self.p))])
        padded = np.concatenate([values, np.zeros((values.shape[0], 1, *values.shape[2:]))], axis=1)
        return padded[:, where]

    def gathered_matrix(self, values: np.ndarray) -> np.ndarray:
        """From (B, Q, Q) to (B, J, d + p, d + p)."""
        if not self.shared.shape[1]:
            return np.broadcast_to(values[:, None], (values.shape[0], self.J, self.p, self.p))
        fixed = np.arange(self.q, self.q + self.p)
        where = np.hstack([self.shared, np.broadcast_to(fixed, (self.J, self.p))])
        padded = np.pad(values, ((0, 0), (0, 1), (0, 1)))
        return padded[:, where[:, :, None], where[:, None]]


def _nested(term: RandomTerm, group: np.ndarray) -> bool:
    """Whether each level of a term lies in one group."""
    first = np.full(term.n_levels, -1)
    first[term.index] = group
    return bool((first[term.index] == group).all())


def _met(group: np.ndarray, J: int, term: RandomTerm) -> tuple[np.ndarray, np.ndarray]:
    """Number (n,) of a row's level among those that its group meets, and these levels (J, slots), -1 where fewer."""
    pairs, inverse = np.unique(group * term.n_levels + term.index, return_inverse=True)
    owner, level = np.divmod(pairs, term.n_levels)
    number = np.arange(pairs.size) - np.searchsorted(owner, owner)
    levels = np.full((J, int(number.max(initial=0)) + 1), -1)
    levels[owner, number] = level
    return number[inverse], levels


def _cross_products(
    group: np.ndarray,
    J: int,
    start: int,
    place: np.ndarray,
    value: np.ndarray,
    columns: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """(J, D, D): sums of w c c' over the rows of each group, c the raw local coordinates."""
    n, f = columns.shape
    D = start + f
    where = np.hstack([place, np.broadcast_to(np.arange(start, D), (n, f))])
    c = np.hstack([value, columns])
    out = np.zeros(J * D * D)
    for a in range(c.shape[1]):
        weighted = weights * c[:, a]
        for b in range(c.shape[1]):
            flat = (group * D + where[:, a]) * D + where[:, b]
            np.add.at(out, flat, weighted * c[:, b])
    return out.reshape(J, D, D)
