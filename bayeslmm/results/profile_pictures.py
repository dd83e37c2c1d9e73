"""Pictures of profiles: zeta against the parameter, and pairs with traces and contours.

Pairs (Bates & Watts 1988, section 6.1.2 and appendix 6): along the profile of one parameter, a trace shows where the
others go. In the plane of two zetas a contour of the two-parameter likelihood touches its bounding square where the
traces cross it. The four points of contact determine the contour nearly: with
`zeta_1 = r cos(a + d / 2), zeta_2 = r cos(a - d / 2)`, d is a smooth periodic function of a, interpolated by a spline.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy.interpolate import CubicSpline

from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.profile import Curve
from bayeslmm.results import style
from bayeslmm.results.panels import headline, new_panels, same_limits

if TYPE_CHECKING:
    from bayeslmm.results.profile import Profile

LEVELS = (0.5, 0.8, 0.95)
ROOM = 1.4  # inches for a name in a panel of pairs


def zeta_plot(profile: "Profile", level: float, width: float = 10.4, axes: Any = None) -> np.ndarray:
    """One panel for each parameter, with the interval of `level`; `width` in inches is that of a full row."""
    n = len(profile.curves)
    fitting = max(1, round(width / 2.6))
    columns, inches = min(n, fitting), width / fitting
    rows = -(-n // columns)
    shape, size = (rows, columns), (inches * columns, 2.5 * rows)
    panels, figure = new_panels(axes, n, shape, size, "profile().plot", sharey=True)
    ends = profile.confint(min(level, profile.level))
    for ax, (name, curve) in zip(panels, profile.curves.items(), strict=True):
        _zeta_panel(ax, name, curve, ends.loc[name].to_numpy(dtype=float), level)
    for ax in panels[:: columns if figure is not None else n]:
        ax.set_ylabel(r"$\zeta$")
    title = f"Profile zeta with {level:.0%} intervals; straight where a Wald interval would do"
    headline(figure, panels, title, inches * columns)
    style.fold_titles(panels)
    if figure is None:
        same_limits(panels, x=False)
        return panels
    return np.array(figure.axes, dtype=object).reshape(shape)


def _zeta_panel(ax: Axes, name: str, curve: Curve, ends: np.ndarray, level: float) -> None:
    z = normal_quantile(0.5 + level / 2)
    x = np.linspace(curve.value[0], curve.value[-1], 200)
    ax.plot(x, curve.at(x), color=style.REML, linewidth=1.6)
    if np.isfinite(curve.estimate):
        ax.plot(curve.estimate, 0.0, "o", color=style.REML, markersize=4)
    inside = np.clip(ends, curve.value[0], curve.value[-1])
    ax.vlines(inside, 0, curve.at(inside), color=style.ink(), linewidth=1.0)
    ax.hlines(0, *inside, color=style.ink(), linewidth=2.5)
    ax.axhline(z, color=style.NO_POOLING, linewidth=0.7, linestyle=":")
    ax.axhline(-z, color=style.NO_POOLING, linewidth=0.7, linestyle=":")
    style.tidy(ax, name)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.tick_params(labelsize=8)


def pairs_plot(profile: "Profile", names: list[str], given: Any = None) -> np.ndarray:
    """Contours of 50, 80 and 95 % with traces: parameters below the diagonal, zetas above it."""
    n = len(names)
    size = (1.9 * n + 0.6, 1.9 * n + 0.6)
    panels, figure = new_panels(given, n * n, (n, n), size, "profile().plot_pairs")
    axes = panels.reshape(n, n)
    whole = True
    for i, second in enumerate(names):
        for j, first in enumerate(names):
            ax = axes[i, j]
            ax.tick_params(labelsize=7)
            ax.spines[["top", "right"]].set_visible(False)
            if i == j:
                _name_panel(ax, first)
            else:
                whole &= _pair_panel(ax, profile, first, second, natural=i > j)
            if i == n - 1 and j < n - 1:
                ax.set_xlabel(style.fold(first, ROOM, 7), fontsize=7)
            if j == 0 and i > 0:
                ax.set_ylabel(style.fold(second, ROOM, 7), fontsize=7)
    title = "Profile pairs: contours of 50, 80 and 95%; parameters below, zeta above the diagonal"
    if not whole:
        title += "; no contour where a profile ends before it, at a boundary"
    headline(figure, panels, title, 1.9 * n)
    return axes


def _name_panel(ax: Axes, name: str) -> None:
    ax.text(0.5, 0.5, style.fold(name.replace("|", "\n| "), ROOM, 9), ha="center", va="center", fontsize=9)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _pair_panel(ax: Axes, profile: "Profile", first: str, second: str, natural: bool) -> bool:
    """Draw `first` as x, `second` as y, on their own scales or as zetas; tell whether all contours could be drawn."""
    a, b = profile.curves[first], profile.curves[second]
    of_a = _as_zeta(b, a.followers[:, profile.names.index(second)])
    of_b = _as_zeta(a, b.followers[:, profile.names.index(first)])
    drawn = 0
    for share in LEVELS:
        radius = float(np.sqrt(-2 * np.log(1 - share)))
        points = _contour(a.zeta, of_a, b.zeta, of_b, radius)
        if points is not None:
            x, y = (_as_value(a, points[0]), _as_value(b, points[1])) if natural else points
            ax.plot(x, y, color=style.REML, linewidth=0.9)
            drawn += 1
    xs, ys = (a.value, a.followers[:, profile.names.index(second)]) if natural else (a.zeta, of_a)
    ax.plot(xs, ys, color=style.BAYES, linewidth=0.9)
    xs, ys = (b.followers[:, profile.names.index(first)], b.value) if natural else (of_b, b.zeta)
    ax.plot(xs, ys, color=style.COMPLETE, linewidth=0.9)
    if natural:
        ax.set(xlim=(a.value[0], a.value[-1]), ylim=(b.value[0], b.value[-1]))
    else:
        ax.set(xlim=(-a.cutoff, a.cutoff), ylim=(-b.cutoff, b.cutoff))
    return drawn == len(LEVELS)


def _as_zeta(curve: Curve, value: np.ndarray) -> np.ndarray:
    """Zeta of values, NaN where they lie outside of the curve."""
    inside = (value >= curve.value[0]) & (value <= curve.value[-1])
    return np.where(inside, curve.at(np.clip(value, curve.value[0], curve.value[-1])), np.nan)


def _as_value(curve: Curve, zeta: np.ndarray) -> np.ndarray:
    """Values at zetas, NaN beyond the ends of the curve."""
    x = np.linspace(curve.value[0], curve.value[-1], 400)
    at = np.maximum.accumulate(curve.at(x))
    return np.interp(zeta, at, x, left=np.nan, right=np.nan)


def _contour(
    zeta_a: np.ndarray, of_a: np.ndarray, zeta_b: np.ndarray, of_b: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The contour in the plane of zetas, from its four points of contact; None where one of them is not known."""
    contacts = []
    for sign in (1, -1):
        along = _trace(zeta_a, of_a, sign * radius) / radius
        contacts.append((0.0 if sign > 0 else np.pi, _arccos(along)))
        along = _trace(zeta_b, of_b, sign * radius) / radius
        contacts.append((_arccos(along), 0.0 if sign > 0 else np.pi))
    first, second = np.array(contacts).T
    if not np.isfinite(first + second).all():
        return None
    mean, difference = (first + second) / 2, first - second
    angle = np.where(difference > 0, mean, -mean)
    order = np.argsort(angle)
    angle, size = angle[order], np.abs(difference)[order]
    if (np.diff(angle) < 1e-9).any():
        return None
    spline = CubicSpline(np.append(angle, angle[0] + 2 * np.pi), np.append(size, size[0]), bc_type="periodic")
    t = np.linspace(-np.pi, np.pi, 201)
    return radius * np.cos(t + spline(t) / 2), radius * np.cos(t - spline(t) / 2)


def _trace(zeta: np.ndarray, follower: np.ndarray, at: float) -> float:
    """Where the follower is when the profile reaches a zeta; NaN beyond its ends."""
    known = np.isfinite(follower)
    if known.sum() < 2 or not zeta[known][0] <= at <= zeta[known][-1]:
        return np.nan
    return float(np.interp(at, zeta[known], follower[known]))


def _arccos(x: float) -> float:
    return float(np.arccos(np.clip(x, -1.0, 1.0))) if np.isfinite(x) else np.nan
