"""R's term algebra: a right-hand side as expression -> variables and terms.

A term is a set of variables. `+` unites, `:` crosses, `a * b` is `a + b + a:b`, `a / b` is `a + a:b`,
`(a + b)^2` crosses with itself, `-` takes away; `1` and `0` switch the intercept. Terms are ordered by degree,
then by appearance; the variables in a term by their first appearance in the whole side (R's `terms.formula`).
"""

from dataclasses import dataclass

from bayeslmm.design.nodes import Binary, Call, Constant, Name, Node, Paren, Unary, deparse, summands
from bayeslmm.errors import FormulaError


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the model frame: a column, or a call such as `log(x)`; `label` is R's text of it."""

    label: str
    node: Node


@dataclass(frozen=True, slots=True)
class Term:
    """A set of variables, by label, in the order of the variable list."""

    variables: tuple[str, ...]

    @property
    def label(self) -> str:
        """The term as R writes it: `a:b`."""
        return ":".join(self.variables)


@dataclass(frozen=True, slots=True)
class Side:
    """One right-hand side: the fixed part, or the inside of a bar.

    Attributes
    ----------
    variables
        In order of first appearance, those of deleted terms included (R's model frame holds them too).
    terms
        By degree, then appearance; without the intercept and the offsets.
    has_intercept
        Whether the intercept is in.
    offsets
        The `offset(...)` calls.
    """

    variables: tuple[Variable, ...]
    terms: tuple[Term, ...]
    has_intercept: bool
    offsets: tuple[Call, ...] = ()

    def without(self, label: str) -> "Side":
        """Return the side without the term of that label, and without the variable where nothing else uses it."""
        terms = tuple(t for t in self.terms if t.label != label)
        used = {v for t in terms for v in t.variables}
        return Side(
            tuple(v for v in self.variables if v.label != label or label in used),
            terms,
            self.has_intercept,
            self.offsets,
        )


def expand(node: Node, formula: str) -> Side:
    """Return the variables and terms of a right-hand side.

    Raises
    ------
    FormulaError
        For numbers other than 0 and 1, text, `.`, a bad power, a misplaced bar.
    """
    encoder = _Encoder(formula)
    masks = encoder.encode(node, True)
    offset_mask = sum(1 << i for i, v in enumerate(encoder.variables) if _is_offset(v.node))
    masks = sorted((m for m in masks if not m & offset_mask), key=int.bit_count)
    labels = [v.label for v in encoder.variables]
    return Side(
        tuple(v for v in encoder.variables if not _is_offset(v.node)),
        tuple(Term(tuple(name for i, name in enumerate(labels) if m >> i & 1)) for m in masks),
        encoder.intercept,
        tuple(v.node for v in encoder.variables if isinstance(v.node, Call) and _is_offset(v.node)),
    )


def _is_offset(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "offset"


def _unique(masks: list[int]) -> list[int]:
    return list(dict.fromkeys(masks))


class _Encoder:
    """Terms as bit sets over the variables seen so far, as R's EncodeVars does."""

    def __init__(self, formula: str):
        self.formula = formula
        self.variables: list[Variable] = []
        self.position: dict[str, int] = {}
        self.intercept = True

    def encode(self, node: Node, parity: bool) -> list[int]:
        """Return the terms of the node; `parity` is False where a minus stands in front."""
        match node:
            case Constant(value):
                self.constant(node, value, parity)
                return []
            case Paren(inner):
                return self.encode(inner, parity)
            case Unary("+", operand):
                return self.encode(operand, parity)
            case Unary("-", operand):
                self.encode(operand, not parity)
                return []
            case Binary("+"):
                return _unique([mask for part in summands(node) for mask in self.encode(part, parity)])
            case Binary(":" | "*" | "/" | "-" | "^"):
                return _unique(self.operation(node, parity))
            case Binary("|" | "||"):
                raise FormulaError(
                    "a random term is written in parentheses, `(x | g)`, as a part of the sum",
                    self.formula,
                    node.op_position,
                )
            case Name("."):
                raise FormulaError("`.` (all columns) is not supported; name the columns", self.formula, node.position)
        return [self.install(node)]

    def install(self, node: Node) -> int:
        label = deparse(node)
        if label not in self.position:
            self.position[label] = len(self.variables)
            self.variables.append(Variable(label, node))
        return 1 << self.position[label]

    def constant(self, node: Constant, value: object, parity: bool) -> None:
        if isinstance(value, float) and value in (0.0, 1.0):
            self.intercept = parity if value == 1.0 else not parity
            return
        raise FormulaError(
            f"`{node.text}` is not a term; the numbers of a formula are 1 (intercept) and 0 (none), "
            "others stand inside I(), and a constant shift is an offset()",
            self.formula,
            node.position,
        )

    def operation(self, node: Binary, parity: bool) -> list[int]:
        if node.op == "^":
            return self.power(node, parity)
        left = self.encode(node.left, parity)
        right = self.encode(node.right, parity if node.op != "-" else not parity)
        match node.op:
            case ":":
                return [a | b for a in left for b in right]
            case "*":
                return left + right + [a | b for a in left for b in right]
            case "/":
                whole = 0
                for a in left:
                    whole |= a
                return left + [whole | b for b in right]
        return [a for a in left if a not in right]

    def power(self, node: Binary, parity: bool) -> list[int]:
        exponent = node.right.inner if isinstance(node.right, Paren) else node.right
        value = exponent.value if isinstance(exponent, Constant) else None
        if not (isinstance(value, float) and value.is_integer() and value >= 1):
            raise FormulaError(
                "a power of terms is a whole number, `(a + b)^2`; arithmetic stands inside I(), as `I(x^0.5)`",
                self.formula,
                node.right.position,
            )
        base = self.encode(node.left, parity)
        result = base
        for _ in range(int(value) - 1):
            longer = _unique([a | b for a in result for b in base])
            if longer == result:
                break
            result = longer
        return result
