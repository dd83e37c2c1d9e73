"""Names that are too wide for their room."""

import pytest

from bayeslmm.results.short_names import short_names, two_lines
from bayeslmm.results.style import text_points

SCHOOLS = [f"Municipal school {i:02d} of the northern district" for i in range(40)]


def wide(texts, size=8):
    return max(text_points(t, size) for t in texts) / 72


def test_names_that_fit_are_as_they_were():
    assert short_names(["a", 2, "c d"], 1.0) == ["a", "2", "c d"]


@pytest.mark.parametrize("inches", [1.0, 1.5, 2.0])
def test_long_names_fit_and_still_differ(inches):
    found = short_names(SCHOOLS, inches)
    assert wide(SCHOOLS) > inches >= wide(found)
    assert len(set(found)) == 40
    assert all(f"{i:02d}" in name for i, name in enumerate(found))


def test_what_names_have_in_common_is_left_out_by_words():
    assert short_names(SCHOOLS, 1.0)[7] == "…school 07…"
    assert short_names([f"participant_{i}_of_the_long_named_study" for i in (110, 111)], 0.5) == ["…110…", "…111…"]


def test_names_that_differ_inside_are_cut_in_the_middle():
    first, second = short_names(["weeks_since_start_of_intervention", "age"], 1.0)
    assert second == "age"
    assert first[0] == "w"
    assert first[-1] == "n"
    assert "…" in first
    assert wide([first]) <= 1.0


def test_names_that_cannot_both_fit_differ_all_the_same():
    found = short_names(["axxxxxxxxxxxxxxxxxxxxxb", "axxxxxxxxxxyxxxxxxxxxxb", "b"], 0.2)
    assert len(set(found)) == 3


def test_equal_names_stay_equal_in_their_order():
    found = short_names([SCHOOLS[3], SCHOOLS[2], SCHOOLS[3]], 1.0)
    assert found[0] == found[2] != found[1]


def test_a_name_that_is_the_beginning_of_another():
    found = short_names(["the north of the country", "the north of the country, late"], 1.2)
    assert len(set(found)) == 2
    assert all(found)


@pytest.mark.parametrize("inches", [1.0, 1.5, 3.0])
def test_names_on_two_lines(inches):
    names = ["school_and_district weeks_since_start_of_intervention", "residual", "(Intercept)"]
    found = two_lines(names, inches)
    assert found[1:] == names[1:]
    assert found[0].count("\n") <= 1
    assert wide(found[0].split("\n")) <= inches
    assert two_lines(names, 5.0) == names
