"""Shares of variance: R2 of Nakagawa & Schielzeth, semi-partial R2 of terms, variances at chosen predictors.

With random slopes the variance between groups depends on the row; averaged over the rows it is
`sigma_t^2 = mean(z'V_t z) = tr(V_t Z'Z / n)` (Johnson 2014, Methods in Ecology and Evolution 5, 944-946). With the
variance of the fixed part, `sigma_f^2 = var(X beta)` over the rows, and that of the residuals,
`sigma_e^2 = sigma^2 mean(1/w)`,

    R2 marginal    = sigma_f^2                     / (sigma_f^2 + sum_t sigma_t^2 + sigma_e^2),
    R2 conditional = (sigma_f^2 + sum_t sigma_t^2) / (sigma_f^2 + sum_t sigma_t^2 + sigma_e^2)

(Nakagawa & Schielzeth 2013, Methods in Ecology and Evolution 4, 133-142, eqs. 26 and 30). An offset is known and
explains nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bayeslmm.design import Design
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.estimates import Estimates, estimates
from bayeslmm.point.hypotheses import INTERCEPT, contains
from bayeslmm.point.optimise import optimise


def between_variances(design: Design, covariances: Sequence[np.ndarray]) -> np.ndarray:
    """(T,): variance between the levels of each term, averaged over the rows, in units of the covariances (k, k)."""
    return np.array(
        [(term.Z.T @ term.Z * V).sum() / design.n for term, V in zip(design.terms, covariances, strict=True)]
    )


def mean_inverse_weight(design: Design) -> float:
    """Mean of 1/w: the residual variance averaged over the rows, in units of sigma^2."""
    return float((1 / design.weights).mean())


def r_squared(design: Design, at: Estimates) -> tuple[float, float]:
    """R2 marginal (of the fixed part) and conditional (of fixed and random part)."""
    fixed = float(np.var(design.X @ at.beta, ddof=1))
    between = float(between_variances(design, at.covariances).sum())
    total = fixed + between + at.sigma**2 * mean_inverse_weight(design)
    return fixed / total, (fixed + between) / total


def semi_partial(design: Design, reml: bool, marginal: float) -> dict[str, float]:
    """What each term of the fixed part adds to the marginal R2, by refits without it.

    R2 of the model with the term less R2 of the model without (Stoffel, Nakagawa & Schielzeth 2021, PeerJ 9, e11414,
    eq. 10). Both leave out the terms that contain it, as tests of type II do: a main effect is not asked to stand
    beside its own interaction, and the answer does not depend on the contrasts.

    Parameters
    ----------
    design
        Of the fit.
    reml
        How it was fitted.
    marginal
        Its marginal R2.
    """
    found = {}
    known = {tuple(range(design.p)): marginal}
    for term in design.fixed_terms:
        if term.label == INTERCEPT:
            continue
        above = {j for other in design.fixed_terms if contains(other, term) for j in other.columns}
        with_it = tuple(j for j in range(design.p) if j not in above)
        without = tuple(j for j in with_it if j not in term.columns)
        for columns in (with_it, without):
            if columns not in known:
                known[columns] = _marginal(design, columns, reml)
        found[term.label] = known[with_it] - known[without]
    return found


def _marginal(design: Design, columns: tuple[int, ...], reml: bool) -> float:
    """R2 marginal of the model with these columns of X."""
    X = np.ascontiguousarray(design.X[:, list(columns)])
    reduced = replace(design, X=X, coef_names=tuple(design.coef_names[j] for j in columns))
    likelihood = MarginalLikelihood.of(reduced)
    return r_squared(reduced, estimates(likelihood, optimise(likelihood, reml, "lbfgs"), reml))[0]


def variances_at(Z: Sequence[np.ndarray], covariances: Sequence[np.ndarray]) -> np.ndarray:
    """(T, m): z'V_t z of every term at m rows Z_t (m, k) (Goldstein, Browne & Rasbash 2002)."""
    return np.array([np.einsum("mi,ij,mj->m", z, V, z) for z, V in zip(Z, covariances, strict=True)])
