"""log p(y | C, sigma, beta_s): the likelihood with b, and all coefficients with normal or flat priors, integrated out.

    y = offset + X beta + Z b + e,    b_l ~ N(0, C_t C_t'),    e ~ N(0, sigma^2 W^-1),    beta_i ~ N or flat

The coefficients are those that have the priors (`Priors`: the intercept is the expected response at the mean of the
predictors). With c = (1, -beta_s) the response is E c, E = [y, X_s], so that cross-products with it are linear in
beta_s, and its square is quadratic. Rows of the prior of beta_i: `likelihood.normal_prior`. With f = -2 log p:

    df/dLambda_t    as without a prior (`likelihood.gradient`), Lambda_t = C_t / sigma
    df/dsigma       = 2 (n - p) / sigma - 2 r^2 / sigma^3 + 2 sigma tr([M^-1]_XX N_XX) + 2 g'N g / sigma
    df/dbeta_s      = 2 E_s'W(E c - X_i gamma - Z b) / sigma^2 + 2 (N g)_s,

at fixed Lambda, with N what the prior adds per sigma^2 and g = (-gamma, c). The last two hold since r^2 is a minimum.
Given C, sigma and beta_s, (u, gamma) is normal with mean M^-1 rhs and covariance sigma^2 M^-1: exact draws.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bayeslmm.bayes.distributions import Flat, Normal
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design
from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.likelihood.compiled.engine import Engine
from bayeslmm.likelihood.compiled.plan import CORNER, FIXED, LEVELS, WIDTH, P, Plan
from bayeslmm.likelihood.evaluation import Parts
from bayeslmm.likelihood.marginal import LOG_2PI, MarginalLikelihood
from bayeslmm.likelihood.normal_prior import NormalPrior


def is_sampled(priors: Priors) -> np.ndarray:
    """(p,): whether a coefficient's prior, neither normal nor flat, keeps it from being integrated out."""
    return np.array([not isinstance(slot.prior, Normal | Flat) for slot in priors.beta], dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """The integrated likelihood of one model. For several threads, take a `copy` for each.

    Attributes
    ----------
    sampled
        (p,) bool: coefficients that are given, not integrated out.
    priors
        The priors of the model.
    likelihood
        Of the columns that are integrated out, with y as response.
    engine
        The compiled loops, with cross-products and workspaces of its own.
    corner, normal
        (p_i + K, p_i + K), K = 1 + number of `sampled`: [X_i E]'W[X_i E], and what the prior adds per sigma^2.
    response
        (K, effects): Z'W E, in the order of u.
    shift
        (K, p_i): the coefficients of X_i that were taken off each column of E.
    constant
        What -2 log p(y) has besides the parts that depend on the parameters.
    """

    sampled: np.ndarray
    priors: Priors
    likelihood: MarginalLikelihood
    engine: Engine
    corner: np.ndarray
    normal: np.ndarray
    response: np.ndarray
    shift: np.ndarray
    constant: float

    @classmethod
    def of(cls, design: Design, priors: Priors) -> Self:
        """Prepare a model.

        Parameters
        ----------
        design, priors
            The arrays, and the priors of all parameters.
        """
        slots = [slot.prior for slot in priors.beta]
        sampled = is_sampled(priors)
        X = design.X - np.outer(design.X @ priors.levels.astype(float), priors.centre)
        E = np.column_stack([design.y_net, X[:, sampled]])
        X = X[:, ~sampled]
        likelihood = MarginalLikelihood.of(replace(design, X=X))
        bases = [likelihood.basis, *(likelihood.basis.shifted(X, x, design.weights) for x in E.T[1:])]
        prior = _normal_prior([slots[j] for j in np.flatnonzero(~sampled)])
        parts = [likelihood.A, *(likelihood.with_response(replace(design, X=X), x).A for x in E.T[1:])]
        residuals = np.column_stack([x - X @ basis.b0 for x, basis in zip(E.T, bases, strict=True)])
        return cls(
            sampled=sampled,
            priors=priors,
            likelihood=likelihood,
            engine=Engine.of(likelihood.structure, likelihood.A),
            corner=_corner([A.corner for A in parts], residuals, design.weights),
            normal=_prior_rows(prior, bases),
            response=np.stack([np.concatenate([B[:, -1].ravel() for B in A.fixed]) for A in parts]),
            shift=np.stack([basis.b0 for basis in bases]),
            constant=prior.constant + likelihood.basis.log_det - likelihood.A.log_weights,
        )

    def copy(self) -> "Integrated":
        """The same with workspaces of its own."""
        return replace(self, engine=Engine.of(self.likelihood.structure, self.likelihood.A))

    @property
    def nu(self) -> int:
        """Rows less integrated coefficients."""
        return self.likelihood.n - self.likelihood.p

    def value_and_gradient(
        self, factors: np.ndarray, sigma: float, beta: np.ndarray
    ) -> tuple[float, np.ndarray, float, np.ndarray]:
        """Log density of y, and its derivatives.

        Parameters
        ----------
        factors
            (sum of k^2,): C_t with Cov(b_l) = C_t C_t', row by row, term by term; in units of the response.
        sigma
            Residual sd.
        beta
            (K - 1,): the coefficients that are not integrated out, on the scale that has the priors.

        Returns
        -------
        log p(y), and its derivatives by factors (sum of k^2,), by sigma, and by beta (K - 1,).

        Raises
        ------
        numpy.linalg.LinAlgError
            M is not numerically positive definite.
        """
        c = self._respond(sigma, beta)
        found = self.engine.evaluation(factors / sigma, 1, True, sigma)
        p, r2 = self.likelihood.p, found.parts.r2
        g = np.concatenate([-found.gamma, c])
        Ng = self.normal @ g
        by_sigma = 2 * self.nu / sigma - 2 * r2 / sigma**3 + 2 * (g @ Ng) / sigma
        if p:
            by_sigma += 2 * sigma * np.trace(np.linalg.solve(found.L_X @ found.L_X.T, self.normal[:p, :p]))
        by_sigma -= (found.gradient @ factors) / sigma**2
        explained = self.response[1:] @ np.concatenate([np.zeros(0), *(b.ravel() for b in found.b)])
        by_beta = 2 * ((self.corner @ g)[p + 1 :] - explained) / sigma**2 + 2 * Ng[p + 1 :]
        value = -0.5 * (self._deviance(found.parts, sigma) + self.constant)
        return value, -0.5 * found.gradient / sigma, -0.5 * float(by_sigma), 0.5 * by_beta

    def draw(
        self, factors: np.ndarray, sigma: float, beta: np.ndarray, z: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Draw (gamma, b) given the other parameters.

        Parameters
        ----------
        factors, sigma, beta
            As for `value_and_gradient`.
        z
            (effects + p_i,): standard normal numbers.

        Returns
        -------
        log p(y), gamma (p_i,) for `coefficients`, and b flat, (k, J) per term.
        """
        self._respond(sigma, beta)
        parts, gamma, b = self.engine.draw(factors / sigma, sigma, z)
        return -0.5 * (self._deviance(parts, sigma) + self.constant), gamma, b

    def coefficients(self, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """All coefficients (..., p) on the user's scale, from gamma (..., p_i) and the sampled ones (..., K - 1)."""
        out = np.empty((*gamma.shape[:-1], self.sampled.size))
        out[..., self.sampled] = beta
        out[..., ~self.sampled] = self.shift[0] - beta @ self.shift[1:] + gamma @ self.likelihood.basis.T.T
        return self.priors.to_user(out)

    def _deviance(self, parts: Parts, sigma: float) -> float:
        return float(parts.log_det_Z + parts.log_det_X + self.nu * (LOG_2PI + 2 * np.log(sigma)) + parts.r2 / sigma**2)

    def _respond(self, sigma: float, beta: np.ndarray) -> np.ndarray:
        """Write the cross-products with E c, and the prior's, into the engine; returns c."""
        p, plan, a = self.likelihood.p, self.engine.layout.plan, self.engine.a
        c = np.concatenate([[1.0], -beta])
        N = self.corner + sigma**2 * self.normal
        corner = np.empty((p + 1, p + 1))
        corner[:p, :p], corner[p, :p], corner[p, p] = N[:p, :p], c @ N[p:, :p], c @ N[p:, p:] @ c
        corner[:p, p] = corner[p, :p]
        a[plan.size[CORNER] : plan.size[CORNER] + corner.size] = corner.ravel()
        if beta.size:
            put_response(plan, a, c @ self.response)
        return c


def put_response(plan: Plan, a: np.ndarray, values: np.ndarray) -> None:
    """Write Z'W y, in the order of u, into the flat cross-products."""
    p, at = plan.size[P], 0
    for t in plan.term:
        k, J = t[WIDTH], t[LEVELS]
        block = a[t[FIXED] : t[FIXED] + k * (p + 1) * J].reshape(k, p + 1, J)
        block[:, p] = values[at : at + k * J].reshape(k, J)
        at += k * J


def _normal_prior(priors: list) -> NormalPrior:
    """The prior of the integrated coefficients: a row for each that is normal."""
    chosen = [j for j, prior in enumerate(priors) if isinstance(prior, Normal)]
    numbers = np.array([[priors[j].mu, priors[j].sigma] for j in chosen]).reshape(-1, 2)
    return NormalPrior(np.eye(len(priors))[chosen], numbers[:, 0], numbers[:, 1])


def _prior_rows(prior: NormalPrior, bases: list[FixedBasis]) -> np.ndarray:
    """What the prior adds per sigma^2 for the responses E, shifted by `bases`; it expects m of the first alone."""
    expected = [prior.m, *(np.zeros_like(prior.m) for _ in bases[1:])]
    columns = [m - prior.R @ basis.b0 for m, basis in zip(expected, bases, strict=True)]
    rows = np.column_stack([prior.R @ bases[0].T, *columns]) / prior.s[:, None]
    return rows.T @ rows


def _corner(corners: list[np.ndarray], residuals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[X_i E]'W[X_i E] from those of each response, and the products between the responses."""
    p = corners[0].shape[0] - 1
    out = np.empty((p + len(corners),) * 2)
    out[:p, :p] = corners[0][:p, :p]
    for j, corner in enumerate(corners):
        out[p + j, :p] = out[:p, p + j] = corner[p, :p]
    out[p:, p:] = (residuals * weights[:, None]).T @ residuals
    return out
