"""Pareto smoothing, against ArviZ's."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayeslmm.bayes.psis import Smoothed


@pytest.mark.parametrize("df", [1.5, 3, 10, 100])
def test_weights_and_k_are_about_those_of_arviz(df):
    """Both use the same estimator; they place the quantiles and the cut-off slightly differently."""
    log_ratios = 1.2 * np.log(np.random.default_rng(0).standard_t(df, size=2000) ** 2)
    found = Smoothed.of(log_ratios)
    log_weights, k = array_stats.psislw(-log_ratios)
    assert found.k == pytest.approx(float(k), abs=0.03)
    np.testing.assert_allclose(np.log(found.weights), log_weights - np.logaddexp.reduce(log_weights), atol=0.05)
    assert found.weights.sum() == pytest.approx(1)


def test_equal_weights():
    found = Smoothed.of(np.zeros(100))
    assert found.ess == pytest.approx(100)


def test_impossible_draws_have_no_weight():
    log_ratios = np.random.default_rng(1).normal(size=400)
    log_ratios[::2] = -np.inf
    found = Smoothed.of(log_ratios)
    assert not found.weights[::2].any()
    assert np.isfinite(found.k)
