"""How much of the variation between levels is explained, and how much the levels are pooled, term by term.

    R2 = 1 - E[V(eps)] / E[V(theta)],        lambda = 1 - V(E[eps]) / E[V(eps)],

V the variance over the J levels of this data set (denominator J - 1) and E the expectation given the data: over the
posterior draws, or for a REML fit over (beta, b) given the estimated covariances, in closed form. theta and eps are
the coefficient of a level and its part that nothing explains (`level_models`); the rows are a term of their own, with
theta = y and eps the residual. lambda near 0: the levels' own data decide; near 1: they are pooled towards what the
regression says. (Gelman & Pardoe 2006, Technometrics 48, 241-251; Gelman & Hill 2007, sections 21.5 and 21.6.)

In closed form, with C_ij = Cov(eps_i, eps_j | y),  E[V(eps)] = V(E[eps]) + (sum_i C_ii - sum_ij C_ij / J) / (J - 1).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayeslmm.compare.level_models import Functions, level_model, own_effect, rows_explained
from bayeslmm.likelihood.kernel import Factor, factorise
from bayeslmm.likelihood.solves import apply_inverse, solve_rows
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_draws import chunks

ROWS = "(rows)"
ROUNDED = 1e-12


class Spread(NamedTuple):
    """Of m quantities: V of their expectations, and the expectation of their V."""

    of_means: float
    mean: float


@dataclass(frozen=True, slots=True)
class Measures:
    """R2 and lambda of one term; NaN where there is nothing to explain."""

    r2: float
    pooling: float

    @classmethod
    def of(cls, theta: float, eps: Spread) -> "Measures":
        """From E[V(theta)] and the spread of eps; without any variance all is pooled."""
        r2 = 1 - eps.mean / theta if theta > 0 else np.nan
        r2 = 0.0 if abs(r2) < ROUNDED else r2
        return cls(r2, 1 - eps.of_means / eps.mean if eps.mean > 0 else 1.0)


def measures(fit: Fit, post: Posterior | None) -> pd.DataFrame:
    """One row for the rows of the data, and one for each effect of each grouping factor.

    Returns
    -------
    DataFrame
        `group`, `term`, `n` (levels, or rows), `r2` and `pooling` of the fit; with a posterior `bayes_r2` and
        `bayes_pooling`.
    """
    design = fit.design
    where = [(t, e) for t, term in enumerate(design.terms) for e in range(term.k)]
    names = [(design.terms[t].group, design.terms[t].coefficients[e]) for t, e in where]
    sizes = [design.n, *(design.terms[t].n_levels for t, _ in where)]
    table = pd.DataFrame([(ROWS, ""), *names], columns=["group", "term"]).assign(n=sizes)
    with one_blas_thread():
        found = _of_fit(fit, where)
    table = table.assign(r2=[m.r2 for m in found], pooling=[m.pooling for m in found])
    if post is None:
        return table
    found = _of_posterior(post, where)
    return table.assign(bayes_r2=[m.r2 for m in found], bayes_pooling=[m.pooling for m in found])


# -- given the estimated covariances -------------------------------------------------------------------------------


def _of_fit(fit: Fit, where: list[tuple[int, int]]) -> list[Measures]:
    design, factor = fit.design, factorise(fit.likelihood.A, fit.likelihood.structure, fit.estimates.lambdas)
    residual = _spread(fit, factor, rows_explained(design), design.y_net)
    found = [Measures.of(float(design.y_net.var(ddof=1)), residual)]
    for t, e in where:
        theta = _spread(fit, factor, level_model(design, t, e))
        found.append(Measures.of(theta.mean, _spread(fit, factor, own_effect(design, t, e))))
    return found


def _spread(fit: Fit, factor: Factor, functions: Functions, constant: np.ndarray | float = 0.0) -> Spread:
    """Of constant - functions; a row c of them, in (u, gamma), has the variance sigma^2 c'M^-1 c."""
    structure, at = fit.likelihood.structure, fit.estimates
    expected = constant - functions.at(at.beta, at.b)
    XT = functions.X @ fit.likelihood.basis.T
    m = expected.size
    each = solve_rows(factor, structure, functions.Z, functions.index, XT).squares.sum()
    total = []
    for z, i, L, J in zip(functions.Z, functions.index, factor.lambdas, structure.J, strict=True):
        known = i >= 0
        own = [np.bincount(i[known], column, J) for column in (z[known] @ L).T]
        total.append(np.array(own).reshape(L.shape[0], J, 1))
    by_X = XT.sum(axis=0)[:, None]
    u, gamma = apply_inverse(factor, structure, total, by_X)
    joint = sum(float((a * b).sum()) for a, b in zip(total, u, strict=True)) + float((by_X * gamma).sum())
    of_means = float(expected.var(ddof=1))
    return Spread(of_means, of_means + at.sigma**2 * max(float(each) - joint / m, 0.0) / (m - 1))


# -- over draws ----------------------------------------------------------------------------------------------------


def _of_posterior(post: Posterior, where: list[tuple[int, int]]) -> list[Measures]:
    design, draws = post.design, post.draws
    beta, b = draws.beta, tuple(draws.b(t) for t in design.terms)
    residual = _spread_of_draws(beta, b, rows_explained(design), design.y_net)
    found = [Measures.of(float(design.y_net.var(ddof=1)), residual)]
    for t, e in where:
        theta = _spread_of_draws(beta, b, level_model(design, t, e))
        found.append(Measures.of(theta.mean, _spread_of_draws(beta, b, own_effect(design, t, e))))
    return found


def _spread_of_draws(
    beta: np.ndarray, b: tuple[np.ndarray, ...], functions: Functions, constant: np.ndarray | float = 0.0
) -> Spread:
    S, m = beta.shape[0], functions.X.shape[0]
    spread, mean = 0.0, np.zeros(m)
    for part in chunks(S, m * (1 + sum(z.shape[1] for z in functions.Z))):
        values = constant - functions.at(beta[part], tuple(effects[part] for effects in b))
        spread += values.var(axis=1, ddof=1).sum()
        mean += values.sum(axis=0)
    return Spread(float((mean / S).var(ddof=1)), float(spread / S))
