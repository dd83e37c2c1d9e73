"""Options that are written as NAME=VALUES."""

from collections.abc import Iterable
from typing import Any

from bayeslmm.errors import ArgumentError


def pairs(option: str, given: Iterable[str], example: str) -> dict[str, str]:
    """Split each at its last `=`; the spaces around are left out.

    Raises
    ------
    ArgumentError
        A side is empty, or a name is there twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if not (name and equals and value):
            raise ArgumentError(f"{option} {text}: a name, = and a value, such as {option} {example}")
        if name in found:
            raise ArgumentError(f"{option} {name}: given twice")
        found[name] = value
    return found


def values(text: str) -> list[Any]:
    """Numbers where all between the commas are, else words; `0:9` counts from 0 to 9, as in R.

    Examples
    --------
    >>> values("0:3"), values("0.5, 2"), values("a,b")
    ([0, 1, 2, 3], [0.5, 2], ['a', 'b'])
    """
    first, colon, last = text.partition(":")
    if colon and _is_whole(first) and _is_whole(last):
        low, high = int(first), int(last)
        return list(range(low, high + 1)) if low <= high else list(range(low, high - 1, -1))
    parts = [part.strip() for part in text.split(",")]
    numbers = [number(part) for part in parts]
    return parts if None in numbers else numbers


def number(text: str) -> int | float | None:
    """The number that a text is, or None."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _is_whole(text: str) -> bool:
    return isinstance(number(text), int)
