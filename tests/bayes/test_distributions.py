"""The vocabulary of priors against SciPy, and LKJ against integrals and simulation."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

import bayeslmm as blm
from bayeslmm.bayes.distributions import Prior, lkj_log_constant
from bayeslmm.errors import ArgumentError

SCIPY = [
    (blm.Normal(1, 2), stats.norm(1, 2)),
    (blm.StudentT(4, 1, 2), stats.t(4, 1, 2)),
    (blm.HalfNormal(2), stats.halfnorm(scale=2)),
    (blm.HalfCauchy(2), stats.halfcauchy(scale=2)),
    (blm.Exponential(2), stats.expon(scale=1 / 2)),
    (blm.Gamma(0.5, 2), stats.gamma(0.5, scale=1 / 2)),
    (blm.Gamma(1, 3), stats.gamma(1, scale=1 / 3)),
    (blm.Cauchy(1, 2), stats.cauchy(1, 2)),
    (blm.Laplace(1, 2), stats.laplace(1, 2)),
    (blm.Logistic(1, 2), stats.logistic(1, 2)),
    (blm.Uniform(0, 30), stats.uniform(0, 30)),
    (blm.LogNormal(0.5, 0.8), stats.lognorm(0.8, scale=np.exp(0.5))),
    (blm.InverseGamma(3, 2), stats.invgamma(3, scale=2)),
    (blm.Weibull(1.5, 2), stats.weibull_min(1.5, scale=2)),
    (blm.TruncatedNormal(1, 2, lower=0), stats.truncnorm(-0.5, np.inf, 1, 2)),
    (blm.TruncatedNormal(1, 2, upper=2), stats.truncnorm(-np.inf, 0.5, 1, 2)),
    (blm.TruncatedNormal(1, 2, 0.2, 30), stats.truncnorm(-0.4, 14.5, 1, 2)),
    (blm.TruncatedNormal(0, 1, lower=12), stats.truncnorm(12, np.inf)),
]
IDS = [str(prior) for prior, _ in SCIPY]


@pytest.mark.parametrize(("prior", "reference"), SCIPY, ids=IDS)
def test_log_density_and_draws_are_scipy_s(prior, reference):
    x = np.array([[0.3, 1.0], [4.0, 25.0]])
    assert_allclose(prior.logp(x), reference.logpdf(x), rtol=1e-12)
    assert_allclose(prior.logp(-0.5), reference.logpdf(-0.5))
    draws = prior.draw(np.random.default_rng(1), (50, 40))
    assert draws.shape == (50, 40)
    assert stats.kstest(draws.ravel(), reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("prior", "reference"), SCIPY, ids=IDS)
def test_support_and_sd_are_scipy_s(prior, reference):
    assert_allclose(prior.support, reference.support())
    sd = reference.std()
    assert_allclose(prior.sd, sd if np.isfinite(sd) else np.nan, rtol=1e-6)
    assert_allclose(prior.logp(np.zeros(1)), reference.logpdf(0.0))


@pytest.mark.parametrize(("kind", "rest"), [(blm.StudentT, (0, 2)), (blm.HalfStudentT, (2,)), (blm.InverseGamma, (2,))])
def test_an_sd_that_diverges_is_infinite_and_without_a_mean_it_is_not_a_number(kind, rest):
    assert np.isnan(kind(1, *rest).sd)
    assert kind(2, *rest).sd == np.inf
    draws = kind(9, *rest).draw(np.random.default_rng(1), 100_000)
    assert_allclose(kind(9, *rest).sd, draws.std(), rtol=0.03)


def test_half_t_is_the_folded_t():
    prior, t = blm.HalfStudentT(3, 2), stats.t(3, scale=2)
    x = np.array([0, 0.5, 7.0])
    assert_allclose(prior.logp(x), np.log(2) + t.logpdf(x), rtol=1e-12)
    assert prior.logp(-1e-9) == -np.inf
    draws = prior.draw(np.random.default_rng(1), 2000)
    assert stats.kstest(draws, lambda v: 2 * t.cdf(v) - 1).pvalue > 1e-3


def test_flat_prefers_nothing_and_is_not_proper():
    assert_allclose(blm.Flat().logp(np.array([-1e9, 0.0, 3.0])), 0)
    assert not blm.Flat().proper
    assert str(blm.Flat()) == "Flat"


@pytest.mark.parametrize("eta", [0.7, 1.0, 2.0, 5.5])
def test_lkj_of_two_is_a_power_of_one_minus_r_squared(eta):
    def density(r):
        return float(np.exp(blm.LKJ(eta).logp(np.array([[1, r], [r, 1]]))))

    assert_allclose(density(0.6) / density(0.0), (1 - 0.36) ** (eta - 1))
    assert_allclose(quad(density, -1, 1)[0], 1, rtol=1e-4)  # integrable poles at +-1 for eta < 1
    draws = blm.LKJ(eta).draw_factor(np.random.default_rng(1), 2, 3000)
    assert stats.kstest(draws[:, 1, 0], stats.beta(eta, eta, loc=-1, scale=2).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("k", "eta"), [(3, 1.0), (3, 2.0), (4, 1.5)])
def test_lkj_constant_is_the_volume_under_the_density(k, eta):
    rng = np.random.default_rng(2)
    m = 400_000
    R = np.broadcast_to(np.eye(k), (m, k, k)).copy()
    rows, columns = np.tril_indices(k, -1)
    R[:, rows, columns] = R[:, columns, rows] = rng.uniform(-1, 1, size=(m, rows.size))
    inside = np.linalg.eigvalsh(R)[:, 0] > 0
    value = np.where(inside, np.linalg.det(R), 0.0) ** (eta - 1) * inside * 2.0**rows.size
    error = value.std() / np.sqrt(m)
    assert abs(value.mean() - np.exp(lkj_log_constant(k, eta))) < 4 * error
    assert error < 0.02 * value.mean()


@pytest.mark.parametrize(("k", "eta"), [(3, 1.0), (4, 2.0)])
def test_lkj_draws_are_factors_with_beta_correlations(k, eta):
    L = blm.LKJ(eta).draw_factor(np.random.default_rng(3), k, (40, 50)).reshape(-1, k, k)
    assert_allclose(np.triu(L, 1), 0)
    R = L @ L.transpose(0, 2, 1)
    assert_allclose(np.diagonal(R, axis1=1, axis2=2), 1)
    a = eta - 1 + k / 2  # of every single correlation (Lewandowski et al. 2009, section 2.4)
    for i, j in zip(*np.tril_indices(k, -1), strict=True):
        assert stats.kstest(R[:, i, j], stats.beta(a, a, loc=-1, scale=2).cdf).pvalue > 1e-3


def test_determinant_of_lkj_draws_has_the_mean_of_its_density():
    eta, k = 1.3, 3
    L = blm.LKJ(eta).draw_factor(np.random.default_rng(4), k, 20_000)
    det = np.prod(np.diagonal(L, axis1=1, axis2=2), axis=1) ** 2
    expected = np.exp(lkj_log_constant(k, eta + 1) - lkj_log_constant(k, eta))  # E|R| from the constants
    assert abs(det.mean() - expected) < 4 * det.std() / np.sqrt(det.size)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blm.Normal(0, -1), r"Normal\(mu=0, sigma=-1\): `sigma` must be positive"),
        (lambda: blm.HalfNormal(0), "`sigma` must be positive"),
        (lambda: blm.StudentT(0, 0, 1), "`nu` must be positive"),
        (lambda: blm.LKJ(-2), "`eta` must be positive"),
        (lambda: blm.Normal("a", 1), "`mu` must be one finite number"),
        (lambda: blm.Normal(np.nan, 1), "`mu` must be one finite number"),
        (lambda: blm.Exponential(np.inf), "`lam` must be one finite number"),
        (lambda: blm.HalfNormal([1, 2]), "`sigma` must be one finite number"),
        (lambda: blm.Gamma(True, 1), "`alpha` must be one finite number"),
        (lambda: blm.Uniform(2, 2), "`lower` must be less than `upper`"),
        (lambda: blm.Uniform(0, np.inf), "`upper` must be one finite number"),
        (lambda: blm.TruncatedNormal(0, 1, 3, 2), "`lower` must be less than `upper`"),
        (lambda: blm.TruncatedNormal(0, 1, lower="a"), "`lower` must be one finite number"),
        (lambda: blm.TruncatedNormal(0, 1, 1e200, 2e200), "has nothing between these bounds"),
    ],
)
def test_parameters_are_checked(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_priors_are_values():
    assert blm.Normal(0, np.float64(2)) == blm.Normal(0.0, 2)
    assert repr(blm.Normal(0, np.float64(2))) == "Normal(mu=0.0, sigma=2.0)"
    assert str(blm.HalfStudentT(3, 10.40442)) == "HalfStudentT(3, 10.4)"
    assert str(blm.TruncatedNormal(0, 1, upper=3)) == "TruncatedNormal(0, 1, upper=3)"
    assert repr(blm.TruncatedNormal(0, 1, upper=3)) == "TruncatedNormal(mu=0.0, sigma=1.0, lower=None, upper=3.0)"
    assert len({blm.LKJ(2), blm.LKJ(2.0)}) == 1
    with pytest.raises(AttributeError):
        blm.Normal(0, 1).mu = 3
    assert isinstance(blm.Flat(), Prior)


def test_the_vocabulary_does_not_load_pymc():
    script = (
        "import sys, bayeslmm as blm; blm.Normal(0, 1); blm.LKJ(2)\n"
        "from bayeslmm.bayes import priors, prior_draws\n"
        "assert not {'pymc', 'pytensor', 'nutpie', 'arviz'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
