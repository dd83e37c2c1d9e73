"""`compare`: what stands in the table, and when the two are said to differ."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

import bayeslmm as blm
from bayeslmm.compare import comparison
from bayeslmm.errors import ArgumentError
from bayeslmm.point.estimates import estimates
from tests.compare.posteriors import SALARY, SLEEP, around, fitted


@pytest.fixture(scope="module")
def sleep():
    fit = fitted(SLEEP, "sleepstudy")
    return fit, around(fit)


@pytest.fixture(scope="module")
def salary():
    fit = fitted(SALARY, "salary")
    return fit, around(fit)


def test_one_row_per_parameter_under_the_names_of_both(sleep):
    fit, post = sleep
    table = blm.compare(fit, post).table
    assert list(table.index) == [
        "(Intercept)",
        "Days",
        "sd Subject (Intercept)",
        "sd Subject Days",
        "cor Subject (Intercept), Days",
        "sigma",
    ]
    assert list(table["kind"]) == ["fixed", "fixed", "sd", "sd", "cor", "sigma"]
    assert list(table["group"]) == ["", "", "Subject", "Subject", "Subject", "Residual"]
    assert list(table["term"]) == ["(Intercept)", "Days", "(Intercept)", "Days", "(Intercept), Days", ""]


def test_reml_columns_are_the_fits(sleep):
    fit, post = sleep
    table = blm.compare(fit, post, level=0.9).table
    tests = fit.summary().fixed
    fixed = table[table["kind"] == "fixed"]
    np.testing.assert_allclose(fixed["reml"], fit.fixef)
    np.testing.assert_allclose(fixed["reml_se"], fit.bse)
    half = stats.t.ppf(0.95, tests["df"]) * tests["se"]
    np.testing.assert_allclose(fixed["reml_lower"], tests["estimate"] - half)
    np.testing.assert_allclose(fixed["reml_upper"], tests["estimate"] + half)
    varcorr = fit.varcorr
    np.testing.assert_allclose(table.loc[table["kind"].isin(["sd", "sigma"]), "reml"], varcorr["sd"].dropna())
    np.testing.assert_allclose(table.loc[table["kind"] == "cor", "reml"], varcorr["corr"].dropna())
    assert table.loc[table["kind"] != "fixed", "reml_se"].isna().all()


def test_intervals_of_variances_are_where_the_reml_criterion_has_risen():
    """One-way: minus twice the restricted log likelihood from V itself, the other sd at its best."""
    data = blm.datasets.load("dyestuff")
    fit = fitted("Yield ~ 1 + (1 | Batch)", data)
    table = blm.compare(fit, around(fit)).table
    y, Z = data["Yield"].to_numpy(float), pd.get_dummies(data["Batch"]).to_numpy(float)

    def criterion(tau, sigma):
        V = sigma**2 * np.eye(y.size) + tau**2 * Z @ Z.T
        one = np.ones(y.size)
        information = one @ np.linalg.solve(V, one)
        r = y - (one @ np.linalg.solve(V, y)) / information
        logs = np.linalg.slogdet(V)[1] + np.log(information)
        return logs + r @ np.linalg.solve(V, r) + (y.size - 1) * np.log(2 * np.pi)

    best = {"method": "bounded", "bounds": (1e-3, 500), "options": {"xatol": 1e-6}}
    held = {
        "sd Batch (Intercept)": lambda tau: minimize_scalar(lambda sigma: criterion(tau, sigma), **best).fun,
        "sigma": lambda sigma: minimize_scalar(lambda tau: criterion(tau, sigma), **best).fun,
    }
    for name, lowest in held.items():
        for end in table.loc[name, ["reml_lower", "reml_upper"]]:
            assert lowest(end) - fit.criterion == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)


def test_intervals_of_variances_end_at_the_boundary_and_may_be_left_out(salary):
    table = blm.compare(*salary).table
    assert table.loc["cor major (Intercept), grade", ["reml_lower", "reml_upper"]].tolist() == [-1, 1]
    assert table.loc["sd major grade", "reml_lower"] == 0
    without = blm.compare(*salary, profile=False)
    assert without.table.loc[table["kind"] != "fixed", ["reml_lower", "reml_upper"]].isna().all(axis=None)
    assert "profile likelihood" in str(blm.compare(*salary))
    assert "profile likelihood" not in str(without)
    with pytest.raises(ArgumentError, match='profile is "auto", True or False'):
        blm.compare(*salary, profile="yes")


def test_profiles_are_left_out_where_they_would_take_long(salary, monkeypatch):
    monkeypatch.setattr(comparison, "PATIENCE", 1e-3)
    kinds = blm.compare(*salary).table["kind"]
    assert blm.compare(*salary).table.loc[kinds != "fixed", "reml_lower"].isna().all()
    assert blm.compare(*salary, profile=True).table.loc[kinds != "fixed", "reml_lower"].notna().all()


def test_posterior_columns_are_those_of_the_draws(sleep):
    fit, post = sleep
    table = blm.compare(fit, post, level=0.8).table
    draws = post.data["posterior"]
    days = draws["beta"].sel(coef="Days").to_numpy().ravel()
    correlation = draws["cor_Subject"].to_numpy().ravel()
    for name, values in (("Days", days), ("cor Subject (Intercept), Days", correlation)):
        expected = [values.mean(), np.median(values), values.std(ddof=1), *np.quantile(values, [0.1, 0.9])]
        found = table.loc[name, ["mean", "median", "sd", "lower", "upper"]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, expected)


def test_the_same_conclusions_are_not_flagged(sleep):
    fit, post = sleep
    found = blm.compare(fit, post)
    assert found.agree
    assert "no flags: both lead to the same conclusions" in str(found)


def test_an_interval_that_excludes_zero_in_one_only_is_flagged(sleep):
    fit, _ = sleep
    wide = blm.compare(fit, around(fit, widen=8.0))
    assert wide.table.loc["Days", "flag"] == "the REML interval excludes zero, the posterior interval does not"
    assert wide.table.loc["(Intercept)", "flag"] == ""
    assert not wide.agree
    assert "  * Days: the REML interval excludes zero" in str(wide)


def test_and_the_other_way_round(salary):
    fit, _ = salary
    found = blm.compare(fit, around(fit, widen=0.1, shift=1.0))
    assert found.table.loc["(Intercept)", "flag"] == (
        "the posterior interval excludes zero, the REML interval does not"
    )


def test_opposite_signs_are_flagged(sleep):
    fit, _ = sleep
    assert blm.compare(fit, around(fit, shift=-15.0)).table.loc["Days", "flag"] == "the signs differ"


def test_a_correlation_at_one_is_flagged_with_what_the_posterior_allows(salary):
    fit, post = salary
    found = blm.compare(fit, post)
    row = found.table.loc["cor major (Intercept), grade"]
    assert row["reml"] == pytest.approx(1.0)
    lower, upper = row["lower"], row["upper"]
    assert row["flag"] == f"estimated at +1, the boundary, but the posterior allows [{lower:.2f}, {upper:.2f}]"
    assert list(found.table.index[found.table["flag"] != ""]) == ["cor major (Intercept), grade"]


def test_an_sd_at_zero_is_flagged_where_the_posterior_has_mass_away_from_it():
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    post = around(fit)
    row = blm.compare(fit, post).table.loc["sd Batch (Intercept)"]
    assert row["reml"] == 0.0
    assert row["flag"].startswith("estimated as zero, but the posterior gives it")
    near_zero = post.data.copy(deep=True)
    near_zero["posterior"]["sd_Batch"][:] = 1e-3 * post.data["posterior"]["sd_Batch"].to_numpy()
    quiet = blm.compare(fit, type(post)(data=near_zero, design=post.design, priors=post.priors, model=post.model))
    assert quiet.table.loc["sd Batch (Intercept)", "flag"] == ""


def test_an_undefined_correlation_is_shown_as_missing():
    fit = fitted(SLEEP, "sleepstudy")
    optimum = replace(fit.optimum, theta=np.zeros(3), evaluation=fit.likelihood.evaluate_theta(np.zeros(3)))
    none = replace(fit, estimates=estimates(fit.likelihood, optimum, True))
    row = blm.compare(none, around(none)).table.loc["cor Subject (Intercept), Days"]
    assert np.isnan(row["reml"])
    assert row["flag"] == ""
    two = fitted("Reaction ~ Days + (Days || Subject)", "sleepstudy")
    assert "cor" not in set(blm.compare(two, around(two)).table["kind"])


def test_maximum_likelihood_is_named():
    fit = fitted(SLEEP, "sleepstudy", reml=False)
    found = blm.compare(fit, around(fit))
    assert found.method == "ML"
    assert str(found).startswith("ML and posterior of the same model, 95% intervals")


def test_the_text_lines_up_and_shows_the_uncertainty_to_three_digits(salary):
    text = str(blm.compare(*salary))
    lines = text.splitlines()
    header = next(line for line in lines if "median" in line)
    row = next(line for line in lines if line.startswith("grade"))
    assert row.split()[1:4] == ["2.104", "0.757", "[0.455,"]
    assert header.index("median") + len("median") == row.index(row.split()[5]) + len(row.split()[5])
    assert max(map(len, lines[:9])) <= 100


def test_html_keeps_the_text(salary):
    html = blm.compare(*salary)._repr_html_()
    assert html.startswith("<pre")
    assert "estimated at +1, the boundary" in html


@pytest.mark.parametrize(
    "change",
    [
        lambda d: {"data": d.iloc[1:]},
        lambda d: {"data": d.assign(Reaction=d.Reaction + 1)},
        lambda d: {"data": d.assign(Days=d.Days * 2)},
        lambda d: {"data": d, "weights": np.linspace(1, 2, len(d))},
        lambda d: {"data": d, "formula": "Reaction ~ Days + (1 | Subject)"},
        lambda d: {"data": d, "formula": "Reaction ~ Days + (Days || Subject)"},
        lambda d: {"data": d, "formula": "Reaction ~ 1 + (Days | Subject)"},
        lambda d: {"data": d.assign(Subject=d.Subject.to_numpy()[::-1])},
    ],
)
def test_another_model_is_refused(sleep, change):
    post = sleep[1]
    options = {"formula": SLEEP, **change(blm.datasets.load("sleepstudy"))}
    other = fitted(options.pop("formula"), options.pop("data"), **options)
    for verb, call in (("compare", blm.compare), ("pooling", blm.pooling)):
        with pytest.raises(ArgumentError, match=f"{verb} needs a fit and a posterior of the same model"):
            call(other, post)


def test_the_same_model_built_twice_is_accepted(sleep):
    _, post = sleep
    again = fitted(SLEEP, blm.datasets.load("sleepstudy"))
    assert isinstance(blm.compare(again, post).table, pd.DataFrame)


@pytest.mark.parametrize("first", ["blm.pooling", "blm.compare"])
def test_the_verb_is_there_whatever_was_imported_before(first):
    code = f"import bayeslmm as blm\n{first}\nimport inspect\nprint(inspect.signature(blm.compare))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(fit: bayeslmm.results.fit.Fit, post: bayeslmm.results.posterior.Posterior")


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_a_level_is_a_probability(sleep, level):
    with pytest.raises(ArgumentError, match="must lie between 0 and 1"):
        blm.compare(*sleep, level=level)
