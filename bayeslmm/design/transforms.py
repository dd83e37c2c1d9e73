"""The transforms that learn from the data, so that new data get the same columns.

poly     orthogonal polynomials by the three-term recurrence `p_{j+1} = (x - alpha_j) p_j - (n_j / n_{j-1}) p_{j-1}`
         with n_j = |p_j|^2 (Kennedy & Gentle 1980, pp. 343-344; R's `poly`)
bs, ns   B-spline bases with knots at quantiles (R's splines package)
scale    (x - centre) / divisor, by columns' mean and standard deviation (ddof 1)
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import qr


class Transform(Protocol):
    """What a transform learned; called with x (n,) it gives (n,) or (n, k)."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n,) or (n, k)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """`(x - centre) / divisor`."""

    centre: float
    divisor: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n,)."""
        return (x - self.centre) / self.divisor


def learn_scale(x: np.ndarray, center: bool | float = True, scale: bool | float = True) -> Scale:
    """Return R's `scale(x, center, scale)`; x (n,) may hold NaN.

    Without centring the divisor is the root mean square, as in R.
    """
    seen = x[~np.isnan(x)]
    centre = (float(seen.mean()) if center else 0.0) if isinstance(center, bool) else float(center)
    if not isinstance(scale, bool):
        return Scale(centre, float(scale))
    if not scale:
        return Scale(centre, 1.0)
    divisor = float(np.sqrt(np.sum((seen - centre) ** 2) / max(1, seen.size - 1)))
    if divisor == 0.0:
        raise ValueError("the values do not vary, so they have no scale")
    return Scale(centre, divisor)


@dataclass(frozen=True, slots=True)
class Constant:
    """A summary of the fitted data, such as mean(x), repeated for every row."""

    value: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n,)."""
        return np.where(np.isnan(x), np.nan, self.value)


@dataclass(frozen=True, slots=True)
class Poly:
    """Orthonormal polynomials with R's `alpha` (degree,) and `norm2` (degree + 1,)."""

    alpha: tuple[float, ...]
    norm2: tuple[float, ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n, degree)."""
        before, p = np.zeros_like(x), np.ones_like(x)
        columns = []
        for j, alpha in enumerate(self.alpha):
            ratio = self.norm2[j] / self.norm2[j - 1] if j else 0.0
            before, p = p, (x - alpha) * p - ratio * before
            columns.append(p / np.sqrt(self.norm2[j + 1]))
        return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class RawPoly:
    """The powers x, x^2, ..., x^degree."""

    degree: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n, degree)."""
        return np.vander(x, self.degree + 1, increasing=True)[:, 1:]


def learn_poly(x: np.ndarray, degree: int = 1, raw: bool = False) -> Poly | RawPoly:
    """Return R's `poly(x, degree, raw)`; x (n,) may hold NaN.

    Raises
    ------
    ValueError
        If the degree is below 1 or there are not more distinct values than the degree.
    """
    if degree < 1:
        raise ValueError(f"the degree is a whole number from 1; got {degree}")
    if raw:
        return RawPoly(degree)
    x = x[~np.isnan(x)]
    distinct = np.unique(x).size
    if distinct <= degree:
        raise ValueError(f"degree {degree} needs more than {degree} distinct values; there are {distinct}")
    alpha: list[float] = []
    norm2 = [float(x.size)]
    before, p = np.zeros_like(x), np.ones_like(x)
    mean = x.mean()
    for j in range(degree):
        a = float(np.sum((x - mean) * p * p) / norm2[j] + mean)
        ratio = norm2[j] / norm2[j - 1] if j else 0.0
        before, p = p, (x - a) * p - ratio * before
        alpha.append(a)
        norm2.append(float(p @ p))
    return Poly(tuple(alpha), tuple(norm2))


@dataclass(frozen=True, slots=True)
class Splines:
    """B-splines of some degree on `knots`; `skip` leaves out the first column (no intercept)."""

    knots: tuple[float, ...]
    degree: int
    skip: bool

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n, k); beyond the boundary the outermost polynomials go on, as in R."""
        basis = _basis(x, np.array(self.knots), self.degree)
        return basis[:, 1:] if self.skip else basis


@dataclass(frozen=True, slots=True, eq=False)
class NaturalSplines:
    """Cubic splines with no curvature at and beyond the boundary: B-splines times `projection`."""

    knots: tuple[float, ...]
    skip: bool
    projection: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n,) -> (n, k); linear beyond the boundary."""
        knots = np.array(self.knots)
        low, high = knots[0], knots[-1]
        basis = _basis(np.clip(x, low, high), knots, 3)
        for edge, outside in ((low, x < low), (high, x > high)):
            if outside.any():
                slope = _derivative(edge, knots, 1)
                basis[outside] += (x[outside] - edge)[:, None] * slope
        return (basis[:, 1:] if self.skip else basis) @ self.projection


def learn_bs(
    x: np.ndarray,
    df: int | None = None,
    knots: np.ndarray | None = None,
    degree: int = 3,
    intercept: bool = False,
    Boundary_knots: np.ndarray | None = None,
) -> Splines:
    """Return R's `bs(x, df, knots, degree, intercept, Boundary.knots)`; x (n,) may hold NaN."""
    if degree < 1:
        raise ValueError(f"the degree is a whole number from 1; got {degree}")
    count = 0 if df is None else df - degree - int(intercept)
    if count < 0:
        raise ValueError(f"df = {df} is too small for degree {degree}; give at least {degree + int(intercept)}")
    return Splines(_knots(x, knots, count, degree, Boundary_knots), degree, not intercept)


def learn_ns(
    x: np.ndarray,
    df: int | None = None,
    knots: np.ndarray | None = None,
    intercept: bool = False,
    Boundary_knots: np.ndarray | None = None,
) -> NaturalSplines:
    """Return R's `ns(x, df, knots, intercept, Boundary.knots)`; x (n,) may hold NaN."""
    count = 0 if df is None else df - 1 - int(intercept)
    if count < 0:
        raise ValueError(f"df = {df} is too small; give at least {1 + int(intercept)}")
    all_knots = _knots(x, knots, count, 3, Boundary_knots)
    grid = np.array(all_knots)
    curvature = np.vstack([_derivative(grid[0], grid, 2), _derivative(grid[-1], grid, 2)])
    if not intercept:
        curvature = curvature[:, 1:]
    rotation = qr(curvature.T)[0]
    return NaturalSplines(all_knots, not intercept, rotation[:, 2:])


def _knots(
    x: np.ndarray, inner: np.ndarray | None, count: int, degree: int, boundary: np.ndarray | None
) -> tuple[float, ...]:
    x = x[~np.isnan(x)]
    low, high = (x.min(), x.max()) if boundary is None else np.sort(np.asarray(boundary, dtype=float))
    if not low < high:
        raise ValueError("the values do not vary, so there is no room for knots")
    if inner is None:
        within = x[(x >= low) & (x <= high)]
        inner = np.quantile(within, np.linspace(0, 1, count + 2)[1:-1])
    inner = np.sort(np.atleast_1d(np.asarray(inner, dtype=float)))
    if inner.size and not (low < inner[0] and inner[-1] < high):
        raise ValueError(f"the knots must lie inside the boundary {low:g} .. {high:g}")
    return (*[float(low)] * (degree + 1), *(float(k) for k in inner), *[float(high)] * (degree + 1))


def _basis(x: np.ndarray, knots: np.ndarray, degree: int) -> np.ndarray:
    out = np.full((x.size, knots.size - degree - 1), np.nan)
    seen = ~np.isnan(x)
    if seen.any():
        from scipy.interpolate import BSpline

        out[seen] = BSpline.design_matrix(x[seen], knots, degree, extrapolate=True).toarray()
    return out


def _derivative(at: float, knots: np.ndarray, order: int) -> np.ndarray:
    """(k,): the derivative of each cubic B-spline at one point."""
    from scipy.interpolate import BSpline

    count = knots.size - 4
    return np.array([BSpline(knots, np.eye(count)[j], 3).derivative(order)(at) for j in range(count)])
