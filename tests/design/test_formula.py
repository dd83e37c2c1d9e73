"""The grammar as a table: formula -> what R's terms() and lme4's findbars() say."""

import warnings

import pytest

from bayeslmm.design import parse
from bayeslmm.errors import DesignWarning, FormulaError

FIXED = [
    # right side, terms as R labels them, intercept
    ("1", (), True),
    ("0", (), False),
    ("x", ("x",), True),
    ("x + z", ("x", "z"), True),
    ("z + x", ("z", "x"), True),
    ("x + x", ("x",), True),
    ("x - 1", ("x",), False),
    ("0 + x", ("x",), False),
    ("-1 + x", ("x",), False),
    ("x + -1", ("x",), False),
    ("x + 0 + 1", ("x",), True),
    ("x - 0", ("x",), True),
    ("x - 1 + 1", ("x",), True),
    ("a:b", ("a:b",), True),
    ("b:a + a", ("a", "b:a"), True),
    ("a*b", ("a", "b", "a:b"), True),
    ("a*b*c", ("a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"), True),
    ("a*b - a", ("b", "a:b"), True),
    ("a*b - a:b", ("a", "b"), True),
    ("a*b - (a:b)", ("a", "b"), True),
    ("a*b*c - a:b:c", ("a", "b", "c", "a:b", "a:c", "b:c"), True),
    ("a/b", ("a", "a:b"), True),
    ("a/b/c", ("a", "a:b", "a:b:c"), True),
    ("a/(b + c)", ("a", "a:b", "a:c"), True),
    ("(a + b)/c", ("a", "b", "a:b:c"), True),
    ("(a + b)^2", ("a", "b", "a:b"), True),
    ("(a + b + c)^2", ("a", "b", "c", "a:b", "a:c", "b:c"), True),
    ("(a + b + c)^3", ("a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"), True),
    ("(a + b + c)^2 - a:b", ("a", "b", "c", "a:c", "b:c"), True),
    ("(a + b):(c + d)", ("a:c", "a:d", "b:c", "b:d"), True),
    ("a:a", ("a",), True),
    ("x^2", ("x",), True),
    ("a:b + c", ("c", "a:b"), True),
    ("c:a:b", ("c:a:b",), True),
    ("b + c:a + b:a", ("b", "c:a", "b:a"), True),
    ("I(x^2) + log(x):a", ("I(x^2)", "log(x):a"), True),
    ("poly(x,2)*a", ("poly(x, 2)", "a", "poly(x, 2):a"), True),
    ("x + offset(log(z))", ("x",), True),
    ("offset(z)", (), True),
    ("x > 3 + z", ("x > 3 + z",), True),
    ("(x)", ("x",), True),
    ("+x", ("x",), True),
]


@pytest.mark.parametrize(("right", "labels", "intercept"), FIXED)
def test_fixed_terms(right, labels, intercept):
    formula = parse(f"y ~ {right}")
    assert formula.term_labels == labels
    assert formula.has_intercept is intercept
    assert formula.random == ()


@pytest.mark.parametrize(("right", "labels", "intercept"), FIXED)
def test_a_bar_changes_nothing_of_the_fixed_part(right, labels, intercept):
    assert parse(f"y ~ ({right}) + (1 | g)").term_labels == labels
    with_bar_first = parse(f"y ~ (1 | g) + ({right})")
    assert with_bar_first.term_labels == labels
    assert with_bar_first.has_intercept is intercept


@pytest.mark.parametrize(
    ("bars", "groups"),
    [
        # (group name, effect terms, intercept, correlated)
        ("(1 | g)", [("g", (), True, True)]),
        ("(x | g)", [("g", ("x",), True, True)]),
        ("(0 + x | g)", [("g", ("x",), False, True)]),
        ("(x - 1 | g)", [("g", ("x",), False, True)]),
        ("(x || g)", [("g", ("x",), True, False)]),
        ("(a*b || g)", [("g", ("a", "b", "a:b"), True, False)]),
        ("(1 | a:b)", [("a:b", (), True, True)]),
        ("(1 | a/b)", [("b:a", (), True, True), ("a", (), True, True)]),
        ("(x || a/b)", [("b:a", ("x",), True, False), ("a", ("x",), True, False)]),
        ("(1 | a/b/c)", [("c:(b:a)", (), True, True), ("b:a", (), True, True), ("a", (), True, True)]),
        ("(1 | a*b)", [("a", (), True, True), ("b", (), True, True), ("a:b", (), True, True)]),
        ("(1 | a + b)", [("a", (), True, True), ("b", (), True, True)]),
        ("(1 | a/(b + c))", [("b:a", (), True, True), ("c:a", (), True, True), ("a", (), True, True)]),
        ("(1 | (a:b))", [("a:b", (), True, True)]),
        ("(1 | a:b:c)", [("a:b:c", (), True, True)]),
        ("(1 | factor(g))", [("factor(g)", (), True, True)]),
        ("(1 | factor(g):h)", [("factor(g):h", (), True, True)]),
        ("(1 | `my group`)", [("my group", (), True, True)]),
        ("((1 | g))", [("g", (), True, True)]),
        ("((1 | g) + (x | h))", [("g", (), True, True), ("h", ("x",), True, True)]),
    ],
)
def test_random_terms(bars, groups):
    formula = parse(f"y ~ x + {bars}")
    assert formula.term_labels == ("x",)
    found = [
        (b.group.name, tuple(t.label for t in b.effects.terms), b.effects.has_intercept, b.correlated)
        for b in formula.random
    ]
    assert found == groups


def test_only_bars_leave_an_intercept():
    formula = parse("y ~ (1 | g)")
    assert formula.has_intercept
    assert formula.term_labels == ()
    assert not parse("y ~ 0 + (1 | g)").has_intercept
    assert not parse("y ~ (1 | g) - 1").has_intercept


def test_a_bar_inside_a_function_is_the_logical_or():
    assert parse("y ~ I(a | b)").term_labels == ("I(a | b)",)


def test_the_response_may_be_an_expression():
    assert parse("log(y + 1) ~ x").response.label == "log(y + 1)"
    assert parse("cbind(a, b - a) ~ x").response.label == "cbind(a, b - a)"


def test_offsets_are_kept_apart():
    formula = parse("y ~ x + offset(log(z)) + offset(w)")
    assert [len(o.arguments) for o in formula.offsets] == [1, 1]
    assert formula.term_labels == ("x",)


def test_the_response_on_the_right_is_dropped_with_a_warning():
    with pytest.warns(DesignWarning, match="`y` also stands right"):
        assert parse("y ~ y + x").term_labels == ("x",)


def test_variables_are_ordered_by_first_appearance():
    assert parse("y ~ b:a + c + a:c").term_labels == ("c", "b:a", "a:c")
    assert parse("y ~ c:b + b:a").term_labels == ("c:b", "b:a")


@pytest.mark.parametrize(
    ("formula", "message", "position"),
    [
        ("y ~ 2 + x", "`2` is not a term", 4),
        ("y ~ 'a'", "not a term", 4),
        ("y ~ TRUE", "not a term", 4),
        ("y ~ x^1.5", "whole number", 6),
        ("y ~ x^z", "whole number", 6),
        ("y ~ .", "`.` \\(all columns\\)", 4),
        ("y ~ x + 1 | g", "in parentheses", 10),
        ("y ~ x * (1 | g)", "in parentheses", 11),
        ("y ~ x - (1 | g)", "cannot be taken away", 11),
        ("y ~ (0 | g)", "no effects", 5),
        ("y ~ (1 | 1)", "grouping factor is a column", 9),
        ("y ~ (1 | g - h)", "grouping factor is a column", 11),
        ("y ~ ((1 | g) | h)", "in parentheses", 8),
        ("y ~ (x + offset(z) | g)", "belongs to the fixed part", 9),
        ("1 ~ x", "names no column", 0),
        (". ~ x", "cannot be the response", 0),
    ],
)
def test_what_has_no_meaning_gets_a_caret(formula, message, position):
    with pytest.raises(FormulaError, match=message) as caught:
        parse(formula)
    assert caught.value.position == position


def test_a_high_power_ends():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(parse("y ~ (a + b + c)^1000000").term_labels) == 7


def test_long_sums_and_deep_nesting():
    right = " + ".join(f"x{i}" for i in range(3000))
    assert len(parse(f"y ~ {right} + (1 | g)").term_labels) == 3000
    with pytest.raises(FormulaError, match="nested too deeply"):
        parse("y ~ " + "(" * 5000 + "x" + ")" * 5000)
