"""Draws from the prior in NumPy, with the names and dims of the posterior; nothing is compiled."""

import numpy as np
import xarray as xr

from bayeslmm.bayes.names import TermNames, coords
from bayeslmm.bayes.priors import Priors, Slot
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError


def prior_draws(design: Design, priors: Priors, draws: int = 1000, seed: int | None = None) -> xr.Dataset:
    """Draw parameters and random effects from their prior.

    Parameters
    ----------
    design, priors
        The arrays, and the priors of their parameters.
    draws
        How many.
    seed
        Of the random numbers.

    Returns
    -------
    Dataset
        `beta`, `sigma`, and `sd_g`, `cor_g`, `b_g` for each grouping factor g, of one chain.

    Raises
    ------
    ArgumentError
        A prior is flat.
    """
    flat = next((s for s in priors.slots if not s.prior.proper), None)
    if flat is not None:
        example = "Normal(0, 10)" if flat.kind == "beta" else "HalfNormal(10)"
        raise ArgumentError(
            f"the prior of `{flat.keys[0]}` is flat, and a flat prior has no draws; give it a proper one, "
            f'for example priors={{"{flat.keys[0]}": blm.{example}}}'
        )
    rng = np.random.default_rng(seed)
    labels = coords(design)
    values: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if design.p:
        values["beta"] = ("coef",), priors.to_user(_columns(rng, priors.beta, draws))
    for term in design.terms:
        values |= _term(rng, term, priors, draws)
    values["sigma"] = (), priors.sigma.prior.draw(rng, draws)
    index = {"chain": [0], "draw": np.arange(draws)}
    used = {d: labels[d] for dims, _ in values.values() for d in dims}
    return xr.Dataset(
        {name: (("chain", "draw", *dims), value[None]) for name, (dims, value) in values.items()}, {**index, **used}
    )


def _term(
    rng: np.random.Generator, term: RandomTerm, priors: Priors, draws: int
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Sds (draws, k), correlations (draws, pairs) and effects (draws, J, k)."""
    n = TermNames.of(term)
    sd = _columns(rng, priors.sd(term), draws)
    L = np.broadcast_to(np.eye(term.k), (draws, term.k, term.k)).copy()
    for block in term.blocks:
        if len(block) > 1:
            place = np.ix_(range(draws), block, block)
            L[place] = priors.cor(term).draw_factor(rng, len(block), draws)
    b = np.einsum("sab,sjb->sja", L, rng.normal(size=(draws, term.n_levels, term.k))) * sd[:, None, :]
    out: dict[str, tuple[tuple[str, ...], np.ndarray]] = {n.sd: ((n.effect,), sd), n.b: ((n.group, n.effect), b)}
    if term.pairs:
        rows, columns = np.array(term.pairs).T
        out[n.cor] = (n.pair,), (L @ L.transpose(0, 2, 1))[:, rows, columns]
    return out


def _columns(rng: np.random.Generator, slots: tuple[Slot, ...], draws: int) -> np.ndarray:
    """One column of draws for each slot."""
    return np.stack([s.prior.draw(rng, draws) for s in slots], axis=1)
