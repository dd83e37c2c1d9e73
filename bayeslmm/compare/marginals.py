"""The posterior of every parameter as a histogram, with the REML estimate and interval below it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.compare.comparison import compare, draws_of
from bayeslmm.results import style
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import estimated_pairs

MOST = 12
COLUMNS = 3


def marginals(fit: Fit, post: Posterior, level: float = 0.95) -> np.ndarray:
    """Draw one panel per parameter, at most twelve: fixed effects, sds, correlations, residual sd.

    Parameters
    ----------
    fit, post
        A fit and the posterior of the same model.
    level
        Of the intervals below the histograms.

    Returns
    -------
    ndarray of Axes
    """
    comparison = compare(fit, post, level, profile=False)
    table, draws = comparison.table[:MOST], _draws(post)
    columns = min(COLUMNS, len(table))
    rows = -(-len(table) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(7.2, 1.9 * rows + 0.6), layout="constrained", squeeze=False, sharey=False
    )
    star = " (* conclusions differ)" if table["flag"].any() else ""
    figure.suptitle(
        f"Posterior of each parameter, and the {comparison.method} estimate, with {100 * level:g}% intervals{star}",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    flat = axes.ravel()
    for (name, row), ax in zip(table.iterrows(), flat, strict=False):
        _panel(ax, row, draws[str(name)], comparison.method)
    for ax in flat[len(table) :]:
        ax.set_visible(False)
    handles, labels = flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
    return flat[: len(table)]


def _draws(post: Posterior) -> dict[str, np.ndarray]:
    """(S,) for each parameter, by its name in `Comparison.table`."""
    found = dict(zip(post.design.coef_names, draws_of(post, "beta").T, strict=True))
    for term in post.design.terms:
        sds = zip(term.effects, draws_of(post, f"sd_{term.group}").T, strict=True)
        found |= {f"sd {term.group} {effect}": values for effect, values in sds}
        pairs = estimated_pairs(term)
        if pairs:
            labels = [f"cor {term.group} {term.effects[j]}, {term.effects[i]}" for i, j in pairs]
            found |= dict(zip(labels, draws_of(post, f"cor_{term.group}").T, strict=True))
    return {**found, "sigma": draws_of(post, "sigma")}


def _panel(ax: Axes, row: pd.Series, draws: np.ndarray, method: str) -> None:
    low, high = _range(row, draws)
    counts, _, _ = ax.hist(
        draws, bins=40, range=(low, high), color=style.BAYES, alpha=style.veil(0.35), label="posterior draws"
    )
    top = float(np.max(counts))
    ax.plot([row["lower"], row["upper"]], [-0.08 * top] * 2, color=style.BAYES, lw=2)
    ax.plot(row["median"], -0.08 * top, "o", ms=5, color=style.BAYES, label="median, interval")
    ax.plot([row["reml_lower"], row["reml_upper"]], [-0.2 * top] * 2, color=style.REML, lw=2)
    ax.plot(row["reml"], -0.2 * top, "s", ms=5, color=style.REML, label=method)
    if row["kind"] == "fixed":
        ax.axvline(0, color=style.ink(), lw=0.8)
    ax.set_ylim(-0.3 * top, 1.05 * top)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    style.tidy(ax, _title(row) + (" *" if row["flag"] else ""))
    ax.grid(axis="y", visible=False)


def _range(row: pd.Series, draws: np.ndarray) -> tuple[float, float]:
    """All of a correlation; for the others the draws but their last half per cent, with both intervals inside."""
    if row["kind"] == "cor":
        return -1.05, 1.05
    low, high = np.quantile(draws, [0.005, 0.995])
    ends = row[["reml", "reml_lower", "reml_upper", "lower", "upper"]].to_numpy(float)
    low, high = min(low, float(np.nanmin(ends))), max(high, float(np.nanmax(ends)))
    if row["kind"] in ("sd", "sigma") and low < 0.3 * high:
        low = 0.0
    pad = 0.03 * (high - low)
    return low - pad, high + pad


def _title(row: pd.Series) -> str:
    if row["kind"] == "fixed":
        return str(row["term"])
    if row["kind"] == "sigma":
        return "residual sd"
    return f"{row['kind']} {row['group']}: {row['term']}"
