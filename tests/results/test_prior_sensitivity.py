"""Power-scaling against ArviZ's own on the same groups, against closed forms, and in words."""

from dataclasses import replace

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.bayes.priors import resolve
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.prior_sensitivity import (
    BOTH,
    DATA,
    PRIOR,
    marginal_log_likelihood,
    parameter_draws,
    sensitivities,
)
from tests.results.posterior_draws import case


def posterior(formula: str = "y ~ x + (x | g) + (1 | h)", given=None, draws=100, **options) -> Posterior:
    post = case(formula, draws=draws, **options).post
    return replace(post, priors=resolve(post.design, given))


def test_the_likelihood_has_the_random_effects_integrated_out():
    post = posterior("y ~ x + (x | g) + (1 | h)", weights="w", offset="o")
    draws, design = post.draws, post.design
    got = marginal_log_likelihood(draws, np.array([3, 50]))
    for value, s in zip(got, (3, 50), strict=True):
        V = np.diag(draws.sigma[s] ** 2 / design.weights)
        for t in design.terms:
            Z = np.zeros((design.n, t.n_levels, t.k))
            Z[np.arange(design.n), t.index] = t.Z
            V += np.einsum("ija,ab,kjb->ik", Z, draws.cov(t)[s], Z)
        mean = design.offset + design.X @ draws.beta[s]
        assert_allclose(value, stats.multivariate_normal(mean, V).logpdf(design.y), rtol=1e-9)


def test_numbers_are_arviz_s():
    post = posterior(given={"x": blm.Normal(0, 0.3), "sd": blm.Exponential(3)})
    table = post.prior_sensitivity(draws=200).table
    assert list(table.columns) == ["prior", "likelihood", "which", "verdict"]
    values, names = parameter_draws(post.draws)
    index = {"chain": np.arange(2), "draw": np.arange(100)}
    dims = ("chain", "draw")
    likelihood = marginal_log_likelihood(post.draws, np.arange(200)).reshape(2, 100)
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {n: (dims, v.reshape(2, 100)) for n, v in zip(names, values.T, strict=True)}, index
            ),
            "log_prior": post.extended("log_prior").data["log_prior"].to_dataset(),
            "log_likelihood": xr.Dataset({"y": (dims, likelihood)}, index),
        }
    )
    reference = {group: arviz_stats.psense(tree, group=group) for group in ("prior", "likelihood")}
    assert list(table.index) == names
    for group, found in reference.items():
        assert_allclose(table[group], [float(found[n]) for n in names], rtol=1e-10)


def test_a_prior_as_strong_as_the_data_is_felt_and_a_weak_one_is_not():
    """Draws of N(m, s^2) with a normal prior: the distance has the same value whatever the units."""
    rng = np.random.default_rng(1)
    x = rng.normal(3, 1, (20_000, 1))
    weak, strong = (stats.norm(0, sd).logpdf(x[:, 0]) for sd in (100, 1.5))
    assert sensitivities(x, weak) < 0.01
    assert sensitivities(x, strong) > 0.2
    assert_allclose(sensitivities(1000 * x, strong), sensitivities(x, strong), rtol=1e-6)
    assert sensitivities(x, np.zeros(20_000)) == 0


def test_verdicts_name_the_prior_that_matters():
    flat = posterior(given="flat").prior_sensitivity()
    assert (flat.table["prior"].drop("cor_g[Intercept, x]") == 0).all()
    assert flat.ok
    given = {"x": blm.Normal(-8, 1), "sd_g": blm.HalfNormal(1000)}
    found = posterior(given=given).prior_sensitivity().table
    assert found.loc["x", "which"] == "beta"
    assert found.loc["x", "verdict"] in (BOTH, PRIOR)
    assert found.loc["sd_h[Intercept]", "verdict"] in (DATA, BOTH, PRIOR)
    text = str(posterior(given=given).prior_sensitivity())
    assert "random effects integrated out" in text
    assert "both matter" in text or "the prior decides" in text


def test_every_model_and_constants():
    post = posterior("y ~ 0 + (1 | g)")
    data = post.data.copy()
    data["posterior"] = post.data["posterior"].to_dataset().assign(sigma=post.data["posterior"]["sigma"] * 0 + 2.0)
    table = replace(post, data=data).prior_sensitivity().table
    assert table.loc["sigma", "verdict"] == "constant"
    for formula in ("y ~ 0 + f + x + (0 + f || g)", "y ~ x * f + (1 | a/b)"):
        assert np.isfinite(posterior(formula).prior_sensitivity().table[["prior", "likelihood"]]).all(axis=None)


def test_bad_input_gets_a_sentence():
    with pytest.raises(ArgumentError, match="draws must be a whole number, at least 100"):
        posterior().prior_sensitivity(draws=10)
    with pytest.raises(ArgumentError, match="has only the table of its priors"):
        case("y ~ x + (1 | g)").post.prior_sensitivity()
