"""Read a data file as R would: csv, tsv or parquet; text columns are factors, NA and empty cells are missing."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bayeslmm import datasets
from bayeslmm.errors import ArgumentError, DataError, did_you_mean

MISSING = ["NA", "", "NaN", "nan"]
DECIMAL_COMMA = re.compile(r'(?:^|;)"?[-+]?\d+,\d+"?(?=;|\r?$)', re.MULTILINE)


def read_data(given: str) -> tuple[pd.DataFrame, str]:
    """Return the data, and what summaries call them.

    Parameters
    ----------
    given
        A file's path; or the name of a packaged data set, where there is no file of that name.

    Raises
    ------
    ArgumentError
        There is no such file, or its name does not end in what can be read.
    DataError
        The file cannot be read as a table.
    """
    path = Path(given).expanduser()
    if not path.exists() and given.lower() in datasets.names():
        return datasets.load(given), given.lower()
    _check_file(path, given)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ArgumentError(
            f"{given}: cannot tell what kind of file this is; its name must end in {', '.join(READERS)} "
            "(a spreadsheet can be saved as csv)"
        )
    try:
        return read(path), path.name
    except OSError as error:
        raise DataError(f"{given} cannot be read: {error.strerror or error}") from error


def _check_file(path: Path, given: str) -> None:
    if path.is_dir():
        raise ArgumentError(f"{given} is a folder; give a file that ends in {', '.join(READERS)}")
    if not path.exists():
        folder = path.parent
        files = sorted(f.name for f in folder.iterdir() if f.suffix.lower() in READERS) if folder.is_dir() else []
        near = did_you_mean(path.name, files) if files else ""
        raise ArgumentError(f"there is no file {given}{near or '; `bayeslmm datasets` lists the packaged data sets'}")


def _text(separators: str) -> Callable[[Path], pd.DataFrame]:
    """Return a reader of text whose columns are separated by one of these characters."""

    def read(path: Path) -> pd.DataFrame:
        try:
            return _read_text(path, separators)
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name} is not UTF-8 text ({error.reason}); save it as UTF-8") from error
        except pd.errors.EmptyDataError as error:
            raise DataError(f"{path.name} is empty; its first line must name the columns") from error
        except (pd.errors.ParserError, csv.Error) as error:
            raise DataError(f"{path.name} is not a table: {_reason(error)}") from error

    return read


def _read_text(path: Path, separators: str) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(65536)
    first_line = start.lstrip("\r\n").split("\n", 1)[0]
    separator = max(separators, key=first_line.count)
    _check_names(path, next(csv.reader([first_line], delimiter=separator, skipinitialspace=True), []))
    return pd.read_csv(
        path,
        sep=separator,
        decimal="," if separator == ";" and DECIMAL_COMMA.search(start) else ".",
        encoding="utf-8-sig",
        keep_default_na=False,
        na_values=MISSING,
        skipinitialspace=True,
        low_memory=False,
    )


def _check_names(path: Path, names: list[str]) -> None:
    twice = [f"`{name}`" for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path.name} has more than one column called {', '.join(twice)}; rename all but one")


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Error tokenizing data. C error: ").strip()


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise DataError(
            f'{path.name}: parquet files need pyarrow; pip install "bayeslmm[parquet]", or save the data as csv'
        ) from error
    except ValueError as error:
        raise DataError(f"{path.name} is not a parquet file: {str(error).splitlines()[0]}") from error


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _text(",;\t"),
    ".tsv": _text("\t"),
    ".parquet": _parquet,
}
