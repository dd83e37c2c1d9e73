"""The numbers of `Pooling`: each level alone, all levels together, and in between."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bayeslmm.compare.levels import Alone, alone, least_squares
from bayeslmm.compare.movers import with_moves
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.along import all_columns
from bayeslmm.point.estimates import mode_variances
from bayeslmm.results.fit import Fit
from bayeslmm.results.tables import coefficient_map, long_table


def pooling_table(fit: Fit) -> pd.DataFrame:
    """One row for each level and coefficient: the columns of `Pooling.table` that need no posterior."""
    return pd.concat([_one_group(fit, t) for t in range(len(fit.design.terms))], ignore_index=True)


def _one_group(fit: Fit, t: int) -> pd.DataFrame:
    design, term = fit.design, fit.design.terms[t]
    variances = np.einsum("jkk->jk", mode_variances(fit.likelihood, fit.estimates)[t])
    names, _, R = coefficient_map(design.coef_names, term)
    own = levels_alone(fit, term)
    together = least_squares(design.X, design.y_net, design.weights, np.zeros(design.p, dtype=bool), np.zeros(design.p))
    coefficients = fit.coef()
    partial = coefficients[coefficients["group"] == term.group]
    table = long_table(
        [term],
        [names],
        n=[np.repeat(np.bincount(term.index, minlength=term.n_levels)[:, None], len(names), axis=1)],
        no_pooling=[own.estimate],
        no_pooling_se=[own.se],
        complete=[_for_all(together[1], names, term)],
        complete_se=[_for_all(together[2], names, term)],
        pooling_factor=[_pooling_factor(fit, t) @ R.T + np.where(R.any(axis=1), 0.0, np.nan)],
    )
    sds = np.full((term.n_levels, len(names)), np.nan)
    sds[:, R.any(axis=1)] = np.sqrt(np.clip(variances, 0, None)) @ R[R.any(axis=1)].T
    table = table.assign(
        reml=partial["estimate"].to_numpy(), reml_se=partial["se"].to_numpy(), conditional_sd=sds.ravel()
    )
    return with_moves(table, _shift(fit, term, names))


def levels_alone(fit: Fit, term: RandomTerm) -> Alone:
    """Least squares of each level of a grouping factor."""
    columns = all_columns(fit.design, term)
    names = list(columns)
    held = fit.fixef.reindex(names).fillna(0.0).to_numpy()
    return alone(fit.design, term, np.column_stack(list(columns.values())), np.isin(names, term.coefficients), held)


def other_effects(design: Design, term: RandomTerm, ranef: pd.DataFrame) -> np.ndarray:
    """(n,): what the random effects of the other grouping factors add to each row."""
    total = np.zeros(design.n)
    for other in design.terms:
        if other.group != term.group:
            own = ranef[ranef["group"] == other.group]
            b = own["estimate"].to_numpy(float).reshape(other.n_levels, other.k)
            total += np.einsum("nk,nk->n", other.Z, b[other.index])
    return total


def _for_all(values: np.ndarray, names: list[str], term: RandomTerm) -> np.ndarray:
    """(J, c): the same values (p,) for all levels; NaN for effects that the fixed part does not have."""
    padded = np.append(values, np.full(len(names) - values.size, np.nan))
    return np.broadcast_to(padded, (term.n_levels, len(names)))


def _shift(fit: Fit, term: RandomTerm, names: list[str]) -> np.ndarray:
    """(J c,): the mean of what the other grouping factors add in each level, for its intercept."""
    added = np.zeros((term.n_levels, len(names)))
    if len(fit.design.terms) > 1 and "(Intercept)" in names:
        others = other_effects(fit.design, term, fit.ranef())
        added[:, names.index("(Intercept)")] = np.bincount(term.index, others) / np.bincount(term.index)
    return added.ravel()


def _pooling_factor(fit: Fit, t: int) -> np.ndarray:
    """Var(b | y) / Var(b) of every level and effect were its effects uncorrelated, (J, k); 1 without variance."""
    at = fit.estimates
    apart = replace(at, lambdas=tuple(np.diag(np.sqrt(np.diag(S))) / at.sigma for S in at.covariances))
    prior = np.diag(at.covariances[t])
    left_open = np.einsum("jkk->jk", mode_variances(fit.likelihood, apart)[t])
    return np.where(prior > 0, left_open / np.where(prior > 0, prior, 1.0), 1.0)
