"""A design as text and arrays, for files: what it was built of, and the fingerprint that a later build must have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.design import Design
from bayeslmm.design.rebuild import Fingerprint, data_hash, fingerprint, given_contrasts, rebuild
from bayeslmm.design.source import Source
from bayeslmm.design.values import Factor, Logical, Numeric, Value
from bayeslmm.errors import ArgumentError, DataError

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """What JSON can hold, and arrays by name."""

    header: Json
    arrays: dict[str, np.ndarray]


def pack(design: Design) -> Packed:
    """Return a design as text and arrays.

    Raises
    ------
    ArgumentError
        The design was put together by hand, so that nobody knows of what.
    """
    source = design.source
    if source is None:
        raise ArgumentError("this design was put together by hand; only one that was built from data can be stored")
    mark = fingerprint(design)
    arrays = {"y": design.y, "moments": mark.moments}
    columns = []
    for i, (name, value) in enumerate(source.read.items()):
        about, parts = _pack_column(value)
        columns.append({"name": name, **about})
        arrays |= {f"column_{i}{suffix}": part for suffix, part in parts.items()}
    arguments = {"weights": source.weights, "offset": source.offset}
    arrays |= {name: given for name, given in arguments.items() if isinstance(given, np.ndarray)}
    contrasts, matrices = _pack_contrasts(given_contrasts(design))
    header = {
        "formula": design.formula.text,
        "n": source.n,
        "columns": columns,
        "whole": sorted(source.whole),
        "contrasts": contrasts,
        "functions": sorted(design.recipe.functions),
        "structure": mark.structure,
        "data": data_hash(source),
        **{name: True if isinstance(given, np.ndarray) else given for name, given in arguments.items()},
    }
    return Packed(header, arrays | matrices)


def unpack(packed: Packed, functions: Mapping[str, Callable[..., Any]] | None = None) -> Design:
    """Build a packed design again.

    Parameters
    ----------
    packed
        What `pack` gave.
    functions
        The user's functions, which no file can hold.

    Raises
    ------
    ArgumentError
        A function that the formula calls was not given.
    DataError
        The design comes out otherwise than it was.
    """
    header, arrays = packed.header, packed.arrays
    missing = sorted(set(header["functions"]) - set(functions or {}))
    if missing:
        raise ArgumentError(
            f"the formula {header['formula']!r} was given a function `{missing[0]}`, which a file cannot hold: load it "
            f'with functions={{"{missing[0]}": {missing[0]}}}'
        )
    read = {c["name"]: _unpack_column(c, i, arrays) for i, c in enumerate(header["columns"])}
    given = {name: arrays[name] if header[name] is True else header[name] for name in ("weights", "offset")}
    source = Source(read, header["n"], frozenset(header["whole"]), given["weights"], given["offset"])
    used = {name: functions[name] for name in header["functions"]} if functions else None
    design = rebuild(header["formula"], source, _unpack_contrasts(header["contrasts"], arrays), used)
    if not fingerprint(design).fits(Fingerprint(header["structure"], arrays["moments"])):
        cause = "the functions given are not those of then" if missing or used else "another version wrote it"
        raise DataError(f"the columns of {header['formula']!r} come out otherwise than they were: {cause}")
    return design if np.array_equal(design.y, arrays["y"]) else replace(design, y=arrays["y"])


def _pack_column(value: Value) -> tuple[Json, dict[str, np.ndarray]]:
    match value:
        case Factor(codes, levels, ordered, kind):
            return {"kind": "factor", "levels": list(levels), "ordered": ordered, "from": kind}, {"": codes}
        case Logical(values):
            return {"kind": "logical"}, {"": values}
        case Numeric(values, _, None):
            return {"kind": "number"}, {"": values}
        case Numeric(values, _, np.ndarray() as integers):
            return {"kind": "number", "exact": True}, {"": values, "_exact": integers}
    raise TypeError(f"a column of type {type(value).__name__}")


def _unpack_column(about: Json, i: int, arrays: Mapping[str, np.ndarray]) -> Value:
    values = arrays[f"column_{i}"]
    if about["kind"] == "factor":
        return Factor(values, tuple(about["levels"]), about["ordered"], about["from"])
    if about["kind"] == "logical":
        return Logical(values)
    return Numeric(values, integers=arrays[f"column_{i}_exact"] if "exact" in about else None)


def _pack_contrasts(given: Mapping[str, str | pd.DataFrame]) -> tuple[list[Json], dict[str, np.ndarray]]:
    packed: list[Json] = []
    matrices = {}
    for i, (name, value) in enumerate(given.items()):
        if isinstance(value, str):
            packed.append({"name": name, "coding": value})
        else:
            packed.append({"name": name, "levels": list(value.index), "suffixes": list(value.columns)})
            matrices[f"contrast_{i}"] = value.to_numpy()
    return packed, matrices


def _unpack_contrasts(packed: list[Json], arrays: Mapping[str, np.ndarray]) -> dict[str, str | pd.DataFrame]:
    return {
        c["name"]: c["coding"] if "coding" in c else pd.DataFrame(arrays[f"contrast_{i}"], c["levels"], c["suffixes"])
        for i, c in enumerate(packed)
    }
