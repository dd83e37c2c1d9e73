"""A design as text and arrays, and back: every number the same, whatever the frame held."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from bayeslmm.design import Design, build
from bayeslmm.design.packed import Packed, pack, unpack
from bayeslmm.design.rebuild import check_same_data, data_hash, fingerprint
from bayeslmm.errors import ArgumentError, DataError, DesignWarning

N = 60


def frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": np.exp(rng.normal(1, 0.3, N)),
            "x": rng.normal(2, 1, N),
            "count": rng.integers(0, 9, N),
            "some": pd.array([None if i == 7 else i % 5 for i in range(N)], dtype="Int64"),
            "yes": rng.integers(0, 2, N).astype(bool),
            "f": np.array(["lo", "mid", "hi"])[rng.integers(0, 3, N)],
            "o": pd.Categorical(np.array(["a", "b", "c"])[rng.integers(0, 3, N)], ["c", "b", "a", "z"], ordered=True),
            "g": [f"größe {i % 6}" for i in range(N)],
            "id": 2**60 + rng.integers(0, 8, N),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(N) % 5, "D"),
            "a": [f"a{i % 4}" for i in range(N)],
            "b": [f"b{i // 4 % 3}" for i in range(N)],
            "w": rng.uniform(0.5, 2, N),
            "off": rng.normal(size=N),
        }
    )


MATRIX = pd.DataFrame({"one": [1.0, -1, 0], "two": [0.5, 0.5, -1]}, index=["hi", "lo", "mid"])
CASES = {
    "plain": ("y ~ x + (x | g)", {}),
    "transforms": ("log(y) ~ poly(x, 2) + bs(count, df=4) + scale(off):f + (scale(off) | g)", {}),
    "factors": ("y ~ f * yes + o + (1 + f | g) + (1 | a/b)", {"contrasts": {"f": "sum", "o": "helmert"}}),
    "matrix": ("y ~ f + (1 | g)", {"contrasts": {"f": MATRIX}}),
    "uncorrelated, arrays": (
        "y ~ x + offset(count) + (x || g)",
        {"weights": np.linspace(1, 2, N), "offset": np.arange(N) / 7},
    ),
    "columns": ("y ~ 0 + factor(count) + (1 | g)", {"weights": "w", "offset": "off"}),
    "identifiers": ("y ~ x + (1 | id) + (1 | day)", {}),
    "missing": ("y ~ some + (1 | some)", {}),
    "no fixed effects": ("y ~ 0 + (1 | g)", {}),
}


def sent(packed: Packed) -> Packed:
    """What arrives at the other side of a file."""
    return Packed(json.loads(json.dumps(packed.header)), {k: np.array(v) for k, v in packed.arrays.items()})


def fixed_terms(design: Design) -> list[tuple]:
    return [(t.label, set(t.factors), set(t.numerics), t.columns) for t in design.fixed_terms]


def assert_same(one: Design, other: Design) -> None:
    for name in ("y", "X", "weights", "offset", "rows"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    assert fixed_terms(one) == fixed_terms(other)
    for name in ("coef_names", "dropped", "contrasts", "n_missing", "response", "weights_name"):
        assert getattr(one, name) == getattr(other, name)
    for a, b in zip(one.terms, other.terms, strict=True):
        assert (a.group, a.effects, a.blocks, a.levels, a.apart) == (b.group, b.effects, b.blocks, b.levels, b.apart)
        assert_array_equal(a.Z, b.Z)
        assert_array_equal(a.index, b.index)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("name", CASES)
def test_a_packed_design_comes_back(name, kind):
    formula, options = CASES[name]
    data = frame() if kind == "pandas" else pl.from_pandas(frame())
    design = build(formula, data, **options)
    again = unpack(sent(pack(design)))
    assert_same(design, again)
    new = frame(seed=1).iloc[:20]
    groups = [t.group for t in design.terms]
    given = np.arange(20) if isinstance(options.get("offset"), np.ndarray) else None
    one, other = (d.recipe.rows(new, groups, given) for d in (design, again))
    assert_array_equal(one.X, other.X)
    assert_array_equal(one.offset, other.offset)
    for a, b in zip(one.terms, other.terms, strict=True):
        assert_array_equal(a.Z, b.Z)
        assert_array_equal(a.index, b.index)
        assert list(a.labels) == list(b.labels)


def test_packing_twice_gives_the_same():
    design = build("y ~ f + (1 + x | id)", frame(), contrasts={"f": MATRIX})
    once = sent(pack(design))
    twice = pack(unpack(once))
    assert once.header == twice.header
    assert once.arrays.keys() == twice.arrays.keys()
    for name, array in once.arrays.items():
        assert_array_equal(array, twice.arrays[name])


def test_collinear_columns_are_not_warned_of_again():
    data = frame().assign(twice=lambda d: 2 * d["x"])
    with pytest.warns(DesignWarning, match="twice"):
        design = build("y ~ x + twice + (1 | g)", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert unpack(sent(pack(design))).dropped == ("twice",)


def test_later_changes_of_the_data_do_not_reach_what_is_packed():
    data = frame()
    kept = data.copy()
    design = build("y ~ count + (1 | id)", data)
    before = data_hash(design.source)
    for name in ("y", "count", "id"):
        data.loc[:, name] = 1
        values = data[name].to_numpy()
        if values.flags.writeable:
            values[:] = 1
    assert data_hash(design.source) == before
    assert_same(design, unpack(sent(pack(design))))
    check_same_data(design, kept)


def test_another_response_comes_along():
    design = build("log(y) ~ x + (1 | g)", frame())
    other = replace(design, y=np.arange(float(N)))
    assert_array_equal(unpack(sent(pack(other))).y, np.arange(float(N)))


def test_functions_are_given_again():
    def half(x):
        return x / 2

    design = build("y ~ half(x) + (1 | g)", frame(), functions={"half": half})
    packed = sent(pack(design))
    with pytest.raises(ArgumentError, match=r'`half`, which a file cannot hold: load it with functions=\{"half"'):
        unpack(packed)
    assert_same(design, unpack(packed, {"half": half, "more": half}))
    with pytest.raises(DataError, match="the functions given are not those of then"):
        unpack(packed, {"half": lambda x: x / 3})


def test_a_design_by_hand_cannot_be_packed():
    design = replace(build("y ~ x + (1 | g)", frame()), source=None)
    with pytest.raises(ArgumentError, match="put together by hand"):
        pack(design)


def test_the_same_data_in_another_frame_have_the_same_hash():
    designs = [build("y ~ x + f + (1 | g)", d) for d in (frame(), pl.from_pandas(frame()), frame().to_dict("list"))]
    assert len({data_hash(d.source) for d in designs}) == 1
    other = build("y ~ x + f + (1 | g)", frame().assign(x=lambda d: d["x"] + 1e-9))
    assert data_hash(other.source) != data_hash(designs[0].source)
    assert fingerprint(other).structure == fingerprint(designs[0]).structure


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="x"), "other data: no column `x`"),
        (lambda d: d.iloc[:-1], "other data: 59 rows; those of the model have 60"),
        (lambda d: d.assign(x=d["x"].where(d.index != 3, 0)), r"`x` differs in 1 of 60 rows, first in row 3 \(counted"),
        (
            lambda d: d.assign(g=d["g"].replace("größe 1", "?")),
            r"`g` differs in 10 of 60 rows, first in row 1 \(counted",
        ),
        (lambda d: d.assign(g=1.0), "column `g` differs in 60 of 60 rows"),
        (lambda d: d.assign(id=d["id"].where(d.index != 9, d["id"] + 1)), "column `id` differs in 1 of 60 rows"),
    ],
)
def test_other_data_are_told_by_the_first_column_that_differs(change, message):
    design = build("y ~ x + some + (1 | g) + (1 | id)", frame())
    check_same_data(design, frame().assign(unused=1))
    check_same_data(design, pl.from_pandas(frame()))
    with pytest.raises(DataError, match=message):
        check_same_data(design, change(frame()))
