"""Degrees of freedom where they are known exactly, and what they must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.estimates import estimates
from bayeslmm.point.optimise import optimise
from bayeslmm.point.satterthwaite import Satterthwaite
from tests.designs import from_arrays, make_design, random_term, together


def inference(design, reml=True):
    likelihood = MarginalLikelihood.of(design)
    optimum = optimise(likelihood, reml, "lbfgs")
    return Satterthwaite.of(likelihood, optimum, reml), estimates(likelihood, optimum, reml)


def balanced(groups=7, size=4, spread=3.0):
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(groups), size)
    within = np.tile(np.arange(size), groups) - (size - 1) / 2
    y = spread * rng.normal(size=groups)[g] + within + rng.normal(size=g.size)
    term = random_term("g", g, 1, together(1), rng)
    return from_arrays(y, np.column_stack([np.ones(g.size), within]), (term,))


def test_balanced_one_way_layout_has_the_textbook_degrees_of_freedom():
    found, _ = inference(balanced())
    # the mean is tested against the 7 groups, the within-group slope against the residual
    assert_allclose(found.df(np.eye(2)), [6.0, 20.0], rtol=1e-5)


def test_f_test_of_one_row_is_the_squared_t():
    found, at = inference(make_design("crossed", seed=3, n=150))
    L = np.array([[0.0, 1.0, -1.0]])
    F, q, df = found.f_test(L, L @ at.beta)[:3]
    t2 = (L @ at.beta) ** 2 / (L @ at.vcov @ L.T)[0]
    assert q == 1
    assert_allclose([F, df], [t2[0], found.df(L)[0]], rtol=1e-10)


def test_f_test_does_not_depend_on_how_the_hypothesis_is_written():
    found, at = inference(make_design("slopes", seed=3, n=150))
    L = np.eye(3)[1:]
    F, q, df = found.f_test(L, L @ at.beta)[:3]
    redundant = np.array([[1.0, 2.0], [3.0, -1.0], [4.0, 1.0]]) @ L
    assert_allclose(found.f_test(redundant, redundant @ at.beta)[:2], (F, q), rtol=1e-8)
    # the df of Fai & Cornelius depend on the basis of the hypothesis, but not on a rotation of it
    turned = np.array([[0.6, 0.8], [-0.8, 0.6]]) @ L
    assert_allclose(found.f_test(turned, turned @ at.beta)[:3], (F, q, df), rtol=1e-8)


@pytest.mark.parametrize("shape", ["slopes", "nested", "crossed"])
def test_units_of_response_and_predictors_do_not_matter(shape):
    design = make_design(shape, seed=8, n=150)
    one, _ = inference(design)
    scale = np.array([1.0, 1e3, 1e-4])
    terms = tuple(replace(t, Z=t.Z * 10.0 ** np.arange(t.k)) for t in design.terms)
    other, _ = inference(replace(design, y=1e-3 * design.y, X=design.X * scale, terms=terms))
    assert_allclose(other.df(np.eye(3)), one.df(np.eye(3)), rtol=1e-4)


def test_derivatives_equal_those_of_the_dense_formula():
    from bayeslmm.likelihood.dense import Dense

    design = make_design("nested", seed=9, n=100)
    likelihood = MarginalLikelihood.of(design)
    optimum = optimise(likelihood, True, "lbfgs")
    found = Satterthwaite.of(likelihood, optimum, True)
    dense = Dense.of(design)
    sigma = likelihood.sigma(likelihood.factor(optimum.theta), True)
    for i, h in enumerate(1e-5 * np.eye(optimum.x.size)):
        up, down = (dense.beta(optimum.cone.lambdas(optimum.x + s * h))[1] for s in (1, -1))
        assert_allclose(found.derivatives[i], sigma**2 * (up - down) / 2e-5, rtol=1e-4, atol=1e-8)
