"""Paragraphs with symbols in italics, as plain text, Markdown, LaTeX or HTML.

Within, a symbol stands between two marks that no text has; each format puts its own there after escaping the rest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from unicodedata import lookup

SMALL = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
CAPITAL = "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
LETTERS = [  # Unicode spells lambda without b
    (case, command.replace("ambda", "amda"), command)
    for case, commands in (("SMALL", SMALL), ("CAPITAL", CAPITAL))
    for command in commands.split()
]
OPEN, CLOSE = "\N{START OF HEADING}", "\N{START OF TEXT}"
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{SUPERSCRIPT TWO}": "$^2$",
    "\N{INFINITY}": r"$\infty$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{ALMOST EQUAL TO}": r"$\approx$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{lookup(f"GREEK {case} LETTER {name.upper()}"): rf"$\{command}$" for case, name, command in LETTERS},
}


def italic(symbol: str) -> str:
    """Mark a symbol as italic."""
    return f"{OPEN}{symbol}{CLOSE}"


@dataclass(frozen=True, slots=True, repr=False)
class Apa:
    """What `apa()` returns: `print` it, or take its parts; `.to_markdown()`, `.to_latex()`, `.to_html()`.

    Attributes
    ----------
    marked_methods, marked_results
        The paragraphs, with marks around symbols.
    marked_terms
        What is said of each coefficient, by name.
    """

    marked_methods: str
    marked_results: str
    marked_terms: Mapping[str, str]

    @property
    def methods(self) -> str:
        """What was done, as plain text."""
        return plain(self.marked_methods)

    @property
    def results(self) -> str:
        """What was found, as plain text."""
        return plain(self.marked_results)

    @property
    def terms(self) -> dict[str, str]:
        """The numbers of each coefficient, by its name, as plain text: "b = 2.10, SE = 0.76, ..."."""
        return {name: plain(text) for name, text in self.marked_terms.items()}

    def to_markdown(self) -> str:
        """Both paragraphs in Markdown."""
        return f"{markdown(self.marked_methods)}\n\n{markdown(self.marked_results)}\n"

    def to_latex(self) -> str:
        """Both paragraphs in LaTeX."""
        return f"{latex(self.marked_methods)}\n\n{latex(self.marked_results)}\n"

    def to_html(self) -> str:
        """Both paragraphs in HTML, which word processors take with its italics."""
        return f"<p>{html(self.marked_methods)}</p>\n<p>{html(self.marked_results)}</p>\n"

    def __str__(self) -> str:
        return f"{self.methods}\n\n{self.results}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_html()


def plain(marked: str) -> str:
    """Return text without marks."""
    return marked.replace(OPEN, "").replace(CLOSE, "")


def markdown(marked: str) -> str:
    """Return Markdown; what it would take for formatting is escaped."""
    text = re.sub(r"([\\`*_{}\[\]<>|~#])", r"\\\1", marked)
    return text.replace(OPEN, "*").replace(CLOSE, "*")


def latex(marked: str) -> str:
    """Return LaTeX."""
    text = "".join(LATEX.get(c, c) for c in marked)
    return text.replace(OPEN, r"\textit{").replace(CLOSE, "}")


def html(marked: str) -> str:
    """Return HTML."""
    return escape(marked, quote=False).replace(OPEN, "<i>").replace(CLOSE, "</i>")
