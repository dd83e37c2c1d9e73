"""The compiled log densities against `Prior.logp` and central differences, for every class of the vocabulary."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.bayes import distributions
from bayeslmm.bayes.codes import SMALLEST
from bayeslmm.bayes.densities import log_density
from bayeslmm.bayes.distributions import Prior

PRIORS = [
    blm.Flat(),
    blm.Normal(1, 2),
    blm.StudentT(4, 1, 2),
    blm.Cauchy(1, 2),
    blm.Laplace(1, 2),
    blm.Logistic(1, 2),
    blm.Uniform(-3, 60),
    blm.TruncatedNormal(1, 2, lower=-3),
    blm.HalfNormal(2),
    blm.HalfStudentT(3, 2),
    blm.HalfCauchy(2),
    blm.Exponential(2),
    blm.Gamma(0.5, 2),
    blm.Gamma(1, 2),
    blm.Gamma(3, 2),
    blm.InverseGamma(3, 2),
    blm.LogNormal(1, 0.5),
    blm.Weibull(1.5, 2),
    blm.Weibull(1, 2),
]


@numba.njit
def at(code, constant, numbers, x):
    return log_density(code, constant, numbers[0], numbers[1], numbers[2], x)


def evaluated(prior: Prior, x: float) -> tuple[float, float]:
    return at(prior.code, prior.constant(), prior.numbers(), x)


def test_every_class_is_tried():
    known = {c for c in vars(distributions).values() if isinstance(c, type) and issubclass(c, Prior)}
    assert {type(p) for p in PRIORS} == known - {Prior, blm.LKJ}


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_value_is_that_of_the_prior_and_derivative_its_slope(prior):
    points = [1e-3, 0.3, 1.7, 4.0, 50.0] + ([] if prior.positive else [-0.4, -2.9])
    for x in points:
        value, slope = evaluated(prior, x)
        assert_allclose(value, prior.logp(x), rtol=1e-12)
        h = 1e-5 * abs(x)
        numeric = (float(prior.logp(x + h)) - float(prior.logp(x - h))) / (2 * h)
        assert_allclose(slope, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prior", [p for p in PRIORS if p.positive], ids=str)
@pytest.mark.parametrize("x", [0.0, 5e-324, 1e-200])
def test_next_to_zero_the_slope_times_x_is_a_number(prior, x):
    value, slope = evaluated(prior, x)
    assert np.isfinite(value)
    assert np.isfinite(slope)
    assert evaluated(prior, SMALLEST)[0] == pytest.approx(value)


def test_the_tip_of_a_laplace_has_no_slope():
    assert evaluated(blm.Laplace(1, 2), 1.0)[1] == 0.0
