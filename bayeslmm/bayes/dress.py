"""Draws of any engine with the public names, dims and coords."""

import numpy as np
import xarray as xr

from bayeslmm.bayes.names import TermNames, coords
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.design import Design


def dress(design: Design, raw: RawDraws, attributes: dict[str, str | int | float]) -> xr.DataTree:
    """Draws of any engine as a DataTree with the public names, dims and coords."""
    labels = coords(design)
    dims: dict[str, tuple[str, ...]] = {"beta": ("coef",), "sigma": ()}
    for n in map(TermNames.of, design.terms):
        dims |= {n.sd: (n.effect,), n.cor: (n.pair,), n.b: (n.group, n.effect)}
    chains, draws = raw.shape
    index = {"chain": np.arange(chains), "draw": np.arange(draws)}
    used = {d: labels[d] for name in raw.values for d in dims[name]}
    posterior = xr.Dataset(
        {name: (("chain", "draw", *dims[name]), value) for name, value in raw.values.items()}, {**index, **used}
    )
    stats = xr.Dataset({name: (("chain", "draw"), value) for name, value in raw.statistics.items()}, index)
    observed = xr.Dataset({"y": ("obs", design.y)}, {"obs": labels["obs"]})
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": stats,
            "observed_data": observed,
            "constant_data": _constant_data(design, labels),
        }
    )
    tree.attrs = attributes
    return tree


def _constant_data(design: Design, labels: dict[str, list]) -> xr.Dataset:
    data: dict[str, tuple] = {"weights": ("obs", design.weights), "offset": ("obs", design.offset)}
    dims = ["obs"]
    if design.p:
        data["X"] = (("obs", "coef"), design.X)
        dims.append("coef")
    for term in design.terms:
        n = TermNames.of(term)
        data |= {n.Z: (("obs", n.effect), term.Z), n.index: ("obs", term.index)}
        dims.append(n.effect)
    return xr.Dataset(data, {d: labels[d] for d in dims})
