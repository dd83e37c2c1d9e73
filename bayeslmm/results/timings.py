"""Where the time of a fit went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

STAGES = ("frame", "cross-products", "optimise", "inference")


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds by stage: formula and data, cross-products, search for the optimum, degrees of freedom."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Time what happens inside of the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - start

    def series(self) -> pd.Series:
        """Seconds (4,) by stage, NaN for what has not been done (inference waits until it is asked for)."""
        return pd.Series({stage: self.seconds.get(stage, float("nan")) for stage in STAGES}, name="seconds")

    def __str__(self) -> str:
        return "seconds: " + ", ".join(f"{s} {self.seconds[s]:.3g}" for s in STAGES if s in self.seconds)
