"""Tail probabilities and quantiles of t, F, chi-square and the normal, by `scipy.special`.

`scipy.stats` gives the same numbers and takes longer to import than a fit takes with everything else.
"""

import numpy as np
from scipy import special


def t_p_value(t: np.ndarray | float, df: np.ndarray | float) -> np.ndarray:
    """Two-sided p-value of t with df degrees of freedom, infinite ones included; NaN where df is not positive."""
    distance, df = np.broadcast_arrays(-np.abs(np.asarray(t, dtype=float)), np.asarray(df, dtype=float))
    normal = np.isinf(df) & (df > 0)
    with np.errstate(invalid="ignore"):
        return 2 * np.where(normal, special.ndtr(distance), special.stdtr(np.where(normal, 1.0, df), distance))


def t_quantile(probability: float, df: np.ndarray | float) -> np.ndarray:
    """Quantile of t with df degrees of freedom, infinite ones included."""
    df = np.asarray(df, dtype=float)
    normal = np.isinf(df) & (df > 0)
    return np.where(normal, special.ndtri(probability), special.stdtrit(np.where(normal, 1.0, df), probability))


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal."""
    return float(special.ndtri(probability))


def f_p_value(F: float, numerator: float, denominator: float) -> float:
    """Upper tail of F; an infinite denominator makes it a chi-square over its df."""
    if np.isinf(denominator):
        return chi2_p_value(F * numerator, numerator)
    return float(special.fdtrc(numerator, denominator, F))


def chi2_p_value(x: float, df: float) -> float:
    """Upper tail of chi-square."""
    return float(special.chdtrc(df, x))


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a probability from k of n trials (Clopper & Pearson 1934, Biometrika 26, 404-413)."""
    tail = (1 - level) / 2
    lower = special.betaincinv(k, n - k + 1, tail) if k > 0 else 0.0
    upper = special.betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
    return float(lower), float(upper)
