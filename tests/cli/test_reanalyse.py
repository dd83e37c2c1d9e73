"""`bayeslmm reanalyse`: text, JSON, files, and sentences for what can go wrong."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from bayeslmm.cli import app

FORMULA = "salary ~ 1 + grade + (1 + grade | major)"
QUICK = ("--no-sensitivity", "--draws", 500)


def bayeslmm(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(a) for a in arguments])


@pytest.mark.sampling
def test_files_and_text(tmp_path):
    out = tmp_path / "triage"
    done = bayeslmm("reanalyse", FORMULA, "salary", "--out", out, *QUICK)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert "Keep the model as first written and report its posterior" in done.stdout
    names = {p.name for p in out.iterdir()}
    assert {
        "forest-grade.png",
        "variance-posterior.png",
        "profile.png",
        "reanalysis.txt",
        "effects.csv",
        "report.html",
    } <= names
    assert all(name in done.stdout for name in names)
    assert (out / "reanalysis.txt").read_text() == done.stdout
    table = pd.read_csv(out / "alternatives.csv", index_col="analysis")
    assert table.loc["(1 | major)", "criterion"] == pytest.approx(137.817059, abs=1e-5)
    assert (out / "forest-grade.png").stat().st_size > 5000


@pytest.mark.sampling
def test_json_is_one_document():
    done = bayeslmm("reanalyse", FORMULA, "salary", "--focal", "grade", "--json", *QUICK)
    found = json.loads(done.stdout)
    assert found["recommendation"] == "posterior"
    assert found["singular"][0]["kind"] == "correlation"
    assert {row["effect"] for row in found["effects"]} == {"grade"}
    assert found["effects"][-1]["analysis"] == "posterior"
    assert found["effects"][-1]["p"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((FORMULA, "salary", "--focal", "grad"), "did you mean `grade`"),
        (("salary ~ grade", "salary"), "at least one bar"),
        ((FORMULA, "salary", "--ddf", "exact"), "exact"),
        ((FORMULA, "nowhere.csv"), "no file nowhere.csv"),
        ((FORMULA, "salary", "--bootstrap", "some"), "--bootstrap some: it is auto, none, or a number"),
        ((FORMULA, "salary", "--bootstrap", "-5"), "--bootstrap -5: it is auto, none, or a number"),
    ],
)
def test_sentences_for_what_can_go_wrong(arguments, said):
    done = bayeslmm("reanalyse", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("bayeslmm: ")
    assert said in " ".join(done.stderr.split())


@pytest.mark.sampling
@pytest.mark.parametrize(("asked", "reference"), [("none", None), ("19", "parametric bootstrap, 19 refits")])
def test_refits_are_asked_for(asked, reference):
    done = bayeslmm("reanalyse", FORMULA, "salary", "--bootstrap", asked, "--json", *QUICK)
    rows = {row["analysis"]: row for row in json.loads(done.stdout)["alternatives"]}
    if reference is None:
        assert rows["(1 + grade || major)"]["p_boundary"] is None
    else:
        assert rows["(1 + grade || major)"]["reference_boundary"] == reference
        assert rows["(1 + grade || major)"]["p_error"] > 0


def test_help_fits_into_80_columns():
    done = bayeslmm("reanalyse", "--help")
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
