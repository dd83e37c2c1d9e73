"""The draws of the parameters that have the priors, and the log densities of these priors there.

beta_centred    coefficients with the intercept at the mean of the predictors: beta_0 + mean(x)' beta
sd, sigma       as they are
R               a block of correlated effects: its correlation matrix
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayeslmm.bayes.defaults import Slot
from bayeslmm.bayes.distributions import LKJ, Prior
from bayeslmm.bayes.priors import Priors
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior_draws import Draws


@dataclass(frozen=True, slots=True)
class PriorParameter:
    """One slot of the priors and the draws of what it is a prior of.

    Attributes
    ----------
    slot
        The prior, and the names of its parameter.
    draws
        (S,) numbers; for correlations (S, k, k) matrices of each block of correlated effects.
    """

    slot: Slot
    draws: tuple[np.ndarray, ...]

    def log_prior(self, prior: Prior | None = None) -> np.ndarray:
        """(S,): log density of its prior, or of another one, at the draws."""
        used = self.slot.prior if prior is None else prior
        return np.sum([used.logp(x) for x in self.draws], axis=0)


def centred(beta: np.ndarray, priors: Priors) -> np.ndarray:
    """Coefficients (S, p) that have the priors, from those on the user's scale: the inverse of `Priors.to_user`."""
    return beta + (beta @ priors.centre)[:, None] * priors.levels


def prior_parameters(draws: Draws, priors: Priors) -> Iterator[PriorParameter]:
    """Yield every parameter in the order of the slots."""
    for slot, x in zip(priors.beta, centred(draws.beta, priors).T, strict=True):
        yield PriorParameter(slot, (x,))
    for term in draws.design.terms:
        for slot, x in zip(priors.sd(term), draws.sd(term).T, strict=True):
            yield PriorParameter(slot, (x,))
        if term.pairs:
            R = draws.corr(term)
            blocks = [np.array(b) for b in term.blocks if len(b) > 1]
            slot = next(s for s in priors.slots if s.kind == "cor" and s.group == term.group)
            yield PriorParameter(slot, tuple(R[:, b[:, None], b] for b in blocks))
    yield PriorParameter(priors.sigma, (draws.sigma,))


def log_priors(draws: Draws, priors: Priors) -> dict[str, np.ndarray]:
    """Log prior densities (S,), summed by class: the intercept, the other coefficients, sds and correlations by group.

    Densities of the parameters as they are (sds, not their logarithms).
    """
    out: dict[str, np.ndarray] = {}
    for parameter in prior_parameters(draws, priors):
        name = _class(parameter.slot)
        out[name] = out.get(name, 0.0) + parameter.log_prior()
    return out


def _class(slot: Slot) -> str:
    if slot.kind == "beta":
        return "Intercept" if "(Intercept)" in slot.keys else "beta"
    return slot.kind if slot.kind == "sigma" else f"{slot.kind}_{slot.group}"


def log_prior_dataset(draws: Draws, priors: Priors) -> xr.Dataset:
    """`log_priors` (chain, draw) as the group `log_prior` that ArviZ's power-scaling wants."""
    index = {name: draws.posterior[name] for name in ("chain", "draw")}
    values = {k: (("chain", "draw"), v.reshape(draws.shape)) for k, v in log_priors(draws, priors).items()}
    return xr.Dataset(values, index)


def own_priors(priors: object, verb: str) -> Priors:
    """The priors of a posterior, if it knows them; ArgumentError otherwise."""
    if not isinstance(priors, Priors):
        raise ArgumentError(f"{verb}: this posterior has only the table of its priors: sample the model again")
    return priors


def marginal_correlation(prior: LKJ, k: int, r: np.ndarray) -> np.ndarray:
    """Density at r (m,) of one correlation of a matrix (k, k) with an LKJ prior: a beta on (-1, 1).

    Both its parameters are eta - 1 + k / 2 (Lewandowski, Kurowicka & Joe 2009, section 2.4).
    """
    a = prior.eta - 1 + k / 2
    two = np.array([[0.0, 1.0], [1.0, 0.0]]) * r[:, None, None] + np.eye(2)
    with np.errstate(divide="ignore"):
        return np.exp(LKJ(a).logp(two))
