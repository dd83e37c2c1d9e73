"""Pictures of draws: all parameters in a forest, ranks and traces of the chains, data of the model over those seen."""

from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy import special

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results import style
from bayeslmm.results.panels import new_panels
from bayeslmm.results.posterior_check_plot import SMOOTH
from bayeslmm.results.posterior_diagnostics import convergence, parameters
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import replicator
from bayeslmm.results.short_names import two_lines
from bayeslmm.results.simulations import Seed

NARROW, MOST, BINS, CURVES, STRETCHES, DWARFED = 5.0, 12, 20, 40, 150, 3.0
CHAINS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
NAMES = 0.4  # share of the width for the names of parameters
LABELS = 0.65  # inches left of a panel
INTERCEPT, FIXED, SDS, CORRELATIONS = "Intercept", "Fixed effects", "Standard deviations", "Correlations"


def forest(draws: Draws, level: float, width: float, axes: Any = None) -> np.ndarray:
    """Medians with intervals of `level` (thin) and of half the draws (thick), one panel for each kind of parameter."""
    names, values = parameters(draws)
    flat = values.reshape(-1, values.shape[2])
    kinds = _panels(names, draws.design.p, flat)
    around = 0.62 if width < NARROW else 0.45  # title and ticks, in inches
    heights = [0.25 * len(members) + around for members in kinds.values()]
    size = (width, sum(heights) + 0.3 * len(kinds))
    ratios = [0.25 * len(members) for members in kinds.values()]
    panels, _ = new_panels(axes, len(kinds), (len(kinds), 1), size, "forest", height_ratios=ratios)
    half = (1 - level) / 2
    for ax, (kind, members) in zip(panels, kinds.items(), strict=True):
        low, first, median, third, high = np.quantile(flat[:, members], [half, 0.25, 0.5, 0.75, 1 - half], axis=0)
        y = np.arange(len(members))[::-1]
        ax.hlines(y, low, high, color=style.BAYES, lw=1.4)
        ax.hlines(y, first, third, color=style.BAYES, lw=4, alpha=0.8)
        ax.plot(median, y, "o", ms=4.5, color=style.ink())
        room = NAMES * min(width, style.inches(ax))
        ax.set_yticks(y, two_lines([_without_kind(names[j], kind) for j in members], room))
        ax.set_ylim(-0.6, len(members) - 0.4)
        _scale(ax, kind, high.max(), width)
        style.tidy(ax, _forest_title(kind, low, high, level))
        ax.tick_params(labelsize=8)
        ax.grid(axis="y", visible=False)
    style.fold_titles(panels)
    return panels


def _panels(names: list[str], p: int, flat: np.ndarray) -> dict[str, list[int]]:
    """Positions of the parameters by panel; the intercept apart where it would dwarf the other coefficients."""
    reach = np.quantile(np.abs(flat), 0.975, axis=0)
    fixed = list(range(p))
    others = [j for j in fixed if names[j] != "(Intercept)"]
    alone = [j for j in fixed if names[j] == "(Intercept)"]
    apart = bool(alone and others) and reach[alone].max() > DWARFED * reach[others].max()
    correlations = [j for j, name in enumerate(names) if j >= p and name.startswith("cor ")]
    sds = [j for j in range(p, len(names)) if j not in correlations]
    found = {
        INTERCEPT: alone if apart else [],
        FIXED: others if apart else fixed,
        SDS: sds,
        CORRELATIONS: correlations,
    }
    return {kind: members for kind, members in found.items() if members}


def _without_kind(name: str, kind: str) -> str:
    if kind in (INTERCEPT, FIXED):
        return name
    return "residual" if name == "sigma" else name.split(" ", 1)[1]


def _scale(ax: Axes, kind: str, highest: float, width: float) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(4 if width < NARROW else 7, steps=[1, 2, 5, 10]))
    if kind == SDS:
        ax.set_xlim(-0.02 * highest, 1.05 * highest)
    else:
        ax.axvline(0, color=style.ink(), lw=0.8)
    if kind == CORRELATIONS:
        ax.set_xlim(-1.05, 1.05)


def _forest_title(kind: str, low: np.ndarray, high: np.ndarray, level: float) -> str:
    if kind == SDS:
        return f"{kind}, {100 * level:g}% and 50% intervals"
    away = int(((low > 0) | (high < 0)).sum())
    if low.size == 1:
        return f"{kind}: the {100 * level:g}% interval {'excludes' if away else 'contains'} zero"
    return f"{kind}: {away} of {low.size} intervals ({100 * level:g}%) exclude zero"


def ranks(draws: Draws, chosen: str | list[str] | None, width: float, axes: Any = None) -> np.ndarray:
    """Ranks of each chain's draws among all (Vehtari et al. 2021, section 5), and traces, a row for each parameter.

    Chains that agree have ranks within the band everywhere; R-hat is in the title.
    """
    names, values = parameters(draws)
    table = convergence(values)
    rows = _rows(names, chosen, table["rhat"].to_numpy())
    narrow = width < NARROW
    shape = (2 * len(rows), 1) if narrow else (len(rows), 2)
    height = (3.0 if narrow else 1.55) * len(rows) + 0.3
    panels, _ = new_panels(axes, 2 * len(rows), shape, (width, height), "ranks")
    pairs = panels.reshape(len(rows), 2)
    for j, (left, right) in zip(rows, pairs, strict=True):
        rhat = table["rhat"].iloc[j]
        said = f"R-hat {rhat:.3f}" if np.isfinite(rhat) else "one chain" if draws.shape[0] == 1 else "constant"
        _rank_panel(left, values[:, :, j], f"{names[j]}: {said}")
        _trace_panel(right, values[:, :, j], f"{names[j]}: {_chains(len(values))}")
    style.fold_titles(panels)
    return pairs


def _chains(count: int) -> str:
    return f"{count} chains" if count > 1 else "the chain"


def _rows(names: list[str], chosen: str | list[str] | None, rhat: np.ndarray) -> list[int]:
    """Parameters that are asked for, or those with the largest R-hat."""
    if chosen is None:
        worst = np.argsort(-np.nan_to_num(rhat, nan=0.0), kind="stable")[:MOST]
        return sorted(int(j) for j in worst)
    wanted = [chosen] if isinstance(chosen, str) else list(chosen)
    for name in wanted:
        if name not in names:
            raise ArgumentError(f"ranks: no parameter `{name}`" + did_you_mean(str(name), names))
    if not wanted:
        raise ArgumentError("ranks: no parameter was named; None shows those that converged least")
    return [names.index(name) for name in wanted]


def _rank_panel(ax: Axes, values: np.ndarray, title: str) -> None:
    chains, n = values.shape
    order = np.argsort(np.argsort(values.ravel(), kind="stable"), kind="stable").reshape(chains, n)
    bins = max(1, min(BINS, n // 5))
    edges = np.linspace(0, values.size, bins + 1)
    share = 1 / bins
    z = special.ndtri(1 - 0.025 / bins)
    half = z * np.sqrt(n * share * (1 - share))
    ax.axhspan(n * share - half, n * share + half, color=style.NO_POOLING, alpha=style.veil(0.25), lw=0)
    for chain in range(chains):
        counts = np.histogram(order[chain], edges)[0]
        ax.stairs(counts, edges, color=CHAINS[chain % len(CHAINS)], lw=1)
    ax.set_ylim(0, None)
    style.tidy(ax, title)
    ax.set_ylabel("draws", fontsize=8)
    _axis(ax, "rank")


def _trace_panel(ax: Axes, values: np.ndarray, title: str) -> None:
    for chain, draws in enumerate(values):
        at = extremes(draws)
        ax.plot(at, draws[at], color=CHAINS[chain % len(CHAINS)], lw=0.4, alpha=0.7)
    style.tidy(ax, title)
    _axis(ax, "draw")


def extremes(draws: np.ndarray) -> np.ndarray:
    """Positions of the draws (n,) that a narrow panel can show: the lowest and the highest of each short stretch."""
    if draws.size <= 2 * STRETCHES:
        return np.arange(draws.size)
    parts = np.array_split(np.arange(draws.size), STRETCHES)
    ends = [(part[draws[part].argmin()], part[draws[part].argmax()]) for part in parts]
    return np.unique(ends)


def _axis(ax: Axes, label: str) -> None:
    """Few ticks: there are many panels."""
    ax.set_xlabel(label, fontsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=7)


def predictive(draws: Draws, seed: Seed, width: float, ax: Axes | None) -> Axes:
    """Densities of the observed responses and of data sets that the model makes for the same rows and levels."""
    design = draws.design
    ax = style.new_axes(ax, width, min(0.7 * width, 3.8))
    chains, n = draws.shape
    kept = np.unique(np.linspace(0, n - 1, -(-CURVES // chains)).astype(int))
    some = Draws(draws.posterior.isel(draw=kept), design)
    made = replicator(some, "all", seed).draws("predictive")
    for y in made:
        x, density, *_ = array_stats.kde(y, **SMOOTH)
        ax.plot(x, density, color=style.BAYES, lw=0.6, alpha=0.4)
    x, density, *_ = array_stats.kde(design.y, **SMOOTH)
    ax.plot(x, density, color=style.ink(), lw=2)
    top: Any = {"ha": "right", "va": "top", "fontsize": 8, "transform": ax.transAxes}
    ax.text(0.99, 0.98, "observed", color=style.ink(), **top)
    ax.text(0.99, 0.9, f"{len(made)} data sets of the model", color=style.readable(style.BAYES), **top)
    low, high = np.quantile(made.std(axis=1, ddof=1), [0.025, 0.975])
    title = f"{design.response}: sd {design.y.std(ddof=1):.3g}, in data of the model {low:.3g} to {high:.3g}"
    style.tidy(ax, style.fold(title, style.room(ax, width)))
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.set_xlabel(design.response, fontsize=9)
    ax.tick_params(labelsize=8)
    return ax
