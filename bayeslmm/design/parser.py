"""Formula text -> expression tree, with R's precedence of operators.

From tight to loose: `^` (right to left), unary `- +`, `:`, `%op%`, `* /`, `+ -`, comparison, `!`, `& &&`,
`| ||`, `~`; see R's `?Syntax`. An operator-precedence (Pratt) parser: each operator binds with a strength.
"""

from bayeslmm.design.nodes import RESERVED, Argument, Binary, Call, Constant, Name, Node, Paren, Unary, number
from bayeslmm.design.tokens import Token, tokenize
from bayeslmm.errors import FormulaError

_COMPARISON = {"<", ">", "<=", ">=", "==", "!="}
_STRENGTH = (
    {"~": 5, "|": 10, "||": 10, "&": 15, "&&": 15}
    | dict.fromkeys(_COMPARISON, 25)
    | {"+": 30, "-": 30, "*": 35, "/": 35, ":": 45, "^": 60}
)
_SPECIAL = 40
_PREFIX = {"-": 50, "+": 50, "!": 20, "~": 5}


def read(formula: str) -> tuple[Node, Node]:
    """Return (left, right) of the one `~` in the formula.

    Raises
    ------
    FormulaError
        With a caret at the character: unbalanced parentheses, a missing operand, no or two `~`, no response.
    """
    if not isinstance(formula, str):
        raise FormulaError(f"a formula is text such as 'y ~ x + (1 | g)'; got {type(formula).__name__}")
    if not formula.strip():
        raise FormulaError("the formula is empty; write one such as `y ~ x + (1 | g)`")
    reader = _Reader(formula)
    tree = reader.expression(0)
    if reader.token.kind != "end":
        raise reader.unexpected()
    _check_tildes(tree, reader)
    assert isinstance(tree, Binary)
    return tree.left, tree.right


def _check_tildes(tree: Node, reader: "_Reader") -> None:
    tildes = [t.position for t in reader.tokens if t.kind == "operator" and t.text == "~"]
    if len(tildes) > 1:
        raise FormulaError("a formula has one `~`; here is a second", reader.formula, tildes[1])
    if not tildes:
        raise FormulaError("no `~`: write `response ~ predictors`", reader.formula, len(reader.formula.rstrip()))
    if isinstance(tree, Unary) and tree.op == "~":
        raise FormulaError("no response: write its name left of the `~`", reader.formula, tildes[0])
    if not (isinstance(tree, Binary) and tree.op == "~"):
        raise FormulaError("`~` stands between response and predictors, not inside", reader.formula, tildes[0])


class _Reader:
    """The tokens and how far they have been read."""

    def __init__(self, formula: str):
        self.formula = formula
        self.tokens = tokenize(formula)
        self.at = 0
        self.open: list[Token] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def is_operator(self, text: str) -> bool:
        return self.token.kind == "operator" and self.token.text == text

    def expression(self, strength: int) -> Node:
        """Read an expression whose operators bind tighter than `strength`."""
        left = self.operand()
        while (binding := self.binding()) is not None and binding > strength:
            operator = self.next()
            right = self.expression(binding - 1 if operator.text == "^" else binding)
            left = Binary(operator.text, left, right, left.position, operator.position)
            if operator.text in _COMPARISON and self.token.text in _COMPARISON:
                raise FormulaError("comparisons do not chain; join two with `&`", self.formula, self.token.position)
        return left

    def binding(self) -> int | None:
        """Return how tightly the operator at hand binds; None where there is none."""
        if self.token.kind != "operator":
            return None
        text = self.token.text
        if text == "%in%":
            raise FormulaError(
                "`%in%` is not supported: for `b` within `a` write the interaction `a:b`, or `a/b` for `a + a:b`",
                self.formula,
                self.token.position,
            )
        if text.startswith("%"):
            if text not in ("%%", "%/%"):
                raise FormulaError(f"`{text}` is not an operator of formulas", self.formula, self.token.position)
            return _SPECIAL
        return _STRENGTH.get(text)

    def operand(self) -> Node:
        token = self.next()
        match token.kind:
            case "number" | "integer":
                return _number(token)
            case "string":
                return _string(token)
            case "quoted":
                return self.name_or_call(token)
            case "name" if token.text in RESERVED and not self.is_operator("("):
                return Constant(RESERVED[token.text], token.text, token.position)
            case "name":
                return self.name_or_call(token)
            case "operator" if token.text in _PREFIX:
                return Unary(token.text, self.expression(_PREFIX[token.text]), token.position)
            case "operator" if token.text == "(":
                return self.parenthesis(token)
        self.at -= 1
        raise self.missing()

    def name_or_call(self, token: Token) -> Node:
        if not self.is_operator("("):
            return Name(token.text, token.position)
        self.open.append(self.next())
        arguments: list[Argument] = []
        while not self.is_operator(")"):
            arguments.append(self.argument())
            if self.is_operator(","):
                self.next()
            elif not self.is_operator(")"):
                raise self.unexpected()
        self.next()
        self.open.pop()
        return Call(token.text, tuple(arguments), token.position)

    def argument(self) -> Argument:
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if self.token.kind in ("name", "quoted") and following.kind == "operator" and following.text == "=":
            name = self.next().text
            self.next()
            return Argument(name, self.expression(0))
        return Argument(None, self.expression(0))

    def parenthesis(self, token: Token) -> Node:
        self.open.append(token)
        inner = self.expression(0)
        if not self.is_operator(")"):
            raise self.unexpected()
        self.next()
        self.open.pop()
        return Paren(inner, token.position)

    def missing(self) -> FormulaError:
        """Return the error for a place where a name or number should stand."""
        token, before = self.token, self.tokens[self.at - 1] if self.at else None
        if token.kind == "end" and self.open and (before is None or before.text in ("(", ",")):
            return self.unclosed()
        if token.kind == "end":
            return FormulaError(
                f"the formula ends after `{before.text if before else ''}`: something is missing to the right of it",
                self.formula,
                before.position if before else 0,
            )
        if token.text == "~" or (before is None):
            return FormulaError(f"nothing stands to the left of `{token.text}`", self.formula, token.position)
        if token.text == ")" and not self.open:
            return self.unopened(token)
        return FormulaError(
            f"a name or a number is missing between `{before.text}` and `{token.text}`", self.formula, token.position
        )

    def unexpected(self) -> FormulaError:
        """Return the error for a token after a complete expression."""
        token = self.token
        if token.kind == "end":
            return self.unclosed()
        if token.text == ")":
            return self.unopened(token)
        if token.text == "=":
            hint = "; compare with `==`" if self.open else "; a formula is written with `~`"
            return FormulaError(f"`=` has no meaning here{hint}", self.formula, token.position)
        if token.text == ",":
            return FormulaError("a comma stands between the arguments of a function", self.formula, token.position)
        return FormulaError(f"an operator such as `+` is missing before `{token.text}`", self.formula, token.position)

    def unclosed(self) -> FormulaError:
        return FormulaError("this parenthesis is not closed; add `)`", self.formula, self.open[-1].position)

    def unopened(self, token: Token) -> FormulaError:
        return FormulaError("this parenthesis was never opened; remove it or add `(`", self.formula, token.position)


def _number(token: Token) -> Constant:
    text = token.text.rstrip("L") if token.kind == "integer" else token.text
    value = float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text)
    return number(value, token.position, integer=token.kind == "integer" and value.is_integer())


def _string(token: Token) -> Constant:
    body = token.text[1:-1]
    for escaped, plain in (("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), ("\\'", "'"), ("\\\\", "\\")):
        body = body.replace(escaped, plain)
    written = body.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return Constant(body, f'"{written}"', token.position)
