"""Draws of the parameters that have priors, the densities there, and the picture of both."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.bayes.priors import resolve
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.prior_parameters import centred, marginal_correlation, own_priors, prior_parameters
from tests.results.posterior_draws import case


def posterior(formula: str = "y ~ x + f + (x | g) + (1 | h)", given=None, **options) -> Posterior:
    post = case(formula, **options).post
    return replace(post, priors=resolve(post.design, given))


def test_centred_coefficients_are_the_inverse_of_the_way_to_the_user():
    post = posterior()
    beta = post.draws.beta
    assert_allclose(post.priors.to_user(centred(beta, post.priors)), beta)
    X = post.design.X
    assert_allclose(centred(beta, post.priors)[:, 0], beta @ X.mean(axis=0))


def test_every_slot_has_its_draws_and_the_density_of_its_prior():
    given = {"sd": blm.Exponential(2), "x": blm.StudentT(4, 0, 2), "cor_g": blm.LKJ(3), "sigma": blm.Flat()}
    post = posterior(given=given)
    found = {p.slot.keys[0]: p for p in prior_parameters(post.draws, post.priors)}
    assert list(found) == [s.keys[0] for s in post.priors.slots]
    draws = post.draws
    assert_allclose(found["x"].log_prior(), stats.t(4, 0, 2).logpdf(draws.beta[:, 1]))
    at_mean = draws.beta @ post.design.X.mean(axis=0)
    prior = post.priors.beta[0].prior
    assert_allclose(found["Intercept"].log_prior(), stats.norm(prior.mu, prior.sigma).logpdf(at_mean))
    assert_allclose(found["sd_g[x]"].log_prior(), np.log(2) - 2 * draws.sd(post.design.terms[0])[:, 1])
    r = draws.cor(post.design.terms[0])[:, 0]
    assert_allclose(found["cor_g"].log_prior(), stats.beta(3, 3, -1, 2).logpdf(r))  # two effects: beta(eta, eta)
    assert_allclose(found["sigma"].log_prior(), 0)
    assert_allclose(found["sigma"].log_prior(blm.HalfNormal(2)), stats.halfnorm(0, 2).logpdf(draws.sigma))


def test_blocks_of_correlations_are_independent():
    post = posterior("y ~ x + (0 + f | g) + (0 + x + z | g)", {"cor": blm.LKJ(2)})
    cor = next(p for p in prior_parameters(post.draws, post.priors) if p.slot.kind == "cor")
    assert [d.shape[1] for d in cor.draws] == [3, 2]
    assert_allclose(cor.log_prior(), blm.LKJ(2).logp(cor.draws[0]) + blm.LKJ(2).logp(cor.draws[1]))


@pytest.mark.parametrize(("eta", "k"), [(1.0, 2), (2.0, 3), (1.5, 5)])
def test_marginal_density_of_a_correlation(eta, k):
    r = np.linspace(-0.9, 0.9, 7)
    L = blm.LKJ(eta).draw_factor(np.random.default_rng(1), k, 20_000)
    R = L @ L.transpose(0, 2, 1)
    a = eta - 1 + k / 2
    assert_allclose(marginal_correlation(blm.LKJ(eta), k, r), stats.beta(a, a, -1, 2).pdf(r), rtol=1e-10)
    assert stats.kstest(R[:, 1, 0], stats.beta(a, a, -1, 2).cdf).pvalue > 1e-3


def test_panels_show_the_prior_and_both_sds():
    post = posterior(given={"x": blm.Normal(2, 0.5), "sigma": blm.HalfCauchy(1), "sd_h": blm.Flat()})
    axes = post.plot.prior_posterior()
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in axes]
    expected = ["Intercept at mean X", "x", "flo", "fmid", "sd_g[Intercept]", "sd_g[x]", "cor_g[Intercept, x]"]
    assert titles == [*expected, "sd_h[Intercept]", "sigma"]
    x, y = axes[1].lines[-1].get_data()
    assert_allclose(y, stats.norm(2, 0.5).pdf(x))
    words = [[t.get_text() for t in ax.texts] for ax in axes]
    assert words[1][0] == "sd 0.5"
    assert words[6][0] == "sd 0.45"  # LKJ(2) of two effects: 1 / sqrt(5)
    assert words[7][0] == "flat"
    assert words[8][0] == "no sd"
    assert all(ax.get_xlim()[0] >= 0 for ax in (axes[4], axes[8]))


def test_parameters_are_chosen_by_name():
    post = posterior()
    for wanted, count in ((["x", "cor_g"], 2), ("sd", 3), (["beta"], 3), (["sd_g[x]"], 1)):
        assert len(post.plot.prior_posterior(wanted, width=3.5)) == count
    with pytest.raises(ArgumentError, match="no parameter `sd_G`; did you mean `sd_g`"):
        post.plot.prior_posterior(["sd_G"])
    with pytest.raises(ArgumentError, match="no parameter was named"):
        post.plot.prior_posterior([])


def test_no_fixed_effects_and_constant_draws():
    post = posterior("y ~ 0 + (1 | g)")
    posterior_group = post.data["posterior"].to_dataset()
    tree = post.data.copy()
    tree["posterior"] = posterior_group.assign(sigma=posterior_group["sigma"] * 0 + 2.0)
    assert len(replace(post, data=tree).plot.prior_posterior()) == 2


def test_a_posterior_that_has_only_a_table_of_its_priors_says_so():
    with pytest.raises(ArgumentError, match="this posterior has only the table of its priors"):
        own_priors(case("y ~ x + (1 | g)").post.priors, "prior_posterior")
