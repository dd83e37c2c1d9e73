"""Cross-products are additive over rows, and never of size n x q."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood import crossprod
from bayeslmm.likelihood.crossprod import cross_products
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.symbolic import Structure
from tests.designs import SHAPES, make_design


def inputs(design):
    index = [t.index for t in design.terms]
    structure = Structure.of(index, [t.n_levels for t in design.terms], [t.k for t in design.terms])
    return structure, [t.Z for t in design.terms], index, np.column_stack([design.X, design.y]), design.weights


def part(arguments, rows):
    structure, Z, index, Xy, weights = arguments
    Xy = Xy[rows]
    return cross_products(structure, [z[rows] for z in Z], [i[rows] for i in index], lambda r: Xy[r], weights[rows])


def assert_same(a, b):
    for x, y in zip([*a.diag, *a.fixed, a.corner], [*b.diag, *b.fixed, b.corner], strict=True):
        assert_allclose(x, y, rtol=1e-12, atol=1e-10)
    for x, y in [(a.chain, b.chain), (a.cross, b.cross)]:
        assert x.keys() == y.keys()
        for key in x:
            assert_allclose(x[key], y[key], rtol=1e-12, atol=1e-10)
    assert a.n == b.n
    assert_allclose(a.log_weights, b.log_weights)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_data_set_split_in_two_and_added(shape):
    arguments = inputs(make_design(shape, seed=1, weighted=True))
    whole = part(arguments, slice(None))
    assert_same(part(arguments, slice(0, 17)) + part(arguments, slice(17, None)), whole)


def test_chunks_of_rows_make_no_difference(monkeypatch):
    arguments = inputs(make_design("everything", seed=2))
    whole = part(arguments, slice(None))
    monkeypatch.setattr(crossprod, "CHUNK", 7)
    assert_same(part(arguments, slice(None)), whole)


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_those_of_the_dense_product(shape):
    design = make_design(shape, seed=4, weighted=True)
    structure, Z, index, Xy, weights = inputs(design)
    A = cross_products(structure, Z, index, lambda rows: Xy[rows], weights)
    full = [
        np.stack([z * (i == level)[:, None] for level in range(J)])
        for z, i, J in zip(Z, index, structure.J, strict=True)
    ]
    for t, D in enumerate(A.diag):
        assert_allclose(np.moveaxis(D, 2, 0), np.einsum("lna,n,lnb->lab", full[t], weights, full[t]), atol=1e-10)
        assert_allclose(np.moveaxis(A.fixed[t], 2, 0), np.einsum("lna,n,nb->lab", full[t], weights, Xy), atol=1e-9)
    for (t, s), block in A.cross.items():
        pairs = structure.pairs[t, s]
        expected = np.einsum("lna,n,lnb->lab", full[t][pairs.first], weights, full[s][pairs.second])
        assert_allclose(np.moveaxis(block, 2, 0), expected, atol=1e-10)
    for (t, s), block in A.chain.items():
        expected = np.einsum("lna,n,lnb->lab", full[t], weights, full[s][structure.parent[t, s]])
        assert_allclose(np.moveaxis(block, 2, 0), expected, atol=1e-10)


@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_both_paths_sum_the_same(engine, monkeypatch):
    arguments = inputs(make_design("everything", seed=3, weighted=True, n=200))
    monkeypatch.setenv("BAYESLMM_ENGINE", "plain")
    expected = part(arguments, slice(None))
    monkeypatch.setenv("BAYESLMM_ENGINE", engine)
    assert_same(part(arguments, slice(None)), expected)


def test_size_does_not_depend_on_the_number_of_rows():
    sizes = []
    for n in (500, 5000):
        A = MarginalLikelihood.of(make_design("nested", seed=5, n=n)).A
        sizes.append(sum(x.size for x in [*A.diag, *A.fixed, *A.chain.values(), *A.cross.values()]))
    assert sizes[0] == sizes[1]
