"""Adjusted p-values and intervals: R's p.adjust, the studentised range, and the multivariate t by simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayeslmm.errors import ArgumentError
from bayeslmm.point.multiplicity import adjusted_p, check_adjust, critical_values, family_of_means

P = np.array([0.01, 0.02, 0.03, 0.005, 0.9])
# p.adjust(c(0.01, 0.02, 0.03, 0.005, 0.9), method) of R 4.2.2
R = {
    "none": P,
    "bonferroni": [0.05, 0.1, 0.15, 0.025, 1.0],
    "holm": [0.04, 0.06, 0.06, 0.025, 0.9],
    "fdr": [0.025, 0.0333333333333333, 0.0375, 0.025, 0.9],
}


def t_of(p, df):
    return stats.t.isf(p / 2, df)


@pytest.mark.parametrize("adjust", R)
def test_equal_to_p_adjust(adjust):
    df = np.full(5, 12.0)
    assert_allclose(adjusted_p(adjust, t_of(P, df), df, np.eye(5), 0), R[adjust], rtol=1e-10)


def pairwise(k):
    A = np.array([np.eye(k)[i] - np.eye(k)[j] for i in range(k) for j in range(i + 1, k)])
    return A @ A.T / 2


@pytest.mark.parametrize("df", [5.0, 30.0, np.inf])
@pytest.mark.parametrize("k", [3, 4, 6])
def test_mvt_of_all_differences_is_tukeys(k, df):
    m = k * (k - 1) // 2
    t, nu = np.linspace(0.5, 4.0, m), np.full(m, df)
    mvt, tukey = (adjusted_p(a, t, nu, pairwise(k), k) for a in ("mvt", "tukey"))
    assert_allclose(mvt, tukey, rtol=5e-3, atol=1e-5)
    mvt, tukey = (critical_values(a, 0.95, nu, pairwise(k), k) for a in ("mvt", "tukey"))
    assert_allclose(mvt, tukey, rtol=1e-3)


def test_mvt_of_one_test_and_of_identical_tests_adjusts_nothing():
    df = np.full(3, 7.0)
    t = np.array([0.3, -2.0, 4.0])
    plain = 2 * stats.t.sf(np.abs(t), df)
    assert_allclose(adjusted_p("mvt", t, df, np.ones((3, 3)), 0), plain, rtol=1e-10)
    assert_allclose(critical_values("mvt", 0.9, df, np.ones((3, 3)), 0), stats.t.ppf(0.95, 7), rtol=1e-8)


def test_mvt_of_independent_normal_tests_is_sidaks():
    t, df = np.array([1.0, 2.0, 3.0, 0.1]), np.full(4, np.inf)
    expected = 1 - (1 - 2 * stats.norm.sf(t)) ** 4
    assert_allclose(adjusted_p("mvt", t, df, np.eye(4), 0), expected, rtol=5e-3)


def test_mvt_against_simulation():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 3))
    correlation = root @ root.T / np.outer(*[np.linalg.norm(root, axis=1)] * 2)
    z = rng.normal(size=(200_000, 3)) @ (root / np.linalg.norm(root, axis=1)[:, None]).T
    largest = np.abs(z / np.sqrt(rng.chisquare(6, 200_000) / 6)[:, None]).max(axis=1)
    t = np.array([0.5, 1.5, 2.5, 4.0])
    found = adjusted_p("mvt", t, np.full(4, 6.0), correlation, 0)
    expected = np.array([(largest > v).mean() for v in t])
    # four Monte Carlo standard errors
    assert (np.abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / 200_000)).all()


def test_tests_that_are_not_there_do_not_count():
    t, df = np.array([2.0, np.nan, 1.0]), np.array([9.0, np.nan, 9.0])
    correlation = np.full((3, 3), np.nan)
    correlation[np.ix_([0, 2], [0, 2])] = [[1.0, 0.5], [0.5, 1.0]]
    for adjust in ("bonferroni", "holm", "fdr", "mvt"):
        found = adjusted_p(adjust, t, df, correlation, 0)
        inner = adjusted_p(adjust, t[[0, 2]], df[[0, 2]], correlation[np.ix_([0, 2], [0, 2])], 0)
        assert np.isnan(found[1])
        assert_allclose(found[[0, 2]], inner)
        assert np.isnan(critical_values(adjust, 0.95, df, correlation, 0)[1])
    assert np.isnan(adjusted_p("holm", np.array([np.nan]), np.array([np.nan]), np.eye(1), 0)).all()


def test_names_and_families():
    assert check_adjust(None) == "none"
    with pytest.raises(ArgumentError, match="did you mean `bonferroni`"):
        check_adjust("bonferoni")
    assert [family_of_means(m) for m in (1, 3, 6, 10)] == [2, 3, 4, 5]
    with pytest.raises(ArgumentError, match="these are 4 contrasts"):
        family_of_means(4)
