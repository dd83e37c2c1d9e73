"""Whether the draws can be used, in words: R-hat and ESS (Vehtari et al. 2021), divergences, E-BFMI (Betancourt 2016).

R-hat and ESS are ArviZ's. One chain has no R-hat, and neither has a constant: both are said, never shown as a number.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats

from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior_draws import Draws, pair_labels

RHAT, ESS_PER_CHAIN, BFMI, DEPTH_SHARE = 1.01, 100, 0.3, 0.01
EFFECTS_CHECKED = 200
DIVERGING = ("diverging", "divergent")
DEPTH_REACHED = ("reached_max_treedepth", "maxdepth_reached")
ENERGY = ("energy",)


@dataclass(frozen=True, repr=False)
class Diagnostics:
    """What `post.diagnostics()` returns; `print` it, take `.table`, or ask `.ok`.

    Attributes
    ----------
    table
        DataFrame by check: `value`, `where`, `ok`, `verdict` in words, `next_step` (code; "" where nothing is wrong).
    chains, draws
        What was looked at.
    """

    table: pd.DataFrame
    chains: int
    draws: int

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return bool(self.table["ok"].all())

    @property
    def lines(self) -> list[str]:
        """All checks in one line; or one line for each check that failed, and where to read on."""
        if self.ok:
            return ["diagnostics: nothing speaks against these draws (" + "; ".join(self._shown()) + ")"]
        bad = self.table[~self.table["ok"].astype(bool)]
        return [
            *(f"! {name}: {verdict}" for name, verdict in bad["verdict"].items()),
            "  what to do: post.diagnostics()",
        ]

    def __str__(self) -> str:
        head = f"Diagnostics of {self.chains} {_plural('chain', self.chains)} x {self.draws} draws"
        lines = [head, ""]
        width = max(len(str(i)) for i in self.table.index)
        for name, row in self.table.iterrows():
            lines.append(f"{'  ' if row['ok'] else '! '}{str(name).ljust(width)}  {row['verdict']}")
            if row["next_step"]:
                lines.append(" " * (width + 4) + "-> " + row["next_step"])
        end = (
            "Nothing speaks against using these draws."
            if self.ok
            else "Read the lines marked ! before using these draws."
        )
        return "\n".join([*lines, "", end])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def _shown(self) -> list[str]:
        value = self.table["value"]
        divergences = "" if np.isnan(value["divergences"]) else f"{value['divergences']:.0f} divergences"
        rest = [f"R-hat to {value['R-hat']:.3f}", f"ESS from {value[['ESS bulk', 'ESS tail']].min():.0f}"]
        return [text for text in (divergences, *rest) if text]


def convergence(values: np.ndarray) -> pd.DataFrame:
    """R-hat, bulk and tail ESS of parameters (chain, draw, m); NaN for constants, and R-hat of one chain.

    Returns
    -------
    DataFrame
        m rows; columns rhat, ess_bulk, ess_tail, constant.
    """
    m = values.shape[2]
    constant = (values == values[:1, :1]).all(axis=(0, 1))
    out = np.full((3, m), np.nan)
    if values.shape[1] >= 4 and not constant.all():
        moving = values[:, :, ~constant]
        axes = {"chain_axis": 0, "draw_axis": 1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            if values.shape[0] > 1:
                out[0, ~constant] = array_stats.rhat(moving, **axes)
            out[1, ~constant] = array_stats.ess(moving, method="bulk", **axes)
            out[2, ~constant] = array_stats.ess(moving, method="tail", prob=(0.05, 0.95), **axes)
    return pd.DataFrame({"rhat": out[0], "ess_bulk": out[1], "ess_tail": out[2], "constant": constant})


def parameters(draws: Draws) -> tuple[list[str], np.ndarray]:
    """Names and draws (chain, draw, m) of the parameters: fixed effects, sds, correlations, sigma."""
    names, parts = list(draws.design.coef_names), [draws.beta]
    for term in draws.design.terms:
        names += [f"sd {term.group} {e}" for e in term.effects]
        names += [f"cor {term.group} {p}" for p in pair_labels(term)]
        parts += [draws.sd(term), draws.cor(term)]
    values = np.concatenate([*parts, draws.sigma[:, None]], axis=1)
    return [*names, "sigma"], values.reshape(*draws.shape, -1)


def some_effects(draws: Draws) -> tuple[list[str], np.ndarray, int]:
    """Evenly spread random effects (chain, draw, m), at most `EFFECTS_CHECKED` a group, and how many there are."""
    names: list[str] = []
    parts = [np.zeros((draws.size, 0))]
    for term in draws.design.terms:
        q = term.n_levels * term.k
        chosen = np.unique(np.linspace(0, q - 1, min(q, EFFECTS_CHECKED)).astype(int))
        parts.append(draws.b(term).reshape(draws.size, q)[:, chosen])
        names += [f"b {term.group} {term.levels[i // term.k]} {term.effects[i % term.k]}" for i in chosen]
    total = sum(t.n_levels * t.k for t in draws.design.terms)
    return names, np.concatenate(parts, axis=1).reshape(*draws.shape, -1), total


def diagnose(draws: Draws, data: xr.DataTree) -> Diagnostics:
    """All checks of one posterior."""
    chains, n = draws.shape
    names, values = parameters(draws)
    effect_names, effects, total = some_effects(draws)
    table = convergence(np.concatenate([values, effects], axis=2)).set_axis([*names, *effect_names])
    stats = data["sample_stats"].to_dataset() if "sample_stats" in data.children else xr.Dataset()
    rows = [
        _divergences(_statistic(stats, DIVERGING), chains * n),
        _rhat(table["rhat"], chains),
        _ess(table["ess_bulk"], "bulk", chains, n),
        _ess(table["ess_tail"], "tail", chains, n),
        _bfmi(_statistic(stats, ENERGY)),
        _depth(_statistic(stats, DEPTH_REACHED)),
    ]
    if len(effect_names) < total:
        rows.append(
            _row(
                "random effects",
                len(effect_names),
                "",
                True,
                f"R-hat and ESS of {len(effect_names)} of {total} looked at",
            )
        )
    if table["constant"].any():
        constant = ", ".join(table.index[table["constant"]][:5])
        rows.append(
            _row("constants", int(table["constant"].sum()), constant, True, f"{constant}: the same in every draw")
        )
    columns = ["check", "value", "where", "ok", "verdict", "next_step"]
    return Diagnostics(pd.DataFrame(rows, columns=columns).set_index("check"), chains, n)


Row = tuple[str, float, str, bool, str, str]


def _row(check: str, value: float, where: str, ok: bool, verdict: str, next_step: str = "") -> Row:
    return check, float(value), where, ok, verdict, next_step


def _statistic(stats: xr.Dataset, names: tuple[str, ...]) -> np.ndarray | None:
    """A sampler's statistic (chain, draw), under whichever name; None where it is absent."""
    name = next((n for n in names if n in stats), None)
    return None if name is None else stats[name].transpose("chain", "draw").to_numpy()


def _divergences(diverging: np.ndarray | None, total: int) -> Row:
    if diverging is None:
        return _row("divergences", np.nan, "", True, "not recorded by the sampler")
    count = int(diverging.sum())
    if not count:
        return _row("divergences", 0, "", True, f"none in {total} draws")
    verdict = f"{count} divergent of {total} draws: parts of the posterior may be missing"
    step = "model.sample(target_accept=0.99); if they stay, tighter priors for the sds"
    return _row("divergences", count, "", False, verdict, step)


def _rhat(rhat: pd.Series, chains: int) -> Row:
    if chains < 2:
        return _row(
            "R-hat", np.nan, "", False, "no R-hat: it compares chains and there is one", "model.sample(chains=4)"
        )
    if rhat.isna().all():
        return _row("R-hat", np.nan, "", False, "no R-hat: too few draws", "model.sample(draws=1000)")
    where, value = str(rhat.idxmax()), float(rhat.max())
    if value <= RHAT:
        return _row("R-hat", value, where, True, f"largest {value:.3f} ({where}): the chains agree")
    verdict = f"largest {value:.3f} ({where}), above {RHAT}: the chains do not agree yet"
    step = "model.sample(tune=2000, draws=2000); " + (
        "look at the chains, they may sit in different places" if value > 1.1 else ""
    )
    return _row("R-hat", value, where, False, verdict, step.rstrip("; "))


def _ess(ess: pd.Series, kind: str, chains: int, draws: int) -> Row:
    name, needed = f"ESS {kind}", ESS_PER_CHAIN * chains
    if ess.isna().all():
        return _row(name, np.nan, "", False, f"no {kind} ESS: too few draws", "model.sample(draws=1000)")
    where, value = str(ess.idxmin()), float(ess.min())
    good = {"bulk": "means and medians are settled", "tail": "interval ends are settled"}[kind]
    bad = {"bulk": "means and medians are rough", "tail": "interval ends are rough"}[kind]
    if value >= needed:
        return _row(name, value, where, True, f"smallest {value:.0f} ({where}): {good}")
    factor = int(min(20, np.ceil(needed / max(value, 1.0))))
    verdict = f"smallest {value:.0f} ({where}), below {needed}: {bad}"
    return _row(name, value, where, False, verdict, f"model.sample(draws={factor * draws})")


def _bfmi(energy: np.ndarray | None) -> Row:
    if energy is None or energy.shape[1] < 4:
        return _row("E-BFMI", np.nan, "", True, "not recorded by the sampler")
    each = np.square(np.diff(energy, axis=1)).mean(axis=1) / np.maximum(energy.var(axis=1), np.finfo(float).tiny)
    chain, value = int(each.argmin()), float(each.min())
    if value >= BFMI:
        return _row(
            "E-BFMI", value, f"chain {chain}", True, f"smallest {value:.2f} (chain {chain}): the tails are reached"
        )
    verdict = f"smallest {value:.2f} (chain {chain}), below {BFMI}: the sampler may miss the tails"
    return _row(
        "E-BFMI",
        value,
        f"chain {chain}",
        False,
        verdict,
        "model.sample(tune=2000); if it stays, tighter priors for the sds",
    )


def _depth(reached: np.ndarray | None) -> Row:
    if reached is None:
        return _row("tree depth", np.nan, "", True, "limit not recorded by the sampler")
    share = float(reached.mean())
    if share <= DEPTH_SHARE:
        return _row(
            "tree depth",
            share,
            "",
            True,
            "limit not reached" if share == 0 else f"limit reached in {share:.1%} of the draws",
        )
    verdict = f"limit reached in {share:.0%} of the draws: slow mixing, not wrong by itself"
    return _row("tree depth", share, "", False, verdict, "model.sample(tune=2000); centre and scale the predictors")


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
