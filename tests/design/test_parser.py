"""Formula text -> tree: R's precedence, R's way of writing back, and a caret for everything that cannot be read."""

import pytest

from bayeslmm.design.nodes import Binary, Name, Unary, deparse, names_in, quoted
from bayeslmm.design.parser import read
from bayeslmm.errors import FormulaError


def grouped(node) -> str:
    """The tree with every operation in brackets."""
    if isinstance(node, Binary):
        return f"[{grouped(node.left)} {node.op} {grouped(node.right)}]"
    return f"[{node.op}{grouped(node.operand)}]" if isinstance(node, Unary) else deparse(node)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", "[a + [b * c]]"),
        ("a - b - c", "[[a - b] - c]"),
        ("a * b:c", "[a * [b : c]]"),
        ("a:b^2", "[a : [b ^ 2]]"),
        ("a^b^c", "[a ^ [b ^ c]]"),
        ("a**2", "[a ^ 2]"),
        ("-a^2", "[-[a ^ 2]]"),
        ("-a:b", "[[-a] : b]"),
        ("a^-1", "[a ^ [-1]]"),
        ("a / b %% c", "[a / [b %% c]]"),
        ("a + b > c - d", "[[a + b] > [c - d]]"),
        ("!a & b", "[[!a] & b]"),
        ("!a == b", "[![a == b]]"),
        ("a & b | c", "[[a & b] | c]"),
        ("1 + x | g", "[[1 + x] | g]"),
        ("x || g/h", "[x || [g / h]]"),
        ("a + -1", "[a + [-1]]"),
    ],
)
def test_precedence_is_that_of_r(text, tree):
    assert grouped(read(f"y ~ {text}")[1]) == tree


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("I( x/10-1 )", "I(x/10 - 1)"),
        ("I(Days ^ 2)", "I(Days^2)"),
        ("poly( Days,2 , raw = TRUE)", "poly(Days, 2, raw = TRUE)"),
        ("log(x+1,base=2)", "log(x + 1, base = 2)"),
        ("x%%2", "x%%2"),
        ("a:b", "a:b"),
        ("`my var`", "`my var`"),
        ("`plain`", "plain"),
        ("x.1_b", "x.1_b"),
        (".5", "0.5"),
        ("1e5", "1e+05"),
        ("1e-3", "0.001"),
        ("2L", "2L"),
        ("0x10", "16"),
        ("f == 'A'", 'f == "A"'),
        ("!a", "!a"),
        ("(a+b)", "(a + b)"),
        ("étude", "étude"),
        ("a&b", "a & b"),
    ],
)
def test_deparse_writes_as_r_does(text, written):
    assert deparse(read(f"y ~ {text}")[1]) == written


@pytest.mark.parametrize(
    ("formula", "message", "position"),
    [
        ("", "empty", None),
        ("   ", "empty", None),
        ("y", "no `~`", 1),
        ("~ x", "no response", 0),
        ("y ~ ", "ends after `~`", 2),
        ("y ~ x +", "ends after `\\+`", 6),
        ("y ~ x + * z", "between `\\+` and `\\*`", 8),
        ("y ~ x ~ z", "one `~`", 6),
        ("y ~ (x ~ z)", "one `~`", 7),
        ("(y ~ x)", "not inside", 3),
        ("y ~ (x", "not closed", 4),
        ("y ~ log(x", "not closed", 7),
        ("y ~ log(", "not closed", 7),
        ("y ~ x)", "never opened", 5),
        ("y ~ x z", "operator such as `\\+` is missing before `z`", 6),
        ("y ~ (x z)", "operator such as", 7),
        ("y ~ 2x", "operator such as", 5),
        ("y ~ x %in% z", "`%in%` is not supported.*`a:b`.*`a/b`", 6),
        ("y ~ x %o% z", "`%o%`", 6),
        ("y ~ d$x", "name the column alone", 5),
        ("y ~ x[1]", "compute the column", 5),
        ("y ~ 'x", "closing quote", 4),
        ("y ~ `x", "closing backtick", 4),
        ("y ~ x; z", "`;` has no meaning", 5),
        ("y = x", "written with `~`", 2),
        ("y ~ I(x = 1 = 2)", "compare with `==`", 12),
        ("y ~ a < b < c", "do not chain", 10),
        ("y ~ f(x,,2)", "between `,` and `,`", 8),
        ("y ~ x, z", "comma", 5),
        ("* ~ x", "left of `\\*`", 0),
        ("y ~ ()", "between `\\(` and `\\)`", 5),
    ],
)
def test_what_cannot_be_read_gets_a_caret(formula, message, position):
    with pytest.raises(FormulaError, match=message) as caught:
        read(formula)
    assert caught.value.position == position
    if position is not None:
        assert str(caught.value).endswith("\n    " + " " * position + "^")


def test_a_formula_is_text():
    with pytest.raises(FormulaError, match="got int"):
        read(3)  # type: ignore[arg-type]


def test_names_carry_their_positions_and_functions_are_not_names():
    _, right = read("y ~ log(x1) + f:x1 + poly(z, degree = k)")
    assert [(n.name, n.position) for n in names_in(right)] == [("x1", 8), ("f", 14), ("x1", 16), ("z", 26), ("k", 38)]


def test_positions_do_not_make_names_differ():
    assert Name("x", 3) == Name("x", 9)


def test_reserved_words_need_backticks():
    assert quoted("TRUE") == "`TRUE`"
    assert quoted(".1a") == "`.1a`"
