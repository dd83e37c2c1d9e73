"""What readers see of the tables of a reanalysis: the columns that say something, for a page and for a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.compare.triage.alternatives import why_not
from bayeslmm.compare.triage.ratio import reference
from bayeslmm.results import rformat

if TYPE_CHECKING:
    from bayeslmm.compare.triage.reanalysis import Reanalysis

VARIANCES = ("estimate", "lower", "upper", "levels", "informative")
POSTERIOR = ("reml", "median", "sd", "lower", "upper", "below", "near", "overlap")
EFFECTS = ("analysis", "estimate", "se", "df", "p", "lower", "upper", "conclusion")
WORDS = {"differing": "not so by", "discounted": "nor by, not counted", "resized": "another size by"}


def variances(found: "Reanalysis") -> pd.DataFrame:
    """Sds and correlations; their names say group and effects."""
    return found.singular.parameters[list(VARIANCES)]


def parameters(found: "Reanalysis") -> pd.DataFrame:
    """Every parameter: estimate and posterior."""
    table = found.posterior.table[list(POSTERIOR)]
    return table.rename(columns={"reml": "REML" if found.fit.reml else "ML"})


def effects(found: "Reanalysis", name: str) -> pd.DataFrame:
    """One effect under all analyses; a conclusion that does not count is in brackets."""
    table = found.effects[found.effects["effect"] == name]
    counts = [not why_not(found.alternatives, str(a)) for a in table["analysis"]]
    said = [c if counting else f"({c})" for c, counting in zip(table["conclusion"], counts, strict=True)]
    return table.assign(conclusion=said)[list(EFFECTS)].set_index("analysis").rename_axis(None)


def conclusions(found: "Reanalysis") -> pd.DataFrame:
    """The conclusion about each effect, and by which analyses it is another, in a column where there is one."""
    table = found.verdict.conclusions
    kept = [c for c in WORDS if (table[c] != "").any()]
    return table[["conclusion", "posterior", *kept]].rename(columns={"conclusion": "as fitted", **WORDS})


def alternatives(found: "Reanalysis") -> pd.DataFrame:
    """Other ways to fit: `p` is the one that decides, `of` its distribution, `state` what speaks against a row."""
    table = found.alternatives.table
    rows = table.to_dict("records")
    shown = table[["npar", "criterion", "AIC", "LRT"]]
    return shown.assign(p=deciding(table), of=[_of(r) for r in rows], state=[state(r) for r in rows])


def deciding(table: pd.DataFrame) -> pd.Series:
    """The p-value of each row of `Alternatives.table` that decides."""
    return table["p_boundary"].where(table["p_boundary"].notna(), table["p"])


def too_large(row: Mapping[Any, Any]) -> bool:
    """Whether only the plain chi-square is known, where variances are tested."""
    return bool(np.isnan(row["p_boundary"]) and row["reference_boundary"] != "")


def _simulated(row: Mapping[Any, Any]) -> bool:
    return str(row["reference_boundary"]).startswith("parametric bootstrap")


def _of(row: Mapping[Any, Any]) -> str:
    """The distribution behind p, and how well p is known where refits give it."""
    error = f" +-{rformat.fixed(row['p_error'], 3)}" if _simulated(row) else ""
    return f"{reference(dict(row))}{error}"


def state(row: Mapping[Any, Any]) -> str:
    """What there is to say of a row."""
    words = ["singular"] if row["singular"] else []
    words += ["against"] if row["against"] else []
    words += [] if row["converged"] else [_where_it_ended(row)]
    return ", ".join(words)


def _where_it_ended(row: Mapping[Any, Any]) -> str:
    """An optimiser with a loose tolerance may end short of the optimum, mostly by next to nothing."""
    if row["kind"] != "optimiser":
        return "not converged"
    off = float(row["difference"])
    return f"stops {abs(off):.1g} {'below' if off < 0 else 'above'}"


def alternatives_notes(found: "Reanalysis") -> list[str]:
    """What the columns `p`, `of` and `state` mean, as far as they have something in them."""
    table = found.alternatives.table
    rows: list[dict[Any, Any]] = table.to_dict("records")
    notes = []
    if table["LRT"].notna().any():
        notes.append("p: where a variance of zero is tested, of the distribution that holds there")
    known = [r for r in rows if np.isfinite(r["p_boundary"])]
    notes += dict.fromkeys(f"{reference(r)}: {r['reference_boundary']}" for r in known)
    if any(_simulated(r) for r in known):
        notes.append("+-: Monte Carlo standard error of p")
    if any(map(too_large, rows)):
        notes.append("<: p of the plain chi-square, which is too large where variances are tested")
    if table["against"].any():
        notes.append("against: the data speak against this model, p < 0.05; its conclusions do not count")
    if any(r["kind"] == "optimiser" and not r["converged"] for r in rows):
        notes.append("stops ... above: by how much this optimiser ends above the criterion of the fit; not counted")
    return notes
