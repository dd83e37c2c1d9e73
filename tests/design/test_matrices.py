"""Coding and names as R's model.matrix gives them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from bayeslmm.design import build, recode
from bayeslmm.design.rank import independent
from bayeslmm.errors import ArgumentError, DesignWarning

RNG = np.random.default_rng(7)
N = 96
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "z": RNG.normal(size=N),
        "f": np.tile(list("abc"), 32),
        "h": np.repeat(list("uv"), 48),
        "k": np.tile(np.repeat(list("pq"), 3), 16),
        "o": pd.Categorical(np.repeat(["lo", "mid", "hi"], 32), categories=["lo", "mid", "hi"], ordered=True),
        "l": np.tile([True, False, False, True], 24),
        "d": np.tile([0.5, 1, 2, 10], 24),
        "g": np.repeat(np.arange(12), 8),
        "my var": RNG.normal(size=N),
    }
)

I = "(Intercept)"  # noqa: E741


def names(formula, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        design = build(formula, DATA, **options)
    return design.coef_names, design.dropped


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        # colnames(model.matrix(...)) in R
        ("f", [I, "fb", "fc"]),
        ("0 + f", ["fa", "fb", "fc"]),
        ("0 + x", ["x"]),
        ("0 + f + h", ["fa", "fb", "fc", "hv"]),
        ("0 + h + f", ["hu", "hv", "fb", "fc"]),
        ("0 + x + f", ["x", "fa", "fb", "fc"]),
        ("f:x", [I, "fa:x", "fb:x", "fc:x"]),
        ("x:f", [I, "x:fa", "x:fb", "x:fc"]),
        ("x + x:f", [I, "x", "x:fb", "x:fc"]),
        ("f + f:x", [I, "fb", "fc", "fa:x", "fb:x", "fc:x"]),
        ("f*x", [I, "fb", "fc", "x", "fb:x", "fc:x"]),
        ("0 + f:x", ["fa:x", "fb:x", "fc:x"]),
        ("f*h", [I, "fb", "fc", "hv", "fb:hv", "fc:hv"]),
        ("f/h", [I, "fb", "fc", "fa:hv", "fb:hv", "fc:hv"]),
        ("h + f:h", [I, "hv", "hu:fb", "hv:fb", "hu:fc", "hv:fc"]),
        ("0 + f:h", ["fa:hu", "fb:hu", "fc:hu", "fa:hv", "fb:hv", "fc:hv"]),
        ("0 + f*h", ["fa", "fb", "fc", "hv", "fb:hv", "fc:hv"]),
        ("o", [I, "o.L", "o.Q"]),
        ("0 + o", ["olo", "omid", "ohi"]),
        ("l", [I, "lTRUE"]),
        ("0 + l", ["lFALSE", "lTRUE"]),
        ("l*x", [I, "lTRUE", "x", "lTRUE:x"]),
        ("factor(d)", [I, "factor(d)1", "factor(d)2", "factor(d)10"]),
        ("as.factor(g > 5)", [I, "as.factor(g > 5)TRUE"]),
        ("poly(x, 2)", [I, "poly(x, 2)1", "poly(x, 2)2"]),
        ("poly(x, 1)", [I, "poly(x, 1)"]),
        ("poly(x, 2):h", [I, "poly(x, 2)1:hu", "poly(x, 2)2:hu", "poly(x, 2)1:hv", "poly(x, 2)2:hv"]),
        ("h*poly(x, 2)", [I, "hv", "poly(x, 2)1", "poly(x, 2)2", "hv:poly(x, 2)1", "hv:poly(x, 2)2"]),
        ("bs(x, df = 4)", [I, *(f"bs(x, df = 4){j}" for j in "1234")]),
        ("scale(x)", [I, "scale(x)"]),
        ("I(x^2) + I(x/2 - 1):z", [I, "I(x^2)", "I(x/2 - 1):z"]),
        ("x > 0", [I, "x > 0TRUE"]),
        ("`my var`", [I, "`my var`"]),
        ("z:x + x", [I, "x", "z:x"]),
    ],
)
def test_names_of_columns(right, expected):
    assert names(f"y ~ {right}") == (tuple(expected), ())


def test_marginality_looks_at_all_earlier_terms():
    """R's TermCode asks whether T without f is *contained* in an earlier term: `f:h + f:k` codes k by contrasts."""
    found, dropped = names("y ~ 0 + f:h + f:k")
    assert found == ("fa:hu", "fb:hu", "fc:hu", "fa:hv", "fb:hv", "fc:hv", "fa:kq", "fb:kq", "fc:kq")
    assert dropped == ()


def test_no_intercept_codes_the_first_factor_in_full_even_next_to_its_slope():
    """As R: `0 + x + x:f` is rank deficient there too."""
    assert names("y ~ 0 + x + x:f") == (("x", "x:fa", "x:fb"), ("x:fc",))


def test_values_of_an_interaction():
    design = build("y ~ f*x", DATA, contrasts={"f": "sum"})
    first = np.where(DATA.f == "a", 1, np.where(DATA.f == "c", -1, 0))
    second = np.where(DATA.f == "b", 1, np.where(DATA.f == "c", -1, 0))
    expected = np.column_stack([np.ones(N), first, second, DATA.x, first * DATA.x, second * DATA.x])
    np.testing.assert_array_equal(design.X, expected)
    assert design.X.flags.c_contiguous
    assert design.X.dtype == np.float64


def test_fixed_terms_know_their_columns_and_kinds():
    design = build("y ~ f*x + l + poly(z, 2)", DATA)
    found = {t.label: (t.factors, t.numerics, t.columns) for t in design.fixed_terms}
    assert found == {
        I: (frozenset(), frozenset(), (0,)),
        "f": ({"f"}, frozenset(), (1, 2)),
        "x": (frozenset(), {"x"}, (3,)),
        "l": ({"l"}, frozenset(), (4,)),
        "poly(z, 2)": (frozenset(), {"poly(z, 2)"}, (5, 6)),
        "f:x": ({"f"}, {"x"}, (7, 8)),
    }
    assert design.contrasts == {"f": "treatment", "l": "treatment"}


def test_collinear_columns_are_left_out_with_a_warning():
    data = DATA.assign(x2=2 * DATA.x, one=1.0)
    with pytest.warns(DesignWarning, match="2 collinear columns left out: `x2`, `one`"):
        design = build("y ~ x + x2 + one + z", data)
    assert design.coef_names == (I, "x", "z")
    assert design.dropped == ("x2", "one")
    assert [t.columns for t in design.fixed_terms] == [(0,), (1,), (), (), (2,)]
    np.testing.assert_array_equal(design.recipe.rows(data).X, design.X)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1.0, 1e12, 1e200])
def test_rank_does_not_depend_on_scale(scale):
    year = 2010.0 + np.arange(50) % 10
    X = np.column_stack([np.ones(50), year, year**2, 3 * year - 1])
    np.testing.assert_array_equal(independent(X * scale), [0, 1, 2])
    np.testing.assert_array_equal(independent(X * np.array([1, scale, 1, 1 / scale])), [0, 1, 2])


def test_rank_of_odd_shapes():
    assert independent(np.empty((5, 0))).size == 0
    np.testing.assert_array_equal(independent(np.zeros((5, 2))), [])
    assert independent(RNG.normal(size=(3, 6))).tolist() == [0, 1, 2]
    near = np.column_stack([np.ones(100), np.ones(100) + 1e-9 * RNG.normal(size=100)])
    assert independent(near).tolist() == [0]


def test_recode_treatment_and_indicator():
    design = build("y ~ f*h + o + x:f", DATA, contrasts={"f": "sum", "h": "helmert"})
    X, columns, assign = recode(design, "treatment")
    assert columns == (I, "fb", "fc", "hv", "omid", "ohi", "fb:hv", "fc:hv", "fa:x", "fb:x", "fc:x")
    assert [design.fixed_terms[j].label for j in assign] == [
        *(I, "f", "f", "h", "o", "o", "f:h", "f:h", "f:x", "f:x", "f:x")
    ]
    X2, columns, assign = recode(design, "indicator")
    assert columns[:9] == (I, "fa", "fb", "fc", "hu", "hv", "olo", "omid", "ohi")
    assert len(columns) == 9 + 6 + 3 == assign.size
    for other in (X, X2):
        assert np.linalg.matrix_rank(np.column_stack([design.X, other])) == design.p
    with pytest.raises(ArgumentError, match="treatment"):
        recode(design, "sum")  # type: ignore[arg-type]


def test_recode_without_intercept_counts_from_the_first_term():
    design = build("y ~ 0 + f + x", DATA)
    assert recode(design, "indicator").assign.tolist() == [0, 0, 0, 1]
