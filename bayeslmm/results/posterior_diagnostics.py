"""Whether the draws can be used: all checks of `draw_checks` in one table, in words.

One chain has no R-hat, and neither has a constant: both are said, never shown as a number.
"""

from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.results import draw_checks as checks
from bayeslmm.results.convergence import rhat_and_ess
from bayeslmm.results.draw_checks import Row, Run, row, statistic
from bayeslmm.results.posterior_draws import Draws, pair_labels
from bayeslmm.results.table_export import Tabular

EFFECTS_CHECKED = 60
WIDTH = 80
DIVERGING = ("diverging", "divergent")
DEPTH_REACHED = ("reached_max_treedepth", "maxdepth_reached")
ENERGY = ("energy",)


@dataclass(frozen=True, repr=False)
class Diagnostics(Tabular):
    """What `post.diagnostics()` returns; `print` it, take `.table`, or ask `.ok`.

    Attributes
    ----------
    table
        DataFrame by check: `value`, `where`, `ok`, `verdict` in words, `next_step` (code; "" where nothing is wrong).
    chains, draws
        What was looked at.
    engine
        How they were drawn; "" where that is not known.
    """

    table: pd.DataFrame
    chains: int
    draws: int
    engine: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return bool(self.table["ok"].all())

    @property
    def lines(self) -> list[str]:
        """All checks in one line where nothing is wrong; the whole table where something is."""
        if self.ok:
            return wrap(f"diagnostics: nothing speaks against these draws ({'; '.join(self._shown())})", WIDTH)
        return ["Diagnostics:", *self._rows()]

    def __str__(self) -> str:
        head = f"Diagnostics of {self.chains} {_plural('chain', self.chains)} x {self.draws} draws"
        end = (
            "Nothing speaks against using these draws."
            if self.ok
            else "Read the lines marked ! before using these draws."
        )
        return "\n".join([head, "", *self._rows(), "", end])

    def _rows(self) -> list[str]:
        """One line for each check, and one below it for the next step."""
        lines = []
        width = max(len(str(i)) for i in self.table.index)
        for name, found in self.table.iterrows():
            lines += _hanging(f"{'  ' if found['ok'] else '! '}{str(name).ljust(width)}  ", found["verdict"])
            if found["next_step"]:
                lines += _hanging(" " * (width + 4) + "-> ", found["next_step"])
        return lines

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def _shown(self) -> list[str]:
        value = self.table["value"].dropna()
        shown = {
            "divergences": lambda v: f"{v:.0f} divergences",
            "k-hat": lambda v: f"k-hat {v:.2f}",
            "R-hat": lambda v: f"R-hat to {v:.3f}",
        }
        least = value.reindex(["ESS bulk", "ESS tail", "importance ESS"]).min()
        return [text(value[name]) for name, text in shown.items() if name in value] + [f"ESS from {least:.0f}"]


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
        moving = np.ascontiguousarray(values[:, :, ~constant].transpose(2, 0, 1))
        out[:, ~constant] = rhat_and_ess(moving)
        if values.shape[0] == 1:
            out[0] = np.nan
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
    run = Run.of(data.attrs, n)
    names, values = parameters(draws)
    effect_names, effects, total = some_effects(draws)
    looked_at = np.concatenate([values, effects], axis=2)
    table = convergence(looked_at).set_axis([*names, *effect_names])
    rows = checks.finite(looked_at, table.index)
    if run.independent:
        rows += [checks.khat(run), checks.importance_ess(run)]
    else:
        rows += _of_chains(table, data, run, chains)
    if len(effect_names) < total and not run.independent:
        said = f"R-hat and ESS of {len(effect_names)} of {total} looked at"
        rows.append(row("random effects", len(effect_names), "", True, said))
    if table["constant"].any():
        constant = ", ".join(table.index[table["constant"]][:5])
        said = f"{constant}: the same in every draw"
        rows.append(row("constants", int(table["constant"].sum()), constant, True, said))
    columns = ["check", "value", "where", "ok", "verdict", "next_step"]
    return Diagnostics(pd.DataFrame(rows, columns=columns).set_index("check"), chains, n, run.engine)


def _of_chains(table: pd.DataFrame, data: xr.DataTree, run: Run, chains: int) -> list[Row]:
    """The checks of Markov chains."""
    stats = data["sample_stats"].to_dataset() if "sample_stats" in data.children else xr.Dataset()
    return [
        checks.divergences(statistic(stats, DIVERGING), chains * run.draws, run),
        checks.rhat(table["rhat"], chains, run),
        checks.ess(table["ess_bulk"], "bulk", chains, run),
        checks.ess(table["ess_tail"], "tail", chains, run),
        checks.bfmi(statistic(stats, ENERGY), run),
        checks.depth(statistic(stats, DEPTH_REACHED), run),
    ]


def _hanging(label: str, text: str) -> list[str]:
    """Lines of at most 80 characters, a label before the first."""
    first, *rest = wrap(text, WIDTH - len(label), break_long_words=False)
    return [label + first, *(" " * len(label) + line for line in rest)]


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
