"""Containment degrees of freedom: inner and outer columns of nested groups, as `nlme::lme` and `aov` count them.

Number the nested grouping factors from the outermost, i = 1..Q, with m_i levels each, m_0 = 0 and m_(Q+1) = n. A column
of X belongs to stratum i + 1 where i is the finest factor within whose levels it varies, and to stratum 1 where it
varies within none. With p_i columns in stratum i, the intercept counted in the first,

    df_i = m_i - m_(i-1) - p_i

(Pinheiro & Bates 2000, p. 91). Without an intercept all strata but the first have one more. The intercept itself gets
the largest df. A contrast has the smallest df of the coefficients in it. For balanced designs these are the exact df of
the analysis of variance; they are defined where the grouping factors are nested.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.symbolic import Structure
from bayeslmm.point.inference import FTest, Inference


@dataclass(frozen=True)
class Containment(Inference):
    """The df of every coefficient, `by_coefficient` (p,); NaN where a stratum has none left."""

    by_coefficient: np.ndarray

    def df(self, L: np.ndarray) -> np.ndarray:
        """The smallest df of the coefficients in each row of L (m, p): (m,)."""
        used = np.abs(L) > 1e-8 * np.abs(L).max(axis=1, keepdims=True, initial=0.0)
        return np.where(used, self.by_coefficient, np.inf).min(axis=1)

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """F test of L beta = r; its df are the smallest of its rows'."""
        found = super().f_test(L, difference)
        return found._replace(df=float(self.df(L).min())) if found.q else found


def containment(design: Design, structure: Structure, vcov: np.ndarray) -> Containment:
    """Count the strata.

    Raises
    ------
    ArgumentError
        The grouping factors are crossed.
    """
    if structure.tail:
        names = ", ".join(f"`{t.group}`" for t in design.terms)
        raise ArgumentError(
            f'ddf="containment" is defined for nested grouping factors; {names} are crossed: use "satterthwaite" or '
            '"kenward-roger"'
        )
    outermost_first = [design.terms[t].index for t in reversed(structure.lead)]
    return Containment(vcov, "containment", (), coefficient_df(design.X, outermost_first))


def coefficient_df(X: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """Containment df (p,) of the columns of X (n, p) for nested groups, indices (n,), the outermost first."""
    n, p = X.shape
    constant = _constant_within(X, np.zeros(n, dtype=int))
    stratum = np.zeros(p, dtype=int)
    for i, index in enumerate(groups):
        stratum[~_constant_within(X, index)] = i + 1
    levels = np.array([0, *(int(index.max()) + 1 for index in groups), n])
    df = np.diff(levels).astype(float)
    df -= np.bincount(stratum[~constant], minlength=df.size)
    if constant.any():
        df[0] -= 1
    else:
        df[1:] += 1
    out = np.where(constant, df.max(), df[stratum])
    return np.where(out > 0, out, np.nan)


def _constant_within(X: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(p,) bool: whether a column has one value in each group."""
    row = np.zeros(int(index.max()) + 1, dtype=int)
    row[index] = np.arange(index.size)
    return np.abs(X - X[row[index]]).max(axis=0) <= 1e-8 * np.abs(X).max(axis=0)
