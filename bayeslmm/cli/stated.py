"""The parameters that data are simulated from: as given, and for the rest as a pilot study estimates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayeslmm.cli.given import number, pairs
from bayeslmm.errors import ArgumentError
from bayeslmm.results.fit import Fit


@dataclass(frozen=True, slots=True)
class Stated:
    """`fixef`, `sd`, `cor`, `sigma` as `blm.simulate` takes them."""

    fixef: Any
    sd: Any
    cor: Any
    sigma: float


def stated(
    fixef: Sequence[str], sd: Sequence[str], cor: Sequence[str], sigma: float | None, pilot: Fit | None
) -> Stated:
    """Read the options; what they leave out comes from the pilot's fit, where there is one.

    Raises
    ------
    ArgumentError
        They cannot be read.
    """
    own = _flat("--fixef", fixef, "x=0.5")
    sds, cors = _by_group("--sd", sd, "subject=1.5"), _by_group("--cor", cor, "subject=0.3")
    if pilot is None:
        return Stated(own, sds, cors, 1.0 if sigma is None else sigma)
    if not isinstance(own, list):
        own = {**pilot.fixef.to_dict(), **{_long(name, pilot): value for name, value in own.items()}}
    return Stated(own, _over(sds, _sds(pilot)), _over(cors, _cors(pilot)), pilot.sigma if sigma is None else sigma)


def _flat(option: str, given: Sequence[str], example: str) -> Any:
    """Numbers by name; or numbers alone, in the order of the coefficients."""
    if len(given) == 1 and "=" not in given[0]:
        return _numbers(option, given[0])
    return {name: _one(option, name, text) for name, text in pairs(option, given, example).items()}


def _by_group(option: str, given: Sequence[str], example: str) -> Any:
    """`subject=25,6`, `subject[x]=6`; or numbers alone, where there is one grouping factor."""
    if len(given) == 1 and "=" not in given[0]:
        found = _numbers(option, given[0])
        return found[0] if len(found) == 1 else found
    groups: dict[str, Any] = {}
    for name, text in pairs(option, given, example).items():
        group, bracket, effect = name.partition("[")
        if not bracket:
            found = _numbers(option, text)
            value: Any = found[0] if len(found) == 1 else found
        else:
            before = groups.get(group, {})
            value = {**before, effect.rstrip("]"): _one(option, name, text)} if isinstance(before, dict) else None
        if value is None or (group in groups and not bracket):
            raise ArgumentError(f"{option} {group}: either all of its numbers at once, or {group}[effect] one by one")
        groups[group] = value
    return groups


def _numbers(option: str, text: str) -> list[float]:
    found = [number(part.strip()) for part in text.split(",")]
    if any(n is None for n in found):
        raise ArgumentError(f"{option} {text}: numbers, with commas between them")
    return [float(n) for n in found if n is not None]


def _one(option: str, name: str, text: str) -> float:
    found = number(text)
    if found is None:
        raise ArgumentError(f"{option} {name}={text}: `{text}` is not a number")
    return float(found)


def _long(name: str, pilot: Fit) -> str:
    return "(Intercept)" if name == "Intercept" and name not in pilot.fixef.index else name


def _sds(pilot: Fit) -> dict[str, dict[str, float]]:
    rows = pilot.varcorr[pilot.varcorr["term1"].notna() & pilot.varcorr["term2"].isna()]
    return {str(g): dict(zip(own["term1"], own["sd"], strict=True)) for g, own in rows.groupby("group", sort=False)}


def _cors(pilot: Fit) -> dict[str, dict[str, float]]:
    rows = pilot.varcorr[pilot.varcorr["term2"].notna()]
    pairs_of = {str(g): own for g, own in rows.groupby("group", sort=False)}
    return {g: {_pair(row): float(row["corr"]) for row in own.to_dict("records")} for g, own in pairs_of.items()}


def _pair(row: Mapping[Any, Any]) -> str:
    return ", ".join("Intercept" if pd.isna(t) or t == "(Intercept)" else str(t) for t in (row["term1"], row["term2"]))


def _over(given: Any, pilot: dict[str, dict[str, float]]) -> Any:
    """What was given, before what the pilot says."""
    if not isinstance(given, dict):
        return given
    merged: dict[str, Any] = dict(pilot)
    for group, own in given.items():
        key = next((g for g in pilot if sorted(g.split(":")) == sorted(group.split(":"))), group)
        before = pilot.get(key, {})
        merged[key] = {**before, **_named(own, before)} if isinstance(own, dict) else own
    return merged


def _named(own: dict[str, float], pilot: dict[str, float]) -> dict[str, float]:
    """Effects by the names that the pilot's have."""
    return {"(Intercept)" if e == "Intercept" and "(Intercept)" in pilot else e: v for e, v in own.items()}
