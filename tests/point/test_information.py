"""The model of the curvature: exact where the design is balanced, and the same in plain and in compiled code."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point import small_search
from bayeslmm.point.cone import Cone
from bayeslmm.point.information import model_hessian
from bayeslmm.point.objective import Objective
from tests.designs import SHAPES, make_design


def at(likelihood, x, reml=False):
    objective = Objective(likelihood, reml)
    point = objective(Cone.of(likelihood), x)
    return objective, point, model_hessian(point, likelihood.structure.J, likelihood.nu(reml))


@pytest.mark.parametrize("bar", ["(1 | g)", "(x | g)", "(x + I(x^2) | g)"])
def test_it_is_the_hessian_of_a_balanced_design_anywhere(bar):
    rng = np.random.default_rng(3)
    J, m = 15, 6
    g, x = np.repeat(np.arange(J), m), np.tile(np.linspace(-1, 2, m), J)
    y = 1 + x + rng.normal(size=J)[g] + 0.7 * rng.normal(size=J)[g] * x + rng.normal(size=g.size)
    fixed = "x + I(x^2)" if "I(" in bar else "x"
    likelihood = blm.Model(f"y ~ {fixed} + {bar}", pd.DataFrame({"y": y, "x": x, "g": g})).likelihood
    start = Cone.of(likelihood).unit
    for scale in (0.5, 1.0, 3.0):
        objective, point, model = at(likelihood, scale * start + 0.2 * rng.normal(size=start.size))
        exact = objective.hessian(point, central=True)
        assert_allclose(model, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


@small_search.compiled
def compiled_curvature(blocks, effects, root, x, G, u, c, nu, H):
    """What `small_search` calls, for Python to call."""
    small_search.curvature(blocks, effects, root, x, G, u, c, nu, H)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("singular", [False, True])
def test_plain_and_compiled_agree(shape, singular):
    likelihood = MarginalLikelihood.of(make_design(shape, seed=2, n=120, levels=12))
    full = Cone.of(likelihood)
    x = 0.7 * full.unit + 0.1 * np.random.default_rng(1).normal(size=full.size)
    if singular:
        x[full.unit == 1] *= 1e-3
    _, point, model = at(likelihood, x, reml=True)
    H, u = np.empty_like(model), np.concatenate([v.ravel() for v in point.evaluation.u])
    nu = float(likelihood.nu(True))
    blocks, effects, root = small_search._tables(full)
    c = nu / point.evaluation.parts.r2
    compiled_curvature(blocks, effects, root, x, point.evaluation.gradient, u, c, nu, H)
    assert_allclose(H, model, rtol=1e-10, atol=1e-10 * np.abs(model).max())
