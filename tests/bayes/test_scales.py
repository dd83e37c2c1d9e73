"""Spread of columns, and which columns are levels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayeslmm.bayes.scales import ResponseScale, level_columns, spread, spreads
from bayeslmm.design import build

rng = np.random.default_rng(1)
N = 90
x, z = rng.normal(5, 2, N), rng.normal(-1, 3, N)
f = np.arange(N) % 3
F = np.eye(3)[f]
g = np.eye(2)[np.arange(N) // 3 % 2]
ONE = np.ones(N)


@pytest.mark.parametrize(
    ("columns", "levels"),
    [
        ([ONE, x], [True, False]),
        ([x, ONE], [False, True]),
        ([2 * ONE, x], [True, False]),
        ([*F.T, x], [True, True, True, False]),
        ([x, *F.T], [False, True, True, True]),
        ([*F.T, *g.T[1:]], [True, True, True, False]),
        ([ONE, *F.T[1:]], [True, False, False]),
        ([*F.T[1:], x], [False, False, False]),
        ([x, z], [False, False]),
        ([0 * ONE, x], [False, False]),
        ([F[:, 0] * 2, F[:, 1] * 2, F[:, 2] * 2], [False, False, False]),
    ],
)
def test_levels_are_a_constant_or_indicators_that_divide_the_rows(columns, levels):
    assert_array_equal(level_columns(np.column_stack(columns)), levels)


def test_no_columns_no_levels():
    assert level_columns(np.zeros((5, 0))).shape == (0,)
    assert spreads(np.zeros((5, 0)), [], np.ones(5)).shape == (0,)


def test_spread_is_the_sd():
    X = np.column_stack([x, F[:, 1]])
    assert_allclose(spreads(X, ["x", "fb"], ONE), X.std(axis=0, ddof=1))
    w = rng.integers(1, 4, N).astype(float)
    repeated = np.repeat(x, w.astype(int))
    assert_allclose(spread(x, w), repeated.std() * np.sqrt(N / (N - 1)))


def test_spread_does_not_change_with_where_zero_is():
    def of(shift):
        moved = x + shift
        columns = [ONE, moved, z, moved * z, F[:, 1], moved * F[:, 1]]
        return spreads(np.column_stack(columns), ["(Intercept)", "x", "z", "x:z", "fb", "fb:x"], ONE)

    assert_allclose(of(2000), of(0), rtol=1e-6)
    # an interaction of centred and independent predictors has about the sd of their product
    assert 0.7 < of(0)[3] / ((x - x.mean()) * (z - z.mean())).std() < 1.3
    # what a slope in a third of the rows adds to a common one: like an indicator's, times the sd of the predictor
    assert 0.7 < of(0)[5] / (x.std() * F[:, 1].std()) < 1.3


def test_slopes_within_levels_without_their_main_effects():
    X = (x + 2000)[:, None] * F
    within = [x[f == j].std() * np.sqrt(1 / 3) for j in range(3)]
    assert_allclose(spreads(X, ["fa:x", "fb:x", "fc:x"], ONE), within, rtol=0.02)


def test_what_has_no_spread_gets_its_size():
    assert_allclose(spreads(np.column_stack([ONE, -3 * ONE, 0 * ONE]), ["a", "b", "c"], ONE), [1, 3, 1])
    cell = F[:, 1] * g[:, 1]
    assert_allclose(spreads(cell[:, None], ["fb:gb"], ONE), [cell.std(ddof=1)])


def test_response_is_measured_less_its_offset_and_with_its_weights():
    data = pd.DataFrame({"y": x + z, "o": z, "w": np.full(N, 4.0), "g": np.arange(N) % 5})
    plain = ResponseScale.of(build("y ~ 1 + (1 | g)", data, offset="o"))
    assert_allclose([plain.mean, plain.sd], [x.mean(), x.std(ddof=1)])
    assert_allclose(plain.noise, plain.sd)
    assert_allclose(plain.from_zero, np.sqrt(np.mean(x**2)))
    weighted = ResponseScale.of(build("y ~ 1 + (1 | g)", data, offset="o", weights="w"))
    assert_allclose([weighted.mean, weighted.sd, weighted.from_zero], [plain.mean, plain.sd, plain.from_zero])
    assert_allclose(weighted.noise, 2 * plain.sd)  # sigma^2 / 4 is the variance of a row


def test_a_response_that_is_its_offset_still_has_a_scale():
    data = pd.DataFrame({"y": x, "g": np.arange(N) % 5})
    assert_allclose(ResponseScale.of(build("y ~ 1 + (1 | g)", data, offset=x - 3)).sd, x.std(ddof=1))
