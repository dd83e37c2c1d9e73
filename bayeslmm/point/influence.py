"""Influence of rows and of groups: what changes when they are left out.

Leverage. The fitted values are linear in y at fixed theta; their derivatives
`h_i = d fitted_i / d y_i = w_i c_i'M^-1 c_i` add up to the trace of the hat matrix (Demidenko & Stukel 2005,
Statistics in Medicine 24, 893-909; lme4's `hatvalues`). The leverage of a group is the sum over its rows.

Groups are left out exactly: their cross-products are subtracted from A, and the model is fitted again, theta and all.
So are rows, on request. At fixed theta a row is left out in closed form. With P = V^-1 - V^-1 X C X'V^-1, C =
(X'V^-1 X)^-1, the model without row i is the one with an indicator of it, so that for the conditional residual e_i

    P_ii = w_i (1 - h_i),   (P y)_i = w_i e_i,   g_i = d beta_hat / d y_i = C X'V^-1 1_i,
    beta_hat - beta_hat(i) = g_i e_i / (1 - h_i),      C(i) = C + g_i g_i' / P_ii,
    sigma(i)^2 = (nu sigma^2 - w_i e_i^2 / (1 - h_i)) / (nu - 1)

(Christensen, Pearson & Johnson 1992, Technometrics 34, 38-45). From beta(i) and its covariance follow

    Cook's distance   (beta - beta(i))' Var(beta)^-1 (beta - beta(i)) / p     (Cook 1977),
    DFBETAS           (beta - beta(i))_j / se(i)_j                            (Belsley, Kuh & Welsch 1980),
    covariance ratio  det Var(beta(i)) / det Var(beta),
    displacement      f(theta(i)) - f(theta)                                  (Cook 1986),

with the se of the refit in DFBETAS as in lme4, whose sign is the other one; the displacement says how much worse the
criterion of all rows is at theta(i).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.rank import independent
from bayeslmm.design.some_rows import some_rows
from bayeslmm.likelihood.kernel import factorise
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.likelihood.solves import solve_rows
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.estimates import Estimates, estimates
from bayeslmm.point.optimise import optimise
from bayeslmm.point.optimum import Optimum

COLLINEAR = 1e-9
LARGE = 5e-3  # seconds of plain work from which starting at the theta of all rows saves more than it costs
ALONE = 1e-10


@dataclass(frozen=True, slots=True)
class Base:
    """The fit that rows are left out of."""

    design: Design
    likelihood: MarginalLikelihood
    optimum: Optimum
    at: Estimates
    reml: bool


@dataclass(frozen=True, slots=True)
class Deletions:
    """What d deletions do; NaN where a deletion leaves nothing to estimate.

    Attributes
    ----------
    n
        (d,): rows left out.
    leverage
        (d,): sum of their hat values.
    beta, se
        (d, p): coefficients without them, and their standard errors.
    sigma
        (d,): residual sd without them.
    theta
        (d, m): covariance parameters without them.
    cooks, covratio, displacement
        (d,); the displacement is NaN where theta was held.
    problems
        d sentences; "" where all went well.
    """

    n: np.ndarray
    leverage: np.ndarray
    beta: np.ndarray
    se: np.ndarray
    sigma: np.ndarray
    theta: np.ndarray
    cooks: np.ndarray
    covratio: np.ndarray
    displacement: np.ndarray
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _One:
    beta: np.ndarray
    vcov: np.ndarray
    sigma: float
    theta: np.ndarray
    displacement: float
    problem: str = ""


def hat_values(base: Base) -> tuple[np.ndarray, np.ndarray]:
    """Leverages h (n,), and the derivatives g (n, p) of beta_hat by each response."""
    design, likelihood = base.design, base.likelihood
    with one_blas_thread():
        factor = factorise(likelihood.A, likelihood.structure, base.at.lambdas)
        Z, index = [t.Z for t in design.terms], [t.index for t in design.terms]
        found = solve_rows(factor, likelihood.structure, Z, index, design.X @ likelihood.basis.T)
    return design.weights * found.squares, design.weights[:, None] * found.fixed @ likelihood.basis.T.T


def delete_rows(base: Base, residuals: np.ndarray) -> Deletions:
    """Leave out every row in closed form, at fixed theta.

    Parameters
    ----------
    base
        The fit.
    residuals
        (n,): conditional residuals e.
    """
    design, at, nu = base.design, base.at, base.likelihood.nu(base.reml)
    h, g = hat_values(base)
    free = np.where(1 - h > ALONE, 1 - h, np.nan)
    shift = g * (residuals / free)[:, None]
    C = at.vcov / at.sigma**2
    reduced = nu * at.sigma**2 - design.weights * residuals**2 / free
    sigma = np.sqrt(np.clip(reduced, 0, None) / (nu - 1))
    P = design.weights * free
    se = sigma[:, None] * np.sqrt(np.diag(C) + g**2 / P[:, None])
    inverse = np.linalg.inv(C) if design.p else C
    p = design.p or np.nan
    stretched = np.einsum("ni,ij,nj->n", g, inverse, g) / P
    alone = "no other row tells what this one tells"
    return Deletions(
        np.ones(design.n, dtype=int),
        h,
        at.beta - shift,
        se,
        sigma,
        np.broadcast_to(base.optimum.theta, (design.n, base.optimum.theta.size)),
        np.einsum("ni,ij,nj->n", shift, inverse, shift) / at.sigma**2 / p,
        (sigma / at.sigma) ** (2 * design.p) * (1 + stretched),
        np.full(design.n, np.nan),
        tuple("" if ok else alone for ok in np.isfinite(free)),
    )


def delete_sets(base: Base, sets: Sequence[np.ndarray]) -> Deletions:
    """Leave out each set of rows (positions) exactly: subtract their cross-products, and fit again."""
    h, _ = hat_values(base)
    found = [_without(base, rows) for rows in sets]
    beta = np.array([one.beta for one in found]).reshape(len(sets), base.design.p)
    se = np.array([np.sqrt(np.diag(one.vcov)) for one in found]).reshape(len(sets), base.design.p)
    changes = np.array([_changes(base.at, one) for one in found]).reshape(len(sets), 2)
    return Deletions(
        np.array([rows.size for rows in sets]),
        np.array([h[rows].sum() for rows in sets]),
        beta,
        se,
        np.array([one.sigma for one in found]),
        np.array([one.theta for one in found]),
        changes[:, 0],
        changes[:, 1],
        np.array([one.displacement for one in found]),
        tuple(one.problem for one in found),
    )


def _without(base: Base, rows: np.ndarray) -> _One:
    """Refit without these rows."""
    design, m = base.design, base.optimum.theta.size
    problem = _too_little(design, rows)
    if problem:
        p = design.p
        return _One(np.full(p, np.nan), np.full((p, p), np.nan), np.nan, np.full(m, np.nan), np.nan, problem)
    likelihood, kept = base.likelihood.without(design, rows), np.arange(design.p)
    if _is_deficient(likelihood):
        rest = np.delete(np.arange(design.n), rows)
        kept = independent(design.X[rest])
        likelihood = MarginalLikelihood.of(_part(design, rest, kept))
    large = plain_seconds(likelihood.structure, likelihood.p) > LARGE
    optimum = optimise(likelihood, base.reml, "lbfgs", base.optimum.theta if large else None)
    _share_engine(base.likelihood, likelihood, kept.size == design.p)
    at = estimates(likelihood, optimum, base.reml)
    beta, vcov = np.full(design.p, np.nan), np.full((design.p, design.p), np.nan)
    beta[kept], vcov[np.ix_(kept, kept)] = at.beta, at.vcov
    displacement = base.likelihood.criterion(optimum.theta, base.reml) - base.optimum.value
    lost = [design.coef_names[j] for j in range(design.p) if j not in kept]
    problem = f"without it there is no estimate of {', '.join(lost)}" if lost else ""
    return _One(beta, vcov, at.sigma, optimum.theta, displacement, problem)


def _changes(at: Estimates, one: _One) -> tuple[float, float]:
    """Cook's distance and covariance ratio, over the coefficients that can still be estimated."""
    kept = np.isfinite(one.beta)
    if not kept.any():
        return np.nan, np.nan
    shift, full = (at.beta - one.beta)[kept], at.vcov[np.ix_(kept, kept)]
    ratio = np.linalg.slogdet(one.vcov[np.ix_(kept, kept)])[1] - np.linalg.slogdet(full)[1]
    return float(shift @ np.linalg.solve(full, shift)) / kept.sum(), float(np.exp(ratio))


def _too_little(design: Design, rows: np.ndarray) -> str:
    """Why the model cannot be fitted without these rows, "" where it can."""
    left = design.n - rows.size
    for term in design.terms:
        counts = np.bincount(term.index, minlength=term.n_levels)
        levels = int(np.count_nonzero(counts - np.bincount(term.index[rows], minlength=term.n_levels)))
        if levels < 2:
            return f"without it `{term.group}` has {levels} level{'' if levels == 1 else 's'} left"
        if max(len(block) for block in term.blocks) * levels >= left:
            return f"without it there are too few rows for the effects of `{term.group}`"
    return "without it there are no more rows than coefficients" if left <= design.p else ""


def _is_deficient(likelihood: MarginalLikelihood) -> bool:
    """Whether X'WX of the rows that are left is singular; in this basis it is the identity for all rows."""
    p = likelihood.p
    return bool(p) and bool(np.linalg.eigvalsh(likelihood.A.corner[:p, :p])[0] < COLLINEAR)


def _part(design: Design, rows: np.ndarray, columns: np.ndarray) -> Design:
    """Some rows and columns of a design; levels without rows keep their place."""
    kept = some_rows(design, rows)
    names = tuple(design.coef_names[j] for j in columns)
    return replace(kept, X=np.ascontiguousarray(kept.X[:, columns]), coef_names=names)


def _share_engine(base: MarginalLikelihood, other: MarginalLikelihood, same_pattern: bool) -> None:
    """Let the deletions that follow use the compiled engine that this one has made."""
    if same_pattern and other.runner.engines and not base.runner.engines:
        base.runner.engines.append(other.runner.engines[0].anew(base.A))
