"""Hypotheses in text: names that contain each other, precedence, chains."""

import pytest
from numpy.testing import assert_allclose

from bayeslmm.design.linear_text import RELATIONS, parse_hypotheses
from bayeslmm.errors import ArgumentError

NAMES = ["(Intercept)", "x", "x2", "x:f", "I(x^2)", "poly(x, 2)1", "a.b", "log(x)", "my var"]


def row(**weights):
    return [weights.get(str(i), 0) for i in range(len(NAMES))]


@pytest.mark.parametrize(
    ("text", "weights", "null"),
    [
        ("x", {1: 1}, 0),
        ("x2 = 3", {2: 1}, 3),
        ("x:f-x=0", {3: 1, 1: -1}, 0),
        ("I(x^2) = -1e-2", {4: 1}, -0.01),
        ("poly(x, 2)1 + a.b", {5: 1, 6: 1}, 0),
        ("2*x - 3*(x2 - 1) = 4", {1: 2, 2: -3}, 1),
        ("x / 4 + 1 = x2", {1: 0.25, 2: -1}, -1),
        ("-x + +x2", {1: -1, 2: 1}, 0),
        ("(Intercept) + x*2 = 5", {0: 1, 1: 2}, 5),
        ("log(x) == .5", {7: 1}, 0.5),
        ("`my var` - my var + x = 1", {1: 1}, 1),
        ("2 * 3 * x", {1: 6}, 0),
    ],
)
def test_one_hypothesis(text, weights, null):
    (found,) = parse_hypotheses(text, NAMES)
    assert_allclose(found.weights, row(**{str(k): v for k, v in weights.items()}))
    assert found.null == pytest.approx(null)
    assert found.text == text.strip()


def test_chains_and_lists():
    found = parse_hypotheses("x = x2 = 1; log(x), poly(x, 2)1 = 2", NAMES)
    assert [h.text for h in found] == ["x = x2 = 1 (1)", "x = x2 = 1 (2)", "log(x)", "poly(x, 2)1 = 2"]
    assert [h.null for h in found] == [0, 1, 0, 2]


def test_inequalities_where_they_are_asked_for():
    found = parse_hypotheses("x > x2 >= 1, 2 < x, x == 3, x", NAMES, relations=RELATIONS)
    assert [h.relation for h in found] == [">", ">=", "<", "=", ""]
    assert [h.null for h in found] == [0, 1, -2, 3, 0]
    assert_allclose(found[2].weights, row(**{"1": -1}))
    with pytest.raises(ArgumentError, match="operator is missing"):
        parse_hypotheses("x > 0", NAMES)


@pytest.mark.parametrize("text", ["x3", "x:g", "xx", "x.f", "poly(x, 3)1", "sin(x)", "x ^ 2", "a.", "`x", "y"])
def test_names_are_whole(text):
    with pytest.raises(ArgumentError, match=r"no coefficient|is missing"):
        parse_hypotheses(text, NAMES)
