"""The progress bar: what it says, when it is quiet, and that it cleans up whatever happens."""

import io
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from bayeslmm.bayes import progress as module
from bayeslmm.bayes.progress import Bar, Notebook, Progress, Terminal, duration


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Board:
    """Remembers what was shown."""

    def __init__(self):
        self.shown: list[tuple[list[Bar], str]] = []
        self.closed: list[str] = []

    def show(self, bars, below):
        self.shown.append((list(bars), below))

    def close(self, summary):
        self.closed.append(summary)


def progress(**options) -> tuple[Progress, Board, Clock]:
    board, clock = Board(), Clock()
    return Progress(**({"chains": 2, "tune": 200, "board": board, "clock": clock} | options)), board, clock


def test_bars_tell_divergences_step_size_and_the_time_left():
    p, board, clock = progress()
    with p:
        clock.now += 4
        p.update(0, 300, 1200, 1, 0.41)
        clock.now += 2
        p.update(1, 100, 1200, 0, 0.5234)
    bars, below = board.shown[-1]
    assert bars == [
        Bar("chain 1", 300, 1200, "sampling, 1 divergence, step 0.41"),
        Bar("chain 2", 100, 1200, "warming up, 0 divergences, step 0.523"),
    ]
    assert below == "17%, 30 s left (Ctrl-C keeps the draws)"  # 400 of 2400 draws in 6 s
    assert board.closed == ["2 chains, 400 draws in 6 s, 1 divergence"]


def test_preparing_does_not_count_as_pace():
    p, board, clock = progress()
    with p:
        clock.now += 60
        p.update(0, 20, 1000, 0, 0.5)
        clock.now += 1
        p.update(0, 120, 1000, 0, 0.5)
    assert board.shown[0][1] == "1% (Ctrl-C keeps the draws)"
    assert board.shown[1][1].startswith("6%, 19 s left")  # 100 draws in a second, 1880 to come


def test_a_line_fits_on_a_terminal_of_80():
    text = io.StringIO()
    terminal = Terminal(Console(file=text, width=80, force_terminal=True))
    terminal.show([Bar("chain 1", 10200, 10200, "warming up, 12 divergences, step 0.623")], "")
    terminal.close("")
    assert "chain 1" in (line := next(x for x in text.getvalue().splitlines() if "chain 1" in x))
    assert "step 0.623" in line


def test_chains_that_have_not_begun_take_as_long_as_the_others():
    p, board, clock = progress(chains=4)
    with p:
        clock.now += 10
        p.update(0, 1000, 1000, 0, 0.5)
    assert board.shown[0][0][0].said.startswith("done")
    assert board.shown[0][1].startswith("25%, 30 s left")


def test_many_chains_share_a_bar():
    p, board, clock = progress(chains=9)
    with p:
        clock.now += 2
        p.update(3, 10, 100, 2, 0.1)
        clock.now += 2
        p.update(8, 20, 100, 1, 0.2)
    assert board.shown[-1][0] == [Bar("9 chains", 30, 900, "3 divergences, steps 0.1 to 0.2")]


def test_a_short_run_shows_nothing_and_a_long_one_not_too_often():
    p, board, clock = progress()
    with p:
        p.update(0, 1, 10, 0, 0.5)
        clock.now += 0.9
        p.update(0, 2, 10, 0, 0.5)
    assert not board.shown
    assert not board.closed
    with p:
        clock.now += 1
        for done in range(100):
            clock.now += 0.01
            p.update(0, done, 100, 0, 0.5)
    assert 8 <= len(board.shown) <= 12


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_it_cleans_up_and_lets_errors_pass(error):
    p, board, clock = progress()

    def run():
        with p:
            clock.now += 5
            p.update(0, 5, 10, 0, 0.5)
            raise error

    with pytest.raises(error):
        run()
    assert len(board.closed) == 1


def test_a_terminal_is_left_as_it_was():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None, legacy_windows=False)
    p, _, clock = progress(board=Terminal(console))
    with p:
        clock.now += 3
        p.update(0, 50, 100, 3, 0.25)
        clock.now += 1
        p.update(1, 25, 100, 0, 0.5)
        text = out.getvalue()
    for part in ("chain 1", "━━━", "50/100", "3 divergences, step 0.25", "chain 2", "25/100", "38%", "left (Ctrl-C"):
        assert part in text
    assert text.count("\x1b[?25l") == 1  # the cursor is hidden
    end = out.getvalue().removeprefix(text)
    assert "\x1b[?25h" in end  # and back
    assert end.count("\x1b[2K") >= 3  # three lines are cleared


def test_a_notebook_shows_html_and_keeps_a_line():
    shown = []
    handle = SimpleNamespace(update=lambda picture: shown.append(picture._repr_html_()))

    def display(picture, display_id):
        shown.append(picture._repr_html_())
        assert display_id is True
        return handle

    p, _, clock = progress(board=Notebook(display))
    with p:
        clock.now += 3
        p.update(0, 50, 100, 3, 0.25)
    assert "<progress value='50' max='100'>" in shown[0]
    assert "step 0.25" in shown[0]
    assert shown[1] == "<div>2 chains, 50 draws in 3 s, 3 divergences</div>"


def test_the_board_is_where_somebody_looks(monkeypatch):
    monkeypatch.setattr(module, "_in_notebook", lambda: False)
    for looks, kind in ((True, Terminal), (False, type(None))):
        monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda looks=looks: looks))
        with Progress(2) as p:
            assert type(p.board) is kind
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    with Progress(2, wanted=False) as p:
        assert p.board is None
        p.update(0, 1, 2, 0, 0.5)
    monkeypatch.setattr(module, "_in_notebook", lambda: True)
    with Progress(2) as p:
        assert type(p.board) is Notebook


def test_a_kernel_is_told_from_a_shell(monkeypatch):
    for running, expected in ((None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=1), True)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda running=running: running))
        assert module._in_notebook() is expected


def test_without_a_terminal_it_is_quiet_and_loads_no_rich():
    code = """
import sys
from bayeslmm.bayes.progress import Progress
clock = iter(range(100, 200))
with Progress(2, clock=lambda: next(clock)) as progress:
    for done in range(9):
        progress.update(0, done, 10, 0, 0.5)
assert "rich" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7530, "2 h 5 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
