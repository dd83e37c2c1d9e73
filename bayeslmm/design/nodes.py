"""The expression tree of a formula, and how R writes it back as text (`deparse`).

Every node knows the position of its first character in the formula, so that an error can point at it.
Positions do not take part in comparisons: two spellings of the same expression are equal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bayeslmm.design.levels import format_number

_SYNTACTIC = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*\Z")
RESERVED = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "NA": float("nan"),
    "NaN": float("nan"),
    "Inf": float("inf"),
}
_SPACED = {"+", "-", "*", "<", ">", "<=", ">=", "==", "!=", "&", "&&", "|", "||", "~"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name: a column of the data."""

    name: str
    position: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text in quotes, or one of R's reserved constants; `text` is how R writes it."""

    value: float | str | bool | None
    text: str
    position: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `!x`."""

    op: str
    operand: "Node"
    position: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`; `position` is that of the left operand, `op_position` that of the operator."""

    op: str
    left: "Node"
    right: "Node"
    position: int = field(compare=False)
    op_position: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, with its name where one was written."""

    name: str | None
    value: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`."""

    function: str
    arguments: tuple[Argument, ...]
    position: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression in parentheses."""

    inner: "Node"
    position: int = field(compare=False)


type Node = Name | Constant | Unary | Binary | Call | Paren


def deparse(node: Node) -> str:
    """Return the expression as R's `deparse` writes it: `poly(Days, 2)`, `I(a/b - 1)`, `log(x) > 2`."""
    match node:
        case Name(name):
            return quoted(name)
        case Constant(_, text):
            return text
        case Unary(op, operand):
            return op + deparse(operand)
        case Binary(op, left, right):
            space = " " if op in _SPACED else ""
            return f"{deparse(left)}{space}{op}{space}{deparse(right)}"
        case Call(function, arguments):
            return f"{quoted(function)}({', '.join(_argument(a) for a in arguments)})"
        case Paren(inner):
            return f"({deparse(inner)})"


def _argument(argument: Argument) -> str:
    value = deparse(argument.value)
    return value if argument.name is None else f"{argument.name} = {value}"


def quoted(name: str) -> str:
    """Return the name, in backticks where R needs them.

    >>> quoted("x.1"), quoted("my var")
    ('x.1', '`my var`')
    """
    return name if _SYNTACTIC.match(name) and name not in RESERVED else f"`{name}`"


def number(value: float, position: int, integer: bool = False) -> Constant:
    """Return a number as a node, written as R writes it."""
    return Constant(value, f"{int(value)}L" if integer else format_number(value), position)


def names_in(node: Node) -> Iterator[Name]:
    """Yield the names (columns, not functions) in the expression, in order."""
    match node:
        case Name():
            yield node
        case Unary(_, operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Call(_, arguments):
            for argument in arguments:
                yield from names_in(argument.value)
        case Paren(inner):
            yield from names_in(inner)
        case _:
            return


def summands(node: Node) -> list[Node]:
    """Return the parts of a sum `a + b + c`, in order, without recursion: sums may be long."""
    parts = []
    while isinstance(node, Binary) and node.op == "+":
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def calls(node: Node) -> set[str]:
    """Return the names of the functions that the expression calls."""
    match node:
        case Unary(_, operand) | Paren(operand):
            return calls(operand)
        case Binary(_, left, right):
            return calls(left) | calls(right)
        case Call(function, arguments):
            return {function}.union(*(calls(a.value) for a in arguments))
        case _:
            return set()


def strip(node: Node) -> Node:
    """Return the node without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.inner
    return node
