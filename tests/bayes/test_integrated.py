"""The likelihood with b and coefficients integrated out, against dense matrices, for every shape of design."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal

from bayeslmm.bayes.distributions import Flat, Normal, StudentT
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import Design
from bayeslmm.likelihood.compiled import engine as compiled_engine
from tests.designs import SHAPES, make_design

PRIORS = {
    "default": None,
    "flat": {"beta": Flat(), "x0": Flat()},
    "one sampled": {"x1": StudentT(3, 0, 1)},
    "all sampled": {"beta": StudentT(3, 0, 1), "x0": StudentT(4, 8, 5)},
    "mixed": {"x0": Flat(), "x1": StudentT(3, 0, 1), "x2": Normal(1, 0.3)},
}


@dataclass(frozen=True)
class Case:
    """A model, a point, and the same model in dense matrices."""

    design: Design
    integrated: Integrated
    factors: np.ndarray
    sigma: float
    beta: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """The columns that have the priors."""
        priors = self.integrated.priors
        return self.design.X - np.outer(self.design.X @ priors.levels.astype(float), priors.centre)

    @property
    def Z(self) -> np.ndarray:
        """(n, effects), in the order of u."""
        rows = np.arange(self.design.n)
        parts = []
        for t in self.design.terms:
            Z = np.zeros((self.design.n, t.k, t.n_levels))
            Z[rows, :, t.index] = t.Z
            parts.append(Z.reshape(self.design.n, -1))
        return np.hstack(parts)

    @property
    def covariance_b(self) -> np.ndarray:
        """Cov(b)."""
        blocks, at = [], 0
        for t in self.design.terms:
            C = self.factors[at : at + t.k**2].reshape(t.k, t.k)
            blocks.append(np.kron(C @ C.T, np.eye(t.n_levels)))
            at += t.k**2
        return block_diag(*blocks)


def make_case(shape: str, priors: str, weighted: bool = False) -> Case:
    design = make_design(shape, 3, weighted)
    rng = np.random.default_rng(4)
    integrated = Integrated.of(design, resolve(design, PRIORS[priors]))
    factors = np.concatenate([_factor(t.k, t.blocks, rng).ravel() for t in design.terms])
    return Case(design, integrated, factors, 1.3, rng.normal(size=integrated.sampled.sum()))


def _factor(k: int, blocks: tuple, rng: np.random.Generator) -> np.ndarray:
    C = np.zeros((k, k))
    for block in blocks:
        C[np.ix_(block, block)] = np.tril(rng.normal(size=(len(block), len(block))))
    return C


def differences(f, x: np.ndarray) -> np.ndarray:
    steps = 1e-5 * np.maximum(1, np.abs(x))
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for h, e in zip(steps, np.eye(x.size), strict=True)])


CASES = pytest.mark.parametrize("priors", PRIORS)
DESIGNS = pytest.mark.parametrize("shape", SHAPES)


@DESIGNS
@CASES
def test_value_is_that_of_dense_matrices(shape: str, priors: str):
    case = make_case(shape, priors, weighted=True)
    value, *_ = case.integrated.value_and_gradient(case.factors, case.sigma, case.beta)
    assert value == pytest.approx(dense_value(case), rel=1e-10)


def dense_value(case: Case) -> float:
    """Flat coefficients: the density of what they leave, |X'X|^(-1/2) for the measure (Harville 1974)."""
    sampled, slots = case.integrated.sampled, [s.prior for s in case.integrated.priors.beta]
    normal = np.array([isinstance(p, Normal) for p in slots])
    V = case.Z @ case.covariance_b @ case.Z.T + case.sigma**2 * np.diag(1 / case.design.weights)
    y = case.design.y_net - case.fixed[:, sampled] @ case.beta
    for j in np.flatnonzero(normal):
        y = y - case.fixed[:, j] * slots[j].mu
        V = V + slots[j].sigma ** 2 * np.outer(case.fixed[:, j], case.fixed[:, j])
    F = case.fixed[:, ~sampled & ~normal]
    if not F.shape[1]:
        return float(multivariate_normal(np.zeros(y.size), V).logpdf(y))
    basis = np.linalg.qr(F, mode="complete")[0][:, F.shape[1] :]
    left = multivariate_normal(np.zeros(basis.shape[1]), basis.T @ V @ basis).logpdf(basis.T @ y)
    return float(left - 0.5 * np.linalg.slogdet(F.T @ F)[1])


@DESIGNS
@CASES
def test_gradient_is_that_of_differences(shape: str, priors: str):
    case = make_case(shape, priors)
    f = case.integrated.value_and_gradient
    _, by_factors, by_sigma, by_beta = f(case.factors, case.sigma, case.beta)
    free = case.factors != 0
    numbers = differences(lambda c: f(c, case.sigma, case.beta)[0], case.factors)
    np.testing.assert_allclose(by_factors[free], numbers[free], rtol=1e-5, atol=1e-6)
    assert by_sigma == pytest.approx(
        differences(lambda s: f(case.factors, s[0], case.beta)[0], np.array([case.sigma]))[0], rel=1e-5
    )
    np.testing.assert_allclose(
        by_beta, differences(lambda b: f(case.factors, case.sigma, b)[0], case.beta), rtol=1e-5, atol=1e-6
    )


@DESIGNS
@pytest.mark.parametrize("small", [True, False])
def test_draws_have_the_mean_and_covariance_of_dense_matrices(shape: str, small: bool, monkeypatch: pytest.MonkeyPatch):
    """A draw is affine in its normal numbers z: the columns tell mean and covariance exactly."""
    if not small:
        monkeypatch.setattr(compiled_engine, "SMALL", 0)
    case = make_case(shape, "mixed", weighted=True)
    size = case.Z.shape[1] + int((~case.integrated.sampled).sum())
    draws = np.array([drawn(case, z) for z in (np.zeros(size), *np.eye(size))])
    columns = draws[1:] - draws[0]
    mean, covariance = dense_posterior(case)
    np.testing.assert_allclose(draws[0], mean, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(columns.T @ columns, covariance, rtol=1e-7, atol=1e-9)


def drawn(case: Case, z: np.ndarray) -> np.ndarray:
    value, gamma, b = case.integrated.draw(case.factors, case.sigma, case.beta, z)
    assert value == pytest.approx(dense_value(case), rel=1e-10)
    return np.concatenate([case.integrated.coefficients(gamma, case.beta), b])


def dense_posterior(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of (beta, b) on the user's scale, given the rest."""
    priors, sampled = case.integrated.priors, case.integrated.sampled
    own = [priors.beta[j].prior for j in np.flatnonzero(~sampled)]
    precision = np.array([p.sigma**-2 if isinstance(p, Normal) else 0.0 for p in own])
    m = np.array([p.mu if isinstance(p, Normal) else 0.0 for p in own])
    G, W = case.covariance_b, np.diag(case.design.weights) / case.sigma**2
    U = np.hstack([case.fixed[:, ~sampled], case.Z @ np.linalg.cholesky(G)])
    y = case.design.y_net - case.fixed[:, sampled] @ case.beta
    q = case.Z.shape[1]
    S = np.linalg.inv(U.T @ W @ U + np.diag(np.concatenate([precision, np.ones(q)])))
    mean = S @ (U.T @ W @ y + np.concatenate([precision * m, np.zeros(q)]))
    place = np.eye(case.design.p)[:, ~sampled]
    back = block_diag(place - np.outer(priors.levels, priors.centre @ place), np.linalg.cholesky(G))
    given = np.zeros(case.design.p)
    given[sampled] = case.beta
    return back @ mean + np.concatenate([priors.to_user(given), np.zeros(q)]), back @ S @ back.T


def test_copies_do_not_disturb_each_other():
    case = make_case("crossed", "one sampled")
    other = case.integrated.copy()
    before, *_ = case.integrated.value_and_gradient(case.factors, case.sigma, case.beta)
    other.value_and_gradient(2 * case.factors, 3.0, case.beta + 1)
    after, *_ = case.integrated.value_and_gradient(case.factors, case.sigma, case.beta)
    assert before == after
