"""`Fit` and its verbs: what is read off a fit, for the rows that were fitted and for new ones."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError
from tests.compare.posteriors import fitted

SLEEP = "Reaction ~ Days + (Days | Subject)"
N = 120


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return blm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def sleep(sleepstudy) -> blm.Fit:
    return blm.lmer(SLEEP, sleepstudy)


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """A factor, an ordered factor, a logical and numbers, two crossed groups, weights and an offset."""
    rng = np.random.default_rng(11)
    g, h = np.repeat(np.arange(12), 10), np.tile(np.arange(10), 12)
    dose = rng.choice(["low", "mid", "high"], N)
    x = rng.normal(5, 2, N)
    y = 3 + 0.5 * x + rng.normal(0, 1, 12)[g] + rng.normal(0, 0.7, 10)[h] + rng.normal(0, 0.5, N)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "f": rng.choice(list("abc"), N),
            "dose": pd.Categorical(dose, ["low", "mid", "high"], ordered=True),
            "late": rng.random(N) > 0.4,
            "g": g,
            "h": np.array([f"h{i}" for i in h]),
            "w": rng.uniform(0.5, 2, N),
            "o": rng.normal(size=N),
        }
    )


# -- effects of levels --------------------------------------------------------------------------------------------


def test_one_way_layout_in_closed_form():
    """With t = theta^2: b_j = n t / (1 + n t) (mean_j - mean) and Var(b_j | y) = sigma^2 t / (1 + n t)."""
    fit = blm.lmer("Yield ~ 1 + (1 | Batch)", blm.datasets.load("dyestuff"))
    data, t = blm.datasets.load("dyestuff"), fit.theta.iloc[0] ** 2
    means = data.groupby("Batch", observed=True)["Yield"].mean()
    ranef = fit.ranef().set_index("level")
    np.testing.assert_allclose(ranef["estimate"], 5 * t / (1 + 5 * t) * (means - means.mean()))
    np.testing.assert_allclose(ranef["se"], np.sqrt(fit.sigma**2 * t / (1 + 5 * t)))
    between, within = 5 * means.var(ddof=1), data.groupby("Batch", observed=True)["Yield"].var(ddof=1).mean()
    assert fit.sigma**2 == pytest.approx(within)
    assert fit.varcorr["vcov"].iloc[0] == pytest.approx((between - within) / 5)
    assert fit.icc() == pytest.approx((between - within) / (between + 4 * within))


def test_coefficients_are_fixed_plus_random(sleep):
    coef, ranef = sleep.coef(), sleep.ranef()
    assert list(coef.columns) == list(ranef.columns) == ["group", "level", "term", "estimate", "se"]
    np.testing.assert_allclose(coef["estimate"], ranef["estimate"] + np.tile(sleep.fixef, 18))
    assert list(coef["level"].unique()) == list(sleep.design.terms[0].levels)


def test_errors_of_coefficients_are_those_of_prediction(sleep):
    """Henderson (1975): from the full system [X'X X'Z; Z'X Z'Z + (Lambda Lambda')^-1] in dense arithmetic."""
    design, term = sleep.design, sleep.design.terms[0]
    Z = np.zeros((design.n, 36))
    for r in range(design.n):
        Z[r, 2 * term.index[r] : 2 * term.index[r] + 2] = term.Z[r]
    V = sleep.estimates.covariances[0] / sleep.sigma**2
    system = np.hstack([design.X, Z]).T @ np.hstack([design.X, Z])
    system[2:, 2:] += np.kron(np.eye(18), np.linalg.inv(V))
    joint = sleep.sigma**2 * np.linalg.inv(system)
    expected = []
    for j in range(18):
        for e in range(2):
            row = np.zeros(38)
            row[[e, 2 + 2 * j + e]] = 1
            expected.append(np.sqrt(row @ joint @ row))
    np.testing.assert_allclose(sleep.coef()["se"], expected, rtol=1e-8)


def test_an_effect_without_a_fixed_one_is_a_deviation_from_zero(sleepstudy):
    fit = blm.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    days = fit.coef().query("term == 'Days'")["estimate"].to_numpy()
    np.testing.assert_allclose(days, fit.ranef().query("term == 'Days'")["estimate"])


def test_one_name_for_two_codings_is_told_apart(mixed):
    data = mixed.assign(f=mixed["f"].map({"a": "1", "b": "2", "c": "3"}))
    fit = fitted("y ~ f + (f | g)", data, contrasts={"f": "sum"})
    assert fit.design.terms[0].effects == ("(Intercept)", "f2", "f3")
    coef = fit.coef().query("level == '4'").set_index("term")["estimate"]
    assert list(coef.index) == ["(Intercept)", "f1", "f2", "f2 | g", "f3"]
    b = fit.ranef().query("level == '4'").set_index("term")["estimate"]
    assert coef["f2 | g"] == pytest.approx(b["f2"])
    assert coef["f2"] == pytest.approx(fit.fixef["f2"])
    new = pd.DataFrame({"f": ["2"], "g": [4]})
    assert fit.predict(new).item() == pytest.approx(coef["(Intercept)"] + coef["f2"] + coef["f2 | g"])
    pooled = blm.pooling(fit)
    assert pooled.plot(terms=("(Intercept)", "f2 | g")).get_ylabel() == "f2 | g"
    assert "f2 | g" in str(pooled)
    assert fitted("y ~ f + (f | g)", data).coef()["term"].nunique() == 3


def test_groups_and_their_sizes():
    fit = fitted("diameter ~ 1 + (1 | sample) + (1 | plate)", "penicillin")
    assert fit.ngroups.to_dict() == {"plate": 24, "sample": 6}
    assert list(fit.ranef()["group"].unique()) == ["plate", "sample"]


# -- predictions --------------------------------------------------------------------------------------------------


def test_predictions_of_the_fitted_rows_are_the_fitted_values(sleep, sleepstudy):
    np.testing.assert_allclose(sleep.predict(), sleep.fitted)
    pd.testing.assert_series_equal(sleep.predict(sleepstudy), sleep.predict(), check_index=False)
    np.testing.assert_allclose(sleep.residuals() + sleep.fitted, sleepstudy["Reaction"])
    np.testing.assert_allclose(sleep.residuals("scaled"), sleep.residuals() / sleep.sigma)


def test_weights_and_offset_count_in_fitted_values_and_residuals(mixed):
    fit = blm.lmer("y ~ x + (1 | g)", mixed, weights="w", offset="o")
    np.testing.assert_allclose(fit.residuals("pearson"), fit.residuals() * np.sqrt(mixed["w"]))
    np.testing.assert_allclose(fit.predict(mixed), fit.fitted)
    shifted = fit.predict(mixed.assign(o=mixed["o"] + 2))
    np.testing.assert_allclose(shifted, fit.fitted + 2)


def test_population_values_have_no_random_effects(sleep, sleepstudy):
    expected = sleep.fixef.iloc[0] + sleep.fixef.iloc[1] * sleepstudy["Days"]
    np.testing.assert_allclose(sleep.predict(re="none"), expected)
    np.testing.assert_allclose(sleep.predict(sleepstudy[["Days"]], re="none"), expected)


def test_some_groups_only(mixed):
    fit = blm.lmer("y ~ x + (1 | g) + (1 | h)", mixed)
    b = fit.ranef().query("group == 'h'").set_index("level")["estimate"]
    expected = fit.predict(re="none") + b[mixed["h"]].to_numpy()
    np.testing.assert_allclose(fit.predict(re=["h"]), expected)
    np.testing.assert_allclose(fit.predict(re="h"), expected)
    np.testing.assert_allclose(fit.predict(mixed.drop(columns="g"), re=["h"]), expected)
    np.testing.assert_allclose(fit.predict(re=["g", "h"]), fit.fitted)


def test_new_levels_are_refused_or_get_the_population_value(sleep):
    new = pd.DataFrame({"Days": [0, 3], "Subject": ["308", "999"]})
    with pytest.raises(DataError, match=r"`Subject` has levels.*`999`.*new_levels=\"population\".*re=\"none\""):
        sleep.predict(new)
    found = sleep.predict(new, new_levels="population")
    assert found.iloc[0] == pytest.approx(sleep.predict().iloc[0])
    assert found.iloc[1] == pytest.approx(sleep.predict(new, re="none").iloc[1])


def test_missing_values_give_missing_predictions(sleep):
    new = pd.DataFrame({"Days": [1.0, np.nan, 1.0], "Subject": ["308", "308", None]}, index=["u", "v", "w"])
    found = sleep.predict(new)
    assert list(found.index) == ["u", "v", "w"]
    assert found.isna().tolist() == [False, True, True]
    assert sleep.predict(new, new_levels="population").isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ f + (1 | g)", {"contrasts": {"f": "sum"}}),
        ("y ~ f * x + (f | g)", {"contrasts": {"f": "helmert"}}),
        ("y ~ dose * late + (1 | g)", {}),
        ("y ~ poly(x, 2) + (1 | g)", {}),
        ("y ~ scale(x) + (scale(x) | g)", {}),
        ("y ~ bs(x, df = 4) + ns(x, 2):late + (1 | h)", {}),
        ("y ~ log(x^2) + I(x / 2) + (0 + late | g)", {}),
        ("y ~ f + offset(o) + (dose || h) + (1 | g)", {}),
        ("log(y + 20) ~ factor(late) + (1 | g:f)", {}),
    ],
)
def test_a_few_new_rows_are_coded_as_when_fitted(mixed, formula, options):
    fit = fitted(formula, mixed, **options)
    rows = [3, 57, 101]
    alone = pd.concat([fit.predict(mixed.iloc[[i]]) for i in rows])
    np.testing.assert_allclose(alone, fit.fitted[rows])


def test_categories_in_another_order_or_as_text_are_the_same(mixed):
    fit = fitted("y ~ f + dose + (1 | g)", mixed)
    new = mixed.assign(f=pd.Categorical(mixed["f"], list("cba")), dose=mixed["dose"].astype(str))
    np.testing.assert_allclose(fit.predict(new), fit.fitted)


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda d: pl.from_pandas(d).lazy(),
        pa.Table.from_pandas,
        lambda d: d.to_dict("list"),
        lambda d: d.convert_dtypes(),
        lambda d: d.convert_dtypes(dtype_backend="pyarrow"),
    ],
    ids=["polars", "lazy", "arrow", "dict", "nullable", "pyarrow-backed"],
)
def test_any_frame_gives_the_same_fit_and_predictions(mixed, convert):
    columns = ["y", "x", "f", "late", "g", "h"]
    expected = fitted("y ~ x * f + late + (x | g) + (1 | h)", mixed)
    found = fitted("y ~ x * f + late + (x | g) + (1 | h)", convert(mixed[columns]))
    pd.testing.assert_series_equal(found.fixef, expected.fixef)
    assert found.criterion == pytest.approx(expected.criterion, abs=1e-9)
    np.testing.assert_allclose(found.predict(convert(mixed[columns].iloc[:7])), expected.fitted[:7])


def test_the_index_of_predictions_is_that_of_the_rows_used(mixed):
    data = mixed.assign(y=mixed["y"].where(mixed.index != 2)).set_index(pd.Index(np.arange(N) + 1000))
    fit = fitted("y ~ x + (1 | g)", data)
    assert list(fit.predict().index[:3]) == [0, 1, 3]
    assert list(fit.predict(data.iloc[:2]).index) == [1000, 1001]
    assert fit.predict(pl.from_pandas(data)).index.equals(pd.RangeIndex(N))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f.predict(re=["Subjct"]), ArgumentError, "no grouping factor `Subjct`.*did you mean `Subject`"),
        (lambda f: f.predict(new_levels="zero"), ArgumentError, 'new_levels="zero" is not known'),
        (lambda f: f.predict(pd.DataFrame({"Days": [1]})), DataError, "the new data have no column `Subject`"),
        (lambda f: f.predict(pd.DataFrame({"Day": [1]}), re="none"), DataError, "no column `Days`; did you mean `Day`"),
        (lambda f: f.predict(pd.DataFrame({"Days": ["x"]}), re="none"), DataError, "`Days` held numbers"),
        (lambda f: f.predict([1, 2]), DataError, "data is of type list"),
        (lambda f: f.residuals("deviance"), ArgumentError, "response, pearson, scaled"),
        (lambda f: f.simulate(0), ArgumentError, "n must be at least 1"),
        (lambda f: f.confint("score"), ArgumentError, "it is one of wald, profile, boot"),
        (lambda f: f.confint(level=95), ArgumentError, r"for 95 % write level=0\.95"),
        (lambda f: f.summary(ddf="welch"), ArgumentError, "satterthwaite, kenward-roger, residual"),
        (lambda f: f.summary(ddf="kenward-rogers"), ArgumentError, "did you mean `kenward-roger`"),
        (lambda f: f.anova(type=4), ArgumentError, "1 .sequential., 2 .each term after"),
        (lambda f: f.anova(type=True), ArgumentError, "1 .sequential., 2 .each term after"),
        (lambda f: f.objective([1.0]), ArgumentError, "theta must be 3 finite numbers"),
        (lambda f: f.objective(pd.Series({"a": 1.0})), ArgumentError, "theta must be 3 finite numbers"),
    ],
)
def test_wrong_arguments_get_a_sentence(sleep, call, error, message):
    with pytest.raises(error, match=message):
        call(sleep)


# -- simulation ---------------------------------------------------------------------------------------------------


def test_simulated_responses_have_the_models_mean_and_covariance(mixed):
    fit = fitted("y ~ x + (x | g) + (1 | h)", mixed, weights="w", offset="o")
    draws = fit.simulate(4000, seed=5).to_numpy()
    design = fit.design
    mean = design.offset + design.X @ fit.estimates.beta
    V = np.diag(fit.sigma**2 / design.weights)
    for term, cov in zip(design.terms, fit.estimates.covariances, strict=True):
        V += (term.Z @ cov @ term.Z.T) * (term.index[:, None] == term.index)
    error = np.sqrt(np.diag(V) / 4000)
    assert (np.abs(draws.mean(axis=1) - mean) < 5 * error).all()
    spread = np.sqrt((np.outer(np.diag(V), np.diag(V)) + V**2) / 4000)
    assert (np.abs(np.cov(draws) - V) < 6 * spread).all()


def test_a_seed_gives_the_same_responses(sleep):
    first = sleep.simulate(2, seed=1)
    assert first.shape == (180, 2)
    assert list(first.columns) == ["sim_1", "sim_2"]
    pd.testing.assert_frame_equal(first, sleep.simulate(2, seed=1))
    pd.testing.assert_frame_equal(first, sleep.simulate(2, seed=np.random.default_rng(1)))
    assert (first != sleep.simulate(2, seed=2)).all(axis=None)


def test_a_simulated_response_can_be_fitted_again(sleep, sleepstudy):
    again = fitted(SLEEP, sleepstudy.assign(Reaction=sleep.simulate(1, seed=3)["sim_1"]))
    assert np.abs((again.fixef - sleep.fixef) / sleep.bse).max() < 4


# -- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
def test_likelihood_and_information_criteria(sleepstudy, reml):
    fit = blm.lmer(SLEEP, sleepstudy, reml=reml)
    assert fit.n_parameters == 2 + 3 + 1
    assert fit.loglik == pytest.approx(-fit.criterion / 2)
    assert fit.aic == pytest.approx(fit.criterion + 12)
    assert fit.bic == pytest.approx(fit.criterion + 6 * np.log(180))
    assert (fit.nobs, fit.df_resid) == (180, 174)
    assert fit.criterion == pytest.approx(1743.628272 if reml else 1751.939344, abs=1e-5)


def test_the_criterion_is_open_to_the_caller(sleep):
    assert sleep.objective(sleep.theta) == pytest.approx(sleep.criterion, abs=1e-10)
    assert sleep.objective(sleep.theta.iloc[::-1]) == pytest.approx(sleep.criterion, abs=1e-10)
    np.testing.assert_allclose(sleep.gradient(sleep.theta), 0, atol=1e-3)
    assert list(sleep.theta.index) == ["Subject.(Intercept)", "Subject.Days.(Intercept)", "Subject.Days"]


def test_wald_intervals(sleep):
    interval = sleep.confint(level=0.9)
    half = stats.norm.ppf(0.95) * sleep.bse
    np.testing.assert_allclose(interval["lower"], sleep.fixef - half)
    np.testing.assert_allclose(interval["upper"], sleep.fixef + half)


def test_degrees_of_freedom_by_name(sleep):
    normal, residual = sleep.summary("asymptotic").fixed, sleep.summary("residual").fixed
    assert np.isinf(normal["df"]).all()
    np.testing.assert_allclose(normal["p"], 2 * stats.norm.sf(np.abs(normal["t"])))
    assert (residual["df"] == 178).all()
    np.testing.assert_allclose(residual["p"], 2 * stats.t.sf(np.abs(residual["t"]), 178))
    assert "z value Pr(>|z|)" in str(sleep.summary("asymptotic"))


def test_intraclass_correlation_by_group_and_with_slopes(mixed):
    fit = fitted("y ~ x + (x | g) + (1 | h)", mixed)
    by_group = fit.icc(by_group=True)
    assert list(by_group.index) == ["g", "h"]
    assert fit.icc() == pytest.approx(by_group.sum())
    term = fit.design.terms[0]
    between = np.mean([z @ fit.estimates.covariances[0] @ z for z in term.Z])
    total = between + fit.estimates.covariances[1].item() + fit.sigma**2
    assert by_group["g"] == pytest.approx(between / total)


def test_the_covariance_table_has_the_residual_last(sleep):
    table = sleep.varcorr
    assert table["group"].tolist() == ["Subject"] * 3 + ["Residual"]
    assert table["vcov"].iloc[-1] == pytest.approx(sleep.sigma**2)
    np.testing.assert_allclose(table["sd"].dropna() ** 2, table.loc[table["sd"].notna(), "vcov"])
    pair = table.iloc[2]
    assert (pair["term1"], pair["term2"]) == ("(Intercept)", "Days")
    assert pair["corr"] == pytest.approx(pair["vcov"] / np.prod(table["sd"].iloc[:2]))


def test_one_contrast_f_is_t_squared(sleep):
    row, test = sleep.anova().table.loc["Days"], sleep.summary().fixed.loc["Days"]
    assert row["F"] == pytest.approx(test["t"] ** 2)
    assert row["DenDF"] == pytest.approx(test["df"])
    assert row["p"] == pytest.approx(test["p"])
    assert row["MeanSq"] == pytest.approx(row["F"] * sleep.sigma**2)


def test_types_of_tables_agree_where_the_design_is_balanced():
    fit = fitted("yield ~ nitro * Variety + (1 | Block/Variety)", "oats")
    first, third = fit.anova(type=1).table, fit.anova(type="III").table
    np.testing.assert_allclose(first.loc["nitro:Variety", "F"], third.loc["nitro:Variety", "F"])
    assert list(first.index) == ["nitro", "Variety", "nitro:Variety"]
    chi2 = fit.anova(ddf="asymptotic").table
    np.testing.assert_allclose(chi2["p"], stats.chi2.sf(chi2["F"] * chi2["NumDF"], chi2["NumDF"]))
    assert "chi-square (infinite df)" in str(fit.anova(ddf="asymptotic"))


def test_a_model_without_fixed_effects(sleepstudy):
    fit = blm.lmer("Reaction ~ 0 + (1 | Subject)", sleepstudy)
    assert fit.fixef.empty
    assert "No fixed effect coefficients" in str(fit)
    assert "No fixed effect coefficients" in str(fit.summary("kenward-roger"))
    assert "no terms beside the intercept" in str(fit.anova(type=2))
    assert fit.coef().shape == (18, 5)
    assert fit.anova().table.empty


# -- manners ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convert", [lambda d: d, pl.from_pandas, pa.Table.from_pandas], ids=["pandas", "polars", "arrow"]
)
def test_the_callers_data_are_never_changed(mixed, convert):
    data = convert(mixed)
    before = copy.deepcopy(data)
    fit = fitted("log(y + 20) ~ scale(x) + f + dose + offset(o) + (x | g) + (1 | h)", data, weights="w")
    fit.predict(data)
    fit.simulate(2, seed=1)
    str(fit.summary())
    assert data.equals(before)


def test_results_are_fresh_objects(sleep):
    series, frames = (sleep.fixef, sleep.bse, sleep.theta, sleep.predict()), (sleep.vcov, sleep.ranef(), sleep.varcorr)
    for one in series:
        one.iloc[:] = 0
    for frame in frames:
        frame.loc[:, frame.columns[-1]] = 0
    sleep.residuals()[:] = 0
    sleep.fitted[:] = 0
    assert sleep.vcov.iloc[1, 1] == pytest.approx(2.389, abs=1e-3)
    assert sleep.theta.iloc[0] > 0.9
    assert sleep.fixef.iloc[0] == pytest.approx(251.405, abs=1e-3)
    np.testing.assert_allclose(sleep.residuals() + sleep.fitted, sleep.design.y)


def test_row_order_and_level_names_do_not_matter(mixed):
    fit = fitted("y ~ x + f + (x | g) + (1 | h)", mixed)
    shuffled = mixed.sample(frac=1, random_state=1).assign(g=lambda d: "level " + d["g"].astype(str))
    other = fitted("y ~ x + f + (x | g) + (1 | h)", shuffled)
    assert other.criterion == pytest.approx(fit.criterion, abs=1e-7)
    np.testing.assert_allclose(other.fixef, fit.fixef, rtol=1e-5)
    np.testing.assert_allclose(other.fitted, fit.fitted[shuffled.index], rtol=1e-5)


def test_scale_and_shift_of_the_response_do_what_they_must(mixed):
    fit = fitted("y ~ x + (x | g)", mixed)
    other = fitted("y ~ x + (x | g)", mixed.assign(y=1e6 + 1e3 * mixed["y"]))
    np.testing.assert_allclose(other.fixef - [1e6, 0], 1e3 * fit.fixef, rtol=1e-4)
    assert other.sigma == pytest.approx(1e3 * fit.sigma, rel=1e-5)
    np.testing.assert_allclose(other.theta, fit.theta, atol=1e-4)


def test_a_notebook_shows_the_summary(sleep):
    assert sleep._repr_html_() == sleep.summary()._repr_html_()
    assert repr(sleep) == str(sleep.summary())
    assert "Reaction ~ Days + (Days | Subject)" in sleep._repr_html_()


def test_a_model_says_what_it_is(sleepstudy):
    model = blm.Model(SLEEP, sleepstudy)
    assert repr(model) == "Model('Reaction ~ Days + (Days | Subject)', 180 rows, groups: Subject (18))"
    assert model.fit().criterion == pytest.approx(1743.6283, abs=1e-4)
