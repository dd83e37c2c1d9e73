"""p-values and intervals of several tests at once.

bonferroni, holm (Holm 1979) and fdr (Benjamini & Hochberg 1995) need the p-values alone; the intervals of all three are
Bonferroni's, since the other two have none of their own. tukey is the studentised range
of k means, exact for all pairwise differences of independent means with equal variances. mvt is the distribution of
the largest of m dependent |t|: with correlation R = A A', A (m, r), and a direction u uniform on the sphere,

    P(max |T_i| > c) = E_u P( F_(r, df) > (c / max_i |a_i'u|)^2 / r ),

because the length of a normal vector is independent of its direction. The expectation over u is taken by a fixed
quasi-random rule, so that the same question always has the same answer; the tail of F is exact.
"""

from typing import Literal, cast, get_args

import numpy as np
from scipy import special

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.distributions import t_p_value, t_quantile

Adjust = Literal["none", "holm", "bonferroni", "fdr", "tukey", "mvt"]
POINTS = 1 << 14


def check_adjust(adjust: str | None) -> Adjust:
    """Return a method of adjustment that there is."""
    known = get_args(Adjust)
    if adjust is None:
        return "none"
    if adjust not in known:
        near = did_you_mean(str(adjust), known)
        hint = near if near.startswith("; did") else ""
        raise ArgumentError(f'adjust="{adjust}" is not known; it is one of {", ".join(known)}{hint}')
    return cast(Adjust, adjust)


def adjusted_p(adjust: Adjust, t: np.ndarray, df: np.ndarray, correlation: np.ndarray, n_means: int) -> np.ndarray:
    """Adjusted two-sided p-values (m,).

    Parameters
    ----------
    adjust
        The method.
    t, df
        (m,): statistics and their df; tukey and mvt use the smallest df for all. Tests that are NaN do not count.
    correlation
        (m, m): of the estimates; for mvt.
    n_means
        How many means are compared; for tukey.
    """
    out = np.full(t.shape, np.nan)
    there = np.isfinite(t) & ~np.isnan(df)
    if not there.any():
        return out
    p, nu = t_p_value(t[there], df[there]), float(df[there].min())
    match adjust:
        case "tukey":
            out[there] = [_range_tail(np.sqrt(2) * abs(v), n_means, nu) for v in t[there]]
        case "mvt":
            largest = _largest(correlation[np.ix_(there, there)])
            out[there] = [_tail(abs(v), largest, nu) for v in t[there]]
        case _:
            out[there] = _from_p(adjust, p)
    return out


def critical_values(adjust: Adjust, level: float, df: np.ndarray, correlation: np.ndarray, n_means: int) -> np.ndarray:
    """Half-widths (m,) of simultaneous intervals in standard errors.

    holm and fdr give Bonferroni's intervals.
    """
    out = np.full(df.shape, np.nan)
    there = ~np.isnan(df)
    if not there.any():
        return out
    nu, m = float(df[there].min()), int(there.sum())
    match adjust:
        case "tukey":
            out[there] = _range_quantile(level, n_means, nu) / np.sqrt(2)
        case "mvt":
            largest = _largest(correlation[np.ix_(there, there)])
            upper = float(t_quantile(1 - (1 - level) / (2 * m), nu)) + 1
            out[there] = _quantile(level, largest, nu, upper)
        case "bonferroni" | "holm" | "fdr":
            out[there] = t_quantile(1 - (1 - level) / (2 * m), df[there])
        case _:
            out[there] = t_quantile(0.5 + level / 2, df[there])
    return out


def _from_p(adjust: Adjust, p: np.ndarray) -> np.ndarray:
    m, order = p.size, np.argsort(p, kind="stable")
    back = np.argsort(order, kind="stable")
    match adjust:
        case "bonferroni":
            return np.minimum(1.0, m * p)
        case "holm":
            return np.minimum(1.0, np.maximum.accumulate((m - np.arange(m)) * p[order]))[back]
        case "fdr":
            grown = m / np.arange(1, m + 1) * p[order]
            return np.minimum(1.0, np.minimum.accumulate(grown[::-1])[::-1])[back]
    return p


def _range_tail(q: float, k: int, df: float) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.sf(q, k, df if np.isfinite(df) else 1e6))


def _range_quantile(level: float, k: int, df: float) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(level, k, df if np.isfinite(df) else 1e6))


def _largest(correlation: np.ndarray) -> tuple[np.ndarray, int]:
    """max_i |a_i'u| (POINTS,) over quasi-random directions u, and the dimension r."""
    values, vectors = np.linalg.eigh(correlation)
    keep = values > 1e-10 * values[-1]
    root = vectors[:, keep] * np.sqrt(values[keep])
    z = special.ndtri(_lattice(root.shape[1]))
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    return np.abs(u @ root.T).max(axis=1), root.shape[1]


def _lattice(r: int) -> np.ndarray:
    """POINTS points in (0, 1)^r: multiples of square roots of primes, modulo 1 (Richtmyer 1951; Genz 1992)."""
    generators = np.sqrt(_primes(r))
    i = np.arange(1, POINTS + 1)[:, None]
    return np.clip(np.mod(i * generators + 0.5, 1.0), 1e-12, 1 - 1e-12)


def _primes(r: int) -> np.ndarray:
    found: list[int] = []
    candidate = 2
    while len(found) < r:
        if all(candidate % p for p in found):
            found.append(candidate)
        candidate += 1
    return np.array(found, dtype=float)


def _tail(c: float, largest: tuple[np.ndarray, int], df: float) -> float:
    """P(max |T_i| > c)."""
    size, r = largest
    with np.errstate(divide="ignore"):
        scaled = (c / size) ** 2
    tail = special.chdtrc(r, scaled) if np.isinf(df) else special.fdtrc(r, df, scaled / r)
    return float(tail.mean())


def _quantile(level: float, largest: tuple[np.ndarray, int], df: float, upper: float) -> float:
    """The c in (0, upper) with P(max |T_i| > c) = 1 - level, by halving."""
    lower = 0.0
    while upper - lower > 1e-9 * upper:
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if _tail(middle, largest, df) > 1 - level else (lower, middle)
    return (lower + upper) / 2


def family_of_means(m: int) -> int:
    """k with k (k - 1) / 2 = m: how many means m pairwise differences compare.

    Raises
    ------
    ArgumentError
        m is no such number.
    """
    k = round((1 + np.sqrt(1 + 8 * m)) / 2)
    if k * (k - 1) // 2 != m:
        raise ArgumentError(
            f'adjust="tukey" is for all pairwise differences of k means (1, 3, 6, 10, ... of them); these are {m} '
            'contrasts: use adjust="mvt", which is exact for any'
        )
    return k
