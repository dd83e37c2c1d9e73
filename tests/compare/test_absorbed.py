"""Fixed effects that are projected out against the same with a dummy for every cluster."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayeslmm.compare.absorbed import absorbed
from bayeslmm.compare.regression import least_squares_of, regress
from bayeslmm.design.contrasts import coding
from bayeslmm.errors import DataError

SIZES = (4, 5, 3, 5, 6, 4, 7)


def rows(sizes=SIZES, seed=0, **extra):
    """Columns by letter: c constant, x and z vary within, w between, f and h = 1 - f levels of a factor."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(len(sizes)), sizes)
    order = rng.permutation(index.size)
    index, n = index[order], index.size
    f = rng.integers(0, 2, n).astype(float)
    columns = {"c": np.ones(n), "x": 5 + rng.normal(size=n), "z": rng.normal(size=n), "f": f, "h": 1 - f}
    columns["w"] = rng.normal(size=len(sizes))[index]
    columns["i"], columns["d"] = columns["x"] * columns["w"], columns["x"] - 3 * columns["w"]
    columns |= {name: make(columns, index) for name, make in extra.items()}
    y = columns["x"] + rng.normal(size=len(sizes))[index] + rng.normal(size=n)
    return columns, y, rng.uniform(0.5, 3, n), index


def with_dummies(X, y, weights, index, J, slopes, name):
    S = coding(name, tuple(map(str, range(J))), "g").matrix[index]
    return regress(np.hstack([X, S, *(S * X[:, [c]] for c in slopes)]), y, weights)


def check(letters, slopes, name, made):
    columns, y, weights, index = made
    X, J = np.column_stack([columns[c] for c in letters]), index.max() + 1
    at = [letters.index(c) for c in slopes]
    average = np.eye(1, J)[0] if name == "treatment" else np.full(J, 1 / J)
    found = absorbed(X, y, weights, index, at, average)
    expected = with_dummies(X, y, weights, index, J, at, name)
    p = X.shape[1]
    assert_array_equal(np.isnan(found.estimate), np.isnan(expected.estimate[:p]))
    assert_allclose(found.estimate, expected.estimate[:p], rtol=1e-7)
    assert_allclose(found.se, expected.se[:p], rtol=1e-7)
    assert found.df == expected.df
    return found


@pytest.mark.parametrize("name", ["sum", "treatment", "helmert", "poly"])
@pytest.mark.parametrize(
    ("letters", "slopes", "estimable"),
    [
        ("cx", "", "cx"),
        ("cxzw", "", "xz"),  # w is constant within clusters, and so its share of the constant is open
        ("cxzw", "x", "xz"),
        ("cxz", "xz", "cxz"),
        ("cxwi", "", "xi"),  # an interaction with what is constant within clusters ...
        ("cxwi", "x", ""),  # ... cannot be told from slopes of their own
        ("cdw", "", "d"),  # d = x - 3 w
        ("fhx", "", "fhx"),  # levels of a factor without intercept
        ("fhx", "x", "fhx"),
    ],
)
def test_the_same_as_with_dummies(letters, slopes, estimable, name):
    found = check(letters, slopes, name, rows())
    assert "".join(c for c, v in zip(letters, found.estimate, strict=True) if not np.isnan(v)) == estimable


@pytest.mark.parametrize("name", ["sum", "treatment"])
def test_clusters_that_cannot_tell_their_slope(name):
    """x is constant in the third cluster: no average of slopes, but the first cluster's has none of it."""
    made = rows(v=lambda c, index: np.where(index == 2, 1.0, c["x"]))
    found = check("cvz", "v", name, made)
    assert np.isnan(found.estimate[1]) == (name == "sum")
    assert not np.isnan(found.estimate[2])
    check("cxz", "x", name, rows(sizes=(1, 1, 6, 8, 2, 9)))


def test_without_a_constant_every_cluster_has_its_own():
    columns, y, weights, index = rows()
    found = absorbed(columns["x"][:, None], y, weights, index, [], np.full(7, 1 / 7))
    expected = regress(np.column_stack([columns["x"], np.eye(7)[index]]), y, weights)
    assert_allclose([found.estimate[0], found.se[0]], [expected.estimate[0], expected.se[0]])
    assert found.df == expected.df == len(y) - 8


def test_units_and_origin_of_a_predictor():
    """A year about 2010 in small units changes the slope by its unit, and nothing else."""
    columns, y, weights, index = rows(t=lambda c, index: 1e-3 * (2010 + c["x"]))
    plain = absorbed(np.column_stack([columns["c"], columns["x"]]), y, weights, index, [1], np.full(7, 1 / 7))
    moved = absorbed(np.column_stack([columns["c"], columns["t"]]), y, weights, index, [1], np.full(7, 1 / 7))
    assert_allclose([moved.estimate[1], moved.se[1]], [1e3 * plain.estimate[1], 1e3 * plain.se[1]], rtol=1e-6)


def test_nothing_left_for_the_residuals():
    columns, y, weights, index = rows(sizes=(2, 2, 2))
    with pytest.raises(DataError, match="6 coefficients for 6 rows"):
        absorbed(np.column_stack([columns["c"], columns["x"]]), y, weights, index, [1], np.full(3, 1 / 3))


def test_what_rows_determine():
    """Of a = b + c only sums along the rows' span are told."""
    rng = np.random.default_rng(1)
    b, c = rng.normal(size=(2, 9))
    found = least_squares_of(np.column_stack([b + c, b, c]), rng.normal(size=9))
    functions = np.array([[1.0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 1, -1]])
    assert found.tells(functions).tolist() == [True, True, False, True]
    assert found.df == 7
