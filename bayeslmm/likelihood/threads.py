"""Threads: how many, and work spread over them so that the result does not depend on their number.

Work is cut into pieces by what there is to do, never by how many threads there are, and every piece writes where no
other does. BLAS runs on one thread: small matrices lose by more, and its results would depend on the number.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import LibController, ThreadpoolController

from bayeslmm.errors import ArgumentError

_VARIABLE = "BAYESLMM_THREADS"
_chosen: list[int] = []


def threads() -> int:
    """Number of threads in use: `set_threads`, else the variable BAYESLMM_THREADS, else the processors available."""
    if _chosen:
        return _chosen[-1]
    text = os.environ.get(_VARIABLE, "")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdigit() or int(text) < 1:
        raise ArgumentError(f"the environment variable {_VARIABLE} is {text!r}; it must be a whole number, at least 1")
    return int(text)


def set_threads(n: int | None) -> None:
    """Set the number of threads for fits; None goes back to the default. Results do not depend on it.

    Parameters
    ----------
    n
        At least 1, or None.

    Raises
    ------
    ArgumentError
        `n` is not a whole number of at least 1.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> blm.set_threads(1)
    >>> blm.threads()
    1
    >>> blm.set_threads(None)
    """
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise ArgumentError(f"set_threads({n!r}): the number of threads must be a whole number, at least 1, or None")
    _chosen[:] = [] if n is None else [n]


def spread(work: Callable[..., object], pieces: Sequence[tuple[object, ...]]) -> None:
    """Call `work(*piece)` for every piece, on as many threads as there may be, the caller's among them."""
    n = min(threads(), len(pieces))
    if n <= 1:
        for piece in pieces:
            work(*piece)
        return
    waiting = deque(pieces)
    others = [_pool(n - 1).submit(_work_off, work, waiting) for _ in range(n - 1)]
    try:
        _work_off(work, waiting)
    finally:
        waiting.clear()  # after Ctrl-C, or an error: nobody writes any more once this has returned
        failed = [other.exception() for other in others if not other.cancel()]
    for error in filter(None, failed):
        raise error


def _work_off(work: Callable[..., object], waiting: deque[tuple[object, ...]]) -> None:
    """Take one piece after another until none is left."""
    while waiting:
        try:
            piece = waiting.popleft()
        except IndexError:  # another thread was faster
            return
        work(*piece)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS on one thread inside of the block."""
    before = [library.num_threads for library in _blas()]
    for library, n in zip(_blas(), before, strict=True):
        if n != 1:
            library.set_num_threads(1)
    try:
        yield
    finally:
        for library, n in zip(_blas(), before, strict=True):
            if n != 1:
                library.set_num_threads(n)


@cache
def _pool(n: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n, thread_name_prefix="bayeslmm")


@cache
def _blas() -> tuple[LibController, ...]:
    # finding the libraries takes milliseconds, as long as a small fit: once; whoever computes has loaded them by then
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
