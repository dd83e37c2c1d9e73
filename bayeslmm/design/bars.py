"""The random terms of a formula: find `(e | g)` in the sum, expand the grouping side.

`(e | a/b)` is `(e | b:a) + (e | a)` and `a/b/c` is `c:(b:a)`, `b:a`, `a`: names and order as lme4's `findbars`
gives them. `a*b` is `a`, `b`, `a:b`; `a + b` is `a`, `b`.
"""

from dataclasses import dataclass

from bayeslmm.design.algebra import Side, Variable, expand
from bayeslmm.design.nodes import Binary, Call, Constant, Name, Node, Paren, Unary, deparse, quoted, strip, summands
from bayeslmm.errors import FormulaError


@dataclass(frozen=True, slots=True)
class Group:
    """A grouping factor: one variable, or the combinations of several.

    Attributes
    ----------
    name
        As lme4 writes it: `Subject`, `cask:batch`, `c:(b:a)`.
    variables
        The variables whose combinations are the levels; the first varies slowest.
    """

    name: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One random term `(effects | group)`; `correlated` is False for `||`; `text` is what was written."""

    text: str
    effects: Side
    group: Group
    correlated: bool
    position: int


def split(node: Node, formula: str) -> tuple[Node | None, list[Binary]]:
    """Return the sum without its bars (None where nothing is left) and the bars, in order."""
    match node:
        case Paren(Binary("|" | "||") as bar):
            return None, [bar]
        case Paren(inner, position):
            rest, bars = split(inner, formula)
            return (node, []) if not bars else (None if rest is None else Paren(rest, position), bars)
        case Unary("+", operand):
            return split(operand, formula)
        case Binary("+", position=position, op_position=op_position):
            parts = [split(part, formula) for part in summands(node)]
            rests = [rest for rest, _ in parts if rest is not None]
            bars = [bar for _, found in parts for bar in found]
            if not rests:
                return None, bars
            whole, *others = rests
            for rest in others:
                whole = Binary("+", whole, rest, position, op_position)
            return whole, bars
        case Binary("-", left, right, position, op_position):
            _no_bars(right, formula, "a random term cannot be taken away with `-`; leave it out instead")
            rest, bars = split(left, formula)
            if rest is None:
                return Unary("-", right, op_position), bars
            return Binary("-", rest, right, position, op_position), bars
    _no_bars(node, formula, "a random term is written in parentheses, `(x | g)`, as a part of the sum")
    return node, []


def _no_bars(node: Node, formula: str, message: str) -> None:
    match node:
        case Binary("|" | "||"):
            raise FormulaError(message, formula, node.op_position)
        case Binary(_, left, right):
            _no_bars(left, formula, message)
            _no_bars(right, formula, message)
        case Unary(_, operand) | Paren(operand):
            _no_bars(operand, formula, message)


def read_bar(bar: Binary, formula: str) -> list[Bar]:
    """Return the random terms of one bar, one per grouping factor that its right side names."""
    effects = expand(bar.left, formula)
    if effects.offsets:
        raise FormulaError("offset() belongs to the fixed part", formula, effects.offsets[0].position)
    if not effects.terms and not effects.has_intercept:
        raise FormulaError(
            "this random term has no effects; write `(1 | g)` for an intercept per group", formula, bar.position
        )
    correlated = bar.op == "|"
    return [
        Bar(f"{deparse(bar.left)} {bar.op} {g.name}", effects, g, correlated, bar.position)
        for g in _groups(bar.right, formula)
    ]


@dataclass(frozen=True, slots=True)
class _Cross:
    """`left:right`, before it is named."""

    left: "_Cross | Variable"
    right: "_Cross | Variable"


def _groups(node: Node, formula: str) -> list[Group]:
    return [Group(_name(c, alone=True), tuple(_leaves(c))) for c in dict.fromkeys(_expand(node, formula))]


def _expand(node: Node, formula: str) -> list["_Cross | Variable"]:
    node = strip(node)
    match node:
        case Binary("+", left, right):
            return _expand(left, formula) + _expand(right, formula)
        case Binary(":", left, right):
            return [_Cross(a, b) for a in _expand(left, formula) for b in _expand(right, formula)]
        case Binary("*", left, right):
            a, b = _expand(left, formula), _expand(right, formula)
            return a + b + [_Cross(x, y) for x in a for y in b]
        case Binary("/", left, right):
            outer = _expand(left, formula)
            within = _within(strip(left), outer)
            return [_Cross(inner, within) for inner in _expand(right, formula)] + outer
        case Name(".") | Constant() | Unary() | Binary():
            raise FormulaError(
                "a grouping factor is a column, or several joined by `:`, `/`, `*` or `+`", formula, _where(node)
            )
        case Name() | Call():
            return [Variable(deparse(node), node)]
    raise AssertionError(node)


def _within(left: Node, outer: list["_Cross | Variable"]) -> "_Cross | Variable":
    """Return what is nested in: the innermost of a chain of slashes, the combination of all otherwise."""
    if len(outer) == 1 or (isinstance(left, Binary) and left.op == "/"):
        return outer[0]
    if isinstance(left, Binary) and left.op == "*":
        return outer[-1]
    whole = outer[0]
    for other in outer[1:]:
        whole = _Cross(whole, other)
    return whole


def _where(node: Node) -> int:
    return node.op_position if isinstance(node, Binary) else node.position


def _leaves(cross: "_Cross | Variable") -> list[Variable]:
    return [cross] if isinstance(cross, Variable) else _leaves(cross.left) + _leaves(cross.right)


def _name(cross: "_Cross | Variable", alone: bool = False) -> str:
    if isinstance(cross, Variable):
        return cross.node.name if alone and isinstance(cross.node, Name) else _text(cross)
    right = _name(cross.right)
    return f"{_name(cross.left)}:{right if isinstance(cross.right, Variable) else f'({right})'}"


def _text(variable: Variable) -> str:
    return quoted(variable.node.name) if isinstance(variable.node, Name) else variable.label
