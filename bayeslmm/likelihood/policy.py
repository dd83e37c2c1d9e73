"""Plain or compiled: which of the two equal paths does the work.

Loading compiled code takes most of a second, compiling it half a minute; a small fit takes milliseconds in plain NumPy.
So the first evaluations are plain. Where the compiled loops are on disk from an earlier process they come in after a
few evaluations. Where they are not, another process compiles them once plain work has added up to a second, and they
come in when that is done, in the middle of a fit too; only where that fails, and much work was done, are they compiled
here. Work is counted from sizes, not by a clock. Both paths give the same numbers to about 1e-15.

The environment variable BAYESLMM_ENGINE chooses: "plain", "compiled", or "auto".
"""

import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.background import compile_in_background

# seconds of plain work after which loading pays, compiling in another process, and compiling in this one
LOADING, COMPILING, WAITING = 0.004, 1.0, 100.0
_VARIABLE = "BAYESLMM_ENGINE"
COMPILED = "bayeslmm.likelihood.compiled"
LAST_COMPILED = (("likelihood/compiled", "whole.evaluate"), ("point", "small_search.small_search"))


@dataclass
class _Spent:
    """Estimated seconds of plain work in this process, and how many there were when the disk was looked at last."""

    seconds: float = 0.0
    looked: float = -1.0
    ready: bool = False


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
    if _is_ready():
        return _spent.seconds > LOADING
    if _spent.seconds > COMPILING:
        compile_in_background()
    return _spent.seconds > WAITING


def _is_ready() -> bool:
    """Whether the loops are on disk; looked up again after every 20 ms of plain work."""
    if _spent.looked < 0 or (not _spent.ready and _spent.seconds >= _spent.looked + 0.02):
        _spent.ready, _spent.looked = on_disk(), _spent.seconds
    return _spent.ready


def on_disk() -> bool:
    """Whether this version's compiled loops were kept by another process (a guess that costs only time)."""
    return all(is_kept(folder, name) for folder, name in LAST_COMPILED)


def _shared_folders() -> list[Path]:
    """Where Numba keeps code besides the sources: NUMBA_CACHE_DIR, or where these cannot be written to, the user's."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return [Path(given)]
    home = Path(os.path.expanduser("~"))
    linux = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "numba"
    windows = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "numba" / "Cache"
    return [linux, home / "Library" / "Caches" / "numba", windows]


def is_kept(folder: str, name: str) -> bool:
    """Whether a function of `bayeslmm/folder` is on disk as its source is now, or was compiled after it was written."""
    module = name.split(".")[0]
    source = Path(__file__).parents[1] / folder / f"{module}.py"
    folders = [] if os.environ.get("NUMBA_CACHE_DIR") else [source.parent / "__pycache__"]
    folders += [found for shared in _shared_folders() for found in shared.glob(f"{source.parent.name}_*")]
    pattern = f"{name}-*.py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    written, digest = source.stat().st_mtime, sha256(source.read_bytes()).digest()  # Numba's own key
    kept = (found for where in folders for found in where.glob(pattern))
    return any(found.stat().st_mtime > written or digest in found.read_bytes() for found in kept)
