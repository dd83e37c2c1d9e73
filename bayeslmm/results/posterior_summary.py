"""The summary of a posterior, printed in the shape of the REML summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.results import rformat
from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior_diagnostics import Diagnostics, convergence
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_tables import interval, sd_of
from bayeslmm.results.summary import size_line
from bayeslmm.results.table_export import to_great_tables, to_latex, to_markdown
from bayeslmm.results.tables import estimated_pairs

STATISTICS = ["estimate", "median", "sd", "lower", "upper", "rhat", "ess_bulk", "ess_tail"]
HEADER = ["Mean", "Median", "SD", "Lower", "Upper", "R-hat", "Bulk", "Tail"]
KINDS = {"eti": "equal-tailed", "hdi": "highest-density"}
SIGNIFICANT = 3


@dataclass(frozen=True, repr=False)
class PosteriorSummary:
    """What `post.summary()` returns; `print` it, or read its parts.

    Attributes
    ----------
    fixed
        DataFrame by coefficient: `estimate` (mean), `median`, `sd`, `lower`, `upper`, `rhat`, `ess_bulk`, `ess_tail`.
    random
        The same by sd and correlation, with `group`, `kind` ("sd" or "cor") and `term`; the residual sd last. `rhat`
        and the ESS are NaN for what is constant and printed as "constant".
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

    def to_markdown(self, caption: str = "") -> str:
        """The coefficients as a Markdown table."""
        return to_markdown(self.fixed, caption)

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """The coefficients as a LaTeX table, with rules of booktabs."""
        return to_latex(self.fixed, caption, label)

    def to_great_tables(self, caption: str = "") -> Any:
        """The coefficients as a `great_tables.GT`, where that package is installed."""
        return to_great_tables(self.fixed, caption)

    def _repr_html_(self) -> str:
        return preformatted(self.text)


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


def posterior_summary(draws: Draws, priors: Any, diagnostics: Diagnostics, level: float, kind: str) -> PosteriorSummary:
    """Put the summary of a posterior together."""
    design = draws.design
    fixed, random = fixed_table(draws, level, kind), random_table(draws, level, kind)
    sections = [
        _head(draws, diagnostics.engine, level, kind),
        random_lines(random) + "\n" + size_line(design.n, design.terms),
        fixed_lines(fixed),
        prior_lines(priors.table),
        "\n".join([*design_notes(design), *diagnostics.lines]),
    ]
    return PosteriorSummary(fixed, random, level, kind, "\n\n".join(sections))


def _head(draws: Draws, engine: str, level: float, kind: str) -> str:
    chains, n = draws.shape
    how = "importance sampling" if engine == "importance" else "NUTS"
    chain = "chain" if chains == 1 else "chains"
    lines = [
        f"Linear mixed model, posterior by {how} [bayeslmm]",
        f"Formula: {draws.design.formula.text}",
        f"  Draws: {chains} {chain} x {n} draws; {100 * level:g}% {KINDS[kind]} intervals",
        "         Bulk, Tail: effective draws for means and for interval ends",
    ]
    if draws.design.has_weights:
        lines.append("Weights: yes")
    if draws.design.has_offset:
        lines.append(" Offset: yes")
    return "\n".join(lines)


def random_lines(random: pd.DataFrame) -> str:
    """The table of sds and correlations."""
    groups = [
        "" if same else g for g, same in zip(random["group"], random["group"] == random["group"].shift(), strict=True)
    ]
    names = [f"{kind} {term}".rstrip() for kind, term in zip(random["kind"], random["term"], strict=True)]
    text = rformat.columns_as_text(
        ["Groups", "Name", *HEADER], [groups, names, *cells(random)], [True, True, *[False] * len(HEADER)]
    )
    return "Random effects:\n" + "\n".join(" " + line for line in text.splitlines())


def fixed_lines(fixed: pd.DataFrame) -> str:
    """The table of coefficients."""
    if fixed.empty:
        return "No fixed effect coefficients"
    names = [str(i) for i in fixed.index]
    return "Fixed effects:\n" + rformat.columns_as_text(
        ["", *HEADER], [names, *cells(fixed)], [True, *[False] * len(HEADER)]
    )


def prior_lines(table: pd.DataFrame) -> str:
    """The priors, as they were used."""
    columns = [[str(v) for v in table[name]] for name in ("parameter", "prior", "why")]
    text = rformat.columns_as_text(["Parameter", "Prior", "Why"], columns, [True, True, True])
    return "Priors:\n" + "\n".join(" " + line for line in text.splitlines())


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


def cells(table: pd.DataFrame) -> list[list[str]]:
    """The eight columns as text; each row with the decimals that show its posterior sd to three digits."""
    rows = [_cells(*row) for row in table[STATISTICS].itertuples(index=False)]
    return [list(column) for column in zip(*rows, strict=True)]


def _cells(
    estimate: float, median: float, sd: float, lower: float, upper: float, rhat: float, bulk: float, tail: float
) -> list[str]:
    values = [estimate, median, sd, lower, upper]
    ends = ["constant", "", ""] if sd == 0 else [_number(rhat, 3), _number(bulk, 0), _number(tail, 0)]
    return [*_same_decimals(values, sd), *ends]


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "-"


def _same_decimals(values: list[float], sd: float) -> list[str]:
    if not np.isfinite(sd) or sd == 0:
        return rformat.format_numbers(values, 4)
    decimals = SIGNIFICANT - 1 - int(np.floor(np.log10(sd)))
    if decimals > 8:
        return [f"{v:.{SIGNIFICANT - 1}e}" for v in values]
    text = [f"{v:.{max(decimals, 0)}f}" for v in values]
    return [t.lstrip("-") if float(t) == 0 else t for t in text]
