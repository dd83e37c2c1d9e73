"""Fill a folder with what was found, list it on the terminal, and keep the text beside it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bayeslmm.cli.show import as_csv
from bayeslmm.cli.terminal import Terminal
from bayeslmm.errors import ArgumentError


def fill(out: Path, terminal: Terminal, files: Iterable[tuple[Path, str]], text: str) -> list[Path]:
    """Write files as they come, list them, and write what the terminal showed.

    Parameters
    ----------
    files
        Paths and what is in each; taking the next one writes it.
    text
        Name of the file with the text.

    Returns
    -------
    All files, the text last.

    Raises
    ------
    ArgumentError
        A file cannot be written.
    """
    try:
        found = list(files)
        terminal.heading(f"Written to {out}")
        terminal.items([*((path.name, about) for path, about in found), (text, "this text")])
        (out / text).write_text(terminal.text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"--out {out}: {error.strerror or error}; give another folder") from error
    return [*(path for path, _ in found), out / text]


def save_table(table: pd.DataFrame, path: Path, index: str | None = None) -> Path:
    """Write a table as csv; `index` is what the rows' names are."""
    path.write_text(as_csv(table, index), encoding="utf-8", newline="")
    return path


def in_a_name(text: str) -> str:
    """Text as a part of a file's name."""
    return re.sub(r"\W+", "_", text).strip("_")
