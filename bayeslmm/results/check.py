"""`fit.check()`: one table in words, worst first."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.point.simulated import Standardised
from bayeslmm.results import surprises
from bayeslmm.results.findings import FEW, QUESTIONS, Finding, few_groups
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.fit import Ddf, Fit

MOST_ROWS = 100_000
MARKS = {3: "!!!", 2: "!!", 1: "!", 0: ""}
WIDTH = 100


@dataclass(frozen=True, repr=False)
class Check(Tabular):
    """What `fit.check()` returns; `print` it, take `.table`, or ask `.ok`.

    Attributes
    ----------
    table
        DataFrame by check, worst first: `severity` (3, the numbers are not those of the model; 2, a conclusion may rest
        on it; 1, worth knowing; 0, nothing seen), `seen` in words, `value` (the number behind it), `why` it matters,
        `do` (code).
    """

    table: pd.DataFrame

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return bool((self.table["severity"] == 0).all())

    def __str__(self) -> str:
        found = self.table[self.table["severity"] > 0]
        fine = self.table[self.table["severity"] == 0]
        width = max(len(str(i)) for i in self.table.index)
        lines: list[str] = []
        for name, row in found.iterrows():
            lines += _block(f"{MARKS[row['severity']]:<3} {str(name).ljust(width)}  ", str(row["seen"]))
            lines += _block(" " * (width + 6), f"{row['why']}.")
            lines += [" " * (width + 6) + f"-> {row['do']}", ""]
        if len(fine):
            lines.append("nothing seen" if self.ok else "nothing seen in the rest")
        for name, row in fine.iterrows():
            lines += _block(f"    {str(name).ljust(width)}  ", str(row["seen"]))
        return "\n".join(lines)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def check(fit: "Fit", ddf: "Ddf", simulate: Callable[[], Standardised]) -> Check:
    """Ask every question.

    Parameters
    ----------
    fit, ddf
        As for `Fit.check`.
    simulate
        Standardised residuals of the data and of simulated ones; not called where there are too many rows.
    """
    if ddf not in FEW:
        raise ArgumentError(f'check(ddf="{ddf}") is not known; it is one of {", ".join(FEW)}')
    found = [question(fit) for question in QUESTIONS] + [few_groups(fit, ddf)] + _surprises(fit, simulate)
    found.sort(key=lambda f: -f.severity)
    return Check(pd.DataFrame([asdict(f) for f in found]).set_index("check"))


def _surprises(fit: "Fit", simulate: Callable[[], Standardised]) -> list[Finding]:
    if fit.nobs > MOST_ROWS:
        seen = f"not looked at: {fit.nobs:,} rows are too many to simulate here; see fit.plot.residuals()"
        return [Finding("residuals", 0, seen, float("nan"))]
    data = simulate()
    return [
        surprises.tails(fit, data),
        surprises.random_effects(fit, data),
        surprises.unequal_variances(fit, data),
        surprises.outlying_groups(fit, data),
    ]


def _block(head: str, text: str) -> list[str]:
    """Words in lines, those after the first indented."""
    return wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)
