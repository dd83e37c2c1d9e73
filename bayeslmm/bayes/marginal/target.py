"""The marginal posterior as one thread uses it: log density, and public values at free numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

import numpy as np

from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal.callback import forget, register
from bayeslmm.bayes.marginal.density import constrain_all, constrain_at, pull_back_at
from bayeslmm.bayes.marginal.loops import loops, python_density
from bayeslmm.bayes.marginal.problem import Problem, Scalars, make_problem
from bayeslmm.bayes.names import TermNames
from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.compiled.plan import apart


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The marginal posterior of one model, with workspaces that nobody else uses.

    Attributes
    ----------
    integrated
        The integrated likelihood.
    terms
        The grouping factors.
    problem
        The same for compiled code.
    scalars
        The parameters with priors of their own.
    """

    integrated: Integrated
    terms: tuple[RandomTerm, ...]
    problem: Problem
    scalars: Scalars

    @classmethod
    def of(cls, integrated: Integrated, terms: tuple[RandomTerm, ...]) -> Self:
        """Lay the problem out; `integrated` is this target's from now on."""
        return cls(integrated, terms, make_problem(integrated, terms), Scalars.of(integrated, terms))

    def copy(self) -> "Target":
        """The same with workspaces of its own."""
        return Target.of(self.integrated.copy(), self.terms)

    @property
    def is_small(self) -> bool:
        """Whether one compiled loop does an evaluation."""
        return self.integrated.engine.is_small

    @property
    def n_normals(self) -> int:
        """Normal numbers that a draw of the effects takes."""
        return self.problem.u.size + self.integrated.likelihood.p

    def log_density(self, x: np.ndarray, gradient: np.ndarray) -> float:
        """Log density at x (d,), -inf where there is none; the gradient (d,) is written."""
        if self.is_small:
            return float(loops().log_posterior(loops().evaluate, self.problem, x, gradient))
        problem, n_sd = self.problem, self.scalars.n_sd
        log_prior = constrain_at(problem, x, gradient)
        if not np.isfinite(log_prior) or not problem.value[n_sd] > 0 or not np.isfinite(problem.C).all():
            return -np.inf
        try:
            found = self.integrated.value_and_gradient(problem.C, problem.value[n_sd], problem.value[n_sd + 1 :])
        except np.linalg.LinAlgError:
            return -np.inf
        value, problem.dC[:], d_sigma, problem.d_beta[:] = found
        pull_back_at(problem, x, d_sigma, gradient)
        return float(log_prior + value)

    @contextmanager
    def by_address(self) -> Iterator[Any]:
        """The density for compiled code."""
        if self.is_small:
            yield loops().log_posterior
            return
        self.problem.key[0] = register(self.log_density)
        try:
            yield python_density()
        finally:
            forget(int(self.problem.key[0]))

    def values(self, X: np.ndarray, z: np.ndarray) -> dict[str, np.ndarray]:
        """Public variables at free numbers X (n, d), with exact draws of (beta, b) from z (n, `n_normals`).

        Raises
        ------
        numpy.linalg.LinAlgError
            M is not numerically positive definite at a row of X.
        """
        n = X.shape[0]
        gamma, b = apart(n, self.integrated.likelihood.p), apart(n, self.problem.u.size)
        if self.is_small:
            scalars, R = apart(n, len(self.scalars.slots)), apart(n, self.problem.R.size)
            by = loops().conditional_draw, loops().eliminate
            if not loops().draw_all(*by, self.problem, X, z, scalars, R, gamma, b):
                raise np.linalg.LinAlgError("M is not positive definite")
            return self.named(scalars, R, gamma, b)
        scalars, R = self.constrained(X)
        for i in range(n):
            _, gamma[i], b[i] = self.draw(scalars[i], R[i], z[i])
        return self.named(scalars, R, gamma, b)

    def constrained(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scalars (n, s) and factors of the correlations (n, sum of k^2) at free numbers X (n, d)."""
        scalars, R = apart(X.shape[0], len(self.scalars.slots)), apart(X.shape[0], self.problem.R.size)
        constrain_all(self.problem, X, scalars, R)
        return scalars, R

    def draw(self, scalars: np.ndarray, R: np.ndarray, z: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log likelihood, gamma (p,) and b flat at scalars (s,) and factors of the correlations, from z."""
        n_sd = self.scalars.n_sd
        factors = np.repeat(scalars[:n_sd], self.problem.row[:, 1]) * R
        return self.integrated.draw(factors, float(scalars[n_sd]), scalars[n_sd + 1 :], z)

    def log_density_and_draw(
        self, x: np.ndarray, z: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Log density at x (d,) without its gradient, scalars (s,), factors, and gamma and b from z, in one pass."""
        log_prior = constrain_at(self.problem, x, np.empty_like(x))
        scalars, R = self.problem.value.copy(), self.problem.R.copy()
        p, effects = self.integrated.likelihood.p, self.problem.u.size
        try:
            value, gamma, b = self.draw(scalars, R, z)
        except np.linalg.LinAlgError:
            return -np.inf, scalars, R, np.zeros(p), np.zeros(effects)
        return float(log_prior + value), scalars, R, gamma, b

    def named(self, scalars: np.ndarray, R: np.ndarray, gamma: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
        """Public variables (n, ...) from scalars (n, s), factors (n, sum of k^2), gamma (n, p) and b (n, effects)."""
        n, n_sd = scalars.shape[0], self.scalars.n_sd
        out: dict[str, np.ndarray] = {}
        if self.integrated.sampled.size:
            out["beta"] = self.integrated.coefficients(gamma, scalars[:, n_sd + 1 :])
        at = zip(
            accumulate((t.k for t in self.terms), initial=0),
            accumulate((t.k**2 for t in self.terms), initial=0),
            accumulate((t.k * t.n_levels for t in self.terms), initial=0),
            self.terms,
            strict=False,
        )
        for sd, factor, effect, term in at:
            names = TermNames.of(term)
            out[names.sd] = scalars[:, sd : sd + term.k]
            if term.pairs:
                L = R[:, factor : factor + term.k**2].reshape(n, term.k, term.k)
                rows, columns = np.array(term.pairs).T
                out[names.cor] = np.clip(np.einsum("npk,npk->np", L[:, rows], L[:, columns]), -1, 1)
            flat = b[:, effect : effect + term.k * term.n_levels]
            out[names.b] = flat.reshape(n, term.k, term.n_levels).swapaxes(1, 2)
        out["sigma"] = scalars[:, n_sd]
        return out
