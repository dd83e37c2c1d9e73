"""The paragraphs, the page and the pictures of `blm.lm`."""

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.apa.numbers import number, share
from bayeslmm.results.linear_plots import local_means
from bayeslmm.results.report import Code, CopyText, Picture, Table
from tests.browser import DESK, PHONE, assert_stands_alone_and_fits, browser, needs_browser
from tests.compare.test_pictures import fits_on_the_page
from tests.reference_cases import load_case
from tests.results.posterior_draws import frame
from tests.results.test_linear_fit import CASES, fitted

pytestmark = pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")


@pytest.fixture(scope="module")
def plain():
    return blm.lm("salary ~ grade", blm.datasets.load("salary"))


@pytest.fixture(scope="module")
def clustered():
    return blm.lm("salary ~ grade", blm.datasets.load("salary"), cluster="major")


def blocks(report, kind):
    return [b for s in report.sections for b in s.blocks if isinstance(b, kind)]


# -- paragraphs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_those_of_r(name):
    case, apa = load_case(name), fitted(name).apa()
    coef = case["coef"]
    assert list(apa.terms) == coef["names"]
    for text, t, p in zip(apa.terms.values(), coef["t"], coef["p"], strict=True):
        assert f"t({case['df_resid']}) = {number(t)}, p {'< .001' if p < 0.0005 else f'= {share(p, 3)}'}" in text
    if case["F"]["numdf"]:
        F = case["F"]
        assert f"F({F['numdf']}, {F['dendf']}) = {number(F['value'])}, p" in apa.results
        assert (
            f"R\N{SUPERSCRIPT TWO} = {share(case['r2'])}, adjusted R\N{SUPERSCRIPT TWO} = {share(case['adj_r2'])}"
            in (apa.results)
        )
    assert not any(word in str(apa) for word in ("nan", "None", "random", "mixed"))


def test_clusters_are_told(plain, clustered):
    assert "t tests with 23 degrees of freedom" in plain.apa().methods
    assert "cluster" not in str(plain.apa())
    words = clustered.apa()
    assert "robust to dependence within the 5 clusters of major (CR2; Bell & McCaffrey, 2002)" in words.methods
    assert "Satterthwaite's degrees of freedom" in words.methods
    F, q, df, _ = clustered.f_test
    assert f"F({q}, {number(df)}) = {number(F)}, p" in words.results
    row, ends = clustered.tests().loc["grade"], clustered.confint(0.9).loc["grade"]
    assert f"SE = {row['se']:.2f}, t({row['df']:.2f}) = {number(row['t'])}" in words.terms["grade"]
    ends90 = clustered.apa(0.9).terms["grade"]
    assert ends90.endswith(f"90% CI [{number(ends['lower'])}, {number(ends['upper'])}]")
    assert r"\textit{t}(3.11)" in words.to_latex()
    assert "<i>t</i>(3.11)" in words.to_html()
    assert "*t*(3.11)" in words.to_markdown()


def test_weights_offset_and_no_terms():
    words = str(blm.lm("y ~ x * f", frame(), weights="w", offset="o").apa())
    assert "weighted least squares" in words
    assert "prior weights (w)" in words
    assert "An offset (o)" in words
    assert "R\N{SUPERSCRIPT TWO}" not in str(blm.lm("y ~ 1", frame()).apa())


def test_terms_that_are_not_there(plain):
    with pytest.raises(ArgumentError, match=r"no coefficient `grad`; did you mean `grade`\?"):
        plain.apa(terms="grad")


# -- the page -----------------------------------------------------------------------------------------------------


def test_the_page_has_the_verdict_the_words_and_the_tables(clustered):
    made, words = clustered.report(), clustered.apa()
    assert f"grade: {words.terms['grade']}." in made.verdict
    assert "The 95% interval contains zero for grade." in made.verdict
    assert any(s.startswith("Few clusters (5)") for s in made.verdict)
    assert [b.text for b in blocks(made, CopyText)] == [words.methods, words.results]
    tables = blocks(made, Table)
    np.testing.assert_allclose(tables[0].frame["lower"], clustered.confint()["lower"])
    assert "clustered by major" in tables[0].caption
    np.testing.assert_allclose(tables[1].frame["p"], clustered.anova().table["p"])


def test_what_stands_against_a_fit_is_in_its_verdict():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 10, 400)
    fan = blm.lm("y ~ x", {"x": x, "y": x + x * rng.normal(size=400)}).report().verdict
    assert any("spread of the residuals changes" in s for s in fan)
    tails = blm.lm("y ~ x", {"x": x, "y": x + rng.standard_t(2, size=400)}).report().verdict
    assert any("not like those of a normal distribution" in s for s in tails)
    x[0], y = 100.0, x + rng.normal(size=400)
    far = blm.lm("y ~ x", {"x": x, "y": np.where(x > 50, 0, y)}).report().verdict
    assert any(s.startswith("Row 0 decides much") for s in far)
    calm = blm.lm("y ~ x", {"x": x[1:], "y": x[1:] + rng.normal(size=399)}).report().verdict
    assert len(calm) == 3


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ x * f", {"weights": "w", "offset": "o", "contrasts": {"f": "sum"}, "cluster": "g"}),
        ("y ~ 1", {}),
        ("y ~ 0 + x", {}),
    ],
)
def test_the_code_makes_the_fit_again_and_every_picture_is_there(formula, options, tmp_path):
    first = blm.lm(formula, frame(), **options)
    report = first.report(tmp_path / "fit.html")
    assert (tmp_path / "fit.html").read_text(encoding="utf-8").count("<img ") == len(blocks(report, Picture)) >= 4
    code = next(b for b in report.sections[-1].blocks if isinstance(b, Code)).text
    made = {"data": frame()}
    exec("\n".join(line for line in code.splitlines() if not line.startswith(("print", "fit.report"))), made)
    np.testing.assert_array_equal(made["fit"].tests(), first.tests())


@needs_browser
def test_in_a_browser_it_fits_a_phone_and_a_desk(clustered, tmp_path):
    clustered.report(tmp_path / "fit.html")
    with browser() as driver:
        for width in (PHONE, DESK):
            assert_stands_alone_and_fits(driver, tmp_path / "fit.html", width)


# -- pictures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [7.0, 3.5])
@pytest.mark.parametrize("name", ["residuals", "qq", "scale_location", "leverage", "diagnostics", "effects"])
def test_pictures_fit_their_page(name, width, plain):
    arguments = ("grade",) if name == "effects" else ()
    axes = np.ravel(np.asarray(getattr(plain.plot, name)(*arguments, width=width), dtype=object))
    assert axes[0].figure.get_size_inches()[0] == width
    assert fits_on_the_page(axes[0].figure)


def test_the_band_of_effects_is_robust_where_errors_are(plain, clustered):
    def band(fit):
        ends = fit.plot.effects("grade").collections[0].get_paths()[0].get_extents()
        return ends.height

    assert band(clustered) > 1.5 * band(plain)


def test_local_means_are_means_of_all_values():
    rng = np.random.default_rng(0)
    fitted, values = rng.choice([1.0, 2.0, 5.0], 90), rng.normal(size=(90, 4))
    at, means = local_means(fitted, values)
    assert at.tolist() == [1, 2, 5]
    np.testing.assert_allclose(means[1], values[fitted == 2].mean(axis=0))
    at, means = local_means(np.arange(100.0), np.arange(100.0)[:, None])
    np.testing.assert_allclose(at, means[:, 0])
    assert len(at) == 12
