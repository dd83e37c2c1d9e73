"""The basis of the fixed part: orthonormal in the metric of W, by QR or by cross-products, whatever the units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood import basis
from bayeslmm.likelihood.basis import FixedBasis


def columns(collinear, n=400):
    rng = np.random.default_rng(3)
    x = rng.normal(2010, 5, n)
    near = x + collinear * rng.normal(size=n)
    X = np.column_stack([np.ones(n), x, near, 1e6 * rng.normal(size=n)])
    return X, X @ [1e7, 1.0, -2.0, 1e-6] + rng.normal(size=n), rng.uniform(0.2, 5, n)


@pytest.mark.parametrize("many_rows", [0, 10**9])
@pytest.mark.parametrize("collinear", [1.0, 1e-4, 1e-7])
def test_columns_are_orthonormal_and_the_determinant_is_kept(many_rows, collinear, monkeypatch):
    monkeypatch.setattr(basis, "MANY_ROWS", many_rows)
    X, y, w = columns(collinear)
    found = FixedBasis.of(X, y, w)
    Q = X @ found.T
    assert_allclose((Q * w[:, None]).T @ Q, np.eye(4), atol=1e-5 if collinear < 1e-6 else 1e-8)
    R = np.linalg.qr(X * np.sqrt(w)[:, None], mode="r")
    assert_allclose(found.log_det, 2 * np.log(np.abs(np.diag(R))).sum(), rtol=1e-9 if collinear > 1e-6 else 1e-6)
    residual = y - X @ found.b0
    assert_allclose((Q * w[:, None]).T @ residual, 0, atol=1e-2 if collinear < 1e-6 else 1e-5)
    assert_allclose(found.transform(X, y)[:, -1], residual)


def test_cross_products_give_way_where_columns_are_nearly_collinear():
    X, _, w = columns(1e-7)
    assert basis._by_cross_products(X, w) is None
    assert basis._by_cross_products(columns(1.0)[0], w) is not None
