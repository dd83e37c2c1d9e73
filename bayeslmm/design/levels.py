"""Labels of factor levels: how R writes a number, and how R sorts text."""

import math
import unicodedata
from collections.abc import Iterable

import numpy as np


def format_number(x: float) -> str:
    """Return the number as R's `as.character` does: up to 15 digits, fixed unless scientific is shorter.

    >>> [format_number(x) for x in (1.0, 0.1 + 0.2, 308.0, 1e5, 123456.0, 1e-4, -0.001)]
    ['1', '0.3', '308', '1e+05', '123456', '1e-04', '-0.001']
    """
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Inf" if x > 0 else "-Inf"
    if x == 0:
        return "0"
    mantissa, exponent = f"{abs(x):.14e}".split("e")
    digits, e = mantissa.replace(".", "").rstrip("0"), int(exponent)
    scientific = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{'-' if e < 0 else '+'}{abs(e):02d}"
    if e >= len(digits) - 1:
        fixed = digits + "0" * (e - len(digits) + 1)
    elif e >= 0:
        fixed = digits[: e + 1] + "." + digits[e + 1 :]
    else:
        fixed = "0." + "0" * (-e - 1) + digits
    return ("-" if x < 0 else "") + (fixed if len(fixed) <= len(scientific) else scientific)


def label(value: object) -> str:
    """Return the label of one level: `TRUE` for a logical, R's spelling for a number, the text itself."""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return format_number(float(value))
    return str(value)


def collation_key(text: str) -> tuple[list[tuple[int, str]], str, str]:
    """Return the key by which R sorts text in an ordinary locale.

    Punctuation comes before digits before letters; accents count less than letters, case least of all,
    lower before upper.

    >>> sorted(["c", "B", "a", "A", "b1", "b_", "é"], key=collation_key)
    ['a', 'A', 'B', 'b_', 'b1', 'c', 'é']
    """
    plain = unicodedata.normalize("NFKD", text)
    base = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    ranked = [(2 if c.isalpha() else 1 if c.isdigit() else 0, c) for c in base]
    return ranked, plain.casefold(), text.swapcase()


def sort_text(values: Iterable[str]) -> list[str]:
    """Return the texts in R's order."""
    return sorted(values, key=collation_key)
