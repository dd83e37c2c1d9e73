"""The paragraphs of a paper: the published digits of the salary data, what must be said, and every format."""

import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import stats

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, SingularFitWarning
from bayeslmm.results.apa import numbers
from bayeslmm.results.apa.prose import Apa, italic
from tests.results.posterior_draws import case, frame

SLOPES = "salary ~ 1 + grade + (1 + grade | major)"


def fit(formula, data=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        return blm.lmer(formula, blm.datasets.load("salary") if data is None else data, **options)


@pytest.fixture(scope="module")
def slopes():
    return fit(SLOPES)


def test_the_salary_slopes_as_they_are_published(slopes):
    apa = slopes.apa()
    assert apa.terms["grade"].startswith("b = 2.10, SE = 0.76, t(12.06) = 2.78, p = .017")
    assert apa.terms["(Intercept)"].startswith("b = 1.60, SE = 5.34, t(3.95) = 0.30, p = .779")
    bobyqa = fit(SLOPES, optimizer="bobyqa").apa()
    assert bobyqa.terms["grade"].startswith("b = 2.10, SE = 0.76, t(12.08) = 2.78, p = .017")
    assert "BOBYQA" in bobyqa.methods
    assert "NLopt" in bobyqa.methods


def test_the_interval_is_that_of_the_t_distribution(slopes):
    estimate, se, df = slopes.tests().loc["grade", ["estimate", "se", "df"]]
    low, high = estimate + se * stats.t(df).ppf([0.05, 0.95])
    assert slopes.apa(level=0.9).terms["grade"].endswith(f"90% CI [{low:.2f}, {high:.2f}]")


def test_the_paragraphs_say_what_decides(slopes):
    apa = slopes.apa()
    assert "25 observations in 5 levels of major" in apa.methods
    assert "restricted maximum likelihood (REML) with bayeslmm" in apa.methods
    assert f"NumPy {np.__version__}" in apa.methods
    assert "minimised by a structured quasi-Newton method with exact gradients." in apa.methods
    assert "Satterthwaite" in apa.methods
    assert "The fit was singular: the correlation of (Intercept) and grade in major was +1." in apa.results
    assert "SD = 11.87 (intercept), SD = 0.35 (grade), r = 1.00 (intercept, grade); residual SD = 2.88." in apa.results
    assert f"ICC = .{round(100 * slopes.icc())};" in apa.results
    assert str(apa) == f"{apa.methods}\n\n{apa.results}"


@pytest.mark.parametrize(
    ("ddf", "statistic", "words"),
    [
        ("kenward-roger", "t(", "Kenward and Roger"),
        ("residual", "t(23) = ", "residual degrees of freedom"),
        ("asymptotic", "z = ", "z tests"),
    ],
)
def test_other_degrees_of_freedom(ddf, statistic, words):
    intercepts = fit("salary ~ 1 + grade + (1 | major)")
    apa = intercepts.apa(ddf)
    assert f", {statistic}" in apa.terms["grade"]
    assert words in apa.methods
    se = intercepts.tests(ddf).loc["grade", "se"]
    assert f"SE = {se:.2f}" in apa.terms["grade"]


FORMULAS = [
    "y ~ x * f + (1 + x | g)",
    "y ~ x + (1 + x || g) + (1 | h)",
    "y ~ x + (1 | a/b)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ 0 + (1 | g)",
    "y ~ x + I(2 * x) + (1 | g)",
    "y ~ f + (0 + f | g)",
]


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
@pytest.mark.parametrize("formula", FORMULAS)
def test_every_kind_of_model_is_told_with_all_its_parts(formula):
    options = {"weights": "w", "offset": "o"}
    fitted, posterior = fit(formula, frame(), **options), case(formula, **options).post
    for apa in (fitted.apa(), posterior.apa()):
        design = fitted.design
        assert all(f"{t.n_levels} levels of {t.group}" in apa.methods for t in design.terms)
        assert "prior weights (w)" in apa.methods
        assert "An offset (o)" in apa.methods
        assert list(apa.terms) == list(design.coef_names)
        assert all(text in apa.results for text in apa.terms.values())
        assert apa.results.count("r = ") + apa.results.count("undefined") == sum(len(t.pairs) for t in design.terms)
        assert apa.results.count("SD = ") - len(apa.terms) * (apa.results.count("CrI") > 0) == 1 + sum(
            t.k for t in design.terms
        )
        assert not re.search(r"nan|None|\(\)", str(apa))
        assert all(f"Collinear column left out: {name}." in apa.methods for name in design.dropped)


def test_no_share_has_a_leading_zero_and_every_estimate_has_one(slopes):
    for text in (str(slopes.apa()), str(case("y ~ x + (1 + x | g)").post.apa())):
        assert not re.search(r"(p|r|ICC|P\(b > 0\)) [=<>] [\N{MINUS SIGN}-]?0\.", text)
        assert not re.search(r"(b|SE|SD|t\([\d.]+\)) = [\N{MINUS SIGN}-]?\.", text)


def test_terms_that_are_asked_for(slopes):
    apa = slopes.apa(terms="grade")
    assert "Fixed effects (1 of 2 coefficients): grade, b = 2.10" in apa.results
    assert "1.60" not in apa.results
    with pytest.raises(ArgumentError, match=r"no coefficient `grad`; did you mean `grade`\?"):
        slopes.apa(terms=["grad"])
    with pytest.raises(ArgumentError, match="level"):
        slopes.apa(level=95)


def test_missing_rows_are_told():
    data = frame()
    data.loc[3, "y"] = np.nan
    assert "1 row with missing values was left out." in fit("y ~ x + (1 | g)", data).apa().methods


def test_a_posterior_is_told_by_its_draws():
    made = case("y ~ x + (1 + x | g)", chains=2, draws=300)
    apa = made.post.apa(0.9)
    x = made.beta[:, 1]
    low, high = np.quantile(x, [0.05, 0.95])
    assert apa.terms["x"] == (
        f"b = {x.mean():.2f}, SD = {x.std(ddof=1):.2f}, 90% CrI [{low:.2f}, {high:.2f}], P(b > 0) > .999"
    )
    assert "Priors: sigma, HalfStudentT(3, 3)." in apa.methods
    assert "2 chains of 300 draws were kept." in apa.methods
    assert "no draws diverged" in apa.methods
    share = made.post.icc(0.9)
    assert f"ICC = .{round(100 * share['estimate'])}" in apa.results


def test_draws_that_fail_a_check_are_told():
    made = case("y ~ x + (1 | g)")
    made.post.data["sample_stats"]["diverging"][0, :5] = True
    assert "The draws did not pass all checks: divergences, 5 divergent of 80" in made.post.apa().results
    assert "5 draws diverged" in made.post.apa().methods


def test_formats_mark_symbols_and_escape_all_else():
    apa = Apa(f"a_b & 50% <c> | {italic('p')}", f"x{{1}} ~ \N{MINUS SIGN}1 {italic('t')}", {"x": italic("b")})
    assert apa.methods == "a_b & 50% <c> | p"
    assert apa.terms == {"x": "b"}
    assert apa.to_markdown() == "a\\_b & 50% \\<c\\> \\| *p*\n\nx\\{1\\} \\~ \N{MINUS SIGN}1 *t*\n"
    assert apa.to_latex().splitlines()[0] == r"a\_b \& 50\% \textless{}c\textgreater{} \textbar{} \textit{p}"
    assert apa.to_latex().splitlines()[2] == r"x\{1\} \textasciitilde{} $-$1 \textit{t}"
    assert apa.to_html().splitlines()[0] == "<p>a_b &amp; 50% &lt;c&gt; | <i>p</i></p>"


def test_html_is_the_plain_text_in_tags(slopes):
    class Text(HTMLParser):
        text = ""

        def handle_data(self, data):
            self.text += data

    parser, apa = Text(), slopes.apa()
    parser.feed(apa.to_html())
    assert parser.text.split("\n")[:2] == [apa.methods, apa.results]


@pytest.mark.parametrize(
    ("error", "places"), [(0.76, 2), (5.3, 2), (0.031, 3), (0.00031, 5), (120, 1), (5000, 0), (0, 2), (np.nan, 2)]
)
def test_decimals_show_two_digits_of_the_error(error, places):
    assert numbers.decimals(error) == places


@pytest.mark.parametrize(
    ("p", "text"), [(0.0166, "= .017"), (0.0004, "< .001"), (0.0006, "= .001"), (1.0, "> .999"), (0.5, "= .500")]
)
def test_p_values(p, text):
    assert numbers.probability(p) == text


@pytest.mark.parametrize(("r", "text"), [(-0.456, "\N{MINUS SIGN}.46"), (0.999, "1.00"), (-1, "\N{MINUS SIGN}1.00")])
def test_shares(r, text):
    assert numbers.share(r) == text
