"""What was left out: counted by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError
from bayeslmm.results.missing import missing


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "y": rng.normal(size=60),
            "x": np.repeat([0.0, 1.0], 30),
            "g": [f"g{i // 10}" for i in range(60)],
            "h": [f"h{i % 4}" for i in range(60)],
            "unused": np.nan,
        }
    )
    data.loc[0:9, "y"] = np.nan
    data.loc[[10, 11], "x"] = np.nan
    data.loc[[11, 12], "y"] = np.nan
    data.loc[59, "g"] = None
    return data


def test_one_level_that_is_gone():
    data = frame().dropna(subset=["g"])
    assert "1 level is gone altogether: g0" in str(blm.Model("y ~ x + (1 | g)", data).missing())


def test_rows_variables_and_patterns():
    found = blm.Model("y ~ x + (1 | g) + (1 | g:h)", frame()).missing()
    assert (found.n, found.n_used, found.n_lost) == (60, 46, 14)
    assert found.variables["missing"].to_dict() == {"y": 12, "x": 2, "g": 1, "h": 0}
    assert found.variables["alone"].to_dict() == {"y": 11, "x": 1, "g": 1, "h": 0}
    assert dict(found.patterns.to_numpy().tolist()) == {"y": 11, "x": 1, "y, x": 1, "g": 1}


def test_levels_that_lost_rows_those_that_are_gone_among_them():
    found = blm.Model("y ~ x + (1 | g) + (1 | h)", frame()).missing()
    g = found.groups[found.groups["group"] == "g"].set_index("level")
    assert g["lost"].to_dict() == {"g0": 10, "NA": 1, "g1": 3, "g2": 0, "g3": 0, "g4": 0, "g5": 0}
    assert g.loc["g5", "rows"] == 9
    assert found.groups.groupby("group")["rows"].sum().tolist() == [60, 60]
    assert found.groups.groupby("group")["lost"].sum().tolist() == [14, 14]
    text = str(found)
    assert "14 of 60 rows (23.3%)" in text
    assert "g: 3 of 7 levels lost rows, most g0 (10 of 10), NA (1 of 1), g1 (3 of 10)" in text
    assert "2 levels are gone altogether: g0, NA" in text


def test_what_differs_in_the_rows_left_out():
    found = blm.Model("y ~ x + (1 | g)", frame()).missing()
    row = found.differences.loc["x"]
    used = np.r_[np.zeros(17), np.ones(29)]
    assert row["used"] == pytest.approx(29 / 46)
    assert row["lost"] == pytest.approx(1 / 12)
    assert row["known"] == 12
    assert row["difference"] == pytest.approx((1 / 12 - 29 / 46) / used.std(ddof=1))


def test_expressions_weights_and_offsets_are_followed_to_their_columns():
    data = frame().assign(o=0.5, k=lambda d: np.arange(60) % 5)
    data.loc[20, "o"] = np.nan
    found = blm.Model("y ~ log(x + 1) + (1 | factor(k))", data, offset="o").missing()
    assert found.variables["missing"].to_dict() == {"y": 12, "x": 2, "k": 0, "o": 1}
    assert set(found.groups["group"]) == {"factor(k)"}
    given = np.zeros(60)
    given[21] = np.nan
    assert blm.Model("y ~ x + (1 | h)", data, offset=given).missing().variables.loc["offset=", "alone"] == 1


def test_nothing_is_missing():
    found = blm.Model("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy")).missing()
    assert str(found) == "nothing is missing: all 180 rows were used"
    assert found.patterns.empty
    assert found.groups["lost"].sum() == 0


def test_a_design_by_hand_cannot_know():
    design = replace(build("y ~ x + (1 | h)", frame()), source=None)
    with pytest.raises(ArgumentError, match="put together by hand"):
        missing(design)


def test_a_linear_fit_tells_too_and_has_no_groups():
    found = blm.lm("y ~ x", frame()).missing()
    assert (found.n, found.n_used) == (60, 47)
    assert dict(found.patterns.to_numpy().tolist()) == {"y": 11, "x": 1, "y, x": 1}
    assert found.groups.empty
    assert "13 of 60 rows" in str(found)
