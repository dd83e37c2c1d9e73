"""Numbers in text as R prints them: `format`, `format.pval`, `printCoefmat`, `abbreviate`, significance stars.

R readers compare outputs digit by digit; these functions follow the documented rules of R's `format` (the smallest
number of decimals that shows every element to `digits` significant digits) and `printCoefmat`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

EPSILON = float(np.finfo(float).eps)
MOST_DECIMALS = 6  # of fixed notation, where scientific is shorter
VOWELS = "aeiou"
CUTS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))
LEGEND = "Signif. codes:  0 '***' 0.001 '**' 0.01 '*' 0.05 '.' 0.1 ' ' 1"


def format_numbers(values: Sequence[float] | np.ndarray, digits: int = 7, nsmall: int = 0) -> list[str]:
    """Format all values alike, with the fewest decimals that show each to `digits` significant digits."""
    x = np.asarray(values, dtype=float).ravel()
    finite = x[np.isfinite(x)]
    decimals = max([_decimals(v, digits) for v in finite], default=0)
    plain = [fixed(v, max(decimals, nsmall)) for v in x]
    mantissa = max([_mantissa(v, digits) for v in finite], default=0)
    scientific = [_show(v, f".{mantissa}e") for v in x]
    if decimals > 15 or max(map(len, plain), default=0) > max(map(len, scientific), default=0):
        return scientific
    return plain


def fixed(value: float, decimals: int) -> str:
    """Format one value with this many decimals; zero has no sign."""
    return _show(value, f".{decimals}f")


def short(value: float, decimals: int) -> str:
    """Format one value with this many decimals; scientific, as precisely, where that is shorter and many are needed.

    Examples
    --------
    >>> short(0.0123456, 5), short(5.7234e-06, 8), short(-1.2e-09, 8)
    ('0.01235', '5.72e-06', '0')
    """
    plain = fixed(value, decimals)
    if decimals <= MOST_DECIMALS or not np.isfinite(value):
        return plain
    if float(plain) == 0:
        return "0"
    mantissa = max(0, decimals + int(np.floor(np.log10(abs(float(plain))))))
    return min(plain, _show(value, f".{mantissa}e"), key=len)


def format_p_values(p: Sequence[float] | np.ndarray, digits: int = 3) -> list[str]:
    """Format p-values: small ones in scientific notation, tiny ones as "< 2e-16"."""
    x = np.asarray(p, dtype=float).ravel()
    out = np.full(x.size, "NA", dtype=object)
    tiny = np.isfinite(x) & (x < EPSILON)
    usual = np.isfinite(x) & ~tiny
    large = usual & (x >= (1e-4 if digits > 1 else 1e-3))
    for part in (large, usual & ~large):
        if part.any():
            out[part] = format_numbers(x[part], digits)
    if tiny.any():
        width = max((len(s) for s in out[usual]), default=0)
        digits = max(1, digits - 2)
        if digits > 1 and usual.any() and digits + 6 > width:
            digits = max(1, width - 7)
        space = "" if digits == 1 and width <= 6 else " "
        out[tiny] = f"<{space}{EPSILON:.{digits - 1}e}"
    return [str(s) for s in out]


def decimals_for(sizes: Sequence[float] | np.ndarray, digits: int = 3) -> int:
    """Decimals that show uncertainties of the median size to `digits` significant digits."""
    x = np.asarray(sizes, dtype=float).ravel()
    x = x[np.isfinite(x) & (x > 0)]
    return max(0, digits - 1 - int(np.floor(np.log10(np.median(x))))) if x.size else digits


def coefficient_columns(values: np.ndarray, digits: int = 4) -> list[list[str]]:
    """Format estimates, standard errors and df (m, c) together, as `printCoefmat` does; returns the columns."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    decimals = 1
    if size.size:
        leading = 1 + np.floor(np.log10([size.min(), size.max()])).astype(int)
        decimals = max(1, *(int(digits - d) for d in leading))
    near = np.round(values, decimals)
    text = np.array(pad(format_numbers(near, digits)), dtype=object).reshape(values.shape)
    lost = (values != 0) & (near == 0)
    text[lost] = format_numbers(values[lost], digits - 1)
    return [list(column) for column in text.T]


def pad(cells: Sequence[str]) -> list[str]:
    """Give all cells the width of the longest, right-aligned, as R's `format` does."""
    width = max(map(len, cells), default=0)
    return [c.rjust(width) for c in cells]


def zap_small(values: np.ndarray, digits: int) -> np.ndarray:
    """Round to about `digits` significant digits of the largest value, as R 4.2's `zapsmall` does."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    places = max(0, int(np.floor(digits - np.log10(largest) + 0.5))) if largest > 0 else digits
    return np.round(values, places)


def stars(p: Sequence[float] | np.ndarray) -> list[str]:
    """Significance stars of R's summaries."""
    return [
        next((mark for cut, mark in CUTS if v < cut), "") if np.isfinite(v) else "" for v in np.asarray(p, dtype=float)
    ]


def abbreviate(names: Sequence[str], length: int) -> list[str]:
    """Shorten names to `length` characters, or a few more where they would coincide, as R's `abbreviate` does."""
    names = [n.strip(" ") for n in names]
    distinct = list(dict.fromkeys(names))
    short = {n: _shorten(n, length) for n in distinct}
    while True:
        counts = Counter(short.values())
        again = [n for n in distinct if counts[short[n]] > 1]
        if not again:
            return [short[n] for n in names]
        length += 1
        short |= {n: _shorten(n, length) for n in again}


def _shorten(name: str, length: int) -> str:
    """Drop from the right: lower-case vowels, lower-case letters, anything; first those at the end of a word."""
    text = list(name)

    def first(i: int) -> bool:
        return text[i - 1] == " "

    def last(i: int) -> bool:
        return text[i - 1] != " " and (i + 1 == len(text) or text[i + 1] == " ")

    def inside(i: int) -> bool:
        return not first(i)

    spaces = text.count(" ")
    for droppable, place in (
        (VOWELS.__contains__, last),
        (VOWELS.__contains__, inside),
        (str.islower, last),
        (str.islower, inside),
        (lambda c: c != " ", inside),
    ):
        for i in range(len(text) - 1, 0, -1):
            if len(text) - spaces <= length:
                break
            if i < len(text) and droppable(text[i]) and place(i):
                del text[i]
    return "".join(text) if len(text) <= length else "".join(text[:1] + [c for c in text[1:] if c != " "])


def columns_as_text(
    header: Sequence[str], columns: Sequence[Sequence[str]], left: Sequence[bool], width: int | None = None
) -> str:
    """Lay columns out with one space between them; `left` says which are left-aligned.

    Columns that do not fit into `width` follow below, with the first column once more.
    """
    sizes = [
        max(len(h), *(len(c) for c in column)) if column else len(h) for h, column in zip(header, columns, strict=True)
    ]
    blocks = [[0]]
    for j in range(1, len(sizes)):
        used = sum(sizes[i] + 1 for i in blocks[-1])
        if width is not None and used + sizes[j] > width and len(blocks[-1]) > 1:
            blocks.append([0])
        blocks[-1].append(j)
    rows = [header, *zip(*columns, strict=True)]
    lines = []
    for block in blocks:
        for row in rows:
            cells = [row[j].ljust(sizes[j]) if left[j] else row[j].rjust(sizes[j]) for j in block]
            lines.append(" ".join(cells).rstrip())
    return "\n".join(lines)


def tests_as_text(
    names: Iterable[object], numbers: Mapping[str, Sequence[str]], p_name: str, p: Sequence[float] | np.ndarray
) -> str:
    """Lay tests out as R's `print.anova` does: names, numbers by header, p-values, stars; what is missing is left out.

    Parameters
    ----------
    names
        Of the rows.
    numbers
        Columns as text by header.
    p_name, p
        Header of the p-values, and these.
    """
    columns = [[str(name) for name in names], *numbers.values(), format_p_values(p, 4), stars(p)]
    columns = [["" if cell.strip() == "NA" else cell for cell in column] for column in columns]
    header = ["", *numbers, p_name, ""]
    body = columns_as_text(header, columns, [True, *[False] * (len(header) - 2), True])
    return body + (f"\n---\n{LEGEND}" if any(columns[-1]) else "")


def named_vector(names: Sequence[str], cells: Sequence[str], width: int = 80) -> str:
    """Lay a named vector out as R prints it: names above values, as many in a line as fit."""
    size = max(map(len, [*names, *cells]))
    count = max(1, width // (size + 1))
    parts = [row[i : i + count] for i in range(0, len(cells), count) for row in (names, cells)]
    return "\n".join(" ".join(c.rjust(size) for c in part) for part in parts)


def _show(value: float, spec: str) -> str:
    if np.isnan(value):
        return "NA"
    if np.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    text = format(value, spec)
    return text if float(text) != 0 else text.replace("-", "", 1) if text.startswith("-") else text


def _decimals(value: float, digits: int) -> int:
    """Decimals needed to show a value to `digits` significant digits, trailing zeros dropped."""
    if value == 0:
        return 0
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    kept = len(mantissa.lstrip("-").replace(".", "").rstrip("0"))
    return max(0, kept - 1 - int(exponent))


def _mantissa(value: float, digits: int) -> int:
    """Decimals of the mantissa needed in scientific notation."""
    if value == 0:
        return 0
    mantissa = f"{value:.{digits - 1}e}".split("e")[0]
    return max(0, len(mantissa.lstrip("-").replace(".", "").rstrip("0")) - 1)
