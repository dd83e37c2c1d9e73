"""Priors as text and arrays, for files; and priors of which only the words are left.

A prior of the vocabulary comes back as it was. Of an object of another package the words remain: a posterior can still
say what its priors were, and to sample again they have to be given again.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.bayes.defaults import Slot
from bayeslmm.bayes.distributions import Prior
from bayeslmm.bayes.priors import Priors
from bayeslmm.design.packed import Packed
from bayeslmm.errors import ArgumentError

COLUMNS = ["parameter", "prior", "why"]
SLOT = ("kind", "why", "scale", "group", "default", "unit", "size")


@dataclass(frozen=True, slots=True, eq=False)
class PriorsInWords:
    """Priors that a file could not hold: columns parameter, prior, why."""

    table: pd.DataFrame

    def refusal(self) -> ArgumentError:
        """The error that says that nothing can be sampled with them."""
        rows = self.table.head(4).itertuples(index=False)
        listed = ", ".join(f"`{parameter}`: {prior}" for parameter, prior, _ in rows)
        more = ", ..." if len(self.table) > 4 else ""
        return ArgumentError(
            f"the file has the priors in words only ({listed}{more}): some were objects that it cannot hold. To sample "
            "again, give them to blm.load(path, priors={...})"
        )

    def __str__(self) -> str:
        return self.table.to_string(index=False)


def pack_priors(priors: Any) -> Packed:
    """Return priors as text and arrays; anything with a `table` in words."""
    words = [[str(v) for v in row] for row in priors.table[COLUMNS].itertuples(index=False)]
    slots = [_pack_slot(s) for s in priors.slots] if isinstance(priors, Priors) else [None]
    if any(s is None for s in slots):
        return Packed({"words": words}, {})
    arrays = {"levels": priors.levels.astype(np.uint8), "centre": priors.centre, "start": priors.start}
    return Packed({"words": words, "slots": slots}, arrays)


def unpack_priors(packed: Packed) -> Priors | PriorsInWords:
    """Return packed priors."""
    if "slots" not in packed.header:
        return PriorsInWords(pd.DataFrame(packed.header["words"], columns=COLUMNS))
    slots = tuple(_unpack_slot(s) for s in packed.header["slots"])
    arrays = packed.arrays
    return Priors(slots, arrays["levels"].astype(bool), arrays["centre"], arrays["start"])


def given_priors(priors: Priors) -> dict[str, Prior] | None:
    """Return the argument `priors` that would give these; None for the defaults."""
    return {s.keys[0]: s.prior for s in priors.slots if not s.default} or None


def _pack_slot(slot: Slot) -> dict[str, Any] | None:
    """Return a slot, or None for a prior that is more than a name of the vocabulary with numbers."""
    prior = slot.prior
    numbers = {f.name: getattr(prior, f.name) for f in fields(prior)}
    if type(prior) not in _vocabulary() or not all(v is None or type(v) is float for v in numbers.values()):
        return None
    about = {name: getattr(slot, name) for name in SLOT} | {"scale": float(slot.scale), "size": float(slot.size)}
    return about | {"keys": list(slot.keys), "prior": type(prior).__name__, "numbers": numbers}


def _unpack_slot(packed: dict[str, Any]) -> Slot:
    known = {c.__name__: c for c in _vocabulary()}
    if packed["prior"] not in known:
        raise ArgumentError(f"the file has a prior {packed['prior']}, unknown to this version: update bayeslmm")
    about = {name: packed[name] for name in SLOT}
    return Slot(keys=tuple(packed["keys"]), prior=known[packed["prior"]](**packed["numbers"]), **about)


def _vocabulary() -> list[type[Prior]]:
    """Return the priors of this package."""
    found = [*Prior.__subclasses__()]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("bayeslmm.")]
