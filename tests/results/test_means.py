"""Marginal means, comparisons, slopes and joint tests against emmeans and lmerTest, and what must not change them."""

import json
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.reference_cases import HOME, arguments, load_case, load_frame, numbers

REFERENCE = json.loads((HOME / "emmeans" / "emmeans.json").read_text())

pytestmark = [
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning"),
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning"),
]


@cache
def fitted(name):
    case = load_case(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return blm.lmer(case["formula"], load_frame(case), **arguments(case))


def entry_id(entry):
    return "-".join([entry["case"], entry["verb"], entry["ddf"], entry["adjust"]])


@pytest.mark.parametrize("entry", REFERENCE["tables"], ids=entry_id)
def test_equal_to_emmeans(entry):
    given = {k: v for k, v in entry["args"].items() if v not in ({}, None)}
    found = getattr(fitted(entry["case"]), entry["verb"])(**given, ddf=entry["ddf"], adjust=entry["adjust"]).table
    expected = pd.DataFrame(
        {k: numbers(entry[k]).ravel() for k in ("estimate", "se", "df", "lower", "upper", "t", "p")}
    )
    known = expected["estimate"].notna()
    assert (found["estimate"].notna() == known).all()
    expected, found = expected[known].reset_index(), found[known].reset_index()
    scale = expected["se"].min()
    # emtrends takes forward differences
    rtol = 1e-4 if entry["verb"] == "slopes" else 1e-5
    for name in ("estimate", "lower", "upper"):
        # R's optimum is up to 1e-3 of a standard error away; mvt is integrated by Monte Carlo there
        atol = (5e-3 if entry["adjust"] == "mvt" else 1e-3) * scale
        assert_allclose(found[name], expected[name], rtol=rtol, atol=atol, err_msg=name)
    assert_allclose(found["se"], expected["se"], rtol=1e-3)
    assert_allclose(found["df"], expected["df"], rtol=1e-3)
    assert_allclose(found["p"], expected["p"], rtol=5e-3, atol=1e-3 if entry["adjust"] == "mvt" else 1e-7)


@pytest.mark.parametrize("entry", REFERENCE["joint"], ids=lambda e: f"{e['case']}-{e['ddf']}")
def test_joint_tests_equal_lmertests(entry):
    joint = fitted(entry["case"]).contrast(entry["L"], ddf=entry["ddf"]).joint
    assert_allclose(joint, [entry[k] for k in ("F", "NumDF", "DenDF", "p")], rtol=1e-3)


# -- what must not change them, and what they collapse to --------------------------------------------------------------


def test_means_do_not_depend_on_the_coding_of_the_factors():
    data = load_frame(load_case("oats"))
    formula = "yield ~ factor(nitro) * Variety + (1 | Block/Variety)"
    plain = blm.lmer(formula, data).means(["Variety", "nitro"])
    coded = blm.lmer(formula, data, contrasts={"Variety": "sum", "factor(nitro)": "helmert"}).means(
        ["Variety", "nitro"]
    )
    pd.testing.assert_frame_equal(plain.table, coded.table, rtol=1e-6)
    assert plain.table["nitro"].tolist() == sorted([0.0, 0.2, 0.4, 0.6] * 3)


def test_means_are_predictions_averaged():
    fit = fitted("orthodont")
    rows = pd.DataFrame({"age": [9.5, 9.5], "Sex": ["Male", "Female"]})
    by_hand = fit.predict(rows, re="none")
    found = fit.means("Sex", at={"age": 9.5}).table.set_index("Sex")["estimate"]
    assert_allclose(found[rows["Sex"]], by_hand, rtol=1e-10)
    assert_allclose(fit.means(at={"age": 9.5}).table["estimate"], by_hand.mean(), rtol=1e-10)


def test_proportional_weights_average_the_fitted_population_values():
    data = pd.DataFrame(
        {"y": np.arange(12.0) ** 1.5, "f": list("aaaaaaaabbbb"), "h": list("xxyyyyxyxxxy"), "g": [0, 1, 2] * 4}
    )
    fit = blm.lmer("y ~ f + h + (1 | g)", data)
    assert_allclose(fit.means(weights="proportional").table["estimate"], fit.predict(re="none").mean(), rtol=1e-10)
    cells = fit.means("f", weights="cells").table.set_index("f")["estimate"]
    assert_allclose(cells, fit.predict(re="none").groupby(data["f"]).mean(), rtol=1e-10)
    assert "averaged over f, h with proportional weights" in str(fit.means(weights="proportional"))


def test_slope_of_a_function_is_its_derivative():
    fit = fitted("earthquake")
    found = fit.slopes("distance", at={"distance": [5, 50]}, by="distance").table
    assert_allclose(found["estimate"], fit.fixef["log(distance)"] / np.array([5, 50]), rtol=1e-6)
    assert_allclose(found["se"], fit.bse["log(distance)"] / np.array([5, 50]), rtol=1e-6)
    linear = fitted("sleep_slope").slopes("Days").table.iloc[0]
    expected = fitted("sleep_slope").tests().loc["Days"]
    assert_allclose(linear[["estimate", "se", "df", "t", "p"]].astype(float), expected.astype(float), rtol=1e-7)


def test_offset_is_part_of_a_mean_and_no_part_of_a_difference():
    fit = fitted("sleep_offset")
    data = load_frame(load_case("sleep_offset"))
    at = fit.predict(pd.DataFrame({"Days": [data["Days"].mean()], "off": [data["off"].mean()]}), re="none")
    assert_allclose(fit.means().table["estimate"], at, rtol=1e-10)
    difference = fit.contrasts("Days", at={"Days": [1, 3]}, method="revpairwise").table
    assert_allclose(difference["estimate"], 2 * fit.fixef["Days"], rtol=1e-10)
    assert difference["contrast"].tolist() == ["3 - 1"]


def test_custom_contrasts_of_means():
    fit = fitted("machines_nested")
    found = fit.contrasts("Machine", {"A against the others": [1, -0.5, -0.5], "C - A": {"C": 1, "A": -1}}).table
    A, B, C = fit.means("Machine").table["estimate"]
    assert_allclose(found["estimate"], [A - (B + C) / 2, C - A])
    matrix = fit.contrasts("Machine", np.array([[1, -0.5, -0.5], [-1, 0, 1]])).table
    assert_allclose(matrix["t"], found["t"])
    assert matrix["contrast"].tolist() == ["C1", "C2"]
    assert fit.contrasts("Machine", "trt.vs.ctrl", ref="B").table["contrast"].tolist() == ["A - B", "C - B"]


def test_the_overall_mean_of_a_model_with_an_intercept_alone():
    fit = fitted("dyestuff")
    found = fit.means().table.iloc[0]
    assert_allclose([found["estimate"], found["se"]], [fit.fixef.iloc[0], fit.bse.iloc[0]])
    assert found["mean"] == "overall"


def test_text_and_html():
    shown = fitted("machines_nested").contrasts("Machine", ddf="kenward-roger")
    assert "adjusted by Tukey's method for comparing 3 means" in str(shown)
    assert "t-tests use Kenward-Roger's method; 0.95 intervals" in str(shown)
    assert "A - B" in shown._repr_html_()
    assert "at distance = 45.6, Richter = 6.084" in str(fitted("earthquake").means("soil"))


def test_no_fixed_effects_and_grids_beyond_measure_are_refused():
    sleep = blm.datasets.load("sleepstudy")
    with pytest.raises(ArgumentError, match="no fixed effects"):
        blm.lmer("Reaction ~ 0 + (1 | Subject)", sleep).means()
    data = pd.DataFrame({f"f{i}": np.arange(60) // 3 ** (i % 3) % 10 for i in range(6)}).astype(str)
    data["y"], data["g"] = np.random.default_rng(0).normal(size=60), np.arange(60) % 6
    fit = blm.lmer("y ~ f0 + f1 + f2 + f3 + f4 + f5 + (1 | g)", data)
    with pytest.raises(ArgumentError, match=r"490,000 combinations.*`f0` has 10"):
        fit.means("f0")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.means("sex"), "no predictor `sex` in the fixed part; did you mean `Sex`"),
        (lambda f: f.means(["Sex", "Sex"]), "named twice"),
        (lambda f: f.means("Sex", at={"agee": 8}), "at: no predictor `agee`.*did you mean `age`"),
        (lambda f: f.means("Sex", at={"age": "old"}), "at: `age` is numeric"),
        (lambda f: f.means("Sex", at={"age": []}), "at: `age` needs one or more finite numbers"),
        (lambda f: f.means("Sex", at={"Sex": ["M"]}), 'at: `Sex` has no level "M"'),
        (lambda f: f.means("Sex", weights="outer"), "equal, proportional, cells"),
        (lambda f: f.means("Sex", level=95), "for 95 % write level=0.95"),
        (lambda f: f.means("Sex", ddf="kr"), "ddf=.kr. is not known"),
        (lambda f: f.means("Sex", adjust="sidak"), "adjust=.sidak. is not known"),
        (lambda f: f.means([1]), "specs is a predictor's name"),
        (lambda f: f.contrasts("age"), "there is one mean to compare"),
        (lambda f: f.contrasts(None), "name the factor"),
        (lambda f: f.contrasts("Sex", "dunnett"), "method=.dunnett. is not known"),
        (lambda f: f.contrasts("Sex", "trt.vs.ctrl", ref="X"), 'ref: no level "X"'),
        (lambda f: f.contrasts("Sex", {"a": [1, 2, 3]}), "`a` needs 2 weights, for Male, Female"),
        (lambda f: f.contrasts("Sex", {"a": {"Man": 1}}), 'no level "Man"'),
        (lambda f: f.contrasts("Sex", {"a": {"Male": 1}, "b": [1, -1]}, adjust="tukey"), "pairwise differences"),
        (lambda f: f.means(["Sex", "age"], at={"age": [8, 9, 10]}, adjust="tukey"), "pairwise differences"),
        (lambda f: f.slopes("Sex"), "`Sex` is a factor"),
        (lambda f: f.slopes("agee"), "`agee` is not in the fixed part; did you mean `age`"),
    ],
)
def test_bad_requests_get_a_sentence(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(fitted("orthodont"))


@pytest.mark.parametrize(
    ("fixed", "options", "notes"),
    [
        ("recipe + temp", {}, []),
        ("recipe + temp", {"at": {"temp": [190]}}, []),
        ("recipe * temp", {}, ["averaged over recipe with equal weights"]),
        ("recipe * temp", {"by": "recipe"}, []),
        ("recipe + temp + I(temp^2)", {}, ["at temp = 200"]),
        ("log(temp)", {"at": {"temp": [200]}}, ["at temp = 200"]),
        ("temp * angle2 + recipe", {}, ["at angle2 = 1"]),
    ],
)
def test_slopes_say_only_what_they_depend_on(fixed, options, notes):
    data = blm.datasets.load("cake").assign(angle2=lambda d: np.arange(len(d)) % 3)
    fit = blm.lm(f"angle ~ {fixed}", data)
    assert list(fit.slopes("temp", **options).notes[1:-1]) == notes
