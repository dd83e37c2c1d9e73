"""Names of levels and coefficients, shortened to the room that a picture has for them, and still told apart."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from bayeslmm.results.style import SAFE, fold, text_points

MARK = "…"
WIDER = 1.15


def short_names(names: Sequence[Any], inches: float, size: float = 8) -> list[str]:
    """Return the names, those that are too wide with a part left out; different names stay different.

    Names are cut in the middle. Where that makes two of them the same, what all names have in common is left out
    first: of `School 01 of the north`, `School 02 of the north` remains `…01…`, `…02…` at the least.

    Parameters
    ----------
    names
        (m,)
    inches
        Room for a name.
    size
        Of the letters, in points.

    Returns
    -------
    list
        (m,); all as they were where each of them fits. Wider than the room where they would coincide.
    """
    texts = [str(n) for n in names]
    points = 72 * SAFE * inches
    if all(text_points(t, size) <= points for t in texts):
        return texts
    distinct = list(dict.fromkeys(texts))
    short = [_cut(t, points, size) for t in distinct]
    if len(set(short)) < len(distinct):
        short = _what_differs(distinct, points, size)
    told = dict(zip(distinct, short, strict=True))
    return [told[t] for t in texts]


def two_lines(names: Sequence[Any], inches: float, size: float = 8) -> list[str]:
    """Return the names, shortened and broken so that each fits into two lines of this width, if it can be broken."""
    for share in (2.0, 1.8, 1.6, 1.4, 1.2, 1.0):
        found = [fold(name, inches, size) for name in short_names(names, share * inches, size)]
        if max(name.count("\n") for name in found) < 2:
            break
    return found


def _cut(text: str, points: float, size: float) -> str:
    """A text without its middle, at least its first and last character."""
    if text_points(text, size) <= points:
        return text

    def kept(count: int) -> str:
        return f"{text[: (count + 1) // 2].rstrip()}{MARK}{text[len(text) - count // 2 :].lstrip()}"

    fitting = bisect_right(range(len(text)), points, key=lambda count: text_points(kept(count), size)) - 1
    return kept(max(2, fitting))


def _what_differs(names: list[str], points: float, size: float) -> list[str]:
    """Distinct names without what they have in common at their ends; of that, the last words that there is room for."""
    head = _shared_start(names)
    turned = [n[len(head) :][::-1] for n in names]
    tail = _shared_start(turned)
    own = [n[len(head) : len(n) - len(tail)] for n in names]
    end = MARK if tail else ""
    for start in [m.start() for m in re.finditer(r"(?<![^\W_])[^\W_]", head)] + [len(head)]:
        found = [f"{MARK if start else ''}{head[start:]}{text}{end}" for text in own]
        if all(text_points(t, size) <= points for t in found):
            return found
    while len(set(short := [_cut(t, points, size) for t in found])) < len(names):
        points *= WIDER
    return short


def _shared_start(names: list[str]) -> str:
    """The beginning that all names share, without the first part of a number or word in which they differ."""
    first, last = min(names), max(names)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    common = re.sub(r"\d+$", "", first[:size])
    after = [n[len(common) : len(common) + 1] for n in names]
    if common[-1:].isalpha() and any(a.isalpha() for a in after):
        common = re.sub(r"[^\W\d_]+$", "", common)
    return common
