"""Cluster-robust t and F tests of linear functions of least squares, in small samples.

For C beta_hat, C (q, p), with the covariance C V C' of `point.robust` and z_sg = A_g X_g Q c_s, independent errors of
variance sigma^2 / w as the working model give P^st_gh = z_sg'(I - H)_gh z_th. One row has Satterthwaite's df (Bell &
McCaffrey 2002),

    df = tr(P)^2 / tr(P^2).

Several rows together have the approximate Hotelling T^2 of Pustejovsky & Tipton (2018, Journal of Business & Economic
Statistics 36, 672-683, section 3.2), "HTZ" of clubSandwich: with rows C made such that sum_g P^st_gg = 1(s = t),

    eta = q (q + 1) / sum_st sum_gh (P^ss_gh P^tt_gh + P^st_gh P^ts_gh),
    F = (eta - q + 1) / (eta q) (C beta_hat)'(C V C')^-1 C beta_hat       on q and eta - q + 1 df.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.point.inference import TINY, FTest, Inference
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.point.robust import OWN, POWER, Kind, Leverage, robust_covariance

NOTE = "joint tests by an approximate Hotelling T-squared (Pustejovsky & Tipton 2018)"


@dataclass(frozen=True)
class Clustered(Inference):
    """Tests with robust errors; `parts` is what each cluster weighs in the fit."""

    parts: Leverage

    @classmethod
    def of(cls, design: Design, found: LeastSquares, clusters: Clusters, kind: Kind = "HC2") -> "Clustered":
        """Of a fit: by default CR2, as `LinearFit` has it."""
        vcov = robust_covariance(design, found, kind, clusters, adjust=True)
        return cls(
            vcov,
            "clusters",
            (f"{clusters.count} clusters of {clusters.name}",),
            Leverage.of(design, clusters, POWER[kind]),
        )

    def df(self, L: np.ndarray) -> np.ndarray:
        """Satterthwaite's df (m,) of each row of L (m, p)."""
        return np.array([_satterthwaite(self.parts, r) for r in L @ self.parts.R])

    def variances(self, L: np.ndarray) -> np.ndarray:
        """Variance (m,) of each row of L beta_hat; NaN where one cluster decides it alone."""
        alone = np.array([_most_of_one(self.parts, r[None, :]) > 1 - OWN for r in L @ self.parts.R], dtype=bool)
        return np.where(alone, np.nan, super().variances(L))

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """Hotelling's T^2 of L beta = r; NaN where one cluster decides a direction alone, or there are too few."""
        r, weights = _orthonormal(L @ self.parts.R)
        q = len(r)
        if q == 0 or _most_of_one(self.parts, r) > 1 - OWN:
            return FTest(np.nan, q, np.nan)
        eta = _hotelling(self.parts, r)
        df = eta - q + 1
        if not df > 0:
            return FTest(np.nan, q, np.nan)
        C, h, scale = weights @ L, weights @ difference, df / eta
        return FTest(float(h @ np.linalg.solve(C @ self.vcov @ C.T, h)) / q * scale, q, df, scale)


def satterthwaite_df(design: Design, clusters: Clusters, kind: Kind) -> np.ndarray:
    """(p,): degrees of freedom of the t tests of the coefficients; NaN where the errors say nothing of one."""
    parts = Leverage.of(design, clusters, POWER[kind])
    return np.array([_satterthwaite(parts, r) for r in parts.R])


def _orthonormal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Combinations of the rows of L R (m, p) that are orthonormal (q, p), and their weights (q, m)."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    keep = values > TINY * values.max(initial=0.0)
    weights = vectors[:, keep].T / np.sqrt(values[keep])[:, None]
    return weights @ rows, weights


def _most_of_one(parts: Leverage, r: np.ndarray) -> float:
    """The largest share that one cluster has in a direction of the rows of r (q, p)."""
    length = np.sqrt((r**2).sum(axis=1))
    K = np.einsum("ja,gab,kb->gjk", r, parts.K, r) / np.outer(length, length)
    return float(np.linalg.eigvalsh(K).max(initial=0.0))


def _satterthwaite(parts: Leverage, r: np.ndarray) -> float:
    """tr(P)^2 / tr(P^2) of the row c with r = R'c (p,); NaN where the errors say nothing of it."""
    b = parts.B @ r
    T = np.einsum("gab,gb->ga", parts.K, b)
    length, inner = np.einsum("ga,ga->g", b, T), (T**2).sum(axis=1)
    trace = float((length - inner).sum())
    square = float((length**2 - 2 * length * inner).sum() + ((T.T @ T) ** 2).sum())
    return trace**2 / square if square > 0 else np.nan


def _hotelling(parts: Leverage, r: np.ndarray) -> float:
    """eta of the rows with r = C R (q, p).

    P^st_gh = 1(g = h) a_g^st - T_sg'T_th, a_g^st = b_sg'T_tg, so that sums over pairs of clusters are sums over one.
    """
    omega = _expected(*_pieces(parts, r))
    values, vectors = np.linalg.eigh(omega)
    T, a = _pieces(parts, (vectors / np.sqrt(values)) @ vectors.T @ r)
    q = len(r)
    inner = np.einsum("sga,tga->stg", T, T)
    cross = np.einsum("sga,tgb->stab", T, T)
    own = np.einsum("ssg->sg", a), np.einsum("ssg->sg", inner)
    first = own[0] @ own[0].T - own[0] @ own[1].T - own[1] @ own[0].T + (cross**2).sum(axis=(2, 3))
    second = (a**2).sum(axis=2) - 2 * (a * inner).sum(axis=2) + np.einsum("stab,stba->st", cross, cross)
    return float(q * (q + 1) / (first + second).sum())


def _pieces(parts: Leverage, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T (q, G, p) = K_g b_sg, and a (q, q, G), for b_sg = B_g r_s."""
    b = np.einsum("gab,sb->sga", parts.B, r)
    T = np.einsum("gab,sgb->sga", parts.K, b)
    return T, np.einsum("sga,tga->stg", b, T)


def _expected(T: np.ndarray, a: np.ndarray) -> np.ndarray:
    """sum_g P^st_gg (q, q): the covariance of the rows as the working model expects its estimate."""
    return np.asarray(a.sum(axis=2) - np.einsum("sga,tga->st", T, T))
