"""`fit.check()`: every trouble is seen where it was put, with its number, and the code that it gives runs."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.check import Check
from tests.compare.posteriors import SALARY, SLEEP, fitted

CHECKS = {
    "certificate",
    "singularity",
    "scales",
    "slopes",
    "rows",
    "columns",
    "groups",
    "residuals",
    "random effects",
    "variances",
    "groups apart",
}


def clean(seed, groups=30, size=8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), size), rng.normal(1, 1, groups * size)
    b = rng.normal(size=(groups, 2)) * [1.0, 0.5]
    y = 10 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=g.size)
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(size=g.size), "g": [f"g{i}" for i in g]})


def finding(formula, data, name, **options) -> pd.Series:
    return fitted(formula, data, **options).check().table.loc[name]


def run(code, data):
    """Run what a line says to do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(code, {"blm": blm, "data": data})


def test_every_question_is_asked_and_the_worst_comes_first():
    found = fitted(SALARY, "salary").check()
    assert set(found.table.index) == CHECKS
    assert found.table["severity"].is_monotonic_decreasing
    assert list(found.table.columns) == ["severity", "seen", "value", "why", "do"]
    bad = found.table["severity"] > 0
    assert (found.table.loc[bad, ["why", "do"]] != "").all(axis=None)
    assert not found.ok
    assert str(found).startswith("!!  singularity")
    assert str(found.table.loc["singularity", "do"]) == "fit.sample()"
    assert "-&gt; fit.sample()" in found._repr_html_()


def test_the_table_and_the_picture_say_the_same_of_residuals():
    fit = fitted(SLEEP, "sleepstudy")
    counted = fit.check().table.loc["residuals", "seen"].split("(")[0].removeprefix("heavy tails: ")
    title = fit.plot.qq().get_title(loc="left")
    assert counted.split(" the ")[0] in title.replace("\n", " ")


@pytest.mark.slow
def test_clean_data_are_seldom_blamed():
    tables = [fitted("y ~ x + (x | g)", clean(seed)).check().table["severity"] for seed in range(30)]
    assert np.mean([(t >= 2).any() for t in tables]) <= 0.1
    # four tests at 5 %: a fifth of clean data sets show something
    assert np.mean([(t > 0).any() for t in tables]) <= 0.45
    assert any(Check(t.to_frame().assign(seen="", why="", do="")).ok for t in tables)


def test_nothing_seen_is_said():
    seed = next(s for s in range(20) if fitted("y ~ x + (x | g)", clean(s)).check().ok)
    text = str(fitted("y ~ x + (x | g)", clean(seed)).check())
    assert text.startswith("nothing seen\n")
    assert "->" not in text


def test_an_optimiser_that_stopped_short():
    from dataclasses import replace

    fit = fitted(SLEEP, "sleepstudy")
    certificate = replace(fit.certificate, newton_decrement=0.3)
    stopped = replace(fit, optimum=replace(fit.optimum, certificate=certificate, optimizer="nelder-mead"))
    row = stopped.check().table.iloc[0]
    assert (row.name, row["severity"], row["value"]) == ("certificate", 3, 0.3)
    assert row["seen"] == "the criterion could still fall by about 0.3"
    assert row["do"] == 'fit.model.fit(optimizer="lbfgs")'


def test_few_groups_for_the_degrees_of_freedom_used():
    fit = fitted(SALARY, "salary")
    row = fit.check().table.loc["groups"]
    assert row["value"] == pytest.approx(fit.tests()["df"].min())
    assert "`major` has 5 levels; the test of `(Intercept)` has 3.95 degrees" in row["seen"]
    normal = fitted(SLEEP, "sleepstudy").check(ddf="asymptotic").table.loc["groups"]
    assert normal["severity"] == 2
    assert normal["do"] == 'fit.summary(ddf="satterthwaite")'
    assert fitted(SLEEP, "sleepstudy").check().table.loc["groups", "severity"] == 0
    with pytest.raises(ArgumentError, match="satterthwaite, kenward-roger, containment, residual, asymptotic"):
        fit.check(ddf="welch")


def test_wild_scales_come_with_a_formula_that_cures_them():
    data = clean(1).assign(big=lambda d: 1e5 * d["z"])
    row = finding("y ~ x + big + (1 | g)", data, "scales")
    assert row["severity"] == 1
    assert row["value"] == pytest.approx(data["big"].std() / data["x"].std())
    assert row["do"] == 'blm.lmer("y ~ x + scale(big) + (1 | g)", data)'
    cured = run(row["do"], data)
    assert cured.check().table.loc["scales", "severity"] == 0
    assert cured.criterion != fitted("y ~ x + big + (1 | g)", data).criterion


def test_a_predictor_far_from_zero_with_a_random_slope():
    data = clean(1).assign(year=lambda d: 2010 + d["x"])
    row = finding("y ~ year + (year | g)", data, "scales")
    assert row["do"] == 'blm.lmer("y ~ scale(year) + (scale(year) | g)", data)'
    assert row["value"] == pytest.approx(abs(data["year"].mean()) / data["year"].std(ddof=0))
    assert run(row["do"], data).check().table.loc["scales", "severity"] == 0
    # without a random slope the distance does no harm
    assert finding("y ~ year + (1 | g)", data, "scales")["severity"] == 0


@pytest.mark.parametrize(
    ("formula", "cure"),
    [
        ("y ~ x + age + (x + age | g)", "y ~ 1 + x + age + (1 + x | g)"),
        ("y ~ age + (age||g)", "y ~ 1 + age + (1 | g)"),
        ("y ~ x + kind + (kind | g)", "y ~ 1 + x + kind + (1 | g)"),
    ],
)
def test_a_slope_of_what_is_constant_within_groups(formula, cure):
    data = clean(2)
    number = data["g"].str[1:].astype(int)
    data = data.assign(age=number**1.5, kind=np.where(number % 2, "a", "b"))
    row = finding(formula, data, "slopes")
    assert row["severity"] == 2
    assert "is constant within every level of `g`" in row["seen"]
    assert row["do"] == f'blm.lmer("{cure}", data)'
    assert run(row["do"], data).check().table.loc["slopes", "severity"] == 0


def test_rows_with_missing_values():
    data = clean(3)
    data.loc[:4, "x"] = np.nan
    row = finding("y ~ x + (1 | g)", data, "rows")
    assert (row["severity"], row["value"]) == (1, 5)
    assert "5 of 240 rows (2.1%)" in row["seen"]
    assert list(run(row["do"], data).index) == [0, 1, 2, 3, 4]
    data.loc[:99, "x"] = np.nan
    assert finding("y ~ x + (1 | g)", data, "rows")["severity"] == 2


def test_collinear_columns():
    row = finding("y ~ x + twice + (1 | g)", clean(4).assign(twice=lambda d: 2 * d["x"]), "columns")
    assert (row["severity"], row["seen"]) == (1, "left out as collinear: twice")


def test_heavy_tails_and_their_row():
    row = finding(SLEEP, "sleepstudy", "residuals")
    assert row["severity"] == 2
    assert row["seen"].startswith("heavy tails")
    assert "(row 56)" in row["seen"]
    assert row["value"] > 8  # kurtosis; 3 for a normal distribution


def test_random_effects_that_are_not_normal():
    rng = np.random.default_rng(3)
    data = clean(5, groups=60)
    b = rng.exponential(2, 60) ** 2
    data["y"] = data["x"] + b[data["g"].str[1:].astype(int)] + rng.normal(size=len(data))
    row = finding("y ~ x + (1 | g)", data, "random effects")
    assert row["severity"] == 1
    assert row["do"] == 'fit.plot.ranef_qq("g")'


def test_unequal_variances_by_group():
    rng = np.random.default_rng(6)
    data = clean(6, groups=20, size=12)
    data["y"] += rng.normal(size=240) * np.where(data["g"] == "g3", 6, 0)
    row = finding("y ~ x + (1 | g)", data, "variances")
    assert row["severity"] == 2
    assert "residuals of g3 spread" in row["seen"]
    assert row["value"] > 5


def test_the_log_is_offered_where_the_response_is_positive():
    rng = np.random.default_rng(7)
    data = clean(7, groups=20, size=12)
    mean = 1 + 0.3 * data["x"] + rng.normal(0, 1, 20)[np.repeat(np.arange(20), 12)]
    data["y"] = np.exp(mean + rng.normal(0, 0.3, 240))
    row = finding("y ~ x + (1 | g)", data, "variances")
    assert row["do"] == 'blm.lmer("log(y) ~ x + (1 | g)", data)'
    assert run(row["do"], data).check().table.loc["variances", "severity"] == 0


def test_a_group_that_decides():
    data = blm.datasets.load("sleepstudy")
    shifted = data.assign(Reaction=data["Reaction"] + 30 * data["Days"] * (data["Subject"].astype(str) == "337"))
    fit = fitted(SLEEP, shifted)
    row = fit.check().table.loc["groups apart"]
    assert row["severity"] == 2
    assert "without 337 of `Subject`, `Days` moves by 1.4 se" in row["seen"]
    assert row["value"] == pytest.approx(fit.influence("Subject").dfbetas.abs().max(axis=None))
    assert row["do"] == 'fit.influence("Subject").plot()'


def test_models_of_every_kind_can_be_checked():
    data = clean(9).assign(h=lambda d: [f"h{i % 4}" for i in range(len(d))], w=1.5, o=0.1)
    for formula in ("y ~ 0 + (1 | g)", "y ~ x + (0 + x | g)", "y ~ x + (1 | g/h)", "y ~ x + (x || g) + (1 | h)"):
        found = fitted(formula, data, weights="w", offset="o").check()
        assert set(found.table.index) == CHECKS
        assert str(found)


def test_a_seed_gives_the_same_table():
    fit = fitted(SLEEP, "sleepstudy")
    pd.testing.assert_frame_equal(fit.check().table, fit.check().table)
