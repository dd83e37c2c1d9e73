"""Every linear mixed model of the reference set against lme4 and lmerTest, by REML and by ML."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from tests.reference_cases import arguments, case_names, load_case, load_frame, numbers

CASES = [
    pytest.param(name, reml, id=f"{name}-{'REML' if reml else 'ML'}") for name in case_names() for reml in (True, False)
]

# lmerTest's numerical derivatives lose these df (see tests/reference/README.md); held to `sleep_slope` below instead
WRONG_IN_R = ("sleep_year_slope",)

pytestmark = [
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning"),
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning"),
]


@cache
def model(name):
    case = load_case(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return blm.Model(case["formula"], load_frame(case), **arguments(case))


@cache
def fitted(name, reml):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model(name).fit(reml)


def both(name, reml):
    return fitted(name, reml), load_case(name)["REML" if reml else "ML"]


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_criterion_at_fixed_theta(name, reml):
    fit, reference = both(name, reml)
    assert sorted(fit.theta.index) == sorted(reference["theta"]["names"])
    for point in reference["at_theta"]:
        theta = pd.Series(point["theta"], index=reference["theta"]["names"])
        assert_allclose(fit.objective(theta), point["value"], rtol=1e-10)


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_optimum_is_proven_and_never_worse(name, reml):
    fit, reference = both(name, reml)
    assert fit.converged, fit.certificate
    assert fit.criterion <= reference["criterion"] + 1e-6
    assert fit.is_singular == reference["is_singular"]


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_fixed_effects(name, reml):
    fit, reference = both(name, reml)
    names = reference["fixef"]["names"]
    assert list(fit.fixef.index) == names
    # R's optimiser stops short of the optimum by up to 1e-4 of a standard error
    se = numbers(reference["fixef"]["se"])
    assert_allclose(fit.fixef, reference["fixef"]["values"], rtol=1e-5, atol=1e-4 * se.min())
    assert_allclose(fit.bse, se, rtol=1e-4)
    scale = np.outer(se, se)
    assert_allclose(fit.vcov / scale, numbers(reference["vcov"]) / scale, rtol=1e-3, atol=1e-4)
    assert sorted(model(name).design.dropped) == sorted(reference["dropped"] or [])


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_variances(name, reml):
    fit, reference = both(name, reml)
    assert_allclose(fit.sigma, reference["sigma"], rtol=1e-4)
    table = fit.varcorr
    assert table["group"].iloc[-1] == "Residual"
    for block in reference["varcorr"]:
        own = table[table["group"] == block["group"]]
        variances = own[own["term2"].isna()].set_index("term1")
        # Lambda Lambda' on the scale of the sd
        assert_allclose(variances.loc[block["names"], "sd"], block["sd"], atol=1e-3 * fit.sigma, rtol=1e-3)
        pairs = own[own["term2"].notna()].set_index(["term1", "term2"])
        for i, one in enumerate(block["names"]):
            for j, other in enumerate(block["names"][:i]):
                if block["sd"][i] > 1e-3 * fit.sigma and block["sd"][j] > 1e-3 * fit.sigma:
                    assert_allclose(pairs.loc[(other, one), "corr"], block["cor"][i][j], atol=2e-3)


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_likelihood_and_information_criteria(name, reml):
    fit, reference = both(name, reml)
    assert_allclose(fit.loglik, reference["logLik"], atol=1e-6)
    assert_allclose([fit.aic, fit.bic], [reference["AIC"], reference["BIC"]], atol=2e-6)
    assert fit.df_resid == reference["df_resid"]


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_satterthwaite(name, reml):
    fit, reference = both(name, reml)
    expected = reference["satterthwaite"]
    found = fit.summary().fixed
    assert_allclose(found["t"], numbers(expected["t"]), rtol=1e-3, atol=1e-4)
    if name in WRONG_IN_R:
        slope = fitted("sleep_slope", reml).summary().fixed.loc["Days"]
        assert_allclose(found.loc["year", ["df", "p"]].astype(float), slope[["df", "p"]].astype(float), rtol=1e-3)
        return
    # both sides differentiate numerically; at the boundary R's third digit is uncertain
    tolerance = 1e-2 if reference["is_singular"] else 1e-3
    assert_allclose(found["df"], numbers(expected["df"]), rtol=tolerance)
    far = numbers(expected["p"]) < 1e-12
    assert_allclose(found["p"][~far], numbers(expected["p"])[~far], rtol=10 * tolerance)


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_type_3_table(name, reml):
    fit, reference = both(name, reml)
    if not reference.get("anova") or name in WRONG_IN_R:
        return
    compare_anova(fit.anova().table, reference["anova"], 1e-2 if reference["is_singular"] else 1e-3)


@pytest.mark.parametrize("name", [n for n in case_names() if load_case(n)["REML"].get("anova_type1")])
def test_type_1_table(name):
    fit, reference = both(name, True)
    compare_anova(fit.anova(type=1).table, reference["anova_type1"], 1e-3)


@pytest.mark.parametrize("name", [n for n in case_names() if load_case(n)["REML"].get("anova_type2")])
def test_type_2_table(name):
    fit, reference = both(name, True)
    compare_anova(fit.anova(type=2).table, reference["anova_type2"], 1e-3)


def compare_anova(table, expected, tolerance):
    expected = pd.DataFrame(expected).set_index("term").astype(float) if expected["term"] else pd.DataFrame()
    assert sorted(table.index) == sorted(expected.index)
    if expected.empty:
        return
    table = table.loc[expected.index]
    tested = expected["F"].notna()
    assert (table["F"].notna() == tested).all()
    for column in ("SumSq", "MeanSq", "NumDF", "F"):
        assert_allclose(table.loc[tested, column], expected.loc[tested, column], rtol=1e-3, err_msg=column)
    assert_allclose(table.loc[tested, "DenDF"], expected.loc[tested, "DenDF"], rtol=tolerance)


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_conditional_modes_and_their_sds(name, reml):
    fit, reference = both(name, reml)
    table = fit.ranef().set_index(["group", "level", "term"])
    for group, expected in reference["ranef"].items():
        values, sds = numbers(expected["values"]), numbers(expected["postvar_sd"])
        assert fit.ngroups[group] == expected["n_levels"]
        found = table.loc[group].unstack("term").loc[expected["levels"]]
        for j, effect in enumerate(expected["names"]):
            # R stopped within 1e-3 of our theta
            scale = 1e-3 * max(fit.sigma, np.abs(values[:, j]).max())
            assert_allclose(found["estimate"][effect], values[:, j], atol=scale)
            assert_allclose(found["se"][effect], sds[:, j], atol=1e-3 * fit.sigma, rtol=2e-3)


@pytest.mark.parametrize(("name", "reml"), CASES)
def test_fitted_and_residuals(name, reml):
    fit, reference = both(name, reml)
    scale = 1e-3 * fit.sigma
    assert_allclose(fit.fitted[: len(reference["fitted_head"])], reference["fitted_head"], atol=scale)
    assert_allclose(fit.residuals()[: len(reference["resid_head"])], reference["resid_head"], atol=scale)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", [n for n in case_names() if load_case(n)["REML"].get("predict")])
def test_predictions_for_known_and_new_levels(name, reml):
    fit, reference = both(name, reml)
    predictions = reference["predict"]
    new = pd.DataFrame(predictions["newdata"])
    for re, expected in (("all", predictions["re_all"]), ("none", predictions["re_none"])):
        found = fit.predict(new, re=re, new_levels="population")
        if name == "sleep_offset":
            # lme4 leaves the `offset` argument out of predictions for new data, but not out of fitted values
            found = found - new["off"]
        assert_allclose(found, numbers(expected), atol=1e-3 * fit.sigma, rtol=1e-5)


@pytest.mark.parametrize("name", [n for n in case_names() if load_case(n)["REML"].get("confint")])
def test_wald_intervals(name):
    fit, reference = both(name, True)
    wald = reference["confint"]["wald"]
    expected = pd.DataFrame({"lower": wald["lower"], "upper": wald["upper"]}, index=wald["names"], dtype=float)
    found = fit.confint("wald")
    assert_allclose(found, expected.loc[found.index], rtol=1e-4, atol=1e-4 * fit.bse.min())


@pytest.mark.parametrize("name", ["salary_rs", "salary_ri", "sleep_slope", "penicillin", "pastes_slash", "dyestuff2"])
@pytest.mark.parametrize("reml", [True, False])
def test_bobyqa_stops_where_lme4_stops(name, reml):
    reference = load_case(name)["REML" if reml else "ML"]["default_fit"]
    names = load_case(name)["REML" if reml else "ML"]["theta"]["names"]
    fit = model(name).fit(reml, optimizer="bobyqa")
    # the path is lme4's as long as rounding allows; it ends within the same tolerance of the optimum
    assert_allclose(fit.theta[names], reference["theta"], atol=2e-4)
    assert_allclose(fit.criterion, reference["criterion"], atol=1e-7)
