"""Plain or compiled: which of the two equal paths does the work.

Loading compiled code takes most of a second, compiling it for the first time several; a small fit takes milliseconds
in plain NumPy. So the first evaluations are plain, and the compiled loops come in when the work already done in NumPy
makes them worth it (as one rents skis before one buys them): at once where they are on disk from an earlier process.
Work is counted from sizes, not by a clock, so that the same calls always take the same path. Both give the same
numbers to about 1e-15.

The environment variable BAYESLMM_ENGINE chooses: "plain", "compiled", or "auto".
"""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bayeslmm.errors import ArgumentError

LOADING, COMPILING = 0.004, 1.0  # seconds of plain work after which loading, or compiling once and for all, pays
_VARIABLE = "BAYESLMM_ENGINE"
COMPILED = "bayeslmm.likelihood.compiled"


@dataclass
class _Spent:
    """Estimated seconds of plain work in this process."""

    seconds: float = 0.0


_spent = _Spent()


def pays(seconds: float) -> bool:
    """Count plain work that would be done now, and say whether the compiled loops should do it instead."""
    choice = os.environ.get(_VARIABLE, "auto")
    if choice not in ("auto", "plain", "compiled"):
        raise ArgumentError(f"the environment variable {_VARIABLE} is {choice!r}; it is auto, plain or compiled")
    if choice != "auto":
        return choice == "compiled"
    _spent.seconds += seconds
    if COMPILED in sys.modules:
        return True
    return _spent.seconds > (LOADING if on_disk() else COMPILING)


@cache
def on_disk() -> bool:
    """Whether this version's compiled loops were kept from an earlier process (a guess that costs only time)."""
    source = Path(__file__).parent / "compiled" / "whole.py"
    given = os.environ.get("NUMBA_CACHE_DIR")
    folders = [source.parent / "__pycache__"] if given is None else list(Path(given).glob("compiled_*"))
    pattern = f"whole.evaluate-*.py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    written = source.stat().st_mtime
    return any(found.stat().st_mtime > written for folder in folders for found in folder.glob(pattern))
