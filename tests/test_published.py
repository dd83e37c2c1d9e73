"""The figures that are published for the salary data, to their printed digits, and the true optimum beside them."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.errors import SingularFitWarning

INTERCEPTS = "salary ~ 1 + grade + (1 | major)"
SLOPES = "salary ~ 1 + grade + (1 + grade | major)"


@pytest.fixture(scope="module")
def salary() -> pd.DataFrame:
    return blm.datasets.load("salary")


def quiet(formula, data, **options) -> blm.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        return blm.lmer(formula, data, **options)


def row(table: pd.DataFrame, name: str, **decimals: int) -> tuple[float, ...]:
    return tuple(round(float(table.loc[name, column]), places) for column, places in decimals.items())


def test_complete_pooling(salary):
    fit = blm.lm("salary ~ grade", salary)
    tests = fit.tests()
    assert row(tests, "(Intercept)", estimate=3, se=3) == (1.273, 1.997)
    assert row(tests, "grade", estimate=3, se=3, t=3, p=4) == (-3.653, 2.081, -1.755, 0.0925)
    F, q, df, p = fit.f_test
    assert (round(F, 3), q, df, round(p, 4)) == (3.081, 1, 23, 0.0925)
    assert (round(fit.sigma, 3), fit.df_resid) == (9.979, 23)
    assert (round(fit.r2, 4), round(fit.adj_r2, 5)) == (0.1181, 0.07978)
    text = fit.summary()
    assert "Residual standard error: 9.979 on 23 degrees of freedom" in text
    assert "Multiple R-squared: 0.1181, Adjusted R-squared: 0.07978" in text
    assert "F-statistic: 3.081 on 1 and 23 DF, p-value: 0.09254" in text


@pytest.mark.parametrize("optimizer", ["lbfgs", "bobyqa"])
def test_random_intercepts(salary, optimizer):
    fit = blm.lmer(INTERCEPTS, salary, optimizer=optimizer)
    assert round(fit.criterion, 1) == 137.8
    assert [round(sd, 3) for sd in fit.varcorr["sd"]] == [11.960, 2.886]
    tests = fit.summary().fixed
    assert row(tests, "(Intercept)", estimate=4, se=4, df=4, t=3, p=4) == (1.4512, 5.3796, 3.9624, 0.270, 0.8008)
    assert row(tests, "grade", estimate=4, se=4, df=4, t=3, p=4) == (2.0877, 0.7435, 19.2071, 2.808, 0.0112)
    assert round(correlation(fit), 3) == 0.004
    assert round(fit.icc(), 3) == 0.945
    quantiles = np.quantile(fit.residuals("scaled"), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, [-1.2577, -0.5724, -0.1475, 0.6408, 1.8026], atol=5.1e-5)
    assert not fit.is_singular
    assert fit.converged


def correlation(fit: blm.Fit) -> float:
    V = fit.vcov.to_numpy()
    return float(V[1, 0] / np.sqrt(V[0, 0] * V[1, 1]))


def test_random_slopes_as_published(salary):
    fit = quiet(SLOPES, salary, optimizer="bobyqa")
    assert round(fit.criterion, 1) == 137.7
    variances = fit.varcorr[fit.varcorr["term2"].isna()]
    assert [round(sd, 4) for sd in variances["sd"]] == [11.8667, 0.3475, 2.8835]
    assert round(fit.varcorr["corr"].dropna().item(), 2) == 1.00
    tests = fit.summary().fixed
    assert row(tests, "(Intercept)", estimate=4, se=4, df=4, t=3, p=4) == (1.6042, 5.3383, 3.9464, 0.301, 0.7789)
    assert row(tests, "grade", estimate=4, se=4, df=4, t=3, p=4) == (2.1043, 0.7572, 12.0758, 2.779, 0.0166)
    assert round(correlation(fit), 3) == 0.210
    # the page prints four digits of theta's effect; these are all of lme4's
    np.testing.assert_allclose(fit.theta, [4.115392552259895, 0.12053119790743988, 0], atol=2e-6)


def test_random_slopes_at_the_optimum(salary):
    fit = quiet(SLOPES, salary)
    assert round(fit.criterion, 8) == 137.71796998
    variances = fit.varcorr[fit.varcorr["term2"].isna()]
    assert [round(sd, 4) for sd in variances["sd"]][:2] == [11.8671, 0.3481]
    tests = fit.summary().fixed
    assert row(tests, "(Intercept)", estimate=4, se=4, df=4) == (1.6045, 5.3385, 3.9459)
    assert row(tests, "grade", estimate=4, se=4, df=4) == (2.1044, 0.7572, 12.0601)
    stopped = quiet(SLOPES, salary, optimizer="bobyqa")
    assert 2e-7 < stopped.criterion - fit.criterion < 4e-7


@pytest.mark.parametrize("optimizer", ["lbfgs", "bobyqa", "nelder-mead"])
def test_random_slopes_are_singular_and_say_why(salary, optimizer):
    reason = "the correlation of `(Intercept)` and `grade` in `major` is +1"
    with pytest.warns(SingularFitWarning, match=r"boundary \(singular\) fit: the correlation.*fit.sample\(\)"):
        fit = blm.lmer(SLOPES, salary, optimizer=optimizer)
    assert fit.is_singular
    assert fit.converged
    assert [s.sentence for s in fit.singularities] == [reason]
    assert fit.singularities[0].kind == "correlation"
    assert str(fit.summary()).endswith(f"boundary (singular) fit: {reason}")


def test_no_pooling_of_the_five_majors(salary):
    table = blm.pooling(blm.lmer(INTERCEPTS, salary)).table.set_index(["level", "term"])["no_pooling"].round(2)
    expected = {"a": (-6.35, 2.38), "b": (12.58, -0.35), "c": (12.26, 3.41), "d": (2.37, 0.85), "e": (-14.59, 1.87)}
    found = {level: (table[level, "(Intercept)"], table[level, "grade"]) for level in expected}
    assert found == expected
