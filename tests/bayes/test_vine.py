"""The transform of correlations: inverse of itself, Cholesky factors, and its Jacobian by differences."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose

from bayeslmm.bayes.vine import PartialCorrelations

MODE = pytensor.compile.mode.Mode(linker="py", optimizer=None)


def functions(k: int):
    x, L = pt.dvector("x"), pt.dmatrix("L")
    t = PartialCorrelations(k)
    outputs = [([x], t.backward(x)), ([L], t.forward(L)), ([x], t.log_jac_det(x))]
    return [pytensor.function(inputs, output, mode=MODE) for inputs, output in outputs]


@pytest.mark.parametrize("k", [2, 3, 4])
def test_transform(k):
    backward, forward, log_jacobian = functions(k)
    rng = np.random.default_rng(k)
    x = rng.normal(size=k * (k - 1) // 2)
    L = backward(x)
    assert_allclose(np.triu(L, 1), 0)
    assert (np.diag(L) > 0).all()
    assert_allclose((L**2).sum(axis=1), 1)
    assert_allclose(forward(L), x, rtol=1e-10)
    low = np.tril_indices(k, -1)
    step = 1e-6
    columns = [(backward(x + step * e)[low] - backward(x - step * e)[low]) / (2 * step) for e in np.eye(x.size)]
    assert_allclose(log_jacobian(x), np.linalg.slogdet(np.array(columns))[1], rtol=1e-7)


def test_partial_correlations_of_three():
    backward = functions(3)[0]
    z = np.array([0.5, -0.3, 0.8])  # r_21, r_31, r_32.1
    R = backward(np.arctanh(z)) @ backward(np.arctanh(z)).T
    assert_allclose([R[1, 0], R[2, 0]], z[:2])
    assert_allclose((R[2, 1] - z[0] * z[1]) / np.sqrt((1 - z[0] ** 2) * (1 - z[1] ** 2)), z[2])


def test_no_correlation_is_the_identity():
    backward, forward, _ = functions(3)
    assert_allclose(backward(np.zeros(3)), np.eye(3))
    assert_allclose(forward(np.eye(3)), 0)
