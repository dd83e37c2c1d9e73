"""What the command line prints: sections with headings, output to be read as it stands, prose, and notes.

The report goes to stdout; notes and errors go to stderr. Piped, everything is plain text.
"""

import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from bayeslmm.errors import SingularFitWarning

WIDTH = 88
FAR_IN = 8
WRAPPED = 96  # the least width that explanations, checks and alternatives are wrapped to
NOT_FOR_USERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning, ImportWarning)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Prints a report, and keeps its text.

    Attributes
    ----------
    out, err
        Consoles for the report and for notes.
    lines
        The report so far, without colours.
    notes
        The notes so far, each one once.
    silent
        Whether the report is kept back, because something else goes to stdout.
    """

    out: Console
    err: Console
    silent: bool = False
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, silent: bool = False) -> "Terminal":
        """The process's own stdout and stderr."""
        return cls(Console(highlight=False), Console(stderr=True, highlight=False), silent)

    def heading(self, text: str) -> None:
        """Print a heading, with a blank line before and after."""
        above = "" if not self.lines or self.lines[-1].endswith("\n") else "\n"
        self._print(f"{above}{text} {'-' * max(3, self.width - len(text) - 1)}\n", style="bold")

    def output(self, text: str) -> None:
        """Print a block as it stands: tables, summaries."""
        self._print(text + "\n")

    def words(self, text: str) -> None:
        """Print text that was wrapped before; lines that are too wide here are broken between words."""
        self._print("\n".join(folded(text.splitlines(), self.out.width)) + "\n")

    def prose(self, text: str) -> None:
        """Print a paragraph, wrapped."""
        self._print(textwrap.fill(" ".join(text.split()), self.width, break_long_words=False) + "\n")

    def items(self, entries: Sequence[tuple[str, str]]) -> None:
        """Print a list: names, and what they are in a column of its own."""
        column = max(len(name) for name, _ in entries) + 2
        lines = [f"{name:<{column}}{' '.join(text.split())}" for name, text in entries]
        wrapped = [textwrap.fill(line, self.width, subsequent_indent=" " * column) for line in lines]
        self._print("\n".join(wrapped) + "\n")

    def note(self, text: str) -> None:
        """Print one line on stderr, once."""
        line = " ".join(text.split())
        if line not in self.notes:
            self.notes.append(line)
            self.err.print(Text(f"note: {line}", style="yellow"), soft_wrap=True)

    @property
    def watched(self) -> bool:
        """Whether a progress bar, which goes to stderr, would be seen."""
        return self.err.is_terminal

    @property
    def width(self) -> int:
        """Columns of prose."""
        return min(WIDTH, self.out.width)

    @property
    def text(self) -> str:
        """The whole report."""
        return "\n".join(self.lines) + "\n"

    @contextmanager
    def warnings_as_notes(self) -> Iterator[None]:
        """Print warnings as notes; a singular fit is the report's to explain, and is not noted."""

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            self.note(str(message))

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            for category in (*NOT_FOR_USERS, SingularFitWarning):
                warnings.simplefilter("ignore", category)
            warnings.showwarning = show
            yield

    def _print(self, text: str, style: str = "") -> None:
        self.lines.append(text)
        if not self.silent:
            self.out.print(Text(text, style=style), soft_wrap=True)


def folded(lines: Sequence[str], width: int, before: int = WRAPPED) -> Iterator[str]:
    """Break lines that are too wide between words, and go on in the next line where that goes on as well.

    Parameters
    ----------
    lines
        Text that was wrapped before.
    width
        The width that there is.
    before
        The width that it was wrapped to, at least.
    """
    rest = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        whole = f"{rest} {line.strip()}" if rest else line
        rest, hang = "", _hang(line, width)
        if len(whole) <= width:
            yield whole
            continue
        *done, last = textwrap.wrap(
            whole, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False
        )
        yield from done
        if done and _goes_on(line, following, hang, before):
            rest = last
        else:
            yield last


def _hang(line: str, width: int) -> int:
    """Where a line goes on: at its last column, below itself where it is far in, or a little further in."""
    columns = list(re.finditer(r"(?<=\S) {2,}(?=\S)", line))
    indent = len(line) - len(line.lstrip())
    if columns and columns[-1].end() <= width // 2:
        return columns[-1].end()
    return indent if indent > FAR_IN else indent + 2


def _goes_on(line: str, following: str, hang: int, before: int) -> bool:
    """Whether the next line is the rest of this one: it stands where that goes, and its first word had no room here."""
    indent = len(following) - len(following.lstrip())
    return bool(following.strip()) and indent == hang and len(line) + 1 + len(following.split()[0]) > before
