"""`pooling` against least squares done independently, and against the fit and the posterior that it lays beside it."""

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.compare.posteriors import SALARY, SLEEP, around, fitted

PENICILLIN = "diameter ~ 1 + (1 | plate) + (1 | sample)"
CAKE = "angle ~ recipe * temperature + (1 | recipe:replicate)"
MACHINES = "score ~ Machine + (Machine | Worker)"
# by R: lm(salary ~ grade, subset = major == ...)
SALARY_ALONE = {"a": (-6.35, 2.38), "b": (12.58, -0.35), "c": (12.26, 3.41), "d": (2.37, 0.85), "e": (-14.59, 1.87)}


def own_line(x: pd.Series, y: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope of a simple regression, and their standard errors, by the textbook's sums."""
    n, dx, dy = len(x), x - x.mean(), y - y.mean()
    slope = (dx * dy).sum() / (dx**2).sum()
    intercept = y.mean() - slope * x.mean()
    sigma2 = ((y - intercept - slope * x) ** 2).sum() / (n - 2)
    errors = np.sqrt(sigma2 * np.array([1 / n + x.mean() ** 2 / (dx**2).sum(), 1 / (dx**2).sum()]))
    return np.array([intercept, slope]), errors


@pytest.fixture(scope="module")
def salary():
    fit = fitted(SALARY, "salary")
    return blm.pooling(fit, around(fit))


def test_a_row_for_each_level_and_coefficient(salary):
    table = salary.table
    assert list(table[["level", "term"]].itertuples(index=False, name=None)) == [
        (level, term) for level in "abcde" for term in ("(Intercept)", "grade")
    ]
    assert set(table["group"]) == {"major"}
    assert set(table["n"]) == {5}
    assert list(table.columns) == [
        *("group", "level", "term", "n", "no_pooling", "no_pooling_se", "complete", "complete_se", "reml", "reml_se"),
        *("bayes", "bayes_se", "bayes_lower", "bayes_upper", "pooling_factor"),
    ]


def test_no_pooling_is_each_groups_own_regression(salary):
    data = blm.datasets.load("salary")
    table = salary.table.set_index(["level", "term"])
    for level, published in SALARY_ALONE.items():
        own = data[data["major"] == level]
        estimate, se = own_line(own["grade"], own["salary"])
        np.testing.assert_allclose(table.loc[level, "no_pooling"], estimate)
        np.testing.assert_allclose(table.loc[level, "no_pooling_se"], se)
        assert tuple(table.loc[level, "no_pooling"].round(2)) == published


def test_complete_pooling_is_the_linear_model(salary):
    line = blm.lm("salary ~ grade", blm.datasets.load("salary"))
    for level in "abcde":
        own = salary.table[salary.table["level"] == level].set_index("term")
        np.testing.assert_allclose(own["complete"], line.fixef)
        np.testing.assert_allclose(own["complete_se"], line.bse)


def test_partial_pooling_is_the_fits_and_the_posteriors(salary):
    own = salary.fit.coef()
    np.testing.assert_allclose(salary.table["reml"], own["estimate"])
    np.testing.assert_allclose(salary.table["reml_se"], own["se"])
    draws = salary.post.data["posterior"]
    total = draws["beta"].sel(coef="grade") + draws["b_major"].sel(major="b", major_effect="grade")
    row = salary.table.set_index(["level", "term"]).loc[("b", "grade")]
    assert row["bayes"] == pytest.approx(float(total.mean()))
    np.testing.assert_allclose(row[["bayes_lower", "bayes_upper"]].to_numpy(float), np.quantile(total, [0.025, 0.975]))


def test_the_level_is_that_of_the_posterior_intervals(salary):
    narrow = blm.pooling(salary.fit, salary.post, level=0.5).table
    assert (
        (narrow["bayes_upper"] - narrow["bayes_lower"]) < salary.table["bayes_upper"] - salary.table["bayes_lower"]
    ).all()


def test_the_pooling_factor_in_closed_form():
    """Balanced random intercepts: Var(b | y) / Var(b) = 1 / (1 + n theta^2), and the modes shrink by what is left."""
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff")
    table = blm.pooling(fit).table
    left = 1 / (1 + 5 * fit.theta.iloc[0] ** 2)
    np.testing.assert_allclose(table["pooling_factor"], left)
    mean = fit.fixef.iloc[0]
    np.testing.assert_allclose(table["reml"] - mean, (1 - left) * (table["no_pooling"] - mean))


def test_without_variance_all_is_pooled():
    table = blm.pooling(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")).table
    np.testing.assert_array_equal(table["pooling_factor"], 1.0)
    np.testing.assert_allclose(table["reml"], table["complete"])


def test_a_fixed_coefficient_has_no_pooling_factor():
    table = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", "sleepstudy")).table.set_index("term")
    assert table.loc["Days", "pooling_factor"].isna().all()
    assert table.loc["(Intercept)", "pooling_factor"].between(0, 1).all()
    assert table.loc["Days", "no_pooling"].nunique() == 18


def test_crossed_groups_are_pooled_each():
    pooled = blm.pooling(fitted(PENICILLIN, "penicillin"))
    data = blm.datasets.load("penicillin")
    for group in ("plate", "sample"):
        own = pooled.table[pooled.table["group"] == group].set_index("level")["no_pooling"]
        means = data.groupby(group, observed=True)["diameter"].mean()
        np.testing.assert_allclose(own, means.loc[own.index])


def test_levels_in_which_a_predictor_is_constant_keep_their_own_intercept():
    fit = fitted(CAKE, "cake")
    table = blm.pooling(fit).table.set_index(["level", "term"])
    data = blm.datasets.load("cake")
    for recipe in "ABC":
        own = data[(data["recipe"] == recipe) & (data["replicate"].astype(str) == "3")]
        shift = 0.0 if recipe == "A" else fit.fixef[f"recipe{recipe}"]
        assert table.loc[(f"{recipe}:3", "(Intercept)"), "no_pooling"] == pytest.approx(own["angle"].mean() - shift)
    assert np.isnan(table.loc[("B:3", "recipeB"), "no_pooling"])


def test_slopes_of_a_factor():
    table = blm.pooling(fitted(MACHINES, "machines")).table.set_index(["level", "term"])["no_pooling"]
    means = blm.datasets.load("machines").groupby(["Worker", "Machine"], observed=True)["score"].mean()
    for worker in "123456":
        assert table[worker, "(Intercept)"] == pytest.approx(means[worker, "A"])
        assert table[worker, "MachineC"] == pytest.approx(means[worker, "C"] - means[worker, "A"])


def test_a_level_with_too_few_rows_is_missing_there_only():
    data = blm.datasets.load("sleepstudy").iloc[9:]
    table = blm.pooling(fitted(SLEEP, data)).table.set_index(["level", "term"])
    assert table.loc["308", "n"].tolist() == [1, 1]
    assert table.loc["308", ["no_pooling", "no_pooling_se"]].isna().all(axis=None)
    assert table.loc["308", ["reml", "reml_se", "complete", "pooling_factor"]].notna().all(axis=None)
    assert table.drop(index="308")["no_pooling"].notna().all()


def test_an_effect_that_is_only_random_is_completely_pooled_to_nothing():
    fit = fitted("Reaction ~ 1 + (Days | Subject)", "sleepstudy")
    table = blm.pooling(fit).table.set_index(["level", "term"])
    assert np.isnan(table.loc[("308", "Days"), "complete"])
    assert table.loc[("308", "(Intercept)"), "complete"] == pytest.approx(298.5079, abs=1e-4)
    line, _ = own_line(*(blm.datasets.load("sleepstudy").iloc[:10][c] for c in ("Days", "Reaction")))
    np.testing.assert_allclose(table.loc["308", "no_pooling"], line)


def test_weights_and_offset_count():
    data = blm.datasets.load("sleepstudy").assign(w=np.tile([1.0, 3.0], 90), o=np.arange(180.0))
    table = blm.pooling(fitted(SLEEP, data, weights="w", offset="o")).table.set_index(["level", "term"])["no_pooling"]
    own = data[data["Subject"] == "372"]
    expected = np.polyfit(own["Days"], own["Reaction"] - own["o"], 1, w=np.sqrt(own["w"]))[::-1]
    np.testing.assert_allclose(table.loc["372"], expected)


def test_a_model_is_fitted_first():
    model = blm.Model(SLEEP, blm.datasets.load("sleepstudy"))
    pd.testing.assert_frame_equal(blm.pooling(model).table, blm.pooling(model.fit()).table)


@pytest.mark.parametrize("wrong", ["salary", None, pd.DataFrame({"y": [1.0]})])
def test_what_is_neither_fit_nor_model_is_refused(wrong):
    with pytest.raises(ArgumentError, match=r"pooling takes a fit or a model; got (str|NoneType|DataFrame)"):
        blm.pooling(wrong)


def test_the_text_shows_all_effects_side_by_side(salary):
    text = str(salary).splitlines()
    assert text[0] == "Pooling over major (5 levels)"
    assert text[1].startswith("factor: 0 where the level's own data decide")
    assert text[2].split() == ["(Intercept)", "grade"]
    assert text[3].split() == ["n", *["none", "REML", "Bayes", "factor"] * 2]
    row = next(line for line in text if line.startswith("b ")).split()
    assert row[:3] == ["b", "5", "12.58"]
    assert row[6] == "-0.348"
    assert text[-2:] == [
        "(Intercept): complete pooling 1.27, mean of the levels alone 1.25",
        "grade: complete pooling -3.65, mean of the levels alone 1.63",
    ]


def test_wide_and_long_texts_stay_readable():
    for formula, data in ((MACHINES, "machines"), (PENICILLIN, "penicillin"), (CAKE, "cake")):
        text = str(blm.pooling(fitted(formula, data)))
        assert max(map(len, text.splitlines())) <= 80
    assert "... and 25 more levels" in text
    assert blm.pooling(fitted(SLEEP, "sleepstudy"))._repr_html_().startswith("<pre")
