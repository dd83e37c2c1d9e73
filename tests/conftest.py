"""What all tests need: Ctrl-C that works, and pictures without a screen, closed after each test."""

import signal
import sys
from collections.abc import Iterator

import matplotlib as mpl
import pytest

mpl.use("Agg")  # not by the environment, which the kernels of notebooks would inherit


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> Iterator[None]:
    """A shell that starts a run in the background makes it ignore Ctrl-C, and the processes that it starts as well."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    """Close what a test has drawn; most draw nothing, and need not wait for matplotlib."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
