"""Run the command line inside the process, and read its JSON."""

import json

import pytest
from typer.testing import CliRunner

from bayeslmm.cli import app


def bayeslmm(*arguments):
    """What `bayeslmm` does with these arguments."""
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(a) for a in arguments])


def text(*arguments):
    """What it prints, where all goes well."""
    done = bayeslmm(*arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def document(*arguments):
    """Its JSON; NaN and Infinity, which Python's parser would let pass, are none."""
    return json.loads(text(*arguments, "--json"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def sentence(*arguments):
    """What it says, on one line, where it ends with exit code 2."""
    done = bayeslmm(*arguments)
    assert done.exit_code == 2, done.stdout
    assert done.stderr.startswith("bayeslmm: ")
    assert done.stdout == ""
    return " ".join(done.stderr.split())
