"""The drawn density of draws, against the densities that they come from, at the ends of their support as well."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayeslmm.results.smooth_density import smooth_density

INF = np.inf
CASES = {
    "uniform": (stats.uniform(-1, 2), (-1.0, 1.0), (-1.0, -0.9, 0.0, 0.9, 1.0)),
    "half-normal": (stats.halfnorm(), (0.0, INF), (0.0, 0.1, 1.0, 2.0)),
    "exponential": (stats.expon(), (0.0, INF), (0.0, 0.1, 1.0)),
    "slope at 1": (stats.beta(2, 1, -1, 2), (-1.0, 1.0), (-0.5, 0.0, 0.9, 1.0)),
    "normal": (stats.norm(3, 2), (-INF, INF), (0.0, 3.0, 5.0)),
    "far from the end": (stats.gamma(30), (0.0, INF), (20.0, 30.0, 40.0)),
}


def drawn(distribution, support, points, seed: int, size: int = 4000) -> np.ndarray:
    v = distribution.rvs(size, random_state=np.random.default_rng(seed))
    x, y = smooth_density(v, support, *np.quantile(v, [0.001, 0.999]))
    return np.interp(points, x, y)


@pytest.mark.parametrize("name", CASES)
def test_the_curve_is_the_density_up_to_the_ends(name):
    """Mean over 40 data sets: within 4 standard errors and 3% (bias of order h^2)."""
    distribution, support, points = CASES[name]
    found = np.array([drawn(distribution, support, points, seed) for seed in range(40)])
    error = found.std(axis=0, ddof=1) / np.sqrt(40)
    expected = distribution.pdf(points)
    assert (np.abs(found.mean(axis=0) - expected) < 4 * error + 0.03 * expected).all()
    assert (found.std(axis=0, ddof=1) < 0.12 * expected).all()


@pytest.mark.parametrize("name", CASES)
def test_the_curve_agrees_with_a_histogram(name):
    distribution, support, _ = CASES[name]
    v = distribution.rvs(20_000, random_state=np.random.default_rng(5))
    x, y = smooth_density(v, support, v.min(), v.max())
    assert (y >= 0).all()
    assert x[0] >= support[0]
    assert x[-1] <= support[1]
    assert_allclose(np.trapezoid(y, x), 1, atol=0.01)
    share, edges = np.histogram(v, 12)
    whole = np.concatenate([[0], np.cumsum((y[1:] + y[:-1]) / 2 * np.diff(x))])
    part = np.diff(np.interp(edges, x, whole))
    assert_allclose(part, share / v.size, atol=0.01)


def test_a_density_that_falls_to_zero_at_the_end_is_not_lifted_there():
    """A kernel that is reflected at 0 leaves 7% of the height of the mode there."""
    assert drawn(stats.gamma(3), (0.0, INF), [0.0], 1)[0] < 0.05 * stats.gamma(3).pdf(2)
