"""Compile the loops in another process, once and for all, while this one goes on in NumPy.

Compiling takes half a minute of one core. The other process leaves the loops on disk, for this process and for all that
come later, and ends. A lock file, which expires, keeps several processes from doing the same.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from hashlib import sha256
from pathlib import Path

MODULE = "bayeslmm.warm_up"
EXPIRES = 300.0  # seconds after which a lock is taken for that of a process that died
_started: list[subprocess.Popen] = []  # kept, or Python complains that they still run


@cache
def compile_in_background() -> bool:
    """Start the other process, the first time this is called; whether one was started."""
    return _lock() and start() is not None


def start(*arguments: str) -> subprocess.Popen | None:
    """Start `python -m bayeslmm.warm_up` with these arguments; None where that cannot be done."""
    if not Path(sys.executable or "").name.startswith("python") or getattr(sys, "frozen", False):
        return None
    given = {"BAYESLMM_ENGINE": "compiled", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, *arguments],
            env=os.environ | given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    _started.append(process)
    return process


def lock_file() -> Path:
    """Where the lock lies; one for each installation and folder of compiled code."""
    key = f"{Path(__file__).resolve()} {os.environ.get('NUMBA_CACHE_DIR', '')} {sys.version}"
    return Path(tempfile.gettempdir()) / f"bayeslmm-{sha256(key.encode()).hexdigest()[:16]}.lock"


def _lock() -> bool:
    """Take the lock, if nobody who is still at work has it."""
    path = lock_file()
    try:
        if time.time() - path.stat().st_mtime > EXPIRES:
            path.unlink()
    except OSError:
        pass
    try:
        path.open("x").close()
    except OSError:
        return False
    return True
