"""Tables for papers: LaTeX, Markdown, and great_tables where it is installed; cells as `table_cells` writes them."""

from typing import Any

import pandas as pd

from bayeslmm.errors import NotAvailableError
from bayeslmm.results.apa.prose import latex, markdown
from bayeslmm.results.table_cells import Cells, cells_of


def to_markdown(table: pd.DataFrame | pd.Series, caption: str = "") -> str:
    """Return a pipe table, numbers to the right.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayeslmm.results.table_export import to_markdown
    >>> print(to_markdown(pd.DataFrame({"estimate": [10.467], "se": [1.546]}, index=["Days"])), end="")
    |  | estimate | se |
    | :-- | --: | --: |
    | Days | 10.47 | 1.55 |
    """
    cells = cells_of(table)
    rule = ["--:" if numeric else ":--" for numeric in cells.numeric]
    rows = [[_one_line(markdown(c)) for c in row] for row in (cells.header, *cells.rows)]
    lines = [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]
    return "\n".join(([f"{markdown(caption)}", ""] if caption else []) + lines) + "\n"


def to_latex(table: pd.DataFrame | pd.Series, caption: str = "", label: str = "") -> str:
    """Return a `table` with rules of the package booktabs.

    Parameters
    ----------
    table
        Any table.
    caption, label
        Of the table; left out where empty.
    """
    cells = cells_of(table)
    columns = "".join("r" if numeric else "l" for numeric in cells.numeric)
    head = [rf"\caption{{{latex(caption)}}}"] if caption else []
    mark = [rf"\label{{{label}}}"] if label else []
    lines = [
        r"\begin{table}",
        r"\centering",
        *head,
        *mark,
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _latex_row(cells.header),
        r"\midrule",
        *(_latex_row(row) for row in cells.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_great_tables(table: pd.DataFrame | pd.Series, caption: str = "") -> Any:
    """Return a `great_tables.GT`, to be styled further.

    Raises
    ------
    NotAvailableError
        great_tables is not installed.
    """
    try:
        from great_tables import GT
    except ImportError as error:
        raise NotAvailableError("great_tables is not installed: pip install 'bayeslmm[tables]'") from error
    cells = cells_of(table)
    names = _distinct(cells)
    frame = pd.DataFrame(list(cells.rows), columns=names)
    made = GT(frame).cols_label(dict(zip(names, cells.header, strict=True)))
    made = made.cols_align("right", [n for n, numeric in zip(names, cells.numeric, strict=True) if numeric])
    made = made.cols_align("left", [n for n, numeric in zip(names, cells.numeric, strict=True) if not numeric])
    return made.tab_header(caption) if caption else made


def _latex_row(cells: tuple[str, ...]) -> str:
    return " & ".join(_one_line(latex(c)) for c in cells) + r" \\"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _distinct(cells: Cells) -> list[str]:
    """Names of columns that differ, whatever the headers are."""
    return [f"c{j}" for j in range(len(cells.header))]
