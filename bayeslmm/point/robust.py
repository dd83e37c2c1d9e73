"""Sandwich covariances of least squares: errors that differ in variance, or that are dependent within clusters.

    Var(beta_hat) = f Q (sum_g X_g'A_g e_g e_g'A_g X_g) Q,      Q = (X'X)^-1,   H_g = X_g Q X_g'

(X, y and e times sqrt(w) where there are weights), summed over rows, or over clusters g with all rows of one in X_g:

    HC0  A = I,  f = 1                              HC2  A = (I - H_g)^-1/2
    HC1  A = I,  f = n / (n - p) for rows,          HC3  A = (I - H_g)^-1
         f = (n - 1) / (n - p) for clusters

For clusters f has another factor G / (G - 1), and HC2 and HC3 the factor (G - 1) / G, as the R package sandwich has
them (Zeileis, Koll & Graham 2020, Journal of Statistical Software 95(1)): with `adjust` HC2 is exactly the
bias-reduced CR2 of Bell & McCaffrey (2002, Survey Methodology 28, 169-181), HC3 exactly the jackknife CR3. Row-wise
errors and HC0, HC1 of clusters come from statsmodels.

With Q = R R', M_g = X_g R and K_g = M_g'M_g, A_g M_g = M_g B_g with B_g the same power of I - K_g, so that nothing
is larger than p x p. Eigenvalues 0 of I - H_g, directions that only the cluster itself informs, are left out
(Pustejovsky & Tipton 2018, Journal of Business & Economic Statistics 36, 672-683).

Tests with these errors are in `point.clustered`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.errors import ArgumentError
from bayeslmm.point.least_squares import LeastSquares

Kind = Literal["HC0", "HC1", "HC2", "HC3"]
Named = Literal["HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR1S", "CR2", "CR3"]
KINDS = ("HC0", "HC1", "HC2", "HC3")
CLUSTERED: dict[str, tuple[Kind, bool]] = {  # clubSandwich's names: the kind, and whether G / (G - 1) is in it
    "CR0": ("HC0", False),
    "CR1": ("HC0", True),
    "CR1S": ("HC1", True),
    "CR2": ("HC2", True),
    "CR3": ("HC3", True),
}
POWER = {"HC0": 0.0, "HC1": 0.0, "HC2": 0.5, "HC3": 1.0}
OWN = 1e-9


def robust_covariance(
    design: Design, found: LeastSquares, kind: Kind, clusters: Clusters | None, adjust: bool
) -> np.ndarray:
    """(p, p): the covariance of the coefficients.

    Parameters
    ----------
    kind
        See above.
    clusters
        None for errors that are independent between rows.
    adjust
        The factor G / (G - 1) of clusters.

    Raises
    ------
    ArgumentError
        A row decides a coefficient alone, and the kind divides by one less its leverage.
    """
    if clusters is None:
        _check_leverage(design, kind)
        return _by_statsmodels(design, kind)
    G = clusters.count
    if kind in ("HC0", "HC1"):
        V = _by_statsmodels(design, kind, clusters.index)
        factor = (design.n - 1) / (design.n - design.p) if kind == "HC1" else 1.0
        return V * factor * (G / (G - 1) if adjust else 1.0)
    parts = Leverage.of(design, clusters, POWER[kind])
    residual = design.y_net - design.X @ found.beta
    scores = parts.scores(np.sqrt(design.weights) * residual, clusters.index)
    half = parts.R @ scores.T
    return half @ half.T * (1.0 if adjust else (G - 1) / G)


def decided_alone(design: Design, clusters: Clusters) -> np.ndarray:
    """(p,): which coefficients one cluster decides alone, so that nothing shows how clusters differ in them."""
    parts = Leverage.of(design, clusters, 0.0)
    share = np.einsum("ja,gab,jb->gj", parts.R, parts.K, parts.R) / (parts.R**2).sum(axis=1)
    return share.max(axis=0) > 1 - OWN


@dataclass(frozen=True, slots=True)
class Leverage:
    """What each cluster weighs in the fit.

    Attributes
    ----------
    M
        (n, p): sqrt(w) X R.
    R
        (p, p): R R' = (X'WX)^-1.
    K, B
        (G, p, p): M_g'M_g, and (I - K_g) to a power, without its eigenvalues 0.
    """

    M: np.ndarray
    R: np.ndarray
    K: np.ndarray
    B: np.ndarray

    @classmethod
    def of(cls, design: Design, clusters: Clusters, power: float) -> "Leverage":
        """For (I - H_g)^-power."""
        left, T = np.linalg.qr(design.X * np.sqrt(design.weights)[:, None])
        order = np.argsort(clusters.index, kind="stable")
        edges = np.searchsorted(clusters.index[order], np.arange(clusters.count + 1))
        K = np.array([left[rows].T @ left[rows] for rows in np.split(order, edges[1:-1])])
        values, vectors = np.linalg.eigh(K)
        rest = 1 - values
        f = np.where(rest > OWN, np.where(rest > OWN, rest, 1.0) ** -power, 0.0) if power else np.ones_like(rest)
        B = np.einsum("gab,gb,gcb->gac", vectors, f, vectors)
        return cls(left, np.linalg.inv(T), K, B)

    def scores(self, residual: np.ndarray, index: np.ndarray) -> np.ndarray:
        """(G, p): B_g M_g'e_g."""
        sums = np.zeros((len(self.K), self.M.shape[1]))
        np.add.at(sums, index, self.M * residual[:, None])
        return np.einsum("gab,gb->ga", self.B, sums)


def _by_statsmodels(design: Design, kind: Kind, groups: np.ndarray | None = None) -> np.ndarray:
    from statsmodels.regression.linear_model import WLS

    model = WLS(design.y_net, design.X, weights=design.weights)
    if groups is None:
        return np.asarray(model.fit(cov_type=kind).cov_params())
    options = {"groups": groups, "use_correction": False}
    return np.asarray(model.fit(cov_type="cluster", cov_kwds=options).cov_params())


def _check_leverage(design: Design, kind: Kind) -> None:
    left, _ = np.linalg.qr(design.X * np.sqrt(design.weights)[:, None])
    alone = np.flatnonzero((left**2).sum(axis=1) > 1 - OWN)
    if POWER[kind] and alone.size:
        raise ArgumentError(
            f'kind="{kind}": row {design.rows[alone[0]]} (counted from 0) alone decides a coefficient (leverage 1), '
            'and has no residual to learn from; take kind="HC1", or leave the row or the coefficient out'
        )
