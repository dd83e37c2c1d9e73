"""Terms, models, means, slopes and contrasts of `blm.lm`, plain and with clusters, against R; and special cases."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.reference_cases import HOME, numbers

R = json.loads((HOME / "linear" / "linear.json").read_text())
FORMULAS = {
    "oats": "yield ~ Variety * level + Block",
    "oats_weights": "yield ~ Variety * level",
    "orthodont": "distance ~ age * Sex",
    "cake": "angle ~ recipe + temp + I(temp^2)",
    "sleep": "Reaction ~ Days + I(Days^2) + I(Days^3)",
}
CLUSTER = {"orthodont": "Subject", "cake": "replicate", "sleep": "Subject"}


@cache
def frame(name):
    """The data as linear/make.R has them."""
    data = blm.datasets.load(name.split("_")[0] if name != "sleep" else "sleepstudy")
    match name:
        case "oats" | "oats_weights":
            rows = [*range(30), *range(34, 60), *range(63, 72)]
            data = data.iloc[rows].assign(
                w=1 + np.arange(1, 66) % 3, level=lambda d: d["nitro"].map(str).astype("category")
            )
        case "cake":
            data = data[np.arange(1, 271) % 7 != 0]
        case "sleep":
            data = data.drop(data.index[[0, 1, 2, 3, 16, 57, 58, 59, 60]])
        case "orthodont":
            data = data.assign(Sex=pd.Categorical(data["Sex"].astype(str), ["Male", "Female"]))
    return data.reset_index(drop=True)


@cache
def fitted(name, cluster=None):
    weights = "w" if name == "oats_weights" else None
    return blm.lm(FORMULAS[name], frame(name), cluster=cluster, weights=weights)


@pytest.mark.parametrize("kind", ["I", "II", "III"])
@pytest.mark.parametrize("name", ["oats", "oats_weights", "orthodont", "cake"])
def test_f_tests_of_terms_are_those_of_anova_and_car(name, kind):
    """Types I of stats::anova, II and III of car::Anova, III with contr.sum as car demands it."""
    expected = R["anova"][name][kind]
    found = fitted(name).anova(type=kind).table.loc[expected["term"]]
    # car's type II takes a factor to be contained in its interaction with a number, SAS and lmerTest do not
    rows = [t for t in expected["term"] if not (name == "orthodont" and kind == "II" and t == "Sex")]
    assert len(rows) >= 2
    table = pd.DataFrame(expected).set_index("term").loc[rows]
    for column in ("SumSq", "NumDF", "F", "p"):
        assert_allclose(found.loc[rows, column], table[column], rtol=1e-7, err_msg=column)
    assert (found["DenDF"] == fitted(name).df_resid).all()


def test_type_three_does_not_depend_on_the_coding():
    coded = blm.lm(FORMULAS["oats"], frame("oats"), contrasts={"Variety": "sum", "level": "helmert"})
    pd.testing.assert_frame_equal(fitted("oats").anova().table, coded.anova().table, rtol=1e-8)


def test_terms_are_those_of_a_mixed_model_whose_groups_do_not_differ():
    """The estimated sd of replicates is zero there, so that both are the same model."""
    data = frame("cake").assign(g=np.arange(232) % 4)
    formula = "angle ~ recipe * temp"
    with pytest.warns(blm.errors.SingularFitWarning):
        mixed = blm.lmer(f"{formula} + (1 | g)", data)
    assert mixed.theta.iloc[0] == 0
    for kind in (1, 2, 3):
        found, other = blm.lm(formula, data).anova(type=kind).table, mixed.anova(type=kind, ddf="residual").table
        pd.testing.assert_frame_equal(found, other, rtol=1e-6)


def test_models_are_compared_as_r_does():
    formulas = ["yield ~ 1", "yield ~ Variety", "yield ~ Variety + level"]
    others = [blm.lm(f, frame("oats")) for f in formulas]
    result = fitted("oats").anova(*others[::-1])
    assert list(result.table.index) == ["model4", "model3", "model2", "model1"]
    for column in ("ResDf", "RSS", "Df", "SumSq", "F", "p"):
        assert_allclose(result.table[column], numbers(R["compared"][column]), rtol=1e-8, err_msg=column)
    assert "model4: yield ~ 1" in str(result)
    assert "Sum of Sq" in str(result)


@pytest.mark.parametrize("entry", R["tables"], ids=lambda e: "-".join([e["model"], e["verb"], e["adjust"]]))
def test_means_contrasts_and_slopes_equal_emmeans(entry):
    given = {k: v for k, v in entry["args"].items() if v not in ({}, None)}
    found = getattr(fitted(entry["model"]), entry["verb"])(**given, adjust=entry["adjust"]).table
    # forward differences there, and mvt by Monte Carlo
    rtol = 1e-5 if entry["verb"] == "slopes" else 1e-7
    simulated = entry["adjust"] == "mvt"
    for name in ("estimate", "se", "df", "t"):
        assert_allclose(found[name], numbers(entry[name]).ravel(), rtol=rtol, atol=1e-9, err_msg=name)
    for name in ("lower", "upper"):
        expected = numbers(entry[name]).ravel()
        atol = 5e-3 * found["se"].max() if simulated else 1e-6
        assert_allclose(found[name], expected, rtol=rtol, atol=atol, err_msg=name)
    assert_allclose(found["p"], numbers(entry["p"]).ravel(), rtol=1e-4, atol=1e-3 if simulated else 1e-9)


def test_restrictions_equal_linear_hypothesis_and_glht():
    expected = R["hypothesis"]
    written = "recipeB = 0, recipeB - recipeC = 1, temp + 400 * I(temp^2) = 0"
    found = fitted("cake").contrast(written)
    joint = [expected["F"], expected["df"], fitted("cake").df_resid, expected["p"]]
    assert_allclose(found.joint, joint, rtol=1e-7)
    assert_allclose(found.table["t"], expected["t"], rtol=1e-7)
    assert_allclose(found.table["p"], expected["p_rows"], rtol=1e-6)


# -- clusters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(CLUSTER))
def test_clustered_tests_are_those_of_club_sandwich(name):
    """CR2; Satterthwaite's df for rows, HTZ for several together."""
    fit, expected = fitted(name, CLUSTER[name]), R["clusters"][name]
    rows = fit.contrast(np.array(expected["L"], dtype=float)).table
    for column in ("estimate", "se", "df", "p"):
        assert_allclose(rows[column], expected[column], rtol=1e-6, err_msg=column)
    joint = fit.contrast(np.array(expected["joint"], dtype=float)).joint
    assert_allclose(joint, [expected[k] for k in ("F", "num", "den", "p_joint")], rtol=1e-6)


def test_the_test_of_all_coefficients_is_that_of_club_sandwich():
    fit, expected = fitted("sleep", "Subject"), R["clusters"]["sleep"]
    assert np.array_equal(expected["joint"], np.eye(4)[1:])
    assert_allclose(fit.f_test, [expected[k] for k in ("F", "num", "den", "p_joint")], rtol=1e-6)
    few = blm.lm("Reaction ~ factor(Days)", frame("sleep").query("Subject in ['308', '309', '310']"), cluster="Subject")
    assert np.isnan(few.f_test[0])
    assert "F-statistic" not in few.summary()
    assert "F(" not in few.apa().results
    none = blm.lm("Reaction ~ 1", frame("sleep"), cluster="Subject")
    assert none.f_test[1] == 0


def test_with_an_offset_all_coefficients_are_tested_as_models_are_compared():
    data = frame("sleep").assign(o=lambda d: 5 * d["Days"])
    full, null = (blm.lm(f, data, offset="o") for f in ("Reaction ~ Days + I(Days^2)", "Reaction ~ 1"))
    assert_allclose(full.f_test[0], full.anova(null).table["F"].iloc[1])
    assert_allclose(full.r2, 1 - full.estimates.rss / null.estimates.rss)


def test_every_table_of_a_clustered_fit_has_the_same_errors():
    fit = fitted("orthodont", "Subject")
    slope = fit.slopes("age", by="Sex").table.iloc[0]
    coefficient = fit.tests().loc["age"]
    assert_allclose(slope[["estimate", "se", "df", "t", "p"]].astype(float), coefficient.astype(float), rtol=1e-6)
    table = fit.anova().table
    assert list(table.columns) == ["NumDF", "DenDF", "F", "p"]
    interaction = fit.tests().loc["age:SexFemale"]
    assert_allclose(
        table.loc["age:Sex", ["F", "DenDF", "p"]].astype(float), [interaction["t"] ** 2, *interaction[["df", "p"]]]
    )
    text = str(fit.anova())
    assert "cluster-robust errors (CR2)" in text
    assert "27 clusters of Subject" in text
    assert "Sum Sq" not in text
    assert "27 clusters of Subject" in str(fit.means("Sex"))


def test_models_with_clusters_are_compared_by_their_restrictions():
    full, null = fitted("orthodont", "Subject"), blm.lm("distance ~ age", frame("orthodont"), cluster="Subject")
    expected = R["clusters"]["orthodont"]
    row = full.anova(null).table.iloc[1]
    assert_allclose(row[["F", "Df", "DenDF", "p"]].astype(float), [expected[k] for k in ("F", "num", "den", "p_joint")])
    assert "Hotelling" in str(full.anova(null))


def test_what_one_cluster_decides_alone_has_no_error():
    data = blm.datasets.load("salary")
    fit = blm.lm("grade ~ 0 + major", data, cluster="major")
    assert fit.contrast("majorb = 0").table[["se", "df", "p"]].isna().all(axis=None)
    assert np.isnan(fit.contrast("majorb = majorc = 0").joint["F"])
    assert np.isnan(fit.anova().table.loc["major", "F"])
    assert fit.means("major").table["se"].isna().all()


def test_more_restrictions_than_clusters_inform_have_no_f():
    fit = fitted("sleep", "Subject")
    few = blm.lm("Reaction ~ factor(Days)", frame("sleep").query("Subject in ['308', '309', '310']"), cluster="Subject")
    assert np.isfinite(fit.anova().table["F"]).all()
    assert np.isnan(few.anova().table.loc["factor(Days)", "F"])


# -- bad requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: 2, "for the type of the tests write type=2"),
        (lambda: frame("orthodont"), r"got DataFrame; to compare with a mixed model write mixed.anova\(linear\)"),
        (lambda: blm.lmer("distance ~ age + (1 | Subject)", frame("orthodont")), r"write mixed.anova\(linear\)"),
        (lambda: blm.lm("distance ~ age", frame("orthodont").iloc[:50]), "different rows"),
        (lambda: blm.lm("log(distance) ~ age", frame("orthodont")), "different responses"),
        (lambda: blm.lm("distance ~ age", frame("orthodont"), cluster="Subject"), "different clusters"),
    ],
    ids=["type", "data", "mixed", "rows", "response", "clusters"],
)
def test_what_cannot_be_compared(other, message):
    with pytest.raises(ArgumentError, match=message):
        fitted("orthodont").anova(other())


def test_models_that_are_not_nested_are_told():
    found = blm.lm("distance ~ Sex", frame("orthodont")).anova(blm.lm("distance ~ age + I(age^2)", frame("orthodont")))
    assert np.isnan(found.table["F"]).all()
    assert "does not contain the model before it" in str(found)


def test_bad_types_and_adjustments_get_a_sentence():
    with pytest.raises(ArgumentError, match=r"anova\(type=4\) is not known"):
        fitted("cake").anova(type=4)
    with pytest.raises(ArgumentError, match="is not known; it is one of"):
        fitted("cake").means("recipe", adjust="none at all")
