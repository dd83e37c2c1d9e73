"""Tables for papers: LaTeX, Markdown, and great_tables where it is installed; cells as `table_cells` writes them."""

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.results.apa.prose import italic, latex, markdown, plain
from bayeslmm.results.frames import preformatted
from bayeslmm.results.table_cells import Cells, cells_of

SYMBOLS = ("df", "t", "z", "F", "p")
LONG, ROOM = 40, 0.9  # characters of a cell that is a paragraph; share of the line that all of these have together
PAGE = 45  # rows


class Tabular(ABC):
    """A result that shows a table, for papers: `.to_latex()`, `.to_markdown()`, `.to_great_tables()`."""

    __slots__ = ()

    @abstractmethod
    def _for_paper(self) -> pd.DataFrame:
        """The table, rows named."""

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """The table as a LaTeX table, with rules of the package booktabs; see `bayeslmm.to_latex`."""
        return to_latex(self, caption, label)

    def to_markdown(self, caption: str = "") -> str:
        """The table as a Markdown table; see `bayeslmm.to_markdown`."""
        return to_markdown(self, caption)

    def to_great_tables(self, caption: str = "") -> Any:
        """The table as a `great_tables.GT`, where that package is installed; see `bayeslmm.to_great_tables`."""
        return to_great_tables(self, caption)

    def _repr_html_(self) -> str | None:
        """What notebooks show: the result as it is printed."""
        return preformatted(str(self))


@runtime_checkable
class WithTable(Protocol):
    """Something that has a table, such as priors."""

    @property
    def table(self) -> pd.DataFrame:
        """The table."""


Exportable = pd.DataFrame | pd.Series | Tabular | WithTable


def to_markdown(result: Exportable, caption: str = "") -> str:
    r"""Return the table of a result as a pipe table, numbers to the right.

    Parameters
    ----------
    result
        A result that has a table, or a data frame or a series, such as `fit.varcorr` or `fit.confint()`.
    caption
        A line above the table; none where empty.

    Raises
    ------
    ArgumentError
        `result` has no table.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> print(blm.to_markdown(fit.summary()), end="")
    |  | estimate | se | *df* | *t* | *p* |
    | :-- | --: | --: | --: | --: | --: |
    | (Intercept) | 251.41 | 6.82 | 17.00 | 36.84 | \< .001 |
    | Days | 10.47 | 1.55 | 17.00 | 6.77 | \< .001 |
    """
    cells = cells_of(table_of(result))
    rule = ["--:" if numeric else ":--" for numeric in cells.numeric]
    rows = [[_one_line(markdown(c)) for c in row] for row in (_header(cells), *cells.rows)]
    lines = [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]
    return "\n".join(([markdown(caption), ""] if caption else []) + lines) + "\n"


def to_latex(result: Exportable, caption: str = "", label: str = "") -> str:
    r"""Return the table of a result in LaTeX, with rules of the package booktabs.

    A table of more than a page is a `longtable`, of the package of that name. Sentences are paragraphs.

    Parameters
    ----------
    result
        A result that has a table, or a data frame or a series, such as `fit.varcorr` or `fit.confint()`.
    caption, label
        Of the table; left out where empty. Signs that LaTeX would take for its own are escaped in the caption.

    Raises
    ------
    ArgumentError
        `result` has no table.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> print(blm.to_latex(fit.summary()).splitlines()[7])
    Days & 10.47 & 1.55 & 17.00 & 6.77 & \textless{} .001 \\
    """
    cells = cells_of(table_of(result))
    columns = "".join(_column_types(cells))
    head = [rf"\caption{{{_one_line(latex(caption))}}}"] if caption else []
    mark = [rf"\label{{{label}}}"] if label else []
    top = [r"\toprule", _latex_row(_header(cells)), r"\midrule"]
    rows = [_latex_row(row) for row in cells.rows]
    if len(rows) > PAGE:
        title = ["".join([*head, *mark]) + r" \\"] if caption or label else []
        lines = [rf"\begin{{longtable}}{{{columns}}}", *title, *top, r"\endhead", r"\bottomrule", r"\endfoot"]
        lines += [*rows, r"\end{longtable}"]
    else:
        lines = [r"\begin{table}", r"\centering", *head, *mark, rf"\begin{{tabular}}{{{columns}}}"]
        lines += [*top, *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def to_great_tables(result: Exportable, caption: str = "") -> Any:
    """Return the table of a result as a `great_tables.GT`, to be styled further: for HTML, pictures and Word.

    Parameters
    ----------
    result
        A result that has a table, or a data frame or a series.
    caption
        The title; none where empty.

    Raises
    ------
    ArgumentError
        `result` has no table.
    NotAvailableError
        great_tables is not installed.
    """
    try:
        from great_tables import GT
    except ImportError as error:
        raise NotAvailableError("great_tables is not installed: pip install 'bayeslmm[tables]'") from error
    cells = cells_of(table_of(result))
    names = [f"c{j}" for j in range(len(cells.header))]  # headers may coincide
    frame = pd.DataFrame(list(cells.rows), columns=names)
    made = GT(frame).cols_label(dict(zip(names, map(plain, cells.header), strict=True)))
    made = made.cols_align("right", [n for n, numeric in zip(names, cells.numeric, strict=True) if numeric])
    made = made.cols_align("left", [n for n, numeric in zip(names, cells.numeric, strict=True) if not numeric])
    return made.tab_header(caption) if caption else made


def table_of(result: Exportable) -> pd.DataFrame | pd.Series:
    """Return the table that a result shows.

    Raises
    ------
    ArgumentError
        It has none.
    """
    if isinstance(result, pd.DataFrame | pd.Series):
        return result
    if isinstance(result, Tabular):
        return result._for_paper()
    if isinstance(result, WithTable):
        return result.table
    raise ArgumentError(
        f"a table is a data frame, a series, or a result that has one, such as fit.summary(); got "
        f"{type(result).__name__}"
    )


def _header(cells: Cells) -> tuple[str, ...]:
    return tuple(italic(name) if name in SYMBOLS else name for name in cells.header)


def _column_types(cells: Cells) -> list[str]:
    """`r` for numbers, `l` for words, and paragraphs for sentences, which share the line by their lengths."""
    longest = [max((len(row[j]) for row in cells.rows), default=0) for j in range(len(cells.header))]
    sentences = [j for j, numeric in enumerate(cells.numeric) if not numeric and longest[j] > LONG]
    taken = sum(min(longest[j], LONG) for j in range(len(longest)) if j not in sentences)
    room = max(0.3, ROOM - taken / 100)
    total = sum(longest[j] for j in sentences)
    types = ["r" if numeric else "l" for numeric in cells.numeric]
    for j in sentences:
        types[j] = rf"p{{{room * longest[j] / total:.2f}\linewidth}}"
    return types


def _latex_row(cells: tuple[str, ...]) -> str:
    return " & ".join(_one_line(latex(c)) for c in cells) + r" \\"


def _one_line(text: str) -> str:
    return " ".join(text.split())
