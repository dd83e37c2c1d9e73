"""How much wider or narrower priors must be until an interval includes, or excludes, zero.

The quantity is h = c + l'beta. From the priors as they are, the factors go out by sqrt(2); where the interval's verdict
turns, the place is halved in log f until it is known to 5%. `prior_reweighting` gives the interval at each factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.widths import has_width
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.errors import ArgumentError, check_whole, did_you_mean
from bayeslmm.results import rformat, style
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.prior_reweighting import AtFactor, AtFactors, Base, Refit
from bayeslmm.results.table_export import Tabular

STEP, TOLERANCE = float(np.sqrt(2)), 1.05


@dataclass(frozen=True)
class PriorDecision(Tabular):
    """What `post.prior_sensitivity("grade", prior="sd")` returns; `print` it, `.plot()` it, or take its parts.

    Attributes
    ----------
    quantity, prior, level
        What was asked.
    curve
        DataFrame by increasing `factor`: `lower`, `estimate`, `upper`, `k_hat`, `how` ("posterior", "reweighted" or
        "refitted").
    table
        DataFrame with rows `narrower` and `wider`: the `factor` nearest to 1 at which the verdict is the other one (NaN
        where none was found), `lower`, `estimate`, `upper` there, and `searched`, how far the search went.
    sentence
        The same in words.
    notes
        Which priors were changed, and which have no width.
    """

    quantity: str
    prior: str
    level: float
    curve: pd.DataFrame
    table: pd.DataFrame
    sentence: str
    notes: tuple[str, ...]

    def plot(self, width: float = 7.0, ax: Axes | None = None) -> Axes:
        """Interval against the width of the priors; where the verdict turns is marked."""
        return _picture(self, width, ax)

    def __str__(self) -> str:
        numbers = self.curve.drop(columns="how")
        cells = [rformat.format_numbers(numbers[c].to_numpy(), 3) for c in numbers] + [list(self.curve["how"])]
        text = rformat.columns_as_text(list(self.curve.columns), cells, [False] * 5 + [True])
        return "\n".join([self.sentence, "", text, *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def prior_decision(
    draws: Draws,
    priors: Priors,
    function: LinearFunctions,
    key: str,
    refit: Refit,
    level: float,
    reach: float,
    refits: int,
) -> PriorDecision:
    """Search for the factors at which the verdict on one quantity turns.

    Parameters
    ----------
    draws, priors
        The posterior, and its priors.
    function
        One linear function of the coefficients.
    key
        Name of one prior or of a class of priors, as in `priors=`, or "all".
    refit
        Draws of the posterior with these priors, by name.
    level
        Of the equal-tailed intervals.
    reach
        The largest factor, and one over the smallest.
    refits
        The most times the model is sampled again.
    """
    if function.m != 1:
        raise ArgumentError(f"prior_sensitivity: a decision is about one quantity, and {function.m} were given")
    if isinstance(reach, bool) or not isinstance(reach, int | float | np.number) or not 1.5 < reach < np.inf:
        raise ArgumentError(f"reach={reach!r} must be a number above 1.5, such as 32")
    check_whole("refits", refits, 0)
    changed, fixed = chosen_slots(priors, key)
    base = Base.of(1.0, draws, priors, function, changed)
    search = AtFactors(priors, function, changed, refit, level, refits, [base])
    now = search.now
    turns = [_turn(search, now, float(reach), direction) for direction in (-1, 1)]
    curve = pd.DataFrame([_row(a) for a in sorted(search.found.values(), key=lambda a: a.factor)])
    table = pd.DataFrame([t.row for t in turns], index=["narrower", "wider"])
    quantity = str(function.labels["contrast"][0])
    notes = [f"changed: {', '.join(changed)}", _monte_carlo_error(base.h.reshape(draws.shape), level)]
    if fixed:
        notes.append(f"not changed, because it has no width: {', '.join(fixed)}")
    if search.left < refits:
        notes.append(f"the model was sampled again {refits - search.left} times")
    if any(t.place is None and not np.isclose(max(t.reached, 1 / t.reached), reach) for t in turns):
        notes.append(f"the search ended where the model would have to be sampled more than refits={refits} times")
    sentence = _sentence(quantity, key, level, now, turns)
    return PriorDecision(quantity, key, level, curve, table, sentence, tuple(notes))


def chosen_slots(priors: Priors, key: str) -> tuple[list[str], list[str]]:
    """Names of the parameters whose priors are meant: those that have a width, and those that have none."""
    known = ["all", *dict.fromkeys(k for s in priors.slots if s.kind != "cor" for k in s.keys)]
    if key not in known:
        shown = [k for k in known if not k.startswith("beta[") and "(Intercept)" not in k]
        raise ArgumentError(
            f"prior_sensitivity: no prior `{key}` that has a width{did_you_mean(str(key), shown)}; "
            f"there is {', '.join(shown[:16])}"
        )
    meant = [s for s in priors.slots if s.kind != "cor" and (key == "all" or key in s.keys)]
    changed = [s.keys[0] for s in meant if has_width(s.prior)]
    fixed = [f"{s.keys[0]} ({s.prior})" for s in meant if not has_width(s.prior)]
    if not changed:
        raise ArgumentError(f"prior_sensitivity: `{key}` is {meant[0].prior}, which has no width that could be changed")
    return changed, fixed


# -- where the verdict turns ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Turn:
    """The nearest place in one direction where the verdict is the other one; `reached` is how far was searched."""

    place: AtFactor | None
    reached: float

    @property
    def row(self) -> dict[str, float]:
        at = self.place
        values = (np.nan,) * 4 if at is None else (at.factor, at.lower, at.estimate, at.upper)
        return {**dict(zip(("factor", "lower", "estimate", "upper"), values, strict=True)), "searched": self.reached}


def _turn(search: AtFactors, now: AtFactor, reach: float, direction: int) -> _Turn:
    before, steps = now, int(np.ceil(np.log(reach) / np.log(STEP) - 1e-9))
    for i in range(1, steps + 1):
        factor = float(min(STEP**i, reach) ** direction)
        here = search.at(factor)
        if here is None:
            return _Turn(None, before.factor)
        if here.includes != now.includes:
            return _Turn(_halved(search, before, here), here.factor)
        before = here
    return _Turn(None, before.factor)


def _halved(search: AtFactors, before: AtFactor, after: AtFactor) -> AtFactor:
    """The place between two factors where the verdict turns, to 5%."""
    while max(before.factor / after.factor, after.factor / before.factor) > TOLERANCE:
        middle = search.at(float(np.sqrt(before.factor * after.factor)))
        if middle is None:
            break
        before, after = (before, middle) if middle.includes == after.includes else (middle, after)
    return after


def _row(at: AtFactor) -> dict[str, float | str]:
    return {name: getattr(at, name) for name in ("factor", "lower", "estimate", "upper", "k_hat", "how")}


# -- in words and as a picture -------------------------------------------------------------------------------------


def _sentence(quantity: str, key: str, level: float, now: AtFactor, turns: Sequence[_Turn]) -> str:
    lower, upper = rformat.format_numbers([now.lower, now.upper], 3)
    verb, other = ("includes", "exclude") if now.includes else ("excludes", "include")
    priors = "all priors" if key == "all" else f"the prior of `{key}`"
    found = [_widths(t, w) for t, w in zip(turns, ("narrow", "wide"), strict=True) if t.place is not None]
    never = [_widths(t, w) for t, w in zip(turns, ("narrow", "wide"), strict=True) if t.place is None]
    if not found:
        end = f"It would not {other} zero with {priors} up to {' or '.join(never)}."
    else:
        end = f"It would {other} zero with {priors} {' or '.join(found)}"
        end += f"; up to {never[0]}, it would not." if never else "."
    return f"The {100 * level:g}% interval of {quantity}, {lower} to {upper}, {verb} zero. {end}"


def _monte_carlo_error(h: np.ndarray, level: float) -> str:
    """How well the ends of the interval of h (chains, draws) are known."""
    errors = [
        float(array_stats.mcse(h, chain_axis=0, draw_axis=1, method="quantile", prob=q))
        for q in ((1 - level) / 2, (1 + level) / 2)
    ]
    lower, upper = rformat.format_numbers(errors, 2)
    return f"Monte Carlo error of the ends at 1: {lower} and {upper}"


def _widths(turn: _Turn, word: str) -> str:
    factor = turn.reached if turn.place is None else turn.place.factor
    return f"{rformat.format_numbers([max(factor, 1 / factor)], 2)[0]} times as {word}"


def _fraction(factor: float) -> str:
    text = rformat.format_numbers([max(factor, 1 / factor)], 2)[0]
    return text if factor >= 1 else f"1/{text}"


def _picture(found: PriorDecision, width: float, ax: Axes | None) -> Axes:
    ax = style.new_axes(ax, width, min(0.5 * width + 1.2, 4.2))
    curve = found.curve
    x = curve["factor"].to_numpy(float)
    ax.axhline(0, color=style.ink(), lw=0.8)
    ax.fill_between(x, curve["lower"], curve["upper"], color=style.BAYES, alpha=style.veil(0.25), lw=0)
    ax.plot(x, curve["estimate"], color=style.BAYES, lw=1.4)
    refitted = (curve["how"] == "refitted").to_numpy()
    ax.plot(x[refitted], curve["estimate"][refitted], "o", ms=4, color=style.BAYES, mfc=style.paper())
    ax.axvline(1, color=style.ink(), lw=0.8, ls=":")
    _name_turns(ax, found.table["factor"].dropna())
    _fractions_below(ax, x, 6 if width < 5 else 12)
    style.tidy(ax, style.fold(found.sentence, 1.1 * style.room(ax, width)))
    ax.set_xlabel(f"width of {'all priors' if found.prior == 'all' else f'the prior of {found.prior}'}", fontsize=9)
    ax.set_ylabel(found.quantity, fontsize=9)
    ax.tick_params(labelsize=8)
    return ax


def _name_turns(ax: Axes, factors: pd.Series) -> None:
    """Mark where the conclusion changes."""
    for factor in factors:
        ax.axvline(factor, color=style.PRIOR, lw=1.4)
        ax.annotate(
            _fraction(float(factor)),
            (factor, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3),
            textcoords="offset points",
            color=style.readable(style.PRIOR),
            va="top",
            fontsize=8,
        )


def _fractions_below(ax: Axes, x: np.ndarray, most: int) -> None:
    """A logarithmic axis with powers of two, written as 1/4, 2, ..."""
    ax.set_xscale("log")
    ticks = [t for t in 2.0 ** np.arange(-10, 11) if x.min() <= t <= x.max()]
    ax.xaxis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // most]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _fraction(v)))
    ax.xaxis.set_minor_locator(NullLocator())
