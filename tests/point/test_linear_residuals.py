"""Standardised residuals of least squares: R's numbers, and that simulations are like them."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.point.bands import rank_p_value
from bayeslmm.point.linear_residuals import linear_residuals
from tests.reference_cases import HOME
from tests.results.test_linear_terms import FORMULAS, frame

R = json.loads((HOME / "linear" / "residuals.json").read_text())


def of(fit, n=0, seed=1):
    return linear_residuals(fit.design, fit.residuals(), n, np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["oats", "oats_weights", "cake"])
def test_as_r_has_them(name):
    fit = blm.lm(FORMULAS[name], frame(name), weights="w" if name == "oats_weights" else None)
    found = of(fit)
    assert_allclose(found.values[:, 0], R[name]["rstandard"], rtol=1e-8, atol=1e-9)
    assert_allclose(found.leverage, R[name]["leverage"], rtol=1e-8)
    assert_allclose(found.cooks, R[name]["cooks"], rtol=1e-7, atol=1e-12)


def test_a_row_that_decides_a_coefficient_alone_has_none():
    data = blm.datasets.load("sleepstudy").assign(own=lambda d: (np.arange(len(d)) == 7) * 1.0)
    found = of(blm.lm("Reaction ~ Days + own", data), 3)
    assert np.isnan(found.values[7]).all()
    assert np.isfinite(np.delete(found.values, 7, axis=0)).all()
    assert np.isnan(found.cooks[7])


def test_where_the_model_holds_the_observed_ones_are_one_of_the_simulated():
    rng, p = np.random.default_rng(0), []
    x, w = rng.normal(size=30), rng.uniform(0.2, 5, size=30)
    for seed in range(200):
        y = 1e3 + 50 * x + rng.normal(size=30) / np.sqrt(w)
        fit = blm.lm("y ~ x", {"y": y, "x": x, "w": w}, weights="w")
        p.append(rank_p_value(np.abs(of(fit, 99, seed).values).max(axis=0)))
    assert stats.kstest(p, "uniform").pvalue > 0.001
