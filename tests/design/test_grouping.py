"""Combined grouping factors: the table and the sorted way give the same levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayeslmm.design.grouping import _by_sorting, _by_table


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 60))
def test_both_ways_agree(seed, m, n):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, m).tolist()
    codes = [rng.integers(0, size, n) for size in sizes]
    index, combinations = _by_table(codes, sizes)
    other, others = _by_sorting(codes, sizes)
    np.testing.assert_array_equal(index, other)
    np.testing.assert_array_equal(combinations, others)
    np.testing.assert_array_equal(combinations[index], np.column_stack(codes))


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_small_integer_codes_do_not_overflow(dtype):
    codes = [np.arange(100, dtype=dtype), np.arange(100, dtype=dtype)]
    index, combinations = _by_table(codes, [100, 100])
    np.testing.assert_array_equal(combinations[index], np.column_stack(codes))
