"""Leverage, and what deletions do: lme4's numbers, refits of the data without the rows, dense arithmetic."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from tests.compare.posteriors import SLEEP, fitted
from tests.designs import SHAPES, make_design
from tests.reference_cases import HOME, arguments, case_names, load_case, load_frame

LOOKING = json.loads((HOME / "looking" / "looking.json").read_text())
IN_R = {
    "sleep": (SLEEP, "sleepstudy", "Subject"),
    "penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", "sample"),
    "machines": ("score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", "machines", "Worker"),
    "sleep_uncorrelated": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", "Subject"),
}
SHAPED = {
    "slopes": ("y ~ x + (x | g)", "g"),
    "nested, outer": ("y ~ x + (1 | g) + (x | g:h)", "g"),
    "nested, inner": ("y ~ x + (1 | g) + (1 | g:h)", "g:h"),
    "crossed": ("y ~ x + f + (x | g) + (1 | h)", "h"),
    "apart": ("y ~ x + (x || g) + (1 | h)", "g"),
}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g, h = rng.integers(0, 7, 110), rng.integers(0, 4, 110)
    x, f = rng.normal(2, 1, 110), rng.choice(list("abc"), 110)
    b = rng.normal(size=(7, 2))
    y = x + (f == "c") + b[g, 0] + 0.5 * b[g, 1] * x + rng.normal(0, 0.7, (7, 4))[g, h] + rng.normal(size=110)
    columns = {"y": y, "x": x, "f": f, "g": [f"g{i}" for i in g], "h": [f"h{i}" for i in h]}
    return pd.DataFrame({**columns, "w": rng.uniform(0.5, 2, 110), "o": rng.normal(size=110)})


def refitted(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return blm.lmer(formula, data, **options)


# -- leverage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in case_names() if load_case(n)["REML"].get("hat_trace") is not None])
def test_trace_of_the_hat_matrix_equals_lme4s(name):
    case = load_case(name)
    fit = fitted(case["formula"], load_frame(case), **arguments(case))
    leverage = fit.influence().table["leverage"].sum()
    # at lme4's optimum; on a flat criterion both may stand apart by what theta may move
    assert leverage == pytest.approx(case["REML"]["hat_trace"], rel=2e-3)


@pytest.mark.parametrize("name", IN_R)
def test_hat_values_row_by_row_equal_lme4s(name):
    formula, frame, _ = IN_R[name]
    found = fitted(formula, frame).influence().table["leverage"]
    assert_allclose(found, LOOKING[name]["hat"], rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_leverage_is_the_derivative_of_the_fitted_value(shape):
    from bayeslmm.point.estimates import estimates
    from bayeslmm.point.influence import Base, hat_values
    from bayeslmm.point.optimise import optimise

    design = make_design(shape, seed=4, weighted=True, n=90)
    likelihood = MarginalLikelihood.of(design)
    optimum = optimise(likelihood, True, "lbfgs")
    at = estimates(likelihood, optimum, True)
    h, g = hat_values(Base(design, likelihood, optimum, at, True))
    dense = Dense.of(design)
    V_inv = np.linalg.inv(dense.covariance(at.lambdas))
    C = np.linalg.inv(design.X.T @ V_inv @ design.X)
    P = V_inv - V_inv @ design.X @ C @ design.X.T @ V_inv
    assert_allclose(h, 1 - np.diag(P) / design.weights, rtol=1e-8, atol=1e-10)
    assert_allclose(g, (C @ design.X.T @ V_inv).T, rtol=1e-7, atol=1e-9)


# -- groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_R)
def test_deletion_of_groups_equals_lme4s(name):
    formula, frame, group = IN_R[name]
    fit, expected = fitted(formula, frame), LOOKING[name]
    found, deletion = fit.influence(group), LOOKING[name]["deletion"]
    order = [str(level) for level in deletion["level"]]
    assert_allclose(found.fixef.loc[order], deletion["fixef"], rtol=1e-5)
    assert_allclose(found.dfbetas.loc[order], deletion["dfbetas"], atol=2e-4)
    assert_allclose(found.table.loc[order, "covratio"], deletion["covratio"], rtol=1e-3)
    assert_allclose(found.table.loc[order, "cooks"], expected["cooks"], rtol=1e-3)
    assert_allclose(found.table.loc[order, "sigma"] ** 2, np.array(deletion["varcomp"])[:, 0], rtol=1e-3)


@pytest.mark.parametrize("name", SHAPED)
@pytest.mark.parametrize("reml", [True, False])
def test_deletion_of_groups_equals_a_refit_without_their_rows(data, name, reml):
    formula, group = SHAPED[name]
    options = {"weights": "w", "offset": "o", "reml": reml}
    fit = refitted(formula, data, **options)
    found = fit.influence(group)
    term = next(t for t in fit.design.terms if t.group == group)
    assert list(found.table.index) == list(term.levels)
    for position, level in enumerate(term.levels[:4]):
        other = refitted(formula, data[term.index != position], **options)
        assert_allclose(found.fixef.loc[level], other.fixef, rtol=1e-5, atol=1e-6)
        assert found.table.loc[level, "sigma"] == pytest.approx(other.sigma, rel=1e-5)
        assert_allclose(found.theta.loc[level], other.theta, atol=2e-4)
        assert fit.objective(other.theta) - fit.criterion == pytest.approx(
            found.table.loc[level, "displacement"], abs=1e-5
        )
        ratio = np.linalg.det(other.vcov) / np.linalg.det(fit.vcov)
        assert found.table.loc[level, "covratio"] == pytest.approx(ratio, rel=1e-4)
        assert_allclose(found.dfbetas.loc[level], (fit.fixef - other.fixef) / other.bse, rtol=1e-3, atol=1e-6)


def test_the_compiled_loops_give_the_same(data, monkeypatch):
    formula, group = SHAPED["crossed"]
    plain = refitted(formula, data).influence(group).table.drop(columns=["coefficient", "problem"])
    monkeypatch.setenv("BAYESLMM_ENGINE", "compiled")
    compiled = refitted(formula, data).influence(group).table.drop(columns=["coefficient", "problem"])
    assert_allclose(compiled, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SHAPED)
def test_a_start_at_the_theta_of_all_rows_leads_to_the_same_optimum(data, name, monkeypatch):
    formula, group = SHAPED[name]
    fit = refitted(formula, data)
    cold = fit.influence(group)
    monkeypatch.setattr("bayeslmm.point.influence.LARGE", 0.0)
    warm = fit.influence(group)
    assert_allclose(warm.fixef, cold.fixef, rtol=1e-5, atol=1e-6)
    assert_allclose(warm.table["displacement"], cold.table["displacement"], atol=1e-5)


def test_a_coefficient_that_only_one_group_tells_has_no_estimate_without_it(data):
    special = data.assign(s=((data["g"] == "g2") * data["x"]))
    fit = refitted("y ~ x + s + (1 | g)", special)
    found = fit.influence("g")
    assert np.isnan(found.fixef.loc["g2", "s"])
    assert found.table.loc["g2", "problem"] == "without it there is no estimate of s"
    other = refitted("y ~ x + (1 | g)", special[special["g"] != "g2"])
    assert_allclose(found.fixef.loc["g2"].dropna(), other.fixef, rtol=1e-6)
    assert found.table.loc["g2", "sigma"] == pytest.approx(other.sigma, rel=1e-6)
    assert "g2: without it there is no estimate of s" in str(found)
    assert np.isfinite(found.fixef.drop(index="g2")).all(axis=None)


def test_a_deletion_that_leaves_one_level_says_so(data):
    # all rows of h but those of level h0 lie in g0
    part = data[(data["h"] == "h0") | (data["g"] == "g0")]
    found = refitted("y ~ x + (1 | g) + (1 | h)", part).influence("g")
    assert found.table.loc["g0", "problem"] == "without it `h` has 1 level left"
    assert np.isnan(found.table.loc["g0", "cooks"])
    assert (found.table["problem"] == "").sum() == len(found.table) - 1


# -- rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
def test_rows_in_closed_form_are_exact_at_fixed_theta(data, reml):
    fit = refitted("y ~ x + f + (x | g) + (1 | h)", data, weights="w", reml=reml)
    found = fit.influence()
    for i in (0, 17, 63):
        rest = np.delete(np.arange(fit.nobs), i)
        design, lambdas = fit.design, fit.estimates.lambdas
        full = Dense.of(design)
        part = Dense(full.y[rest], full.X[rest], full.Z[rest], full.weights[rest], full.blocks)
        beta, C = part.beta(lambdas)
        residual = part.y - part.X @ beta
        nu = rest.size - (design.p if reml else 0)
        sigma2 = residual @ np.linalg.solve(part.covariance(lambdas), residual) / nu
        assert_allclose(found.fixef.iloc[i], beta, rtol=1e-7)
        assert found.table["sigma"].iloc[i] == pytest.approx(np.sqrt(sigma2), rel=1e-8)
        shift = fit.fixef - beta
        assert_allclose(found.dfbetas.iloc[i], shift / np.sqrt(sigma2 * np.diag(C)), rtol=1e-6, atol=1e-9)
        cooks = shift @ np.linalg.solve(fit.vcov, shift) / design.p
        assert found.table["cooks"].iloc[i] == pytest.approx(cooks, rel=1e-6)
        ratio = np.linalg.det(sigma2 * C) / np.linalg.det(fit.vcov)
        assert found.table["covratio"].iloc[i] == pytest.approx(ratio, rel=1e-6)
    assert found.table["displacement"].isna().all()


def test_rows_exactly(data):
    fit = refitted(SHAPED["slopes"][0], data)
    found = fit.influence(exact=True)
    for i in (0, 44):
        other = refitted(SHAPED["slopes"][0], data.drop(index=i))
        assert_allclose(found.fixef.loc[i], other.fixef, rtol=1e-5)
        assert_allclose(found.theta.loc[i], other.theta, atol=1e-4)
    # theta moves little for one row of many: both ways agree in the large
    close = fit.influence().table["cooks"]
    assert np.corrcoef(found.table["cooks"], close)[0, 1] > 0.95


def test_without_random_effects_it_is_what_regression_texts_say():
    """At theta = 0 the formulas are those of ordinary least squares: Cook's D = r^2 h / (p s^2 (1 - h)^2)."""
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    assert fit.is_singular
    found, e, h = fit.influence().table, fit.residuals(), 1 / 30
    assert_allclose(found["leverage"], h, rtol=1e-8)
    assert_allclose(found["cooks"], e**2 * h / (fit.sigma**2 * (1 - h) ** 2), rtol=1e-6)


def test_a_row_that_alone_tells_a_coefficient(data):
    special = data.assign(s=(np.arange(110) == 5).astype(float))
    found = refitted("y ~ x + s + (1 | g)", special).influence()
    assert found.table["leverage"].iloc[5] == pytest.approx(1)
    assert found.table["problem"].iloc[5] == "no other row tells what this one tells"
    assert np.isfinite(found.table["cooks"].drop(index=5)).all()


# -- arguments, printing ------------------------------------------------------------------------------------------


def test_sets_of_the_callers_own(data):
    fit = refitted(SHAPED["slopes"][0], data)
    labels = data["g"].to_numpy()
    own = fit.influence(labels)
    pd.testing.assert_frame_equal(own.table, fit.influence("g").table, check_names=False, check_index_type=False)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("Subjct", "no such grouping factor; None is for rows; did you mean `Subject`"),
        ([1, 2], "one label for each of the 180 rows"),
        (np.repeat([1, 2], 90), "one of 2 levels left out"),
        (np.r_[np.nan, np.arange(179)], "a label is missing"),
    ],
)
def test_wrong_groups_get_a_sentence(by, message):
    with pytest.raises(ArgumentError, match=message):
        fitted(SLEEP, "sleepstudy").influence(by)


def test_a_model_without_fixed_effects():
    found = fitted("Reaction ~ 0 + (1 | Subject)", "sleepstudy").influence("Subject")
    assert found.table["cooks"].isna().all()
    assert "Cook's distance above" in str(found)


def test_it_prints_the_worst_first():
    found = fitted(SLEEP, "sleepstudy").influence()
    lines = str(found).splitlines()
    assert lines[0] == "Influence of 180 rows (theta fixed), worst first"
    assert lines[3].split()[0] == str(found.table["cooks"].idxmax()) == "59"
    assert lines[-1] == "Cook's distance above 4/180 = 0.0222: 59, 130"
    assert found.outlying == [59, 130]
    assert "Influence of 180 rows" in found._repr_html_()
