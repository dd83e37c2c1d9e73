"""The whole way: invariances, and the cases that R gave answers for."""

import time

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslmm.design import build

RNG = np.random.default_rng(2)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "f": RNG.choice(list("abc"), N),
        "g": np.repeat([f"g{i}" for i in range(10)], 6),
        "h": np.tile([f"h{i}" for i in range(6)], 10),
    }
)
FORMULA = "y ~ f * x + (f || g) + (x | h) + (1 | f:h)"


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(N)))
def test_row_order_changes_only_the_order_of_rows(order):
    order = np.array(order)
    before, after = build(FORMULA, DATA), build(FORMULA, DATA.iloc[order])
    assert after.coef_names == before.coef_names
    np.testing.assert_array_equal(after.X, before.X[order])
    np.testing.assert_array_equal(after.y, before.y[order])
    for a, b in zip(after.terms, before.terms, strict=True):
        assert a.levels == b.levels
        np.testing.assert_array_equal(a.index, b.index[order])
        np.testing.assert_array_equal(a.Z, b.Z[order])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=4), min_size=10, max_size=10, unique=True))
def test_new_names_for_levels_only_rename(names):
    renamed = DATA.assign(g=DATA.g.map({f"g{i}": name for i, name in enumerate(names)}))
    before, after = build("y ~ x + (1 | g)", DATA).terms[0], build("y ~ x + (1 | g)", renamed).terms[0]
    assert sorted(after.levels) == sorted(names)
    assert [after.levels[i] for i in after.index] == [names[int(before.levels[i][1:])] for i in before.index]


def test_terms_by_number_of_levels_then_by_the_formula():
    assert [t.group for t in build("y ~ 1 + (1 | f) + (1 | h) + (1 | g)", DATA).terms] == ["g", "h", "f"]
    data = DATA.assign(k=DATA.g.str.replace("g", "k").to_numpy()[::-1])
    assert [t.group for t in build("y ~ 1 + (1 | g) + (1 | k)", data).terms] == ["g", "k"]
    assert [t.group for t in build("y ~ 1 + (1 | k) + (1 | g)", data).terms] == ["k", "g"]


def test_slashes_are_short_for_two_bars():
    short, long = build("y ~ x + (x | g/f)", DATA), build("y ~ x + (x | f:g) + (x | g)", DATA)
    for a, b in zip(short.terms, long.terms, strict=True):
        assert (a.group, a.levels, a.effects, a.blocks) == (b.group, b.levels, b.effects, b.blocks)
        np.testing.assert_array_equal(a.index, b.index)


def test_double_bars_are_short_for_two_bars():
    short, long = build("y ~ x + (x || g)", DATA).terms[0], build("y ~ x + (1 | g) + (0 + x | g)", DATA).terms[0]
    assert (short.effects, short.blocks) == (long.effects, long.blocks)
    np.testing.assert_array_equal(short.Z, long.Z)


def test_many_levels_need_no_dense_matrix():
    """200,000 rows by 50,000 levels would be 80 GB; it takes well under a second."""
    n = 200_000
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n), "g": rng.integers(0, 50_000, n)})
    start = time.perf_counter()
    design = build("y ~ x + (x | g)", data)
    assert design.terms[0].n_levels > 45_000
    assert time.perf_counter() - start < 3
