"""Formula text -> what it says: response, fixed terms, random terms, offsets. No data.

response ~ fixed + offset(o) + (effects | group) + ...
"""

import warnings
from dataclasses import dataclass
from functools import lru_cache

from bayeslmm.design.algebra import Side, Term, Variable, expand
from bayeslmm.design.bars import Bar, Group, read_bar, split
from bayeslmm.design.nodes import Call, Name, Node, deparse, names_in, number, summands
from bayeslmm.design.parser import read
from bayeslmm.errors import DesignWarning, FormulaError

__all__ = ["Bar", "Formula", "Group", "Side", "Term", "Variable", "parse"]


@dataclass(frozen=True, slots=True)
class Formula:
    """What the user wrote, parsed.

    Attributes
    ----------
    text
        The formula as given.
    response
        The left side: a column or an expression such as `log(y)`.
    fixed
        The fixed part: its variables, its terms in R's order, whether it has an intercept, its offsets.
    random
        The random terms in the order of the formula, slashes expanded; empty where there are none.
    written
        The formula on one line with R's spacing.
    """

    text: str
    response: Variable
    fixed: Side
    random: tuple[Bar, ...]
    written: str

    @property
    def has_intercept(self) -> bool:
        """Whether the fixed part has an intercept."""
        return self.fixed.has_intercept

    @property
    def offsets(self) -> tuple[Call, ...]:
        """The `offset(...)` calls of the fixed part."""
        return self.fixed.offsets

    @property
    def term_labels(self) -> tuple[str, ...]:
        """The fixed terms as R's `terms()` labels them."""
        return tuple(t.label for t in self.fixed.terms)

    @property
    def groups(self) -> tuple[str, ...]:
        """The grouping factors' names, each once, in the order of the formula."""
        return tuple(dict.fromkeys(b.group.name for b in self.random))

    def nodes(self, response: bool = True) -> list[Node]:
        """Return every expression that is evaluated on the data."""
        found = [self.response.node] if response else []
        found += [v.node for v in self.fixed.variables] + list(self.offsets)
        for bar in self.random:
            found += [v.node for v in bar.effects.variables + bar.group.variables]
        return found

    def names(self, response: bool = True) -> dict[str, Name]:
        """Return the names that the formula uses, each with its first place in the text."""
        found: dict[str, Name] = {}
        for node in self.nodes(response):
            for name in names_in(node):
                found.setdefault(name.name, name)
        return found

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text
        An lme4-style formula, `Reaction ~ Days + (Days | Subject)`.

    Raises
    ------
    FormulaError
        With a caret at the character that cannot be read.

    Examples
    --------
    >>> f = parse("y ~ b:a + x*a + (x || g1/g2)")
    >>> f.term_labels
    ('x', 'a', 'b:a', 'a:x')
    >>> f.groups
    ('g2:g1', 'g1')
    """
    found, repeated = _parse(text) if isinstance(text, str) else _parse.__wrapped__(text)
    if repeated:
        warnings.warn(
            f"the response `{found.response.label}` also stands right of the `~`; it was dropped there",
            DesignWarning,
            stacklevel=3,
        )
    return found


@lru_cache(maxsize=256)
def _parse(text: str) -> tuple[Formula, bool]:
    """The formula, and whether the response also stood on the right; kept, since the same text is fitted many times."""
    try:
        left, right = read(text)
        rest, bars = split(right, text)
        fixed = expand(number(1.0, right.position) if rest is None else rest, text)
        random = tuple(b for bar in bars for b in read_bar(bar, text))
        written = f"{deparse(left)} ~ {' + '.join(deparse(part) for part in summands(right))}"
    except RecursionError:
        raise FormulaError("the formula is nested too deeply to be read; take parentheses out") from None
    response = Variable(deparse(left), left)
    _check_response(response, text)
    _check_bars(random, response, text)
    repeated = any(t.label == response.label for t in fixed.terms)
    if repeated:
        fixed = fixed.without(response.label)
    return Formula(text, response, fixed, random, written), repeated


def _check_bars(random: tuple[Bar, ...], response: Variable, text: str) -> None:
    for bar in random:
        for variable in (*bar.effects.variables, *bar.group.variables):
            if variable.label == response.label:
                raise FormulaError(
                    f"the response `{response.label}` stands in a random term too; name a predictor or a group there",
                    text,
                    variable.node.position,
                )


def _check_response(response: Variable, text: str) -> None:
    if not list(names_in(response.node)):
        raise FormulaError(f"no response: `{response.label}` names no column", text, response.node.position)
    if response.node == Name(".", 0):
        raise FormulaError("`.` cannot be the response; name a column", text, response.node.position)
