"""Contrasts: every way to write one, single and joint tests, and bad requests."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError


@pytest.fixture(scope="module")
def cake():
    return blm.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", blm.datasets.load("cake"))


def row(fit, L, **options):
    return fit.contrast(L, **options).table.iloc[0]


@pytest.mark.parametrize(
    "L",
    [
        [0, 1, -1, 0],
        np.array([[0.0, 1.0, -1.0, 0.0]]),
        {"recipeB": 1, "recipeC": -1},
        pd.Series({"recipeB": 1, "recipeC": -1}),
        pd.DataFrame({"recipeB": [1.0], "recipeC": [-1.0]}, index=["x"]),
        "recipeB - recipeC = 0",
        "recipeB = recipeC",
        "recipeB == recipeC",
        " `recipeB`-recipeC",
        "-(recipeC - 2 * recipeB) - recipeB",
        "(recipeB - recipeC) * 6 / 3 / 2 + 1 = 0.5 + 0.5",
        ["recipeB - recipeC"],
        {"B against C": "recipeB - recipeC"},
        {"B against C": {"recipeB": 1, "recipeC": -1}},
        {"B against C": [0, 1, -1, 0]},
    ],
    ids=str,
)
def test_one_contrast_written_in_many_ways(cake, L):
    found = row(cake, L)
    weights = np.array([0, 1, -1, 0])
    se = np.sqrt(weights @ cake.vcov.to_numpy() @ weights)
    assert_allclose(found[["estimate", "se"]].astype(float), [weights @ cake.fixef, se])
    assert_allclose(found["t"], weights @ cake.fixef / se)
    assert found["df"] == pytest.approx(42, rel=1e-4)


def test_one_coefficient_is_the_row_of_the_summary(cake):
    for ddf in ("satterthwaite", "kenward-roger", "containment", "residual", "asymptotic"):
        for name in cake.fixef.index:
            expected = cake.tests(ddf).loc[name]
            assert_allclose(row(cake, f"{name} = 0", ddf=ddf)[expected.index].astype(float), expected.astype(float))


def test_values_other_than_zero(cake):
    table = cake.contrast("(Intercept) = 30, 2 * temp = 0.5").table
    assert table["null"].tolist() == [30, 0.5]
    assert_allclose(
        table["t"],
        [
            (cake.fixef["(Intercept)"] - 30) / cake.bse["(Intercept)"],
            (2 * cake.fixef["temp"] - 0.5) / (2 * cake.bse["temp"]),
        ],
    )
    one, two = cake.contrast(["temp = 0.2"]).joint, cake.contrast(["temp = 0.2", "2 * temp = 0.4"]).joint
    assert_allclose(one, two)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "containment", "residual", "asymptotic"])
def test_the_joint_test_of_a_term_is_its_row_of_the_table(cake, ddf):
    for label, expected in cake.anova(ddf=ddf).table.iterrows():
        found = cake.contrast(label, ddf=ddf)
        assert_allclose(found.joint, expected[["F", "NumDF", "DenDF", "p"]].astype(float), rtol=1e-8)
    assert cake.contrast("recipe").table.index.tolist() == ["recipeB", "recipeC"]
    chain = cake.contrast("recipeB = recipeC = 0", ddf=ddf)
    assert_allclose(chain.joint, cake.contrast("recipe", ddf=ddf).joint, rtol=1e-6)


def test_names_with_brackets_and_colons():
    sleep = blm.datasets.load("sleepstudy")
    fit = blm.lmer("Reaction ~ poly(Days, 2) + (1 | Subject)", sleep)
    assert row(fit, "poly(Days, 2)1 - poly(Days, 2)2 = 0")["estimate"] == pytest.approx(
        fit.fixef.iloc[1] - fit.fixef.iloc[2]
    )
    orthodont = blm.lmer("distance ~ age * Sex + (1 | Subject)", blm.datasets.load("orthodont"))
    last = orthodont.fixef.index[-1]
    assert row(orthodont, f"age + {last} = 0")["estimate"] == pytest.approx(
        orthodont.fixef["age"] + orthodont.fixef[last]
    )
    with pytest.raises(ArgumentError, match="no coefficient `age:SexX`"):
        orthodont.contrast("age:SexX = 0")


def test_printed(cake):
    text = str(cake.contrast("recipe", adjust="holm", level=0.9))
    assert "all together: F = 0.2488 on 2 and 42 df, p = 0.781" in text
    assert "t-tests use Satterthwaite's method; 0.9 intervals" in text
    assert "adjusted by Holm's method" in text
    single = cake.contrast("temp", adjust="holm")
    assert "all together" not in str(single)
    assert "Holm" not in str(single)
    assert "temp" in single._repr_html_()


def test_adjusted_values(cake):
    three = ["recipeB", "recipeC", "recipeB - recipeC"]
    plain, tukey, mvt = (cake.contrast(three, adjust=a).table for a in (None, "tukey", "mvt"))
    # balanced: the pairwise differences of equal, independent means, where Tukey's method is exact
    assert_allclose(mvt[["lower", "upper", "p"]], tukey[["lower", "upper", "p"]], rtol=1e-3)
    assert (tukey["p"] > plain["p"]).all()
    with pytest.raises(ArgumentError, match='these are 2 contrasts: use adjust="mvt"'):
        cake.contrast("recipe", adjust="tukey")


@pytest.mark.parametrize(
    ("L", "message"),
    [
        ([1, 2], r"the shape is \(2,\); the model has 4 coefficients, in this order: \(Intercept\), recipeB"),
        (np.zeros((2, 2, 4)), r"the shape is \(2, 2, 4\)"),
        (3, r"the shape is \(\)"),
        ([0, 0, 0, 0], "only zero weights"),
        ([0, np.nan, 0, 0], "finite numbers"),
        ([], r"the shape is \(0,\)"),
        ({}, "no row was given"),
        ({"recipeD": 1}, "no coefficient `recipeD`; did you mean"),
        ("recipeD = 0", r"no coefficient `recipeD`; did you mean"),
        ("recipe - recipeB", "the label of a term stands alone"),
        ("recipeB * recipeC", "a hypothesis is linear"),
        ("recipeB / temp", "a hypothesis is linear"),
        ("recipeB / 0", "divides by zero"),
        ("recipeB +", "a coefficient or a number is missing"),
        ("(recipeB", "parenthesis is not closed"),
        ("recipeB recipeC", "an operator is missing"),
        ("`recipe", "no coefficient `recipe`"),
        ("recipeB = 0,", "a coefficient or a number is missing"),
        ("", "a coefficient or a number is missing"),
        ("1 = 1", "only zero weights"),
        (object(), "give a row or matrix of numbers"),
    ],
)
def test_bad_requests_get_a_sentence(cake, L, message):
    with pytest.raises(ArgumentError, match=message):
        cake.contrast(L)


def test_the_caret_points_at_the_word(cake):
    with pytest.raises(ArgumentError) as caught:
        cake.contrast("recipeB - recipeD = 0")
    text, caret = str(caught.value).splitlines()[-2:]
    assert text[caret.index("^") :].startswith("recipeD")


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
def test_columns_that_were_left_out_are_named():
    sleep = blm.datasets.load("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    fit = blm.lmer("Reaction ~ Days + twice + (1 | Subject)", sleep)
    for L in ("Days - twice", {"twice": 1}):
        with pytest.raises(ArgumentError, match="`twice` was left out of the model"):
            fit.contrast(L)
    with pytest.raises(ArgumentError, match="the term `twice` has no columns left"):
        fit.contrast("twice")
