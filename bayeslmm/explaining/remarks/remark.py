"""`Remark`: what a check has to say, and how its cure is written as code."""

from dataclasses import dataclass

from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.spelling import Spelled, written

FEW_LEVELS = 5  # with fewer, a variance between them is hardly known


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of advice: `what` was seen, `why` it matters, the `cure` as code."""

    check: str
    severity: int
    what: str
    why: str
    cure: str


def explain_code(of: Anatomy) -> str:
    """A look at the formula, where no other formula is the cure."""
    return f"blm.explain({of.formula.text!r}, data)"


def fit_code(formula: str, data: str = "data") -> str:
    """The fit of a formula, by `blm.lm` where it has no bar."""
    verb = "lmer" if "|" in formula else "lm"
    return f"blm.{verb}({formula!r}, {data})"


def bars(of: Anatomy) -> list[Spelled]:
    """The bars of the formula, to be written again."""
    return [Spelled.of(bar) for bar in of.formula.random]


def with_bars(of: Anatomy, changed: dict[int, Spelled | None]) -> str:
    """The formula with some bars changed, or left out."""
    new = [changed.get(i, b) for i, b in enumerate(bars(of))]
    return written(of.formula, [b.text() for b in new if b is not None])
