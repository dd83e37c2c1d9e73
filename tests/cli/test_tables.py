"""The commands that end in one table: the numbers are those of the package, whatever the format."""

import json

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from tests.cli.run import bayeslmm, document, sentence, text

SLEEP = "Reaction ~ Days + (Days | Subject)"
CAKE = "angle ~ recipe * temp + (1 | recipe:replicate)"
QUICK = ("--draws", 200, "--chains", 2, "--seed", 1)


@pytest.fixture(scope="module")
def sleep():
    return blm.lmer(SLEEP, blm.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def cake():
    return blm.lmer(CAKE, blm.datasets.load("cake"))


def column(found, name):
    return [row[name] for row in found["table"]]


def test_anova_of_terms(cake):
    assert text("anova", CAKE, "cake", "--ddf", "kenward-roger").strip() == str(cake.anova(ddf="kenward-roger")).strip()
    found = document("anova", CAKE, "cake", "--type", 2)
    assert column(found, "term") == ["recipe", "temp", "recipe:temp"]
    assert column(found, "F") == pytest.approx(cake.anova(type=2).table["F"].tolist())
    assert (found["type"], found["nobs"], found["command"]) == (2, 270, "anova")


def test_anova_against_other_models(sleep):
    levels = "Reaction ~ Days + (1 | Subject)"
    found = document("anova", SLEEP, "sleepstudy", "--against", levels, "--against", "Reaction ~ Days")
    data = blm.datasets.load("sleepstudy")
    table = sleep.anova(blm.lmer(levels, data), blm.lm("Reaction ~ Days", data)).table
    assert column(found, "npar") == [3, 4, 6]
    assert column(found, "p")[1:] == pytest.approx(table["p"].tolist()[1:])
    assert found["notes"] == []


def test_formulas_without_bars():
    data = blm.datasets.load("cake")
    fit, null = blm.lm("angle ~ recipe * temp", data), blm.lm("angle ~ temp", data)
    terms = document("anova", "angle ~ recipe * temp", "cake")
    assert column(terms, "F") == pytest.approx(fit.anova().table["F"].tolist())
    assert "ddf" not in terms
    models = document("anova", "angle ~ recipe * temp", "cake", "--against", "angle ~ temp")
    assert column(models, "p")[1] == pytest.approx(fit.anova(null).table["p"].iloc[1])
    mixed = document("anova", "angle ~ recipe * temp", "cake", "--against", CAKE)
    assert column(mixed, "npar") == [7, 8]
    pairs = document("contrasts", "angle ~ recipe * temp", "cake", "recipe")
    assert column(pairs, "p") == pytest.approx(fit.contrasts("recipe").table["p"].tolist())
    assert column(document("slopes", "angle ~ recipe * temp", "cake", "temp"), "se") == pytest.approx(
        fit.slopes("temp").table["se"].tolist()
    )
    assert column(document("means", "angle ~ recipe * temp", "cake"), "df") == [264]
    assert any("least squares without groups" in note for note in terms["notes"])


CLUSTERED = ("--cluster", "replicate")


def test_clusters_go_into_every_table_of_a_formula_without_bars():
    data = blm.datasets.load("cake")
    fit, null = (blm.lm(f, data, cluster="replicate") for f in ("angle ~ recipe * temp", "angle ~ temp"))
    asked = ("angle ~ recipe * temp", "cake")
    assert column(document("anova", *asked, *CLUSTERED), "p") == pytest.approx(fit.anova().table["p"].tolist())
    models = document("anova", *asked, *CLUSTERED, "--against", "angle ~ temp")
    assert column(models, "p")[1] == pytest.approx(fit.anova(null).table["p"].iloc[1])
    for verb, what in (("means", "recipe"), ("contrasts", "recipe"), ("slopes", "temp")):
        expected = getattr(fit, verb)(what).table["se"].tolist()
        assert column(document(verb, *asked, what, *CLUSTERED), "se") == pytest.approx(expected)


@pytest.mark.parametrize("command", ["anova", "means", "predict"])
def test_clusters_beside_bars_are_refused(command):
    assert "--cluster Subject is for formulas without bars" in sentence(
        command, SLEEP, "sleepstudy", "--cluster", "Subject"
    )


def test_ranova(sleep):
    found = document("ranova", SLEEP, "sleepstudy")
    assert column(found, "LRT")[1] == pytest.approx(sleep.ranova().table["LRT"].iloc[1])
    assert column(found, "LRT")[0] is None


def test_confint(sleep):
    found = document("confint", SLEEP, "sleepstudy", "--parm", "Days", "--parm", "sigma", "--level", 0.9)
    assert column(found, "parameter") == ["Days", "sigma"] or column(found, "parameter") == ["sigma", "Days"]
    expected = sleep.confint("profile", 0.9, ["Days", "sigma"])
    assert column(found, "lower") == pytest.approx(expected["lower"].tolist())
    assert "95% intervals (wald)" in text("confint", SLEEP, "sleepstudy", "--method", "wald")


def test_means_contrasts_slopes(cake):
    found = document("means", CAKE, "cake", "recipe", "--by", "temp", "--at", "temp=175,225")
    table = cake.means("recipe", by="temp", at={"temp": [175, 225]}).table
    assert column(found, "estimate") == pytest.approx(table["estimate"].tolist())
    assert column(found, "temp") == [175, 175, 175, 225, 225, 225]
    assert len(document("means", CAKE, "cake")["table"]) == 1
    pairs = document("contrasts", CAKE, "cake", "recipe")
    assert column(pairs, "p") == pytest.approx(cake.contrasts("recipe").table["p"].tolist())
    ref = document("contrasts", CAKE, "cake", "recipe", "--method", "trt.vs.ctrl", "--ref", "B", "--adjust", "holm")
    assert column(ref, "contrast") == ["A - B", "C - B"]
    slopes = document("slopes", CAKE, "cake", "temp", "--by", "recipe")
    assert column(slopes, "estimate") == pytest.approx(cake.slopes("temp", by="recipe").table["estimate"].tolist())


def test_predictions_stand_beside_the_rows(sleep, tmp_path):
    out = tmp_path / "p.csv"
    assert "more rows" in text("predict", SLEEP, "sleepstudy", "--out", out)
    written = pd.read_csv(out)
    assert list(written) == ["Reaction", "Days", "Subject", "estimate"]
    np.testing.assert_allclose(written["estimate"], sleep.predict())


def test_predictions_of_other_rows(sleep, tmp_path):
    new = tmp_path / "new.csv"
    new.write_text("Subject,Days,estimate\n308,9,x\nnobody,9,y\n308,,z\n")
    options = ("--new", new, "--new-levels", "population", "--interval", "prediction")
    found = document("predict", SLEEP, "sleepstudy", *options)
    frame = pd.DataFrame({"Subject": ["308", "nobody"], "Days": [9, 9]})
    expected = sleep.predict(frame, new_levels="population", interval="prediction")
    assert column(found, "lower")[:2] == pytest.approx(expected["lower"].tolist())
    assert column(found, "estimate")[2] is None
    assert column(found, "estimate.") == ["x", "y", "z"]
    assert "new" in sentence("predict", SLEEP, "sleepstudy", "--new", new)


def test_predictions_of_rows_that_are_left_after_missing_ones(tmp_path):
    frame = blm.datasets.load("sleepstudy")
    frame.loc[[3, 50], "Reaction"] = np.nan
    frame.to_csv(tmp_path / "d.csv", index=False)
    found = document("predict", SLEEP, tmp_path / "d.csv")
    assert found["rows_left_out"] == 2
    assert len(found["table"]) == 178
    assert column(found, "Reaction")[3] == frame["Reaction"][4]


def test_priors():
    found = document("priors", SLEEP, "sleepstudy", "--prior", "sd=HalfNormal(5)")
    model = blm.Model(SLEEP, blm.datasets.load("sleepstudy"), priors={"sd": blm.HalfNormal(5)})
    assert column(found, "prior") == model.priors.table["prior"].tolist()


@pytest.mark.sampling
def test_of_the_posterior():
    found = document("slopes", CAKE, "cake", "temp", "--bayes", *QUICK)
    assert (found["of"], len(found["table"])) == ("posterior", 1)
    assert "p_positive" in found["table"][0]
    predicted = document("predict", "Yield ~ 1 + (1 | Batch)", "dyestuff", "--bayes", *QUICK)
    assert len(predicted["table"]) == 30
    assert {"estimate", "lower", "upper"} <= set(predicted["table"][0])


@pytest.mark.sampling
def test_loo_of_rows_and_groups():
    rows = document("loo", "Yield ~ 1 + (1 | Batch)", "dyestuff", *QUICK)
    assert column(rows, "measure") == ["elpd_loo", "p_loo", "looic"]
    groups = document("loo", "Yield ~ 1 + (1 | Batch)", "dyestuff", "--group", "Batch", *QUICK)
    assert column(groups, "measure") == ["elpd_logo", "logoic"]
    said = text("loo", "Yield ~ 1 + (1 | Batch)", "dyestuff", "--group", "Batch", "--refit", *QUICK)
    assert "Refitted: " in said
    assert document("loo", "Yield ~ 1 + (1 | Batch)", "dyestuff", "--group", "Batch", "--refit", *QUICK)["bad"] == 0


@pytest.mark.parametrize("kind", [".csv", ".md", ".tex", ".txt", ".json"])
def test_the_name_of_the_file_says_what_is_written(kind, tmp_path, cake):
    out = tmp_path / f"table{kind}"
    assert text("anova", CAKE, "cake", "--out", out).rstrip().endswith(f"Written to {out}")
    written = out.read_text()
    table = cake.anova().table
    if kind == ".csv":
        pd.testing.assert_frame_equal(pd.read_csv(out, index_col="term"), table, check_dtype=False)
    elif kind == ".json":
        assert column(json.loads(written), "p") == pytest.approx(table["p"].tolist())
    else:
        mark = {".md": "| recipe |", ".tex": r"\toprule", ".txt": "Type III Analysis of Variance"}[kind]
        assert mark in written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ranova", "Reaction ~ Days", "sleepstudy"), "ranova is for mixed models: add a bar"),
        (("means", "Reaction ~ Days", "sleepstudy", "--bayes"), "--bayes needs random effects"),
        (("anova", SLEEP, "sleepstudy", "--type", "4"), "--type 4: it is 1, 2 or 3"),
        (("anova", SLEEP, "sleepstudy", "--out", "t.xlsx"), "ends in .csv, .md, .tex, .txt, .json"),
        (("anova", SLEEP, "sleepstudy", "--out", "no/t.csv"), "there is no folder no"),
        (("ranova", SLEEP, "sleepstudy", "--method", "wald"), "wald"),
        (("confint", SLEEP, "sleepstudy", "--parm", "Dys"), "Dys"),
        (("means", CAKE, "cake", "recip"), "did you mean `recipe`"),
        (("means", CAKE, "cake", "recipe", "--at", "temp"), "--at temp: a name, = and a value"),
        (("slopes", CAKE, "cake", "recipe"), "recipe"),
        (("predict", SLEEP, "sleepstudy", "--interval", "both"), "both"),
        (("predict", SLEEP, "sleepstudy", "--new", "nowhere.csv"), "there is no file nowhere.csv"),
        (("priors", SLEEP, "sleepstudy", "--prior", "sdd=HalfNormal(5)"), "sdd"),
        (("loo", SLEEP, "sleepstudy", "--group", "Sbject", "--draws", 100), "did you mean `Subject`"),
        (("slopes", CAKE, "cake", "temp", "--prior", "sd=HalfNormal(5)"), "add --bayes"),
    ],
)
def test_sentences_for_what_can_go_wrong(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in sentence(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_singular_fit_is_no_reason_to_warn():
    assert bayeslmm("anova", "salary ~ grade + (grade | major)", "salary").stderr == ""
