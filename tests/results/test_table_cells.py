"""Tables as text: the decimals, what is missing, what a cell sorts by."""

import numpy as np
import pandas as pd
import pytest

from bayeslmm.errors import ArgumentError
from bayeslmm.results.table_cells import MISSING, cells_of


def test_numbers_of_one_unit_have_the_decimals_of_their_standard_error():
    frame = pd.DataFrame({"estimate": [251.4051, 0.012345], "se": [6.8246, 0.000321], "t": [36.838, 38.4579]})
    assert cells_of(frame).rows == (("251.41", "6.82", "36.84"), ("0.012345", "0.000321", "38.46"))


def test_the_index_is_a_column_where_it_says_something():
    frame = pd.DataFrame({"df": [17.0, 12.06]}, index=pd.Index(["a", "b"], name="term"))
    cells = cells_of(frame)
    assert cells.header == ("term", "df")
    assert cells.rows == (("a", "17.00"), ("b", "12.06"))
    assert cells.numeric == (False, True)
    assert cells.values == (("a", 17.0), ("b", 12.06))
    assert cells_of(frame.reset_index(drop=True)).header == ("df",)


def test_an_index_of_several_levels_and_headers_of_several_levels():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "")]))
    frame.index = pd.MultiIndex.from_tuples([("g", 1)], names=["group", None])
    assert cells_of(frame).header == ("group", "", "a x", "b")
    assert cells_of(frame).rows == (("g", "1", "1", "2"),)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.nan, MISSING),
        (np.inf, "\N{INFINITY}"),
        (-0.0, "0"),
        (-2.0, "\N{MINUS SIGN}2"),
        (1234567.0, "1234567"),
        (3e12, "3.00e+12"),
        (0.123456, "0.123"),
        (4.2e-9, "4.20e\N{MINUS SIGN}09"),
        (True, "yes"),
        (None, MISSING),
        ("text", "text"),
    ],
)
def test_single_values(value, text):
    assert cells_of(pd.DataFrame({"x": [value]})).rows == ((text,),)


def test_p_values():
    assert [r[0] for r in cells_of(pd.DataFrame({"p": [0.0499, 1e-9, np.nan]})).rows] == [".050", "< .001", MISSING]


def test_an_empty_table_and_a_series():
    assert cells_of(pd.DataFrame({"a": []})).rows == ()
    assert cells_of(pd.Series({"x": 1.5}, name="icc")).rows == (("x", "1.50"),)


def test_something_else_is_refused():
    with pytest.raises(ArgumentError, match="a table is a data frame or a series; got list"):
        cells_of([1])
