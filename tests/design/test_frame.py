"""The model frame: complete cases, weights, offset, and every way in which data can be wrong."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayeslmm.design import build
from bayeslmm.errors import ArgumentError, BayeslmmError, DataError, FormulaError, NotAvailableError

RNG = np.random.default_rng(5)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N) + 5,
        "z": RNG.normal(size=N),
        "f": pd.Categorical(RNG.choice(list("abc"), N), categories=["c", "a", "b", "unused"]),
        "t": RNG.choice(["b", "A", "c", "B"], N),
        "b": RNG.random(N) > 0.5,
        "g": np.repeat(np.arange(10) + 100, 6),
        "w": RNG.random(N) + 0.5,
        "const": 1.0,
        "one": "u",
        "digits": [str(v) for v in range(N)],
        "when": pd.date_range("2020-01-01", periods=N),
        "inf": np.r_[np.inf, np.ones(N - 1)],
        "neg": np.r_[np.ones(N - 1), -1.0],
        "empty": np.nan,
        "holes": np.where(np.arange(N) % 20 == 3, np.nan, 1.0 + np.arange(N)),
        "Subject": np.repeat(list("uvwxyz"), 10),
    }
)


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("y ~ xx + (1 | g)", FormulaError, r"no column `xx` in the data; did you mean `x`\?"),
        ("y ~ x + (1 | Subjct)", FormulaError, r"no column `Subjct`.*did you mean `Subject`\?\n.*\n {17}\^"),
        ("Y ~ x", FormulaError, r"no column `Y`.*did you mean `y`\?"),
        ("y ~ log(q)", FormulaError, "no column `q`"),
        ("t ~ x", DataError, r'response `t` holds text \("A", "b", "B", \.\.\.\) where numbers are needed'),
        ("f ~ x", DataError, "response `f` is a factor"),
        ("b ~ x", DataError, r"true or false.*as\.numeric\(b\)"),
        ("log(t) ~ x", DataError, r"log\(t\): `t` holds text"),
        ("y ~ log(t)", DataError, r"log\(t\): `t` holds text"),
        ("y ~ I(x * t)", DataError, "`t` holds text"),
        ("y ~ I(f + 1)", DataError, r"`f` is a factor.*as\.numeric"),
        ("y ~ poly(f, 2)", DataError, r"poly\(f, 2\): `f` is a factor"),
        ("y ~ poly(b, 2)", DataError, "more than 2 distinct values"),
        ("y ~ scale(const)", DataError, "do not vary"),
        ("y ~ inf", DataError, r"`inf` is infinite in 1 row \(row 0, counted from 0\)"),
        ("inf ~ x", DataError, "`inf` is infinite"),
        ("y ~ log(const - 1)", DataError, r"infinite in 60 rows \(row 0, 1, 2, \.\.\., counted from 0\)"),
        ("y ~ log(neg)", DataError, r"`log\(neg\)` is not a number in 1 row \(row 59, counted from 0\)"),
        ("y ~ neg^0.5 + z", FormulaError, "whole number"),
        ("y ~ I(neg^0.5)", DataError, "is not a number in 1 row"),
        ("const ~ x", DataError, "response `const` is 1 in all 60 rows"),
        ("y ~ one", DataError, "`one` has one level.*`u`"),
        ("y ~ digits", DataError, "60 levels in 60 rows.*numbers stored as text"),
        ("y ~ when", DataError, r"`when` holds dates.*factor\(\)"),
        ("y ~ I(when)", DataError, "dates"),
        ("y ~ log(when)", DataError, "dates"),
        ("y ~ empty + x", DataError, "no complete row is left of 60: `empty` is missing in 60"),
        ("cbind(x, z) ~ f", NotAvailableError, "binomial"),
        ("y ~ cbind(x, z)", FormulaError, "left of the `~` only"),
        ("y ~ T", FormulaError, "`T` is a constant"),
        ("y ~ offset(t)", DataError, r"offset\(t\).*holds text"),
        ("y ~ offset()", FormulaError, "missing a required argument"),
        ("y ~ poly(x, degre = 2)", FormulaError, "degre"),
        ("y ~ log(x, 2, 3)", FormulaError, "too many"),
        ("y ~ bs(x, df = z)", FormulaError, "constants, not columns"),
        ("y ~ t < 'A'", FormulaError, "only `==` and `!=`"),
        ("y ~ poly(x, 59)", DataError, "60 coefficients for 60 rows"),
    ],
)
def test_bad_data_get_a_sentence_with_the_cure(formula, error, message):
    with pytest.raises(error, match=message):
        build(formula, DATA)


def test_duplicated_columns_matter_only_where_they_are_used():
    twice = DATA.copy()
    twice.insert(0, "x", 1.0, allow_duplicates=True)
    with pytest.raises(DataError, match="2 columns of the data are called `x`"):
        build("y ~ x", twice)
    assert build("y ~ z", twice).n == N


def test_no_rows():
    with pytest.raises(DataError, match="no rows"):
        build("y ~ x", DATA.iloc[:0])


def test_complete_cases_over_everything_that_is_used():
    data = DATA.assign(
        y=DATA.y.where(DATA.index != 0),
        z=DATA.z.where(DATA.index != 1),
        f=DATA.f.where(DATA.index != 2),
        g=DATA.g.where(DATA.index != 4),
        unused=np.nan,
    )
    weights = np.where(np.arange(N) == 4, np.nan, 1.0)  # a row that is incomplete anyway
    design = build("y ~ x + f + offset(holes) + (z | g)", data, weights=weights)
    left_out = {0, 1, 2, 3, 4, 23, 43}
    np.testing.assert_array_equal(design.rows, [i for i in range(N) if i not in left_out])
    assert design.n_missing == len(left_out)
    np.testing.assert_array_equal(design.y, data.y.to_numpy()[design.rows])
    np.testing.assert_array_equal(design.terms[0].Z[:, 1], data.z.to_numpy()[design.rows])


def test_transforms_see_all_rows_as_in_r():
    data = DATA.assign(y=DATA.y.where(DATA.index > 30))
    design = build("y ~ scale(x)", data)
    np.testing.assert_allclose(design.X[:, 1], ((DATA.x - DATA.x.mean()) / DATA.x.std())[31:])


def test_unused_levels_are_dropped_after_the_rows():
    data = DATA.assign(y=DATA.y.where(DATA.f != "c"))
    assert build("y ~ f", DATA).coef_names == ("(Intercept)", "fa", "fb")
    assert build("y ~ f", data).coef_names == ("(Intercept)", "fb")
    assert build("y ~ x + (1 | f)", data).terms[0].levels == ("a", "b")


def test_weights_and_offset_by_name_and_as_array():
    by_name = build("y ~ x + (1 | g)", DATA, weights="w", offset="z")
    as_array = build("y ~ x + (1 | g)", DATA, weights=DATA.w.to_numpy(), offset=list(DATA.z))
    np.testing.assert_array_equal(by_name.weights, DATA.w)
    np.testing.assert_array_equal(as_array.weights, DATA.w)
    np.testing.assert_array_equal(by_name.offset, as_array.offset)
    assert by_name.has_weights
    assert by_name.has_offset
    plain = build("y ~ x", DATA)
    assert not plain.has_weights
    assert not plain.has_offset
    np.testing.assert_array_equal(plain.weights, 1)
    np.testing.assert_array_equal(plain.offset, 0)


def test_a_column_called_weights_is_a_column():
    data = DATA.assign(weights=np.where(DATA.index == 1, np.nan, DATA.x), offset=DATA.z)
    design = build("y ~ weights + offset", data, weights=np.full(N, 2.0), offset="z")
    assert design.coef_names == ("(Intercept)", "weights", "offset")
    assert design.n == N - 1
    np.testing.assert_array_equal(design.weights, 2.0)
    with pytest.raises(DataError, match="`weights` is infinite in 1 row"):
        build("y ~ weights", data.assign(weights=DATA.inf), weights="w")


def test_a_series_goes_by_position_where_the_data_have_no_index():
    shuffled = DATA["w"].iloc[::-1]
    for data in (pl.from_pandas(DATA), {k: DATA[k].to_list() for k in ("y", "x")}):
        np.testing.assert_array_equal(build("y ~ x", data, weights=shuffled).weights, shuffled)


def test_offsets_add_up():
    design = build("y ~ x + offset(z) + offset(2 * w)", DATA, offset="x")
    np.testing.assert_allclose(design.offset, DATA.z + 2 * DATA.w + DATA.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "ww"}, r"weights: no column `ww`.*did you mean `w`\?"),
        ({"weights": "t"}, "weights: `t` holds text"),
        ({"weights": np.ones(3)}, r"weights has shape \(3,\); the data have 60 rows"),
        ({"weights": np.r_[0, np.ones(N - 1)]}, r"weights must be positive.*1 row \(row 0, counted from 0\)"),
        ({"weights": "neg"}, r"weights must be positive.*row 59,"),
        ({"weights": "inf"}, "`weights` is infinite"),
        (
            {"weights": "holes"},
            r"weights are missing in 3 rows \(row 3, 23, 43, counted from 0\); fill them in, or leave",
        ),
        ({"weights": DATA["w"].iloc[::-1]}, r"weights is a Series whose index is not that of the data.*to_numpy\(\)"),
        ({"offset": DATA["w"].set_axis(DATA.index + 1)}, "offset is a Series whose index is not"),
        ({"weights": [object()] * N}, "column's name or an array"),
        ({"offset": "ofs"}, "offset: no column `ofs`"),
        ({"offset": np.ones((N, 2))}, "offset has shape"),
        ({"offset": "inf"}, "`offset` is infinite"),
    ],
)
def test_bad_weights_and_offsets(options, message):
    with pytest.raises(DataError, match=message):
        build("y ~ x", DATA, **options)


def test_expressions():
    def column(expression):
        return build(f"y ~ {expression}", DATA).X[:, 1]

    x, z = DATA.x.to_numpy(), DATA.z.to_numpy()
    np.testing.assert_allclose(column("I(-x^2 + 3*z/2)"), -(x**2) + 3 * z / 2)
    np.testing.assert_allclose(column("log(x, base = 2)"), np.log2(x))
    np.testing.assert_allclose(column("I(x - mean(x))"), x - x.mean())
    np.testing.assert_allclose(column("pmax(x, z, 5)"), np.maximum(np.maximum(x, z), 5))
    np.testing.assert_allclose(column("round(x, 1)"), np.round(x, 1))
    np.testing.assert_allclose(column("ifelse(z > 0, x, 0)"), np.where(z > 0, x, 0))
    np.testing.assert_allclose(column("I((x > 5 & !b) | z < 0)"), ((x > 5) & ~DATA.b) | (z < 0))
    np.testing.assert_allclose(column("t == 'A'"), DATA.t == "A")
    np.testing.assert_allclose(column("as.numeric(f)"), DATA.f.cat.remove_unused_categories().cat.codes + 1)
    np.testing.assert_allclose(column("as.numeric(digits)"), np.arange(N))
    np.testing.assert_allclose(column("I(x %% 2 + x %/% 2)"), x % 2 + x // 2)
    np.testing.assert_allclose(column("I(pi * x)"), np.pi * x)


def test_factor_functions():
    assert build("y ~ relevel(f, ref = 'b')", DATA).coef_names[1:] == (
        'relevel(f, ref = "b")c',
        'relevel(f, ref = "b")a',
    )
    assert build("y ~ factor(b, labels = c('no', 'yes'))", DATA).coef_names[1].endswith("yes")
    assert build("y ~ ordered(f)", DATA).coef_names[1:] == ("ordered(f).L", "ordered(f).Q")
    part = build("y ~ factor(f, levels = c('a', 'b'))", DATA)
    assert part.n == (DATA.f != "c").sum()


def test_users_functions():
    def double(v):
        v *= 2
        return v

    before = DATA.x.copy()
    design = build("y ~ double(x) + (1 | g)", DATA, functions={"double": double})
    np.testing.assert_array_equal(design.X[:, 1], 2 * before)
    pd.testing.assert_series_equal(DATA.x, before)
    np.testing.assert_array_equal(design.recipe.rows(DATA).X, design.X)
    assert build("y ~ np.log(x)", DATA, functions={"np.log": np.log}).coef_names[1] == "np.log(x)"
    with pytest.raises(FormulaError, match=r"shape \(2,\); 60 rows"):
        build("y ~ f(x)", DATA, functions={"f": lambda v: v[:2]})
    with pytest.raises(FormulaError, match="ZeroDivisionError"):
        build("y ~ f(x)", DATA, functions={"f": lambda v: 1 / 0})
    with pytest.raises(ArgumentError, match="of type int"):
        build("y ~ f(x)", DATA, functions={"f": 3})


@pytest.mark.parametrize(
    "call",
    [
        "os.system('touch reached')",
        "__import__('os')",
        "eval('1')",
        "exec('1')",
        "open('x')",
        "np.log(x)",
        "print(x)",
        "getattr(x, 'values')",
        "lambda(x)",
        "secret(x)",
        "`__import__`('os')",
    ],
)
def test_a_formula_reaches_nothing_but_its_functions(call, monkeypatch):
    secret = len  # a name of the caller's, which the formula must not see
    assert secret("x") == 1
    monkeypatch.setattr("os.system", lambda *a: pytest.fail("reached"))
    with pytest.raises(FormulaError, match=r"cannot call .*it may call .*poly.*functions=") as caught:
        build(f"y ~ {call}", DATA)
    assert caught.value.position == 4


@pytest.mark.parametrize("text", ["x.__class__", "__builtins__", "os", "np", "DATA", "True.x"])
def test_names_are_columns_only(text):
    with pytest.raises(FormulaError, match="no column"):
        build(f"y ~ {text}", DATA)


@pytest.mark.parametrize("text", ["y ~ I(x[0])", "y ~ x.f()", "y ~ (lambda: 1)()", "y ~ x if b else z", "y ~ x := 1"])
def test_python_is_not_spoken(text):
    with pytest.raises(BayeslmmError):
        build(text, DATA)


def test_the_callers_data_are_not_changed():
    before = DATA.copy(deep=True)
    design = build("y ~ f * b + log(x) + poly(z, 2) + t + (holes | g) + (1 | Subject:t)", DATA, weights="w")
    design.X[:] = 0
    design.y[:] = 0
    design.weights[:] = 0
    for term in design.terms:
        term.Z[:] = 0
    pd.testing.assert_frame_equal(DATA, before)


def to_polars(data):
    return pl.from_pandas(data).with_columns(pl.col("f").cast(pl.Enum(list(data.f.cat.categories))))


@pytest.mark.parametrize("convert", [to_polars, pa.Table.from_pandas, lambda d: to_polars(d).lazy(), dict])
def test_every_frame_gives_the_same_design(convert):
    formula = "y ~ f * b + t + holes + (x | g) + (1 | Subject:t)"
    expected, found = build(formula, DATA, weights="w"), build(formula, convert(DATA), weights="w")
    assert found.coef_names == expected.coef_names
    for name in ("X", "y", "weights", "rows"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for a, b in zip(found.terms, expected.terms, strict=True):
        assert (a.group, a.levels, a.effects) == (b.group, b.levels, b.effects)
        np.testing.assert_array_equal(a.index, b.index)
        np.testing.assert_array_equal(a.Z, b.Z)
