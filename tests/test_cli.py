"""The command line as people use it: text, JSON, files, and a sentence for everything that can go wrong."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import bayeslmm as blm
from bayeslmm.cli import app
from bayeslmm.cli.app import COMMANDS

RANDOM_SLOPE = "Reaction ~ Days + (Days | Subject)"
NAMES = [command.__name__ for command in COMMANDS]
SINGULAR = "salary ~ 1 + grade + (1 + grade | major)"
# a subprocess must not stop at a library's DeprecationWarning, and neither must it colour or wrap
PLAIN = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"} | {"COLUMNS": "80", "NO_COLOR": "1"}


def bayeslmm(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(a) for a in arguments])


def process(*arguments, **options):
    command = [sys.executable, "-c", "from bayeslmm.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=PLAIN, check=False, **options)


@pytest.fixture
def sleep_csv(tmp_path):
    path = tmp_path / "sleep.csv"
    blm.datasets.load("sleepstudy").to_csv(path, index=False)
    return path


# -- help -------------------------------------------------------------------------------------------------------------


def test_alone_it_shows_what_it_can_do():
    done = bayeslmm()
    assert done.exit_code == 0
    assert [name for name in NAMES if f" {name} " not in done.stdout.replace(",", " ").replace(";", " ")] == []
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits_into_80_columns(name):
    done = bayeslmm(*filter(None, [name, "--help"]))
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_commands_are_listed_in_the_order_of_the_overview():
    listed = bayeslmm("--help").stdout.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == NAMES


def test_version():
    assert bayeslmm("--version").stdout == f"bayeslmm {version('bayeslmm')}\n"
    assert version("bayeslmm") == blm.__version__


def test_the_entry_point_is_installed_and_answers_at_once():
    script = Path(sys.executable).with_name("bayeslmm")
    start = time.perf_counter()
    done = subprocess.run([script, "--help"], capture_output=True, text=True, env=PLAIN, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: bayeslmm")
    assert time.perf_counter() - start < 3  # 0.15 s on an idle machine; loading NumPy and PyMC would take longer


def test_datasets_lists_all_and_describes_one():
    listed = bayeslmm("datasets").stdout
    assert [line.split()[0] for line in listed.splitlines() if line[:1].strip()] == blm.datasets.names()
    assert bayeslmm("datasets", "oats").stdout.strip() == repr(blm.datasets.describe("oats"))


# -- fit --------------------------------------------------------------------------------------------------------------


def test_fit_prints_the_summary(sleep_csv):
    done = bayeslmm("fit", RANDOM_SLOPE, sleep_csv)
    fit = blm.lmer(RANDOM_SLOPE, blm.datasets.load("sleepstudy"), data_name="sleep.csv")
    assert done.exit_code == 0
    assert done.stdout.startswith(str(fit.summary()))
    assert f"Subject {fit.icc():.3f}" in done.stdout
    assert done.stderr == ""


def test_options_reach_the_fit():
    formula = "angle ~ recipe + temp + (1 | recipe:replicate)"
    done = bayeslmm(
        "fit", formula, "cake", "--ml", "--ddf", "residual", "--optimizer", "bobyqa", "--contrasts", "recipe=sum"
    )
    fit = blm.lmer(formula, blm.datasets.load("cake"), False, "bobyqa", contrasts={"recipe": "sum"}, data_name="cake")
    assert done.stdout.startswith(str(fit.summary("residual")))


def test_weights_and_offset_are_columns(tmp_path):
    frame = blm.datasets.load("sleepstudy")
    frame["w"] = np.linspace(1, 2, len(frame))
    frame["o"] = np.linspace(0, 50, len(frame))
    frame.to_csv(tmp_path / "d.tsv", sep="\t", index=False)
    done = bayeslmm("fit", RANDOM_SLOPE, tmp_path / "d.tsv", "--weights", "w", "--offset", "o")
    fit = blm.lmer(RANDOM_SLOPE, frame, weights="w", offset="o", data_name="d.tsv")
    assert done.stdout.startswith(str(fit.summary()))


def test_a_singular_fit_says_what_next_and_warns_nobody():
    done = bayeslmm("fit", SINGULAR, "salary")
    assert done.exit_code == 0
    assert "correlation of `(Intercept)` and `grade` in `major` is +1" in done.stdout
    assert "add --bayes" in " ".join(done.stdout.split())
    assert done.stderr == ""


def test_warnings_become_notes(tmp_path):
    frame = blm.datasets.load("sleepstudy")
    frame["twice"] = 2 * frame["Days"]
    frame.to_csv(tmp_path / "d.csv", index=False)
    done = bayeslmm("fit", "Reaction ~ Days + twice + (1 | Subject)", tmp_path / "d.csv")
    assert done.exit_code == 0
    assert done.stderr.startswith("note: the fixed part is rank deficient; 1 collinear column left out: `twice`")
    assert done.stderr.count("\n") == 1


def test_without_a_bar_it_is_least_squares():
    done = bayeslmm("fit", "salary ~ grade", "salary")
    assert done.exit_code == 0
    assert done.stdout.strip() == blm.lm("salary ~ grade", blm.datasets.load("salary"), data_name="salary").summary()
    assert "least squares without groups" in done.stderr
    assert "(1 | group)" in done.stderr


# -- JSON -------------------------------------------------------------------------------------------------------------


def strict(text):
    """Parse JSON, and refuse NaN and Infinity, which Python's parser would let pass."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_json_holds_the_numbers_and_nothing_else_is_printed():
    done = bayeslmm("fit", SINGULAR, "salary", "--json")
    found = strict(done.stdout)
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer(SINGULAR, blm.datasets.load("salary"))
    tests = fit.tests()
    assert found["nobs"] == 25
    assert found["groups"] == {"major": 5}
    assert found["singular"] is True
    assert found["converged"] is True
    assert found["criterion"] == fit.criterion
    assert [row["term"] for row in found["fixed"]] == list(tests.index)
    assert [row["p"] for row in found["fixed"]] == tests["p"].tolist()
    assert len(found["ranef"]) == 10
    assert found["posterior"] is None


def test_json_writes_what_there_is_not_as_null():
    found = strict(bayeslmm("fit", RANDOM_SLOPE, "sleepstudy", "--ddf", "asymptotic", "--json").stdout)
    assert [row["df"] for row in found["fixed"]] == [None, None]
    assert found["varcorr"][-1]["term1"] is None
    assert math.isfinite(found["icc"]["Subject"])


def test_json_has_the_notes_and_a_linear_model():
    found = strict(bayeslmm("fit", "salary ~ grade", "salary", "--json").stdout)
    assert found["method"] == "least squares"
    assert found["r2"] == pytest.approx(0.1181, abs=5e-5)
    assert len(found["notes"]) == 1


# -- files ------------------------------------------------------------------------------------------------------------


def test_out_writes_tables_pictures_and_the_report(tmp_path):
    out = tmp_path / "new" / "results"
    done = bayeslmm("fit", RANDOM_SLOPE, "sleepstudy", "--out", out)
    assert done.exit_code == 0
    fit = blm.lmer(RANDOM_SLOPE, blm.datasets.load("sleepstudy"))
    assert {p.name for p in out.iterdir()} == {
        "fixed.csv",
        "varcorr.csv",
        "ranef.csv",
        "coef.csv",
        "pooling.csv",
        "shrinkage-Subject.png",
        "lines-Subject.png",
        "report.txt",
    }
    fixed = pd.read_csv(out / "fixed.csv", index_col="term")
    pd.testing.assert_frame_equal(fixed, fit.tests(), check_names=False)
    assert len(pd.read_csv(out / "ranef.csv")) == 36
    assert (out / "shrinkage-Subject.png").read_bytes().startswith(b"\x89PNG")
    report = (out / "report.txt").read_text()
    assert report == done.stdout
    assert all(p.name in report for p in out.iterdir())


def test_out_of_a_linear_model_and_of_many_groups(tmp_path):
    assert bayeslmm("fit", "salary ~ grade", "salary", "--out", tmp_path / "lm").exit_code == 0
    assert {p.name for p in (tmp_path / "lm").iterdir()} == {"fixed.csv", "report.txt"}
    assert bayeslmm("fit", "strength ~ 1 + (1 | batch/cask)", "pastes", "--out", tmp_path / "lmm").exit_code == 0
    assert {p.name for p in (tmp_path / "lmm").glob("*.png")} == {"shrinkage-batch.png", "shrinkage-cask_batch.png"}


# -- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fit", RANDOM_SLOPE, "slepstudy.csv"), "there is no file slepstudy.csv"),
        (("fit", "Reaction ~ Dys + (1 | Subject)", "sleepstudy"), "no column `Dys` in the data; did you mean `Days`?"),
        (("fit", "Reaction ~ Days + (1 | Subject", "sleepstudy"), "this parenthesis is not closed"),
        (("fit", "Reaction ~ os.system('ls') + (1 | Subject)", "sleepstudy"), "os.system"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--ml", "--ddf", "kenward-roger"), "defined for REML fits"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--ddf", "foo"), "satterthwaite, kenward-roger, residual"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--optimizer", "foo"), "lbfgs, bobyqa, nelder-mead"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--weights", "w"), "weights: no column `w`"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--contrasts", "sum"), "write factor=coding"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--contrasts", "Subject=sum"), "contrasts for `Subject`"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--out", sys.executable), "there is a file of that name"),
        (("fit", RANDOM_SLOPE, "sleepstudy", "--out", f"{sys.executable}/x"), "cannot write there"),
        (("demo", "--out", f"{sys.executable}/x"), "cannot write there"),
        (("fit", "Reaction ~ Days", "sleepstudy", "--bayes"), "--bayes needs random effects"),
        (("fit", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp"), "belongs to a binomial model"),
        (("datasets", "salry"), "did you mean `salary`?"),
    ],
)
def test_errors_are_sentences_with_exit_code_2(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = bayeslmm(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("bayeslmm: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_formula_error_has_its_caret():
    lines = bayeslmm("fit", "Reaction ~ Dys + (1 | Subject)", "sleepstudy").stderr.splitlines()
    assert lines[1].index("Dys") == lines[2].index("^")


@pytest.mark.parametrize("arguments", [("fit",), ("fit", "y ~ x"), ("nonsense",), ("fit", "y ~ x", "d", "--nonsense")])
def test_usage_errors_say_how_to_get_help(arguments):
    done = bayeslmm(*arguments)
    assert done.exit_code == 2
    assert "bayeslmm" not in done.stdout
    assert "-h' for help" in done.stderr


def test_an_error_in_a_real_process_has_no_traceback(tmp_path):
    (tmp_path / "empty.csv").touch()
    done = process("fit", RANDOM_SLOPE, tmp_path / "empty.csv")
    assert done.returncode == 2
    assert done.stderr == "bayeslmm: empty.csv is empty; its first line must name the columns\n"
    assert done.stdout == ""


def test_a_real_process_writes_json_to_stdout_and_notes_to_stderr():
    done = process("fit", "salary ~ grade", "salary", "--json")
    assert done.returncode == 0
    assert strict(done.stdout)["notes"] == [done.stderr.removeprefix("note: ").strip()]


def test_ctrl_c_is_a_sentence_and_exit_code_130(tmp_path):
    """The process waits for its data, which come from a pipe that nobody writes to."""
    pipe = tmp_path / "never.csv"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", "from bayeslmm.cli import main; main()", "fit", RANDOM_SLOPE, str(pipe)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN) as running:
        writer = os.open(pipe, os.O_WRONLY)  # opens when the process reads: it has started
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        os.close(writer)
    assert running.returncode == 130
    assert err.strip() == "bayeslmm: interrupted"


def test_a_closed_pipe_is_no_error():
    command = f'"{sys.executable}" -c "from bayeslmm.cli import main; main()" datasets | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=PLAIN, check=False)
    assert done.stdout.startswith("salary")
    assert done.stderr == ""


# -- the posterior ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.sampling
def test_bayes_goes_to_json_to_the_report_and_to_files(tmp_path):
    options = ("--bayes", "--draws", 300, "--tune", 500, "--chains", 2, "--seed", 1)
    done = bayeslmm("fit", "Yield ~ 1 + (1 | Batch)", "dyestuff", *options, "--json", "--out", tmp_path)
    assert done.exit_code == 0
    found = strict(done.stdout)
    assert (found["posterior"]["chains"], found["posterior"]["draws"]) == (2, 300)
    assert [row["term"] for row in found["posterior"]["fixed"]] == ["(Intercept)"]
    assert [row["parameter"] for row in found["comparison"]] == ["(Intercept)", "sd Batch (Intercept)", "sigma"]
    report = (tmp_path / "report.txt").read_text()
    assert (
        report.index("Linear mixed model fit by REML")
        < report.index("posterior by NUTS")
        < report.index("Side by side")
    )
    draws = xr.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf")
    assert dict(draws["posterior"].sizes) == {"chain": 2, "draw": 300, "coef": 1, "Batch": 6, "Batch_effect": 1}
    mean = found["posterior"]["fixed"][0]["estimate"]
    assert float(draws["posterior"]["beta"].mean()) == pytest.approx(mean)
    assert pd.read_csv(tmp_path / "posterior_fixed.csv")["estimate"].tolist() == pytest.approx([mean])
    written = {p.name for p in tmp_path.iterdir()}
    assert written == {Path(f).name for f in found["files"]}
    assert {"comparison.csv", "comparison.png", "diagnostics.csv", "posterior_ranef.csv"} <= written
