"""Sentences that reports of fits and of posteriors share."""

from collections.abc import Iterator, Mapping

import pandas as pd

from bayeslmm.design import Design
from bayeslmm.results.apa.model import INTERCEPT, MOST_TERMS, size
from bayeslmm.results.apa.numbers import listed, percent


def model_sentence(design: Design, how: str) -> str:
    """What was done with what."""
    return f"{design.formula.written}: {size(design)}, {how}."


def coefficient_sentences(ends: pd.DataFrame, terms: Mapping[str, str], level: float) -> Iterator[str]:
    """The numbers of each coefficient but the intercept, and on which side of zero the intervals lie.

    Parameters
    ----------
    ends
        By coefficient: lower, upper.
    terms
        The numbers of each coefficient as text.
    level
        Of the intervals.
    """
    names = [str(name) for name in ends.index if name != INTERCEPT] or [str(name) for name in ends.index]
    for name in names[:MOST_TERMS]:
        yield f"{name}: {terms[name]}."
    if len(names) > MOST_TERMS:
        yield f"{len(names) - MOST_TERMS} more coefficients are in the table."
    known = ends.loc[names].dropna()
    away = (known["lower"] > 0) | (known["upper"] < 0)
    said = []
    if away.any():
        said.append(f"excludes zero for {listed(list(known.index[away]))}")
    if not away.all():
        said.append(f"contains zero for {listed(list(known.index[~away]))}")
    if said:
        yield f"The {percent(level)} interval {' and '.join(said)}."
