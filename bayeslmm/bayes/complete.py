"""Exact draws of (beta, b) for draws of (sd, cor, sigma, beta_s) that somebody else made.

Given C_g = diag(sd_g) L_g, sigma and beta_s, the remaining coefficients and all b are jointly normal (`Integrated`), so
that one draw of them for each draw of the others gives draws of the joint posterior. Whatever else was sampled with
(sd, cor, sigma, beta_s) is left as it is: p(b, beta | all) does not depend on it, unless the user's model ties it to
b or beta, which are not in it.
"""

from collections.abc import Mapping

import numpy as np

from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.names import TermNames
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.covariance import lower_factor

NEGATIVE = -1e-8


def complete(
    design: Design, integrated: Integrated, values: Mapping[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Draw what was integrated out.

    Parameters
    ----------
    design, integrated
        The arrays, and the likelihood that integrates.
    values
        `sd_g` (chain, draw, k), `cor_g` (chain, draw, pairs), `sigma` (chain, draw), and `beta_centred` (chain, draw,
        K - 1) where coefficients were sampled.
    seed
        Of the random numbers: those of a draw depend on the seed and its place only.

    Returns
    -------
    `beta` (chain, draw, p) on the user's scale, where there are coefficients, and `b_g` (chain, draw, J, k).

    Raises
    ------
    ArgumentError
        The correlations of a draw are not those of any distribution.
    """
    shape = values["sigma"].shape
    factors = np.concatenate([_factors(t, values).reshape(*shape, -1) for t in design.terms], axis=2)
    sampled = values.get("beta_centred", np.zeros((*shape, 0)))
    effects = sum(t.k * t.n_levels for t in design.terms)
    gamma, b = np.empty((*shape, integrated.likelihood.p)), np.empty((*shape, effects))
    for chain, rng in enumerate(np.random.default_rng(seed).spawn(shape[0])):
        for draw in range(shape[1]):
            z = rng.normal(size=effects + gamma.shape[2])
            at = chain, draw
            _, gamma[at], b[at] = integrated.draw(factors[at], float(values["sigma"][at]), sampled[at], z)
    beta = {"beta": integrated.coefficients(gamma, sampled)} if design.p else {}
    return {**beta, **_by_group(design, b)}


def _by_group(design: Design, b: np.ndarray) -> dict[str, np.ndarray]:
    """b_g (chain, draw, J, k) from flat b, (k, J) per term."""
    out, start = {}, 0
    for t in design.terms:
        part = b[:, :, start : start + t.k * t.n_levels].reshape(*b.shape[:2], t.k, t.n_levels)
        out[TermNames.of(t).b] = np.ascontiguousarray(part.swapaxes(2, 3))
        start += t.k * t.n_levels
    return out


def _factors(term: RandomTerm, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """C (chain, draw, k, k)."""
    names = TermNames.of(term)
    sd = values[names.sd]
    if not term.pairs:
        return sd[..., None] * np.eye(term.k)
    R = np.broadcast_to(np.eye(term.k), (*sd.shape, term.k)).copy()
    rows, columns = np.array(term.pairs).T
    R[..., rows, columns] = R[..., columns, rows] = values[names.cor]
    return sd[..., None] * _lower(R, names.cor)


def _lower(R: np.ndarray, name: str) -> np.ndarray:
    """Lower factors of correlation matrices, which may be singular."""
    try:
        return np.linalg.cholesky(R)
    except np.linalg.LinAlgError:
        if np.linalg.eigvalsh(R)[..., 0].min() < NEGATIVE:
            raise ArgumentError(
                f"`{name}`: some of its draws are not correlations of any distribution (a negative eigenvalue): are "
                "they in the order of `model.design.terms[i].pairs`?"
            ) from None
        flat = [lower_factor(r) for r in R.reshape(-1, *R.shape[-2:])]
        return np.stack(flat).reshape(R.shape)
