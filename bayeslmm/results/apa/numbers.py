"""Numbers as the Publication Manual of the APA (7th ed., section 6.36) writes them.

Two decimals, more where the standard error would otherwise show fewer than two digits; no zero before the decimal
point of what cannot exceed 1 (p, correlations, ICC); p to three decimals.
"""

import math
from collections.abc import Sequence

from bayeslmm.results import rformat
from bayeslmm.results.apa.prose import italic

MINUS = "\N{MINUS SIGN}"


def decimals(error: float) -> int:
    """Decimals of an estimate with this standard error."""
    if not math.isfinite(error) or error <= 0:
        return 2
    size = math.floor(math.log10(error))
    return max(0, 1 - size, min(2, 3 - size))


def number(value: float, places: int = 2) -> str:
    """A number with this many decimals."""
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "\N{INFINITY}"
    return rformat.fixed(value, places).replace("-", MINUS)


def share(value: float, places: int = 2) -> str:
    """A number that cannot exceed 1, without a leading zero."""
    text = rformat.fixed(value, places)
    return text.replace("0.", ".", 1).replace("-", MINUS) if abs(float(text)) < 1 else text.replace("-", MINUS)


def p_value(p: float) -> str:
    """`p = .017`, `p < .001`, `p > .999`."""
    return f"{italic('p')} {probability(p)}"


def probability(p: float) -> str:
    """`= .017`, `< .001` or `> .999`."""
    if p < 0.0005:
        return "< .001"
    return "> .999" if p > 0.9995 else f"= {share(p, 3)}"


def degrees(df: float) -> str:
    """Degrees of freedom: two decimals, none for whole numbers."""
    return str(round(df)) if df == round(df) else number(df)


def interval(lower: float, upper: float, level: float, places: int, kind: str = "CI") -> str:
    """`95% CI [0.45, 3.75]`."""
    return f"{percent(level)} {kind} [{number(lower, places)}, {number(upper, places)}]"


def percent(level: float) -> str:
    """95%."""
    return f"{100 * level:g}%"


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(items) < 3:
        return f" {last} ".join(items)
    return f"{', '.join(items[:-1])}, {last} {items[-1]}"


def counted(count: int, word: str) -> str:
    """`1 row`, `25 rows`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
