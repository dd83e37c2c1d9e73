"""How far sampling has come: a bar for each chain, divergences, step size and the time left.

In a terminal the bars go when sampling ends; in a notebook one line about the run stays. Elsewhere nothing is shown,
and neither is anything of a run that takes less than a second.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

PATIENCE, PAUSE = 1.0, 0.1  # seconds before anything is shown, and between two pictures
SEPARATE = 8  # chains that have a bar each
SHARE = 0.05  # first draws that are less than this tell how long preparing took, not drawing
WIDTH = 18  # of a bar: with what is said right of it, no more than 80 characters


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: `label`, a bar of `done` out of `total`, and what is said right of it."""

    label: str
    done: int
    total: int
    said: str


class Board(Protocol):
    """Where bars are shown."""

    def show(self, bars: Sequence[Bar], below: str) -> None:
        """Replace what was shown."""

    def close(self, summary: str) -> None:
        """Show no more bars; a board that stays keeps the summary."""


@dataclass(slots=True)
class Progress:
    """Told of every block of draws by the sampler's main thread; `with Progress(...) as progress:` cleans up.

    Attributes
    ----------
    chains
        How many there will be.
    tune
        Draws of each chain that only tune the sampler.
    wanted
        Whether to show anything: `settings.progressbar`. Nothing is shown where nobody looks all the same.
    kept
        What Ctrl-C does, in words.
    board
        Where to show it; None: the terminal or the notebook.
    clock
        Seconds.
    states, started, shown, first
        What was told of each chain, when it began, when it was shown last, and when the first draws came, and how many.
    """

    chains: int
    tune: int = 0
    wanted: bool = True
    kept: str = "Ctrl-C keeps the draws"
    board: Board | None = None
    clock: Callable[[], float] = time.perf_counter
    states: dict[int, tuple[int, int, int, float]] = field(default_factory=dict)
    started: float = 0.0
    shown: float = -1.0
    first: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        """Start the clock."""
        self.started = self.clock()
        self.board = self.board or (_board() if self.wanted else None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        """Clear the bars, whatever happened."""
        if self.board is not None and self.shown >= 0:
            self.board.close(self.summary())
        return False

    def update(self, chain: int, done: int, total: int, divergences: int, step_size: float) -> None:
        """Tell how far a chain is.

        Parameters
        ----------
        chain
            0, 1, ...
        done, total
            Draws made and to be made, those of the warm-up included.
        divergences
            After the warm-up, until now.
        step_size
            The present one.
        """
        self.states[chain] = (done, total, divergences, step_size)
        now = self.clock()
        self.first = self.first or (now, self._sums()[0])
        first_too_early = self.shown < 0 and now - self.started < PATIENCE
        if self.board is None or first_too_early or now - self.shown < PAUSE:
            return
        self.shown = now
        self.board.show(self.bars(), self.below(now))

    def bars(self) -> list[Bar]:
        """One bar for each chain, or one for all of many."""
        if self.chains > SEPARATE:
            done, total = self._sums()
            steps = [s[3] for s in self.states.values()]
            said = f"{_divergences(self._divergences())}, steps {min(steps):.3g} to {max(steps):.3g}"
            return [Bar(f"{self.chains} chains", done, total, said)]
        return [self._bar(chain) for chain in sorted(self.states)]

    def below(self, now: float) -> str:
        """The share that is done, and the time that the rest takes at this pace; it may start with the first draws."""
        done, total = self._sums()
        since, had = self.first or (now, done)
        if had >= SHARE * total:
            since, had = self.started, 0
        left = f", {duration((now - since) * (total - done) / (done - had))} left" if done > had else ""
        return f"{done / max(total, 1):.0%}{left} ({self.kept})"

    def summary(self) -> str:
        """What was done, in one line."""
        done, _ = self._sums()
        took = duration(self.clock() - self.started)
        return f"{self.chains} chains, {done:,} draws in {took}, {_divergences(self._divergences())}"

    def _bar(self, chain: int) -> Bar:
        done, total, divergences, step = self.states[chain]
        doing = "warming up" if done < self.tune else "done" if done >= total else "sampling"
        return Bar(f"chain {chain + 1}", done, total, f"{doing}, {_divergences(divergences)}, step {step:.3g}")

    def _sums(self) -> tuple[int, int]:
        """Draws made and to be made by all chains; one that has not begun will make as many as the others."""
        length = max((total for _, total, _, _ in self.states.values()), default=0)
        return sum(done for done, *_ in self.states.values()), length * self.chains

    def _divergences(self) -> int:
        return sum(s[2] for s in self.states.values())


def duration(seconds: float) -> str:
    """Seconds in words: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _divergences(count: int) -> str:
    return f"{count} divergence{'' if count == 1 else 's'}"


# -- where it is shown ---------------------------------------------------------------------------------------------


def _board() -> Board | None:
    """The notebook or the terminal that somebody looks at; None where there is neither."""
    if _in_notebook():
        return Notebook()
    return Terminal() if sys.stderr.isatty() else None


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell: Any = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return getattr(running, "kernel", None) is not None


@dataclass(slots=True)
class Terminal:
    """Bars by rich, redrawn in place and cleared at the end."""

    console: "Console | None" = None
    live: "Live | None" = None

    def show(self, bars: Sequence[Bar], below: str) -> None:
        """Replace what was shown."""
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        if self.live is None:
            self.live = Live(console=self.console or Console(stderr=True), auto_refresh=False, transient=True)
            self.live.start()
        table = Table.grid(padding=(0, 1))
        for bar in bars:
            picture = ProgressBar(total=bar.total, completed=bar.done, width=WIDTH)
            table.add_row(bar.label, picture, f"{bar.done}/{bar.total}", bar.said)
        self.live.update(Group(table, below), refresh=True)

    def close(self, summary: str) -> None:
        """Clear the bars."""
        if self.live is not None:
            self.live.stop()
            self.live = None


@dataclass(slots=True)
class Notebook:
    """Bars of HTML, which need no widgets; at the end one line stays."""

    display: Callable[..., Any] | None = None
    handle: Any = None

    def show(self, bars: Sequence[Bar], below: str) -> None:
        """Replace what was shown."""
        rows = "".join(
            f"<tr><td>{b.label}</td><td><progress value='{b.done}' max='{b.total}'></progress></td>"
            f"<td>{b.done}/{b.total}</td><td style='text-align:left'>{b.said}</td></tr>"
            for b in bars
        )
        self._put(f"<table>{rows}</table><div>{below}</div>")

    def close(self, summary: str) -> None:
        """Leave one line."""
        self._put(f"<div>{summary}</div>")

    def _put(self, html: str) -> None:
        picture = _Html(html)
        if self.handle is not None:
            self.handle.update(picture)
            return
        shown = self.display or sys.modules["IPython"].display.display
        self.handle = shown(picture, display_id=True)


@dataclass(frozen=True, slots=True)
class _Html:
    """What a notebook shows as HTML."""

    html: str

    def _repr_html_(self) -> str:
        return self.html
