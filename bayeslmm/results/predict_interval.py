"""Intervals around predictions: for the mean of a row, or for a new observation of it (see `point/prediction.py`)."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from bayeslmm.design import Design, NewRows
from bayeslmm.design.columns import table
from bayeslmm.design.values import Factor
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.distributions import t_quantile
from bayeslmm.point.prediction import RowsToPredict, prediction_df, prediction_variance
from bayeslmm.point.satterthwaite import Satterthwaite
from bayeslmm.results.checks import check_level
from bayeslmm.results.predict import NewLevels, chosen_groups, fitted_rows, predict_fit, row_index

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

Interval = Literal["confidence", "prediction"]
METHODS = ("satterthwaite", "residual", "asymptotic")


def predict_interval(
    fit: "Fit",
    newdata: Any,
    re: str | Collection[str],
    new_levels: NewLevels,
    interval: Interval,
    level: float,
    ddf: str,
) -> pd.DataFrame:
    """Predictions with the standard error of their error: estimate, se, df, lower, upper."""
    if interval not in get_args(Interval):
        raise ArgumentError(
            f'predict(interval={interval!r}) is not known; it is "confidence" (for the mean of a row) or "prediction" '
            "(for a new observation)"
        )
    if ddf not in METHODS:
        raise ArgumentError(f'predict(ddf="{ddf}") is not known; it is one of {", ".join(METHODS)}')
    check_level(level)
    estimate = predict_fit(fit.design, fit.estimates, newdata, re, new_levels)
    rows = _rows(fit.design, newdata, chosen_groups(fit.design, re), interval)
    with one_blas_thread():
        variance = prediction_variance(fit.likelihood, fit.estimates.lambdas, rows)
        df = _df(fit, rows, variance, ddf)
    missing = np.isnan(estimate.to_numpy())
    se = np.where(missing, np.nan, fit.sigma * np.sqrt(variance))
    half = t_quantile(0.5 + level / 2, df) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": np.where(missing, np.nan, df),
            "lower": estimate - half,
            "upper": estimate + half,
        },
        index=row_index(fit.design, newdata),
    )


def _df(fit: "Fit", rows: RowsToPredict, variance: np.ndarray, ddf: str) -> np.ndarray:
    if ddf == "satterthwaite":
        found = fit._inference("satterthwaite")
        assert isinstance(found, Satterthwaite)
        return prediction_df(fit.likelihood, fit.optimum, found.parameter_covariance, fit.estimates, rows, variance)
    return np.full(variance.size, np.inf if ddf == "asymptotic" else float(fit.nobs - fit.design.p))


def _rows(design: Design, newdata: Any, groups: frozenset[str], interval: Interval) -> RowsToPredict:
    """What is known of each row, and what is drawn anew: levels that are new, and for observations all left out."""
    observed = interval == "prediction"
    rows: NewRows = (
        fitted_rows(design) if newdata is None else design.recipe.rows(newdata, groups, all_effects=observed)
    )
    Z, index, unknown = [], [], []
    for term, new in zip(design.terms, rows.terms, strict=True):
        asked = term.group in groups
        at = new.index if asked else np.full(new.index.size, -1)
        Z.append(np.nan_to_num(new.Z))
        index.append(at)
        unknown.append((at < 0) & (asked or observed))
    noise = 1 / new_weights(design, newdata, rows.X.shape[0]) if observed else np.zeros(rows.X.shape[0])
    return RowsToPredict(np.nan_to_num(rows.X), tuple(Z), tuple(index), tuple(unknown), noise)


def new_weights(design: Design, newdata: Any, m: int) -> np.ndarray:
    """(m,): weights of the rows; of new ones those in the column that the fit took, or 1 where it is not there."""
    if newdata is None:
        return design.weights
    source = table(newdata)
    if not design.has_weights or design.weights_name not in source.names:
        return np.ones(m)
    column = source.read([design.weights_name]).values[design.weights_name]
    weights = np.zeros(m) if isinstance(column, Factor) else np.asarray(column.values, dtype=float)
    if (weights <= 0).any():
        raise DataError(f"the weights in `{design.weights_name}` of the new data must be positive numbers")
    return weights
