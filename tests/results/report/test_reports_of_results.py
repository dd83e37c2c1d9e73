"""The reports of fits and posteriors: what they say, that their code makes them again, and how a browser shows them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, SingularFitWarning
from bayeslmm.results.report import Code, CopyText, Picture, Table
from tests.browser import DESK, PHONE, assert_stands_alone_and_fits, browser, needs_browser
from tests.results.posterior_draws import case, frame

SLOPES = "salary ~ 1 + grade + (1 + grade | major)"


@pytest.fixture(scope="module")
def fit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        return blm.lmer(SLOPES, blm.datasets.load("salary"))


@pytest.fixture(scope="module")
def report(fit):
    return fit.report()


def blocks(report, kind):
    return [b for s in report.sections for b in s.blocks if isinstance(b, kind)]


def test_the_verdict_says_what_was_found_and_what_is_wrong_with_it(fit, report):
    assert f"grade: {fit.apa().terms['grade']}." in report.verdict
    assert "The 95% interval excludes zero for grade." in report.verdict
    assert "The fit is singular: the correlation of (Intercept) and grade in major is +1." in report.verdict
    assert report.title == "Mixed model of salary"


def test_the_verdict_of_a_sound_fit():
    sleep = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    verdict = " ".join(sleep.report(title="Sleep").verdict)
    assert "singular" not in verdict
    assert "excludes zero for Days" in verdict


def test_the_paragraphs_of_a_paper_can_be_copied(fit, report):
    assert [b.text for b in blocks(report, CopyText)] == [fit.apa().methods, fit.apa().results]


def test_the_tables_are_those_of_the_fit(fit, report):
    frames = [b.frame for b in blocks(report, Table)]
    np.testing.assert_allclose(frames[0]["estimate"], fit.fixef)
    assert frames[1].equals(fit.varcorr)
    assert frames[2]["ICC"] == fit.icc()
    assert frames[-1].loc["bayeslmm"] == blm.__version__
    assert frames[-1].loc["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("formula", "options", "fitting"),
    [
        ("y ~ x * f + (1 + x || g)", {"weights": "w", "offset": "o", "contrasts": {"f": "sum"}}, {"reml": False}),
        ("y ~ x + (1 | a/b) + (1 | h)", {}, {"optimizer": "bobyqa"}),
    ],
)
def test_the_code_makes_the_fit_again(formula, options, fitting):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        first = blm.lmer(formula, frame(), **options, **fitting)
        code = next(b for b in first.report().sections[-1].blocks if isinstance(b, Code)).text
        lines = [line for line in code.splitlines() if not line.startswith(("print", "fit.report"))]
        made = {"data": frame()}
        exec("\n".join(lines), made)
    assert made["fit"].criterion == first.criterion
    assert made["fit"].optimizer == first.optimizer


def test_the_hash_is_that_of_the_data(fit):
    def hash_of(data):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SingularFitWarning)
            blocks = blm.lmer("salary ~ grade + (1 | major)", data).report().sections[-1].blocks
        return blocks[1].text.split(": ")[-1]

    data = blm.datasets.load("salary")
    changed = data.assign(salary=data["salary"] + 1e-9)
    assert hash_of(data) == hash_of(data.assign(unused=1))
    assert hash_of(data) != hash_of(changed)


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
@pytest.mark.parametrize("formula", ["y ~ 0 + (1 | g)", "y ~ x + I(2 * x) + (1 + x || g) + (1 | a/b)"])
def test_every_kind_of_model_has_a_page(formula, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        fitted = blm.lmer(formula, frame())
    for number, result in enumerate((fitted, case(formula).post)):
        made = result.report(tmp_path / f"{number}.html")
        page = (tmp_path / f"{number}.html").read_text(encoding="utf-8")
        assert page.count("<img ") == len(blocks(made, Picture))
        assert page.count("<table>") == len(blocks(made, Table))


def test_a_bad_path_is_told_before_anything_is_computed(fit, tmp_path):
    with pytest.raises(ArgumentError, match=r"its name ends in \.html"):
        fit.report(tmp_path / "report.docx")
    with pytest.raises(ArgumentError, match="there is no folder"):
        case("y ~ x + (1 | g)").post.report(tmp_path / "nowhere" / "report.html")


def test_a_posterior_tells_its_checks():
    made = case("y ~ x + (1 | g)", draws=300)
    assert "The draws passed all checks." in made.post.report().verdict
    made.post.data["sample_stats"]["diverging"][0, :5] = True
    again = replace(made.post)  # what was computed is not kept
    assert any("(divergences): 5 divergent" in s for s in again.report().verdict)


@pytest.fixture(scope="module")
def posterior():
    post = blm.brm(SLOPES, blm.datasets.load("salary"), priors={"sigma": blm.HalfNormal(5)}, seed=1)
    assert post.diagnostics().ok
    return post


@pytest.mark.sampling
def test_the_code_makes_the_posterior_again(posterior):
    code = next(b for b in posterior.report().sections[-1].blocks if isinstance(b, Code)).text
    lines = [line for line in code.splitlines() if not line.startswith(("print", "post.report"))]
    made = {"data": blm.datasets.load("salary"), "priors": {"sigma": blm.HalfNormal(5)}}
    exec("\n".join(lines), made)
    np.testing.assert_allclose(made["post"].fixef, posterior.fixef, rtol=1e-10)  # sums differ by their alignment


@needs_browser
@pytest.mark.sampling
def test_in_a_browser_both_fit_a_phone_and_a_desk(report, posterior, tmp_path):
    pages = report.write(tmp_path / "fit.html"), posterior.report(tmp_path / "posterior.html")
    with browser() as driver:
        for name in ("fit.html", "posterior.html"):
            for width in (PHONE, DESK):
                assert_stands_alone_and_fits(driver, tmp_path / name, width)
    assert len(blocks(pages[1], Picture)) >= 2
