"""Repeated-measures analysis of variance of a design that has it: one row for each subject and within-subject cell."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.values import Factor
from bayeslmm.errors import DataError
from bayeslmm.point.sphericity import Stratum, stratum, within_contrasts
from bayeslmm.results import rformat
from bayeslmm.results.table_export import Tabular


@dataclass(frozen=True, repr=False)
class RmAnova(Tabular):
    """A repeated-measures analysis of variance; `print` it, or take `table`.

    Attributes
    ----------
    table
        DataFrame by term of the full factorial (type III): `ss`, `df`, `error_ss`, `error_df`, `F`, `p`; generalised
        eta squared `ges` (Olejnik & Algina 2003); `gg`, `gg_p`, `hf`, `hf_p` (epsilons and corrected p-values);
        Mauchly's `W`, `W_p`. NaN where there is nothing to correct, or too few subjects to.
    subject
        The grouping factor.
    within, between
        The factors.
    n
        Number of subjects.
    """

    table: pd.DataFrame
    subject: str
    within: tuple[str, ...]
    between: tuple[str, ...]
    n: int

    def __str__(self) -> str:
        t = self.table
        p = {c: ["" if np.isnan(v) else rformat.format_p_values([v])[0] for v in t[c]] for c in ("p", "gg_p", "hf_p")}
        p["W_p"] = ["" if np.isnan(v) else rformat.format_p_values([v])[0] for v in t["W_p"]]
        columns = [
            [str(i) for i in t.index],
            [str(v) for v in t["df"]],
            [str(v) for v in t["error_df"]],
            [rformat.fixed(v, 2) for v in t["F"]],
            p["p"],
            [_three(v) for v in t["gg"]],
            p["gg_p"],
            [_three(min(v, 1.0)) for v in t["hf"]],
            p["hf_p"],
            [_three(v) for v in t["W"]],
            p["W_p"],
        ]
        header = ["", "df", "error df", "F", "p", "GG eps", "p", "HF eps", "p", "W", "p"]
        between = f"; between subjects: {', '.join(self.between)}" if self.between else ""
        title = (
            f"Repeated-measures ANOVA (type III): {self.n} levels of {self.subject}; within: "
            f"{', '.join(self.within)}{between}"
        )
        return f"{title}\n{rformat.columns_as_text(header, columns, [True, *[False] * 10])}"

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def _three(value: float) -> str:
    return "" if np.isnan(value) else rformat.fixed(value, 3)


def rm_anova(design: Design, subject: RandomTerm) -> RmAnova:
    """Analyse the full factorial of the factors of the fixed part.

    Parameters
    ----------
    design
        A mixed model's design.
    subject
        The grouping factor whose levels are measured repeatedly.

    Raises
    ------
    DataError
        The design has no such analysis, with the reason: a numeric predictor, no within-subject factor, a cell
        without a row or with several, weights, too few subjects.
    """
    factors = _factors(design, subject)
    within = [k for k, f in factors.items() if _varies(f, subject)]
    between = [k for k in factors if k not in within]
    if not within:
        raise DataError(f"no repeated-measures ANOVA: no factor of the fixed part varies within {subject.group}")
    Y = _wide(design, subject, [factors[k] for k in within], within)
    first = np.unique(subject.index, return_index=True)[1]
    B, blocks = _between(between, {k: factors[k].take(first).drop_unused() for k in between}, subject)
    sizes = tuple(len(factors[k].levels) for k in within)
    rows: dict[str, Stratum] = {}
    errors = 0.0
    for w in _subsets(within):
        T = within_contrasts(sizes, tuple(k in w for k in within))
        found = {b: stratum(Y, T, B, columns) for b, columns in blocks.items()}
        errors += found[()].error_ss
        rows |= {_label(factors, w + b): s for b, s in found.items() if w or b}
    return RmAnova(_table(rows, errors), subject.group, tuple(within), tuple(between), len(Y))


def _factors(design: Design, subject: RandomTerm) -> dict[str, Factor]:
    """The factors of the fixed part by label; refuses what is none."""
    if design.has_weights:
        raise DataError("no repeated-measures ANOVA: this takes no weights")
    for label, value in design.variables.items():
        if not isinstance(value, Factor):
            raise DataError(f"no repeated-measures ANOVA: `{label}` is numeric; as factor({label}) it has one")
        if label == subject.group:
            raise DataError(f"no repeated-measures ANOVA: `{label}` stands in the fixed part too")
    return {k: v.drop_unused() for k, v in design.variables.items() if isinstance(v, Factor)}


def _varies(factor: Factor, subject: RandomTerm) -> bool:
    first = np.unique(subject.index, return_index=True)[1]
    return bool((factor.codes != factor.codes[first][subject.index]).any())


def _wide(design: Design, subject: RandomTerm, factors: list[Factor], names: list[str]) -> np.ndarray:
    """(N, C): the response of each subject in each cell."""
    sizes = tuple(len(f.levels) for f in factors)
    cell = np.ravel_multi_index(tuple(f.codes for f in factors), sizes)
    counts = np.zeros((subject.n_levels, int(np.prod(sizes))), dtype=int)
    np.add.at(counts, (subject.index, cell), 1)
    if (counts != 1).any():
        j, c = np.argwhere(counts != 1)[0]
        at = np.unravel_index(c, sizes)
        where = ", ".join(f"{name} = {f.levels[i]}" for name, f, i in zip(names, factors, at, strict=True))
        raise DataError(
            f"no repeated-measures ANOVA: {subject.group} {subject.levels[j]} has {counts[j, c]} rows at {where}, and "
            "it needs one row for each subject and cell" + ("; average them first" if counts.min() > 0 else "")
        )
    Y = np.empty(counts.shape)
    Y[subject.index, cell] = design.y_net
    return Y


def _between(
    names: list[str], factors: dict[str, Factor], subject: RandomTerm
) -> tuple[np.ndarray, dict[tuple[str, ...], list[int]]]:
    """The full factorial of the between-subject factors (N, r), coded by sum contrasts, and where each effect is."""
    N = subject.n_levels
    coded = {
        k: np.vstack([np.eye(len(f.levels) - 1), -np.ones(len(f.levels) - 1)])[f.codes] for k, f in factors.items()
    }
    parts, blocks, start = [], {}, 0
    for effect in _subsets(names):
        columns = np.ones((N, 1))
        for k in effect:
            columns = np.einsum("na,nb->nab", columns, coded[k]).reshape(N, -1)
        parts.append(columns)
        blocks[effect] = list(range(start, start + columns.shape[1]))
        start += columns.shape[1]
    B = np.hstack(parts)
    if np.linalg.matrix_rank(B) < B.shape[1]:
        raise DataError(f"no repeated-measures ANOVA: not all combinations of {', '.join(names)} have subjects")
    if B.shape[1] >= N:
        raise DataError(f"no repeated-measures ANOVA: {N} levels of {subject.group} are too few for {', '.join(names)}")
    return B, blocks


def _subsets(names: list[str]) -> list[tuple[str, ...]]:
    return [c for size in range(len(names) + 1) for c in combinations(names, size)]


def _label(factors: dict[str, Factor], chosen: tuple[str, ...]) -> str:
    return ":".join(k for k in factors if k in chosen)


def _table(rows: dict[str, Stratum], errors: float) -> pd.DataFrame:
    """Terms by degree; `errors` is the error sum of squares of all strata together."""
    order = sorted(rows, key=lambda label: label.count(":"))
    fields = {f: [getattr(rows[label], f) for label in order] for f in Stratum.__slots__}
    table = pd.DataFrame(fields, index=order)
    table.insert(6, "ges", table["ss"] / (table["ss"] + errors))
    return table
