"""poly, bs, ns and scale: R's definitions, and the same columns for new data."""

import numpy as np
import pytest

from bayeslmm.design.transforms import learn_bs, learn_ns, learn_poly, learn_scale

X = np.random.default_rng(1).normal(size=80)


@pytest.mark.parametrize("degree", [1, 2, 3, 6])
@pytest.mark.parametrize("x", [X, 2010 + np.arange(10.0).repeat(8), 1e6 * X], ids=["normal", "year", "large"])
def test_poly_is_rs_qr_of_the_powers(x, degree):
    basis = learn_poly(x, degree)(x)
    centred = (x - x.mean()) / np.abs(x - x.mean()).max()
    q, r = np.linalg.qr(centred[:, None] ** np.arange(degree + 1))
    np.testing.assert_allclose(basis, (q * np.sign(np.diag(r)))[:, 1:], atol=1e-11)


def test_poly_of_ten_days():
    """poly(0:9, 2)[1, ] in R."""
    days = np.arange(10.0)
    np.testing.assert_allclose(learn_poly(days, 2)(days)[0], [-0.49543369430686, 0.52223296786709], rtol=1e-12)


def test_poly_raw_and_new_data():
    poly = learn_poly(X, 3)
    np.testing.assert_array_equal(poly(X[5:9]), poly(X)[5:9])
    np.testing.assert_array_equal(learn_poly(X, 2, raw=True)(X), np.column_stack([X, X**2]))
    assert np.isnan(poly(np.array([np.nan, 1.0]))[0]).all()


@pytest.mark.parametrize("degree", [0, 3])
def test_poly_needs_enough_values(degree):
    with pytest.raises(ValueError, match="degree"):
        learn_poly(np.array([1.0, 2, 3, 1, 2, 3]), degree)


@pytest.mark.parametrize(("options", "columns"), [({"df": 5}, 5), ({"knots": np.array([0.0])}, 4), ({}, 3)])
def test_bs_has_rs_number_of_columns_and_sums_to_one(options, columns):
    assert learn_bs(X, **options)(X).shape == (80, columns)
    whole = learn_bs(X, **{k: v + 1 if k == "df" else v for k, v in options.items()}, intercept=True)(X)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(whole[:, 1:], learn_bs(X, **options)(X), atol=1e-14)


def test_bs_without_knots_is_the_bernstein_basis():
    x = np.linspace(0, 1, 11)
    expected = np.column_stack([3 * x * (1 - x) ** 2, 3 * x**2 * (1 - x), x**3])
    np.testing.assert_allclose(learn_bs(x)(x), expected, atol=1e-14)


def test_ns_is_linear_beyond_the_boundary_and_spans_the_line():
    ns = learn_ns(X, df=4)
    basis = ns(X)
    assert basis.shape == (80, 4)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(80), X, basis])) == 5
    for outside in (np.linspace(X.min() - 2, X.min(), 50), np.linspace(X.max(), X.max() + 2, 50)):
        np.testing.assert_allclose(np.diff(ns(outside), 2, axis=0), 0, atol=1e-12)
    step = 1e-5
    inside = ns(X.min() + step * np.array([-1.0, 0, 1]))
    assert np.abs(np.diff(inside, 2, axis=0)).max() < 1e-8


def test_ns_with_one_df_is_a_line():
    x = np.linspace(2, 5, 30)
    column = learn_ns(x, df=1)(x)[:, 0]
    np.testing.assert_allclose(np.diff(column, 2), 0, atol=1e-12)


def test_scale_as_r():
    np.testing.assert_allclose(learn_scale(X)(X), (X - X.mean()) / X.std(ddof=1), rtol=1e-14)
    np.testing.assert_allclose(learn_scale(X, scale=False)(X), X - X.mean())
    np.testing.assert_allclose(learn_scale(X, center=False)(X), X / np.sqrt((X**2).sum() / 79))
    np.testing.assert_allclose(learn_scale(X, center=2.0, scale=4)(X), (X - 2) / 4)
    with pytest.raises(ValueError, match="do not vary"):
        learn_scale(np.ones(5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: learn_bs(X, df=2), "too small"),
        (lambda: learn_ns(X, df=0), "too small"),
        (lambda: learn_bs(np.ones(5)), "do not vary"),
        (lambda: learn_bs(X, knots=np.array([99.0])), "inside the boundary"),
    ],
)
def test_impossible_splines(call, message):
    with pytest.raises(ValueError, match=message):
        call()
