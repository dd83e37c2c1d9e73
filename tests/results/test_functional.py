"""Functions of the parameters: what they collapse to, formulas by hand, and coverage."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.point.satterthwaite import boundary_notes


@pytest.fixture(scope="module")
def sleep():
    return blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))


@pytest.mark.parametrize("reml", [True, False])
def test_a_linear_function_of_the_coefficients_is_satterthwaites(reml):
    fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), reml=reml)
    found = fit.functional(lambda v: v.beta["(Intercept)"] + 3 * v.beta["Days"]).iloc[0]
    expected = fit.contrast("(Intercept) + 3 * Days").table.iloc[0]
    columns = ["estimate", "se", "df", "lower", "upper"]
    # the df differentiate the variance a second time by differences
    assert_allclose(found[columns].astype(float), expected[columns].astype(float), rtol=1e-3)


def test_a_balanced_residual_variance_is_chi_square():
    fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
    nu = 161
    found = fit.functional(lambda v: v.sigma**2).iloc[0]
    assert_allclose(found["se"], fit.sigma**2 * np.sqrt(2 / nu), rtol=1e-5)
    assert_allclose(found["df"], nu / 4, rtol=1e-3)
    log = fit.functional(lambda v: v.sigma**2, scale="log").iloc[0]
    assert_allclose(log["se"], found["se"], rtol=1e-5)
    assert np.isinf(log["df"])
    assert_allclose(
        [log["lower"], log["upper"]], fit.sigma**2 * np.exp(np.array([-1, 1]) * 1.959964 * np.sqrt(2 / nu)), rtol=1e-5
    )


def test_ratio_of_coefficients_has_the_delta_methods_error(sleep):
    found = sleep.functional(lambda v: v.beta["Days"] / v.beta["(Intercept)"]).iloc[0]
    a, b = sleep.fixef
    g = np.array([-b / a**2, 1 / a])
    assert_allclose([found["estimate"], found["se"]], [b / a, np.sqrt(g @ sleep.vcov.to_numpy() @ g)], rtol=1e-6)


def test_parameters_have_names(sleep):
    seen = []

    def f(v):
        seen.append(v)
        return {
            "icc": v.var["Subject"]["(Intercept)"] / (v.var["Subject"].sum() + v.sigma**2),
            "cor": v.cor["Subject"].loc["Days", "(Intercept)"],
            "sd": v.sd["Subject"]["Days"],
        }

    table = sleep.functional(f)
    assert table.index.tolist() == ["icc", "cor", "sd"]
    varcorr = sleep.varcorr
    assert_allclose(table.loc["cor", "estimate"], varcorr["corr"].dropna().iloc[0], rtol=1e-6)
    assert_allclose(table.loc["sd", "estimate"], varcorr["sd"].iloc[1], rtol=1e-6)
    assert_allclose(seen[0].cov["Subject"].to_numpy(), seen[0].cov["Subject"].to_numpy().T)
    assert sleep.functional(lambda v: v.beta).index.tolist() == ["(Intercept)", "Days"]
    assert sleep.functional(lambda v: [v.sigma, 2 * v.sigma]).index.tolist() == ["value1", "value2"]
    assert sleep.functional(lambda v: v.sigma).index.tolist() == ["value"]


def test_units_do_not_matter():
    data = blm.datasets.load("sleepstudy").assign(
        Reaction=lambda d: 1e-3 * d["Reaction"], Days=lambda d: 1e4 * d["Days"]
    )
    one = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    other = blm.lmer("Reaction ~ Days + (Days | Subject)", data)
    share = [
        fit.functional(
            lambda v: v.var["Subject"]["(Intercept)"] / (v.var["Subject"]["(Intercept)"] + v.sigma**2), "logit"
        )
        for fit in (one, other)
    ]
    assert_allclose(share[1], share[0], rtol=1e-3)


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_at_a_singular_fit_the_boundary_is_held():
    fit = blm.lmer("salary ~ 1 + grade + (1 + grade | major)", blm.datasets.load("salary"))
    assert boundary_notes(fit.optimum.cone)
    found = fit.functional(lambda v: v.beta["grade"]).iloc[0]
    expected = fit.tests().loc["grade"]
    assert_allclose(
        found[["estimate", "se", "df"]].astype(float), expected[["estimate", "se", "df"]].astype(float), rtol=2e-3
    )


@pytest.mark.parametrize(
    ("f", "options", "message"),
    [
        (lambda v: np.log(-v.sigma), {}, "not finite at the estimate"),
        (lambda v: v.sigma, {"scale": "sqrt"}, "identity, log, logit, atanh"),
        (lambda v: v.sigma, {"level": 95}, "write level=0.95"),
        (lambda v: np.eye(2), {}, r"returned shape \(2, 2\)"),
        (lambda v: "text", {}, "it returns a number"),
        ("beta", {}, "give a function of the parameters; got str"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_requests_get_a_sentence(sleep, f, options, message):
    with pytest.raises(ArgumentError, match=message):
        sleep.functional(f, **options)


def test_too_many_crossed_levels_are_refused(sleep, monkeypatch):
    monkeypatch.setattr("bayeslmm.likelihood.second_order.MAX_NUMBERS", 1)
    with pytest.raises(NotAvailableError, match="too many levels"):
        sleep.functional(lambda v: v.sigma)


@pytest.mark.slow
def test_intervals_of_the_icc_cover():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(20), 8)
    data = pd.DataFrame({"y": rng.normal(size=g.size), "g": g})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, inside, runs = blm.Model("y ~ 1 + (1 | g)", data), 0, 250
        for _ in range(runs):
            y = rng.normal(size=20)[g] + rng.normal(size=g.size)
            fit = model.with_response(y).fit()
            share = fit.functional(lambda v: v.var["g"].iloc[0] / (v.var["g"].iloc[0] + v.sigma**2), "logit").iloc[0]
            inside += share["lower"] < 0.5 < share["upper"]
    # 95 % within three Monte Carlo standard errors of what a delta method reaches with 20 groups
    assert 0.91 < inside / runs < 0.98


def test_confint_of_a_function_of_the_parameters():
    fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))

    def share(v):
        between = v.var["Subject"]["(Intercept)"]
        return {"icc": between / (between + v.sigma**2), "Days": v.beta["Days"]}

    table = fit.functional(share)
    np.testing.assert_allclose(fit.confint(parm=share), table[["lower", "upper"]])
    np.testing.assert_allclose(table.loc["icc", "estimate"], fit.icc(), rtol=1e-12)
    boot = fit.confint("boot", parm=share, n=300, seed=2)
    assert list(boot.index) == ["icc", "Days"]
    own = fit.bootstrap(lambda f: f.icc(), n=300, seed=2).confint()
    np.testing.assert_allclose(boot.loc["icc"], own.iloc[0], rtol=1e-9)
    with pytest.raises(NotAvailableError, match="for parameters and combinations of the fixed effects"):
        fit.confint("profile", parm=share)
