"""What many estimates of one known value say: power, errors of sign and size, coverage.

With theta the true value and theta_i, se_i, p_i what the fit of data set i gives:

    power      share of p_i < alpha; where theta = 0 it is the size of the test
    type S     share of the significant theta_i that have the wrong sign
    type M     mean of |theta_i| / |theta| over the significant ones: by how much they exaggerate
    coverage   share of intervals theta_i -+ t(df_i) se_i that hold theta

(Gelman & Carlin 2014, Perspectives on Psychological Science 9(6), 641-651). Shares have Wilson's (1927) interval for
the finite number of data sets, means a normal one.
"""

import numpy as np

from bayeslmm.point.distributions import normal_quantile, t_p_value, t_quantile


def measures(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray, true: float, alpha: float, level: float
) -> dict[str, float]:
    """What the estimates of one quantity say of its test against zero.

    Parameters
    ----------
    estimate, se, df
        (n,): of each data set.
    true
        The true value.
    alpha
        Level of the test.
    level
        Of the Monte Carlo intervals.

    Returns
    -------
    dict
        `power`, `type_s`, `type_m`, `coverage`, each with `..._lower` and `..._upper`; `bias`, `sd`, median `df`.
    """
    significant = t_p_value(estimate / se, df) < alpha
    inside = np.abs(estimate - true) <= t_quantile(1 - alpha / 2, df) * se
    nothing = (np.nan, np.nan, np.nan)
    wrong, large = nothing, nothing
    if true != 0 and significant.any():
        wrong = share(np.sign(estimate[significant]) != np.sign(true), level)
        large = mean(np.abs(estimate[significant] / true), level)
    found = {
        "power": share(significant, level),
        "type_s": wrong,
        "type_m": large,
        "coverage": share(inside, level),
    }
    row = {
        f"{name}{end}": v
        for name, triple in found.items()
        for end, v in zip(("", "_lower", "_upper"), triple, strict=True)
    }
    return row | {"bias": float(estimate.mean() - true), "sd": float(estimate.std(ddof=1)), "df": float(np.median(df))}


def share(hits: np.ndarray, level: float) -> tuple[float, float, float]:
    """A share with Wilson's interval (1927, JASA 22, 209-212)."""
    n, p, z = hits.size, float(hits.mean()), normal_quantile(0.5 + level / 2)
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, max(0.0, (centre - half) / (1 + z**2 / n)), min(1.0, (centre + half) / (1 + z**2 / n))


def mean(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """A mean with its normal interval."""
    m = float(values.mean())
    if values.size < 2:
        return m, np.nan, np.nan
    half = normal_quantile(0.5 + level / 2) * float(values.std(ddof=1)) / np.sqrt(values.size)
    return m, m - half, m + half
