"""Bars -> random terms: names, levels, what is correlated; the groups that cannot carry a variance."""

import numpy as np
import pandas as pd
import pytest

from bayeslmm.design import build
from bayeslmm.errors import DataError, FormulaError

RNG = np.random.default_rng(3)
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=72),
        "x": RNG.normal(size=72),
        "z": RNG.normal(size=72),
        "t": np.tile(list("abc"), 24),
        "g": np.repeat(np.arange(12), 6)[::-1] * 10,
        "s": np.repeat(["z", "B", "a"], 24),
        "c": np.tile(np.repeat(["p", "q"], 3), 12),
        "one": "u",
        "id": np.arange(72),
    }
)


def shape(formula):
    return [(t.group, t.effects, t.blocks, t.n_levels) for t in build(formula, DATA).terms]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ("(1 | g)", [("g", ("(Intercept)",), ((0,),), 12)]),
        ("(x | g)", [("g", ("(Intercept)", "x"), ((0, 1),), 12)]),
        ("(0 + x | g)", [("g", ("x",), ((0,),), 12)]),
        ("(x || g)", [("g", ("(Intercept)", "x"), ((0,), (1,)), 12)]),
        ("(1 | g) + (0 + x | g)", [("g", ("(Intercept)", "x"), ((0,), (1,)), 12)]),
        ("(x | g) + (0 + z | g)", [("g", ("(Intercept)", "x", "z"), ((0, 1), (2,)), 12)]),
        ("(t | g)", [("g", ("(Intercept)", "tb", "tc"), ((0, 1, 2),), 12)]),
        ("(0 + t | g)", [("g", ("ta", "tb", "tc"), ((0, 1, 2),), 12)]),
        ("(t || g)", [("g", ("(Intercept)", "tb", "tc"), ((0,), (1,), (2,)), 12)]),
        ("(1 | g) + (0 + t | g)", [("g", ("(Intercept)", "ta", "tb", "tc"), ((0,), (1, 2, 3)), 12)]),
        ("(t:x | g)", [("g", ("(Intercept)", "ta:x", "tb:x", "tc:x"), ((0, 1, 2, 3),), 12)]),
        ("(1 | s) + (1 | g)", [("g", ("(Intercept)",), ((0,),), 12), ("s", ("(Intercept)",), ((0,),), 3)]),
        ("(1 | s/c)", [("c:s", ("(Intercept)",), ((0,),), 6), ("s", ("(Intercept)",), ((0,),), 3)]),
    ],
)
def test_terms(bars, expected):
    assert shape(f"y ~ x + {bars}") == expected


def test_levels_are_in_the_order_of_the_factor():
    terms = build("y ~ x + (1 | g) + (1 | s)", DATA).terms
    assert terms[0].levels == tuple(str(i * 10) for i in range(12))
    assert terms[1].levels == ("a", "B", "z")
    np.testing.assert_array_equal(np.array(terms[0].levels)[terms[0].index], DATA.g.astype(str))
    assert terms[0].index.dtype == np.int64


def test_columns_that_the_fixed_part_has_are_not_copied():
    for formula in ("y ~ x + (x | g)", "y ~ x + (1 | g)", "y ~ x + (0 + x | g)", "y ~ x + (x || g)"):
        design = build(formula, DATA)
        assert np.shares_memory(design.terms[0].Z, design.X)
        names = [design.coef_names.index(e) for e in design.terms[0].effects]
        np.testing.assert_array_equal(design.terms[0].Z, design.X[:, names])
    for formula in ("y ~ 1 + (x | g)", "y ~ x + (s | g)"):
        design = build(formula, DATA)
        assert not np.shares_memory(design.terms[0].Z, design.X)


def test_combined_levels_the_first_factor_slowest_and_only_those_that_occur():
    term = build("y ~ x + (1 | s:g)", DATA).terms[0]
    assert term.levels[:5] == ("a:0", "a:10", "a:20", "a:30", "B:40")
    assert term.n_levels == 12
    np.testing.assert_array_equal(np.array(term.levels)[term.index], DATA.s + ":" + DATA.g.astype(str))
    three = build("y ~ x + (1 | s/c/t)", DATA).terms
    assert [t.group for t in three] == ["t:(c:s)", "c:s", "s"]
    assert three[0].levels[:4] == ("a:p:a", "a:p:B", "a:p:z", "a:q:a")


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ("(1 | one)", "`one` has one level"),
        ("(1 | id)", "72 levels in 72 rows"),
        ("(x + z + t | g) + (1 | s)", None),
        ("(x + z + t*x | g)", "6 effects.*72 random effects, for 72 rows|7 effects.*84 random effects, for 72 rows"),
        ("(one | g)", "`one` has one level"),
    ],
)
def test_groups_that_cannot_carry_a_variance(bars, message):
    if message is None:
        build(f"y ~ x + {bars}", DATA)
        return
    with pytest.raises(DataError, match=message):
        build(f"y ~ x + {bars}", DATA)


def test_uncorrelated_effects_count_one_by_one_as_in_lme4():
    assert build("y ~ x + (x + z + t*x || g)", DATA).terms[0].k == 7


def test_one_level_per_row_is_for_generalised_models():
    assert build("y ~ x + (1 | id)", DATA, allow_n_levels=True).terms[0].n_levels == 72


def test_an_effect_stands_once_per_group():
    with pytest.raises(FormulaError, match=r"`\(Intercept\)` stands twice for the group `g`.*0 \+") as caught:
        build("y ~ x + (1 | g) + (x | g)", DATA)
    assert caught.value.position is not None
    with pytest.raises(FormulaError, match="`x` stands twice"):
        build("y ~ x + (x | g) + (0 + x | g)", DATA)
