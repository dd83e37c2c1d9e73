"""R2, intraclass correlation, components and partition of the variances: R's numbers, closed forms, special cases."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.point.icc import Share, icc_interval
from tests.compare.posteriors import SLEEP, fitted
from tests.reference_cases import HOME

LOOKING = json.loads((HOME / "looking" / "looking.json").read_text())
DYESTUFF, RAIL = "Yield ~ 1 + (1 | Batch)", "travel ~ 1 + (1 | Rail)"
MACHINES = "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"


@pytest.fixture(scope="module")
def sleep() -> blm.Fit:
    return fitted(SLEEP, "sleepstudy")


@pytest.fixture(scope="module")
def crossed() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    g, h = np.repeat(np.arange(9), 12), np.tile(np.arange(6), 18)
    x, z = rng.normal(3, 1.5, 108), rng.normal(size=108)
    f = rng.choice(list("abc"), 108)
    y = x + 0.5 * z + (f == "b") + rng.normal(size=9)[g] * x + rng.normal(0, 0.8, 6)[h] + rng.normal(size=108)
    return pd.DataFrame({"y": y, "x": x, "z": z, "f": f, "g": g, "h": h})


# -- R2 -----------------------------------------------------------------------------------------------------------


def test_published_values_for_sleepstudy(sleep):
    """As printed by R's performance::r2_nakagawa for this model: conditional 0.799, marginal 0.279."""
    assert sleep.r2().round(3).to_dict() == {"marginal": 0.279, "conditional": 0.799}


def test_r2_from_its_definition(crossed):
    fit = fitted("y ~ x + f + (x | g) + (1 | h)", crossed)
    fixed = np.var(fit.predict(re="none"), ddof=1)
    slopes, intercepts = (fit.estimates.covariances[[t.group for t in fit.design.terms].index(g)] for g in ("g", "h"))
    z = np.column_stack([np.ones(108), crossed["x"]])
    between = np.mean([row @ slopes @ row for row in z]) + intercepts.item()
    total = fixed + between + fit.sigma**2
    assert_allclose(fit.r2(), [fixed / total, (fixed + between) / total])
    assert fit.icc() == pytest.approx(between / (between + fit.sigma**2))


def test_nothing_explained_and_everything_random():
    fit = fitted(DYESTUFF, "dyestuff")
    assert_allclose(fit.r2(), [0, fit.icc()], atol=1e-12)
    assert fit.r2(by_term=True).empty


def test_an_offset_explains_nothing(crossed):
    fit = fitted("y ~ x + (1 | g)", crossed)
    shifted = fitted(
        "y ~ x + offset(o) + (1 | g)", crossed.assign(o=7 * crossed["z"], y=crossed["y"] + 7 * crossed["z"])
    )
    assert_allclose(shifted.r2(), fit.r2(), rtol=1e-6)


def test_semi_partial_is_the_difference_of_two_fits(crossed):
    fit = fitted("y ~ x + f + z + (1 | g)", crossed)
    found = fit.r2(by_term=True)["semi_partial"]
    for term, rest in (("x", "f + z"), ("f", "x + z"), ("z", "x + f")):
        other = fitted(f"y ~ {rest} + (1 | g)", crossed)
        assert found[term] == pytest.approx(fit.r2()["marginal"] - other.r2()["marginal"], rel=1e-5)


@pytest.mark.parametrize("coding", ["treatment", "sum", "helmert"])
def test_a_main_effect_is_seen_without_its_interaction_whatever_the_coding(crossed, coding):
    data = crossed.assign(k=np.where(crossed["z"] > 0, "u", "v"))
    fit = fitted("y ~ f * k + (1 | g)", data, contrasts={"f": coding, "k": coding})
    both, without, only = (fitted(f"y ~ {f} + (1 | g)", data).r2()["marginal"] for f in ("f + k", "k", "f"))
    found = fit.r2(by_term=True)["semi_partial"]
    expected = [both - without, both - only, fit.r2()["marginal"] - both]
    assert_allclose(found[["f", "k", "f:k"]], expected, rtol=1e-4)


# -- intraclass correlation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "formula", "data", "reml"),
    [
        ("dyestuff_reml", DYESTUFF, "dyestuff", True),
        ("dyestuff_ml", DYESTUFF, "dyestuff", False),
        ("rail_reml", RAIL, "rail", True),
    ],
)
def test_profile_interval_of_one_group_equals_that_of_theta_in_r(name, formula, data, reml):
    if data == "rail":
        data = pd.read_csv(HOME / "data" / "Rail.csv")
    fit = fitted(formula, data, reml=reml)
    found, expected = fit.icc(level=0.95), LOOKING["icc"][name]
    assert_allclose(found[["lower", "upper"]], [expected["lower"], expected["upper"]], rtol=1e-4)
    assert found["estimate"] == pytest.approx(fit.icc())


@pytest.mark.parametrize("groups", [{0}, {1}, {0, 1}])
def test_ends_are_those_of_a_constrained_search(crossed, groups):
    """The largest and the smallest share among all theta that the data do not reject, by SLSQP."""
    fit = fitted("y ~ x + (x | g) + (1 | h)", crossed)
    share = Share.of(fit.design, fit.likelihood, frozenset(groups))
    found = icc_interval(fit.likelihood, fit.theta.to_numpy(), True, share, 1.96)
    within = {"type": "ineq", "fun": lambda theta: fit.criterion + 1.96**2 - fit.objective(theta)}
    rng = np.random.default_rng(0)
    for sign, end in zip((1, -1), found, strict=True):
        best = np.inf
        for _ in range(4):
            start = fit.theta.to_numpy() * rng.uniform(0.8, 1.2, fit.theta.size)
            run = optimize.minimize(lambda t, s=sign: s * share.value(t), start, constraints=within, method="SLSQP")
            if fit.objective(run.x) < fit.criterion + 1.96**2 + 1e-5:
                best = min(best, run.fun)
        assert sign * best == pytest.approx(end, abs=2e-4)


def test_the_interval_begins_at_zero_for_a_singular_fit():
    fit = fitted(DYESTUFF, "dyestuff2")
    found = fit.icc(level=0.95)
    assert (found["estimate"], found["lower"]) == (0.0, 0.0)
    # at the upper end the criterion is worse by the squared quantile: icc = theta^2 / (1 + theta^2)
    theta = np.sqrt(found["upper"] / (1 - found["upper"]))
    assert fit.objective([theta]) - fit.criterion == pytest.approx(1.959964**2, abs=1e-4)


def test_collinear_columns_of_a_bar_have_an_interval_too(crossed):
    fit = fitted("y ~ x + (x + twice | g)", crossed.assign(twice=2 * crossed["x"] + 1e-9 * crossed["z"]))
    low, high = fit.icc(level=0.95)[["lower", "upper"]]
    expected = fitted("y ~ x + (x | g)", crossed).icc(level=0.95)
    assert_allclose([low, high], expected[["lower", "upper"]], rtol=0.02)


def test_every_group_has_its_interval(crossed):
    fit = fitted("y ~ x + (1 | g) + (1 | h)", crossed)
    table = fit.icc(by_group=True, level=0.9)
    assert list(table.index) == ["g", "h"]
    assert_allclose(table["estimate"], fit.icc(by_group=True))
    assert ((table["lower"] < table["estimate"]) & (table["estimate"] < table["upper"])).all()
    with pytest.raises(ArgumentError, match=r"write level=0\.9"):
        fit.icc(level=90)


def test_weights_divide_the_residual_variance(crossed):
    fit = fitted("y ~ x + (1 | g)", crossed.assign(w=4.0), weights="w")
    plain = fitted("y ~ x + (1 | g)", crossed)
    assert_allclose(fit.icc(level=0.95), plain.icc(level=0.95), rtol=1e-4)
    assert_allclose(fit.r2(), plain.r2(), rtol=1e-5)


@pytest.mark.slow
def test_coverage_of_the_interval_by_simulation():
    rng = np.random.default_rng(5)
    g, model, hits = np.repeat(np.arange(15), 6), None, 0
    for _ in range(400):
        y = rng.normal(size=15)[g] + rng.normal(size=90)
        if model is None:
            model = fitted("y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": g})).model
        low, high = model.with_response(y).fit().icc(level=0.95)[["lower", "upper"]]
        hits += low < 0.5 < high
    assert hits / 400 == pytest.approx(0.95, abs=0.033)  # three standard errors


# -- components and partition -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "formula", "data"),
    [
        ("sleep", SLEEP, "sleepstudy"),
        ("machines", MACHINES, "machines"),
        ("sleep_uncorrelated", "Reaction ~ Days + (Days || Subject)", "sleepstudy"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    ],
)
def test_components_equal_lme4s(name, formula, data):
    fit = fitted(formula, data)
    found = fit.repca()
    for group, expected in LOOKING[name]["repca"].items():
        own = found.table[found.table["group"] == group]
        assert_allclose(own["sd"], np.atleast_1d(expected["sdev"]), rtol=2e-4)
        loadings = found.loadings[found.loadings["group"] == group]["loading"].to_numpy()
        k = len(own)
        assert_allclose(np.abs(loadings.reshape(k, k).T), np.abs(expected["rotation"]), atol=1e-4)
        assert own["cumulative"].iloc[-1] == pytest.approx(1)
    assert "Proportion of Variance" in str(found)
    assert str(found) in found._repr_html_().replace("&amp;", "&")


def test_a_singular_fit_shows_a_component_without_variance():
    fit = fitted("salary ~ 1 + grade + (1 + grade | major)", "salary")
    assert fit.is_singular
    assert fit.repca().table["share"].iloc[-1] < 1e-12
    zero = fitted(DYESTUFF, "dyestuff2").repca().table
    assert zero["share"].isna().all()


def test_variances_at_chosen_predictors(sleep):
    found = sleep.variance_partition({"Days": [0, 9]})
    V = sleep.estimates.covariances[0]
    late = np.array([1.0, 9.0]) @ V @ [1.0, 9.0]
    assert found["group"].tolist() == ["Subject", "Residual"] * 2
    assert found["Days"].tolist() == [0, 0, 9, 9]
    assert_allclose(found["variance"], [V[0, 0], sleep.sigma**2, late, sleep.sigma**2])
    assert_allclose(found["share"].iloc[2], late / (late + sleep.sigma**2))
    assert_allclose(found["sd"] ** 2, found["variance"])
    pd.testing.assert_frame_equal(sleep.variance_partition(pd.DataFrame({"Days": [0, 9]})), found)


def test_partition_of_factors_combinations_and_intercepts(crossed):
    fit = fitted("y ~ x + (0 + f | g) + (x | h)", crossed)
    found = fit.variance_partition({"f": ["a", "c"], "x": [0.0, 2.0]})
    assert len(found) == 12
    V = dict(zip((t.group for t in fit.design.terms), fit.estimates.covariances, strict=True))
    row = found[(found["f"] == "c") & (found["x"] == 2.0)].set_index("group")["variance"]
    assert_allclose(row["g"], V["g"][2, 2])
    assert_allclose(row["h"], np.array([1.0, 2.0]) @ V["h"] @ [1.0, 2.0])
    alone = fitted(DYESTUFF, "dyestuff").variance_partition()
    assert_allclose(alone["share"].iloc[0], fitted(DYESTUFF, "dyestuff").icc())


@pytest.mark.parametrize(
    ("at", "error", "message"),
    [
        (None, ArgumentError, r"depends on `Days`.*variance_partition\(at=\{\"Days\": \[...\]\}\)"),
        ({"Dayz": [1]}, ArgumentError, "no variance depends on `Dayz`; did you mean `Days`"),
        ({}, ArgumentError, "the variances depend on `Days` too; give its values"),
        ({"Days": ["soon"]}, DataError, "`Days` held numbers"),
    ],
)
def test_wrong_points_get_a_sentence(sleep, at, error, message):
    with pytest.raises(error, match=message):
        sleep.variance_partition(at)


def test_shares_do_not_depend_on_units(crossed):
    fit = fitted("y ~ x + f + (x | g) + (1 | h)", crossed)
    other = fitted("y ~ x + f + (x | g) + (1 | h)", crossed.assign(y=1e3 * crossed["y"], x=crossed["x"] / 50))
    assert_allclose(other.r2(), fit.r2(), rtol=1e-5)
    assert_allclose(other.icc(level=0.95), fit.icc(level=0.95), rtol=1e-3)
