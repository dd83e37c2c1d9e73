"""The tables of a posterior's summary as text, for a page 80 characters wide."""

import numpy as np
import pandas as pd

from bayeslmm.results import rformat

STATISTICS = ["estimate", "median", "sd", "lower", "upper", "rhat", "ess_bulk", "ess_tail"]
HEADER = ["Mean", "Median", "SD", "Lower", "Upper", "R-hat", "Bulk", "Tail"]
SIGNIFICANT = 3
WIDTH = 80


def random_lines(random: pd.DataFrame, shown: int = len(HEADER)) -> str:
    """The table of sds and correlations; groups become headings where a column of them would be too wide."""
    groups, numbers = random["group"], cells(random, shown)
    first = [str(g) if new else "" for g, new in zip(groups, groups != groups.shift(), strict=True)]
    names = [f"{kind} {term}".rstrip() for kind, term in zip(random["kind"], random["term"], strict=True)]
    left = [True, True, *[False] * shown]
    lines = rformat.columns_as_text(["Groups", "Name", *HEADER[:shown]], [first, names, *numbers], left).splitlines()
    if max(map(len, lines)) >= WIDTH:
        indented = ["  " + name for name in names]
        header, *rows = rformat.columns_as_text(["", *HEADER[:shown]], [indented, *numbers], left[1:]).splitlines()
        lines = [header, *(line for group, row in zip(first, rows, strict=True) for line in (group, row) if line)]
    return "Random effects:\n" + "\n".join(" " + line for line in lines)


def fixed_lines(fixed: pd.DataFrame, shown: int = len(HEADER)) -> str:
    """The table of coefficients."""
    if fixed.empty:
        return "No fixed effect coefficients"
    names = [str(i) for i in fixed.index]
    left = [True, *[False] * shown]
    return "Fixed effects:\n" + rformat.columns_as_text(["", *HEADER[:shown]], [names, *cells(fixed, shown)], left)


def prior_lines(table: pd.DataFrame) -> str:
    """The priors, as they were used."""
    columns = [[str(v) for v in table[name]] for name in ("parameter", "prior", "why")]
    text = rformat.columns_as_text(["Parameter", "Prior", "Why"], columns, [True, True, True])
    return "Priors:\n" + "\n".join(" " + line for line in text.splitlines())


def cells(table: pd.DataFrame, shown: int = len(HEADER)) -> list[list[str]]:
    """The first columns as text; each row with the decimals that show its posterior sd to three digits."""
    rows = [_cells(*row) for row in table[STATISTICS].itertuples(index=False)]
    return [list(column) for column in zip(*rows, strict=True)][:shown]


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
