"""Labels: R's numbers, R's order of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayeslmm.design.levels import format_number, label, sort_text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        # as.character(x) in R 4.2
        (1.0, "1"),
        (0.5, "0.5"),
        (308.0, "308"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333333333"),
        (1e5, "1e+05"),
        (123456.0, "123456"),
        (1e15, "1e+15"),
        (0.001, "0.001"),
        (1e-4, "1e-04"),
        (0.00012, "0.00012"),
        (1.5e-10, "1.5e-10"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (-0.0, "0"),
        (float("inf"), "Inf"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_written_as_r_writes_them(x, text):
    assert format_number(x) == text


@given(st.floats(-1e300, 1e300))
def test_a_written_number_is_the_number_to_15_digits(x):
    assert float(format_number(x)) == pytest.approx(x, rel=1e-14, abs=0)


def test_labels_of_other_kinds():
    assert [label(v) for v in (True, 7, 10**17 + 1, 0.25, "a")] == ["TRUE", "7", "100000000000000001", "0.25", "a"]


def test_text_is_sorted_as_in_an_ordinary_locale():
    assert sort_text(["c", "B", "a"]) == ["a", "B", "c"]
    assert sort_text(["A", "a", "b", "B"]) == ["a", "A", "b", "B"]
    assert sort_text(["a10", "a2", "a_1", "Zoë", "zoo"]) == ["a_1", "a10", "a2", "Zoë", "zoo"]
