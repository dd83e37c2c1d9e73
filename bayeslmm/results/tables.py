"""Tables of a covariance and of group effects, the same for a REML fit and a posterior mean."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.covariance import sd_and_correlation


def varcorr_table(terms: Sequence[RandomTerm], covariances: Sequence[np.ndarray], sigma: float) -> pd.DataFrame:
    """Variances, then the estimated covariances, of each grouping factor; the residual last.

    Returns
    -------
    DataFrame
        Columns `group`, `term1`, `term2` (None for a variance), `vcov`, `sd` (of a variance), `corr` (of a covariance).
    """
    rows: list[tuple[str, str | None, str | None, float, float, float]] = []
    for term, V in zip(terms, covariances, strict=True):
        sd, correlation = sd_and_correlation(V)
        for i, name in enumerate(term.effects):
            rows.append((term.group, name, None, V[i, i], sd[i], np.nan))
        for i, j in estimated_pairs(term):
            rows.append((term.group, term.effects[j], term.effects[i], V[i, j], np.nan, correlation[i, j]))
    rows.append(("Residual", None, None, sigma**2, sigma, np.nan))
    return pd.DataFrame(rows, columns=["group", "term1", "term2", "vcov", "sd", "corr"])


def estimated_pairs(term: RandomTerm) -> list[tuple[int, int]]:
    """(row, column), below the diagonal, of the correlations that the model estimates."""
    return list(term.pairs)


def long_table(
    terms: Sequence[RandomTerm], names: Sequence[Sequence[str]], **columns: Sequence[np.ndarray]
) -> pd.DataFrame:
    """One row for each level and name, from arrays (J, len(names)) per term.

    Returns
    -------
    DataFrame
        Columns `group`, `level`, `term`, and one for each of `columns`.
    """
    parts = [
        pd.DataFrame(
            {
                "group": term.group,
                "level": np.repeat(np.array(term.levels, dtype=object), len(labels)),
                "term": np.tile(np.array(labels, dtype=object), term.n_levels),
                **{name: arrays[i].ravel() for name, arrays in columns.items()},
            }
        )
        for i, (term, labels) in enumerate(zip(terms, names, strict=True))
    ]
    if not parts:
        return pd.DataFrame(columns=["group", "level", "term", *columns])
    return pd.concat(parts, ignore_index=True)


def effects_table(terms: Sequence[RandomTerm], b: Sequence[np.ndarray], se: Sequence[np.ndarray]) -> pd.DataFrame:
    """Effects of every level, from arrays (J, k) per term: columns group, level, term, estimate, se."""
    return long_table(terms, [t.effects for t in terms], estimate=b, se=se)


def coefficient_map(coef_names: Sequence[str], term: RandomTerm) -> tuple[list[str], np.ndarray, np.ndarray]:
    """How the coefficients of one level arise: names (c,), and the maps F (c, p), R (c, k) with coef = F beta + R b.

    The fixed coefficients come first; random effects without a fixed counterpart follow, as deviations from zero.
    """
    names = [*coef_names, *(e for e in term.coefficients if e not in coef_names)]
    F = np.zeros((len(names), len(coef_names)))
    F[: len(coef_names)] = np.eye(len(coef_names))
    R = np.zeros((len(names), term.k))
    for j, effect in enumerate(term.coefficients):
        R[names.index(effect), j] = 1.0
    return names, F, R


def coef_table(
    coef_names: Sequence[str],
    terms: Sequence[RandomTerm],
    beta: np.ndarray,
    b: Sequence[np.ndarray],
    variances: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Coefficients of every level, fixed plus random part, with standard errors.

    Parameters
    ----------
    beta, b
        (p,) and (J, k) per term.
    variances
        (J, p + k, p + k) per term: joint covariance of the errors of beta and of the level's effects.
    """
    labels, values, errors = [], [], []
    for term, effects, joint in zip(terms, b, variances, strict=True):
        names, F, R = coefficient_map(coef_names, term)
        M = np.hstack([F, R])
        labels.append(names)
        values.append(F @ beta + effects @ R.T)
        errors.append(np.sqrt(np.einsum("ca,jab,cb->jc", M, joint, M)))
    return long_table(terms, labels, estimate=values, se=errors)
