"""The checks of posterior draws, one function each: a number, whether it will do, in words, and the code to run if not.

Limits are those of Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021) for R-hat and ESS, of Betancourt (2016) for
E-BFMI, and of Vehtari, Simpson, Gelman, Yao & Gabry (2024) for the k-hat of importance weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

RHAT, ESS_PER_CHAIN, BFMI, DEPTH_SHARE, KHAT, INDEPENDENT = 1.01, 100, 0.3, 0.01, 0.7, 400

Row = tuple[str, float, str, bool, str, str]


@dataclass(frozen=True)
class Run:
    """How draws were made, as `attrs` tell it, and from that the code of next steps.

    Attributes
    ----------
    engine
        "marginal", "hierarchical" or "importance"; "" where nothing is told.
    draws, tune
        Of one chain; 0 where it is not told.
    target_accept
        Of NUTS.
    khat, ess
        Of importance weights; NaN for Markov chains.
    """

    engine: str
    draws: int
    tune: int
    target_accept: float
    khat: float
    ess: float

    @classmethod
    def of(cls, attrs: Mapping[Any, Any], draws: int) -> "Run":
        """Read the attributes of a tree."""
        return cls(
            str(attrs.get("engine", "")),
            draws,
            int(attrs.get("tune", 0)),
            float(attrs.get("target_accept", 0.8)),
            float(attrs.get("khat", np.nan)),
            float(attrs.get("importance_ess", np.nan)),
        )

    @property
    def independent(self) -> bool:
        """Whether the draws come from importance sampling rather than from Markov chains."""
        return self.engine == "importance" or not np.isnan(self.khat)

    @property
    def more_tune(self) -> str:
        """The argument for a longer warm-up."""
        return f"tune={max(1000, 2 * self.tune)}"

    @property
    def smaller_steps(self) -> str:
        """The arguments for smaller steps."""
        return f"target_accept={0.99 if self.target_accept < 0.985 else 0.999}, {self.more_tune}"


def row(check: str, value: float, where: str, ok: bool, verdict: str, next_step: str = "") -> Row:
    """One check: its name, the number, where it was found, whether it will do, in words, and what to run if not."""
    return check, float(value), where, ok, verdict, next_step


def statistic(stats: xr.Dataset, names: tuple[str, ...]) -> np.ndarray | None:
    """A sampler's statistic (chain, draw), under whichever name; None where it is absent."""
    name = next((n for n in names if n in stats), None)
    return None if name is None else stats[name].transpose("chain", "draw").to_numpy()


def finite(values: np.ndarray, names: pd.Index) -> list[Row]:
    """A check that is only shown where draws (chain, draw, m) are NaN or infinite."""
    bad = ~np.isfinite(values).all(axis=(0, 1))
    if not bad.any():
        return []
    where = ", ".join(names[bad][:5])
    step = "look at the data and the priors: blm.Model(formula, data).priors"
    return [row("finite", int(bad.sum()), where, False, f"{where}: draws that are no finite numbers", step)]


def khat(run: Run) -> Row:
    """Shape of the tail of the importance weights."""
    if np.isnan(run.khat):
        return row("k-hat", np.nan, "", True, "not recorded by the sampler")
    if run.khat <= KHAT:
        return row("k-hat", run.khat, "", True, f"{run.khat:.2f}: the importance weights can be relied on")
    verdict = f"{run.khat:.2f}, above {KHAT}: a few draws hold most of the weight"
    return row("k-hat", run.khat, "", False, verdict, 'model.sample(engine="marginal")')


def importance_ess(run: Run) -> Row:
    """How many independent draws the weighted ones are worth."""
    name = "importance ESS"
    if np.isnan(run.ess):
        return row(name, np.nan, "", True, "not recorded by the sampler")
    if run.ess >= INDEPENDENT:
        return row(
            name, run.ess, "", True, f"{run.ess:.0f} independent draws' worth: means and interval ends are settled"
        )
    verdict = f"{run.ess:.0f} independent draws' worth, below {INDEPENDENT}: means and interval ends are rough"
    factor = int(min(20, np.ceil(INDEPENDENT / max(run.ess, 1.0))))
    return row(name, run.ess, "", False, verdict, f'model.sample(engine="importance", draws={factor * run.draws})')


def divergences(diverging: np.ndarray | None, total: int, run: Run) -> Row:
    """Draws where the simulated path left the energy level: places that the sampler cannot enter."""
    if diverging is None:
        return row("divergences", np.nan, "", True, "not recorded by the sampler")
    count = int(diverging.sum())
    if not count:
        return row("divergences", 0, "", True, f"none in {total} draws")
    verdict = f"{count} divergent of {total} draws: parts of the posterior may be missing"
    other = ' or model.sample(engine="marginal")' if run.engine == "hierarchical" else ""
    step = f"model.sample({run.smaller_steps}); if they stay, tighter priors for the sds{other}"
    return row("divergences", count, "", False, verdict, step)


def rhat(values: pd.Series, chains: int, run: Run) -> Row:
    """Whether the chains have the same distribution, in location and in spread."""
    if chains < 2:
        return row(
            "R-hat", np.nan, "", False, "no R-hat: it compares chains and there is one", "model.sample(chains=4)"
        )
    if values.isna().all():
        return row("R-hat", np.nan, "", False, "no R-hat: too few draws", "model.sample(draws=1000)")
    where, value = str(values.idxmax()), float(values.max())
    if value <= RHAT:
        return row("R-hat", value, where, True, f"largest {value:.3f} ({where}): the chains agree")
    verdict = f"largest {value:.3f} ({where}), above {RHAT}: the chains do not agree yet"
    apart = "; look at the chains, they may sit in different places" if value > 1.1 else ""
    step = f"model.sample({run.more_tune}, draws={2 * run.draws}){apart}"
    return row("R-hat", value, where, False, verdict, step)


def ess(values: pd.Series, kind: str, chains: int, run: Run) -> Row:
    """How many independent draws the dependent ones are worth, for the middle or for the tails."""
    name, needed = f"ESS {kind}", ESS_PER_CHAIN * chains
    if values.isna().all():
        return row(name, np.nan, "", False, f"no {kind} ESS: too few draws", "model.sample(draws=1000)")
    where, value = str(values.idxmin()), float(values.min())
    good = {"bulk": "means and medians are settled", "tail": "interval ends are settled"}[kind]
    bad = {"bulk": "means and medians are rough", "tail": "interval ends are rough"}[kind]
    if value >= needed:
        return row(name, value, where, True, f"smallest {value:.0f} ({where}): {good}")
    factor = int(min(20, np.ceil(needed / max(value, 1.0))))
    verdict = f"smallest {value:.0f} ({where}), below {needed}: {bad}"
    return row(name, value, where, False, verdict, f"model.sample(draws={factor * run.draws})")


def bfmi(energy: np.ndarray | None, run: Run) -> Row:
    """Whether one step of the sampler changes the energy as much as the posterior varies in it."""
    if energy is None or energy.shape[1] < 4:
        return row("E-BFMI", np.nan, "", True, "not recorded by the sampler")
    each = np.square(np.diff(energy, axis=1)).mean(axis=1) / np.maximum(energy.var(axis=1), np.finfo(float).tiny)
    chain, value = int(each.argmin()), float(each.min())
    if value >= BFMI:
        return row(
            "E-BFMI", value, f"chain {chain}", True, f"smallest {value:.2f} (chain {chain}): the tails are reached"
        )
    verdict = f"smallest {value:.2f} (chain {chain}), below {BFMI}: the sampler may miss the tails"
    step = f"model.sample({run.more_tune}); if it stays, tighter priors for the sds"
    return row("E-BFMI", value, f"chain {chain}", False, verdict, step)


def depth(reached: np.ndarray | None, run: Run) -> Row:
    """How often a path was cut short."""
    if reached is None:
        return row("tree depth", np.nan, "", True, "limit not recorded by the sampler")
    share = float(reached.mean())
    if share <= DEPTH_SHARE:
        return row(
            "tree depth",
            share,
            "",
            True,
            "limit not reached" if share == 0 else f"limit reached in {share:.1%} of the draws",
        )
    verdict = f"limit reached in {share:.0%} of the draws: slow mixing, not wrong by itself"
    step = f"model.sample({run.more_tune}); centre and scale the predictors"
    return row("tree depth", share, "", False, verdict, step)
