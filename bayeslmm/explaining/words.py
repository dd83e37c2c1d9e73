"""The terms of a formula in words."""

from dataclasses import dataclass

from bayeslmm.design.contrasts import default
from bayeslmm.design.matrices import INTERCEPT
from bayeslmm.design.nodes import deparse
from bayeslmm.design.values import Factor
from bayeslmm.explaining.anatomy import Anatomy, BarParts, Part


@dataclass(frozen=True, slots=True)
class TermWords:
    """One line of the table: which part of the model, the term, how many parameters, what it means."""

    part: str
    term: str
    parameters: int
    meaning: str

    @classmethod
    def of(cls, part: str, term: str, parameters: int, meaning: str) -> "TermWords":
        """A line; names that a formula has to quote are not quoted twice."""
        return cls(part, term, parameters, meaning.replace("``", "`"))


def words(of: Anatomy) -> list[TermWords]:
    """Every term of a model, in the order of the formula, the residual last."""
    lines = [TermWords.of("fixed", p.label, len(p.columns), _fixed(of, p)) for p in of.fixed]
    lines += [TermWords.of("offset", label, 0, "added as it is: its coefficient is 1") for label in _offsets(of)]
    for b in of.bars:
        lines.append(TermWords.of("random", f"({b.bar.text})", len(b.effects) + b.n_correlations, _random(of, b)))
    return [*lines, TermWords.of("residual", "sigma", 1, _residual(of))]


def _offsets(of: Anatomy) -> list[str]:
    return [deparse(call) for call in of.formula.offsets] + (["offset="] if of.has_offset else [])


def _fixed(of: Anatomy, part: Part) -> str:
    y = of.formula.response.label
    if part.label == INTERCEPT:
        return f"expected `{y}` where {_origin(of)}"
    if not part.columns:
        return "its columns are collinear with those before: it adds nothing"
    others = [p.label for p in of.fixed if set(part.variables) < set(p.variables)]
    if len(part.variables) > 1:
        first, *rest = part.variables
        return f"by how much the effect of `{first}` changes with {_and([f'`{r}`' for r in rest])}"
    (variable,) = part.variables
    where = f", where what it interacts with is {_zero(of, part)}" if others else ""
    if of.frame is None:
        return f"change of the expected `{y}` per unit of `{variable}`, or between its levels{where}"
    if of.is_factor(variable):
        return _factor(of, part, variable) + where
    if len(part.columns) > 1:
        return f"how the expected `{y}` moves with `{variable}`: a curve of {len(part.columns)} columns"
    return f"change of the expected `{y}` per unit of `{variable}`{where}"


def _factor(of: Anatomy, part: Part, variable: str) -> str:
    assert of.frame is not None
    factor = of.frame.variables[variable]
    assert isinstance(factor, Factor)
    J, own = len(factor.levels), len(part.columns)
    coding = of.design.contrasts.get(variable) if of.design else default(factor.levels, factor.ordered).name
    if own == J:
        return f"expected value in each of the {J} levels of `{variable}`"
    if coding == "treatment":
        return f"difference of each level of `{variable}` from `{factor.levels[0]}`, its first"
    return f"differences between the {J} levels of `{variable}`, in {own} {coding} contrasts"


def _zero(of: Anatomy, part: Part) -> str:
    others = {v for p in of.fixed if set(part.variables) < set(p.variables) for v in p.variables} - set(part.variables)
    if of.frame is None:
        return "0, or at its first level"
    factors = any(of.is_factor(v) for v in others)
    numbers = any(not of.is_factor(v) for v in others)
    if factors and of.design and any(of.design.contrasts.get(v, "treatment") != "treatment" for v in others):
        return "0, or where its contrasts are 0"
    return "0 or at its first level" if factors and numbers else "at its first level" if factors else "0"


def _origin(of: Anatomy) -> str:
    variables = list(dict.fromkeys(v for p in of.fixed for v in p.variables))
    if not variables:
        return "all effects of groups are 0: the mean of the population"
    if of.frame is None:
        return f"{_and([f'`{v}`' for v in variables])} {_is(variables)} 0, or at the first level"
    factors = [f"`{v}`" for v in variables if of.is_factor(v)]
    numbers = [f"`{v}`" for v in variables if not of.is_factor(v)]
    said = [f"{_and(numbers)} {_is(numbers)} 0"] if numbers else []
    contrasts = set(of.design.contrasts.values()) if of.design else {"treatment"}
    level = "at the first level" if contrasts <= {"treatment"} else "where the contrasts are 0"
    return " and ".join([*said, *([f"{_and(factors)} {_is(factors)} {level}"] if factors else [])])


def _random(of: Anatomy, b: BarParts) -> str:
    group = b.bar.group
    each = f"each level of `{group.name}`"
    if len(group.variables) > 1:
        names = _and([f"`{v.label}`" for v in group.variables])
        each = f"each combination of {names} that occurs"
    has = [_own(of, p) for p in b.parts]
    start = f"{each} has {_and(has)}"
    k = len(b.effects)
    if k == 1:
        return f"{start}, drawn from a normal distribution with mean 0 and an sd that is estimated"
    if b.bar.correlated:
        pairs = "1 correlation" if k == 2 else f"{b.n_correlations} correlations"
        return f"{start}; they vary together: {k} sds and {pairs}"
    return f"{start}; they vary independently: {k} sds, no correlation"


def _own(of: Anatomy, part: Part) -> str:
    if part.label == INTERCEPT:
        return "a deviation of its own from the intercept"
    kind = "difference between levels" if all(of.is_factor(v) for v in part.variables) else "slope"
    if of.frame is None:
        kind = "slope or difference"
    return f"a deviation of its own in the {kind} of `{part.label}`"


def _residual(of: Anatomy) -> str:
    y = of.formula.response.label
    more = "; a row of weight w has sd sigma / sqrt(w)" if of.weighted else ""
    return f"sd of `{y}` about its expectation, what is left within the groups{more}"


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
