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
        *("conditional_sd", "bayes", "bayes_se", "bayes_lower", "bayes_upper", "pooling_factor", "moved", "why"),
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


def test_the_pooling_factor_is_of_the_effects_own_data():
    """One grouping factor: v / (v + Var(b)) from the level's columns, each effect's prior apart from the others'."""
    fit = fitted("salary ~ 1 + grade + (1 + grade | major)", "salary")  # cor +1: the intercept tells the slope
    table = blm.pooling(fit).table.pivot(index="level", columns="term", values="pooling_factor")
    salary = blm.datasets.load("salary")
    prior = np.diag(np.diag(fit.estimates.covariances[0]))
    for level, own in salary.groupby("major", observed=True):
        Z = np.column_stack([np.ones(len(own)), own["grade"]])
        open_ = np.linalg.inv(np.linalg.inv(prior) + Z.T @ Z / fit.sigma**2)
        np.testing.assert_allclose(table.loc[level], np.diag(open_) / np.diag(prior), rtol=1e-9)
    assert (table["grade"] > 0.85).all()
    assert (table["(Intercept)"] < 0.1).all()


def test_the_pooling_factor_of_levels_of_different_size():
    """A single effect: v / (v + Var(b)), v = sigma^2 / n the variance of the level's mean; with one row, too."""
    data = blm.datasets.load("pastes")
    data = data[
        ~((data["batch"] == "A") & (np.arange(len(data)) > 0)) & ~((data["batch"] == "B") & (np.arange(60) % 2))
    ]
    fit = fitted("strength ~ 1 + (1 | batch)", data)
    table = blm.pooling(fit).table
    assert table["n"].min() == 1 < table["n"].max()
    v, prior = fit.sigma**2 / table["n"], fit.varcorr["sd"].iloc[0] ** 2
    np.testing.assert_allclose(table["pooling_factor"], v / (v + prior), rtol=1e-9)


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


def test_the_conditional_sd_is_that_of_the_random_effect(salary):
    effects = salary.fit.ranef()
    np.testing.assert_allclose(salary.table["conditional_sd"], effects["se"])
    fixed = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", "sleepstudy")).table.set_index("term")
    assert fixed.loc["Days", "conditional_sd"].isna().all()
    assert fixed.loc["(Intercept)", "conditional_sd"].gt(0).all()


def test_moves_go_from_the_own_estimate_to_the_pooled_one(salary):
    table = salary.table
    np.testing.assert_allclose(table["moved"], table["reml"] - table["no_pooling"])
    first = salary.movers(2)
    assert first[["term", "level"]].to_numpy().tolist() == [
        ["(Intercept)", "b"],
        ["(Intercept)", "d"],
        ["grade", "b"],
        ["grade", "d"],
    ]
    assert first["why"].tolist() == [
        "noisy, carried outward by what its other effects say",
        "pulled as the others are",
        "noisy, extreme",
        "pulled as the others are",
    ]


def test_few_rows_are_a_reason():
    data = blm.datasets.load("sleepstudy").iloc[8:]
    moved = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", data)).movers()
    assert set(moved["term"]) == {"(Intercept)"}
    row = moved[moved["level"] == "308"].iloc[0]
    assert (row["n"], row["why"]) == (2, "few rows, extreme")


def test_without_variance_the_words_say_so():
    moved = blm.pooling(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")).movers(1)
    assert moved["why"].tolist() == ["no variance between levels is estimated: all get the mean"]
    assert moved["level"].tolist() == ["C"]


def test_crossed_moves_are_compared_with_the_other_groups_effects_on_both_sides():
    pooled = blm.pooling(fitted(PENICILLIN, "penicillin"))
    own = pooled.table[pooled.table["group"] == "sample"]
    plates = pooled.fit.ranef().query("group == 'plate'")["estimate"].mean()
    np.testing.assert_allclose(own["moved"], own["reml"] + plates - own["no_pooling"])


# -- explained variance and pooling by term ------------------------------------------------------------------------

NESTED = "strength ~ 1 + (1 | batch/cask)"
CHICKS = "weight ~ Time * Diet + (Time | Chick)"


def spread_by_hand(fit, A_X, A_Z, constant=0.0):
    """V of the expectations and expectation of V of constant - A (beta, b), by Henderson's equations written out."""
    design, at = fit.design, fit.estimates
    Z = [t.Z[:, [a]] * (t.index[:, None] == np.arange(t.n_levels)) for t in design.terms for a in range(t.k)]
    G = [np.kron(V, np.eye(t.n_levels)) for t, V in zip(design.terms, at.covariances, strict=True)]
    Z, q = np.hstack(Z), sum(len(g) for g in G)
    prior, start = np.zeros((q, q)), 0
    for g in G:
        prior[start : start + len(g), start : start + len(g)] = g
        start += len(g)
    V = Z @ prior @ Z.T + at.sigma**2 * np.diag(1 / design.weights)
    W = np.linalg.inv(V)
    C = np.linalg.inv(design.X.T @ W @ design.X)
    beta = C @ design.X.T @ W @ design.y_net
    gain = prior @ Z.T @ W
    b = gain @ (design.y_net - design.X @ beta)
    cross = -C @ (gain @ design.X).T
    upper = np.hstack([C, cross])
    lower = np.hstack([cross.T, prior - gain @ Z @ prior + gain @ design.X @ C @ (gain @ design.X).T])
    A = np.hstack([A_X, A_Z])
    expected = constant - A @ np.concatenate([beta, b])
    covariance = A @ np.vstack([upper, lower]) @ A.T
    J = len(expected)
    centred = np.trace(covariance) - covariance.sum() / J
    return expected.var(ddof=1), expected.var(ddof=1) + centred / (J - 1)


def r2_and_pooling(theta, eps):
    return [1 - eps[1] / theta[1], 1 - eps[0] / eps[1]]


def test_measures_by_hand_with_predictors_of_the_levels():
    fit = fitted(CHICKS, "ChickWeight")
    found = blm.pooling(fit).measures.set_index("term")[["r2", "pooling"]]
    term, names = fit.design.terms[0], list(fit.design.coef_names)
    first = np.unique(term.index, return_index=True)[1]
    diets = fit.design.X[first][:, [names.index(f"Diet{d}") for d in "234"]]
    J, zero = term.n_levels, np.zeros((term.n_levels, term.n_levels))
    for effect, chosen, A_Z in (
        ("(Intercept)", ["(Intercept)", "Diet2", "Diet3", "Diet4"], np.hstack([np.eye(J), zero])),
        ("Time", ["Time", "Time:Diet2", "Time:Diet3", "Time:Diet4"], np.hstack([zero, np.eye(J)])),
    ):
        A_X = np.zeros((J, fit.design.p))
        A_X[:, [names.index(c) for c in chosen]] = np.column_stack([np.ones(J), diets])
        theta, eps = spread_by_hand(fit, A_X, A_Z), spread_by_hand(fit, 0 * A_X, A_Z)
        np.testing.assert_allclose(found.loc[effect], r2_and_pooling(theta, eps), rtol=1e-6)
    rows = np.hstack([term.Z[:, [a]] * (term.index[:, None] == np.arange(J)) for a in (0, 1)])
    y = fit.design.y
    residual = spread_by_hand(fit, fit.design.X, rows, y)
    np.testing.assert_allclose(found.loc[""], [1 - residual[1] / y.var(ddof=1), 1 - residual[0] / residual[1]])


def test_a_coarser_group_explains_a_finer_one():
    fit = fitted(NESTED, "pastes")
    found = blm.pooling(fit).measures.set_index("group")[["r2", "pooling"]]
    cask, batch = fit.design.terms
    first = np.unique(cask.index, return_index=True)[1]
    within = (batch.index[first][:, None] == np.arange(10)).astype(float)
    A_X, own = np.ones((30, 1)), np.hstack([np.eye(30), np.zeros((30, 10))])
    theta = spread_by_hand(fit, A_X, np.hstack([np.eye(30), within]))
    eps = spread_by_hand(fit, 0 * A_X, own)
    np.testing.assert_allclose(found.loc["cask:batch"], r2_and_pooling(theta, eps), rtol=1e-6)
    assert found.loc["cask:batch", "r2"] > 0.1
    assert found.loc["batch", "r2"] == 0


def test_measures_of_a_posterior_are_those_of_its_draws():
    fit = fitted(CHICKS, "ChickWeight")
    post = around(fit, draws=50)
    found = blm.pooling(fit, post).measures.set_index("term")
    draws = post.data["posterior"].to_dataset().stack(sample=("chain", "draw"))
    eps = draws["b_Chick"].sel(Chick_effect="Time").transpose("sample", "Chick").to_numpy()
    beta = {name: draws["beta"].sel(coef=name).to_numpy() for name in fit.design.coef_names}
    data = blm.datasets.load("ChickWeight").drop_duplicates("Chick").set_index("Chick")["Diet"].astype(str)
    diet = data.loc[list(fit.design.terms[0].levels)]
    slope = np.column_stack([beta["Time"] + (beta[f"Time:Diet{d}"] if d != "1" else 0) for d in diet])
    explained = 1 - eps.var(axis=1, ddof=1).mean() / (slope + eps).var(axis=1, ddof=1).mean()
    pooling = 1 - eps.mean(axis=0).var(ddof=1) / eps.var(axis=1, ddof=1).mean()
    np.testing.assert_allclose(found.loc["Time", ["bayes_r2", "bayes_pooling"]].astype(float), [explained, pooling])


def test_without_variance_nothing_is_left_to_explain():
    found = blm.pooling(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")).measures.set_index("group")
    assert np.isnan(found.loc["Batch", "r2"])
    assert found.loc["Batch", "pooling"] == 1
    assert found.loc["(rows)", "r2"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "formula",
    [
        "Reaction ~ 0 + (1 | Subject)",
        "Reaction ~ 0 + Days + (Days || Subject)",
        "Reaction ~ Days + (0 + Days | Subject)",
        "Reaction ~ Days + offset(o) + I(2 * Days) + (I(Days - 4) | Subject)",
    ],
)
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")
def test_every_kind_of_model_has_measures_and_a_text(formula):
    data = blm.datasets.load("sleepstudy").assign(w=np.tile([1.0, 3.0], 90), o=np.arange(180.0))
    pooled = blm.pooling(fitted(formula, data, weights="w"))
    assert pooled.measures["pooling"].between(0, 1).all()
    assert "R2, and pooling" in str(pooled)


def test_printed_intercepts_of_nested_groups_can_be_compared():
    """Cask a of batch E by itself is what the population, the batch and the cask together are."""
    fit = fitted("strength ~ 1 + (1 | batch/cask)", "pastes")
    text = str(blm.pooling(fit))
    b = fit.ranef().set_index(["group", "level"])["estimate"]
    whole = fit.fixef["(Intercept)"] + b["cask:batch", "a:E"] + b["batch", "E"]
    line = next(row for row in text.splitlines() if row.startswith("a:E"))
    assert line.split() == ["a:E", "2", "55.10", f"{whole:.2f}", "0.155"]
    assert text.count("intercepts: with the mean effects of the other groups") == 2
    assert "intercepts:" not in str(blm.pooling(fitted(SLEEP, "sleepstudy")))


def test_a_level_moved_by_a_slope_that_the_model_has_in_common():
    """With random intercepts only, subject 309 moves from its own line to one with the common slope, outward."""
    data = blm.datasets.load("sleepstudy").query("Subject in ['308', '309']").astype({"Subject": str})
    moved = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", data)).movers(1)
    assert moved["level"].tolist() == ["309"]
    assert moved["why"].tolist() == ["carried outward by the common Days"]


@pytest.mark.parametrize("most", [0, 1.5, True, "all"])
def test_a_number_of_movers_that_is_none_is_refused(salary, most):
    with pytest.raises(ArgumentError, match="most must be a whole number, at least 1"):
        salary.movers(most)


def test_a_level_that_is_no_probability_is_refused(salary):
    with pytest.raises(ArgumentError, match="level=95"):
        blm.pooling(salary.fit, level=95)


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
    at = text.index("(Intercept): complete pooling 1.27, mean of the levels alone 1.25")
    assert text[at + 1] == "grade: complete pooling -3.65, mean of the levels alone 1.63"
    assert text[at + 4] == "grade: b moved most, from -0.348 to 2.453 (5 rows): noisy, extreme"
    assert text[at + 6].startswith("R2, and pooling: the share")
    assert text[at + 8].split()[:3] == ["(rows)", "25", "0.923"]


def test_wide_and_long_texts_stay_readable():
    for formula, data in ((MACHINES, "machines"), (PENICILLIN, "penicillin"), (CAKE, "cake")):
        text = str(blm.pooling(fitted(formula, data)))
        assert max(map(len, text.splitlines())) <= 80
    assert "... and 25 more levels" in text
    assert blm.pooling(fitted(SLEEP, "sleepstudy"))._repr_html_().startswith("<pre")
