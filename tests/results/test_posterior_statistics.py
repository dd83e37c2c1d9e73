"""Test statistics of posterior predictive checks, against pandas and the obvious sums."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from bayeslmm.results.posterior_statistics import LevelSums, lag_one, lagged, skewness, spread_with
from tests.results.posterior_draws import case


def test_statistics_of_levels_are_those_of_pandas():
    c = case("y ~ x + (1 | g) + (1 | h)")
    y = c.design.y[None]
    for term in c.design.terms:
        by = pd.Series(c.design.y).groupby(term.index)
        assert_allclose(LevelSums(term).means(y)[0], by.mean())
        assert_allclose(LevelSums(term).sds(y)[0], by.std())
        J, n, counts = term.n_levels, c.design.n, by.size()
        between = (counts * (by.mean() - c.design.y.mean()) ** 2).sum() / (J - 1)
        within = (by.std() ** 2 * (counts - 1)).sum() / (n - J)
        n0 = (n - (counts**2).sum() / n) / (J - 1)
        expected = (between - within) / (between + (n0 - 1) * within)
        assert_allclose(LevelSums(term).share(y), [expected])


def test_statistics_of_rows_are_the_obvious_ones():
    rng = np.random.default_rng(0)
    c = case("y ~ x + (1 | g)")
    term, e, eta = c.design.terms[0], rng.normal(size=(3, 60)), rng.normal(size=(3, 60))
    assert_allclose(spread_with(e, eta), [np.corrcoef(abs(a), b)[0, 1] for a, b in zip(e, eta, strict=True)])
    pairs = [(i, next(j for j in range(i + 1, 60) if term.index[j] == term.index[i])) for i in range(54)]
    expected = [np.mean([a[i] * a[j] for i, j in pairs]) / np.mean(a**2) for a in e]
    assert_allclose(lag_one(e, lagged(term)), expected)
    assert_allclose(skewness(e), pd.DataFrame(e.T).skew() * (58 / np.sqrt(60 * 59)))
