"""The default optimiser reaches a proven optimum; the others stop where they stop and say so."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point import certificate
from bayeslmm.point.certificate import Boundary, certify
from bayeslmm.point.cone import Cone
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimise import optimise
from bayeslmm.point.start import moment_start
from tests.designs import SHAPES, apart, designs, from_arrays, make_design, random_term, together


def no_variance(seed=0, k=2, blocks=None):
    """Data whose groups differ less than chance: residuals from the group means."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(8), 6)
    term = random_term("g", g, k, blocks or together(k), rng)
    y = rng.normal(size=g.size)
    y -= np.bincount(g, y)[g] / 6
    return from_arrays(y, np.ones((g.size, 1)), (term,))


@given(designs())
@settings(max_examples=25, deadline=None)
def test_the_optimum_is_certified(design):
    likelihood = MarginalLikelihood.of(design)
    found = optimise(likelihood, True, "lbfgs")
    assert found.certificate.ok, found.certificate
    assert_allclose(likelihood.criterion(found.theta), found.value, rtol=1e-10)


# enough levels that there is one minimum: with five, as in `designs`, about one criterion in fifty has several
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_no_search_from_elsewhere_ends_lower(shape, seed):
    likelihood = MarginalLikelihood.of(make_design(shape, seed, n=240, levels=12))
    found = optimise(likelihood, True, "lbfgs")
    rng = np.random.default_rng(0)
    for _ in range(3):
        start = rng.normal(size=found.theta.size)
        other = minimize(lambda t: likelihood.with_gradient(t), start, jac=True, method="L-BFGS-B")
        assert found.value <= other.fun + 1e-6


@pytest.mark.parametrize("shape", ["one", "slopes", "nested", "crossed"])
@pytest.mark.parametrize("optimizer", ["bobyqa", "nelder-mead"])
def test_derivative_free_optimisers_end_near_the_same_optimum(shape, optimizer):
    likelihood = MarginalLikelihood.of(make_design(shape, seed=11, n=120))
    best = optimise(likelihood, True, "lbfgs")
    other = optimise(likelihood, True, optimizer)
    assert -1e-9 < other.value - best.value < 1e-3
    assert (likelihood.covariance.gather(likelihood.covariance.lambdas(other.theta)) == other.theta).all()


def test_zero_variance_is_found_exactly_and_proven():
    likelihood = MarginalLikelihood.of(no_variance(k=1))
    found = optimise(likelihood, True, "lbfgs")
    assert found.theta.tolist() == [0.0]
    assert found.certificate.ok
    (multiplier,) = found.certificate.multipliers
    # the multiplier is the derivative by the whitened variance, seen from a small one
    cone = found.cone.with_ranks([1])
    step = 1e-3
    numeric = (Objective(likelihood, True)(cone, np.array([step])).value - found.value) / step**2
    assert_allclose(multiplier, numeric, rtol=1e-3)
    assert multiplier > 0


def test_the_zero_gradient_at_zero_is_not_taken_for_an_optimum():
    likelihood = MarginalLikelihood.of(make_design("slopes", seed=1, n=200))
    objective, full = Objective(likelihood, True), Cone.of(likelihood)
    point = objective(*full.at([np.zeros((3, 3))], 1e-6))
    boundary = Boundary.at(objective, point)
    certificate = certify(objective, point, boundary)
    assert certificate.gradient_norm == 0.0
    assert not certificate.ok
    assert "rather grow" in certificate.problems[0]
    assert boundary.escape(point) is not None


def test_a_point_that_is_not_optimal_is_not_certified():
    likelihood = MarginalLikelihood.of(make_design("nested", seed=1, n=200))
    found = optimise(likelihood, True, "lbfgs")
    objective = Objective(likelihood, True)
    point = objective(found.cone, found.x * 1.1)
    moved = certify(objective, point, Boundary.at(objective, point))
    assert not moved.ok
    assert moved.newton_decrement > 1e-3


def test_the_start_is_finite_and_of_full_rank():
    likelihood = MarginalLikelihood.of(make_design("everything", seed=2, n=150))
    full = Cone.of(likelihood)
    cone, x = full.at(moment_start(Objective(likelihood, True), full), 1e-12)
    assert cone.size == full.size
    assert np.isfinite(Objective(likelihood, True)(cone, x).value)


def test_the_whitened_coordinates_go_there_and_back():
    likelihood = MarginalLikelihood.of(make_design("everything", seed=2, n=150))
    theta = likelihood.covariance.canonical(np.random.default_rng(3).normal(size=likelihood.covariance.m))
    full = Cone.of(likelihood)
    cone, x = full.at(full.whitened(theta), 1e-12)
    assert_allclose(cone.theta(x), theta, rtol=1e-8, atol=1e-10)


def test_the_whitened_gradient_equals_differences():
    likelihood = MarginalLikelihood.of(make_design("slopes", seed=5))
    objective, full = Objective(likelihood, True), Cone.of(likelihood)
    cone = full.with_ranks([2])
    x = np.random.default_rng(1).normal(size=cone.size)
    numeric = [(objective(cone, x + h).value - objective(cone, x - h).value) / 2e-5 for h in 1e-5 * np.eye(x.size)]
    assert_allclose(objective(cone, x).g, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("power", [-6, 0, 6])
def test_units_of_a_predictor_do_not_matter(power):
    from dataclasses import replace

    design = make_design("slopes", seed=7, n=150)
    (term,) = design.terms
    scale = np.array([1.0, 10.0**power, 10.0**-power])
    scaled = replace(design, terms=(replace(term, Z=term.Z * scale),))
    one = optimise(MarginalLikelihood.of(design), True, "lbfgs")
    other = optimise(MarginalLikelihood.of(scaled), True, "lbfgs")
    assert other.certificate.ok
    assert_allclose(other.value, one.value, rtol=1e-9)


def test_all_variances_zero_with_several_effects():
    found = optimise(MarginalLikelihood.of(no_variance(k=2, blocks=apart(2))), True, "lbfgs")
    assert found.certificate.ok
    assert found.theta[0] == 0.0


def test_an_unknown_optimizer_is_named():
    with pytest.raises(ArgumentError, match=r'optimizer="bobyca".*did you mean `bobyqa`'):
        optimise(MarginalLikelihood.of(make_design("one", seed=0)), True, "bobyca")


def test_a_balanced_design_needs_hardly_more_than_its_moments():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 8)
    term = random_term("g", g, 1, together(1), rng)
    y = rng.normal(size=30)[g] + rng.normal(size=g.size)
    found = optimise(MarginalLikelihood.of(from_arrays(y, np.ones((g.size, 1)), (term,))), True, "lbfgs")
    assert found.certificate.ok
    assert found.evaluations <= 8


def test_a_second_start_finds_the_lower_of_two_minima():
    likelihood = MarginalLikelihood.of(make_design("everything", seed=49, weighted=True))
    found = optimise(likelihood, True, "lbfgs")
    rng = np.random.default_rng(0)
    starts = rng.normal(size=(6, found.theta.size))
    others = [minimize(likelihood.with_gradient, s, jac=True, method="L-BFGS-B").fun for s in starts]
    assert max(others) > min(others) + 0.01
    assert found.value <= min(others) + 1e-6


def test_a_hessian_that_is_only_approximate_is_looked_into_before_a_saddle_is_called(monkeypatch):
    monkeypatch.setattr(certificate, "AFFORDABLE", 0.0)
    likelihood = MarginalLikelihood.of(make_design("slopes", seed=3, n=300, levels=20))
    found = optimise(likelihood, True, "lbfgs")
    objective = Objective(likelihood, True)
    point = objective(found.cone, found.x)
    exact = np.linalg.eigvalsh(objective.hessian(point))
    wrong = objective.hessian(point) - 2 * exact[-1] * np.ones((point.x.size, point.x.size))
    looked = certify(objective, point, Boundary.at(objective, point), wrong)
    assert looked.hessian == "quasi-Newton"
    assert looked.ok
    assert looked.smallest_eigenvalue > 0.5 * exact[0]
