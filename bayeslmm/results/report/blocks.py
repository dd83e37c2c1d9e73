"""What a report is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayeslmm.bayes.files import PathLike, replace_file, writing
from bayeslmm.errors import ArgumentError

SUFFIXES = (".html", ".htm")


def page_path(path: PathLike) -> Path:
    """Return a path for a report.

    Raises
    ------
    ArgumentError
        It does not end in .html, or its folder does not exist.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise ArgumentError(f"`{target}`: a report is a page; its name ends in {SUFFIXES[0]}")
    if not target.parent.is_dir():
        raise ArgumentError(f"`{target}` cannot be written: there is no folder `{target.parent}`")
    return target


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; an empty line starts a new paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class CopyText:
    """Text to copy, with a button that copies it."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Code or printed output, with a button that copies it."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table that can be sorted by any column.

    Attributes
    ----------
    frame
        The numbers; the index is shown where it is more than the number of a row.
    caption
        What it shows.
    """

    frame: pd.DataFrame | pd.Series
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture.

    Attributes
    ----------
    draw
        A matplotlib figure or axes; or a function of a width in inches that returns one, which is drawn twice: for
        wide screens and paper, and for phones.
    alt
        What it shows, in words, for those who do not see it.
    caption
        Below the picture.
    """

    draw: Any | Callable[[float], Any]
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ArgumentError("Picture(alt=...): say in words what the picture shows")


Block = Paragraph | CopyText | Code | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report, which the table of contents names."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `write` it to one HTML file.

    Attributes
    ----------
    title
        Of the page.
    verdict
        Sentences that answer the question, shown first.
    sections
        In their order.

    Examples
    --------
    >>> from bayeslmm.results.report import Paragraph, Report, Section
    >>> page = Report("Salaries", ("Salary rises with grade.",), (Section("How", (Paragraph("By a mixed model."),)),))
    >>> print(page)
    Salaries
    Salary rises with grade.
    Sections: How
    """

    title: str
    verdict: tuple[str, ...]
    sections: tuple[Section, ...]

    def html(self) -> str:
        """Return the page; pictures are drawn now."""
        from bayeslmm.results.report.page import page

        return page(self)

    def write(self, path: PathLike) -> Path:
        """Write one file that holds all: no network, no other files. A file of that name is replaced.

        Parameters
        ----------
        path
            A name that ends in .html.

        Raises
        ------
        ArgumentError
            The name ends otherwise, there is no such folder, or the file cannot be written.
        """
        target = page_path(path)
        content = self.html().encode()
        with writing(target, "Nothing is lost: call report() again with another path"):
            replace_file(target, content)
        return target

    def __str__(self) -> str:
        return "\n".join([self.title, *self.verdict, "Sections: " + ", ".join(s.title for s in self.sections)])

    __repr__ = __str__
