"""`alternatives` against R's linear models, regressions done independently, and the fits that it lays side by side."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.compare.methods import CR2, FIXED, HC1, INTERACTION, INTERCEPT, MEANS, OLS, SLOPES, WILD
from bayeslmm.errors import ArgumentError, FormulaError
from tests.compare.posteriors import SALARY, SLEEP, around, fitted
from tests.reference_cases import load_case

ALL = [OLS, HC1, CR2, WILD, MEANS, FIXED, INTERACTION, INTERCEPT, SLOPES]


@pytest.fixture(scope="module")
def salary():
    return blm.alternatives(SALARY, blm.datasets.load("salary"), bayes=False)


def row(found, method, term):
    table = found.table
    return table[(table["method"] == method) & (table["term"] == term)].iloc[0]


def test_a_row_for_each_method(salary):
    assert salary.table["method"].tolist() == ALL
    assert set(salary.table["term"]) == {"grade"}
    assert list(salary.methods.index) == ALL
    assert salary.methods.map(len).gt(10).all(axis=None)
    assert (salary.group, salary.clusters, salary.post) == ("major", 5, None)


def test_ols_with_cluster_errors_is_rs(salary):
    case = load_case("olsc_salary")
    assert_allclose(row(salary, OLS, "grade")[["estimate", "se", "p"]].astype(float), [
        case["coef"]["values"][1], case["coef"]["se"][1], case["coef"]["p"][1]
    ])  # fmt: skip
    types = case["cluster"]["vcov_types"]
    own = row(salary, HC1, "grade")
    assert_allclose([own["se"], own["p"]], [types["HC1"]["se"][1], types["HC1"]["p_g_minus_1"][1]])
    assert row(salary, CR2, "grade")["se"] == pytest.approx(types["HC2"]["se"][1])


@pytest.mark.parametrize(("method", "name"), [(FIXED, "lm_salary_treat"), (INTERACTION, "lm_salary_inter")])
def test_fixed_effects_are_rs(salary, method, name):
    """R: lm(salary ~ grade + major), and lm(salary ~ grade * major) with contr.sum."""
    coef = load_case(name)["coef"]
    at = coef["names"].index("grade")
    own = row(salary, method, "grade")
    expected = [coef[key][at] for key in ("values", "se", "t", "p")]
    assert_allclose(own[["estimate", "se", "t", "p"]].astype(float), expected, rtol=1e-8)
    assert own["df"] == load_case(name)["df_resid"]


def test_the_clusters_contrasts_change_what_the_slope_is():
    """With treatment contrasts the slope is that of the first major, 2.38."""
    found = blm.alternatives(SALARY, blm.datasets.load("salary"), bayes=False, group_contrasts="treatment")
    assert row(found, INTERACTION, "grade")["estimate"] == pytest.approx(2.377, abs=5e-4)
    assert row(found, FIXED, "grade")["estimate"] == pytest.approx(load_case("lm_salary_treat")["coef"]["values"][1])


def test_cluster_means_are_a_regression_of_the_means(salary):
    means = blm.datasets.load("salary").groupby("major", observed=True)[["salary", "grade"]].mean()
    expected = blm.lm("salary ~ grade", means.reset_index()).tests().loc["grade"]
    own = row(salary, MEANS, "grade")
    assert_allclose(own[["estimate", "se", "df", "t", "p"]].astype(float), expected)


def test_mixed_models_are_the_fits(salary):
    for method, fit in salary.fits.items():
        assert_allclose(row(salary, method, "grade")[["estimate", "se", "df", "p"]].astype(float),
                        fit.tests().loc["grade", ["estimate", "se", "df", "p"]].astype(float))  # fmt: skip
    assert salary.fits[INTERCEPT].design.terms[0].effects == ("(Intercept)",)
    assert salary.fits[INTERCEPT].criterion == pytest.approx(load_case("salary_ri")["REML"]["criterion"])
    assert salary.fits[SLOPES].criterion == pytest.approx(load_case("salary_rs")["REML"]["criterion"], abs=1e-5)
    assert "singular fit" in row(salary, SLOPES, "grade")["note"]


def test_intervals_have_their_level(salary):
    narrow = blm.alternatives(SALARY, blm.datasets.load("salary"), bayes=False, level=0.5)
    width = lambda t: (t["upper"] - t["lower"]).to_numpy()  # noqa: E731
    assert (width(narrow.table) < width(salary.table)).all()
    own, fit = row(salary, FIXED, "grade"), blm.lm("salary ~ grade + major", blm.datasets.load("salary"))
    assert_allclose([own["lower"], own["upper"]], fit.confint().loc["grade"])


def test_random_slopes_are_added_where_the_formula_has_none():
    found = blm.alternatives("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"), bayes=False)
    assert found.fits[SLOPES].criterion == pytest.approx(fitted(SLEEP, "sleepstudy").criterion)
    assert row(found, MEANS, "Days")["note"] == "none: `Days` has the same mean in every level of Subject"


def test_what_is_constant_within_clusters_has_no_fixed_effects():
    data = blm.datasets.load("ChickWeight")
    found = blm.alternatives("weight ~ Time + Diet + (Time | Chick)", data, bayes=False, focal=["Time", "Diet"])
    for diet in ("Diet2", "Diet3", "Diet4"):
        own = row(found, FIXED, diet)
        assert np.isnan(own["estimate"])
        assert own["note"].startswith(f"none: `{diet}` does not vary within the levels of Chick: with a constant for")
    line = blm.lm("weight ~ Time + Chick", data).tests().loc["Time"]
    assert_allclose(row(found, FIXED, "Time")[["estimate", "se", "df"]].astype(float), line[["estimate", "se", "df"]])


def test_what_the_analyses_without_random_effects_leave_out():
    """Crossed factors are clustered by one of them only; nested ones are clustered, but not for fixed effects."""
    crossed = blm.alternatives(
        "diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin"), bayes=False
    )
    (note,) = crossed.notes
    assert "rows of one level of sample are alike, too, wherever their plate" in note
    assert " ".join(str(crossed).split()).startswith(
        f"9 analyses of the same coefficients; clusters: 24 levels of plate {note}"
    )
    inner = blm.alternatives("strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes"), bayes=False)
    assert inner.group == "batch"
    assert inner.notes == (
        "rows of one level of cask:batch are alike, too: fixed effects for batch take them for independent",
    )
    asked = blm.alternatives(
        "strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes"), bayes=False, group="cask:batch"
    )
    assert "rows of one level of batch are alike, too, wherever their cask:batch" in asked.notes[0]


def test_a_predictor_that_hardly_varies_between_clusters_is_told_of():
    """Rows that are missing leave the subjects' means of Days a little different: 0.7 % of its variance."""
    data = blm.datasets.load("sleepstudy")
    data.loc[data.index[::7], "Reaction"] = np.nan
    found = blm.alternatives("Reaction ~ Days + (1 | Subject)", data, bayes=False)
    own = data.dropna()
    mean = own.groupby("Subject", observed=True)["Days"].transform("mean")
    share = ((mean - own["Days"].mean()) ** 2).sum() / ((own["Days"] - own["Days"].mean()) ** 2).sum()
    note = row(found, MEANS, "Days")["note"]
    assert (
        note == f"{100 * share:.1f}% of the variance of `Days` lies between the levels of Subject: this rests on little"
    )


def test_clusters_in_which_a_predictor_does_not_vary_have_no_slope():
    data = blm.datasets.load("sleepstudy")
    data.loc[data["Subject"].isin(["308", "309"]), "Days"] = 3
    found = blm.alternatives("Reaction ~ Days + (1 | Subject)", data, bayes=False)
    note = row(found, INTERACTION, "Days")["note"]
    assert note == "none: `Days` does not vary within 2 of 18 levels of Subject, which have no slope to average"


def test_a_note_of_all_coefficients_is_told_once():
    found = blm.alternatives("effort ~ Type + (1 | Subject)", blm.datasets.load("ergostool"), bayes=False)
    note = "fixed effects x slopes: none: "
    assert found.table["note"].str.contains("coefficients for 36 rows").sum() == 3
    assert str(found).count(note) == 1


def test_a_matrix_of_contrasts_is_the_coding_of_that_name():
    """Dummies of the user's, and the clusters projected out, with weights."""
    data = blm.datasets.load("ChickWeight").assign(w=lambda d: 1.0 + d["Time"] % 3)
    formula, options = (
        "weight ~ Time + Diet + (1 | Chick)",
        {"bayes": False, "focal": ["Time", "Diet2"], "weights": "w"},
    )
    levels = data["Chick"].nunique()
    matrix = np.vstack([np.eye(levels - 1), -np.ones(levels - 1)])
    named = blm.alternatives(formula, data, **options)
    given = blm.alternatives(formula, data, group_contrasts=matrix, **options)
    for method in (FIXED, INTERACTION):
        for term in ("Time", "Diet2"):
            columns = ["estimate", "se", "df", "p", "lower"]
            assert_allclose(
                row(given, method, term)[columns].astype(float), row(named, method, term)[columns].astype(float)
            )


def test_two_thousand_clusters_have_slopes_of_their_own():
    """The mean of 2,000 slopes, each by itself, and its standard error from one residual variance."""
    rng = np.random.default_rng(2)
    J, n = 2000, 5
    g, x = np.repeat(np.arange(J), n), rng.normal(size=J * n)
    y = (1 + rng.normal(size=J))[g] * x + rng.normal(size=J)[g] + rng.normal(size=J * n)
    data = pd.DataFrame({"g": g.astype(str), "x": x, "y": y})
    found = row(blm.alternatives("y ~ x + (1 | g)", data, bayes=False), INTERACTION, "x")
    X, Y = x.reshape(J, n), y.reshape(J, n)
    X, Y = X - X.mean(axis=1, keepdims=True), Y - Y.mean(axis=1, keepdims=True)
    slope, size = (X * Y).sum(axis=1) / (X**2).sum(axis=1), (X**2).sum(axis=1)
    s2 = ((Y - slope[:, None] * X) ** 2).sum() / (J * (n - 2))
    assert_allclose(
        [found["estimate"], found["se"], found["df"]], [slope.mean(), np.sqrt(s2 * (1 / size).sum()) / J, J * (n - 2)]
    )


def test_nested_groups_are_clustered_by_the_coarsest_and_crossed_ones_as_asked():
    oats = blm.alternatives("yield ~ nitro + (1 | Block/Variety)", blm.datasets.load("oats"), bayes=False)
    assert (oats.group, oats.clusters) == ("Block", 6)
    assert [t.group for t in oats.fits[SLOPES].design.terms] == ["Variety:Block", "Block"]
    assert oats.fits[SLOPES].design.terms[1].effects == ("(Intercept)", "nitro")
    formula, data = "diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin")
    assert blm.alternatives(formula, data, bayes=False).group == "plate"
    asked = blm.alternatives(formula, data, bayes=False, group="sample")
    assert asked.clusters == 6
    assert set(asked.table["term"]) == {"(Intercept)"}
    means = data.groupby("sample", observed=True)["diameter"].mean()
    own = row(asked, MEANS, "(Intercept)")
    assert_allclose([own["estimate"], own["se"]], [means.mean(), means.std() / np.sqrt(6)])


def test_the_anova_stands_beside_where_the_design_has_it():
    found = blm.alternatives("effort ~ Type + (1 | Subject)", blm.datasets.load("ergostool"), bayes=False)
    assert found.rm_anova.table.loc["Type", "F"] == pytest.approx(22.355640535)
    assert "GG eps" in str(found)
    # balanced: the random-intercept model's t tests are those of the fixed-effects model
    for term in ("TypeT2", "TypeT3", "TypeT4"):
        fixed, mixed = (row(found, m, term)[["estimate", "se", "df"]].astype(float) for m in (FIXED, INTERCEPT))
        assert_allclose(fixed, mixed, rtol=1e-4)


def test_a_design_without_anova_says_why(salary):
    assert salary.rm_anova == "no repeated-measures ANOVA: `grade` is numeric; as factor(grade) it has one"
    assert salary.rm_anova in str(salary)


def test_weights_and_offset_go_into_every_method():
    data = blm.datasets.load("sleepstudy").assign(o=lambda d: 3.0 * d["Days"], w=2.0)
    plain = blm.alternatives(SLEEP, data, bayes=False).table
    moved = blm.alternatives(SLEEP, data, bayes=False, weights="w", offset="o").table
    assert_allclose(moved["estimate"], plain["estimate"] - 3, rtol=1e-6)
    assert_allclose(moved["se"], plain["se"], rtol=1e-4)


def test_the_posterior_is_a_row_of_its_own(monkeypatch):
    fit = fitted(SALARY, "salary")
    post = around(fit)
    monkeypatch.setattr(blm.Model, "sample", lambda self, **options: post)
    found = blm.alternatives(SALARY, blm.datasets.load("salary"))
    own = row(found, "Bayesian", "grade")
    draws = post.data["posterior"]["beta"].sel(coef="grade").to_numpy().ravel()
    assert_allclose([own["estimate"], own["se"]], [draws.mean(), draws.std(ddof=1)])
    assert_allclose([own["lower"], own["upper"]], np.quantile(draws, [0.025, 0.975]))
    assert np.isnan(own["p"])
    assert found.post is post


def test_the_text(salary):
    text = str(salary)
    assert text.startswith("9 analyses of the same coefficients; clusters: 5 levels of major")
    line = next(line for line in text.splitlines() if line.startswith("fixed effects x slopes"))
    assert line.split()[4:] == ["1.63", "1.52", "15.0", "0.3", "[-1.62,", "4.88]"]
    assert "  misleads: with few clusters (fewer than about 40)" in text
    assert max(map(len, text.splitlines())) <= 100
    assert salary._repr_html_().startswith("<pre")


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_the_forest_shows_every_method(salary, width):
    (ax,) = salary.plot(width=width)
    assert [t.get_text() for t in ax.get_yticklabels()] == ALL
    shown = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in ("s", "D", "o")]
    assert_allclose(shown, salary.table["estimate"])
    low, high = ax.get_xlim()
    assert low < salary.table["estimate"].min()
    assert high > salary.table["estimate"].max()


def test_methods_without_an_estimate_are_marked():
    found = blm.alternatives("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"), bayes=False)
    _, mine = plt.subplots()
    (ax,) = found.plot(axes=np.array([mine]))
    assert ax is mine
    assert [t.get_text() for t in ax.texts] == ["not estimable"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"focal": "grad"}, ArgumentError, "no coefficient or term `grad`; did you mean `grade`"),
        ({"focal": []}, ArgumentError, "focal names no coefficient"),
        ({"group": "majr"}, ArgumentError, "no grouping factor `majr`; did you mean `major`"),
        ({"level": 95}, ArgumentError, "level=95"),
        ({"group_contrasts": "foo"}, ArgumentError, '"foo" is not known; give one of treatment'),
        ({"group_contrasts": np.eye(3)}, ArgumentError, r"the matrix has shape \(3, 3\)"),
        ({"wieghts": "w"}, ArgumentError, "no argument `wieghts`; did you mean `weights`"),
    ],
)
def test_bad_arguments_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        blm.alternatives(SALARY, blm.datasets.load("salary"), bayes=False, **options)


def test_a_formula_without_bars_or_coefficients_is_refused():
    with pytest.raises(FormulaError, match="no random effects in the formula"):
        blm.alternatives("salary ~ grade", blm.datasets.load("salary"), bayes=False)
    with pytest.raises(FormulaError, match="no coefficient to compare"):
        blm.alternatives("salary ~ 0 + (1 | major)", blm.datasets.load("salary"), bayes=False)


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
def test_rank_deficient_and_tiny_designs_have_reasons_where_they_have_no_numbers():
    data = blm.datasets.load("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    found = blm.alternatives("Reaction ~ 0 + Days + twice + (0 + Days | Subject)", data, bayes=False)
    assert set(found.table["term"]) == {"Days"}
    few = blm.datasets.load("salary").iloc[[0, 1, 5, 6, 10, 11, 15, 16]]
    tiny = blm.alternatives("salary ~ grade + (1 | major)", few, bayes=False).table
    empty = tiny[tiny["estimate"].isna()]
    assert INTERACTION in set(empty["method"])
    assert empty["note"].str.startswith("none: ").all()


@pytest.mark.sampling
def test_the_whole_with_the_posterior():
    found = blm.alternatives(SALARY, blm.datasets.load("salary"), seed=3)
    own = row(found, "Bayesian", "grade")
    assert found.post.diagnostics().ok
    assert own["note"] == ""
    assert own["estimate"] == pytest.approx(found.post.draws.beta[:, 1].mean())
    assert own["lower"] < row(found, SLOPES, "grade")["estimate"] < own["upper"]
