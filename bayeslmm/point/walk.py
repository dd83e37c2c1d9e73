"""The way along a profile: steps from the estimate outwards until zeta reaches a cutoff or the path its boundary.

The slope of the criterion at a constrained optimum is its partial derivative by the path parameter t, which every
evaluation tells (envelope theorem): `dzeta/dt = (dD/dt) / (2 zeta)`. It sets the length of the steps, and with it the
cubic through two places finds where between them zeta takes a value.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from bayeslmm.point.charts import Chart
from bayeslmm.point.follow import Place, follow, without

STEPS = 6
MAX_STEPS = 80
REFINE = 12
FIRST, LONGEST = 0.01, 20.0  # of the first two steps, in crude standard errors
GROWTH = 3.0
CLOSE = 1e-7


@dataclass(frozen=True, slots=True)
class Walk:
    """The way along one profile.

    Attributes
    ----------
    chart
        The criterion with one parameter held.
    best
        The least deviance.
    cutoff
        |zeta| to reach.
    low, high
        Bounds of the path parameter.
    flat
        The best of the optima that hold for every t, where there are any (see `Chart.collapsed`).
    """

    chart: Chart
    best: float
    cutoff: float
    low: float
    high: float
    flat: list[Place] = field(default_factory=list)

    def both_sides(self, t: float, start: Place, scale: float) -> tuple[list[Place], np.ndarray, np.ndarray]:
        """Places from the lower to the upper end with zeta (n,) and dzeta/dt (n,)."""
        others = [without(self.chart, start, i) for i in self.chart.collapsed()]
        self.flat[:] = sorted(others, key=lambda p: p.told.value)[:1]
        first = [
            self._follow(end, start) for end in (max(t - FIRST * scale, self.low), min(t + FIRST * scale, self.high))
        ]
        near = [abs(self._zeta(p, t)) / abs(p.t - t) for p in first if p.t != t]
        slope = float(np.mean(near))
        first_step = min((self.cutoff / STEPS) / max(slope, 1e-300), LONGEST * scale)
        down = self._side(t, start, slope, first_step, -1)
        up = self._side(t, start, slope, first_step, 1)
        places = [*reversed(down), start, *up]
        zeta = np.array([self._zeta(p, t) for p in places])
        return places, zeta, np.array([slope if p is start else self._slope(p, t) for p in places])

    def _side(self, t: float, start: Place, slope: float, step: float, sign: int) -> list[Place]:
        """From the estimate outwards in one direction."""
        bound = self.high if sign > 0 else self.low
        places, at = [start], t
        for _ in range(MAX_STEPS):
            if at == bound:
                break
            target = at + sign * step
            target = bound if sign * (target - bound) > -0.05 * step else target
            places.append(self._follow(target, places[-1]))
            zeta = abs(self._zeta(places[-1], t))
            if not np.isfinite(zeta):
                return places[1:-1]
            if zeta >= self.cutoff:
                places[-1] = self._crossing(t, places[-2], places[-1], slope, sign)
                break
            by_t = abs(self._slope(places[-1], t))
            at, step = target, min((self.cutoff / STEPS) / max(by_t, 1e-300), GROWTH * step)
        return places[1:]

    def _crossing(self, t: float, inside: Place, outside: Place, slope: float, sign: int) -> Place:
        """The place where |zeta| is the cutoff, between two that enclose it."""
        found = outside
        for _ in range(REFINE):
            a, b = inside, outside
            slopes = [slope if p.t == t else self._slope(p, t) for p in (a, b)]
            zetas = self._zeta(a, t), self._zeta(b, t)
            target = hermite_root(a.t, b.t, *zetas, slopes[0], slopes[1], sign * self.cutoff)
            found = self._follow(target, min(a, b, key=lambda p: abs(p.t - target)))
            miss = abs(self._zeta(found, t)) - self.cutoff
            if abs(miss) < CLOSE * self.cutoff:
                break
            inside, outside = (found, b) if miss < 0 else (a, found)
        return found

    def _follow(self, t: float, near: Place) -> Place:
        found = follow(self.chart, t, near)
        for flat in self.flat:
            if flat.told.value < found.told.value:
                return replace(flat, t=t, told=flat.told._replace(by_path=0.0))
        return found

    def _zeta(self, place: Place, t: float) -> float:
        rise = place.told.value - self.best
        return float(np.sign(place.t - t)) * float(np.sqrt(max(rise, 0.0)))

    def _slope(self, place: Place, t: float) -> float:
        """dzeta/dt = (dD/dt) / (2 zeta)."""
        zeta = self._zeta(place, t)
        return place.told.by_path / (2 * zeta) if zeta else 0.0


def hermite(
    a: np.ndarray, b: np.ndarray, fa: np.ndarray, fb: np.ndarray, da: np.ndarray, db: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """The cubic with these values and slopes at a and b."""
    h = b - a
    s = (x - a) / h
    return (
        (1 + 2 * s) * (1 - s) ** 2 * fa + s * (1 - s) ** 2 * h * da + s**2 * (3 - 2 * s) * fb + s**2 * (s - 1) * h * db
    )


def hermite_root(a: float, b: float, fa: float, fb: float, da: float, db: float, target: float) -> float:
    """Where the cubic between a and b, with values on both sides of the target, reaches it: by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        x = a + middle * (b - a)
        f = float(hermite(*map(np.asarray, (a, b, fa, fb, da, db, x))))
        low, high = (middle, high) if (f < target) == (fa < fb) else (low, middle)
    return a + (low + high) / 2 * (b - a)
