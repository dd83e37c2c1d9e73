"""What users do with the PyMC model: `pm.do`, `pm.observe`, log likelihoods, predictions, a likelihood of their own."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.bayes.test_hierarchical import CASES, DATA, PLAIN

OPTIONS = {"weights": "w", "offset": "o"}
SIGMA = np.array(4.0)  # PyTensor takes a plain 4.0 for single precision
PRIORS = {
    "defaults": None,
    "flat": "flat",
    "of many kinds": {"x": blm.StudentT(3, 0, 1), "sd": blm.Gamma(2, 0.5), "sigma": blm.Uniform(0, 20)},
    "foreign": {"x": pm.Normal.dist(0, 2), "sigma": pm.Gamma.dist(2, 0.5)},
}


@pytest.fixture
def model() -> blm.Model:
    return blm.Model("y ~ x + (x | g) + (1 | h)", DATA, **OPTIONS)


def point(pm_model, seed: int = 3) -> dict[str, np.ndarray]:
    """Values of all free variables, as the model takes them."""
    rng = np.random.default_rng(seed)
    return {name: v + 0.2 * rng.normal(size=np.shape(v)) for name, v in pm_model.initial_point().items()}


def draws(n: int = 1) -> xr.DataTree:
    """A posterior of n equal draws, for `model`."""
    rng = np.random.default_rng(8)
    L = np.array([[1.0, 0.0], [0.6, 0.8]])
    values = {
        "beta_centred": (("coef",), np.array([18.0, 1.5])),
        "sd_g": (("g_effect",), np.array([2.0, 0.7])),
        "L_g": (("L_row", "L_column"), L),
        "z_g": (("g", "g_effect"), rng.normal(size=(6, 2))),
        "sd_h": (("h_effect",), np.array([1.2])),
        "z_h": (("h", "h_effect"), rng.normal(size=(4, 1))),
        "sigma": ((), np.array(3.5)),
    }
    dims = {"coef": ["(Intercept)", "x"], "g_effect": ["Intercept", "x"], "h_effect": ["Intercept"]}
    levels = {"g": [f"g{i}" for i in range(6)], "h": [f"h{i}" for i in range(4)]}
    posterior = xr.Dataset(
        {name: (("chain", "draw", *d), np.broadcast_to(v, (1, n, *v.shape))) for name, (d, v) in values.items()},
        {"chain": [0], "draw": np.arange(n), **dims, **levels},
    )
    return xr.DataTree.from_dict({"posterior": posterior})


def one() -> dict[str, np.ndarray]:
    """That draw."""
    return {name: v.to_numpy()[0, 0] for name, v in draws()["posterior"].items()}


def mean(model: blm.Model) -> np.ndarray:
    """The expected response (n,) at these draws."""
    design, at = model.design, one()
    mu = design.offset + design.X @ model.priors.to_user(at["beta_centred"])
    for t in design.terms:
        L = at.get(f"L_{t.group}", np.eye(t.k))
        b = (at[f"z_{t.group}"] @ L.T) * at[f"sd_{t.group}"]
        mu = mu + (t.Z * b[t.index]).sum(axis=1)
    return mu


@pytest.mark.parametrize("marginal", [False, True], ids=["hierarchical", "marginal"])
@pytest.mark.parametrize("given", PRIORS)
def test_do_and_observe(given, marginal):
    """At sigma = 4 both have the density of the model itself: without sigma's prior, or with it."""
    model = blm.Model("y ~ x + z + (x | g)", DATA, priors=PRIORS[given], **OPTIONS)
    pm_model = model.pymc_model("noncentred", marginal)
    fixed = pm.do(pm_model, {"sigma": SIGMA})
    observed = pm.observe(pm_model, {"sigma": SIGMA})
    assert {v.name for v in fixed.free_RVs} == {v.name for v in pm_model.free_RVs} - {"sigma"}
    at = point(fixed)
    sigma = pm_model.rvs_to_values[pm_model["sigma"]]
    inside = pm_model.rvs_to_transforms[pm_model["sigma"]].forward(SIGMA, *pm_model["sigma"].owner.inputs).eval()
    whole = pm_model.compile_logp(jacobian=False, mode=PLAIN)(at | {sigma.name: inside})
    prior = pm.logp(pm_model["sigma"], SIGMA).eval()
    assert_allclose(fixed.compile_logp(jacobian=False, mode=PLAIN)(at), whole - prior, rtol=1e-9)
    assert_allclose(observed.compile_logp(jacobian=False, mode=PLAIN)(at), whole, rtol=1e-9)
    assert all(tuple(fixed.coords[d]) == tuple(labels) for d, labels in pm_model.coords.items())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
def test_every_formula_starts_where_its_density_is_finite(case):
    formula, options = CASES[case]
    pm_model = blm.Model(formula, DATA, **options).pymc_model("noncentred")
    assert not any(v is not None for v in pm_model.rvs_to_initial_values.values())
    assert np.isfinite(pm_model.compile_logp(mode=PLAIN)(pm_model.initial_point()))


def test_the_log_likelihood_of_rows(model):
    with model.pymc_model("noncentred"):
        found = pm.compute_log_likelihood(draws(), progressbar=False, extend_inferencedata=False)["y"]
    sigma = 3.5 / np.sqrt(model.design.weights)
    assert_allclose(found.to_numpy()[0, 0], stats.norm.logpdf(model.design.y, mean(model), sigma), rtol=1e-9)
    assert_array_equal(found["obs"], model.design.rows)


def test_predictions_of_rows(model):
    n = 2000
    with model.pymc_model("noncentred"):
        found = pm.sample_posterior_predictive(draws(n), progressbar=False, random_seed=1)["posterior_predictive"]["y"]
    z = (found.to_numpy()[0] - mean(model)) / (3.5 / np.sqrt(model.design.weights))
    assert_array_equal(found["obs"], model.design.rows)
    assert np.abs(z.mean(axis=0) * np.sqrt(n)).max() < 4.5
    assert abs(z.var() - 1) < 4.5 * np.sqrt(2 / z.size)


def test_missing_rows_have_no_label():
    gaps = DATA.assign(x=DATA["x"].where(DATA.index != 5))
    pm_model = blm.Model("y ~ x + (1 | g)", gaps).pymc_model("noncentred", likelihood=False)
    assert 5 not in pm_model.coords["obs"]
    assert len(pm_model.coords["obs"]) == len(DATA) - 1


# -- without the likelihood ----------------------------------------------------------------------------------------


def test_without_likelihood_there_are_priors_and_the_mean(model):
    whole, bare = model.pymc_model("noncentred"), model.pymc_model("noncentred", likelihood=False)
    assert {v.name for v in bare.free_RVs} == {v.name for v in whole.free_RVs}
    assert bare.observed_RVs == []
    assert bare.named_vars_to_dims["mu"] == whole.named_vars_to_dims["y"] == ("obs",)
    assert_array_equal(bare.coords["obs"], model.design.rows)
    assert {v.name for v in bare.data_vars} == {v.name for v in whole.data_vars}
    at = point(bare)
    parts = whole.compile_logp(vars=whole.free_RVs, mode=PLAIN)(at)
    assert_allclose(bare.compile_logp(mode=PLAIN)(at), parts, rtol=1e-12)


def test_the_mean_is_that_of_the_formula(model):
    bare = model.pymc_model("noncentred", likelihood=False)
    at = one()
    inputs = [bare[name] for name in at if name != "sigma"]
    mu = bare.compile_fn([bare["mu"]], inputs=inputs, mode=PLAIN, point_fn=False)(*(at[v.name] for v in inputs))[0]
    assert_allclose(mu, mean(model), rtol=1e-12)


def test_the_normal_likelihood_put_back_is_the_model(model):
    whole = model.pymc_model("noncentred")
    with model.pymc_model("noncentred", likelihood=False) as own:
        sd = own["sigma"] / pm.math.sqrt(own["weights"])
        pm.Normal("y", own["mu"], sd, observed=own["y_observed"], dims="obs")
    at = point(whole)
    assert_allclose(own.compile_logp(mode=PLAIN)(at), whole.compile_logp(mode=PLAIN)(at), rtol=1e-12)


def test_another_likelihood(model):
    with model.pymc_model("noncentred", likelihood=False) as own:
        pm.StudentT("y", nu=4, mu=own["mu"], sigma=own["sigma"], observed=own["y_observed"], dims="obs")
    with own:
        found = pm.compute_log_likelihood(draws(), progressbar=False, extend_inferencedata=False)["y"]
    expected = stats.t.logpdf(model.design.y, 4, mean(model), 3.5)
    assert_allclose(found.to_numpy()[0, 0], expected, rtol=1e-9)
    assert_array_equal(found["obs"], model.design.rows)
    assert {v.name for v in pm.do(own, {"sigma": 2.0}).observed_RVs} == {"y"}


def test_what_is_integrated_out_needs_the_likelihood(model):
    with pytest.raises(ArgumentError, match=r"use pymc_model\(likelihood=False\)"):
        model.pymc_model(marginal=True, likelihood=False)
