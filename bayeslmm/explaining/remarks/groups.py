"""Grouping factors with too few levels, or with too few rows in them."""

from collections.abc import Iterator

from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.remarks.remark import FEW_LEVELS, Remark, fit_code, with_bars
from bayeslmm.explaining.spelling import Spelled, written


def few_levels(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor with fewer than five levels."""
    for group, rows in of.groups.items():
        J = len(rows.labels)
        if 1 < J < FEW_LEVELS:
            what = f"the grouping factor `{group}` has {J} levels"
            why = (
                f"a variance between {J} levels is known hardly better than its order of magnitude, and is often "
                "estimated as zero; a prior helps, or the levels as fixed effects, if they are all there are"
            )
            yield Remark("few levels", 1, what, why, f"blm.brm({of.formula.text!r}, data)\n{_as_fixed(of, group)}")


def _as_fixed(of: Anatomy, group: str) -> str:
    bars = [Spelled.of(b).text() for b in of.formula.random if b.group.name != group]
    factor = ":".join(f"factor({v.label})" for v in of.bars_of(group)[0].bar.group.variables)
    fixed = ["1" if of.formula.has_intercept else "0", *(t.label for t in of.formula.fixed.terms), factor]
    return fit_code(written(of.formula, bars, fixed))


def one_row_levels(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor most of whose levels have one row."""
    for group, rows in of.groups.items():
        J, single = len(rows.labels), int((rows.counts == 1).sum())
        if J < 2 or single <= J / 2:
            continue
        every = single == J
        what = f"{'each' if every else f'{single}'} of the {J} levels of `{group}` has one row"
        if every:
            why = "the variance between its levels could not be told from the residual's, and the model is refused"
        else:
            why = "what tells the variance between levels from that within are the levels with several rows alone"
        gone = {i: None for i, b in enumerate(of.formula.random) if b.group.name == group}
        yield Remark("one row per level", 3 if every else 1, what, why, fit_code(with_bars(of, dict(gone))))


def one_level(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor with one level."""
    for group, rows in of.groups.items():
        if len(rows.labels) == 1:
            what = f"the grouping factor `{group}` has one level, `{rows.labels[0]}`, in the rows used"
            gone = {i: None for i, b in enumerate(of.formula.random) if b.group.name == group}
            why = "a variance between levels needs at least two"
            yield Remark("one level", 3, what, why, fit_code(with_bars(of, dict(gone))))
