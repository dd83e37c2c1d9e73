"""Show one result: its text on the terminal, or one JSON document; and its table as a file whose name says the kind."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bayeslmm.cli.as_json import plain, records
from bayeslmm.cli.terminal import Terminal
from bayeslmm.errors import ArgumentError, check_choice
from bayeslmm.results.table_export import to_latex, to_markdown

KINDS = (".csv", ".md", ".tex", ".txt", ".json")


@dataclass(frozen=True, slots=True)
class Shown:
    """A result.

    Attributes
    ----------
    text
        As it is printed.
    table
        Its numbers.
    index
        What the rows' names are; None where they say nothing.
    about
        What else belongs into a JSON document.
    in_words
        Whether the text is words, which may be broken where the terminal is narrow.
    """

    text: str
    table: pd.DataFrame
    index: str | None = None
    about: dict[str, Any] = field(default_factory=dict)
    in_words: bool = False


def show(shown: Shown, terminal: Terminal, out: Path | None = None, as_json: bool = False) -> None:
    """Print a result, and write its table.

    Raises
    ------
    ArgumentError
        The file cannot be written.
    """
    (terminal.words if shown.in_words else terminal.output)(shown.text)
    if out is not None:
        written(out, content(out, shown, terminal.notes))
        terminal.output(f"Written to {out}")
    if as_json:
        files = [] if out is None else [str(out)]
        print_json(terminal, document(shown, terminal.notes, files=files))


def print_json(terminal: Terminal, text: str) -> None:
    """Print a JSON document, indented, and nothing else."""
    terminal.out.print_json(text, indent=2, highlight=False)


def document(shown: Shown, notes: Sequence[str], **more: Any) -> str:
    """Everything of a result as JSON."""
    whole = {
        "bayeslmm": version("bayeslmm"),
        **shown.about,
        "table": records(shown.table, shown.index),
        "notes": list(notes),
        **more,
    }
    return json.dumps(plain(whole), allow_nan=False)


def content(out: Path, shown: Shown, notes: Sequence[str]) -> str:
    """What a file of that name holds."""
    table = shown.table if shown.index is None else shown.table.rename_axis(shown.index)
    make: dict[str, Callable[[], str]] = {
        ".csv": lambda: as_csv(table, shown.index),
        ".md": lambda: to_markdown(table),
        ".tex": lambda: to_latex(table),
        ".txt": lambda: shown.text + "\n",
        ".json": lambda: document(shown, notes) + "\n",
    }
    return make[out.suffix.lower()]()


def as_csv(table: pd.DataFrame, index: str | None = None) -> str:
    """The numbers in full, missing ones as NA."""
    return str(table.to_csv(index=index is not None, index_label=index, na_rep="NA"))


def output_file(out: Path | None, kinds: Sequence[str] = KINDS) -> None:
    """See that a file can be written, before any work is done.

    Raises
    ------
    ArgumentError
        Its name ends in what cannot be written, it is a folder, or there is no such folder.
    """
    if out is None:
        return
    if out.suffix.lower() not in kinds:
        raise ArgumentError(f"--out {out}: the name says what is written; it ends in {', '.join(kinds)}")
    if out.is_dir():
        raise ArgumentError(f"--out {out}: that is a folder; give a file")
    if not out.parent.is_dir():
        raise ArgumentError(f"--out {out}: there is no folder {out.parent}")


def written(out: Path, text: str) -> Path:
    """Write a text file.

    Raises
    ------
    ArgumentError
        It cannot be written.
    """
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ArgumentError(f"--out {out}: {error.strerror or error}; give another file") from error
    return out


def format_of(given: str | None, out: Path | None, kinds: dict[str, str], default: str) -> str:
    """The format that is wanted: as given, or as the file's name says.

    Parameters
    ----------
    kinds
        Formats by ending.

    Raises
    ------
    ArgumentError
        There is no such format, or the file's name says another.
    """
    by_name = None if out is None else kinds[out.suffix.lower()]
    if given is None:
        return by_name or default
    check_choice("--format", given, tuple(kinds.values()))
    if by_name not in (None, given):
        raise ArgumentError(f"--format {given}: {out} is a file for {by_name}")
    return given
