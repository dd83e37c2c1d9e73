"""Where formula and data do not fit: what was seen, why it matters, and the cure as code that runs.

Each check yields a `Remark` for every place where it sees something. How much it matters: 2, what is estimated is not
what was meant; 1, worth a thought. In the code, `data` is the frame that was given.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from textwrap import indent, wrap

import pandas as pd

from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.remarks.groups import few_levels, one_level, one_row_levels
from bayeslmm.explaining.remarks.labels import numeric_groups, reused_labels
from bayeslmm.explaining.remarks.predictors import far_from_zero
from bayeslmm.explaining.remarks.remark import Remark, explain_code
from bayeslmm.explaining.remarks.slopes import constant_slopes, missing_slopes
from bayeslmm.results.table_export import Tabular

CHECKS: tuple[Callable[[Anatomy], Iterator[Remark]], ...] = (
    one_level,
    one_row_levels,
    constant_slopes,
    reused_labels,
    numeric_groups,
    far_from_zero,
    few_levels,
    missing_slopes,
)
WIDTH = 80
COLUMNS = ["check", "severity", "what", "why", "cure"]


@dataclass(frozen=True, repr=False)
class Advice(Tabular):
    """What `blm.advise` returns; `print` it, or take `.table`.

    Attributes
    ----------
    table
        DataFrame, most important first: `check`, `severity` (3, the model cannot be fitted; 2, it is not what was
        meant; 1, worth a thought), `what` was seen, `why` it matters, `cure` as code that runs with the frame
        as `data`; weights and offset that were given go along, arrays under the names `weights` and `offset`.
    """

    table: pd.DataFrame

    @property
    def ok(self) -> bool:
        """Whether there is nothing to say."""
        return self.table.empty

    def __len__(self) -> int:
        return len(self.table)

    def __str__(self) -> str:
        if self.ok:
            return "nothing to advise: formula and data fit"
        return "\n\n".join(_block(str(r.what), str(r.why), str(r.cure)) for r in self.table.itertuples())

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def _block(what: str, why: str, cure: str) -> str:
    lines = [*wrap(f"* {what}", WIDTH, subsequent_indent="  ", break_long_words=False)]
    lines += wrap(f"{why}.", WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    return "\n".join([*lines, indent(cure, "  -> ")])


def advice(of: Anatomy) -> Advice:
    """Run every check; without data there is nothing to see."""
    found: list[Remark] = []
    if of.frame is not None:
        found = [remark for check in CHECKS for remark in check(of)]
        if of.problem and not any(r.severity == 3 for r in found):
            first = of.problem.splitlines()[0]
            why = "bayeslmm refuses to fit what the data cannot tell apart"
            found.append(Remark("refused", 3, f"the model cannot be fitted: {first}", why, explain_code(of)))
    found.sort(key=lambda r: -r.severity)
    options = _options(of)
    rows = [{**asdict(r), "cure": _with_options(r.cure, options)} for r in found]
    return Advice(pd.DataFrame(rows, columns=COLUMNS))


def _options(of: Anatomy) -> str:
    """What was given beside formula and data, as code; an array by the name of its argument."""
    if of.design is None or of.design.source is None:
        return ""
    given = {name: getattr(of.design.source, name) for name in ("weights", "offset")}
    given["functions"] = of.design.recipe.functions or None
    return "".join(f", {k}={v!r}" if isinstance(v, str) else f", {k}={k}" for k, v in given.items() if v is not None)


def _with_options(cure: str, options: str) -> str:
    return "\n".join(line.removesuffix(")") + options + ")" for line in cure.split("\n"))
