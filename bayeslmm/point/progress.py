"""A line that shows a long search going on: after two seconds, and only where somebody looks at a terminal."""

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 2.0


@dataclass(slots=True)
class Progress:
    """Told of every evaluation; `done` clears the line."""

    started: float = field(default_factory=time.perf_counter)
    line: "Status | None" = None

    def tell(self, evaluations: int, value: float) -> None:
        """Show how many evaluations were made, and the criterion of the last."""
        self.say(f"fitting: {evaluations} evaluations, criterion {value:.4f}")

    def say(self, text: str) -> None:
        """Show a text and the seconds."""
        if not self.wanted:
            return
        text = f"{text}, {time.perf_counter() - self.started:.0f} s (Ctrl-C stops)"
        if self.line is None:
            from rich.console import Console

            self.line = Console(stderr=True).status(text)
            self.line.start()
        self.line.update(text)

    @property
    def wanted(self) -> bool:
        """Whether it has taken long enough, and somebody looks."""
        return time.perf_counter() - self.started >= PATIENCE and sys.stderr.isatty()

    def done(self) -> None:
        """Clear the line."""
        if self.line is not None:
            self.line.stop()
            self.line = None
