"""How to make a result again: code, versions, and what the data were."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.rebuild import data_hash, given_contrasts
from bayeslmm.results.report.blocks import Block, Code, Paragraph, Table

SHARED = ("bayeslmm", "numpy", "scipy", "pandas", "numba", "matplotlib")


def provenance(design: Design, code: str, packages: Sequence[str] = ()) -> tuple[Block, ...]:
    """The blocks of the last section of a report."""
    return (Code(code), Paragraph(_about_data(design)), Table(_versions(packages), "Versions"))


def model_arguments(design: Design) -> dict[str, str]:
    """The arguments that made a design, as code; those left at their defaults are not among them."""
    given = {"weights": design.weights_name, "offset": design.offset_name}
    made = {name: name if value == "an array" else repr(value) for name, value in given.items() if value}
    codings = {name: c for name, c in _contrasts(design).items() if c != "treatment"}
    if codings:
        inside = ", ".join(f"{n!r}: {c!r}" if isinstance(c, str) else f"{n!r}: matrix" for n, c in codings.items())
        made["contrasts"] = f"{{{inside}}}"
    if design.recipe.functions:
        made["functions"] = "{" + ", ".join(f"{name!r}: {name}" for name in sorted(design.recipe.functions)) + "}"
    return made


def call(name: str, design: Design, options: Mapping[str, str]) -> str:
    """A call of a verb with a formula and data, one argument a line."""
    arguments = {**model_arguments(design), **options}
    lines = [f"    {design.formula.text!r},", "    data,", *(f"    {k}={v}," for k, v in arguments.items())]
    return "\n".join([f"{name}(", *lines, ")"])


def _contrasts(design: Design) -> Mapping[str, Any]:
    return given_contrasts(design) if design.source is not None else {}


def _about_data(design: Design) -> str:
    rows = f"{design.n} rows were used" + (f", {design.n_missing} left out" if design.n_missing else "")
    if design.source is None:
        return f"Data: {rows}; the design was put together by hand, so there is no hash."
    names = ", ".join(sorted(design.source.read))
    return f"Data: {rows}. Hash of the columns {names}: {data_hash(design.source)} (BLAKE2b, 128 bits)."


def _versions(packages: Sequence[str]) -> pd.Series:
    found = {"python": platform.python_version(), **{name: version(name) for name in (*SHARED, *packages)}}
    found["platform"] = f"{platform.system()} {platform.machine()}"
    return pd.Series(found, name="version").rename_axis("package")
