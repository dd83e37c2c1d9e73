"""Whether ranks 0 .. L are uniform: at every k at once, with a band.

The share of ranks below k is compared with k / (L + 1) at every k: the statistic is the smallest probability, under
binomial counts, of a count as far out. Its distribution is simulated, which gives the p-value, and a band with a given
probability everywhere at once (Sailynoja, Buerkner & Vehtari 2022, Statistics and Computing 32:32).
"""

import numpy as np
import pandas as pd
from scipy.special import bdtr, bdtrik

NULL, CLEAR = 1999, 0.01


def summary(ranks: pd.DataFrame, L: int, rng: np.random.Generator) -> pd.DataFrame:
    """Bias, spread, statistic and p of every column of ranks 0 .. L."""
    n = len(ranks)
    null = np.sort(_statistic(rng.integers(0, L + 1, size=(NULL, n)), L))
    rows = {}
    for name, column in ranks.items():
        r = column.to_numpy()
        statistic = float(_statistic(r[None], L)[0])
        simulated = (1 + np.searchsorted(null, statistic, side="right")) / (NULL + 1)
        p = min(simulated, L * statistic)  # Bonferroni's bound goes on where simulation ends
        bias = float((r.mean() - L / 2) / (L + 1))
        spread = float(((r - L / 2) ** 2).mean() / (((L + 1) ** 2 - 1) / 12))
        rows[name] = {"bias": bias, "spread": spread, "statistic": statistic, "p": p}
    table = pd.DataFrame(rows).T
    table["p_adjusted"] = _holm(table["p"].to_numpy())
    table["verdict"] = [_verdict(row, n) for _, row in table.iterrows()]
    return table


def below(ranks: np.ndarray, L: int) -> np.ndarray:
    """(..., L): how many of the ranks (..., n) are below 1 .. L."""
    shape = (*ranks.shape[:-1], L + 1)
    flat = ranks.reshape(-1, ranks.shape[-1])
    rows = np.arange(flat.shape[0])[:, None] * (L + 1)
    counts = np.bincount((flat + rows).ravel(), minlength=flat.shape[0] * (L + 1)).reshape(shape)
    return counts.cumsum(axis=-1)[..., :-1]


def _statistic(ranks: np.ndarray, L: int) -> np.ndarray:
    """Smallest two-sided binomial probability of the counts below each k: (N,) from ranks (N, n)."""
    n = ranks.shape[1]
    z, count = np.arange(1, L + 1) / (L + 1), below(ranks, L)
    lower = bdtr(count, n, z)
    upper = np.where(count > 0, 1 - bdtr(np.maximum(count - 1, 0), n, z), 1.0)
    return np.minimum(2 * np.minimum(lower, upper), 1.0).min(axis=1)


def band(n: int, L: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares (L,) between which the ECDF of n uniform ranks stays everywhere with this probability."""
    null = _statistic(np.random.default_rng(0).integers(0, L + 1, size=(NULL, n)), L)
    gamma = float(np.quantile(null, 1 - level))
    z = np.arange(1, L + 1) / (L + 1)
    low, high = np.ceil(bdtrik(gamma / 2, n, z)), np.ceil(bdtrik(1 - gamma / 2, n, z))
    return low / n, high / n


def _holm(p: np.ndarray) -> np.ndarray:
    """P-values adjusted for their number (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(adjusted, 1.0)
    return out


def _verdict(row: pd.Series, n: int) -> str:
    """What kind of error it looks like."""
    if row["p_adjusted"] > CLEAR:
        return "calibrated"
    shift, width = row["bias"] * np.sqrt(12 * n), (row["spread"] - 1) * np.sqrt(n / 0.8)
    if abs(shift) > abs(width):
        return "posteriors too low" if shift > 0 else "posteriors too high"
    return "posteriors too narrow" if width > 0 else "posteriors too wide"
