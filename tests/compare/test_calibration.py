"""Calibration: a sampler that is right passes, wrong ones are caught and named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import binom, kstest

import bayeslmm as blm
from bayeslmm.compare.calibration import Calibration, calibrate
from bayeslmm.compare.rank_uniformity import band, below, summary
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from tests.results.posterior_draws import make_tree

J, EACH, PROPOSALS = 6, 5, 20_000
PRIORS = {"Intercept": blm.Normal(1, 2), "sd_g": blm.HalfNormal(1.5), "sigma": blm.HalfNormal(1)}


def model(priors=None) -> blm.Model:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": rng.normal(1, 1, J * EACH), "g": [f"g{i}" for i in np.repeat(np.arange(J), EACH)]})
    return blm.Model("y ~ 1 + (1 | g)", data, priors=priors or PRIORS)


def toy(it: blm.Model, seed: int, beta_sd: float = 1.0, shift: float = 0.0, sd_scale: float = 1.0) -> Posterior:
    """Exact draws of the balanced one-way layout: (sd, sigma) by importance from the prior, then beta, then b.

    `beta_sd` stretches the posterior of beta, `shift` moves it, `sd_scale` is a wrong scale of the prior of sd.
    """
    rng, design, S = np.random.default_rng(seed), it.design, 99
    y = design.y.reshape(J, EACH)
    means, within = y.mean(axis=1), ((y - y.mean(axis=1)[:, None]) ** 2).sum()
    sd = np.abs(rng.normal(0, 1.5 * sd_scale, PROPOSALS))
    sigma = np.abs(rng.normal(0, 1, PROPOSALS))
    v = sd**2 + sigma**2 / EACH  # variance of a group's mean
    precision = J / v + 1 / 4
    centre = (means.sum() / v + 1 / 4) / precision
    spread = ((means[:, None] - centre) ** 2).sum(axis=0) / v + (centre - 1) ** 2 / 4
    log_p = -J * (EACH - 1) * np.log(sigma) - within / (2 * sigma**2) - 0.5 * (J * np.log(v) + np.log(precision))
    log_p -= 0.5 * spread
    chosen = rng.choice(PROPOSALS, size=S, p=np.exp(log_p - logsumexp(log_p)))
    sd, sigma = sd[chosen], sigma[chosen]
    beta = centre[chosen] + shift + beta_sd * rng.normal(size=S) / np.sqrt(precision[chosen])
    inner = 1 / (EACH / sigma**2 + 1 / sd**2)
    b = inner[:, None] * EACH / sigma[:, None] ** 2 * (means - beta[:, None])
    b += np.sqrt(inner)[:, None] * rng.normal(size=(S, J))
    tree = make_tree(
        design,
        (1, S),
        beta[:, None],
        sigma,
        {"g": sd[:, None]},
        {"g": np.ones((S, 1, 1))},
        {"g": b[:, :, None]},
        rng,
    )
    return Posterior(data=tree, design=design, priors=it.priors, model=it)


@pytest.fixture(scope="module")
def right() -> Calibration:
    return calibrate(model(), n=300, seed=1, sampler=toy, cores=1)


def test_a_right_sampler_passes(right):
    assert right.ok
    assert list(right.ranks) == ["(Intercept)", "sd g (Intercept)", "sigma", "log likelihood"]
    assert right.ranks.shape == (300, 4)
    assert right.ranks.to_numpy().min() >= 0
    assert right.ranks.to_numpy().max() <= 99
    assert (right.table["verdict"] == "calibrated").all()
    assert "every rank could be uniform" in str(right)
    for name in right.ranks:
        assert kstest((right.ranks[name] + 0.5) / 100, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    ("wrong", "parameter", "verdict"),
    [
        ({"beta_sd": 0.6}, "(Intercept)", "posteriors too narrow"),
        ({"beta_sd": 1.7}, "(Intercept)", "posteriors too wide"),
        ({"shift": 0.5}, "(Intercept)", "posteriors too high"),
        ({"sd_scale": 0.4}, "sd g (Intercept)", "posteriors too low"),
    ],
)
def test_a_wrong_sampler_is_caught_and_the_error_named(wrong, parameter, verdict):
    found = calibrate(model(), n=200, seed=2, sampler=lambda m, s: toy(m, s, **wrong), cores=1)
    assert not found.ok
    assert found.table.loc[parameter, "verdict"] == verdict
    assert "not calibrated" in str(found)


def test_every_data_set_is_sampled_with_the_priors_of_the_model():
    seen = []

    def sampler(it, seed):
        seen.append((str(it.priors), float(it.design.y.std())))
        return toy(it, seed)

    it = model({"Intercept": blm.Normal(0, 1)})
    calibrate(it, n=50, seed=3, sampler=sampler, cores=1)
    assert {priors for priors, _ in seen} == {str(it.priors)}
    assert len({sd for _, sd in seen}) == 50


def test_the_result_depends_on_the_seed_and_not_on_the_cores():
    one = calibrate(model(), n=60, seed=5, sampler=toy, cores=1).ranks
    pd.testing.assert_frame_equal(calibrate(model(), n=60, seed=5, sampler=toy, cores=3).ranks, one)
    assert (calibrate(model(), n=60, seed=6, sampler=toy, cores=1).ranks != one).any(axis=None)


def test_counts_below_each_rank():
    ranks = np.array([[0, 3, 3, 1], [2, 2, 2, 2]])
    expected = [[(row < k).sum() for k in (1, 2, 3)] for row in ranks]
    assert_allclose(below(ranks, 3), expected)


def test_the_band_holds_as_often_as_it_says():
    rng = np.random.default_rng(9)
    ranks = rng.integers(0, 100, size=(1000, 200))
    low, high = band(200, 99, 0.9)
    share = below(ranks, 99) / 200
    inside = ((share >= low) & (share <= high)).all(axis=1).mean()
    assert 0.87 < inside < 0.94  # 0.90, errors of two simulations, and counts are whole
    z = np.arange(1, 100) / 100
    assert (low <= binom.ppf(0.05, 200, z) / 200).all()
    assert (high >= binom.ppf(0.95, 200, z) / 200).all()


def test_p_values_of_uniform_ranks_are_uniform():
    rng = np.random.default_rng(10)
    ranks = pd.DataFrame(rng.integers(0, 100, size=(150, 300)), columns=[f"p{i}" for i in range(300)])
    table = summary(ranks, 99, np.random.default_rng(1))
    assert kstest(table["p"], "uniform").pvalue > 0.001
    assert (table["p_adjusted"] > 0.01).all()
    assert_allclose(table["spread"].mean(), 1, atol=0.02)


def test_gross_errors_are_seen_among_many_parameters():
    rng = np.random.default_rng(4)
    ranks = pd.DataFrame(rng.integers(0, 100, size=(300, 60)), columns=[f"p{i}" for i in range(60)])
    ranks["p7"] //= 2
    table = summary(ranks, 99, rng)
    assert list(table.index[table["p_adjusted"] < 0.01]) == ["p7"]
    assert table.loc["p7", "verdict"] == "posteriors too high"


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_the_picture_shows_every_parameter(right, width):
    axes = right.plot(width=width)
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in axes]
    assert titles == [f"{n} p = {p:.2g}" for n, p in right.table["p"].items()]


def test_the_band_of_the_picture_needs_a_probability(right):
    with pytest.raises(ArgumentError, match="level"):
        right.plot(level=95)


def test_divergences_are_told(right):
    assert "! 3 of 300 runs had divergences" in str(replace(right, divergences=3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibrate(model("flat"), n=50, sampler=toy), "is flat, and a flat prior has no draws"),
        (lambda: calibrate(model(), n=10, sampler=toy), "n must be a whole number, at least 50"),
        (lambda: calibrate(model(), n=True, sampler=toy), "at least 50"),
        (lambda: calibrate(model(), n=None, sampler=toy), "at least 50"),
        (lambda: calibrate(model(), n=50, cores=0, sampler=toy), "cores must be a whole number"),
        (lambda: calibrate(model(), n=50, sampler="nuts"), "sampler is a function"),
        (lambda: calibrate(model(), n=50, sampler=toy, draws=10), "`draws` is an option of model.sample"),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_too_few_draws_get_a_sentence():
    def short(it, seed):
        post = toy(it, seed)
        return replace(post, data=post.data.isel(draw=slice(0, 20)))

    with pytest.raises(ArgumentError, match="20 draws; ranks need 99"):
        calibrate(model(), n=50, sampler=short, cores=1)


def test_without_a_sampler_the_model_samples_one_chain_of_every_data_set():
    asked = []

    class Recorded:
        def __init__(self, it):
            self.it, self.design, self.priors = it, it.design, it.priors

        def with_response(self, y, same_priors=False):
            return Recorded(self.it.with_response(y, same_priors))

        def sample(self, seed, **options):
            asked.append((seed, options))
            return toy(self.it, seed)

    calibrate(Recorded(model()), n=50, seed=1, cores=1, draws=300)
    assert len({seed for seed, _ in asked}) == 50
    expected = {"chains": 1, "draws": 300, "cores": 1, "progressbar": False, "check": False}
    assert all(options == expected for _, options in asked)


def test_it_is_a_verb_of_the_package():
    assert blm.calibrate is calibrate
