"""The example that each command's help gives does what it says."""

import shlex

import pytest

from bayeslmm.cli.app import COMMANDS
from tests.cli.run import bayeslmm

SAMPLED = {"loo", "alternatives"}
ELSEWHERE = {"demo", "reanalyse"}


def example(name):
    lines = bayeslmm(name, "--help").stdout.splitlines()
    (line,) = [line.strip() for line in lines if line.startswith(f"      bayeslmm {name} ")]
    return shlex.split(line)[1:]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(c.__name__, marks=[pytest.mark.sampling] if c.__name__ in SAMPLED else [])
        for c in COMMANDS
        if c.__name__ not in ELSEWHERE
    ],
)
def test_the_example_of_the_help_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = ("--n", 20) if name == "power" else ()
    done = bayeslmm(*example(name), *more)
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()) > 3
    assert {p.name for p in tmp_path.iterdir()} == ({"report.html"} if name == "report" else set())
