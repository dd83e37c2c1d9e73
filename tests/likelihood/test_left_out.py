"""Predictive densities of rows and groups against the dense n x n Gaussian, conditioned in the obvious way."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import norm

from bayeslmm.likelihood.arrow import Arrow, FixedPart, Given
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.left_out import (
    _by_subtraction,
    _on_the_shaft,
    best_arrow,
    groups_left_out,
    log_density,
    rows_left_out,
)
from bayeslmm.likelihood.normal_prior import NormalPrior
from tests.designs import SHAPES, make_design, random_term

DRAWS = 3
KINDS = ("normal", "flat", "mixed", "given", "no fixed effects")


@dataclass(frozen=True)
class Oracle:
    """y ~ N(mean, V) given flat coefficients of F: written out, for one draw."""

    y: np.ndarray
    mean: np.ndarray
    V: np.ndarray
    F: np.ndarray

    def predict(self, out: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of y[out] given y[rest], by generalised least squares and conditioning."""
        V_inv = np.linalg.inv(self.V[np.ix_(rest, rest)])
        F, r = self.F[rest], self.y[rest] - self.mean[rest]
        C = np.linalg.inv(F.T @ V_inv @ F)
        beta = C @ F.T @ V_inv @ r
        gain = self.V[np.ix_(out, rest)] @ V_inv
        D = self.F[out] - gain @ F
        mean = self.mean[out] + self.F[out] @ beta + gain @ (r - F @ beta)
        return mean, self.V[np.ix_(out, out)] - gain @ self.V[np.ix_(rest, out)] + D @ C @ D.T

    def again(self, noise: np.ndarray) -> "Oracle":
        """The same rows twice, with new residuals of these variances the second time."""
        V = np.tile(self.V, (2, 2))
        n = np.arange(noise.size)
        V[n, n + n.size] -= noise
        V[n + n.size, n] -= noise
        return Oracle(np.tile(self.y, 2), np.tile(self.mean, 2), V, np.tile(self.F, (2, 1)))

    def log_predictive(self, out: np.ndarray) -> float:
        """Log p(y_out | all other y)."""
        mean, V = self.predict(out, np.setdiff1d(np.arange(self.y.size), out))
        r = self.y[out] - mean
        return float(-0.5 * (out.size * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r)))


@dataclass(frozen=True)
class Problem:
    terms: tuple
    fixed: FixedPart
    given: Given
    oracles: list[Oracle]
    noise: list[np.ndarray]


def problem(
    shape: str,
    kind: str,
    weighted: bool = False,
    singular: bool = False,
    shift: float = 0.0,
    seed: int = 1,
    n: int = 40,
) -> Problem:
    """A design, three draws, and the same in n x n; `singular` draws have variances of zero and correlations of 1."""
    design, p = make_design(shape, seed, weighted=weighted, n=n), 3
    design = replace(design, y=design.y + shift)
    if kind == "no fixed effects":
        design, p = replace(design, X=np.zeros((n, 0)), coef_names=()), 0
    rng = np.random.default_rng(seed)
    normal = {"normal": (0, 1, 2), "mixed": (1,), "given": (1,)}.get(kind, ())
    conditioned = (2,) if kind == "given" else ()
    inside = [j for j in range(p) if j not in conditioned]
    m, s = rng.normal(size=p), rng.uniform(0.5, 2.0, p)
    R = np.eye(p)[np.ix_(normal, inside)] if p else np.zeros((0, 0))
    prior = NormalPrior(R, m[list(normal)], s[list(normal)])
    X, given = design.X[:, inside], design.X[:, list(conditioned)]
    fixed = FixedPart.of(X, given, design.y, design.weights, prior)
    sigma = rng.uniform(0.5, 1.5, DRAWS)
    lambdas = tuple(rng.normal(size=(DRAWS, t.k, t.k)) for t in design.terms)
    if singular:
        for L in lambdas:
            L[0], L[1, :, 1:] = 0.0, 0.0
    coefficients = rng.normal(size=(DRAWS, len(conditioned)))
    dense, oracles = Dense.of(design), []
    for d in range(DRAWS):
        V = sigma[d] ** 2 * dense.covariance(tuple(L[d] for L in lambdas))
        mean = given @ coefficients[d]
        for j in normal:
            V += np.outer(design.X[:, j], design.X[:, j]) * s[j] ** 2
            mean = mean + design.X[:, j] * m[j]
        flat = design.X[:, [j for j in inside if j not in normal]]
        oracles.append(Oracle(design.y, mean, V, flat))
    noise = [sigma[d] ** 2 / design.weights for d in range(DRAWS)]
    return Problem(design.terms, fixed, Given(lambdas, sigma, coefficients), oracles, noise)


CASES = [(shape, kind, i % 2 == 0) for i, (shape, kind) in enumerate((s, k) for s in SHAPES for k in KINDS)]


@pytest.mark.parametrize(("shape", "kind", "weighted"), CASES)
def test_rows_against_the_dense_gaussian(shape, kind, weighted):
    it = problem(shape, kind, weighted)
    found = rows_left_out(it.terms, it.fixed, it.given)
    n, within = it.fixed.y.size, []
    for d, oracle in enumerate(it.oracles):
        expected = [oracle.log_predictive(np.array([i])) for i in range(n)]
        assert_allclose(found.without[d], expected, rtol=1e-10, atol=1e-10)
        mean, V = oracle.predict(np.array([7]), np.delete(np.arange(n), 7))
        assert_allclose(found.score[d, 7], (oracle.y[7] - mean[0]) / np.sqrt(V[0, 0]), rtol=1e-6)  # single precision
        mean, V = oracle.again(it.noise[d]).predict(np.arange(n, 2 * n), np.arange(n))
        expected = norm.logpdf(oracle.y, mean, np.sqrt(np.diag(V)))
        one = rows_left_out(it.terms, it.fixed, it.given.part(slice(d, d + 1)))
        assert_allclose(one.within, expected, rtol=1e-10, atol=1e-10)
        within.append(expected)
    assert_allclose(found.within, logsumexp(within, axis=0) - np.log(DRAWS), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("shape", "kind", "weighted"), CASES)
def test_groups_against_the_dense_gaussian(shape, kind, weighted):
    it = problem(shape, kind, weighted)
    for t, term in enumerate(it.terms):
        found = groups_left_out(it.terms, it.fixed, it.given, t).without
        for d, oracle in enumerate(it.oracles):
            expected = [oracle.log_predictive(np.flatnonzero(term.index == g)) for g in range(term.n_levels)]
            assert_allclose(found[d], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", ["slopes", "nested", "everything"])
@pytest.mark.parametrize(("singular", "shift", "tolerance"), [(True, 0.0, 1e-10), (False, 1e6, 1e-7)])
def test_singular_draws_and_large_responses(shape, singular, shift, tolerance):
    it = problem(shape, "flat", singular=singular, shift=shift)  # the oracle itself loses digits at 1e6
    found = rows_left_out(it.terms, it.fixed, it.given).without
    groups = groups_left_out(it.terms, it.fixed, it.given, 0).without
    for d, oracle in enumerate(it.oracles):
        assert_allclose(found[d], [oracle.log_predictive(np.array([i])) for i in range(40)], rtol=tolerance)
        levels = [np.flatnonzero(it.terms[0].index == g) for g in range(it.terms[0].n_levels)]
        assert_allclose(groups[d], [oracle.log_predictive(level) for level in levels], rtol=tolerance)


@pytest.mark.parametrize(("shape", "kind"), [("nested three deep", "mixed"), ("everything", "given")])
def test_every_arrow_has_the_density_of_the_dense_gaussian(shape, kind):
    it = problem(shape, kind, weighted=True)
    everything, nothing = np.arange(it.fixed.y.size), np.arange(0)
    full = problem(shape, "normal", weighted=True)
    for shaft in range(len(it.terms)):
        found = log_density(full.terms, full.fixed, full.given, shaft)
        for d, oracle in enumerate(full.oracles):
            mean, V = oracle.predict(everything, nothing)
            r = oracle.y - mean
            expected = -0.5 * (r.size * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r))
            assert_allclose(found[d], expected, rtol=1e-10)
        other = log_density(it.terms, it.fixed, it.given, shaft)
        assert_allclose(other, log_density(it.terms, it.fixed, it.given, 0), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_groups_by_subtraction_are_those_of_the_shaft(shape):
    it = problem(shape, "mixed", weighted=True)
    for t in range(len(it.terms)):
        direct = _on_the_shaft(Arrow.of(it.terms, it.fixed, t), it.given).without
        other = _by_subtraction(it.terms, it.fixed, it.given, t, best_arrow(it.terms, it.fixed).order[0]).without
        assert_allclose(direct, other, rtol=1e-9, atol=1e-9)


def test_batches_of_draws_change_nothing(monkeypatch):
    it = problem("crossed", "mixed")
    rows, groups = rows_left_out(it.terms, it.fixed, it.given), groups_left_out(it.terms, it.fixed, it.given, 0)
    monkeypatch.setattr("bayeslmm.likelihood.left_out.CHUNK", 1)
    assert_allclose(rows_left_out(it.terms, it.fixed, it.given).without, rows.without, rtol=1e-13)
    assert_allclose(groups_left_out(it.terms, it.fixed, it.given, 0).without, groups.without, rtol=1e-13)


def test_few_large_groups_with_many_effects_of_their_own_are_left_out_by_subtraction(monkeypatch):
    hospital = np.repeat(np.arange(3), 80)
    rng = np.random.default_rng(3)
    terms = tuple(
        random_term(name, index, 1, ((0,),), rng)
        for name, index in (("patient:hospital", np.arange(240) // 2), ("hospital", hospital))
    )
    y, nobody = rng.normal(size=240), np.zeros((240, 0))
    prior = NormalPrior(np.zeros((0, 1)), np.zeros(0), np.zeros(0))
    fixed = FixedPart.of(np.ones((240, 1)), nobody, y, np.ones(240), prior)
    given = Given((np.full((2, 1, 1), 0.7), np.full((2, 1, 1), 0.4)), np.array([1.0, 1.3]), np.zeros((2, 0)))
    called = []
    monkeypatch.setattr(
        "bayeslmm.likelihood.left_out._by_subtraction", lambda *args: called.append(1) or _by_subtraction(*args)
    )
    found = groups_left_out(terms, fixed, given, 1).without
    assert called == [1]
    together = (np.arange(240) // 2)[:, None] == np.arange(240) // 2
    V = 1.0 * (np.eye(240) + 0.49 * together + 0.16 * (hospital[:, None] == hospital))
    oracle = Oracle(y, np.zeros(240), V, np.ones((240, 1)))
    expected = [oracle.log_predictive(np.flatnonzero(hospital == g)) for g in range(3)]
    assert_allclose(found[0], expected, rtol=1e-10)
