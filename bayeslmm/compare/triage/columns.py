"""Named rows of a table within the width of a terminal."""

from collections.abc import Sequence
from textwrap import wrap

from bayeslmm.results import rformat

WIDTH = 80
GAPS = (2, 1)
INDENT = 2


def table(names: Sequence[str], columns: dict[str, list[str]], left: Sequence[int] = ()) -> str:
    """Columns with names at the left; those numbered in `left`, from 1, are words.

    What is too wide gets narrower step by step: the gaps between columns; long names on lines of their own, the
    numbers below them; columns below each other, as R prints wide tables.
    """
    names = [str(n) for n in names]
    for gap in GAPS:
        text = _laid_out(names, columns, left, gap)
        if max(map(len, text.splitlines())) <= WIDTH:
            return text
    return _long_names_above(names, columns, left)


def _laid_out(
    names: Sequence[str], columns: dict[str, list[str]], left: Sequence[int], gap: int, width: int | None = None
) -> str:
    aligned = [True, *(i + 1 in left for i in range(len(columns)))]
    body = [list(names), *([" " * (gap - 1) + c for c in column] for column in columns.values())]
    header = [" " * ((gap - 1) * words) + name for name, words in zip(columns, aligned[1:], strict=True)]
    return rformat.columns_as_text(["", *header], body, aligned, width)


def _long_names_above(names: Sequence[str], columns: dict[str, list[str]], left: Sequence[int]) -> str:
    """Names that leave too little room for the numbers stand on lines of their own."""
    sizes = [max(map(len, [header, *column])) for header, column in columns.items()]
    room = max(INDENT, WIDTH - sum(sizes) - len(sizes))
    beside = [n if len(n) <= room else "" for n in names]
    text = _laid_out([n.ljust(INDENT) for n in beside], columns, left, min(GAPS), WIDTH)
    lines: list[str] = []
    for i, line in enumerate(text.splitlines()):
        row = i % (len(names) + 1) - 1  # the header of each block of columns is row -1
        if row >= 0 and not beside[row]:
            lines += wrap(names[row], WIDTH, subsequent_indent=" " * INDENT)
        lines.append(line)
    return "\n".join(lines)
