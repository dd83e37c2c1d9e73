"""Files that are whole or not there: written beside their place, then put into it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayeslmm.errors import ArgumentError

type PathLike = str | os.PathLike[str]


def replace_file(target: Path, content: bytes | memoryview, sync: bool = True) -> None:
    """Write a file; whatever happens meanwhile, the old one or the new one is there, never a part of it.

    Without `sync` that holds for processes that are killed, and not for machines that lose their power.
    """
    beside = part_of(target)
    try:
        with open(beside, "xb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def part_of(target: Path) -> Path:
    """Return a name beside a file that nothing has yet."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


@contextmanager
def writing(target: Path, lost: str) -> Iterator[None]:
    """Turn what the operating system says about a file into a sentence that ends in what was lost.

    Raises
    ------
    ArgumentError
        The file cannot be written: a full disk, no permission, no such directory, or content that no file can hold.
    """
    try:
        yield
    except Exception as error:  # the libraries that write have classes of their own
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
        raise ArgumentError(f"`{target}` cannot be written: {reason}. {lost}") from error
