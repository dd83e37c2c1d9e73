"""Draws on disk as they come: a directory with a header and one file for each block of draws of a chain.

    header.npz          the model (formula, columns, priors) and the settings of the run
    chain-2-000017.npz  the 18th block of the third chain: values, statistics, and the state to go on from

Each file is written beside its place and then renamed into it, so that a run that is killed at any moment leaves whole
files; NumPy's .npz carries a CRC-32 of every array, so that one that the file system damaged is known by it. Blocks are
files of their own, and neither HDF5 nor Zarr, because a killed process can leave a single file of HDF5 unreadable, and
Zarr would be one more package to need for what a rename does.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from bayeslmm.bayes.files import replace_file, writing
from bayeslmm.bayes.packed_priors import pack_priors
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.raw_draws import RawDraws, stacked
from bayeslmm.design import Design
from bayeslmm.design.packed import Packed, pack
from bayeslmm.errors import ArgumentError, DataError

HEADER = "header.npz"
FORMAT = 1
VALUE, STATISTIC, STATE = "value:", "statistic:", "state:"
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)

Setting = str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a store is begun with.

    Attributes
    ----------
    parts
        The model, packed: "design" and "priors".
    settings
        Of the run: `chains`, `draws`, `seed` and all else that must be the same to go on.
    attributes
        Of the tree of the posterior; they may differ when the run goes on.
    """

    parts: dict[str, Packed]
    settings: dict[str, Setting]
    attributes: dict[str, str | int | float]

    @classmethod
    def of(
        cls,
        design: Design,
        priors: Priors,
        settings: Mapping[str, Setting],
        attributes: Mapping[str, str | int | float],
        data_name: str = "",
    ) -> "Header":
        """The header of a run."""
        parts = {"design": pack(design), "priors": pack_priors(priors)}
        return cls(parts, dict(settings), {**attributes, "data_name": data_name})


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive draws of one chain.

    Attributes
    ----------
    start
        The number of the first draw.
    values, statistics
        By name, (n, ...) and (n,); n may be 0, to keep a state before the first draw.
    state
        What the sampler needs to go on after this block.
    """

    start: int
    values: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    state: dict[str, np.ndarray]

    @property
    def stop(self) -> int:
        """The number of the draw after the last."""
        return self.start + len(self.values["sigma"])


@dataclass(slots=True)
class Store:
    """A directory that takes blocks of draws: `Store.begin` a new one, `Store.open` one to go on with.

    Attributes
    ----------
    path
        The directory.
    header
        What it was begun with.
    written
        How many blocks each chain has.
    """

    path: Path
    header: Header
    written: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, path: str | PathLike[str], header: Header) -> "Store":
        """Make a store.

        Raises
        ------
        ArgumentError
            There is something at the path already, or it cannot be written.
        """
        target = Path(path)
        if (target / HEADER).exists():
            raise ArgumentError(
                f"store={str(target)!r} has draws already: resume=True goes on with them, another path begins anew"
            )
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ArgumentError(f"store={str(target)!r} is there already and no store; give a path that is free")
        with writing(target, "Nothing was sampled; give store= another path"):
            target.mkdir(parents=True, exist_ok=True)
            replace_file(target / HEADER, _header_bytes(header))
        return cls(target, header)

    @classmethod
    def open(cls, path: str | PathLike[str], expected: Header) -> "Store":
        """Open a store to go on with; a seed of None is that of the store.

        Raises
        ------
        ArgumentError
            There is none, or it was begun with another formula, other priors or other settings.
        DataError
            It was begun with other data, or it is damaged.
        """
        store = cls.at(path)
        _check_same(store, expected)
        for chain in range(store.chains):
            store.written[chain] = len(store.blocks(chain))
            store._forget_after(chain)
        for part in store.path.glob(".*.part"):
            part.unlink()
        return store

    @classmethod
    def at(cls, path: str | PathLike[str]) -> "Store":
        """The store at a path, to read.

        Raises
        ------
        ArgumentError
            There is none.
        DataError
            Its header is damaged or of a later version.
        """
        target = Path(path)
        if not (target / HEADER).is_file():
            raise ArgumentError(f"`{target}` is no store: it has no file {HEADER}")
        return cls(target, _read_header(target / HEADER))

    @property
    def chains(self) -> int:
        """How many chains the run has."""
        return int(self.header.settings["chains"] or 0)

    @property
    def settings(self) -> dict[str, Setting]:
        """The settings that the run was begun with, its seed among them."""
        return self.header.settings

    def block(
        self,
        chain: int,
        start: int,
        values: Mapping[str, np.ndarray],
        statistics: Mapping[str, np.ndarray],
        state: Mapping[str, np.ndarray],
    ) -> None:
        """Keep the draws start, start + 1, ... of a chain, and the state after them.

        Raises
        ------
        ArgumentError
            The file cannot be written; the blocks before it are safe.
        """
        number = self.written.get(chain, 0)
        path = self.path / _block_name(chain, number)
        arrays = {VALUE: values, STATISTIC: statistics, STATE: state}
        named = {prefix + name: array for prefix, part in arrays.items() for name, array in part.items()}
        with writing(path, f"The {start} draws of chain {chain} before are safe; resume=True goes on with them"):
            replace_file(path, _npz({"start": np.int64(start), **named}), sync=False)
        self.written[chain] = number + 1

    def blocks(self, chain: int) -> list[Block]:
        """The blocks of a chain that are whole and follow on each other, from the first draw on."""
        found: list[Block] = []
        done = 0
        while (path := self.path / _block_name(chain, len(found))).exists():
            block = _read_block(path)
            if block is None or block.start != done:
                break
            found.append(block)
            done = block.stop
        return found

    def _forget_after(self, chain: int) -> None:
        """Remove the blocks of a chain after the last that can be used: its next ones take their names."""
        number = self.written[chain]
        while (path := self.path / _block_name(chain, number)).exists():
            path.unlink()
            number += 1

    def raw(self) -> tuple[RawDraws | None, list[int]]:
        """The chains and draws that keep most, None where there are none; and how many draws each chain has."""
        chains = [self.blocks(chain) for chain in range(self.chains)]
        lengths = [blocks[-1].stop if blocks else 0 for blocks in chains]
        if not any(lengths):
            return None, lengths
        longest = max(lengths)
        first = next(block for blocks in chains for block in blocks)
        values = {n: stacked([[b.values[n] for b in c] for c in chains], longest) for n in first.values}
        statistics = {n: stacked([[b.statistics[n] for b in c] for c in chains], longest) for n in first.statistics}
        return RawDraws(values, statistics).kept(lengths), lengths


def _check_same(store: Store, expected: Header) -> None:
    """Refuse to go on with another run."""
    where, own = f"store={str(store.path)!r} was begun with", store.header
    was, now = own.parts["design"].header, expected.parts["design"].header
    if was["formula"] != now["formula"]:
        raise ArgumentError(f"{where} the formula {was['formula']!r}; this model has {now['formula']!r}")
    if was["data"] != now["data"] or was["structure"] != now["structure"] or _differ(own, expected, "design"):
        raise DataError(f"{where} other data, weights, offset or contrasts than this model has")
    if own.parts["priors"].header != expected.parts["priors"].header or _differ(own, expected, "priors"):
        raise ArgumentError(f"{where} other priors than this model has; print blm.load(...).priors to see them")
    for name, value in expected.settings.items():
        if name == "seed" and value is None:
            continue
        if own.settings.get(name) != value:
            raise ArgumentError(f"{where} {name}={own.settings.get(name)!r}, and this run has {name}={value!r}")


def _differ(one: Header, other: Header, part: str) -> bool:
    a, b = one.parts[part].arrays, other.parts[part].arrays
    return a.keys() != b.keys() or any(not np.allclose(a[n], b[n], rtol=1e-9, equal_nan=True) for n in a)


# -- files ---------------------------------------------------------------------------------------------------------


def _block_name(chain: int, number: int) -> str:
    return f"chain-{chain}-{number:06}.npz"


def _npz(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _header_bytes(header: Header) -> bytes:
    about = {
        "format": FORMAT,
        "version": version("bayeslmm"),
        "parts": {name: part.header for name, part in header.parts.items()},
        "settings": header.settings,
        "attributes": header.attributes,
    }
    arrays = {f"{part}:{name}": array for part, packed in header.parts.items() for name, array in packed.arrays.items()}
    return _npz({"header": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8), **arrays})


def _read_header(path: Path) -> Header:
    try:
        arrays = _read_npz(path)
        about = json.loads(arrays["header"].tobytes())
        number, by = about["format"], about["version"]
    except DAMAGED as error:
        raise DataError(f"`{path}` cannot be read: it is damaged or no header of a store ({error})") from error
    if number > FORMAT:
        raise DataError(f"`{path.parent}` was written by bayeslmm {by}, and this is {version('bayeslmm')}: update it")
    parts = {
        name: Packed(part, {k.removeprefix(f"{name}:"): a for k, a in arrays.items() if k.startswith(f"{name}:")})
        for name, part in about["parts"].items()
    }
    return Header(parts, about["settings"], about["attributes"])


def _read_block(path: Path) -> Block | None:
    """A block, or None where the file is damaged."""
    try:
        arrays = _read_npz(path)
        start = int(arrays["start"])
    except DAMAGED:
        return None
    parts = [
        {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
        for prefix in (VALUE, STATISTIC, STATE)
    ]
    return Block(start, *parts) if "sigma" in parts[0] else None


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
