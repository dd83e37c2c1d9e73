"""t and F tests of linear functions of the fixed effects, by any method of degrees of freedom.

For h = c + L beta, estimate c + L beta_hat, standard error from the method's covariance, and t = (h - null) / se. All
rows together are tested by the method's F.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.point.distributions import f_p_value
from bayeslmm.point.inference import FTest, Inference
from bayeslmm.point.multiplicity import Adjust, adjusted_p, critical_values


@dataclass(frozen=True, slots=True)
class RowTests:
    """One test a row, all (m,): NaN where the data cannot estimate the function."""

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    t: np.ndarray
    p: np.ndarray


def row_tests(
    L: np.ndarray,
    estimate: np.ndarray,
    null: np.ndarray,
    inference: Inference,
    adjust: Adjust = "none",
    level: float = 0.95,
    n_means: int = 0,
) -> RowTests:
    """Test each row of L (m, p) with its estimate and null value (m,).

    Parameters
    ----------
    adjust, level
        Of p-values and intervals for the number of tests; probability of the intervals.
    n_means
        How many means are compared, for adjust="tukey".
    """
    there = np.isfinite(L).all(axis=1)
    rows = L[there]
    se, df = np.full(there.size, np.nan), np.full(there.size, np.nan)
    covariance = rows @ inference.vcov @ rows.T
    se[there] = np.sqrt(np.clip(inference.variances(rows), 0, None))
    df[there] = inference.df(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (estimate - null) / se
        correlation = np.full((there.size, there.size), np.nan)
        correlation[np.ix_(there, there)] = covariance / np.outer(se[there], se[there])
    half = critical_values(adjust, level, df, correlation, n_means) * se
    p = adjusted_p(adjust, t, df, correlation, n_means)
    return RowTests(estimate, se, df, estimate - half, estimate + half, t, p)


def joint_test(L: np.ndarray, estimate: np.ndarray, null: np.ndarray, inference: Inference) -> tuple[FTest, float]:
    """F test of all rows that can be estimated, and its p-value."""
    there = np.isfinite(L).all(axis=1)
    found = inference.f_test(L[there], (estimate - null)[there])
    return found, f_p_value(found.F, found.q, found.df)
