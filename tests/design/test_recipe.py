"""The same columns for new data."""

import pickle

import numpy as np
import pandas as pd
import pytest

from bayeslmm.design import build
from bayeslmm.errors import ArgumentError, DataError

RNG = np.random.default_rng(11)
N = 72
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N) ** 2,
        "x": RNG.normal(size=N) + 5,
        "z": RNG.normal(size=N),
        "f": pd.Categorical(np.tile(list("abc"), 24), categories=list("cab"), ordered=True),
        "t": RNG.choice(["b", "A"], N),
        "l": RNG.random(N) > 0.5,
        "d": np.tile([0.5, 1.0], 36),
        "g": np.repeat(np.arange(12), 6),
        "s": np.repeat(list("uvw"), 24),
    }
)

FORMULAS = [
    "y ~ x + (x | g)",
    "log(y) ~ f * x + l + (t || g) + (1 | s)",
    "y ~ poly(x, 3) + bs(z, df = 5) + (ns(x, df = 2) | g)",
    "y ~ ns(x, df = 3) + scale(z) + center(d) + (scale(x) | g)",
    "y ~ 0 + f:x + factor(d) + offset(z) + (0 + t | s:g)",
    "y ~ 0 + I(x - mean(x)) + t:l + (0 + poly(z, 2) | s) + (1 | s/g)",
    "y ~ I(x > 5) + (f | s)",
    "y ~ 1 + (1 | s) + (1 | factor(g))",
    "y ~ scale(log(x)) + as.numeric(f) + relevel(t, ref = 'b') + (1 | g)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_fitted_rows_come_back_exactly(formula):
    design = build(formula, DATA, contrasts={"t": "sum"} if "t:l" in formula else None)
    for recipe in (design.recipe, pickle.loads(pickle.dumps(design.recipe))):
        rows = recipe.rows(DATA.drop(columns="y"))
        np.testing.assert_array_equal(rows.X, design.X)
        np.testing.assert_array_equal(rows.offset, design.offset)
        for new, term in zip(rows.terms, design.terms, strict=True):
            np.testing.assert_array_equal(new.Z, term.Z)
            np.testing.assert_array_equal(new.index, term.index)
            np.testing.assert_array_equal(new.labels, np.array(term.levels, dtype=object)[term.index])


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_few_rows_are_those_rows(formula):
    design = build(formula, DATA)
    some = [50, 3, 3, 20]
    rows = design.recipe.rows(DATA.iloc[some].astype({"f": str}))
    np.testing.assert_array_equal(rows.X, design.X[some])
    for new, term in zip(rows.terms, design.terms, strict=True):
        np.testing.assert_array_equal(new.Z, term.Z[some])
        np.testing.assert_array_equal(new.index, term.index[some])


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_rows(formula):
    design = build(formula, DATA)
    rows = design.recipe.rows(DATA.iloc[:0])
    assert rows.X.shape == (0, design.p)


def test_collinear_columns_stay_out():
    data = DATA.assign(x2=2 * DATA.x)
    with pytest.warns(UserWarning, match="x2"):
        design = build("y ~ x + x2 + z", data)
    np.testing.assert_array_equal(design.recipe.rows(data.iloc[:5]).X, design.X[:5])


def test_new_and_missing_levels_of_groups():
    recipe = build("y ~ x + (x | g) + (1 | s:t)", DATA).recipe
    rows = recipe.rows({"x": [1.0, 2, 3], "g": [11, 99, None], "s": ["u", "new", "v"], "t": ["A", "A", None]})
    group, pair = rows.terms
    assert group.index.tolist() == [11, -1, -1]
    assert group.labels.tolist() == ["11", "99", "NA"]
    assert pair.labels.tolist() == ["u:A", "new:A", "v:NA"]
    assert pair.index[0] >= 0
    assert pair.index[1:].tolist() == [-1, -1]
    named = recipe.rows({"x": [1.0, 2], "g": [3, "new_level"], "s": ["u", "u"], "t": ["A", "b"]})
    assert named.terms[0].index.tolist() == [3, -1]


def test_a_combination_that_never_occurred_is_new():
    recipe = build("y ~ x + (1 | s:g)", DATA).recipe
    assert recipe.rows({"x": [1.0], "s": ["u"], "g": [11]}).terms[0].index.tolist() == [-1]


def test_missing_values_give_nan():
    rows = build("y ~ x + f + offset(z) + (x | g)", DATA).recipe.rows(
        {"x": [1.0, None, 2.0, 1.0], "f": ["a", "a", None, "b"], "z": [0.0, 1.0, 2.0, None], "g": [0, 0, 0, 0]}
    )
    assert np.isnan(rows.X).any(axis=1).tolist() == [False, True, True, False]
    assert np.isnan(rows.terms[0].Z).any(axis=1).tolist() == [False, True, False, False]
    assert np.isnan(rows.offset).tolist() == [False, False, False, True]


def test_only_the_columns_of_the_groups_asked_for_are_needed():
    design = build("y ~ x + (z | g) + (1 | s)", DATA)
    rows = design.recipe.rows({"x": [1.0, 2.0]}, groups=())
    assert rows.X.tolist() == [[1, 1], [1, 2]]
    for new, term in zip(rows.terms, design.terms, strict=True):
        assert new.Z.tolist() == np.zeros((2, term.k)).tolist()
        assert new.index.tolist() == [-1, -1]
    only = design.recipe.rows({"x": [1.0], "s": ["v"]}, groups=["s"])
    assert [t.index.tolist() for t in only.terms] == [[-1], [1]]
    with pytest.raises(ArgumentError, match=r"no grouping factor `ss`.*`s`"):
        design.recipe.rows(DATA, groups=["ss"])


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"x": [1.0]}, "new data have no column `f`"),
        ({"f": ["a"], "xx": [1.0]}, r"no column `x`; did you mean `xx`\?"),
        ({"f": ["q"], "x": [1.0]}, '`f` has "q" in the new data.*levels are c, a, b'),
        ({"f": ["a"], "x": ["one"]}, "`x` held numbers"),
    ],
)
def test_new_data_that_do_not_fit(new, message):
    recipe = build("y ~ f + x + (1 | g)", DATA).recipe
    with pytest.raises(DataError, match=message):
        recipe.rows(new, groups=())


def test_new_logicals():
    recipe = build("y ~ l", DATA).recipe
    assert recipe.rows({"l": [True, False]}).X[:, 1].tolist() == [1, 0]
    assert recipe.rows({"l": [1, 0]}).X[:, 1].tolist() == [1, 0]
    with pytest.raises(DataError, match="true or false"):
        recipe.rows({"l": [2, 0]})


def test_one_new_row_from_plain_values():
    assert build("y ~ x", DATA).recipe.rows({"x": 3.0}).X.tolist() == [[1, 3]]


def test_offsets_of_new_rows():
    by_name = build("y ~ x + offset(2 * x)", DATA, offset="z").recipe
    assert by_name.rows({"x": [1.0], "z": [0.5]}).offset.tolist() == [2.5]
    with pytest.raises(DataError, match="no column `z`"):
        by_name.rows({"x": [1.0]})
    as_array = build("y ~ x", DATA, offset=DATA.z.to_numpy()).recipe
    with pytest.raises(DataError, match="array as offset"):
        as_array.rows({"x": [1.0]})
    assert as_array.rows({"x": [1.0]}, offset=[0.5]).offset.tolist() == [0.5]
