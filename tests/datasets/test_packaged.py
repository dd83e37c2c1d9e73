"""Packaged data are what R has, and what their documentation says."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bayeslmm import datasets
from bayeslmm.errors import ArgumentError
from tests.reference_cases import load_case, load_frame

# a reference case that has the same data
CASES = {
    "salary": "salary_rs",
    "sleepstudy": "sleep_slope",
    "penicillin": "penicillin",
    "pastes": "pastes_slash",
    "cake": "cake_factor",
    "dyestuff": "dyestuff",
    "dyestuff2": "dyestuff2",
    "oats": "oats",
    "machines": "machines_ri",
    "orthodont": "orthodont",
    "rail": "rail",
    "ergostool": "ergostool",
    "chickweight": "chickweight",
    "cbpp": "cbpp_cbind",
    "earthquake": "earthquake",
}


def test_every_data_set_is_held_against_r():
    assert set(CASES) == set(datasets.names())


@pytest.mark.parametrize("name", datasets.names())
def test_same_values_and_levels_as_in_r(name):
    found = datasets.load(name)
    assert_frame_equal(found, load_frame(load_case(CASES[name]))[list(found)], check_dtype=True)


@pytest.mark.parametrize("name", datasets.names())
def test_the_documentation_describes_the_data(name):
    about, frame = datasets.describe(name), datasets.load(name)
    assert len(frame) == about.rows
    assert list(frame) == list(about.columns)
    assert not frame.isna().any(axis=None)
    for column, said in about.columns.items():
        if said.levels is None:
            assert pd.api.types.is_numeric_dtype(frame[column])
        else:
            assert frame[column].cat.ordered == said.ordered
            assert set(frame[column]) == set(said.levels)


@pytest.mark.parametrize("name", datasets.names())
def test_the_printed_documentation_has_everything(name):
    about = datasets.describe(name)
    text = " ".join(repr(about).split())
    for part in (
        about.title,
        about.description,
        about.source,
        about.formula,
        *(c.description for c in about.columns.values()),
    ):
        assert " ".join(part.split()) in text
    assert max(map(len, repr(about).splitlines())) <= 90
    assert f"`{name}`" in datasets.__doc__


def test_each_call_gives_a_new_frame():
    first = datasets.load("rail")
    first["travel"] = 0.0
    assert (datasets.load("rail")["travel"] > 0).all()


def test_case_does_not_matter():
    assert_frame_equal(datasets.load("Penicillin"), datasets.load("penicillin"))
    assert datasets.describe("ChickWeight").name == "chickweight"


@pytest.mark.parametrize("function", [datasets.load, datasets.describe])
def test_an_unknown_name_gets_the_nearest_ones(function):
    with pytest.raises(ArgumentError, match="no data set `Sleepstdy`; did you mean `sleepstudy`"):
        function("Sleepstdy")
    with pytest.raises(ArgumentError, match="no data set `zzz`; there is `salary`, `sleepstudy`"):
        function("zzz")
