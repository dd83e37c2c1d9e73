"""Repeated-measures analysis of variance with corrections for non-sphericity, from a table subjects x cells.

Y (N, C) has the one response of each subject in each cell of the within-subject factors. Each effect of these factors
has orthonormal contrasts T (C, d), and Z = Y T is regressed on the between-subject design B (N, r), coded by
sum-to-zero contrasts (type III). With error matrix E = Z'(I - P_B) Z and S = E / (N - r):

    F = (SS_h / (d q)) / (tr E / (d (N - r))),   q columns of B for a between-subject effect, 1 for the effect itself
    epsilon_GG = tr(S)^2 / (d tr(S^2))                                  Greenhouse & Geisser 1959, Psychometrika 24
    epsilon_HF = ((N - r + 1) d eps_GG - 2) / (d (N - r - d eps_GG))    Huynh & Feldt 1976, corrected by Lecoutre 1991
    W = det(S) / (tr(S) / d)^d                                          Mauchly 1940, Annals of Math. Statistics 11

Both degrees of freedom of F are multiplied by epsilon (at most 1). The p-value of W is the second-order approximation
by chi-squares (Anderson 2003, An Introduction to Multivariate Statistical Analysis, section 10.7.4), as R and its
package car compute it: one term of the second-order coefficient has the number of cells C where Anderson has d, which
moves p in its second digit at most. Where there are fewer error degrees of freedom than contrasts, E is singular and
there is neither test nor correction.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design.contrasts import polynomial
from bayeslmm.point.distributions import chi2_p_value, f_p_value


@dataclass(frozen=True, slots=True)
class Stratum:
    """One within-subject effect (or the subjects' means, d = 1), with the test of one between-subject effect in it.

    Attributes
    ----------
    ss, error_ss
        Sums of squares.
    df, error_df
        Degrees of freedom without correction.
    F, p
        The uncorrected test.
    gg, hf
        Epsilons of Greenhouse-Geisser and Huynh-Feldt (which may exceed 1); NaN for d = 1 or a singular E.
    gg_p, hf_p
        The corrected p-values.
    W, W_p
        Mauchly's test; NaN as the epsilons.
    """

    ss: float
    error_ss: float
    df: int
    error_df: int
    F: float
    p: float
    gg: float
    hf: float
    gg_p: float
    hf_p: float
    W: float
    W_p: float


def within_contrasts(sizes: tuple[int, ...], chosen: tuple[bool, ...]) -> np.ndarray:
    """(C, d): contrasts of the effect of the chosen factors; cells with the first factor slowest."""
    T = np.ones((1, 1))
    for size, is_in in zip(sizes, chosen, strict=True):
        T = np.kron(T, polynomial([""] * size).matrix if is_in else np.full((size, 1), size**-0.5))
    return T


def stratum(Y: np.ndarray, T: np.ndarray, B: np.ndarray, columns: list[int]) -> Stratum:
    """Test the between-subject effect in `columns` of B (N, r), for the within-subject contrasts T (C, d)."""
    Z, (N, r), d = Y @ T, B.shape, T.shape[1]
    Q = np.linalg.inv(B.T @ B)
    beta = Q @ B.T @ Z
    residual = Z - B @ beta
    E = residual.T @ residual
    own = beta[columns]
    ss = float(np.trace(own.T @ np.linalg.solve(Q[np.ix_(columns, columns)], own)))
    error_ss, df, error_df = float(np.trace(E)), d * len(columns), d * (N - r)
    F = (ss / df) / (error_ss / error_df)
    known = d > 1 and N - r >= d
    gg, hf = _epsilons(E, N - r) if known else (np.nan, np.nan)
    W, W_p = mauchly(E, N - r, Y.shape[1]) if known else (np.nan, np.nan)
    corrected = [f_p_value(F, e * df, e * error_df) if np.isfinite(e) else np.nan for e in (gg, min(hf, 1.0))]
    return Stratum(
        ss, error_ss, df, error_df, F, f_p_value(F, df, error_df), gg, hf, corrected[0], corrected[1], W, W_p
    )


def _epsilons(E: np.ndarray, n: int) -> tuple[float, float]:
    d = E.shape[0]
    gg = float(np.trace(E) ** 2 / (d * (E * E).sum()))
    room = d * (n - d * gg)
    return gg, ((n + 1) * d * gg - 2) / room if room > 0 else np.inf


def mauchly(E: np.ndarray, n: int, cells: int) -> tuple[float, float]:
    """W and its p-value, for an error matrix E (d, d) with n degrees of freedom; `cells` is C."""
    d = E.shape[0]
    log_W = float(np.linalg.slogdet(E)[1] - d * np.log(np.trace(E) / d))
    rho = 1 - (2 * d * d + d + 2) / (6 * n * d)
    second = (d + 2) * (d - 1) * (d - 2) * (2 * d**3 + 6 * d * d + 3 * cells + 2) / (288 * (n * d * rho) ** 2)
    z, f = -n * rho * log_W, d * (d + 1) / 2 - 1
    first = chi2_p_value(z, f)
    return float(np.exp(log_W)), first + second * (chi2_p_value(z, f + 4) - first)
