"""LaTeX as MathML, where the package math-core is installed."""

import re

SPACE = re.compile(r"(?<=\\\\)\[\d+pt\]")  # after the end of a line, which math-core would print


def mathml(latex: str) -> str | None:
    """A displayed formula as a `math` element; None where it cannot be made."""
    try:
        from math_core import LatexError, LatexToMathML
    except ImportError:
        return None
    try:
        return LatexToMathML().convert_with_local_state(SPACE.sub("", latex), displaystyle=True)
    except LatexError:
        return None
