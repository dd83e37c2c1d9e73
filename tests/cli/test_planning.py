"""`bayeslmm simulate` and `power`: designs, parameters, files."""

import io
import json

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.cli.layout import extended, grouping_variables, layout, with_rows
from bayeslmm.cli.stated import stated
from bayeslmm.design.formula import parse
from bayeslmm.errors import ArgumentError
from tests.cli.run import bayeslmm, document, sentence, text

SLEEP = "Reaction ~ Days + (Days | Subject)"


def made(formula, *, groups, within=(), between=(), per_group=None, data=None):
    return layout(parse(formula), data, groups, per_group, within, between)


# -- designs ----------------------------------------------------------------------------------------------------------


def test_a_design_is_made_of_groups_and_predictors():
    found = made("y ~ day * arm + (day | s)", groups=["20,40"], within=["day=0:9"], between=["arm=a,b"])
    assert found.sizes == {"s": [20, 40]}
    frame = found.make(s=20)
    assert frame.shape == (200, 3)
    assert frame.groupby("s")["day"].apply(list).iloc[3] == list(range(10))
    assert (frame.groupby("s")["arm"].nunique() == 1).all()
    assert frame.drop_duplicates("s")["arm"].value_counts().to_dict() == {"a": 10, "b": 10}


def test_crossed_groups_predictors_of_each_and_rows():
    found = made(
        "y ~ arm + f + x + (1 | s) + (1 | rows)",
        groups=["s=4", "rows=3"],
        per_group="2",
        within=["x=normal"],
        between=["arm=a,b", "f@rows=1,2,3"],
    )
    frame = found.make(s=4, rows=3, per_group=2)
    assert len(frame) == 4 * 3 * 2
    assert (frame.groupby("rows")["f"].nunique() == 1).all()
    assert frame["x"].nunique() == 24
    pd.testing.assert_frame_equal(frame, found.make(s=4, rows=3, per_group=2))
    assert not frame["x"].equals(found.make(seed=2, s=4, rows=3, per_group=2)["x"])


@pytest.mark.parametrize(
    ("formula", "groups"),
    [
        ("y ~ 1 + (1 | a/b)", ["a", "b"]),
        ("y ~ 1 + (1 | b:a) + (1 | a)", ["a", "b"]),
        ("y ~ 1 + (1 | s) + (1 | i)", ["s", "i"]),
        ("y ~ 1 + (1 | factor(s))", ["s"]),
    ],
)
def test_grouping_variables_from_the_outermost(formula, groups):
    assert grouping_variables(parse(formula)) == groups


def test_data_are_extended_by_copies_of_their_groups():
    data = blm.datasets.load("sleepstudy")
    few = extended(data, "Subject", 5, [])
    assert few["Subject"].unique().tolist() == data["Subject"].astype(str).unique()[:5].tolist()
    many = extended(data, "Subject", 40, [])
    assert (many.groupby("Subject").size() == 10).all()
    assert many["Subject"].nunique() == 40
    assert {"308", "308 (2)", "308 (3)"} <= set(many["Subject"])
    np.testing.assert_allclose(many["Reaction"][180:190], data["Reaction"][:10])


def test_copies_have_inner_groups_of_their_own_and_share_crossed_ones():
    data = blm.crossed(school=2, item=3)
    data["pupil"] = data["school"] + data["item"]
    more = extended(data, "school", 4, ["item", "pupil"])
    assert more["item"].nunique() == 3
    assert more["pupil"].nunique() == 12
    assert (more.groupby("pupil")["school"].nunique() == 1).all()


def test_rows_of_a_group_are_the_first_or_all_in_turn():
    data = pd.DataFrame({"g": ["a", "a", "b"], "x": [1, 2, 3]})
    assert with_rows(data, "g", 3)["x"].tolist() == [1, 2, 1, 3, 3, 3]
    assert with_rows(data, "g", 1)["x"].tolist() == [1, 3]


# -- parameters -------------------------------------------------------------------------------------------------------


def test_parameters_as_they_are_given():
    found = stated(["x=0.5", "I(x > 1)=2"], ["g=1,2", "h[x]=3", "h[Intercept]=4"], ["g=0.3"], None, None)
    assert found.fixef == {"x": 0.5, "I(x > 1)": 2.0}
    assert found.sd == {"g": [1.0, 2.0], "h": {"x": 3.0, "Intercept": 4.0}}
    assert (found.cor, found.sigma) == ({"g": 0.3}, 1.0)
    assert stated(["250, 10"], ["25,6"], ["0.1"], 2.0, None).fixef == [250.0, 10.0]


def test_what_is_not_given_is_the_pilots():
    fit = blm.lmer(SLEEP, blm.datasets.load("sleepstudy"))
    found = stated(["Days=5"], ["Subject[Intercept]=30"], [], None, fit)
    made = blm.simulate(SLEEP, blm.datasets.load("sleepstudy"), found.fixef, found.sd, found.cor, found.sigma)
    truth = made.truth["value"]
    sd = fit.varcorr.set_index("term1")["sd"]
    assert truth["Days"] == 5
    assert truth["(Intercept)"] == fit.fixef["(Intercept)"]
    assert truth["sd_Subject[Intercept]"] == 30
    assert truth["sd_Subject[Days]"] == sd[sd.index == "Days"].iloc[0]
    assert truth["cor_Subject[Intercept, Days]"] == pytest.approx(0.0656, abs=5e-5)  # lme4 prints 0.07
    assert truth["sigma"] == fit.sigma


def test_a_nested_group_of_the_pilot_by_either_name():
    fit = blm.lmer("strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes"))
    found = stated([], ["batch:cask=9"], [], None, fit)
    assert found.sd["cask:batch"] == 9
    assert found.sd["batch"]["(Intercept)"] == pytest.approx(1.287, abs=1e-3)  # as lme4 prints it


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fixef": ["x"]}, "--fixef x: numbers"),
        ({"fixef": ["x=a"]}, "`a` is not a number"),
        ({"fixef": ["x=1", "x=2"]}, "given twice"),
        ({"sd": ["g=1,b"]}, "numbers, with commas"),
        ({"sd": ["g[x]=1", "g=1,2"]}, "one by one"),
        ({"sd": ["g=1,2", "g[x]=1"]}, "one by one"),
    ],
)
def test_parameters_that_cannot_be_read(given, said):
    with pytest.raises(ArgumentError, match="--") as caught:
        stated(given.get("fixef", []), given.get("sd", []), [], None, None)
    assert said in str(caught.value)


# -- simulate ---------------------------------------------------------------------------------------------------------

MADE = (
    "y ~ day + (day | s)",
    "--groups",
    9,
    "--within",
    "day=0:4",
    "--fixef",
    "day=3",
    "--sd",
    "2,1",
    "--cor",
    "s=0.5",
)


def test_the_truth_stands_beside_the_data(tmp_path):
    out = tmp_path / "made.csv"
    shown = text("simulate", *MADE, "--sigma", 0.5, "--seed", 7, "--out", out)
    assert f"Written to {out}" in shown
    data, truth = pd.read_csv(out), json.loads((tmp_path / "made.truth.json").read_text())
    expected = blm.simulate(
        "y ~ day + (day | s)", blm.crossed(s=9, day=range(5)), {"day": 3}, [2, 1], {"s": 0.5}, 0.5, seed=7
    )
    np.testing.assert_allclose(data["y"], expected.data["y"])
    values = {row["parameter"]: row["value"] for row in truth["parameters"]}
    assert values == {**expected.truth["value"].to_dict()}
    assert (truth["seed"], truth["rows"], len(truth["ranef"])) == (7, 45, 18)


def test_without_a_file_the_data_are_what_is_printed():
    done = bayeslmm("simulate", *MADE, "--seed", 7)
    assert done.stderr == ""
    assert pd.read_csv(io.StringIO(done.stdout)).shape == (45, 3)


def test_a_seed_that_nobody_chose_is_told_and_makes_the_same_data():
    first = document("simulate", *MADE)
    again = document("simulate", *MADE, "--seed", first["seed"])
    assert first["data"] == again["data"]
    assert first["data"] != document("simulate", *MADE)["data"]


# -- power ------------------------------------------------------------------------------------------------------------


def test_power_of_a_pilot_study_with_more_groups(tmp_path):
    options = ("--groups", "6,12", "--fixef", "Days=5", "--n", 20, "--out", tmp_path)
    shown = text("power", SLEEP, "sleepstudy", *options)
    assert "What was not given is as estimated from sleepstudy, 180 rows" in shown
    assert {p.name for p in tmp_path.iterdir()} == {"power.csv", "power.png", "power.txt"}
    table = pd.read_csv(tmp_path / "power.csv")
    assert table["Subject"].tolist() == [6, 12]
    assert table["n_rows"].tolist() == [60, 120]
    assert table["true"].tolist() == [5, 5]
    assert (tmp_path / "power.txt").read_text() == shown


def test_power_of_a_design_that_is_made():
    options = ("--groups", "10,20", "--per-group", "2,4", "--between", "arm=a,b", "--sd", 1, "--fixef", "armb=1")
    found = document("power", "y ~ arm + (1 | s)", *options, "--n", 20, "--seed", 3)
    assert [(row["s"], row["per_group"], row["n_rows"]) for row in found["table"]] == [
        (10, 2, 20),
        (10, 4, 40),
        (20, 2, 40),
        (20, 4, 80),
    ]
    assert {row["test"] for row in found["table"]} == {"armb"}
    assert found == document("power", "y ~ arm + (1 | s)", *options, "--n", 20, "--seed", 3)


def test_a_pilot_whose_fit_is_singular_is_noted():
    done = bayeslmm("power", "salary ~ grade + (grade | major)", "salary", "--n", 5)
    assert done.exit_code == 0
    assert "the fit of these data is singular" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("power", "y ~ x + (1 | g)", "--groups", 9, "--sd", 1), "no values for `x`: add --within x=0:9"),
        (("power", "y ~ x + (1 | g)", "--within", "x=1,2"), "how many levels has `g`? add --groups g=20"),
        (("power", "y ~ x + (1 | g)", "--groups", "9,many"), "whole numbers from 1 on"),
        (("power", "y ~ x + (1 | g) + (1 | h)", "--groups", 9), "of which? write --groups g=9"),
        (("power", "y ~ x + (1 | g)", "--groups", "k=9"), "no such grouping variable"),
        (("power", "y ~ x + (1 | g)", "--groups", 9, "--within", "x=1,2"), "sd"),
        (("power", "y ~ x + (1 | g)", "--groups", 9, "--within", "z=1,2", "--within", "x=1"), "`z` is not in"),
        (("power", "y ~ x + (1 | g)", "--groups", 9, "--between", "x@h=1,2"), "no such grouping variable"),
        (("power", "y ~ x", "--groups", 9), "needs a bar"),
        (("power", SLEEP, "sleepstudy", "--within", "Days=1,2"), "have their predictors already"),
        (("power", SLEEP, "sleepstudy", "--term", "Dys", "--n", 5), "did you mean `Days`"),
        (("power", SLEEP, "sleepstudy", "--fixef", "Dys=1"), "did you mean `Days`"),
        (("simulate", "y ~ 1 + (1 | g)", "--groups", "9,10", "--sd", 1), "give one number for g"),
        (("simulate", "y ~ 1 + (1 | g)", "--groups", 9, "--sd", 1, "--out", "d.txt"), "ends in .csv"),
        (("simulate", "log(y) ~ 1 + (1 | g)", "--groups", 9, "--sd", 1), "log(y)"),
    ],
)
def test_sentences_for_what_can_go_wrong(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in sentence(*arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["power", "simulate"])
def test_sds_that_nobody_gave_are_asked_for_as_an_option(command):
    said = sentence(command, "y ~ x + (x | s)", "--groups", "s=5", "--within", "x=0,1")
    assert "no --sd for the random effects of `s`: --sd s=25, or =25,6 for two" in said
