"""A long fit shows a line on a terminal, and nothing elsewhere; Ctrl-C stops it at the next evaluation."""

import io
import signal
import threading

import pytest

import bayeslmm as blm
from bayeslmm.likelihood import threads
from bayeslmm.point import progress
from bayeslmm.point.objective import Objective

FORMULA = "Reaction ~ Days + (Days | Subject)"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setenv("BAYESLMM_ENGINE", "plain")


@pytest.mark.parametrize(
    ("stream", "patience", "shown"), [(Terminal, 0.0, True), (Terminal, 1e9, False), (io.StringIO, 0.0, False)]
)
def test_the_line_shows_on_a_terminal_after_a_while(plain, monkeypatch, stream, patience, shown):
    monkeypatch.setattr(progress, "PATIENCE", patience)
    stderr = stream()
    monkeypatch.setattr("sys.stderr", stderr)
    fit = blm.lmer(FORMULA, blm.datasets.load("sleepstudy"))
    text = stderr.getvalue()
    assert ("fitting: " in text) is shown
    if shown:
        assert "evaluations, criterion 17" in text
        assert "Ctrl-C stops" in text
    else:
        assert text == ""
    assert fit.converged


def test_ctrl_c_stops_at_the_next_evaluation_and_leaves_all_as_it_was(plain, monkeypatch):
    data = blm.datasets.load("sleepstudy")
    expected = blm.lmer(FORMULA, data).criterion
    before, calls = [library.num_threads for library in threads._blas()], []
    original = Objective.__call__

    def interrupted(self, cone, x):
        calls.append(x)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return original(self, cone, x)

    with monkeypatch.context() as patch:
        patch.setattr(Objective, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            blm.lmer(FORMULA, data)
    assert len(calls) == 3
    assert [library.num_threads for library in threads._blas()] == before
    assert blm.lmer(FORMULA, data).criterion == expected


def test_ctrl_c_stops_work_on_threads_at_the_next_piece():
    done, started = [], threading.Event()

    def piece(i):
        if threading.current_thread() is threading.main_thread() and i > 3:
            started.set()
            signal.raise_signal(signal.SIGINT)
        started.wait(0.001)
        done.append(i)

    threads.set_threads(2)
    with pytest.raises(KeyboardInterrupt):
        threads.spread(piece, [(i,) for i in range(2000)])
    finished = len(done)
    threads.set_threads(None)
    assert finished < 2000
    threads.spread(lambda i: done.append(i), [(0,), (1,)])
    assert len(done) == finished + 2
