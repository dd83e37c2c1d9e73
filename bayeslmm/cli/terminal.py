"""What the command line prints: sections with headings, output to be read as it stands, prose, and notes.

The report goes to stdout; notes and errors go to stderr. Piped, everything is plain text.
"""

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
