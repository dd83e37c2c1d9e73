"""The demo: its figures are the published ones, its sentences are computed, its pictures are there."""

import numpy as np
import pytest
from typer.testing import CliRunner

import bayeslmm as blm
from bayeslmm.cli import app
from bayeslmm.demo.analysis import Coefficient, Draws, slope_gain
from bayeslmm.demo.story import _how_sure

# What R prints for these models (lm; lmerTest), digit by digit; the last four lines are where lme4's optimiser stops.
PUBLISHED = [
    "(Intercept)    1.273      1.997   0.638   0.5300",
    "grade         -3.653      2.081  -1.755   0.0925 .",
    "Multiple R-squared: 0.1181, Adjusted R-squared: 0.07978",
    "F-statistic: 3.081 on 1 and 23 DF, p-value: 0.09254",
    "REML criterion at convergence: 137.8",
    "(Intercept)   1.4512     5.3796  3.9624   0.270   0.8008",
    "grade         2.0877     0.7435 19.2071   2.808   0.0112 *",
    "The intraclass correlation is 0.945",
    "(Intercept)   1.6045     5.3385  3.9459   0.301   0.7789",
    "grade         2.1044     0.7572 12.0601   2.779   0.0166 *",
    "137.71796998",
    "1.6042 (5.3383)",
    "3.9464, 0.7789",
    "2.1043 (0.7572)",
    "12.0758, 0.0166",
]


def run(*arguments):
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["demo", *map(str, arguments)])
    assert done.exit_code == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    return run("--no-bayes", "--out", out), out


def test_the_figures_are_the_published_ones(plain):
    text = " ".join(plain[0].stdout.split())
    assert [line for line in PUBLISHED if " ".join(line.split()) not in text] == []


def test_it_says_what_is_singular_where_lme4_stops_and_what_holds(plain):
    text = " ".join(plain[0].stdout.split())
    assert "The fit is singular: the correlation of `(Intercept)` and `grade` in `major` is +1." in text
    assert "lme4's optimiser stops 3e-07 above the optimum" in text
    assert "changes the df of grade from 12.06 to 12.08 and no conclusion" in text
    assert "Within a major, a better grade goes with a higher salary." in text
    assert "Intervals that hold the average: REML" in text


def test_prose_fits_into_80_columns(plain):
    wide = [line for line in plain[0].stdout.splitlines() if len(line) > 80]
    assert wide == ["boundary (singular) fit: the correlation of `(Intercept)` and `grade` in `major` is +1"]


def test_without_the_posterior_there_are_two_pictures_and_the_report(plain):
    done, out = plain
    assert {p.name for p in out.iterdir()} == {"lines.png", "shrinkage.png", "report.html", "report.txt"}
    assert done.stdout.startswith((out / "report.txt").read_text())
    assert "posterior by NUTS" not in done.stdout
    assert done.stderr == ""


def test_sentences_turn_with_the_numbers():
    up, down = Coefficient(2.0, 1.0, 10.0, 0.07), Coefficient(-2.0, 1.0, 10.0, 0.07)
    assert up.agrees(Coefficient(2.1, 1.0, 10.0, 0.06))
    assert not up.agrees(Coefficient(2.3, 1.0, 10.0, 0.04))
    assert not up.agrees(down)
    assert up.interval == pytest.approx((2 - 2.2281389, 2 + 2.2281389))
    draws = Draws.of(np.array([-1.0, 1.0, 2.0, 3.0, 4.0]))
    assert (draws.median, draws.positive) == (2.0, 0.8)


def test_where_test_and_posterior_part_it_says_why():
    grade, slopes = Coefficient(2.0, 0.5, 10.0, 0.003), Draws(1.0, 0.1, 5.0, 1.0)
    agrees = _how_sure(grade, Draws(2.0, 0.5, 3.5, 0.99), 0.3, slopes)
    assert agrees == "The posterior gives this sign a probability of 0.990, and agrees with the test."
    parts = _how_sure(grade, Draws(2.0, -0.5, 3.5, 0.95), 0.3, slopes)
    assert "the test is surer" in parts
    assert "an sd of the slopes of 0.300" in parts
    assert "allows for 0.100 to 5.00" in parts
    unsure = _how_sure(Coefficient(-1.0, 1.0, 10.0, 0.3), Draws(-1.0, -2.0, -0.1, 0.01), 0.3, slopes)
    assert unsure.startswith("The posterior gives this sign a probability of 0.990; the test is less sure.")


@pytest.mark.slow
@pytest.mark.sampling
def test_with_the_posterior_it_answers_and_draws_four_pictures(tmp_path):
    done = run("--out", tmp_path, "--seed", 3)
    text = " ".join(done.stdout.split())
    assert "Linear mixed model, posterior by NUTS [bayeslmm]" in text
    assert "Nothing speaks against using these draws." in text
    assert "* cor major (Intercept), grade: estimated at +1, the boundary, but the posterior allows" in text
    assert "Intervals that hold the average: REML, posterior." in text
    assert {p.name for p in tmp_path.iterdir()} == {
        "lines.png",
        "shrinkage.png",
        "comparison.png",
        "posterior.png",
        "report.html",
        "report.txt",
    }
    page = (tmp_path / "report.html").read_text()
    assert "Keep the model as first written and report its posterior" in page
    assert done.stderr == ""


def test_it_ends_with_the_path_of_the_report(plain):
    done, out = plain
    assert done.stdout.rstrip().splitlines()[-1] == f"Open {out / 'report.html'}"
    page = (out / "report.html").read_text()
    assert "Do graduates with better grades earn more?" in page
    assert 'src="http' not in page


def test_the_gain_of_slopes_is_a_mixture_of_chi_squares():
    data = blm.datasets.load("sleepstudy")
    levels = blm.lmer("Reaction ~ Days + (1 | Subject)", data)
    gain, p = slope_gain(levels, blm.lmer("Reaction ~ Days + (Days | Subject)", data))
    assert gain == pytest.approx(42.8371, abs=1e-3)  # 1786.4650 - 1743.6283, the REML criteria that lme4 prints
    assert p == pytest.approx(0.5 * (np.exp(-gain / 2) + 5.9493e-11), rel=1e-3)
