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
        self.say(f"fitting: {evaluations} evaluations, criterion {value:.4f}")

    def say(self, text: str) -> None:
        """Show a text and the seconds."""
        if self.wanted:
            seconds = time.perf_counter() - self.started
            print(f"\r\x1b[2K{text}, {seconds:.0f} s", end="", file=sys.stderr, flush=True)
            self.shown = True

    @property
    def wanted(self) -> bool:
        """Whether it has taken long enough, and somebody looks."""
        return time.perf_counter() - self.started >= PATIENCE and sys.stderr.isatty()

    def done(self) -> None:
        """Clear the line."""
        if self.shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
