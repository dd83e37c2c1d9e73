"""Posterior: its tables, predictions and diagnostics against the obvious computation on the same draws."""

import re
from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from bayeslmm.errors import ArgumentError, DataError, DesignWarning
from bayeslmm.results import posterior_draws
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_diagnostics import EFFECTS_CHECKED, convergence
from bayeslmm.results.posterior_predict import covariance_root
from bayeslmm.results.posterior_tables import interval
from tests.results.posterior_draws import Case, case, frame

FORMULAS = {
    "correlated": ("y ~ x + f + (1 + x | g)", {}),
    "uncorrelated": ("y ~ x + (x || g)", {}),
    "three effects": ("y ~ x + (x + z | g) + (1 | h)", {}),
    "nested": ("y ~ x + (1 + z | a/b)", {}),
    "weights and offset": ("y ~ 0 + f + (1 + x | g) + (z || h)", {"weights": "w", "offset": "o"}),
}


@pytest.fixture(scope="module", params=FORMULAS)
def any_case(request) -> Case:
    formula, options = FORMULAS[request.param]
    return case(formula, **options)


@pytest.fixture(scope="module")
def one() -> Case:
    return case("y ~ x + (1 + x | g)", chains=4, draws=200)


def with_posterior(c: Case, **variables) -> Posterior:
    """The same posterior with variables replaced by functions of themselves."""
    tree = c.post.data.copy()
    data = tree["posterior"].to_dataset()
    tree["posterior"] = xr.DataTree(data.assign({name: change(data[name]) for name, change in variables.items()}))
    return replace(c.post, data=tree)


def with_stats(c: Case, **variables) -> Posterior:
    tree = c.post.data.copy()
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().assign(variables))
    return replace(c.post, data=tree)


# -- draws and tables ----------------------------------------------------------------------------------------------


def test_draws_come_back_as_they_went_in(any_case):
    draws = any_case.post.draws
    assert_array_equal(draws.beta, any_case.beta)
    assert_array_equal(draws.sigma, any_case.sigma)
    for t in any_case.design.terms:
        assert_array_equal(draws.sd(t), any_case.sd[t.group])
        assert_array_equal(draws.corr(t), any_case.corr[t.group])
        assert_array_equal(draws.b(t), any_case.b[t.group])


def test_draws_are_matched_by_name_not_by_position():
    c = case("y ~ x + f + (x + z | g)")
    data = c.post.data["posterior"].to_dataset()
    shuffled = data.isel(
        coef=slice(None, None, -1),
        g=slice(None, None, -1),
        g_effect=slice(None, None, -1),
        g_pair=slice(None, None, -1),
    ).transpose("draw", "g_effect", "g", ...)
    post = replace(c.post, data=xr.DataTree.from_dict({"posterior": shuffled}))
    pd.testing.assert_series_equal(post.fixef, c.post.fixef)
    pd.testing.assert_frame_equal(post.varcorr, c.post.varcorr)
    pd.testing.assert_frame_equal(post.coef(), c.post.coef())


def test_draws_of_another_model_are_refused():
    c, other = case("y ~ x + (1 | g)"), case("y ~ x + (1 + x | g)")
    with pytest.raises(ArgumentError, match="no `x`: it belongs to another model"):
        replace(c.post, design=other.design).ranef()
    with pytest.raises(ArgumentError, match="no `sd_h`"):
        _ = replace(c.post, design=case("y ~ x + (1 | h)").design).fixef


def test_fixef_and_varcorr_are_posterior_means(any_case):
    post = any_case.post
    assert_allclose(post.fixef, any_case.beta.mean(axis=0))
    assert list(post.fixef.index) == list(any_case.design.coef_names)
    varcorr = post.varcorr
    for t in any_case.design.terms:
        sd, corr = any_case.sd[t.group], any_case.corr[t.group]
        rows = varcorr[varcorr["group"] == t.group]
        variances = rows[rows["term2"].isna()].set_index("term1")
        for i, name in enumerate(t.effects):
            assert_allclose(variances.loc[name, "sd"], sd[:, i].mean())
            assert_allclose(variances.loc[name, "vcov"], (sd[:, i] ** 2).mean())
        for row in rows[rows["term2"].notna()].itertuples():
            i, j = t.effects.index(row.term1), t.effects.index(row.term2)
            assert i < j
            assert_allclose(row.corr, corr[:, i, j].mean())
            assert_allclose(row.vcov, (corr[:, i, j] * sd[:, i] * sd[:, j]).mean())
        assert rows["term2"].notna().sum() == sum(len(b) * (len(b) - 1) // 2 for b in t.blocks)
    assert varcorr.iloc[-1]["group"] == "Residual"
    assert_allclose(varcorr.iloc[-1]["vcov"], (any_case.sigma**2).mean())


@pytest.mark.parametrize("chunk", [1, 700, 10**7])
def test_ranef_and_coef_summarise_each_level(any_case, monkeypatch, chunk):
    monkeypatch.setattr(posterior_draws, "CHUNK", chunk)
    level = 0.8
    ranef = any_case.post.ranef(level=level).set_index(["group", "level", "term"])
    coef = any_case.post.coef(level=level).set_index(["group", "level", "term"])
    names = list(any_case.design.coef_names)
    for t in any_case.design.terms:
        for j, label in enumerate(t.levels):
            for i, effect in enumerate(t.effects):
                b = any_case.b[t.group][:, j, i]
                fixed = any_case.beta[:, names.index(effect)] if effect in names else 0.0
                for table, x in ((ranef, b), (coef, fixed + b)):
                    expected = [x.mean(), x.std(ddof=1), np.quantile(x, 0.1), np.quantile(x, 0.9)]
                    assert_allclose(table.loc[(t.group, label, effect)], expected)
    assert len(ranef) == sum(t.n_levels * t.k for t in any_case.design.terms)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_hdi_is_arviz_s(level):
    draws = np.random.default_rng(1).gamma(2, size=(400, 3))
    lower, upper = interval(draws, level, "hdi")
    expected = array_stats.hdi(draws, prob=level, axis=0)
    assert_allclose(np.stack([lower, upper], axis=1), expected)
    assert (upper - lower < np.subtract(*interval(draws, level)[::-1])).all()


# -- summary -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_summary_tables(any_case, kind):
    summary = any_case.post.summary(level=0.9, kind=kind)
    fixed, random = summary.fixed, summary.random
    assert list(fixed.columns) == ["estimate", "median", "sd", "lower", "upper", "rhat", "ess_bulk", "ess_tail"]
    lower, upper = interval(any_case.beta, 0.9, kind)
    expected = [
        any_case.beta.mean(axis=0),
        np.median(any_case.beta, axis=0),
        any_case.beta.std(axis=0, ddof=1),
        lower,
        upper,
    ]
    assert_allclose(fixed.iloc[:, :5], np.stack(expected, axis=1))
    beta = any_case.post.data["posterior"]["beta"]
    assert_allclose(fixed["rhat"], az.rhat(beta, method="rank"))
    assert_allclose(fixed["ess_bulk"], az.ess(beta, method="bulk"))
    assert_allclose(fixed["ess_tail"], az.ess(beta, method="tail", prob=(0.05, 0.95)))
    for t in any_case.design.terms:
        rows = random[(random["group"] == t.group) & (random["kind"] == "sd")]
        assert list(rows["term"]) == list(t.effects)
        assert_allclose(rows["estimate"], any_case.sd[t.group].mean(axis=0))
    assert random.iloc[-1]["group"] == "Residual"
    assert_allclose(random.iloc[-1]["median"], np.median(any_case.sigma))
    assert np.isfinite(random.select_dtypes("number").to_numpy()).all()


def test_summary_says_what_a_reader_needs():
    data = frame()
    data.loc[[3, 7], "x"] = np.nan
    data["twice"] = 2 * data["x"]
    with pytest.warns(DesignWarning, match="twice"):
        c = case("y ~ x + twice + f + (1 + x | g) + (1 | a/b)", data, weights="w", offset="o")
    text = c.post.summary(level=0.9, kind="hdi").text
    for part in (
        "Linear mixed model, posterior by NUTS [bayeslmm]",
        "Formula: y ~ x + twice + f",
        "2 chains x 40 draws; 90% highest-density intervals",
        "Weights: yes",
        "Offset: yes",
        "cor (Intercept), x",
        "Number of obs: 58, groups:  b:a, 12; g, 6; a, 4",
        "2 rows with missing values left out (58 used)",
        "1 collinear columns left out: twice",
        "contrasts: f treatment",
        "sigma     HalfStudentT(3, 3) sd of y",
    ):
        assert part in text
    assert text == str(c.post.summary(0.9, "hdi"))
    assert repr(c.post) == c.post.summary().text
    assert "<pre" in c.post._repr_html_()
    assert "<pre" in c.post.summary()._repr_html_()


def test_numbers_have_the_decimals_of_their_sd(one):
    post = with_posterior(one, sd_g=lambda x: x * xr.DataArray([1e4, 1e-3], dims="g_effect"))
    text = post.summary().text
    rows = [next(line for line in text.splitlines() if name in line) for name in ("sd (Intercept)", "sd x")]
    assert re.search(r" \d{4} +\d{4} +\d{4} ", rows[0])
    assert re.search(r" 0\.000\d{3} +0\.000\d{3} +0\.000\d{3} ", rows[1])


def test_a_constant_is_called_constant(one):
    post = with_posterior(one, cor_g=lambda x: 0 * x + 0.3)
    row = next(line for line in post.summary().text.splitlines() if "cor (Intercept), x" in line)
    assert row.split()[-1] == "constant"
    assert "nan" not in post.summary().text.lower()
    assert post.diagnostics().table.loc["constants", "where"] == "cor g Intercept, x"
    assert np.isfinite(post.diagnostics().table.loc["R-hat", "value"])


# -- diagnostics ---------------------------------------------------------------------------------------------------


def test_good_draws_pass_every_check():
    c = case("y ~ x + (1 | g)", chains=4, draws=1000)
    diagnostics = c.post.diagnostics()
    assert diagnostics.ok
    assert (diagnostics.table["next_step"] == "").all()
    assert "0 divergences" in c.post.summary().text


def test_worst_rhat_and_ess_are_found_among_all_parameters(one):
    table = one.post.diagnostics().table
    posterior = one.post.data["posterior"].to_dataset()
    rhat, bulk, tail = (
        np.concatenate([f(v).to_numpy().ravel() for v in posterior.data_vars.values()])
        for f in (
            lambda v: az.rhat(v, method="rank"),
            lambda v: az.ess(v, method="bulk"),
            lambda v: az.ess(v, method="tail", prob=(0.05, 0.95)),
        )
    )
    assert_allclose(table.loc["R-hat", "value"], rhat.max())
    assert_allclose(table.loc["ESS bulk", "value"], bulk.min())
    assert_allclose(table.loc["ESS tail", "value"], tail.min())


def test_chains_that_disagree_are_named(one):
    shift = xr.DataArray([0.0, 0, 0, 3], dims="chain")
    diagnostics = with_posterior(one, sigma=lambda x: x + shift).diagnostics()
    assert not diagnostics.ok
    assert diagnostics.table.loc["R-hat", "where"] == "sigma"
    assert diagnostics.table.loc["R-hat", "value"] > 1.1
    assert "the chains do not agree" in str(diagnostics)
    assert "model.sample(tune=" in str(diagnostics)
    assert "! R-hat" in with_posterior(one, sigma=lambda x: x + shift).summary().text


def test_an_effect_that_is_stuck_is_named(one):
    def stuck(b):
        return b.where((b["g"] != "g3") | (b["g_effect"] != "x"), b["chain"] + 1e-6 * b)

    assert with_posterior(one, b_g=stuck).diagnostics().table.loc["R-hat", "where"] == "b g g3 x"


def test_divergences_depth_and_energy(one):
    shape = (4, 200)
    diverging = np.zeros(shape, dtype=bool)
    diverging[1, :7] = True
    energy = np.cumsum(np.random.default_rng(0).normal(size=shape), axis=1)
    post = with_stats(
        one,
        diverging=(("chain", "draw"), diverging),
        energy=(("chain", "draw"), energy),
        maxdepth_reached=(("chain", "draw"), np.ones(shape, dtype=bool)),
    )
    table = post.diagnostics().table
    assert table.loc["divergences", "value"] == 7
    assert "target_accept=0.99" in table.loc["divergences", "next_step"]
    assert_allclose(table.loc["E-BFMI", "value"], array_stats.bfmi(energy, chain_axis=0, draw_axis=1).min(), rtol=1e-2)
    assert not table.loc[["divergences", "E-BFMI", "tree depth"], "ok"].any()
    assert table.loc["tree depth", "value"] == 1


def test_absent_statistics_are_said_to_be_absent(one):
    children = {k: v.to_dataset() for k, v in one.post.data.children.items() if k != "sample_stats"}
    diagnostics = replace(one.post, data=xr.DataTree.from_dict(children)).diagnostics()
    assert diagnostics.table.loc["divergences", "verdict"] == "not recorded by the sampler"
    assert "nan" not in str(diagnostics)


def test_one_chain_has_no_rhat():
    post = case("y ~ x + (1 | g)", chains=1, draws=400).post
    assert not post.diagnostics().ok
    assert "there is one" in str(post.diagnostics())
    assert "nan" not in post.summary().text.lower()
    assert "1 chain x 400" in post.summary().text
    assert np.isfinite(post.summary().fixed["ess_bulk"]).all()


def test_many_effects_are_looked_at_evenly():
    data = frame(n=400)
    data["g"] = [f"g{i // 2 % 199:03}" for i in range(400)]
    table = case("y ~ x + (x | g)", data, draws=10).post.diagnostics().table
    assert table.loc["random effects", "value"] == EFFECTS_CHECKED
    assert "of 398" in table.loc["random effects", "verdict"]


def test_convergence_of_constants_and_few_draws():
    values = np.random.default_rng(0).normal(size=(2, 50, 2))
    values[:, :, 0] = 1.0
    table = convergence(values)
    assert list(table["constant"]) == [True, False]
    assert np.isnan(table.loc[0, "rhat"])
    assert np.isfinite(table.loc[1, "rhat"])
    assert convergence(values[:, :3])["rhat"].isna().all()


# -- predictions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 333, 10**7])
def test_fitted_rows(any_case, monkeypatch, chunk):
    monkeypatch.setattr(posterior_draws, "CHUNK", chunk)
    eta = any_case.eta()
    assert_allclose(any_case.post.predict(draws=True), eta)
    table = any_case.post.predict(level=0.5)
    expected = [
        eta.mean(axis=0),
        eta.std(axis=0, ddof=1),
        np.quantile(eta, 0.25, axis=0),
        np.quantile(eta, 0.75, axis=0),
    ]
    assert_allclose(table, np.stack(expected, axis=1))
    assert list(table.columns) == ["estimate", "se", "lower", "upper"]


def test_new_rows_equal_fitted_rows(any_case):
    data = frame()
    data.index = [f"row {i}" for i in range(len(data))]
    table = any_case.post.predict(data)
    assert_allclose(table, any_case.post.predict())
    assert list(table.index) == list(data.index)


def test_chosen_groups():
    c = case("y ~ x + (1 + x | g) + (1 | h)")
    zero = {k: 0 * v for k, v in c.b.items()}
    assert_allclose(c.post.predict(re="none", draws=True), c.eta(zero))
    assert_allclose(c.post.predict(re=["h"], draws=True), c.eta({**zero, "h": c.b["h"]}))
    assert_allclose(c.post.predict(frame().drop(columns=["g"]), re=["h"], draws=True), c.eta({**zero, "h": c.b["h"]}))


def test_new_levels_are_an_error_or_the_population(one):
    new = frame().iloc[:4].assign(g=["g0", "new", "g1", "other"])
    with pytest.raises(DataError, match=r"`new`, `other`.*sample"):
        one.post.predict(new)
    got = one.post.predict(new, new_levels="population", draws=True)
    population = one.post.predict(new, re="none", draws=True)
    assert_allclose(got[:, [1, 3]], population[:, [1, 3]])
    assert_allclose(got[:, [0, 2]], one.post.predict(new.iloc[[0, 2]], draws=True))


def test_sampled_levels_share_one_draw_and_have_the_right_covariance():
    c = case("y ~ x + (x + z || g) + (x | h)", chains=4, draws=5000)
    # one intercept-only and one slope-only probe per level: differences give the effects back
    probe = pd.DataFrame(
        {"x": [0, 1, 0, 1, 0, 0.0], "z": [0, 0, 0, 0, 1, 0.0], "g": "g0", "h": ["n1", "n1", "n2", "n2", "n1", "n1"]}
    )
    draws = c.post.predict(probe, new_levels="sample", seed=3, draws=True)
    population = c.post.predict(probe, re=["g"], draws=True)
    effect = draws - population
    assert_allclose(effect[:, 0], effect[:, 5])  # the same level in two rows
    assert abs(np.corrcoef(effect[:, 0], effect[:, 2])[0, 1]) < 0.03  # two levels are independent
    b = np.stack([effect[:, 0], effect[:, 1] - effect[:, 0]], axis=1)
    sd = c.sd["h"]
    V = c.corr["h"] * sd[:, :, None] * sd[:, None, :]
    white = np.linalg.solve(np.linalg.cholesky(V), b[:, :, None])[:, :, 0]  # N(0, I) draw by draw
    assert_allclose(np.cov(white.T), np.eye(2), atol=0.05)
    assert stats.kstest(white[:, 0], "norm").pvalue > 1e-3
    assert stats.kstest(white[:, 1], "norm").pvalue > 1e-3


def test_uncorrelated_blocks_stay_uncorrelated_in_new_levels():
    c = case("y ~ x + (x + z || g)", chains=4, draws=5000)
    probe = pd.DataFrame({"x": [0, 1, 0.0], "z": [0, 0, 1.0], "g": "new"})
    effect = c.post.predict(probe, new_levels="sample", seed=3, draws=True) - c.post.predict(
        probe, re="none", draws=True
    )
    b = np.stack([effect[:, 0], effect[:, 1] - effect[:, 0], effect[:, 2] - effect[:, 0]], axis=1) / c.sd["g"]
    assert_allclose(np.cov(b.T), np.eye(3), atol=0.05)


def test_root_of_a_singular_correlation(one):
    post = with_posterior(one, cor_g=lambda x: 0 * x - 1.0)
    term = one.design.terms[0]
    root = covariance_root(post.draws, term)
    assert_allclose(root @ root.transpose(0, 2, 1), post.draws.cov(term), atol=1e-12)


@pytest.mark.parametrize("kind", ["expected", "linear", "predictive"])
def test_random_numbers_do_not_depend_on_chunks(one, monkeypatch, kind):
    new = frame().iloc[:12].assign(g=["new", "g0", "other"] * 4)
    whole = one.post.predict(new, new_levels="sample", kind=kind, seed=5, draws=True)
    monkeypatch.setattr(posterior_draws, "CHUNK", 5 * whole.shape[0])
    assert_allclose(one.post.predict(new, new_levels="sample", kind=kind, seed=5, draws=True), whole)
    table = one.post.predict(new, new_levels="sample", kind=kind, seed=5)
    assert_allclose(table["estimate"], whole.mean(axis=0))
    assert_allclose(table["upper"], np.quantile(whole, 0.975, axis=0))
    other = one.post.predict(new, new_levels="sample", kind=kind, seed=6, draws=True)
    assert not np.allclose(other[:, 0], whole[:, 0])


def test_seeds_may_be_generators_and_none(one):
    a, b = (one.post.predict(kind="predictive", seed=np.random.default_rng(2)) for _ in range(2))
    pd.testing.assert_frame_equal(a, b)
    assert not one.post.predict(kind="predictive").equals(one.post.predict(kind="predictive"))


def test_predictive_noise_has_the_residual_sd():
    c = case("y ~ x + (1 | g)", chains=4, draws=1000, weights="w")
    noise = c.post.predict(kind="predictive", seed=1, draws=True) - c.post.predict(draws=True)
    standard = noise / c.sigma[:, None] * np.sqrt(c.design.weights)
    assert abs(standard.std() - 1) < 0.01
    assert stats.kstest(standard[:, ::10].ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(standard[:, 0], standard[:, 1])[0, 1]) < 0.06
    new = c.post.predict(frame(), kind="predictive", seed=1, draws=True) - c.post.predict(draws=True)
    assert abs((new / c.sigma[:, None]).std() - 1) < 0.01  # new rows have weight 1


def test_missing_values_give_missing_predictions():
    c = case("y ~ x + (1 + z | g) + (1 | a:b)", weights="w")
    new = frame().iloc[:5].astype({"g": object, "a": object})
    new.iloc[0, new.columns.get_loc("x")] = np.nan
    new.iloc[1, new.columns.get_loc("z")] = np.nan
    new.iloc[2, new.columns.get_loc("g")] = None
    new.iloc[3, new.columns.get_loc("a")] = None
    for new_levels in ("error", "population", "sample"):
        table = c.post.predict(new, new_levels=new_levels, kind="predictive", seed=1)
        assert list(table["estimate"].isna()) == [True] * 4 + [False]
        assert list(table["lower"].isna()) == [True] * 4 + [False]
    assert list(c.post.predict(new, re="none")["estimate"].isna()) == [True] + [False] * 4


# -- densities, shares of variance ---------------------------------------------------------------------------------


def test_log_likelihood_is_the_conditional_normal_density(any_case):
    design = any_case.design
    got = any_case.post.log_likelihood()
    scale = any_case.sigma[:, None] / np.sqrt(design.weights)
    expected = stats.norm.logpdf(design.y, any_case.eta(), scale)
    assert got.dims == ("chain", "draw", "obs")
    assert_allclose(got.to_numpy().reshape(expected.shape), expected)
    assert_array_equal(got["obs"], design.rows)


def test_posterior_predictive_is_eta_with_noise(any_case):
    got = any_case.post.posterior_predictive(seed=4)
    assert_allclose(
        got["y"].to_numpy().reshape(-1, any_case.design.n), any_case.post.predict(kind="predictive", seed=4, draws=True)
    )
    assert got["y"].dims == ("chain", "draw", "obs")


def test_replicated_rows_of_new_levels_have_the_covariance_of_the_model():
    c = case("y ~ x + (1 + z | g)", chains=4, draws=5000)
    fixed = {"sigma": lambda x: 0 * x + 0.5, "beta": lambda x: 0 * x}
    fixed |= {
        "sd_g": lambda x: 0 * x + np.array([2.0, 0.7]),
        "cor_g": lambda x: 0 * x + 0.4,
        "b_g": lambda x: 0 * x + 9,
    }
    post, term = with_posterior(c, **fixed), c.design.terms[0]
    y = post.posterior_predictive(re="new", seed=3)["y"].to_numpy().reshape(20_000, -1)
    G = np.array([[4.0, 0.4 * 2 * 0.7], [0.4 * 2 * 0.7, 0.49]])
    together = term.index[:, None] == term.index
    V = term.Z @ G @ term.Z.T * together + 0.25 * np.eye(c.design.n)
    size = np.sqrt(np.outer(np.diag(V), np.diag(V)))
    # 3600 correlations of 20,000 draws, each with an error of 0.007
    assert np.abs((np.cov(y.T) - V) / size).max() < 0.045
    assert np.abs(y.mean(axis=0) / np.sqrt(np.diag(V))).max() < 0.04


def test_replicated_rows_without_effects_are_the_fixed_part(any_case):
    got = any_case.post.posterior_predictive(re="none", seed=4)["y"].to_numpy().reshape(-1, any_case.design.n)
    expected = any_case.post.predict(re="none", kind="predictive", seed=4, draws=True)
    assert_allclose(got, expected)


@pytest.mark.parametrize("re", ["all", "new", "none"])
def test_replicated_rows_do_not_depend_on_the_chunks(any_case, monkeypatch, re):
    whole = any_case.post.posterior_predictive(re=re, seed=4)["y"].to_numpy()
    monkeypatch.setattr(posterior_draws, "CHUNK", 1)
    assert_allclose(any_case.post.posterior_predictive(re=re, seed=4)["y"].to_numpy(), whole)


def test_extended_adds_groups_and_leaves_the_posterior_alone(one):
    before = set(one.post.data.children)
    more = one.post.extended("log_likelihood", "posterior_predictive", seed=1)
    assert set(one.post.data.children) == before
    assert set(more.data.children) == before | {"log_likelihood", "posterior_predictive"}
    xr.testing.assert_equal(more.data["log_likelihood"]["y"], one.post.log_likelihood())
    xr.testing.assert_equal(more.data["posterior"].to_dataset(), one.post.data["posterior"].to_dataset())
    assert set(one.post.extended().data.children) == set(more.data.children)


def test_loo_is_arviz_s():
    c = case("y ~ x + (1 | g)", chains=4, draws=500)
    tight = with_posterior(c, beta=lambda x: x / 50, b_g=lambda x: x / 50, sigma=lambda x: 10 + 0 * x + x / 100)
    loo = tight.loo(conditional=True)
    expected = az.loo(tight.extended("log_likelihood").data, pointwise=True, reff=1.0)
    assert_allclose(loo.table.loc["elpd_loo"], [expected.elpd, expected.se], rtol=1e-3)
    assert_allclose(loo.table.loc["p_loo", "estimate"], expected.p, rtol=0.05)
    assert_allclose(loo.table.loc["p_loo", "estimate"], loo.elpd.p)
    assert_allclose(loo.pointwise["elpd"].sum(), loo.table.loc["elpd_loo", "estimate"])
    assert loo.ok
    assert "can be used" in str(loo)


def test_loo_says_where_it_cannot_be_trusted():
    loo = case("y ~ x + (1 | g)", chains=4, draws=200).post.loo(conditional=True)
    assert not loo.ok
    assert loo.n_bad > 0
    assert str(loo.pointwise["pareto_k"].idxmax()) in str(loo)


def test_icc_is_the_share_between_groups(any_case):
    design = any_case.design
    between = {}
    for t in design.terms:
        sd = any_case.sd[t.group]
        V = any_case.corr[t.group] * sd[:, :, None] * sd[:, None, :]
        between[t.group] = np.array([np.mean([z @ v @ z for z in t.Z]) for v in V])
    total = sum(between.values()) + any_case.sigma**2 * np.mean(1 / design.weights)
    share = sum(between.values()) / total
    expected = [share.mean(), share.std(ddof=1), np.quantile(share, 0.05), np.quantile(share, 0.95)]
    assert_allclose(any_case.post.icc(level=0.9), expected)
    by_group = any_case.post.icc(by_group=True)
    for group, value in between.items():
        assert_allclose(by_group.loc[group, "estimate"], (value / total).mean())


@pytest.mark.parametrize("chunk", [1, 10**7])
def test_bayes_r2(any_case, monkeypatch, chunk):
    monkeypatch.setattr(posterior_draws, "CHUNK", chunk)
    explained = any_case.eta().var(axis=1, ddof=1)
    r2 = explained / (explained + any_case.sigma**2 * np.mean(1 / any_case.design.weights))
    expected = [r2.mean(), r2.std(ddof=1), np.quantile(r2, 0.025), np.quantile(r2, 0.975)]
    assert_allclose(any_case.post.bayes_r2(), expected)


# -- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.summary(level=95), "for 95 % write level=0.95"),
        (lambda p: p.summary(kind="hpd"), '"eti" .* or "hdi"'),
        (lambda p: p.ranef(level=1.0), "between 0 and 1"),
        (lambda p: p.coef(level=0), "between 0 and 1"),
        (lambda p: p.icc(level=90), "write level=0.9"),
        (lambda p: p.bayes_r2(level=-1), "between 0 and 1"),
        (lambda p: p.predict(level=95), "write level=0.95"),
        (lambda p: p.predict(re="G"), "no grouping factor `G`.*did you mean `g`"),
        (lambda p: p.predict(new_levels="zero"), '"error", "population", "sample"'),
        (lambda p: p.predict(kind="mean"), '"expected", "linear", "predictive"'),
        (lambda p: p.predict(seed="a"), "seed='a' must be a whole number"),
        (lambda p: p.predict(seed=-1), "seed=-1 must be"),
        (lambda p: p.posterior_predictive(re="some"), 're=.some. is not known; it is one of "all", "new", "none"'),
        (lambda p: p.extended("posterior_predictve"), "did you mean `posterior_predictive`"),
        (lambda p: p.prior(draws=0), "at least 1"),
    ],
)
def test_arguments_are_checked_with_a_sentence(one, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(one.post)


def test_a_posterior_is_frozen_and_knows_its_model(one):
    with pytest.raises(AttributeError):
        one.post.data = None
    assert one.post.fit() == "REML"
    assert one.post.fit(reml=False) == "ML"
    assert one.post.nobs == 60
    assert one.post.ngroups["g"] == 6


def test_a_model_without_fixed_effects():
    c = case("y ~ 0 + (1 | g)")
    assert c.post.fixef.empty
    assert "No fixed effect coefficients" in c.post.summary().text
    assert_allclose(c.post.predict(draws=True), c.eta())
