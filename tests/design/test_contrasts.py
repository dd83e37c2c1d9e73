"""Contrast matrices against what R prints."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from bayeslmm.design import build
from bayeslmm.design.contrasts import coding, default, indicator
from bayeslmm.errors import ArgumentError

ABCD = tuple("abcd")


@pytest.mark.parametrize(
    ("name", "matrix", "suffixes"),
    [
        ("treatment", [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], ("b", "c", "d")),
        ("sum", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]], ("1", "2", "3")),
        ("helmert", [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]], ("1", "2", "3")),
        (
            "poly",  # print(contr.poly(4), digits = 16)
            [
                [-0.6708203932499369, 0.5, -0.2236067977499790],
                [-0.2236067977499790, -0.5, 0.6708203932499369],
                [0.2236067977499790, -0.5, -0.6708203932499369],
                [0.6708203932499369, 0.5, 0.2236067977499790],
            ],
            (".L", ".Q", ".C"),
        ),
    ],
)
def test_named_contrasts(name, matrix, suffixes):
    for spelling in (name, f"contr.{name}"):
        found = coding(spelling, ABCD, "f")
        np.testing.assert_allclose(found.matrix, matrix, atol=1e-15)
        assert found.suffixes == suffixes
        assert found.name == name


def gram_polynomials(size: int) -> np.ndarray:
    """(size, size - 1): the orthonormal polynomials with positive leading coefficients, by exact arithmetic."""
    x = [Fraction(2 * i - size + 1, 2) for i in range(size)]
    before, p, columns = [Fraction(0)] * size, [Fraction(1)] * size, []
    ratio = Fraction(0)
    norm2 = Fraction(size)
    for _ in range(size - 1):
        before, p = p, [a * b - ratio * c for a, b, c in zip(x, p, before, strict=True)]
        previous, norm2 = norm2, sum(v * v for v in p)
        ratio = norm2 / previous
        columns.append([float(v * abs(v) / norm2) for v in p])
    signed_squares = np.array(columns).T
    return np.sign(signed_squares) * np.sqrt(np.abs(signed_squares))


def test_polynomials_stay_orthonormal_and_named():
    found = coding("poly", [str(i) for i in range(60)], "f")
    np.testing.assert_allclose(found.matrix.T @ found.matrix, np.eye(59), atol=1e-13)
    np.testing.assert_allclose(found.matrix.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.matrix, gram_polynomials(60), atol=1e-13)
    assert found.suffixes[:5] == (".L", ".Q", ".C", "^4", "^5")


def test_defaults_and_indicators():
    assert default(ABCD, ordered=False).name == "treatment"
    assert default(ABCD, ordered=True).name == "poly"
    np.testing.assert_array_equal(indicator(ABCD).matrix, np.eye(4))


def test_a_data_frame_is_matched_by_level_and_names_the_columns():
    matrix = pd.DataFrame({"u": [1, 0, -1], "v": [0, 1, -1]}, index=["c", "b", "a"])
    found = coding(matrix, ("a", "b", "c"), "f")
    np.testing.assert_array_equal(found.matrix, [[-1, -1], [0, 1], [1, 0]])
    assert found.suffixes == ("u", "v")
    assert coding(matrix.to_numpy(), ("a", "b", "c"), "f").suffixes == ("1", "2")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("summ", "treatment, sum, helmert, poly"),
        (np.ones((2, 2)), r"shape \(2, 2\); 3 levels \(a, b, c\) need 3 rows"),
        (np.eye(3), "at most 2 columns"),
        (np.ones((3, 1)), "linearly independent"),
        ([[1, 2], [2, 4], [0, 0]], "linearly independent"),
        (object(), "matrix of numbers"),
        (pd.DataFrame({"u": [1, 0, 2]}, index=["a", "b", "x"]), r"no row for the level\(s\) c"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        coding(given, ("a", "b", "c"), "f")


def test_a_contrast_needs_a_factor_of_that_name():
    data = pd.DataFrame({"y": [1.0, 2, 3, 5, 4], "f": list("ababa"), "x": [1.0, 2, 1, 2, 3]})
    with pytest.raises(ArgumentError, match=r"`q`.*there is `f`"):
        build("y ~ f + x", data, contrasts={"q": "sum"})
    with pytest.raises(ArgumentError, match=r"`x`.*no factor"):
        build("y ~ f + x", data, contrasts={"x": "sum"})
    with pytest.raises(ArgumentError, match="contrasts is a dict"):
        build("y ~ f + x", data, contrasts="sum")  # type: ignore[arg-type]
    assert build("y ~ f + x", data, contrasts={"f": "sum"}).coef_names == ("(Intercept)", "f1", "x")


def test_contrasts_concern_the_fixed_part_only():
    """As lme4: its bars are coded by R's defaults whatever `contrasts` says."""
    data = pd.DataFrame({"y": np.arange(24.0) ** 1.1, "f": list("ab") * 12, "g": np.repeat(list("uvwxyz"), 4)})
    design = build("y ~ f + (f | g)", data, contrasts={"f": "sum"})
    assert design.coef_names == ("(Intercept)", "f1")
    assert design.terms[0].effects == ("(Intercept)", "fb")
    assert design.contrasts == {"f": "sum"}
