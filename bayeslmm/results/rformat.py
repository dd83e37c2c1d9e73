"""Numbers in text as R prints them: `format`, `format.pval`, `printCoefmat`, `abbreviate`, significance stars.

R readers compare outputs digit by digit; these functions follow the documented rules of R's `format` (the smallest
number of decimals that shows every element to `digits` significant digits) and `printCoefmat`.
"""

from collections.abc import Sequence

import numpy as np

EPSILON = float(np.finfo(float).eps)
CUTS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))
LEGEND = "Signif. codes:  0 '***' 0.001 '**' 0.01 '*' 0.05 '.' 0.1 ' ' 1"


def format_numbers(values: Sequence[float] | np.ndarray, digits: int = 7, nsmall: int = 0) -> list[str]:
    """Format all values alike, with the fewest decimals that show each to `digits` significant digits."""
    x = np.asarray(values, dtype=float).ravel()
    finite = x[np.isfinite(x)]
    decimals = max([_decimals(v, digits) for v in finite], default=0)
    fixed = [_show(v, f".{max(decimals, nsmall)}f") for v in x]
    mantissa = max([_mantissa(v, digits) for v in finite], default=0)
    scientific = [_show(v, f".{mantissa}e") for v in x]
    if decimals > 15 or max(map(len, fixed), default=0) > max(map(len, scientific), default=0):
        return scientific
    return fixed


def format_p_values(p: Sequence[float] | np.ndarray, digits: int = 3) -> list[str]:
    """Format p-values: small ones in scientific notation, tiny ones as "< 2e-16"."""
    x = np.asarray(p, dtype=float).ravel()
    out = np.full(x.size, "NA", dtype=object)
    tiny = np.isfinite(x) & (x < EPSILON)
    usual = np.isfinite(x) & ~tiny
    large = usual & (x >= 1e-3)
    for part in (large, usual & ~large):
        if part.any():
            out[part] = format_numbers(x[part], digits)
    if tiny.any():
        width = max((len(s) for s in out[usual]), default=0)
        if digits > 1 and usual.any() and digits + 6 > width:
            digits = max(1, width - 7)
        space = "" if digits == 1 and width <= 6 and usual.any() else " "
        out[tiny] = f"<{space}{EPSILON:.{max(digits - 1, 0)}e}"
    return [str(s) for s in out]


def coefficient_columns(values: np.ndarray, digits: int = 4) -> list[list[str]]:
    """Format estimates, standard errors and df (m, c) together, as `printCoefmat` does; returns the columns."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    decimals = 1
    if size.size:
        leading = 1 + np.floor(np.log10([size.min(), size.max()])).astype(int)
        decimals = max(1, *(int(digits - d) for d in leading))
    rounded = np.round(values, decimals)
    text = np.array(format_numbers(rounded, digits), dtype=object).reshape(values.shape)
    lost = (values != 0) & (rounded == 0)
    for i, j in zip(*np.nonzero(lost), strict=True):
        text[i, j] = format_numbers([values[i, j]], digits - 1)[0]
    return [list(column) for column in text.T]


def zap_small(values: np.ndarray, digits: int) -> np.ndarray:
    """Round to `digits` significant digits of the largest value."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    places = max(0, digits - int(np.log10(largest))) if largest > 0 else digits
    return np.round(values, places)


def stars(p: Sequence[float] | np.ndarray) -> list[str]:
    """Significance stars of R's summaries."""
    return [
        next((mark for cut, mark in CUTS if v < cut), "") if np.isfinite(v) else "" for v in np.asarray(p, dtype=float)
    ]


def abbreviate(name: str, length: int) -> str:
    """Shorten a name as R does: drop lower-case vowels from the end, then lower-case letters."""
    text = list(name)
    for droppable in ("aeiou", "abcdefghijklmnopqrstuvwxyz"):
        i = len(text) - 1
        while len(text) > length and i > 0:
            if text[i] in droppable and text[i - 1] != " ":
                del text[i]
            i -= 1
    return "".join(text)


def columns_as_text(header: Sequence[str], columns: Sequence[Sequence[str]], left: Sequence[bool]) -> str:
    """Lay columns out with one space between them; `left` says which are left-aligned."""
    widths = [
        max(len(h), *(len(c) for c in column)) if column else len(h) for h, column in zip(header, columns, strict=True)
    ]
    lines = []
    for row in [header, *zip(*columns, strict=True)]:
        cells = [c.ljust(w) if flush else c.rjust(w) for c, w, flush in zip(row, widths, left, strict=True)]
        lines.append(" ".join(cells).rstrip())
    return "\n".join(lines)


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
