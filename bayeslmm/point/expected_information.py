"""Expected information of the covariance parameters, where Sigma = sum_i phi_i Sigma_i is linear in them.

With phi = (sigma^2 gamma, sigma^2), Sigma = sigma^2 V(gamma), S = X'Sigma^-1 X and Phi = S^-1,

    ML:    I_ij = tr(Sigma^-1 Sigma_i Sigma^-1 Sigma_j) / 2
    REML:  I_ij = the same - tr(Phi Q_ij) + tr(Phi P_i Phi P_j) / 2 = tr(P Sigma_i P Sigma_j) / 2

(P_i, Q_ij as in Kenward & Roger 1997). log|V| and S are given by their derivatives in gamma (see `second_order`); both
are homogeneous in phi, from which the derivatives by sigma^2 follow.
"""

import numpy as np

from bayeslmm.likelihood.second_order import SecondOrder


def expected_information(at: SecondOrder, s2: float, n: int, reml: bool) -> np.ndarray:
    """I (m + 1, m + 1) in phi = (s2 gamma, s2), for n rows."""
    half_traces = log_det_traces(at, s2, n) / 2
    if not reml:
        return half_traces
    S, S1, S2 = precision_by_phi(at, s2)
    Phi = np.linalg.inv(S) if S.size else S
    PhiP = Phi @ S1
    return half_traces - np.einsum("ij,abij->ab", Phi, S2) / 2 + np.einsum("aij,bji->ab", PhiP, PhiP) / 2


def precision_by_phi(at: SecondOrder, s2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X'Sigma^-1 X (p, p) and its derivatives by phi, P_i and Q_ij + Q_ji; homogeneous of degree -1."""
    S, S1, S2 = at.N[:-1, :-1], at.N_first[:, :-1, :-1], at.N_second[..., :-1, :-1]
    once, twice = np.tensordot(at.gamma, S1, axes=1), np.tensordot(at.gamma, S2, axes=1)
    mixed = -(2 * S1 + twice)
    corner = 2 * S + 4 * once + np.tensordot(at.gamma, twice, axes=1)
    first = np.concatenate([S1, -(S + once)[None]]) / s2**2
    upper, lower = np.concatenate([S2, mixed[:, None]], axis=1), np.concatenate([mixed, corner[None]])
    return S / s2, first, np.concatenate([upper, lower[None]]) / s2**3


def log_det_traces(at: SecondOrder, s2: float, n: int) -> np.ndarray:
    """tr(Sigma^-1 Sigma_i Sigma^-1 Sigma_j) (m + 1, m + 1) by phi."""
    first, second = at.log_det
    twice = second @ at.gamma
    m = first.size
    out = np.empty((m + 1, m + 1))
    out[:m, :m] = -second
    out[:m, m] = out[m, :m] = first + twice
    out[m, m] = n - 2 * first @ at.gamma - at.gamma @ twice
    return out / s2**2
