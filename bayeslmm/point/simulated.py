"""Residuals and conditional modes of the data, beside those of responses simulated from the fit.

Every response, the observed one first, is treated alike: at the theta of the fit beta, b and sigma are estimated from
it, and what comes out is divided by its standard deviation under the model,

    conditional   e_i = y_i - x_i'beta_hat - z_i'b_hat,  Var(e_i) = sigma^2 (1 - h_i) / w_i,
    marginal      r_i = y_i - x_i'beta_hat,              Var(r_i) = sigma^2 (z_i'Lambda Lambda'z_i + 1/w_i - x_i'C x_i),
    modes         b_hat,                                 Var(b_hat) = Var(b) - Var(b_hat - b)

(Nobre & Singer 2007, Biometrical Journal 49, 863-875; h_i the leverage, C = (X'V^-1 X)^-1). At fixed theta the observed
and the simulated ones are exchangeable where the model holds, whatever beta and sigma are: comparisons by rank then
have the size that they say, dependence between rows and the shrinkage of residuals and modes included. That theta
was estimated from the same data makes them slightly conservative.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from bayeslmm.likelihood.kernel import factorise
from bayeslmm.likelihood.solves import apply_inverse
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.estimates import joint_variances
from bayeslmm.point.influence import Base, hat_values

BLOCK = 1 << 23  # numbers in one piece of work
NEGLIGIBLE = 1e-8


@dataclass(frozen=True, slots=True)
class Standardised:
    """Standardised values of S responses; the observed one is the first.

    Attributes
    ----------
    residuals
        (n, S): conditional, with the sigma of each response.
    marginal
        (n, S): marginal, likewise.
    modes
        Per term (J, k, S), likewise; NaN where the fit gives an effect no variance.
    dispersion
        (2, S): mean square of the conditional and of the marginal ones, with the sigma of the fit for all.
    """

    residuals: np.ndarray
    marginal: np.ndarray
    modes: tuple[np.ndarray, ...]
    dispersion: np.ndarray


def simulate_and_standardise(base: Base, n: int, rng: np.random.Generator) -> Standardised:
    """The observed response and n simulated ones, standardised."""
    design = base.design
    scales = _Scales.of(base)
    observed = (design.y_net - design.X @ base.at.beta)[:, None]
    step = max(1, BLOCK // (design.n + sum(t.k * t.n_levels for t in design.terms)))
    with one_blas_thread():
        parts = [_standardise(base, scales, observed)]
        parts += [_standardise(base, scales, _simulate(base, min(step, n - at), rng)) for at in range(0, n, step)]
    return Standardised(
        np.hstack([p.residuals for p in parts]),
        np.hstack([p.marginal for p in parts]),
        tuple(np.concatenate([p.modes[t] for p in parts], axis=2) for t in range(len(design.terms))),
        np.hstack([p.dispersion for p in parts]),
    )


def _simulate(base: Base, n: int, rng: np.random.Generator) -> np.ndarray:
    """Z b + e (n_rows, n): what beta is does not matter to what follows."""
    design, sigma = base.design, base.at.sigma
    y = rng.normal(size=(design.n, n)) * (sigma / np.sqrt(design.weights))[:, None]
    for term, L in zip(design.terms, base.at.lambdas, strict=True):
        b = sigma * np.einsum("ab,jbn->jan", L, rng.normal(size=(term.n_levels, term.k, n)))
        for a in range(term.k):
            y += term.Z[:, a, None] * b[term.index, a]
    return y


@dataclass(frozen=True, slots=True)
class _Scales:
    """Standard deviations in units of sigma: residuals (n,), marginal (n,), modes (J, k) per term."""

    residuals: np.ndarray
    marginal: np.ndarray
    modes: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, base: Base) -> "_Scales":
        design, at = base.design, base.at
        h, _ = hat_values(base)
        residuals = np.sqrt(np.clip(1 - h, 0, None) / design.weights)
        C = at.vcov / at.sigma**2
        between = sum(
            np.einsum("ni,ij,nj->n", t.Z, L @ L.T, t.Z) for t, L in zip(design.terms, at.lambdas, strict=True)
        )
        marginal = between + 1 / design.weights - np.einsum("ni,ij,nj->n", design.X, C, design.X)
        modes = []
        for joint, L in zip(joint_variances(base.likelihood, at), at.lambdas, strict=True):
            own = np.einsum("jkk->jk", joint[:, design.p :, design.p :]) / at.sigma**2
            prior = np.diag(L @ L.T)
            variance = prior - own
            modes.append(np.sqrt(np.where(variance > NEGLIGIBLE * np.maximum(prior, NEGLIGIBLE), variance, np.nan)))
        bad = residuals < NEGLIGIBLE
        return cls(np.where(bad, np.nan, residuals), np.sqrt(np.clip(marginal, 0, None)), tuple(modes))


def _standardise(base: Base, scales: _Scales, Y: np.ndarray) -> Standardised:
    """Estimate beta, b and sigma from every column of Y (n, S), offset taken off, and standardise what is left."""
    design, likelihood, lambdas = base.design, base.likelihood, base.at.lambdas
    factor = factorise(likelihood.A, likelihood.structure, lambdas)
    XT = design.X @ likelihood.basis.T
    weighted = design.weights[:, None] * Y
    rhs = [
        np.stack([_by_level(t.index, t.Z @ L[:, a], t.n_levels) @ weighted for a in range(t.k)])
        for t, L in zip(design.terms, lambdas, strict=True)
    ]
    u, gamma = apply_inverse(factor, likelihood.structure, rhs, XT.T @ weighted)
    marginal = Y - XT @ gamma
    residuals, modes = marginal.copy(), []
    penalty = np.zeros(Y.shape[1])
    for term, L, v in zip(design.terms, lambdas, u, strict=True):
        b = np.einsum("ab,bjn->jan", L, v)
        for a in range(term.k):
            residuals -= term.Z[:, a, None] * b[term.index, a]
        penalty += np.einsum("ajn,ajn->n", v, v)
        modes.append(b)
    r2 = np.einsum("n,ns,ns->s", design.weights, residuals, residuals) + penalty
    sigma = np.sqrt(r2 / likelihood.nu(base.reml))
    residuals, marginal = residuals / scales.residuals[:, None], marginal / scales.marginal[:, None]
    dispersion = np.stack([np.nanmean(x**2, axis=0) for x in (residuals, marginal)]) / base.at.sigma**2
    return Standardised(
        residuals / sigma,
        marginal / sigma,
        tuple(b / s[:, :, None] / sigma for b, s in zip(modes, scales.modes, strict=True)),
        dispersion,
    )


def _by_level(index: np.ndarray, values: np.ndarray, J: int) -> csr_array:
    """(J, n): sums over the rows of each level, weighted by `values` (n,)."""
    n = index.size
    return csr_array((values, (index, np.arange(n))), shape=(J, n))
