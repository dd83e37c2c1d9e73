"""Containment df against nlme, and where they are exact."""

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.point.containment import coefficient_df
from tests.reference_cases import HOME, arguments, load_case, load_frame

REFERENCE = json.loads((HOME / "containment" / "nlme.json").read_text())["cases"]


def fitted(name):
    case = load_case(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return blm.lmer(case["formula"], load_frame(case), **arguments(case))


@pytest.mark.parametrize("case", REFERENCE, ids=[c["case"] for c in REFERENCE])
def test_equal_to_nlme(case):
    found = fitted(case["case"]).tests("containment")["df"]
    # by position: the levels of two factors have another order here
    assert found.tolist() == list(case["df"].values())


def test_contrasts_and_tables_have_the_smallest_df_in_them():
    fit = fitted("orthodont")
    found = fit._inference("containment")
    assert_allclose(found.df(np.array([[0, 1.0, 0, 0], [0, 1.0, 1.0, 0], [1e-20, 0, 1.0, 0]])), [79, 25, 25])
    table = fit.anova(type=2, ddf="containment")
    assert table.table["DenDF"].to_dict() == {"age": 79, "Sex": 25, "age:Sex": 79}
    assert "containment df" in str(table)


def test_a_stratum_without_df_has_none():
    g = np.repeat([0, 1, 2], 4)
    X = np.column_stack([np.ones(12), g == 1, g == 2, np.tile(np.arange(4.0), 3)])
    assert_allclose(coefficient_df(X, [g]), [8, np.nan, np.nan, 8])


def test_crossed_factors_are_refused():
    with pytest.raises(ArgumentError, match="defined for nested grouping factors; `plate`, `sample` are crossed"):
        fitted("penicillin").summary("containment")
