"""What models must share to be compared by `anova`, and what is said of arguments that are no models."""

from collections.abc import Sequence

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError

TYPES = (1, 2, 3, "I", "II", "III")


def check_same_data(designs: Sequence[Design], compared: str) -> None:
    """Refuse models of other rows or of another response than the first.

    Parameters
    ----------
    designs
        Of the models.
    compared
        What the comparison is by, such as "likelihoods".

    Raises
    ------
    ArgumentError
        With the first difference.
    """
    first = designs[0]
    for other in designs[1:]:
        if other.n != first.n or not np.array_equal(other.rows, first.rows):
            raise ArgumentError(
                f"the models were fitted to different rows ({first.n} and {other.n}), so that their {compared} cannot "
                "be compared; drop the rows with missing values in any of their columns first, and fit both again"
            )
        if not np.array_equal(other.y, first.y):
            what = f"`{first.response}` and `{other.response}`" if other.response != first.response else "other values"
            raise ArgumentError(
                f"the models have different responses ({what}); {compared} compare for the same one only"
            )


def type_hint(given: object) -> str:
    """Whoever gives a type of the tests where a model is expected is told its keyword; empty for others."""
    known = isinstance(given, int | str) and given in TYPES
    return f"; for the type of the tests write type={given!r}" if known else ""
