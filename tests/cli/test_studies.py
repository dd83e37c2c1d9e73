"""`bayeslmm check`, `pooling`, `alternatives`: text, JSON, and folders with tables and pictures."""

import pandas as pd
import pytest

import bayeslmm as blm
from tests.cli.run import document, sentence, text

SALARY = "salary ~ grade + (grade | major)"
PASTES = "strength ~ 1 + (1 | batch/cask)"


def names(folder):
    return {p.name for p in folder.iterdir()}


def test_check(tmp_path):
    shown = text("check", SALARY, "salary", "--out", tmp_path)
    assert "the correlation of `(Intercept)` and `grade` in `major` is +1" in " ".join(shown.split())
    assert names(tmp_path) == {"check.csv", "check.txt", "diagnostics.png"}
    assert (tmp_path / "check.txt").read_text() == shown
    found = document("check", SALARY, "salary")
    assert found["ok"] is False
    assert found["table"][0]["check"] == "singularity"


def test_pooling_of_every_group(tmp_path):
    shown = text("pooling", PASTES, "pastes", "--out", tmp_path)
    assert all(name in shown for name in names(tmp_path))
    pictures = {f"{kind}-{g}.png" for kind in ("shrinkage", "caterpillar", "factor") for g in ("batch", "cask_batch")}
    assert names(tmp_path) == {"pooling.csv", "measures.csv", "movers.csv", "pooling.txt", *pictures}
    table = blm.pooling(blm.lmer(PASTES, blm.datasets.load("pastes"))).table
    assert pd.read_csv(tmp_path / "pooling.csv")["reml"].tolist() == pytest.approx(table["reml"].tolist())
    found = document("pooling", SALARY, "salary")
    assert (found["bayes"], len(found["table"]), len(found["measures"])) == (False, 10, 3)


@pytest.mark.sampling
def test_pooling_with_the_posterior():
    found = document("pooling", SALARY, "salary", "--bayes", "--draws", 200, "--chains", 2, "--seed", 1)
    assert found["bayes"] is True
    assert all(row["bayes_lower"] < row["bayes_upper"] for row in found["table"])


def test_alternatives(tmp_path):
    shown = text("alternatives", SALARY, "salary", "--no-bayes", "--out", tmp_path)
    assert names(tmp_path) == {
        "alternatives.csv",
        "alternatives.md",
        "alternatives.tex",
        "alternatives.txt",
        "methods.csv",
        "forest.png",
    }
    table = pd.read_csv(tmp_path / "alternatives.csv", index_col="method")
    assert table.loc["random slopes", "p"] == pytest.approx(0.0166, abs=5e-5)  # as lmerTest prints it
    assert "cluster means" in shown
    assert (tmp_path / "alternatives.tex").read_text().count(r" \\") == 1 + len(table)


def test_alternatives_with_a_repeated_measures_anova(tmp_path):
    formula = "effort ~ Type + (1 | Subject)"
    found = document("alternatives", formula, "ergostool", "--no-bayes", "--out", tmp_path, "--focal", "TypeT2")
    assert found["no_rm_anova"] is None
    assert found["rm_anova"][0]["term"] == "Type"
    assert {row["term"] for row in found["table"]} == {"TypeT2"}
    assert "rm_anova.csv" in names(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pooling", "salary ~ grade", "salary"), "pooling is for mixed models: add a bar"),
        (("alternatives", "salary ~ grade", "salary"), "starts from a mixed model: add a bar"),
        (("alternatives", SALARY, "salary", "--focal", "grad", "--no-bayes"), "did you mean `grade`"),
        (("alternatives", SALARY, "salary", "--group", "mjor", "--no-bayes"), "did you mean `major`"),
        (("check", SALARY, "salry"), "there is no file salry"),
        (("check", SALARY, "salary", "--out", __file__), "there is a file of that name"),
    ],
)
def test_sentences_for_what_can_go_wrong(arguments, said):
    assert said in sentence(*arguments)
