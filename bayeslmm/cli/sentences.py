"""Errors of users as sentences on stderr: exit code 2, or 130 for Ctrl-C. A traceback is left for our own defects."""

import sys
from collections.abc import Callable
from functools import wraps

import typer

from bayeslmm.errors import BayeslmmError

USER_ERROR, INTERRUPTED = 2, 130


def in_sentences[**P](command: Callable[P, None]) -> Callable[P, None]:
    """Return the command with its errors turned into sentences and exit codes."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BayeslmmError as error:
            print(f"bayeslmm: {error}", file=sys.stderr)
            raise typer.Exit(USER_ERROR) from error
        except KeyboardInterrupt as error:
            print("\nbayeslmm: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error

    return run
