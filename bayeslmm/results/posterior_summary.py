"""The summary of a posterior, printed in the shape of the REML summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.results.draw_checks import Run
from bayeslmm.results.posterior_diagnostics import Diagnostics, convergence
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_lines import HEADER, STATISTICS, WIDTH, fixed_lines, prior_lines, random_lines
from bayeslmm.results.posterior_origin import origin_lines, title
from bayeslmm.results.posterior_tables import interval, sd_of
from bayeslmm.results.summary import size_line
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.tables import estimated_pairs

KINDS = {"eti": "equal-tailed", "hdi": "highest-density"}


@dataclass(frozen=True, repr=False)
class PosteriorSummary(Tabular):
    """What `post.summary()` returns; `print` it, or read its parts.

    Attributes
    ----------
    fixed
        DataFrame by coefficient: `estimate` (mean), `median`, `sd`, `lower`, `upper`, `rhat`, `ess_bulk`, `ess_tail`.
    random
        The same by sd and correlation, with `group`, `kind` ("sd" or "cor") and `term`; the residual sd last. `rhat`
        and the ESS are NaN for what is constant and printed as "constant"; draws by importance sampling have no `rhat`.
    level, kind
        Of the intervals.
    text
        The whole summary.
    """

    fixed: pd.DataFrame
    random: pd.DataFrame
    level: float
    kind: str
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.fixed


def summarise(draws: np.ndarray, shape: tuple[int, int], names: Sequence[str], level: float, kind: str) -> pd.DataFrame:
    """Mean, median, sd, interval, R-hat and ESS of the columns of draws (S, m)."""
    lower, upper = interval(draws, level, kind)
    table = convergence(draws.reshape(*shape, -1))
    columns = {
        "estimate": draws.mean(axis=0),
        "median": np.median(draws, axis=0),
        "sd": np.where(table["constant"], 0.0, sd_of(draws)),
        "lower": lower,
        "upper": upper,
    }
    return pd.concat([pd.DataFrame(columns), table.drop(columns="constant")], axis=1)[STATISTICS].set_axis(list(names))


def fixed_table(draws: Draws, level: float, kind: str) -> pd.DataFrame:
    """One row per coefficient."""
    return summarise(draws.beta, draws.shape, draws.design.coef_names, level, kind)


def random_table(draws: Draws, level: float, kind: str) -> pd.DataFrame:
    """One row per sd and per estimated correlation, group by group; the residual sd last."""
    labels: list[tuple[str, str, str]] = []
    parts: list[np.ndarray] = []
    for term in draws.design.terms:
        labels += [(term.group, "sd", e) for e in term.effects]
        labels += [(term.group, "cor", f"{term.effects[j]}, {term.effects[i]}") for i, j in estimated_pairs(term)]
        parts += [draws.sd(term), draws.cor(term)]
    labels.append(("Residual", "sd", ""))
    parts.append(draws.sigma[:, None])
    names = [f"{kind_} {group} {name}" for group, kind_, name in labels[:-1]] + ["sigma"]
    table = summarise(np.concatenate(parts, axis=1), draws.shape, names, level, kind)
    table.insert(0, "group", [g for g, _, _ in labels])
    table.insert(1, "kind", [k for _, k, _ in labels])
    table.insert(2, "term", [t for _, _, t in labels])
    return table


def posterior_summary(
    draws: Draws, priors: Any, diagnostics: Diagnostics, attrs: Mapping[Any, Any], level: float, kind: str
) -> PosteriorSummary:
    """Put the summary of a posterior together; `attrs` tell how it was drawn.

    Draws by importance sampling are independent: they have no R-hat, and all have the ESS of the weights.
    """
    design, run = draws.design, Run.of(attrs, draws.shape[1])
    fixed, random = fixed_table(draws, level, kind), random_table(draws, level, kind)
    if run.independent:
        fixed, random = _weighted(fixed, run.ess), _weighted(random, run.ess)
    shown = len(HEADER) - 3 if run.independent else len(HEADER)
    sections = [
        _head(draws, attrs, level, kind),
        random_lines(random, shown) + "\n" + size_line(design.n, design.terms),
        fixed_lines(fixed, shown),
        prior_lines(priors.table),
        "\n".join([*(line for note in design_notes(design) for line in wrap(note, WIDTH)), *diagnostics.lines]),
    ]
    return PosteriorSummary(fixed, random, level, kind, "\n\n".join(sections))


def _weighted(table: pd.DataFrame, ess: float) -> pd.DataFrame:
    each = np.where(table["sd"] == 0, np.nan, ess)
    return table.assign(rhat=np.nan, ess_bulk=each, ess_tail=each)


def _head(draws: Draws, attrs: Mapping[Any, Any], level: float, kind: str) -> str:
    lines = [
        title(attrs),
        f"Formula: {draws.design.formula.text}",
        *origin_lines(draws.design, attrs, draws.shape, f"{100 * level:g}% {KINDS[kind]} intervals"),
    ]
    if draws.design.has_weights:
        lines.append("Weights: yes")
    if draws.design.has_offset:
        lines.append(" Offset: yes")
    return "\n".join(lines)


def design_notes(design: Design) -> list[str]:
    """What changed the answer on the way from the data."""
    notes = []
    if design.n_missing:
        notes.append(f"{design.n_missing} rows with missing values left out ({design.n} used)")
    if design.contrasts:
        notes.append("contrasts: " + ", ".join(f"{name} {coding}" for name, coding in design.contrasts.items()))
    if design.dropped:
        notes.append(
            f"fixed-effect matrix is rank deficient: {len(design.dropped)} collinear columns left out: "
            + ", ".join(design.dropped)
        )
    return notes
