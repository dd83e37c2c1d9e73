"""What the data do that data of the fitted model seldom do: tails, unequal variances, outlying groups.

Each compares the observed data with data sets simulated from the fit (`point/simulated.py`); p-values are ranks among
them.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.design import RandomTerm
from bayeslmm.point.bands import rank_p_value, simultaneous_band
from bayeslmm.point.simulated import Standardised
from bayeslmm.results.findings import Finding

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

CLEAR, SEEN = 0.01, 0.05
MOST_LEVELS, LEAST_LEVELS = 100, 4
LARGE_SHIFT = 1.0


def tails(fit: "Fit", found: Standardised) -> Finding:
    """Whether the residuals are normal."""
    known = np.isfinite(found.residuals).all(axis=1)
    values = found.residuals[known]
    band = simultaneous_band(values, 0.95)
    observed = values[:, 0]
    worst = int(np.argmax(np.abs(observed)))
    row = fit.design.rows[np.flatnonzero(known)[worst]]
    excess, skew = (float((observed**k).mean()) for k in (4, 3))
    kind = "heavy tails" if excess > 4 else "skewed" if abs(skew) > 0.5 else "not normal"
    text = f"largest standardised residual {observed[worst]:.2g} (row {row}), kurtosis {excess:.2g}"
    if band.p > SEEN:
        return Finding("residuals", 0, f"like those of a normal distribution (p = {band.p:.2g}); {text}", excess)
    seen = f"{kind}: {int(band.outside.sum())} of {observed.size} outside the 95% band (p = {band.p:.2g}); {text}"
    why = "few rows determine sigma and pull the estimates; intervals for single observations are wrong"
    return Finding("residuals", 2 if band.p <= CLEAR else 1, seen, excess, why, "fit.plot.qq(); fit.influence()")


def random_effects(fit: "Fit", found: Standardised) -> Finding:
    """Whether the random effects are normal, as far as their modes show."""
    panels = [
        (simultaneous_band(modes[:, a], 0.95).p, t.group, effect)
        for t, modes in zip(fit.design.terms, found.modes, strict=True)
        for a, effect in enumerate(t.effects)
        if t.n_levels >= LEAST_LEVELS and np.isfinite(modes[:, a]).all()
    ]
    if not panels:
        return Finding("random effects", 0, "too few levels, or no variance, to judge their distribution", np.nan)
    p, group, effect = min(panels)
    p = min(1.0, p * len(panels))
    if p > SEEN:
        return Finding("random effects", 0, f"like those of a normal distribution (smallest p = {p:.2g})", p)
    seen = f"`{effect}` of `{group}` does not look normal (p = {p:.2g})"
    why = "predictions for new levels and the shrinkage of outlying ones rest on normality; fixed effects hardly do"
    return Finding("random effects", 1, seen, p, why, f'fit.plot.ranef_qq("{group}")')


def unequal_variances(fit: "Fit", found: Standardised) -> Finding:
    """Whether the residuals' spread differs between the levels of a group: Levene's F on absolute residuals."""
    known = np.isfinite(found.residuals).all(axis=1)
    size = np.abs(found.residuals[known])
    tested = []
    for term in fit.design.terms:
        index = term.index[known]
        F = _levene(size, index, term.n_levels)
        if F is not None:
            tested.append((rank_p_value(F), term.group, *_extremes(size[:, 0], index, term)))
    if not tested:
        return Finding("variances", 0, "too few rows per level to compare variances", np.nan)
    p, group, high, low, ratio = min(tested, key=lambda t: t[0])
    p = min(1.0, p * len(tested))
    if p > SEEN:
        seen = f"spread of residuals alike between the levels of `{group}` (p = {p:.2g})"
        return Finding("variances", 0, seen, ratio)
    seen = f"in `{group}`, residuals of {high} spread {ratio:.2g} times as wide as those of {low} (p = {p:.2g})"
    why = "levels with large residuals count as much as precise ones; their intervals are too narrow, others too wide"
    positive = bool((fit.design.y > 0).all()) and "log(" not in fit.design.response
    written = fit.design.formula.written
    log = f'blm.lmer("{written.replace(fit.design.response, f"log({fit.design.response})", 1)}", data)'
    do = log if positive else 'blm.lmer(..., weights="w")  # w: inverse variances'
    return Finding("variances", 2 if p <= CLEAR else 1, seen, ratio, why, do)


def outlying_groups(fit: "Fit", found: Standardised) -> Finding:
    """Whether a level lies apart from the others, or moves a coefficient by more than a standard error."""
    apart = [_apart(t, modes) for t, modes in zip(fit.design.terms, found.modes, strict=True)]
    far = [a for a in apart if a is not None]
    p, group, level, distance = min(far, default=(1.0, "", "", np.nan))
    p = min(1.0, p * max(1, len(far)))
    shift, coefficient, moved, by = _largest_shift(fit)
    severity, seen = 0, ""
    if p <= SEEN:
        severity, seen = 1, f"level {level} of `{group}` lies {distance:.2g} sds apart (p = {p:.2g})"
    if abs(shift) > LARGE_SHIFT:
        severity = 2
        group = by
        seen += ("; " if seen else "") + f"without {moved} of `{by}`, `{coefficient}` moves by {abs(shift):.2g} se"
    if not severity:
        told = f"no level moves a coefficient by more than {abs(shift):.2g} se" if by else "no level lies apart"
        return Finding("groups apart", 0, told, abs(shift) if by else distance)
    why = "one level decides: the result may not hold for the others"
    value = abs(shift) if severity == 2 else distance
    return Finding("groups apart", severity, seen, value, why, f'fit.influence("{group}").plot()')


def _levene(size: np.ndarray, index: np.ndarray, J: int) -> np.ndarray | None:
    """F (S,) of absolute residuals (n, S) between and within levels; None where the levels are too small."""
    counts = np.bincount(index, minlength=J)
    n = index.size
    if (counts >= 3).sum() < 2 or n <= J + 1:
        return None
    order = np.argsort(index, kind="stable")
    present = counts > 0
    starts = np.concatenate([[0], np.cumsum(counts[present])[:-1]])
    means = np.add.reduceat(size[order], starts, axis=0) / counts[present][:, None]
    total = size.mean(axis=0)
    between = (counts[present][:, None] * (means - total) ** 2).sum(axis=0)
    within = (size**2).sum(axis=0) - (counts[present][:, None] * means**2).sum(axis=0)
    return between / (present.sum() - 1) / (within / (n - present.sum()))


def _extremes(size: np.ndarray, index: np.ndarray, term: RandomTerm) -> tuple[str, str, float]:
    """Levels with the widest and the narrowest residuals, of those with three rows at least, and the ratio."""
    counts = np.bincount(index, minlength=term.n_levels)
    mean = np.sqrt(np.bincount(index, size**2, minlength=term.n_levels) / np.maximum(counts, 1))
    usable = np.flatnonzero(counts >= 3)
    high, low = usable[np.argmax(mean[usable])], usable[np.argmin(mean[usable])]
    return term.levels[high], term.levels[low], float(mean[high] / max(mean[low], 1e-300))


def _apart(term: RandomTerm, modes: np.ndarray) -> tuple[float, str, str, float] | None:
    """p, group, level and distance of the level whose mode lies farthest out, among the simulated largest ones."""
    told = np.isfinite(modes).all(axis=(0, 2))
    if term.n_levels < LEAST_LEVELS or not told.any():
        return None
    distance = np.abs(modes[:, told]).max(axis=1)
    largest = distance.max(axis=0)
    return rank_p_value(largest), term.group, term.levels[int(np.argmax(distance[:, 0]))], float(largest[0])


def _largest_shift(fit: "Fit") -> tuple[float, str, str, str]:
    """The largest DFBETAS among the levels of the groups that can be left out quickly."""
    worst = (0.0, "", "", "")
    for term in fit.design.terms:
        if 3 <= term.n_levels <= MOST_LEVELS and fit.design.p:
            table = fit.influence(term.group).table
            size = table["dfbetas"].abs()
            if size.notna().any() and size.max() > abs(worst[0]):
                at = int(size.argmax())
                worst = (float(size.max()), table["coefficient"].iloc[at], str(table.index[at]), term.group)
    return worst
