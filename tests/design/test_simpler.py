"""Simpler random parts: which there are, how they are written, and that they are the models of what is written."""

import numpy as np
import pandas as pd
import pytest

from bayeslmm.design import build
from bayeslmm.design.simpler import (
    Kept,
    random_terms_of,
    simpler_parts,
    uncorrelated,
    whole,
    without_effect,
    written,
)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(1)
    n = 120
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "f": np.array(list("abc"))[rng.integers(0, 3, n)],
            "g": np.arange(n) % 8,
            "h": np.arange(n) // 8 % 5,
        }
    ).astype({"g": str, "h": str})


def parts(formula, frame):
    design = build(formula, frame)
    return design, simpler_parts(design.formula, frozenset(design.recipe.levels))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("y ~ x + (x | g)", ["(1 + x || g)", "(1 | g)", "without (x | g)"]),
        ("y ~ x + (x || g)", ["(1 | g)", "without (x || g)"]),
        ("y ~ x + (0 + x | g)", ["without (0 + x | g)"]),
        ("y ~ 1 + (1 | g/h)", ["without (1 | h:g)", "without (1 | g)"]),
        ("y ~ f + (f | g)", ["(1 + f || g)", "(1 | g)", "without (f | g)"]),
        ("y ~ f + (0 + f | g)", ["(0 + f || g)", "without (0 + f | g)"]),
        ("y ~ x + (1 | g) + (0 + x | g)", ["without (1 | g)", "without (0 + x | g)"]),
        (
            "y ~ x + z + (x + z | g)",
            ["(1 + x + z || g)", "(1 + z | g)", "(1 + x | g)", "(1 | g)", "without (x + z | g)"],
        ),
        ("y ~ x * z + (x * z | g)", ["(1 + x + z + x:z || g)", "(1 + x + z | g)", "(1 | g)", "without (x * z | g)"]),
        (
            "y ~ x + (x | g) + (x | h)",
            [
                "(1 + x || g)",
                "(1 | g)",
                "(1 + x || h)",
                "(1 | h)",
                "no correlation anywhere",
                "without (x | g)",
                "without (x | h)",
            ],
        ),
    ],
)
def test_what_can_be_left_out(formula, expected, frame):
    assert [s.label for s in parts(formula, frame)[1]] == expected


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x | g)",
        "y ~ 0 + x + (x + z || g)",
        "y ~ log(x + 9) + offset(z) + (log(x + 9) | g) + (1 | h)",
        "y ~ x + (1 | g/h)",
        "y ~ x + (1 | g) + (0 + x + z | g)",
        "y ~ x * f + (x * f | g)",
    ],
)
def test_each_is_the_model_that_its_formula_says(formula, frame):
    design, found = parts(formula, frame)
    assert found
    for simpler in found:
        text = written(design.formula, simpler.part)
        terms = random_terms_of(design, simpler.part)
        if "|" not in text:
            assert terms == ()
            continue
        other = build(text, frame)
        np.testing.assert_array_equal(other.X, design.X)
        np.testing.assert_array_equal(other.offset, design.offset)
        assert [(t.group, t.effects, t.levels) for t in terms] == [(t.group, t.effects, t.levels) for t in other.terms]
        for own, built in zip(terms, other.terms, strict=True):
            np.testing.assert_array_equal(own.Z, built.Z)
            np.testing.assert_array_equal(own.index, built.index)
            assert own.pairs == built.pairs


def test_the_whole_is_the_model_itself(frame):
    design = build("y ~ x + (x | g) + (1 | h)", frame)
    for own, term in zip(random_terms_of(design, whole(design.formula)), design.terms, strict=True):
        assert (own.effects, own.blocks) == (term.effects, term.blocks)
    assert written(design.formula, whole(design.formula)) == "y ~ x + (x | g) + (1 | h)"


def test_an_effect_goes_after_those_that_contain_it(frame):
    design = build("y ~ x * z + (x * z || g)", frame)
    full = whole(design.formula)
    none = frozenset()
    assert without_effect(design, full, "g", "z", none) == (Kept((0, 1, 2), False),)  # x:z goes first
    assert without_effect(design, (Kept((0, 1, 2), False),), "g", "z", none) == (Kept((0, 1), False),)


def test_an_intercept_stays_where_a_factor_would_be_coded_anew(frame):
    design = build("y ~ f + (f || g)", frame)
    factors = frozenset(design.recipe.levels)
    assert without_effect(design, whole(design.formula), "g", "(Intercept)", factors) == (Kept((0,), False),)


def test_an_intercept_goes_after_its_slopes(frame):
    numeric = build("y ~ x + (x || g)", frame)
    assert without_effect(numeric, whole(numeric.formula), "g", "(Intercept)", frozenset()) == (Kept((0,), False),)
    assert without_effect(numeric, (Kept((0,), False),), "g", "(Intercept)", frozenset()) == (Kept((), False),)


def test_correlations_of_one_group_go(frame):
    design = build("y ~ x + (x | g) + (x | h)", frame)
    assert uncorrelated(design.formula, whole(design.formula), "h") == (Kept((0, 1), True), Kept((0, 1), False))
