"""Distributions of PyMC and PreliZ as priors: taken into the vocabulary, wrapped, or refused with a sentence."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.bayes.foreign import VOCABULARY, ForeignPrior, as_prior
from bayeslmm.bayes.prior_draws import prior_draws
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError
from tests.results.posterior_draws import frame

PLAIN = pytensor.compile.mode.Mode(linker="py", optimizer=None)
EQUAL = [
    (pm.Normal.dist(1, 2), blm.Normal(1, 2)),
    (pm.Normal.dist(1, tau=4), blm.Normal(1, 0.5)),
    (pm.StudentT.dist(3, mu=1, sigma=2), blm.StudentT(3, 1, 2)),
    (pm.Cauchy.dist(1, 2), blm.Cauchy(1, 2)),
    (pm.Laplace.dist(1, 2), blm.Laplace(1, 2)),
    (pm.Logistic.dist(1, 2), blm.Logistic(1, 2)),
    (pm.Uniform.dist(1, 2), blm.Uniform(1, 2)),
    (pm.TruncatedNormal.dist(1, 2, lower=0), blm.TruncatedNormal(1, 2, lower=0)),
    (pm.Truncated.dist(pm.Normal.dist(1, 2), upper=5), blm.TruncatedNormal(1, 2, upper=5)),
    (pm.HalfNormal.dist(2), blm.HalfNormal(2)),
    (pm.HalfStudentT.dist(3, 2), blm.HalfStudentT(3, 2)),
    (pm.HalfCauchy.dist(2), blm.HalfCauchy(2)),
    (pm.Exponential.dist(49), blm.Exponential(49)),
    (pm.Gamma.dist(3, 49), blm.Gamma(3, 49)),
    (pm.Gamma.dist(mu=3, sigma=1), blm.Gamma(9, 3)),
    (pm.ChiSquared.dist(3), blm.Gamma(1.5, 0.5)),
    (pm.InverseGamma.dist(3, 2), blm.InverseGamma(3, 2)),
    (pm.Weibull.dist(3, 2), blm.Weibull(3, 2)),
    (pm.LogNormal.dist(1, 2), blm.LogNormal(1, 2)),
    (pm.Flat.dist(), blm.Flat()),
    (pm.Normal.dist(pytensor.shared(1.5), pt.exp(0.0)), blm.Normal(1.5, 1)),
]


@pytest.mark.parametrize(("dist", "prior"), EQUAL, ids=lambda v: str(v)[:25])
def test_what_the_vocabulary_has_is_taken_into_it(dist, prior):
    found, n = as_prior(dist, "sigma")
    assert (found, n) == (prior, None)
    if prior.proper:
        x = np.array([0.3, 1.5, 2.0])
        assert_allclose(pm.logp(dist, x).eval(mode=PLAIN), prior.logp(x), rtol=1e-6, atol=1e-12)


def test_every_class_that_is_taken_is_tried():
    assert {type(d.owner.op).__name__ for d, _ in EQUAL} >= set(VOCABULARY) - {"HalfFlatRV"}


def test_lkj_keeps_its_size_in_mind():
    assert as_prior(pm.LKJCorr.dist(n=2, eta=4), "cor") == (blm.LKJ(4), 2)
    design = build("y ~ x + (x | g)", frame())
    assert resolve(design, {"cor": pm.LKJCorr.dist(n=2, eta=4)}).cor(design.terms[0]) == blm.LKJ(4)
    with pytest.raises(ArgumentError, match=r"pm.LKJCorr has n=3, and `g` has 2 correlated effects; blm.LKJ\(4\)"):
        resolve(design, {"cor": pm.LKJCorr.dist(n=3, eta=4)})


WRAPPED = [
    (pm.SkewNormal.dist(mu=1, sigma=2, alpha=3), stats.skewnorm(3, 1, 2), (-np.inf, np.inf)),
    (pm.Beta.dist(2, 3), stats.beta(2, 3), (0, 1)),
    (pm.Gumbel.dist(1, 2), stats.gumbel_r(1, 2), (-np.inf, np.inf)),
    (pm.Triangular.dist(lower=0.1, c=0.4, upper=2.1), stats.triang(0.15, 0.1, 2), (0.1, 2.1)),
    (pm.VonMises.dist(0, 1), stats.vonmises(1), (-np.pi, np.pi)),
    (pm.Pareto.dist(5, 0.2), stats.pareto(5, scale=0.2), (0.2, np.inf)),
]


@pytest.mark.parametrize(("dist", "reference", "support"), WRAPPED, ids=lambda v: str(v)[:12])
def test_others_are_wrapped_with_density_slope_draws_support_and_sd(dist, reference, support):
    prior, _ = as_prior(dist, "x")
    assert isinstance(prior, ForeignPrior)
    assert_allclose(prior.support, support)
    x, h = np.array([[0.3], [0.7]]), 1e-6
    assert_allclose(prior.logp(x), reference.logpdf(x), rtol=1e-6)
    assert_allclose(prior.slope(x), (reference.logpdf(x + h) - reference.logpdf(x - h)) / (2 * h), rtol=1e-4, atol=1e-8)
    draws = prior.draw(np.random.default_rng(1), (50, 40))
    assert draws.shape == (50, 40)
    assert stats.kstest(draws.ravel(), reference.cdf).pvalue > 1e-3
    assert_allclose(draws, prior.draw(np.random.default_rng(1), (50, 40)))
    assert_allclose(prior.sd, reference.std(), rtol=0.05)
    assert str(prior).startswith(f"pm.{type(dist.owner.op).__name__.removesuffix('RV')}(")


def test_the_hierarchical_model_and_its_prior_take_them():
    data = frame()
    design = build("y ~ x + z + (x | g) + (1 | h)", data)
    given = {
        "x": pm.SkewNormal.dist(mu=1, sigma=2, alpha=3),
        "sd": pm.Wald.dist(1, 2),
        "sd_h": blm.Uniform(0, 4),
        "sigma": pm.Beta.dist(2, 3),
    }
    priors = resolve(design, given)
    model = blm.Model("y ~ x + z + (x | g) + (1 | h)", data, priors=given).pymc_model()
    names = {v.name for v in model.free_RVs}
    assert {"beta_centred_Normal", "beta_centred_ForeignPrior", "sd_g", "sd_h", "sigma"} <= names
    dims = model.named_vars_to_dims
    assert dims["sd_g"] == ("g_effect",)
    assert dims["beta_centred_ForeignPrior"] == ("coef_ForeignPrior",)
    point = model.initial_point()
    logp = model.compile_logp(vars=[model["sd_g"], model["sd_h"], model["sigma"]], jacobian=False, mode=PLAIN)
    sd_g, sd_h = np.exp(point["sd_g_log__"]), 4 / (1 + np.exp(-point["sd_h_interval__"]))
    sigma = 1 / (1 + np.exp(-point["sigma_logodds__"]))
    expected = priors.sd(design.terms[0])[0].prior.logp(sd_g).sum() - np.log(4) + priors.sigma.prior.logp(sigma)
    assert sd_h.shape == (1,)
    assert_allclose(logp(point), expected, rtol=1e-8)
    pm.draw([model["sd_g"], model["sigma"]], mode=PLAIN)
    draws = prior_draws(design, priors, 300, seed=1)
    assert (draws["sd_h"] < 4).all()
    assert (draws["sigma"] < 1).all()


def test_a_density_of_one_s_own_needs_no_random_numbers_to_be_sampled():
    dist = pm.CustomDist.dist(0.5, logp=lambda x, mu: -pt.abs(x - mu) - np.log(2.0))
    prior, _ = as_prior(dist, "x")
    assert_allclose(prior.logp([0.3, 2]), blm.Laplace(0.5, 1).logp([0.3, 2]))
    assert_allclose(prior.slope([0.3, 2]), [1, -1])
    assert np.isnan(prior.sd)
    with pytest.raises(ArgumentError, match="has no random numbers; give"):
        blm.Model("y ~ x + (1 | g)", frame(), priors={"x": dist}).prior_predictive(3)


def test_bounds_that_differ_in_kind_are_variables_of_their_own():
    given = {"x": blm.TruncatedNormal(1, 2, lower=0), "z": blm.TruncatedNormal(1, 2, upper=3)}
    model = blm.Model("y ~ x + z + (1 | g)", frame(), priors=given).pymc_model()
    assert {"beta_centred_TruncatedNormal", "beta_centred_TruncatedNormal_2"} <= {v.name for v in model.free_RVs}
    assert np.isfinite(model.compile_logp(mode=PLAIN)(model.initial_point()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pm.Normal.dist(0, -1), r"Normal\(mu=0.0, sigma=-1.0\): `sigma` must be positive"),
        (lambda: pm.Exponential.dist(-2), "`lam` must be positive"),
        (lambda: pm.SkewNormal.dist(mu=0, sigma=-1, alpha=1), "has no density that can be used"),
        (lambda: pm.Normal.dist([0, 1], 1), "is a distribution of vectors"),
        (lambda: pm.MvNormal.dist(np.zeros(2), np.eye(2)), "is a distribution of vectors"),
        (lambda: pm.Poisson.dist(3), "whole numbers only"),
        (lambda: pm.Censored.dist(pm.Normal.dist(0, 1), lower=0, upper=1), "single points that are probable"),
        (lambda: pm.HalfFlat.dist(), "blm.HalfNormal with a large sigma"),
        (lambda: pm.Normal.dist(pm.Normal.dist(0, 1), 1), "depends on another random variable"),
        (lambda: pm.SkewNormal.dist(mu=pm.Normal.dist(0, 1), sigma=1, alpha=1), "depends on another random variable"),
        (lambda: pm.Normal.dist(pt.scalar("m"), 1), "depends on `m`, which has no value"),
        (lambda: pt.constant(3.0), "is not a distribution; give a prior of blm or"),
        (lambda: pm.Normal, "is not a"),
        (lambda: pm.LKJCorr.dist(n=2, eta=2), "is a prior of correlations; use for example blm.Normal"),
    ],
)
def test_what_cannot_be_a_prior_gets_a_sentence(make, message):
    with pytest.raises(ArgumentError, match=message):
        resolve(build("y ~ x + (x | g)", frame()), {"x": make()})


@pytest.mark.parametrize(
    ("corr", "message"), [(False, "prior of sds and correlations together"), (True, "is not a distribution")]
)
def test_sds_and_correlations_at_once_are_refused(corr, message):
    sd = pm.HalfNormal.dist(1, shape=2)
    made = pm.LKJCholeskyCov.dist(n=2, eta=2, sd_dist=sd, compute_corr=corr)
    with pytest.raises(ArgumentError, match=message):
        resolve(build("y ~ x + (x | g)", frame()), {"cor": made[0] if corr else made})


def test_sds_stay_positive():
    design = build("y ~ x + (x | g)", frame())
    with pytest.raises(ArgumentError, match=r"pm.SkewNormal\(.*allows negative values"):
        resolve(design, {"sd": pm.SkewNormal.dist(mu=0, sigma=1, alpha=3)})
    assert resolve(design, {"sigma": pm.HalfFlat.dist()}).sigma.prior == blm.Flat()


@pytest.mark.slow  # PreliZ takes nine seconds to import
def test_preliz():
    preliz = pytest.importorskip("preliz")
    design = build("y ~ x + (x | g)", frame())
    got = resolve(
        design,
        {
            "Intercept": preliz.StudentT(nu=4, mu=1, sigma=2),
            "x": preliz.SkewNormal(1, 2, 3),
            "sd_g[Intercept]": preliz.Gamma(mu=3, sigma=1),
            "sd_g[x]": preliz.Truncated(preliz.Normal(1, 2), lower=0),
            "sigma": preliz.HalfStudentT(3, 2),
        },
    )
    intercept, x, sd, slope, _, sigma = (s.prior for s in got.slots)
    assert (intercept, sd, sigma) == (blm.StudentT(4, 1, 2), blm.Gamma(9, 3), blm.HalfStudentT(3, 2))
    assert slope == blm.TruncatedNormal(1, 2, lower=0)
    assert_allclose(x.logp(0.5), stats.skewnorm(3, 1, 2).logpdf(0.5))
    for wrong, message in (
        (preliz.Normal(), "has no parameters yet"),
        (preliz.Poisson(3), "whole numbers only"),
        (preliz.Normal(0, -1), "`sigma` must be positive"),
    ):
        with pytest.raises(ArgumentError, match=message):
            resolve(design, {"x": wrong})
