"""The salary example, simulated: Simpson's paradox in a few lines.

For graduate i of major j, with m_j the mean grade of the major:

    grade_ij  ~ N(0, 1)
    alpha_j   ~ N(mu_0 m_j, sigma_0^2)      a major's intercept: with mu_0 < 0, better grades where salaries are lower
    beta_j    ~ N(mu_1, sigma_1^2)          a major's slope
    salary_ij ~ N(alpha_j + beta_j grade_ij, sigma_2^2)
"""

from collections.abc import Sequence
from itertools import islice, product
from math import inf, isfinite
from numbers import Integral, Real
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError


class SalarySimulation(NamedTuple):
    """Simulated salaries and the truth behind them.

    Attributes
    ----------
    data
        DataFrame with `salary`, `grade` and `major` (n rows).
    intercepts, slopes
        True values by major (groups,).
    """

    data: pd.DataFrame
    intercepts: pd.Series
    slopes: pd.Series


def simulate_salary(
    n: int = 25,
    groups: int = 5,
    mu: Sequence[float] = (-10.0, 2.0),
    sigma: Sequence[float] = (6.0, 0.1, 3.0),
    seed: int | np.random.Generator | None = None,
) -> SalarySimulation:
    """Simulate salaries by grade within majors, as in the data set `salary`.

    Parameters
    ----------
    n
        Number of graduates; they are spread over the majors as evenly as can be.
    groups
        Number of majors.
    mu
        By how much a major's mean grade moves its intercept; mean of the majors' slopes.
    sigma
        Standard deviations of the majors' intercepts (beside their mean grade), of their slopes, and of salaries about
        their major's line.
    seed
        A number or a generator, to get the same data again.

    Raises
    ------
    ArgumentError
        There are no majors, fewer graduates than majors, or means or sds that are not numbers.

    Examples
    --------
    >>> data, intercepts, slopes = simulate_salary(n=200, groups=20, seed=1)
    >>> data.shape, len(slopes)
    ((200, 3), 20)
    """
    groups = _count("groups", groups, least=1, why="there must be a major")
    n = _count("n", n, least=groups, why=f"each of the {groups} majors needs a graduate")
    mu_intercept, mu_slope = _numbers("mu", mu, "how a major's mean grade moves its intercept, mean slope", 2)
    sigma_intercept, sigma_slope, sigma_salary = _numbers(
        "sigma", sigma, "sd of intercepts, slopes and residuals", 3, 0.0
    )
    rng = np.random.default_rng(seed)
    major = np.sort(np.arange(n) % groups)
    grade = rng.normal(size=n)
    mean_grade = np.bincount(major, grade) / np.bincount(major)
    intercept = rng.normal(mu_intercept * mean_grade, sigma_intercept, size=groups)
    slope = rng.normal(mu_slope, sigma_slope, size=groups)
    salary = rng.normal(intercept[major] + slope[major] * grade, sigma_salary, size=n)
    names = _major_names(groups)
    index = pd.Index(names, name="major")
    data = pd.DataFrame(
        {"salary": salary, "grade": grade, "major": pd.Categorical.from_codes(major.tolist(), pd.Index(names))}
    )
    return SalarySimulation(
        data, pd.Series(intercept, index=index, name="intercept"), pd.Series(slope, index=index, name="slope")
    )


def _major_names(groups: int) -> list[str]:
    """a, b, c, ...; with more than 26 majors aa, ab, ..., so that all names have one length."""
    width = 1
    while len(ascii_lowercase) ** width < groups:
        width += 1
    return ["".join(letters) for letters in islice(product(ascii_lowercase, repeat=width), groups)]


def _count(name: str, value: object, least: int, why: str) -> int:
    if not isinstance(value, Integral) or value < least:
        raise ArgumentError(f"`{name}` is {value!r}; it must be a whole number of at least {least}: {why}")
    return int(value)


def _numbers(name: str, values: object, meaning: str, size: int, least: float = -inf) -> list[float]:
    found = list(values) if isinstance(values, Sequence | np.ndarray) else []
    if len(found) != size or not all(isinstance(v, Real) and isfinite(v) and float(v) >= least for v in found):
        sign = " that are not negative" if least == 0 else ""
        raise ArgumentError(f"`{name}` is {values!r}; it takes {size} numbers{sign}: {meaning}")
    return [float(v) for v in found]
