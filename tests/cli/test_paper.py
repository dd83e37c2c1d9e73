"""`bayeslmm report`, `apa`, `explain`: pages, paragraphs and words."""

import pytest

import bayeslmm as blm
from tests.cli.run import document, sentence, text

SALARY = "salary ~ grade + (grade | major)"
QUICK = ("--bayes", "--draws", 200, "--chains", 2, "--seed", 1)


@pytest.fixture(scope="module")
def fit():
    with pytest.warns(blm.errors.SingularFitWarning):
        return blm.lmer(SALARY, blm.datasets.load("salary"))


def test_the_report_is_written_and_its_verdict_printed(tmp_path):
    out = tmp_path / "page.html"
    shown = text("report", SALARY, "salary", "--out", out, "--title", "Pay & grades", "--ddf", "kenward-roger")
    assert shown.rstrip().splitlines()[-1] == f"Open {out}"
    assert "The fit is singular" in shown
    page = out.read_text()
    assert "<title>Pay &amp; grades</title>" in page
    assert "Kenward" in page


def test_a_formula_without_bars_is_told_as_least_squares(tmp_path):
    fit = blm.lm("salary ~ grade", blm.datasets.load("salary"))
    assert text("apa", "salary ~ grade", "salary", "--format", "markdown").strip() == fit.apa().to_markdown().strip()
    found = document("report", "salary ~ grade", "salary", "--out", tmp_path / "lm.html", "--level", 0.9)
    assert found["title"] == "Linear model of salary"
    assert f"grade: {fit.apa(0.9).terms['grade']}." in found["verdict"]
    assert any("least squares without groups" in note for note in found["notes"])
    assert "Linear model of salary" in (tmp_path / "lm.html").read_text()


@pytest.mark.sampling
def test_of_the_posterior(tmp_path):
    found = document("report", SALARY, "salary", "--out", tmp_path / "b.html", *QUICK)
    assert "Priors" in found["sections"]
    assert (tmp_path / "b.html").exists()
    assert "Bayesian" in document("apa", SALARY, "salary", *QUICK)["methods"]


def test_paragraphs(fit):
    words = fit.apa()
    assert text("apa", SALARY, "salary").strip() == str(words).strip()
    assert text("apa", SALARY, "salary", "--format", "latex").strip() == words.to_latex().strip()
    found = document("apa", SALARY, "salary", "--term", "grade")
    assert found["results"] == fit.apa(terms=["grade"]).results
    assert found["terms"]["grade"].startswith("b = 2.10, SE = 0.76")


@pytest.mark.parametrize(
    ("kind", "mark"),
    [(".txt", "b = 2.10"), (".md", "*b* = 2.10"), (".tex", r"\textit{b} = 2.10"), (".html", "<i>b</i>")],
)
def test_the_name_of_the_file_says_the_format(kind, mark, tmp_path):
    out = tmp_path / f"words{kind}"
    assert text("apa", SALARY, "salary", "--out", out).strip() == f"Written to {out}"
    assert mark in out.read_text(encoding="utf-8")
    if kind == ".html":
        assert '<meta charset="utf-8">' in out.read_text(encoding="utf-8")


def test_explain_has_the_advice_in_full():
    shown = text("explain", "Reaction ~ Days + (1 | Subject)", "sleepstudy")
    advice = str(blm.advise("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy")))
    assert " ".join(shown.split()).endswith(" ".join(advice.split()))
    assert max(map(len, shown.splitlines())) <= 80
    assert ".advice" not in shown
    found = document("explain", "Reaction ~ Days + (1 | Subject)", "sleepstudy")
    assert [row["check"] for row in found["advice"]] == ["missing slope"]
    assert found["parameters"]["total"] == 4


def test_explain_without_data_and_as_latex(tmp_path):
    assert "y[i] = b0 + b1 x + u0[g] + u1[g] x + e[i]" in text("explain", "y ~ x + (x | g)")
    assert text("explain", "y ~ x + (x | g)", "--latex").strip() == blm.explain("y ~ x + (x | g)").latex
    assert document("explain", "y ~ x + (x | g)")["data"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", SALARY, "salary", "--out", "page.pdf"), "ends in .html"),
        (("apa", SALARY, "salary", "--format", "rtf"), '"text", "markdown", "latex", "html"'),
        (("apa", SALARY, "salary", "--out", "a.tex", "--format", "html"), "a.tex is a file for latex"),
        (("apa", SALARY, "salary", "--term", "grad"), "did you mean `grade`"),
        (("apa", "salary ~ grade", "salary", "--bayes"), "--bayes needs random effects"),
        (("explain", "y ~ x + (x | g"), "not closed"),
        (("explain", "Reaction ~ Dys + (1 | Subject)", "sleepstudy"), "did you mean `Days`"),
    ],
)
def test_sentences_for_what_can_go_wrong(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in sentence(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_clusters_of_a_formula_without_bars(tmp_path):
    fit = blm.lm("salary ~ grade", blm.datasets.load("salary"), cluster="major")
    asked = ("salary ~ grade", "salary", "--cluster", "major")
    assert document("apa", *asked)["terms"] == fit.apa().terms
    found = document("report", *asked, "--out", tmp_path / "page.html")
    assert found["verdict"] == list(fit.report().verdict)
    found = document("fit", *asked)
    assert found["clusters"] == {"name": "major", "count": 5}
    assert [row["se"] for row in found["fixed"]] == pytest.approx(fit.bse.tolist())
    assert found["f_test"]["F"] == pytest.approx(fit.f_test[0])
    assert "--cluster major is for formulas without bars" in sentence("apa", "salary ~ 1 + (1 | major)", *asked[1:])
