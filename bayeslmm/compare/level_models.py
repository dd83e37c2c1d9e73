"""The regression of each coefficient that varies between levels: what a level's coefficient is made of.

    theta_j = x_j'beta + (effects of coarser groups) + eps_j,    j = 1 .. J

For the effect of the column z of Z, a column of X that is w_j z within every level j (a predictor of the level, times
z) adds w_j times its coefficient; so does an effect of a grouping factor in which this one is nested. eps_j is the
level's own effect. (Gelman & Pardoe 2006, Technometrics 48, 241-251, write multilevel models as such regressions.)
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bayeslmm.design import Design, RandomTerm

EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Functions:
    """m linear functions x'beta + sum_t z_t'b_t of the coefficients and the effects of one level of each term.

    Attributes
    ----------
    X
        (m, p).
    Z
        Per term (m, k).
    index
        Per term (m,): the level, or -1 where the term does not count.
    """

    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    index: tuple[np.ndarray, ...]

    def at(self, beta: np.ndarray, b: tuple[np.ndarray, ...]) -> np.ndarray:
        """(..., m): their values, for beta (..., p) and effects (..., J, k) per term."""
        value = (self.X @ beta.T).T
        for z, i, effects in zip(self.Z, self.index, b, strict=True):
            if (i >= 0).any():
                flat = effects.reshape(*effects.shape[:-2], -1)
                value += (_sparse(z, i, effects.shape[-2]) @ flat.T).T
        return value


def _sparse(z: np.ndarray, index: np.ndarray, J: int) -> sparse.csr_array:
    """(m, J k): z (m, k) in the columns of the level `index` (m,), nothing where that is -1."""
    m, k = z.shape
    known = index >= 0
    columns = (index[known, None] * k + np.arange(k)).ravel()
    ends = np.concatenate([[0], np.cumsum(known)]) * k
    return sparse.csr_array((z[known].ravel(), columns, ends), shape=(m, J * k))


def rows_explained(design: Design) -> Functions:
    """The linear predictor of every row, offset left out."""
    return Functions(design.X, tuple(t.Z for t in design.terms), tuple(t.index for t in design.terms))


def own_effect(design: Design, t: int, effect: int) -> Functions:
    """eps (J,): the effects themselves."""
    J = design.terms[t].n_levels
    Z = [np.zeros((J, term.k)) for term in design.terms]
    index = [np.full(J, -1) for _ in design.terms]
    Z[t][:, effect], index[t] = 1.0, np.arange(J)
    return Functions(np.zeros((J, design.p)), tuple(Z), tuple(index))


def level_model(design: Design, t: int, effect: int) -> Functions:
    """theta (J,): all that makes one coefficient of each level."""
    term = design.terms[t]
    own = own_effect(design, t, effect)
    names, z = term.coefficients, term.Z[:, effect]
    X = own.X.copy()
    for c, name in enumerate(design.coef_names):
        if name == names[effect] or name not in names:
            X[:, c] = _times(design.X[:, c], z, term, name == names[effect])
    Z, index = list(own.Z), list(own.index)
    for s, other in enumerate(design.terms):
        first = _first_rows(term)
        if s != t and (other.index == other.index[first][term.index]).all():
            factors = [_times(column, z, term, False) for column in other.Z.T]
            Z[s], index[s] = np.column_stack(factors), other.index[first]
    return Functions(X, tuple(Z), tuple(index))


def _first_rows(term: RandomTerm) -> np.ndarray:
    """(J,): a row of each level."""
    return np.unique(term.index, return_index=True)[1]


def _times(column: np.ndarray, z: np.ndarray, term: RandomTerm, own: bool) -> np.ndarray:
    """(J,): w with column = w_j z in every level j; zero where there is no such w."""
    if own:
        return np.ones(term.n_levels)
    size = np.bincount(term.index, z * z, term.n_levels)
    w = np.bincount(term.index, z * column, term.n_levels) / np.where(size > 0, size, 1.0)
    fits = np.abs(column - w[term.index] * z).max() <= EXACT * max(float(np.abs(column).max()), 1e-300)
    return w if fits else np.zeros(term.n_levels)
