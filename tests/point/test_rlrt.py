"""Reference distributions of tests of variances, where they are known exactly, and against refits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.boundary import Change, change, mixture_p_value
from bayeslmm.point.optimise import optimise
from bayeslmm.point.rlrt import applies, monte_carlo_p_value, simulate

N = 20_000


def within(share, p, n=N):
    """A share of n draws is p within 4.5 Monte Carlo errors."""
    assert abs(share - p) < 4.5 * np.sqrt(p * (1 - p) / n) + 1e-12


def test_in_a_balanced_layout_the_exact_test_is_the_f_test():
    data = blm.datasets.load("dyestuff")
    fit = blm.lmer("Yield ~ 1 + (1 | Batch)", data)
    groups = [g["Yield"].to_numpy() for _, g in data.groupby("Batch", observed=True)]
    p = stats.f_oneway(*groups).pvalue
    lrt = float(fit.ranova().table["LRT"].iloc[1])
    draws = simulate(fit.likelihood, True, N, np.random.default_rng(1))
    within((draws >= lrt).mean(), p)
    # no variance is estimated exactly where the mean square between is below the one within
    within((draws == 0).mean(), stats.f.cdf(1, 5, 24))
    ml = simulate(fit.likelihood, False, N, np.random.default_rng(2))
    within((ml == 0).mean(), stats.f.cdf(6 / 5, 5, 24))


@pytest.mark.parametrize("reml", [True, False])
def test_exact_draws_are_distributed_as_refits_are(reml):
    rng = np.random.default_rng(6)
    g = np.repeat(np.arange(7), [2, 3, 4, 5, 6, 8, 20])
    (x, z), w = rng.normal(size=(2, 48)), rng.uniform(0.3, 3, 48)
    data = {"y": rng.normal(size=48), "x": x, "z": z, "g": g.astype(str), "w": w}
    design = build("y ~ x + (0 + z | g)", data, weights="w")
    null = build("y ~ x", data, weights="w")
    likelihood, smaller = MarginalLikelihood.of(design), MarginalLikelihood.of(null)
    found = []
    for _ in range(400):
        y = rng.normal(size=48) / np.sqrt(w)
        here, without = likelihood.with_response(design, y), smaller.with_response(null, y)
        found.append(without.criterion(np.zeros(0), reml) - optimise(here, reml, "lbfgs").value)
    found = np.maximum(found, 0)
    draws = simulate(likelihood, reml, N, np.random.default_rng(3))
    within((found < 1e-6).mean(), (draws < 1e-6).mean(), 400)
    for q in (0.7, 0.8, 0.9, 0.95):
        within((found > np.quantile(draws, q)).mean(), 1 - q, 400)


def test_many_groups_bring_the_half_and_half_mixture():
    g = np.repeat(np.arange(400), 4)
    data = {"y": np.random.default_rng(1).normal(size=1600), "g": g.astype(str)}
    draws = simulate(MarginalLikelihood.of(build("y ~ 1 + (1 | g)", data)), True, N, np.random.default_rng(3))
    for x in (0.5, 1.5, 2.7, 3.8):
        assert abs((draws >= x).mean() - mixture_p_value(x, 0)) < 0.02


def test_it_applies_to_one_component_only():
    data = blm.datasets.load("sleepstudy")
    assert applies(MarginalLikelihood.of(build("Reaction ~ Days + (0 + Days | Subject)", data)))
    assert not applies(MarginalLikelihood.of(build("Reaction ~ Days + (Days | Subject)", data)))
    assert not applies(MarginalLikelihood.of(build("strength ~ (1 | batch/cask)", blm.datasets.load("pastes"))))


def test_the_mixture_is_half_of_each():
    assert_allclose(mixture_p_value(3.0, 1), 0.5 * stats.chi2.sf(3, 1) + 0.5 * stats.chi2.sf(3, 2), rtol=1e-10)
    assert_allclose(mixture_p_value(3.0, 0), 0.5 * stats.chi2.sf(3, 1), rtol=1e-10)
    assert mixture_p_value(0.0, 2) == 1.0


def test_monte_carlo_p_values_count_the_observed_one():
    assert monte_carlo_p_value(2.0, np.array([1.0, 3.0, 2.0])) == 0.75
    assert monte_carlo_p_value(0.0, np.array([1.0])) == 1.0


@pytest.mark.parametrize(
    ("smaller", "larger", "expected"),
    [
        ("(1 | Subject)", "(Days | Subject)", Change("one effect", 1)),
        ("(1 | Subject)", "(Days || Subject)", Change("one effect", 0)),
        ("(0 + Days | Subject)", "(Days | Subject)", Change("one effect", 1)),
        ("(Days || Subject)", "(Days | Subject)", Change("correlations")),
        ("(1 | Subject)", "(Days + I(Days^2) | Subject)", Change("several")),
        ("(1 | Subject)", "(Days + I(Days^2) || Subject)", Change("several")),
        ("(Days | Subject)", "(Days + I(Days^2) | Subject)", Change("one effect", 2)),
        ("(Days | Subject)", "(Days | Subject)", Change("same")),
        ("(1 | Subject)", "(0 + Days | Subject)", Change("not nested")),
        ("(Days | Subject)", "(Days || Subject) + (1 | Lab)", Change("not nested")),
        ("(Days | Subject)", "(Days | Subject) + (1 | Lab)", Change("one effect", 0)),
    ],
)
def test_what_the_larger_model_has_more(smaller, larger, expected):
    data = blm.datasets.load("sleepstudy").assign(Lab=["a", "b", "c"] * 60)
    parts = [build(f"Reaction ~ Days + {random}", data).terms for random in (smaller, larger)]
    assert change(*parts) == expected
