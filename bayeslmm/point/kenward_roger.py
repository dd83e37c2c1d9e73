"""Kenward & Roger's adjusted covariance of the fixed effects and degrees of freedom, for REML fits.

With Sigma = sum_i phi_i Sigma_i (covariances of the random effects and residual variance, so that Sigma is linear in
phi), Phi = (X'Sigma^-1 X)^-1 and (Kenward & Roger 1997, eqs. 3-5)

    P_i = -X'Sigma^-1 Sigma_i Sigma^-1 X,    Q_ij = X'Sigma^-1 Sigma_i Sigma^-1 Sigma_j Sigma^-1 X,
    I_ij = tr(Sigma^-1 Sigma_i Sigma^-1 Sigma_j) / 2 - tr(Phi Q_ij) + tr(Phi P_i Phi P_j) / 2,      W = I^-1,
    Phi_A = Phi + 2 Phi [ sum_ij W_ij (Q_ij - P_i Phi P_j) ] Phi.

An F test of q rows L uses Phi_A, and with U_i = L Phi P_i Phi L' in coordinates in which L Phi L' = I_q,

    A1 = sum_ij W_ij tr(U_i) tr(U_j),    A2 = sum_ij W_ij tr(U_i U_j),

give the df and the scale of F by the moment formulas of their section 3, in the form of Halekoh & Hojsgaard (2014,
section 5.3; pbkrtest). For q = 1 they are df = 2 / A2 and scale 1.

No n x n matrix: P_i and Q_ij + Q_ji are derivatives of X'Sigma^-1 X in linear parameters, and the traces those of
log|Sigma| (see `expected_information`).

Where it is not defined. The expansion supposes estimates inside of the parameter space. At a singular fit the formula
can still be evaluated, and is (the numbers are then pbkrtest's, and a note says that they rest on an expansion at the
boundary). A df below 2 is reported as it comes out, with a note: the mean of F, which the method matches, is infinite
there. Where I is not positive definite, or Phi_A has a variance that is not positive, there is nothing to report: the
answer is then Satterthwaite's with the unadjusted covariance, and a note says so.
"""

from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.second_order import SecondOrder, affordable
from bayeslmm.point.curvature import derivatives, symmetric_inverse
from bayeslmm.point.expected_information import expected_information, precision_by_phi
from bayeslmm.point.inference import FTest, Inference, uncorrelated_rows
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.satterthwaite import Satterthwaite, moment_df

FALLBACK = (
    "Kenward-Roger's adjustment is not defined here ({reason}); these are Satterthwaite's df with unadjusted standard "
    "errors"
)
AT_BOUNDARY = (
    "boundary (singular) fit: Kenward-Roger's adjustment is an expansion inside of the parameter space, and here was "
    "evaluated at its boundary; compare with ddf='satterthwaite'"
)
FEW = "Kenward-Roger's method leaves a coefficient {df:.2g} df; below 2 the mean of F that it matches is infinite"


@dataclass(frozen=True)
class KenwardRoger(Inference):
    """All that the tests of any contrast need; `vcov` is the adjusted covariance Phi_A.

    Attributes
    ----------
    unadjusted
        (p, p): Phi.
    derivatives
        (s, p, p): -Phi P_i Phi, the derivatives of Phi by phi.
    parameter_covariance
        (s, s): W.
    """

    unadjusted: np.ndarray
    derivatives: np.ndarray
    parameter_covariance: np.ndarray

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of each row of L (m, p): (m,)."""
        g = np.einsum("mi,sij,mj->ms", L, self.derivatives, L)
        return moment_df(np.einsum("mi,ij,mj->m", L, self.unadjusted, L), g, self.parameter_covariance)

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """F test of L beta = r, L (m, p) and `difference` (m,) = L beta_hat - r; F is scaled."""
        rows, values = uncorrelated_rows(L, self.unadjusted)
        q = values.size
        if q == 0:
            return FTest(np.nan, 0, np.nan)
        rows = rows / np.sqrt(values)[:, None]
        K, d = rows @ L, rows @ difference
        U = K @ self.derivatives @ K.T
        traces = np.einsum("sii->s", U)
        A1 = float(traces @ self.parameter_covariance @ traces)
        A2 = float(np.einsum("st,sij,tji->", self.parameter_covariance, U, U))
        df, scale = f_moments(A1, A2, q)
        wald = float(d @ np.linalg.solve(K @ self.vcov @ K.T, d))
        return FTest(scale * wald / q, q, df, scale)


def kenward_roger(likelihood: MarginalLikelihood, optimum: Optimum, reml: bool) -> Inference:
    """Adjust at the optimum; Satterthwaite's method where the adjustment is not defined.

    Raises
    ------
    ArgumentError
        The fit is not by REML.
    NotAvailableError
        The crossed factors have so many levels that the dense part of the derivatives does not fit into memory.
    """
    if not reml:
        raise ArgumentError('ddf="kenward-roger" is defined for REML fits; fit with reml=True, or use "satterthwaite"')
    if not affordable(likelihood):
        raise NotAvailableError(
            f'ddf="kenward-roger" needs dense matrices of {likelihood.structure.q_tail:,} columns for the crossed '
            'factors; use ddf="satterthwaite"'
        )
    sigma = likelihood.sigma(optimum.evaluation.parts, reml)
    at = derivatives(likelihood, optimum.cone, optimum.x)
    Phi, dPhi, W, adjusted = _adjust(at, sigma**2, likelihood.n)
    T = likelihood.basis.T
    found = KenwardRoger(T @ adjusted @ T.T, "kenward-roger", (), T @ Phi @ T.T, T @ dPhi @ T.T, W)
    reason = _not_defined(found)
    if not reason:
        return replace(found, notes=_doubts(found, any(b.rank < b.k for b in optimum.cone.blocks)))
    plain = Satterthwaite.of(likelihood, optimum, reml)
    return replace(plain, notes=(FALLBACK.format(reason=reason), *plain.notes))


def _not_defined(found: KenwardRoger) -> str:
    """Why there is no adjustment; empty where there is."""
    if not np.isfinite(found.parameter_covariance).all():
        return "the expected information of the covariance parameters is singular"
    sd = np.sqrt(np.diag(found.unadjusted))
    if (np.linalg.eigvalsh(found.vcov / np.outer(sd, sd)) <= 0).any():
        return "the adjusted covariance has a variance that is not positive"
    return ""


def _doubts(found: KenwardRoger, singular: bool) -> tuple[str, ...]:
    """Why the adjustment may be a poor approximation."""
    smallest = found.df(np.eye(found.vcov.shape[0])).min(initial=np.inf)
    few = (FEW.format(df=smallest),) if smallest < 2 else ()
    return (*((AT_BOUNDARY,) if singular else ()), *few)


def _adjust(at: SecondOrder, s2: float, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Phi (p, p), its derivatives (m + 1, p, p) by phi = (s2 gamma, s2), W (m + 1, m + 1) and Phi_A (p, p)."""
    S, S1, S2 = precision_by_phi(at, s2)
    Phi = symmetric_inverse(S)
    PhiP = Phi @ S1
    W = _inverse_information(expected_information(at, s2, n, True))
    if not np.isfinite(W).all():
        return Phi, -PhiP @ Phi, W, Phi
    # sum_ij W_ij Q_ij is half the sum of W_ij (Q_ij + Q_ji)
    inner = np.einsum("ab,abij->ij", W, S2) / 2 - np.einsum("ab,aij,bjk->ik", W, S1, PhiP, optimize=True)
    adjusted = Phi + 2 * Phi @ inner @ Phi
    return Phi, -PhiP @ Phi, W, (adjusted + adjusted.T) / 2


def _inverse_information(information: np.ndarray) -> np.ndarray:
    """W; NaN where the information is not positive definite."""
    d = np.sqrt(np.clip(np.diag(information), 0, None))
    if (d > 0).all():
        values, vectors = np.linalg.eigh(information / np.outer(d, d))
        if values[0] > 1e-10 * values[-1]:
            return (vectors / values) @ vectors.T / np.outer(d, d)
    return np.full_like(information, np.nan)


def f_moments(A1: float, A2: float, q: int) -> tuple[float, float]:
    """Denominator df, and scale of F, that match its first two moments (Kenward & Roger 1997, section 3)."""
    if q == 1:
        return 2 / A2, 1.0
    B = (A1 + 6 * A2) / (2 * q)
    g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    c = 3 * q + 2 * (1 - g)
    V0, V1, V2 = 1 + g / c * B, 1 - (q - g) / c * B, 1 - (q + 2 - g) / c * B
    V0 = 0.0 if abs(V0) < 1e-10 else V0
    near_one = abs(1 - A2 / q) < 1e-14 and abs(V1) < 1e-14
    rho = (1.0 if near_one else (1 - A2 / q) / V1) ** 2 * V0 / V2 / q
    df = 4 + (q + 2) / (q * rho - 1)
    # at df = 2 the mean of F is infinite and cannot be matched
    return df, 1.0 if abs(df - 2) < 0.01 else df * (1 - A2 / q) / (df - 2)
