"""The command line, `bayeslmm`."""

import os

from bayeslmm.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line and exit."""
    os.environ.setdefault("MPLBACKEND", "agg")  # pictures go to files: no window, no display
    app(prog_name="bayeslmm")
