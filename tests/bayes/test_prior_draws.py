"""Draws from the prior: names and dims of the posterior, and the distributions that were asked for."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.bayes.prior_draws import prior_draws
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError

rng = np.random.default_rng(3)
N = 60
DATA = pd.DataFrame(
    {
        "y": rng.normal(20, 4, N),
        "x": rng.normal(3, 1, N),
        "z": rng.normal(size=N),
        "g": [f"g{i % 6}" for i in range(N)],
        "h": [f"h{i // 6 % 4}" for i in range(N)],
    }
)


def draw(formula: str, given=None, draws: int = 4000, seed: int = 1):
    design = build(formula, DATA)
    priors = resolve(design, given)
    return design, priors, prior_draws(design, priors, draws=draws, seed=seed)


def test_names_and_dims():
    design, _, got = draw("y ~ x + (1 + x + z | g) + (x || h)", draws=7)
    assert dict(got.sizes) == {
        "chain": 1,
        "draw": 7,
        "coef": 2,
        "g": 6,
        "g_effect": 3,
        "g_pair": 3,
        "h": 4,
        "h_effect": 2,
    }
    assert got["beta"].dims == ("chain", "draw", "coef")
    assert got["b_g"].dims == ("chain", "draw", "g", "g_effect")
    assert got["cor_g"].dims == ("chain", "draw", "g_pair")
    assert "cor_h" not in got
    assert list(got["g_pair"].to_numpy()) == ["Intercept, x", "Intercept, z", "x, z"]
    assert list(got["coef"].to_numpy()) == list(design.coef_names)


def test_distributions():
    given = {"x": blm.StudentT(4, 1, 2), "sigma": blm.Exponential(3), "sd_g[x]": blm.HalfNormal(2), "cor": blm.LKJ(3)}
    design, priors, got = draw("y ~ x + (x | g)", given)
    value = {name: got[name].to_numpy()[0] for name in got}
    at_mean = value["beta"] @ design.X.mean(axis=0)
    intercept = priors.beta[0].prior
    assert stats.kstest(at_mean, stats.norm(intercept.mu, intercept.sigma).cdf).pvalue > 1e-3
    assert stats.kstest(value["beta"][:, 1], stats.t(4, 1, 2).cdf).pvalue > 1e-3
    assert stats.kstest(value["sigma"], stats.expon(0, 1 / 3).cdf).pvalue > 1e-3
    assert stats.kstest(value["sd_g"][:, 1], stats.halfnorm(0, 2).cdf).pvalue > 1e-3
    assert stats.kstest(value["cor_g"][:, 0], stats.beta(3, 3, -1, 2).cdf).pvalue > 1e-3


def test_effects_have_the_drawn_sds_and_correlations():
    design, _, got = draw("y ~ x + (0 + x + z | g) + (1 | g)", draws=6000)
    (term,) = design.terms
    pairs = list(term.pairs)
    sd, b, r = (got[f"{v}_g"].to_numpy()[0] for v in ("sd", "b", "cor"))
    u = b / sd[:, None, :]
    (i, j) = pairs[0]
    single = next(k for k in range(3) if k not in (i, j))
    white = np.stack([u[..., j], (u[..., i] - r * u[..., j]) / np.sqrt(1 - r**2), u[..., single]], axis=-1)
    assert_allclose(np.cov(white.reshape(-1, 3).T), np.eye(3), atol=0.03)
    assert stats.kstest(white[:, 0, 1], "norm").pvalue > 1e-3


def test_no_fixed_effects():
    _, _, got = draw("y ~ 0 + (1 | g)", draws=5)
    assert set(got) == {"sigma", "sd_g", "b_g"}


def test_seeds():
    one, two, other = (draw("y ~ x + (x | g)", draws=5, seed=s)[2] for s in (1, 1, 2))
    assert one.identical(two)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("flat", "prior of `Intercept` is flat.*blm.Normal"),
        ({"sd_g[x]": blm.Flat()}, r"prior of `sd_g\[x\]` is flat.*blm.HalfNormal"),
    ],
)
def test_flat_priors_have_no_draws(given, message):
    with pytest.raises(ArgumentError, match=message):
        draw("y ~ x + (x | g)", given)
