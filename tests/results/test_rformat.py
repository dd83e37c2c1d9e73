"""Numbers with so many decimals: fixed as long as that is short, else as R writes them."""

import pytest

from bayeslmm.results import rformat


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.000123, 6, "0.000123"),
        (0.0001, 4, "0.0001"),
        (5.7234e-06, 8, "5.72e-06"),
        (-5.7234e-06, 8, "-5.72e-06"),
        (1.0234e-05, 8, "1.023e-05"),
        (9.9996e-06, 8, "1.000e-05"),
        (0.0123456789, 8, "0.01234568"),
        (123.456789012, 7, "123.4567890"),
        (1e-12, 8, "0"),
        (0.0, 8, "0"),
        (float("nan"), 8, "NA"),
        (float("-inf"), 8, "-Inf"),
    ],
)
def test_short(value, decimals, text):
    assert rformat.short(value, decimals) == text


@pytest.mark.parametrize("value", [3.1e-9, -2.71828e-07, 4.2e-05, 0.3333333333, 12.5])
@pytest.mark.parametrize("decimals", range(4, 13))
def test_either_way_as_precise(value, decimals):
    """Source: both show the value to half a unit of the last decimal."""
    assert abs(float(rformat.short(value, decimals)) - value) <= 0.5000001 * 10.0**-decimals
    assert len(rformat.short(value, decimals)) <= len(rformat.fixed(value, decimals))
