"""The hierarchical model in PyMC: random effects centred or not, LKJ correlations, named dims and coords.

    y ~ N(offset + X beta + sum_g Z_g b_g[index_g], sigma^2 / weights),      b_g = (z_g L_g') sd_g,    z_g ~ N(0, 1)

or, where a factor's effects are well informed by their data (`parameterisation`), b_g ~ N(0, (sd_g L_g)(sd_g L_g)')
itself. `L_g L_g'` is the correlation matrix: `pm.LKJCorr` draws its Cholesky factor. Each sd has a prior of its own.
`beta` is on the user's scale; the coefficients that have the priors are `beta_centred`, in which the intercept is the
expected response at the mean of the predictors. All data are shared variables: what was compiled for one data set and
is on disk serves others.
"""

from collections.abc import Hashable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayeslmm.bayes.bounds import inside
from bayeslmm.bayes.codes import FOREIGN
from bayeslmm.bayes.distributions import LKJ, Flat, Prior
from bayeslmm.bayes.foreign import ForeignPrior
from bayeslmm.bayes.names import TermNames, coords
from bayeslmm.bayes.priors import Priors, Slot
from bayeslmm.bayes.vine import PartialCorrelations
from bayeslmm.design import Design, RandomTerm


def pymc_model(
    design: Design, priors: Priors, centred: frozenset[str] = frozenset(), likelihood: bool = True
) -> pm.Model:
    """Return the model of a design, with its data.

    Parameters
    ----------
    design, priors
        The arrays, and the priors of their parameters.
    centred
        Grouping factors whose effects b_g are free variables; those of the others are functions of free z_g.
    likelihood
        Whether y is in it; otherwise its mean is, as `mu`.

    Raises
    ------
    ArgumentError
        A grouping factor has a name that cannot stand in a posterior.
    """
    with pm.Model(coords=coords(design)) as model:
        eta = pt.zeros(design.n) if not design.p else pm.Data("X", design.X, dims=("obs", "coef")) @ _beta(priors)
        if design.has_offset:
            eta += pm.Data("offset", design.offset, dims="obs")
        for term in design.terms:
            eta += _contribution(term, priors, term.group in centred)
        sigma = variable("sigma", [priors.sigma], ())
        if design.has_weights:
            sigma = sigma / pt.sqrt(pm.Data("weights", design.weights, dims="obs"))
        y = pm.Data("y_observed", design.y, dims="obs")
        if likelihood:
            pm.Normal("y", mu=eta, sigma=sigma, observed=y, dims="obs")
        else:
            pm.Deterministic("mu", eta, dims="obs")
    return model


def without_starts(model: pm.Model) -> pm.Model:
    """The model itself, its variables starting where PyMC chooses: `pm.do` and `pm.observe` take no other."""
    model.rvs_to_initial_values.update(dict.fromkeys(model.free_RVs))
    return model


def _beta(priors: Priors) -> Any:
    """Beta (p,) on the user's scale."""
    if not priors.centre.any():
        return variable("beta", priors.beta, "coef", priors.start)
    centred = variable("beta_centred", priors.beta, "coef", priors.start)
    shift = pt.dot(centred, priors.centre) * priors.levels.astype(float)
    return pm.Deterministic("beta", centred - shift, dims="coef")


def _contribution(term: RandomTerm, priors: Priors, centred: bool) -> Any:
    """Z b of the rows, (n,)."""
    names = TermNames.of(term)
    b = (_centred if centred else _noncentred)(term, names, priors)
    index = pm.Data(names.index, term.index, dims="obs")
    if term.k == 1 and (term.Z == 1).all():
        return b[index, 0]
    return (pm.Data(names.Z, term.Z, dims=("obs", names.effect)) * b[index]).sum(axis=1)


def _noncentred(term: RandomTerm, names: TermNames, priors: Priors) -> Any:
    """B (J, k) of all levels, from standard normal z (J, k)."""
    sd = standard_deviations(term, names, priors)
    z = pm.Normal(f"z_{term.group}", dims=(names.group, names.effect))
    b = pt.dot(z, correlation_factor(term, names, priors).T) * sd if term.pairs else z * sd
    return pm.Deterministic(names.b, b, dims=(names.group, names.effect))


def _centred(term: RandomTerm, names: TermNames, priors: Priors) -> Any:
    """B (J, k) of all levels, itself a random variable."""
    sd, dims = standard_deviations(term, names, priors), (names.group, names.effect)
    if not term.pairs:
        return pm.Normal(names.b, 0, sd, dims=dims)
    chol = sd[:, None] * correlation_factor(term, names, priors)
    return pm.MvNormal(names.b, mu=np.zeros(term.k), chol=chol, dims=dims)


def standard_deviations(term: RandomTerm, names: TermNames, priors: Priors) -> Any:
    """The sds (k,) of a term's effects."""
    slots = priors.sd(term)
    return variable(names.sd, slots, names.effect, np.array([s.scale for s in slots]))


def correlation_factor(term: RandomTerm, names: TermNames, priors: Priors) -> Any:
    """L (k, k) of a term that estimates correlations, which are named."""
    L = _factor(term, priors.cor(term))
    rows, columns = np.array(term.pairs).T
    pm.Deterministic(names.cor, pt.dot(L, L.T)[rows, columns], dims=names.pair)
    return L


def _factor(term: RandomTerm, prior: LKJ) -> Any:
    """L (k, k), lower triangular within each block of correlated effects, and the identity elsewhere."""
    blocks = [block for block in term.blocks if len(block) > 1]
    numbers = [f"_{i}" for i in range(len(blocks))] if len(blocks) > 1 else [""]
    factors = [
        _block_factor(f"L_{term.group}{number}", len(b), prior) for number, b in zip(numbers, blocks, strict=True)
    ]
    if len(blocks[0]) == term.k:
        return factors[0]
    L = pt.as_tensor(np.eye(term.k))
    for block, factor in zip(blocks, factors, strict=True):
        place = np.eye(term.k)[:, list(block)]
        L = L + pt.dot(pt.dot(place, factor - np.eye(len(block))), place.T)
    return L


def _block_factor(name: str, k: int, prior: LKJ) -> Any:
    # without a starting value our own sampling would compile the loop that draws one, which takes a second
    return pm.LKJCorr(name, n=k, eta=prior.eta, default_transform=PartialCorrelations(k), initval=np.eye(k))


# -- priors as random variables ------------------------------------------------------------------------------------


def variable(name: str, slots: Sequence[Slot], dim: str | tuple[()], start: np.ndarray | None = None) -> Any:
    """One random variable for all slots; one for each class of prior where they differ, joined under the name."""
    priors = [s.prior for s in slots]
    positive = slots[0].kind != "beta"
    values = inside(slots, np.array([s.scale for s in slots]) if start is None else start)
    kinds = dict.fromkeys(map(_kind, priors))
    if len(kinds) == 1:
        return _random(name, priors, positive, values, dim)
    labels = pm.modelcontext(None).coords[dim]
    parts, order = [], []
    for kind, label in zip(kinds, _labels(priors), strict=True):
        chosen = [i for i, p in enumerate(priors) if _kind(p) == kind]
        part_dim = f"{dim}_{label}"
        pm.modelcontext(None).add_coord(part_dim, [labels[i] for i in chosen])
        some = [priors[i] for i in chosen]
        parts.append(_random(f"{name}_{label}", some, positive, values[chosen], part_dim))
        order += chosen
    return pm.Deterministic(name, pt.concatenate(parts)[np.argsort(order)], dims=dim)


def _kind(prior: Prior) -> Hashable:
    """What priors share that can be one random variable: their class and which bounds they have."""
    return prior if prior.code == FOREIGN else (type(prior), *np.isfinite(prior.support))


def _labels(priors: Sequence[Prior]) -> list[str]:
    """Names of the parts: the class, with a number from the second part of a class on."""
    names = [kind.__name__ for kind in (type(p) for p in {_kind(p): p for p in priors}.values())]
    return [name + (f"_{names[:i].count(name) + 1}" if name in names[:i] else "") for i, name in enumerate(names)]


def _random(name: str, priors: Sequence[Prior], positive: bool, start: np.ndarray, dim: str | tuple[()]) -> Any:
    initval = start if dim else start[0]
    first = priors[0]
    if isinstance(first, Flat):
        return (pm.HalfFlat if positive else pm.Flat)(name, dims=dim, initval=initval)
    if isinstance(first, ForeignPrior):
        size, dims = ((len(priors),), (dim,)) if dim else ((), None)
        return pm.modelcontext(None).register_rv(first.variable(size), name, dims=dims, initval=initval)
    names = [f.name for f in fields(first) if getattr(first, f.name) is not None]
    parameters = {field: _shared([getattr(p, field) for p in priors], dim) for field in names}
    return getattr(pm, type(first).__name__)(name, **parameters, dims=dim, initval=initval)


def _shared(values: list[float], dim: str | tuple[()]) -> float | np.ndarray:
    """One number where all are the same, which reads better and compiles to less."""
    return values[0] if not dim or len(set(values)) == 1 else np.array(values)
