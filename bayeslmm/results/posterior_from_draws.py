"""Draws that somebody else made, as a posterior: checked, named, and completed by exact draws of (beta, b).

Needed are `sigma` (chain, draw) and for each grouping factor `sd_g` (chain, draw, k) and, where correlations are
estimated, `cor_g` (chain, draw, pairs); `beta_centred` (chain, draw, coefficients) where some are not integrated out.
Dimensions may have any names: they are told by their sizes and take the posterior's. Dimensions that have the
posterior's names are put in its order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayeslmm.bayes.complete import complete
from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.names import TermNames, coords
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, check_choice, did_you_mean

SAMPLE = ("chain", "draw")
LIKELIHOODS = ("gaussian", "other")
Dims = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in somebody's draws.

    Attributes
    ----------
    values
        What exact draws start from: `sd_g`, `cor_g`, `sigma`, `beta_centred`, (chain, draw, ...).
    posterior
        The whole dataset, with the posterior's names of dimensions and labels.
    is_complete
        Whether `beta` and all `b_g` are there already.
    """

    values: dict[str, np.ndarray]
    posterior: xr.Dataset
    is_complete: bool


def from_draws(
    design: Design, priors: Priors, idata: Any, seed: int | None = None, likelihood: str = "gaussian"
) -> xr.DataTree:
    """The tree of a posterior from somebody's draws; all that is in them is kept.

    Parameters
    ----------
    design, priors
        The arrays and the priors of the model.
    idata
        A DataTree with a group `posterior`, or a Dataset.
    seed
        Of the exact draws; None takes a fresh one, which `attrs["seed"]` tells.
    likelihood
        "gaussian" or "other": of y given the effects.

    Raises
    ------
    ArgumentError
        The draws are not of this model.
    """
    check_choice("likelihood", likelihood, LIKELIHOODS)
    theirs, attributes = groups_of(idata)
    integrated = Integrated.of(design, priors)
    names = [str(c) for c, s in zip(design.coef_names, integrated.sampled, strict=True) if s]
    found = find(design, names, theirs["posterior"])
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else checked_seed(seed)
    posterior = found.posterior
    if likelihood == "other" and not found.is_complete:
        raise ArgumentError(
            'from_draws(likelihood="other"): `beta` and the random effects must be in the draws; they are drawn here '
            "for normal errors alone"
        )
    if not found.is_complete:
        posterior = with_effects(design, found, complete(design, integrated, found.values, seed))
    ours = dress(design, RawDraws({"sigma": found.values["sigma"]}, {}), {})
    data = {g: merged(g, ours[g].to_dataset(), theirs.get(g)) for g in ("observed_data", "constant_data")}
    tree = xr.DataTree.from_dict({**theirs, **data, "posterior": posterior})
    tree.attrs = attributes | {
        "formula": design.formula.text,
        "priors": str(priors),
        "engine": "given draws",
        "likelihood": likelihood,
        "effects": "given too" if found.is_complete else "drawn exactly, given these",
        "seed": seed,
        "bayeslmm_version": version("bayeslmm"),
    }
    return tree


def checked_seed(seed: Any) -> int:
    """The seed, if it is one."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise ArgumentError(f"seed={seed!r} must be a whole number from 0 to 2**63 - 1, or None")
    return int(seed)


def groups_of(idata: Any) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """The groups of a DataTree or of a Dataset, which is a posterior, and its attributes.

    Raises
    ------
    ArgumentError
        It is neither, or has no posterior.
    """
    if isinstance(idata, xr.Dataset):
        return {"posterior": idata}, {}
    if not isinstance(idata, xr.DataTree):
        raise ArgumentError(
            f"from_draws: the draws are a {type(idata).__name__}; what is needed is what pm.sample and nutpie.sample "
            "return, an xarray DataTree, or a Dataset with dims chain and draw"
        )
    if "posterior" not in idata.children:
        raise ArgumentError(
            f"from_draws: the draws have no group `posterior`; there is {', '.join(idata.children) or 'nothing'}"
        )
    attributes = {str(k): v for k, v in idata.attrs.items()}
    return {name: node.to_dataset() for name, node in idata.children.items()}, attributes


def find(design: Design, sampled: Sequence[str], posterior: xr.Dataset) -> Found:
    """Check names and shapes.

    Parameters
    ----------
    design
        The arrays of the model.
    sampled
        Names of the coefficients that are not integrated out.
    posterior
        Somebody's draws.

    Raises
    ------
    ArgumentError
        A variable is missing, or has another shape or numbers that cannot be.
    """
    for dim in SAMPLE:
        if dim not in posterior.dims:
            raise ArgumentError(f"from_draws: the posterior has no dimension `{dim}`; there is {_listed(posterior)}")
    labels = coords(design) | {"coef_sampled": list(sampled)}
    needed, added = _dims(design, bool(sampled))
    present = [name for name in added if name in posterior]
    if present and len(present) < len(added):
        absent = next(name for name in added if name not in posterior)
        every = ", ".join(f"`{n}`" for n in added)
        raise ArgumentError(
            f"from_draws: the posterior has `{present[0]}` but not `{absent}`: with all of {every} they are kept, with "
            f"none they are drawn; rename or drop `{present[0]}`"
        )
    if present:
        needed = {name: dims for name, dims in needed.items() if name != "beta_centred"} | added
    out = posterior
    for name, dims in needed.items():
        out = _placed(out, name, dims, labels)
    values = {name: np.asarray(out[name].to_numpy(), dtype=float) for name in needed if name not in added}
    _check_numbers(values)
    return Found(values, out, bool(present))


def with_effects(design: Design, found: Found, effects: Mapping[str, np.ndarray]) -> xr.Dataset:
    """The posterior with the exact draws in it."""
    _, added = _dims(design, False)
    labels, out = coords(design), found.posterior
    for name, value in effects.items():
        _check_free(out, added[name], labels)
        out = out.assign({name: ((*SAMPLE, *added[name]), value)})
        out = out.assign_coords({dim: labels[dim] for dim in added[name]})
    return out


def merged(group: str, ours: xr.Dataset, theirs: xr.Dataset | None) -> xr.Dataset:
    """Our data of the model, with what else the user has in this group."""
    if theirs is None:
        return ours
    others = theirs.drop_vars([v for v in theirs.data_vars if v in ours])
    try:
        return xr.merge([ours, others], join="exact", compat="override")
    except ValueError as error:
        raise ArgumentError(
            f"from_draws: the group `{group}` uses a dimension of this model for other data: rename it ({error})"
        ) from error


def _dims(design: Design, sampled: bool) -> tuple[dict[str, Dims], dict[str, Dims]]:
    """Dims of what is needed and of what is added, by name."""
    needed: dict[str, Dims] = {"sigma": ()}
    added: dict[str, Dims] = {"beta": ("coef",)} if design.p else {}
    for term in design.terms:
        n = TermNames.of(term)
        needed[n.sd] = (n.effect,)
        if term.pairs:
            needed[n.cor] = (n.pair,)
        added[n.b] = (n.group, n.effect)
    if sampled:
        needed["beta_centred"] = ("coef_sampled",)
    return needed, added


def _placed(posterior: xr.Dataset, name: str, dims: Dims, labels: Mapping[str, list]) -> xr.Dataset:
    """The dataset with this variable in the posterior's dims, order and labels."""
    if name not in posterior:
        raise ArgumentError(f"from_draws: the posterior has no `{name}`{did_you_mean(name, map(str, posterior))}")
    value = posterior[name]
    own = [d for d in value.dims if d not in SAMPLE]
    sizes, wanted = tuple(value.sizes[d] for d in own), tuple(len(labels[d]) for d in dims)
    if set(SAMPLE) - set(value.dims) or (sizes != wanted and not (sizes == () and set(wanted) == {1})):
        ask = ", ".join([*SAMPLE, *(f"{d} {n}" for n, d in zip(wanted, dims, strict=True))])
        have = ", ".join(str(d) if d in SAMPLE else f"{d} {n}" for d, n in value.sizes.items())
        raise ArgumentError(f"from_draws: `{name}` must be ({ask}), and is ({have})")
    array = value.transpose(*SAMPLE, *own).to_numpy().reshape(*(posterior.sizes[d] for d in SAMPLE), *wanted)
    for axis, (one, dim) in enumerate(zip(own, dims, strict=False), 2):
        if one == dim and dim in value.coords:
            array = np.take(array, _order(name, list(value[dim].to_numpy()), labels[dim]), axis=axis)
    out = posterior.drop_vars(name)
    _check_free(out, dims, labels)
    return out.assign({name: ((*SAMPLE, *dims), array)}).assign_coords({d: labels[d] for d in dims})


def _order(name: str, have: list, wanted: list) -> list[int]:
    where = {str(label): i for i, label in enumerate(have)}
    absent = [label for label in wanted if str(label) not in where]
    if absent:
        raise ArgumentError(f"from_draws: `{name}` has no `{absent[0]}`: it belongs to another model")
    return [where[str(label)] for label in wanted]


def _check_free(posterior: xr.Dataset, dims: Dims, labels: Mapping[str, list]) -> None:
    """The other variables must not use the posterior's dims for something else."""
    for dim in dims:
        if dim in posterior.dims and posterior.sizes[dim] != len(labels[dim]):
            user = next(str(n) for n, v in posterior.variables.items() if dim in v.dims)
            raise ArgumentError(
                f"from_draws: `{user}` has a dimension `{dim}` of length {posterior.sizes[dim]}, and this model needs "
                f"that name for {len(labels[dim])} labels: rename it"
            )


def _check_numbers(values: Mapping[str, np.ndarray]) -> None:
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ArgumentError(f"from_draws: `{name}` has draws that are not finite")
        if name.startswith("sd_") and (value < 0).any():
            raise ArgumentError(f"from_draws: `{name}` has negative draws, which an sd cannot have")
        if name.startswith("cor_") and (np.abs(value) > 1).any():
            raise ArgumentError(f"from_draws: `{name}` has draws outside of -1 to 1, which a correlation cannot have")
    if (values["sigma"] <= 0).any():
        raise ArgumentError("from_draws: `sigma` has draws that are not positive, which a residual sd cannot have")


def _listed(posterior: xr.Dataset) -> str:
    return ", ".join(f"`{d}`" for d in posterior.dims) or "none"
