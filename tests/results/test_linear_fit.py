"""`blm.lm` against R's `lm` for every linear model of the reference set."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from tests.reference_cases import arguments, case_names, load_case, load_frame

CASES = case_names("lm")

pytestmark = pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")


@cache
def fitted(name: str):
    case = load_case(name)
    return blm.lm(case["formula"], load_frame(case), **arguments(case))


@pytest.mark.parametrize("name", CASES)
def test_coefficients_and_their_tests(name):
    fit, expected = fitted(name), load_case(name)["coef"]
    table = fit.tests()
    assert list(table.index) == expected["names"]
    for column, key in (("estimate", "values"), ("se", "se"), ("t", "t"), ("p", "p")):
        assert_allclose(table[column], expected[key], rtol=1e-8, atol=1e-10, err_msg=column)
    assert_allclose(fit.vcov, load_case(name)["vcov"], rtol=1e-8, atol=1e-10)
    assert list(fit.design.dropped) == (load_case(name)["dropped"] or [])


@pytest.mark.parametrize("name", CASES)
def test_the_fit_as_a_whole(name):
    fit, case = fitted(name), load_case(name)
    assert_allclose([fit.sigma, fit.r2, fit.adj_r2], [case["sigma"], case["r2"], case["adj_r2"]], rtol=1e-9)
    F, q, df, p = fit.f_test
    assert_allclose([F, p], [case["F"]["value"], case["F"]["p"]], rtol=1e-8)
    assert (q, df) == (case["F"]["numdf"], case["F"]["dendf"])
    assert fit.df_resid == case["df_resid"]
    assert_allclose([fit.loglik, fit.aic, fit.bic], [case["logLik"], case["AIC"], case["BIC"]], rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_intervals_fitted_values_and_residuals(name):
    fit, case = fitted(name), load_case(name)
    interval = fit.confint()
    assert_allclose(interval["lower"], case["confint"]["lower"], rtol=1e-8, atol=1e-9)
    assert_allclose(interval["upper"], case["confint"]["upper"], rtol=1e-8, atol=1e-9)
    assert_allclose(fit.fitted[: len(case["fitted_head"])], case["fitted_head"], rtol=1e-9, atol=1e-9)
    assert_allclose(fit.residuals()[: len(case["resid_head"])], case["resid_head"], rtol=1e-7, atol=1e-9)


def test_an_intercept_alone_has_no_f_test():
    fit = blm.lm("Reaction ~ 1", blm.datasets.load("sleepstudy"))
    assert np.isnan(fit.f_test[0])
    assert "F-statistic" not in fit.summary()
    assert fit._repr_html_().startswith("<pre")
    assert repr(fit) == fit.summary()


def test_few_residuals_are_shown_themselves_as_r_does():
    """R 4.2.2: summary(lm(salary ~ grade, salary[1:7, ])), whose rows are 1 to 7."""
    text = blm.lm("salary ~ grade", blm.datasets.load("salary").iloc[:7]).summary()
    assert (
        "Residuals:\n"
        "       0        1        2        3        4        5        6\n"
        " -2.4416  -2.8188 -12.3237  -8.3287   0.5913  16.0226   9.2990\n"
    ) in text
    assert "F-statistic: 0.01308 on 1 and 5 DF, p-value: 0.9134" in text


def test_columns_left_out_stand_at_their_places():
    lines = fitted("lm_rankdef").summary().splitlines()
    start = lines.index("Coefficients: (2 not defined because of singularities)")
    assert lines[start + 7].split() == ["x2", *["NA"] * 4]
    assert lines[start + 9].split() == ["fr:hv", *["NA"] * 4]
