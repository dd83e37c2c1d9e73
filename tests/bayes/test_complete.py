"""Exact draws of what was integrated out, for draws of the rest, against dense matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayeslmm.bayes.complete import complete
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.dense import Dense
from tests.designs import make_design

SHAPES = ("slopes", "uncorrelated", "nested three deep", "everything")


def point(design: Design, seed: int = 2) -> dict[str, np.ndarray]:
    """One draw of sds, correlations and sigma."""
    rng = np.random.default_rng(seed)
    values = {"sigma": np.array(1.2)}
    for t in design.terms:
        values[f"sd_{t.group}"] = rng.uniform(0.5, 1.5, t.k)
        if t.pairs:
            values[f"cor_{t.group}"] = rng.uniform(-0.4, 0.4, len(t.pairs))
    return values


def repeated(values: dict[str, np.ndarray], chains: int, draws: int) -> dict[str, np.ndarray]:
    return {name: np.broadcast_to(v, (chains, draws, *v.shape)) for name, v in values.items()}


def lambdas(design: Design, values: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    out = []
    for t in design.terms:
        R = np.eye(t.k)
        for (i, j), r in zip(t.pairs, values.get(f"cor_{t.group}", ()), strict=True):
            R[i, j] = R[j, i] = r
        sd = values[f"sd_{t.group}"]
        out.append(np.linalg.cholesky(R * np.outer(sd, sd)) / values["sigma"])
    return tuple(out)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_and_spread_are_those_of_the_conditional_distribution(shape):
    """With flat priors the mean is (GLS, BLUP), and the variance that of Henderson's equations; z-scores of 5000."""
    design, S = make_design(shape, 6, weighted=True), 2500
    integrated = Integrated.of(design, resolve(design, "flat"))
    values = point(design)
    found = complete(design, integrated, repeated(values, 2, S), seed=1)
    dense, Lambda = Dense.of(design), lambdas(design, values)
    b = np.concatenate([found[f"b_{t.group}"].reshape(2 * S, -1) for t in design.terms], axis=1)
    beta = found["beta"].reshape(2 * S, -1)
    variance = _henderson(dense, Lambda) * values["sigma"] ** 2
    for draws, mean, spread in (
        (beta, dense.beta(Lambda)[0], variance[: design.p]),
        (b, dense.modes(Lambda), variance[design.p :]),
    ):
        assert (np.abs(draws.mean(axis=0) - mean) < 5 * np.sqrt(spread / (2 * S))).all()
        assert_allclose(draws.var(axis=0), spread, rtol=5 * np.sqrt(2 / (2 * S)))


def _henderson(dense: Dense, Lambda: tuple[np.ndarray, ...]) -> np.ndarray:
    """Variances of (beta, b) / sigma^2."""
    XZ = np.hstack([dense.X, dense.Z])
    G = dense.big_lambda(Lambda) @ dense.big_lambda(Lambda).T
    M = XZ.T @ (dense.weights[:, None] * XZ)
    p = dense.X.shape[1]
    M[p:, p:] += np.linalg.inv(G)
    return np.diag(np.linalg.inv(M))


def test_a_seed_gives_the_same_draws_and_another_others():
    design = make_design("crossed", 1)
    integrated = Integrated.of(design, resolve(design))
    values = repeated(point(design), 3, 5)
    one, again, other = (complete(design, integrated, values, seed) for seed in (1, 1, 2))
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["beta"] != other["beta"]).all()
    assert len(np.unique(one["beta"][..., 0])) == 15
    assert_array_equal(complete(design, integrated, {k: v[:1] for k, v in values.items()}, 1)["beta"], one["beta"][:1])


def test_correlations_of_one_and_sds_of_zero_are_possible():
    design = make_design("slopes", 3)
    integrated = Integrated.of(design, resolve(design))
    values = point(design)
    values["cor_g"], values["sd_g"] = np.ones(3), np.array([1.0, 0.5, 0.0])
    b = complete(design, integrated, repeated(values, 1, 3), 1)["b_g"]
    assert_allclose(b[..., 1], 0.5 * b[..., 0], atol=1e-6)
    assert_array_equal(b[..., 2], 0)


def test_correlations_that_cannot_be_are_refused():
    design = make_design("slopes", 3)
    integrated = Integrated.of(design, resolve(design))
    values = point(design) | {"cor_g": np.array([0.9, -0.9, 0.9])}
    with pytest.raises(ArgumentError, match="`cor_g`: some of its draws are not correlations"):
        complete(design, integrated, repeated(values, 1, 2), 1)
