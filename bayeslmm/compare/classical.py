"""Least squares in the ways of the textbooks: of all rows, of the clusters' means, with constants for the clusters.

Constants of the clusters, and their slopes where these may differ, are projected out (see `absorbed`), so that
thousands of them cost no more than the rows; only for contrasts that are given as a matrix are dummies added to X. A
coefficient is estimable where no vector of the null space of the columns has it. With sum-to-zero contrasts the
intercept and the slopes are the plain averages of the clusters' own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.compare.absorbed import absorbed
from bayeslmm.compare.regression import Regression, regress
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.clusters import Clusters
from bayeslmm.design.contrasts import coding
from bayeslmm.errors import DataError
from bayeslmm.point.distributions import t_p_value, t_quantile
from bayeslmm.point.least_squares import least_squares
from bayeslmm.results.linear_fit import LinearFit

MANY_CLUSTERS = 200
COLUMNS = ["estimate", "se", "df", "t", "p", "lower", "upper"]


@dataclass(frozen=True, slots=True)
class Study:
    """What all methods are applied to.

    Attributes
    ----------
    design
        Of the mixed model as written.
    term
        The grouping factor whose levels are the clusters.
    focal
        The coefficients to compare.
    level
        Of the intervals.
    contrasts
        Coding of the clusters where they are fixed effects: a name or a matrix.
    seed
        Of all random numbers.
    """

    design: Design
    term: RandomTerm
    focal: tuple[str, ...]
    level: float
    contrasts: Any
    seed: int | None

    @property
    def clusters(self) -> Clusters:
        """The clusters of the rows."""
        return Clusters(self.term.group, self.term.index, self.term.levels)

    @property
    def linear(self) -> LinearFit:
        """Least squares of the fixed part."""
        return LinearFit(self.design, least_squares(self.design), clusters=self.clusters)

    @property
    def slopes(self) -> list[int]:
        """Columns of X whose coefficients may differ between clusters: the random slopes, or what varies within."""
        names = self.design.coef_names
        written = [names.index(e) for e in self.term.coefficients if e in names and e != "(Intercept)"]
        return written or [names.index(f) for f in self.focal if self.varies(f)]

    def varies(self, name: str) -> bool:
        """Whether a column of X differs between rows of one cluster."""
        column = self.design.X[:, self.design.coef_names.index(name)]
        first = np.empty(self.term.n_levels)
        first[self.term.index] = column
        return bool((column != first[self.term.index]).any())


def ols(study: Study) -> pd.DataFrame:
    """Least squares, rows independent."""
    fit = LinearFit(study.design, least_squares(study.design))
    return fit.tests().join(fit.confint(study.level)).loc[list(study.focal), COLUMNS]


def clustered(study: Study, kind: Any) -> pd.DataFrame:
    """Least squares with cluster-robust errors."""
    return study.linear.robust(kind, level=study.level).table.loc[list(study.focal), COLUMNS]


def wild(study: Study) -> pd.DataFrame:
    """Wild cluster bootstrap."""
    draws = 9999 if study.term.n_levels <= MANY_CLUSTERS else 999
    found = study.linear.wild_bootstrap(list(study.focal), draws=draws, seed=study.seed, level=study.level)
    return found.table.assign(df=np.nan)[COLUMNS]


def cluster_means(study: Study) -> pd.DataFrame:
    """Least squares of the clusters' means, one row each."""
    design, index, G = study.design, study.term.index, study.term.n_levels
    weight = np.bincount(index, design.weights, G)
    mean = lambda v: np.bincount(index, design.weights * v, G) / weight  # noqa: E731
    X = np.column_stack([mean(column) for column in design.X.T])
    return _of(study, regress(X, mean(design.y_net), np.ones(G)))


def fixed_effects(study: Study, interaction: bool) -> pd.DataFrame:
    """Least squares with a constant for each cluster, and slopes of their own where asked for."""
    design, term = study.design, study.term
    if interaction and not study.slopes:
        raise DataError(f"no focal predictor varies within {term.group}")
    slopes = study.slopes if interaction else []
    average = _average(study.contrasts, term)
    if average is None:
        return _of(study, _with_dummies(study, slopes))
    return _of(study, absorbed(design.X, design.y_net, design.weights, term.index, slopes, average))


def _average(contrasts: Any, term: RandomTerm) -> np.ndarray | None:
    """(J,): weights of the clusters in what a coding by name leaves to the common coefficients; None for a matrix."""
    if not isinstance(contrasts, str):
        return None
    name = coding(contrasts, ("1", "2", "3"), term.group).name
    J = term.n_levels
    return np.eye(1, J)[0] if name == "treatment" else np.full(J, 1 / J)


def _with_dummies(study: Study, slopes: list[int]) -> Regression:
    """The same with the user's columns for the clusters."""
    design, term = study.design, study.term
    S = coding(study.contrasts, term.levels, term.group).matrix[term.index]
    columns = np.hstack([design.X, S, *(S * design.X[:, [c]] for c in slopes)])
    return regress(columns, design.y_net, design.weights)


def _of(study: Study, found: Regression) -> pd.DataFrame:
    """The focal rows of a regression whose first columns are those of X."""
    at = [study.design.coef_names.index(f) for f in study.focal]
    return tested(study, found.estimate[at], found.se[at], np.full(len(at), float(found.df)))


def tested(study: Study, estimate: np.ndarray, se: np.ndarray, df: np.ndarray) -> pd.DataFrame:
    """T tests and intervals of the focal coefficients."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = estimate / se
    half = t_quantile(0.5 + study.level / 2, df) * se
    values = [estimate, se, np.where(np.isnan(estimate), np.nan, df), t, t_p_value(t, df), estimate - half]
    return pd.DataFrame(dict(zip(COLUMNS, [*values, estimate + half], strict=True)), index=list(study.focal))
