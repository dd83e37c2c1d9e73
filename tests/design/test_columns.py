"""Any frame -> numbers, logicals, factors; the caller's data stay as they are."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayeslmm.design.columns import table
from bayeslmm.design.values import Factor, Logical, Numeric, as_factor
from bayeslmm.errors import DataError


def read(series, name="v"):
    return table({name: series} if not isinstance(series, pd.Series) else pd.DataFrame({name: series})).read([name])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, None], dtype="Int64"),
        pd.Series([1.0, 2.0, np.nan]),
        pd.Series([1, 2, None], dtype=object),
        pd.Series([1, 2, None], dtype="Float64"),
        pd.Series([1, 2, None], dtype="int64[pyarrow]"),
        [1, 2, None],
    ],
)
def test_numbers(values):
    value = read(values).values["v"]
    assert isinstance(value, Numeric)
    np.testing.assert_array_equal(value.values, [1, 2, np.nan])
    assert as_factor(value).levels == ("1", "2")


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["b", "A", None]),
        pd.Series(["b", "A", None], dtype=object),
        pd.Series(["b", "A", None], dtype="string"),
        pd.Series(["b", "A", np.nan], dtype=object),
    ],
)
def test_text(values):
    value = read(values).values["v"]
    assert isinstance(value, Factor)
    assert value.levels == ("A", "b")
    np.testing.assert_array_equal(value.codes, [1, 0, -1])


@pytest.mark.parametrize(
    "values",
    [pd.Series([True, False, None], dtype="boolean"), pd.Series([True, False, None], dtype=object)],
)
def test_logicals(values):
    value = read(values).values["v"]
    assert isinstance(value, Logical)
    np.testing.assert_array_equal(value.values, [1, 0, np.nan])
    assert as_factor(value).levels == ("FALSE", "TRUE")


def test_categories_keep_their_order():
    value = read(pd.Series(pd.Categorical(["lo", "hi", None], categories=["mid", "lo", "hi"], ordered=True))).values[
        "v"
    ]
    assert isinstance(value, Factor)
    assert value.levels == ("mid", "lo", "hi")
    assert value.ordered
    np.testing.assert_array_equal(value.codes, [1, 2, -1])
    assert value.drop_unused().levels == ("lo", "hi")
    numbers = read(pd.Series(pd.Categorical([2.0, 0.5], categories=[2.0, 0.5]))).values["v"]
    assert numbers.levels == ("2", "0.5")


def test_long_identifiers_keep_their_digits():
    value = read([2**60, 2**60 + 1, 5]).values["v"]
    assert as_factor(value).levels == ("5", str(2**60), str(2**60 + 1))


def test_dates_are_levels():
    value = read(pd.Series(pd.to_datetime(["2020-01-02", "2020-01-01", None]))).values["v"]
    assert value.kind == "date"
    np.testing.assert_array_equal(value.codes, [1, 0, -1])
    assert read([datetime.date(2020, 1, 1)] * 2).values["v"].kind == "date"


def frames():
    data = {"i": [3, 1, None], "x": [0.5, None, 2.0], "s": ["b", None, "A"], "b": [True, None, False]}
    as_polars = pl.DataFrame(data).with_columns(e=pl.Series(["u", "v", None], dtype=pl.Enum(["v", "u"])))
    as_arrow = pa.table({**data, "e": pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), pa.array(["v", "u"]))})
    as_pandas = pd.DataFrame(data).assign(
        e=pd.Categorical(["u", "v", None], categories=["v", "u"]), b=pd.Series(data["b"], dtype="boolean")
    )
    return {"pandas": as_pandas, "polars": as_polars, "lazy": as_polars.lazy(), "pyarrow": as_arrow}


@pytest.mark.parametrize("kind", frames())
def test_every_frame_reads_the_same(kind):
    columns = table(frames()[kind]).read(["i", "x", "s", "b", "e"])
    assert columns.n == 3
    v = columns.values
    np.testing.assert_array_equal(v["i"].values, [3, 1, np.nan])
    np.testing.assert_array_equal(v["x"].values, [0.5, np.nan, 2.0])
    assert v["s"].levels == ("A", "b")
    assert v["e"].levels == ("v", "u")
    np.testing.assert_array_equal(v["s"].codes, [1, -1, 0])
    np.testing.assert_array_equal(v["e"].codes, [1, 0, -1])
    np.testing.assert_array_equal(v["b"].values, [1, np.nan, 0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2], "type list.*data frame"),
        (None, "type NoneType"),
        ({"x": [1, 2], "y": [1]}, "differ in length: `x` 2, `y` 1"),
    ],
)
def test_what_is_no_frame(data, message):
    with pytest.raises(DataError, match=message):
        table(data)


def test_columns_that_cannot_be_read():
    with pytest.raises(DataError, match="`v` mixes int, str"):
        read([1, "a"])
    with pytest.raises(DataError, match="complex"):
        read([1 + 2j])
    twice = pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"])
    with pytest.raises(DataError, match="2 columns of the data are called `x`"):
        table(twice).read(["x"])
    assert table(twice).read(["y"]).n == 1
