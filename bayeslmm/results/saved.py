"""A posterior or a fit in a file: netCDF or Zarr, readable by ArviZ, with all that makes the model again.

The groups of `post.data` stand as they are; the group `bayeslmm` holds the formula, the columns that it uses, the
priors and a header in JSON. Nothing is pickled. A file is written beside the old one and takes its place when it is
whole. HDF5 is made in memory first: its library crashes on a full disk.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from bayeslmm.bayes.files import PathLike, part_of, replace_file, writing
from bayeslmm.design.packed import Packed
from bayeslmm.errors import ArgumentError, DataError, NotAvailableError

GROUP = "bayeslmm"
FORMAT = 1
NETCDF, ZARR = ".nc", ".zarr"
PARTS = ("design", "priors")


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a file holds.

    Attributes
    ----------
    kind
        Of what.
    about
        What JSON can hold.
    parts
        What was packed, by name: "design", "priors".
    data
        The tree of a posterior.
    """

    kind: Literal["posterior", "fit"]
    about: dict[str, Any]
    parts: dict[str, Packed]
    data: xr.DataTree | None = None


def write(path: PathLike, saved: Saved) -> None:
    """Write a file; an older one stays as it is until the new one is whole.

    Raises
    ------
    ArgumentError
        The path ends neither in .nc nor in .zarr, or it cannot be written: the disk is full, say.
    NotAvailableError
        Zarr is not installed.
    """
    target = _checked(path)
    kept = {} if saved.data is None else {name: node.to_dataset() for name, node in saved.data.children.items()}
    tree = xr.DataTree.from_dict({**kept, GROUP: _dataset(saved)})
    tree.attrs = {name: v for name, v in _attributes(saved).items() if type(v) in (str, int, float)}
    old = "; the file that was there is untouched" if target.exists() else ""
    with writing(target, f"Nothing is lost: the {saved.kind} is still in memory{old}; save it elsewhere"):
        if target.suffix == ZARR:
            _write_zarr(target, tree)
        else:
            with tree.to_netcdf(None, engine="h5netcdf") as content:
                replace_file(target, content)


def read(path: PathLike) -> Saved:
    """Read a file that `write` wrote.

    Raises
    ------
    ArgumentError
        There is no such file.
    DataError
        It is damaged, of another program, or of a later version.
    """
    target = _checked(path)
    if not target.exists():
        raise ArgumentError(f"there is no file `{target}`")
    with _reading(target):
        engine: Any = "zarr" if target.suffix == ZARR else "h5netcdf"
        with xr.open_datatree(target, engine=engine) as opened:
            tree = opened.load()
    if GROUP not in tree.children:
        held = ", ".join(tree.children) or "nothing"
        raise DataError(
            f"`{target}` was not written by save(): it holds {held} and no model. arviz.from_netcdf reads draws alone, "
            "and for tables and predictions save the posterior itself"
        )
    with _reading(target):
        header = json.loads(str(tree[GROUP]["header"].item()))
        number, by = header["format"], header["version"]
    if number > FORMAT:
        raise DataError(
            f"`{target}` was written by bayeslmm {by} in format {number}; this version ({version('bayeslmm')}) reads "
            f"formats up to {FORMAT}: update bayeslmm"
        )
    with _reading(target):
        arrays = {str(name): values.to_numpy() for name, values in tree[GROUP].data_vars.items()}
        parts = {name: Packed(header["parts"][name], _within(arrays, name)) for name in PARTS}
        data = _without_model(tree, header["attributes"]) if header["kind"] == "posterior" else None
        return Saved(header["kind"], header["about"], parts, data)


# -- the group of the model ----------------------------------------------------------------------------------------


def _dataset(saved: Saved) -> xr.Dataset:
    header = {
        "format": FORMAT,
        "version": version("bayeslmm"),
        "kind": saved.kind,
        "about": saved.about,
        "attributes": _attributes(saved),
        "parts": {name: part.header for name, part in saved.parts.items()},
    }
    variables: dict[str, Any] = {"header": ((), json.dumps(header))}
    for part, packed in saved.parts.items():
        for name, array in packed.arrays.items():
            full = f"{part}_{name}"
            variables[full] = (tuple(f"{full}_{axis}" for axis in range(array.ndim)), np.ascontiguousarray(array))
    return xr.Dataset(variables)


def _within(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{part}_"): a for name, a in arrays.items() if name.startswith(f"{part}_")}


def _without_model(tree: xr.DataTree, attributes: dict[str, Any]) -> xr.DataTree:
    found = xr.DataTree.from_dict({name: node.to_dataset() for name, node in tree.children.items() if name != GROUP})
    found.attrs = attributes
    return found


def _attributes(saved: Saved) -> dict[str, Any]:
    """Attributes of the tree as JSON has them, which keeps True and None too."""
    given = {} if saved.data is None else saved.data.attrs
    return {str(k): v.tolist() if isinstance(v, np.generic | np.ndarray) else v for k, v in given.items()}


# -- files ---------------------------------------------------------------------------------------------------------


def _checked(path: PathLike) -> Path:
    target = Path(path)
    if target.suffix not in (NETCDF, ZARR):
        raise ArgumentError(f"`{target}`: the name of the file ends in {NETCDF} (netCDF) or in {ZARR} (Zarr)")
    if target.suffix == ZARR and find_spec("zarr") is None:
        raise NotAvailableError(f"`{target}`: Zarr is not installed; a name that ends in {NETCDF} needs nothing more")
    return target


def _write_zarr(target: Path, tree: xr.DataTree) -> None:
    """Write a directory beside the old one and exchange them; format 2, since 3 has no text of any length."""
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    beside, aside = part_of(target), part_of(target)
    try:
        tree.to_zarr(beside, zarr_format=2)
        if target.exists():
            os.replace(target, aside)
        os.replace(beside, target)
    finally:
        for left in (beside, aside):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _reading(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise DataError(
            f"`{target}` cannot be read: it is damaged, or of another kind than its name says ({error})"
        ) from error
