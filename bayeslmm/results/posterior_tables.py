"""Tables that are read off posterior draws: means, sds, intervals, in the shape of a fit's tables."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from bayeslmm.design import RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior_draws import Draws, chunks
from bayeslmm.results.tables import coefficient_map, estimated_pairs, long_table

IntervalKind = Literal["eti", "hdi"]


def check_kind(kind: str) -> str:
    """Return a kind of interval that there is."""
    if kind not in ("eti", "hdi"):
        raise ArgumentError(f'kind="{kind}" is not known; it is "eti" (equal-tailed) or "hdi" (highest density)')
    return kind


def interval(draws: np.ndarray, level: float, kind: str = "eti") -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends (...) of an interval from draws (S, ...).

    "eti" has probability (1 - level) / 2 on either side; "hdi" is the shortest interval with probability `level`.
    """
    if kind == "eti":
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return lower, upper
    S = draws.shape[0]
    inside = min(int(np.floor(level * S)), S - 1)
    ordered = np.sort(draws, axis=0)
    start = (ordered[inside:] - ordered[: S - inside]).argmin(axis=0)[None]
    return np.take_along_axis(ordered, start, 0)[0], np.take_along_axis(ordered, start + inside, 0)[0]


def sd_of(draws: np.ndarray) -> np.ndarray:
    """Posterior sd (...) of draws (S, ...)."""
    return draws.std(axis=0, ddof=1) if draws.shape[0] > 1 else np.full(draws.shape[1:], np.nan)


def one_number(draws: np.ndarray, level: float, name: str) -> pd.Series:
    """Estimate (mean), sd, lower, upper of the draws (S,) of one quantity."""
    lower, upper = interval(draws, level)
    values = [float(draws.mean()), float(sd_of(draws)), float(lower), float(upper)]
    return pd.Series(values, index=["estimate", "sd", "lower", "upper"], name=name)


def varcorr_draws(draws: Draws) -> pd.DataFrame:
    """Posterior means of variances, sds, covariances and correlations, in the shape of `Fit.varcorr`."""
    rows: list[tuple[str, str | None, str | None, float, float, float]] = []
    for term in draws.design.terms:
        V, sd, cor = draws.cov(term).mean(axis=0), draws.sd(term).mean(axis=0), draws.cor(term).mean(axis=0)
        rows += [(term.group, name, None, V[i, i], sd[i], np.nan) for i, name in enumerate(term.effects)]
        for (i, j), r in zip(estimated_pairs(term), cor, strict=True):
            rows.append((term.group, term.effects[j], term.effects[i], V[i, j], np.nan, r))
    rows.append(("Residual", None, None, float((draws.sigma**2).mean()), float(draws.sigma.mean()), np.nan))
    return pd.DataFrame(rows, columns=["group", "term1", "term2", "vcov", "sd", "corr"])


def ranef_draws(draws: Draws, level: float) -> pd.DataFrame:
    """Random effects of every level: group, level, term, estimate, se (posterior sd), lower, upper."""

    def effects(term: RandomTerm, b: np.ndarray) -> np.ndarray:
        return b

    return _by_level(draws, level, [list(t.effects) for t in draws.design.terms], effects)


def coef_draws(draws: Draws, level: float) -> pd.DataFrame:
    """Coefficients of every level, fixed plus random part, in the shape of `ranef_draws`."""
    names = draws.design.coef_names
    beta = draws.beta

    def coefficients(term: RandomTerm, b: np.ndarray) -> np.ndarray:
        _, F, R = coefficient_map(names, term)
        return (beta @ F.T)[:, None, :] + b @ R.T

    return _by_level(draws, level, [coefficient_map(names, t)[0] for t in draws.design.terms], coefficients)


def _by_level(
    draws: Draws, level: float, labels: list[list[str]], values: Callable[[RandomTerm, np.ndarray], np.ndarray]
) -> pd.DataFrame:
    """Summarise values(term, b (S, j, k)) -> (S, j, c), a chunk of levels at a time."""
    terms = draws.design.terms
    columns: dict[str, list[np.ndarray]] = {"estimate": [], "se": [], "lower": [], "upper": []}
    for term, names in zip(terms, labels, strict=True):
        out = np.empty((4, term.n_levels, len(names)))
        b = draws.b(term)
        for part in chunks(term.n_levels, draws.size * len(names)):
            value = values(term, b[:, part])
            out[:, part] = value.mean(axis=0), sd_of(value), *interval(value, level)
        for name, array in zip(columns, out, strict=True):
            columns[name].append(array)
    return long_table(terms, labels, **columns)
