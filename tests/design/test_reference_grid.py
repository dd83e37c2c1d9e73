"""The reference grid: where the predictors are, and what the data can estimate."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bayeslmm.design import build
from bayeslmm.design.comparisons import comparisons, contrast_weights
from bayeslmm.design.reference_grid import reference_grid
from bayeslmm.design.slope_grid import slope_grid


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    n = 48
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.uniform(1, 9, n),
            "dummy": np.arange(n) % 2,
            "dose": np.repeat([0.5, 1.0, 2.0], 16),
            "late": np.arange(n) % 3 == 0,
            "f": pd.Categorical(list("bbca") * 12, categories=["c", "b", "a", "unused"]),
            "g": np.arange(n) // 8,
        }
    )


def values(grid):
    return {name: list(p.values) for name, p in grid.predictors.items()}


def test_where_the_predictors_are(data):
    design = build("y ~ log(x) + dummy + factor(dose) + late * f + (1 | g)", data)
    assert values(reference_grid(design)) == {
        "x": [pytest.approx(data["x"].mean())],
        "dummy": [0, 1],
        "dose": [0.5, 1.0, 2.0],
        "late": [False, True],
        "f": ["c", "b", "a"],
    }
    chosen = reference_grid(design, {"x": 2, "dose": [2, 0.5], "late": True, "f": ("a",), "dummy": 0.5})
    assert values(chosen) == {"x": [2], "dummy": [0.5], "dose": [2.0, 0.5], "late": [True], "f": ["a"]}


def test_a_condition_does_not_make_a_number_a_factor(data):
    design = build("y ~ I(x > 5) * relevel(factor(dose), '2') + (1 | g)", data)
    assert values(reference_grid(design)) == {"x": [pytest.approx(data["x"].mean())], "dose": [0.5, 1.0, 2.0]}


def test_only_the_rows_used_count(data):
    data.loc[:9, "y"] = np.nan
    design = build("y ~ x + f + (1 | g)", data)
    assert values(reference_grid(design))["x"] == [pytest.approx(data["x"][10:].mean())]


def test_what_the_data_cannot_estimate_is_not_there(data):
    empty_cell = data[~((data["f"] == "a") & data["late"])]
    with pytest.warns(UserWarning, match="rank deficient"):
        design = build("y ~ late * f + x + (1 | g)", empty_cell)
    means = reference_grid(design).means(["f", "late"])
    lost = np.isnan(means.L).any(axis=1)
    assert list(zip(means.labels["f"][lost], means.labels["late"][lost], strict=True)) == [("a", True)]
    # a mean over the empty cell is lost too, unless it has no weight
    assert np.isnan(reference_grid(design).means(["f"]).L).any(axis=1).tolist() == [False, False, True]
    assert not np.isnan(reference_grid(design).means(["f"], "cells").L).any()
    assert not np.isnan(slope_grid(design, "x").means(["f"]).L[:2]).any()


def test_slopes_leave_no_rounding_behind(data):
    data["year"] = 2000 + data["x"]
    design = build("y ~ year * f + dose + (1 | g)", data)
    L = slope_grid(design, "year").means(["f"]).L
    expected = np.zeros((3, design.p))
    names = list(design.coef_names)
    expected[:, names.index("year")] = 1
    expected[1, names.index("year:fb")] = expected[2, names.index("year:fa")] = 1
    assert_allclose(L, expected, atol=1e-8)
    assert ((L == 0) == (expected == 0)).all()


def test_contrasts_sum_to_zero_and_families_are_counted(data):
    design = build("y ~ factor(dose) * f + (1 | g)", data)
    means = reference_grid(design).means(["dose", "f"])
    for method in ("pairwise", "revpairwise", "trt.vs.ctrl", "consec", "eff", "poly"):
        weights = np.array([w for _, w in contrast_weights(list("abcd"), method)])
        assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
        found = comparisons(means, ["f"], method)
        assert found.n_means == 3
        assert found.family.tolist() == sorted(found.family)
        assert set(found.functions.labels["f"]) == {"c", "b", "a"}
    assert [w.tolist() for _, w in contrast_weights(list("abcde"), "poly")] == [
        [-2, -1, 0, 1, 2],
        [2, -1, -2, -1, 2],
        [-1, 2, 0, -2, 1],
        [1, -4, 6, -4, 1],
    ]
