"""A line that shows a long search going on: after two seconds, and only where somebody looks at a terminal."""

import sys
import time
from dataclasses import dataclass, field

PATIENCE = 2.0


@dataclass(slots=True)
class Progress:
    """Told of every evaluation; `done` clears the line."""

    started: float = field(default_factory=time.perf_counter)
    shown: bool = False

    def tell(self, evaluations: int, value: float) -> None:
        """Show how many evaluations were made, and the criterion of the last."""
        seconds = time.perf_counter() - self.started
        if seconds < PATIENCE or not sys.stderr.isatty():
            return
        text = f"fitting: {evaluations} evaluations, criterion {value:.4f}, {seconds:.0f} s"
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
        self.shown = True

    def done(self) -> None:
        """Clear the line."""
        if self.shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
