"""Profile-likelihood interval of an intraclass correlation.

With `S_t(theta) = mean(z' Lambda_t Lambda_t' z)` over the rows and `w = mean(1/w_i)`, sigma cancels from

    rho_T = S_T / (S_T + S_rest + w),    S_T = sum of S_t over the terms t in T.

S_t is a quadratic form in theta: with G = Z_t'Z_t / n = R'R, S_t = |R Lambda_t|^2. The points with rho_T = r are those
with S_T = r (S_rest + w) / (1 - r): any direction for the elements of theta in T, any value for the others. There the
profiled criterion f is minimised without constraints, with its gradient, and the interval is

    { r : min f on rho_T = r  -  min f  <=  z^2 },    z the normal quantile.

No derivative at the estimate is needed, so that the interval is right at the boundary too: it begins at zero where the
model without the groups' variance is not worse by more than z^2.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.shares import mean_inverse_weight

START = 0.05
CLOSEST = 1e-9
COLLINEAR = 1e-12
FORBIDDEN = 1e12  # the criterion where it cannot be computed


@dataclass(frozen=True, slots=True)
class Share:
    """The share rho_T as a function of theta.

    Attributes
    ----------
    root
        (r, m): |root theta|^2 over the rows that belong to term t is S_t; r < m where columns of a bar are collinear.
    back
        (m, r): theta from z = root theta.
    inside
        (r,) bool: rows of the root that belong to T.
    weight
        mean(1/w).
    """

    root: np.ndarray
    back: np.ndarray
    inside: np.ndarray
    weight: float

    @classmethod
    def of(cls, design: Design, likelihood: MarginalLikelihood, groups: frozenset[int]) -> "Share":
        """The share of the terms at these positions."""
        entries = likelihood.covariance.entries
        gram = [t.Z.T @ t.Z / design.n for t in design.terms]
        Q = np.array(
            [[gram[t][i, k] if (t, j) == (s, c) else 0.0 for s, k, c in entries] for t, i, j in entries]
        ).reshape(len(entries), len(entries))
        chosen = np.array([t in groups for t, _, _ in entries], dtype=bool)
        (root, back), (other, other_back) = _root(Q, chosen), _root(Q, ~chosen)
        inside = np.arange(len(root) + len(other)) < len(root)
        return cls(np.vstack([root, other]), np.hstack([back, other_back]), inside, mean_inverse_weight(design))

    def value(self, theta: np.ndarray) -> float:
        """rho_T at theta (m,)."""
        z2 = (self.root @ theta) ** 2
        return float(z2[self.inside].sum() / (z2.sum() + self.weight))


def _root(Q: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R (r, m) with |R theta|^2 = theta'Q theta for these elements, and its inverse; less what Q lacks."""
    d = np.sqrt(np.diag(Q)[own])
    values, vectors = np.linalg.eigh(Q[np.ix_(own, own)] / np.outer(d, d))
    keep = values > COLLINEAR
    R, back = np.zeros((int(keep.sum()), own.size)), np.zeros((own.size, int(keep.sum())))
    R[:, own] = np.sqrt(values[keep])[:, None] * vectors[:, keep].T * d
    back[own] = vectors[:, keep] / np.sqrt(values[keep]) / d[:, None]
    return R, back


def icc_interval(
    likelihood: MarginalLikelihood, theta: np.ndarray, reml: bool, share: Share, z: float
) -> tuple[float, float]:
    """Ends of the interval.

    Parameters
    ----------
    likelihood, theta, reml
        Of the fit: theta (m,) minimises the criterion.
    share
        The share.
    z
        Normal quantile, such as 1.96.
    """
    from scipy.optimize import brentq

    profile = _Profile(likelihood, reml, share, share.root @ theta)
    estimate, least = share.value(theta), likelihood.criterion(theta, reml)

    def excess(r: float) -> float:
        return profile(r) - least - z**2

    with one_blas_thread():
        lower = 0.0
        if estimate > CLOSEST and excess(0.0) > 0:
            lower = float(brentq(excess, 0.0, estimate, xtol=1e-8, rtol=1e-6))
        step = (1 - estimate) / 2
        while excess(1 - step) < 0 and step > CLOSEST:
            step /= 4
        upper = 1.0 if step <= CLOSEST else float(brentq(excess, estimate, 1 - step, xtol=1e-8, rtol=1e-6))
    return lower, upper


@dataclass(slots=True)
class _Profile:
    """min f on rho_T = r; starts each search from where the last one ended."""

    likelihood: MarginalLikelihood
    reml: bool
    share: Share
    z: np.ndarray

    def __call__(self, r: float) -> float:
        from scipy.optimize import minimize

        start = self.z.copy()
        start[np.abs(start) < START] = START  # the criterion is even: at zero its gradient would show nothing
        inside = self.share.inside
        start[inside] /= np.linalg.norm(start[inside])
        found = minimize(self._value, start, (r,), jac=True, method="BFGS", options={"gtol": 1e-5})
        self.z = self._place(found.x, r)[0] if r > 0 else found.x
        return float(found.fun)

    def _place(self, v: np.ndarray, r: float) -> tuple[np.ndarray, float, float]:
        """The point z (r,) with rho_T = r, the norm s of its part in T, and |v_T|."""
        inside = self.share.inside
        s = float(np.sqrt(r / (1 - r) * ((v[~inside] ** 2).sum() + self.share.weight)))
        norm = float(np.linalg.norm(v[inside]))
        z = v.copy()
        z[inside] *= s / norm
        return z, s, norm

    def _value(self, v: np.ndarray, r: float) -> tuple[float, np.ndarray]:
        """f and its gradient by v (r,): direction of the elements in T, values of the others."""
        inside = self.share.inside
        z, s, norm = self._place(v, r)
        try:
            value, by_theta = self.likelihood.with_gradient(self.share.back @ z, self.reml)
        except np.linalg.LinAlgError:
            return FORBIDDEN, np.zeros(v.size)
        g = self.share.back.T @ by_theta
        unit = v[inside] / norm
        along = float(g[inside] @ unit)
        out = g.copy()
        out[inside] = s / norm * (g[inside] - along * unit)
        if s > 0:
            out[~inside] += along * r / (1 - r) * v[~inside] / s
        return value, out
