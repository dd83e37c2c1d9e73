"""Designs: sizes, labels, what is lost."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError


def test_crossed_has_all_combinations_as_often_as_asked():
    data = blm.crossed(subject=20, item=12, condition=["a", "b"], rows=3)
    assert (data.groupby(["subject", "item", "condition"]).size() == 3).all()
    assert data.shape == (20 * 12 * 2 * 3, 3)
    assert data["subject"].unique().tolist()[:2] == ["s01", "s02"]
    assert blm.crossed(class_=2).columns.tolist() == ["class"]


def test_nested_labels_are_used_once():
    data = blm.nested(school=3, class_=[1, 2, 4], pupil=(2, 5), seed=4)
    assert data.columns.tolist() == ["school", "class", "pupil"]
    assert data.groupby("school")["class"].nunique().tolist() == [1, 2, 4]
    assert (data.groupby("class")["school"].nunique() == 1).all()
    sizes = data.groupby("class")["pupil"].nunique()
    assert sizes.between(2, 5).all()
    assert sizes.nunique() > 1
    pd.testing.assert_frame_equal(data, blm.nested(school=3, class_=[1, 2, 4], pupil=(2, 5), seed=4))


def test_who_drops_out_does_not_come_back_and_at_the_stated_rate():
    design = blm.crossed(subject=2000, day=[3, 0, 1, 2])
    left = blm.dropout(design, by="subject", over="day", rate=0.25, seed=1)
    stays = left.groupby("subject")["day"].agg(["max", "size"])
    assert (stays["max"] == stays["size"] - 1).all()
    share = left.groupby("day").size() / 2000
    expected = 0.75 ** np.arange(4)
    assert np.abs(share - expected).max() < 4 * np.sqrt(0.25 / 2000)
    pd.testing.assert_frame_equal(blm.dropout(design, by="subject", over="day", rate=0), design)


def test_thinned_loses_the_stated_share():
    left = blm.thinned(blm.crossed(a=100, b=100), 0.3, seed=2)
    assert abs(len(left) / 10_000 - 0.7) < 4 * np.sqrt(0.21 / 10_000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blm.crossed(), "needs a factor"),
        (lambda: blm.crossed(a=0), "a=0 must be a whole number, at least 1"),
        (lambda: blm.crossed(a=2.5), "whole number"),
        (lambda: blm.crossed(a="abc"), "a number of levels, or a list"),
        (lambda: blm.crossed(a=[]), "no levels"),
        (lambda: blm.nested(a=3), "two factors or more"),
        (lambda: blm.nested(a=3, b=[1, 2]), "b has 2 sizes; the factor before has 3 levels"),
        (lambda: blm.nested(a=3, b=(4, 2)), "smaller number comes first"),
        (
            lambda: blm.dropout(blm.crossed(a=2), by="a", over="a", rate=1),
            "rate=1 must be a number, at least 0",
        ),
        (lambda: blm.dropout(blm.crossed(a=2), by="a", over="a", rate="a"), "rate='a' must be a number"),
        (lambda: blm.thinned(blm.crossed(a=2), -1), "share=-1"),
        (lambda: blm.thinned(blm.crossed(a=2), 0.5, seed=-1), "seed=-1 must be a whole number"),
        (lambda: blm.nested(a=2, b=(1, 3), seed="a"), "seed='a'"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_any_frame_may_be_a_design():
    design = blm.crossed(a=30, day=5)
    for lose in (lambda d: blm.dropout(d, "a", "day", 0.3, seed=1), lambda d: blm.thinned(d, 0.3, seed=1)):
        pd.testing.assert_frame_equal(lose(pl.from_pandas(design)), lose(design), check_dtype=False)


def test_rows_that_belong_nowhere_are_refused():
    design = blm.crossed(a=3, day=range(4))
    for column in ("a", "day"):
        with pytest.raises(DataError, match=f"`{column}` is missing in 2 of 12 rows of the design"):
            blm.dropout(design.assign(**{column: design[column].where(design.index > 1)}), "a", "day", 0.3)


def test_a_column_that_there_is_not():
    with pytest.raises(DataError, match="no column `days` in the design; did you mean `day`"):
        blm.dropout(blm.crossed(subject=2, day=3), by="subject", over="days", rate=0.1)
