r"""LaTeX in Markdown as MathML, made when the site is built: browsers draw it without a script and without a network.

$x$             within a line
$$              alone on a line opens a displayed equation
y = x \tag{3}   a number makes it a target: `[(3)](how_it_works.md#eq-3)`
$$              alone on a line closes it
"""

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from math_core import LatexToMathML

DISPLAYED = re.compile(r"^\$\$\n(.+?)\n\$\$$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"\s*\\tag\{(\d+)\}")
INLINE = r"(?<![\\$\w])\$(?=\S)([^$]+?)(?<=\S)\$(?![$\w])"
BEFORE_HTML, BEFORE_ESCAPES = 22, 185

CONVERTER = LatexToMathML()


def mathml(latex: str, displayed: bool = False) -> str:
    """A formula as a `math` element; LaTeX that cannot be read is an error of the build."""
    return CONVERTER.convert_with_local_state(latex.strip(), displaystyle=displayed)


def displayed(latex: str) -> str:
    """An equation in a block of its own, with its number as a link to itself."""
    number = NUMBER.search(latex)
    formula = mathml(NUMBER.sub("", latex), displayed=True)
    if number is None:
        return f'<div class="equation">{formula}</div>'
    n = number[1]
    return f'<div class="equation" id="eq-{n}">{formula}<a class="number" href="#eq-{n}">({n})</a></div>'


class Displayed(Preprocessor):
    """Replaces what stands between two lines of $$."""

    def run(self, lines: list[str]) -> list[str]:
        """All lines of a page, with code blocks already taken out."""
        text = DISPLAYED.sub(lambda found: f"\n{displayed(found[1])}\n", "\n".join(lines))
        return text.split("\n")


class Inline(InlineProcessor):
    """Replaces what stands between two $ of a paragraph."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:
        """The formula, kept from being read as Markdown."""
        return self.md.htmlStash.store(mathml(m[1])), m.start(0), m.end(0)


class Equations(Extension):
    """The two of them."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register before HTML blocks are read, and before backslashes are."""
        md.preprocessors.register(Displayed(md), "equations", BEFORE_HTML)
        md.inlinePatterns.register(Inline(INLINE, md), "formulas", BEFORE_ESCAPES)


def makeExtension(**options: Any) -> Equations:
    """What Markdown calls where the extension is given by name."""
    return Equations(**options)
