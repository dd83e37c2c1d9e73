"""What `post.hypothesis(...)` says: how probable a statement is, and what the data changed.

An expression is linear in coefficients, sds (`sd_g[effect]`), correlations (`cor_g[effect, effect]`) and `sigma`. Of an
inequality: its posterior probability and odds. Of an equality: the evidence ratio, posterior over prior density at the
point (Dickey & Lientz 1970, Annals of Mathematical Statistics 41, 214-226; Wagenmakers et al. 2010, Cognitive
Psychology 60, 158-189), for functions of the coefficients with proper priors. Probabilities and densities of functions
of the coefficients are those of the exact mixture over draws (`posterior_mixture`); of all else, shares of draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.bayes.names import TermNames, pair_labels, short
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design
from bayeslmm.design.linear_text import RELATIONS, Hypothesis, parse_hypotheses
from bayeslmm.errors import ArgumentError
from bayeslmm.results.contrasts import table_text
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_left_out import integrated
from bayeslmm.results.posterior_mixture import Combinations, Mixture, flat_names
from bayeslmm.results.posterior_tables import interval, sd_of
from bayeslmm.results.table_export import Tabular

Hypotheses = str | Sequence[str] | Mapping[str, str]
Rope = tuple[float, float] | None


@dataclass(frozen=True, repr=False)
class HypothesisTable(Tabular):
    """What `post.hypothesis(...)` returns; `print` it, or take `table` and `sentences`.

    Attributes
    ----------
    table
        DataFrame by hypothesis, of left less right side: `estimate` (mean), `se` (sd), `lower`, `upper` (equal-tailed),
        `p_direction` (probability of the sign it has), `probability` of an inequality, `evidence_ratio` (posterior odds
        of an inequality; of an equality, posterior over prior density), and `p_rope`, where a rope was given.
    sentences
        The same in words, one for each hypothesis.
    draws
        (S, m): left less right side of each.
    level
        Probability of the intervals.
    """

    table: pd.DataFrame
    sentences: tuple[str, ...]
    draws: np.ndarray
    level: float

    def __str__(self) -> str:
        shown = table_text(self.table.reset_index())
        note = f"posterior means and sds of left less right side; {100 * self.level:g}% equal-tailed intervals"
        return "\n".join([shown, note, "", *self.sentences])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def judge(draws: Draws, priors: object, given: Hypotheses, rope: Rope, level: float) -> HypothesisTable:
    """Read and judge each hypothesis."""
    limits = _checked_rope(rope)
    parameters = Parameters.of(draws)
    found = _parsed(given, parameters, draws.design)
    values = np.column_stack([parameters.values @ h.weights - h.null for h in found])
    exact = None
    p = draws.design.p
    if isinstance(priors, Priors) and any(h.weights[:p].any() for h in found):
        exact = Combinations.of(integrated(draws, priors), priors)
    rows, sentences = [], []
    for h, v in zip(found, values.T, strict=True):
        row = _judged(h, v, exact, p, limits, level)
        rows.append(row)
        sentences.append(_sentence(h, row, limits, level))
    table = pd.DataFrame(rows, index=pd.Index([h.text for h in found], name="hypothesis"))
    return HypothesisTable(table.dropna(axis=1, how="all"), tuple(sentences), values, level)


# -- parameters by name --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Names that may stand in a hypothesis, each for one column of `values` (S, P); the p coefficients come first.

    Attributes
    ----------
    names
        Name -> column.
    twice
        Names that could mean two parameters, and how to say which.
    values
        (S, P).
    """

    names: dict[str, int]
    twice: dict[str, str]
    values: np.ndarray

    @classmethod
    def of(cls, draws: Draws) -> "Parameters":
        """All parameters of a posterior but the random effects."""
        design = draws.design
        blocks, own = [draws.beta], [list(_coefficient_names(name)) for name in design.coef_names]
        for term in design.terms:
            n = TermNames.of(term)
            blocks += [draws.sd(term), draws.cor(term)]
            for effect in term.effects:
                bare = [n.sd] if term.k == 1 else []
                own.append([f"{n.sd}[{short(effect)}]", f"{n.sd}[{effect}]", *bare])
            bare = [n.cor] if len(term.pairs) == 1 else []
            for pair, (i, j) in zip(pair_labels(term), term.pairs, strict=True):
                own.append([f"{n.cor}[{pair}]", f"{n.cor}[{term.effects[j]}, {term.effects[i]}]", *bare])
        blocks.append(draws.sigma[:, None])
        own.append(["sigma"])
        names: dict[str, int] = {}
        twice: dict[str, str] = {}
        for column, several in enumerate(own):
            for name in several:
                if names.setdefault(name, column) != column:
                    twice[name] = own[names[name]][-1]
        return cls(names, twice, np.hstack(blocks))


def _coefficient_names(name: str) -> list[str]:
    return list(dict.fromkeys([name, short(name), f"beta[{name}]", f"beta[{short(name)}]"]))


def _parsed(given: Hypotheses, parameters: Parameters, design: Design) -> list[Hypothesis]:
    labels: list[str] | None = None
    texts = [given] if isinstance(given, str) else given
    if isinstance(given, Mapping):
        labels, texts = [str(k) for k in given], list(given.values())
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(t, str) and t.strip() for t in texts):
        raise ArgumentError(f'hypothesis: write for example "x > 0", or a list of such texts; got {given!r}')
    names = list(parameters.names)
    columns = np.array(list(parameters.names.values()))
    out = []
    for i, text in enumerate(texts):
        for h in parse_hypotheses(text, names, design.dropped, relations=RELATIONS):
            used = np.flatnonzero(h.weights)
            if not used.size:
                raise ArgumentError(f"hypothesis: `{h.text}` has no parameter in it")
            double = next((names[j] for j in used if names[j] in parameters.twice), None)
            if double is not None:
                raise ArgumentError(
                    f"hypothesis: `{double}` is both a coefficient and another parameter; the coefficient is "
                    f"`{parameters.twice[double]}`"
                )
            weights = np.zeros(parameters.values.shape[1])
            np.add.at(weights, columns[used], h.weights[used])
            out.append(Hypothesis(labels[i] if labels else h.text, weights, h.null, h.relation))
    return out


def _checked_rope(rope: Rope) -> Rope:
    if rope is None:
        return None
    try:
        low, high = (float(v) for v in rope)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not low < high:
        raise ArgumentError(f"rope={rope!r} is a pair such as (-0.1, 0.1): from where to where a value counts as zero")
    return low, high


# -- judgement -----------------------------------------------------------------------------------------------------


def _judged(
    h: Hypothesis, v: np.ndarray, exact: Combinations | None, p: int, rope: Rope, level: float
) -> dict[str, float]:
    """One row of the table."""
    only_coefficients = not h.weights[p:].any()
    mixture = exact.posterior_of(h.weights[:p]) if exact is not None and only_coefficients else None
    above = mixture.above(h.null) if mixture else float((v > 0).mean())
    lower, upper = interval(v, level)
    probability = {"<": 1 - above, "<=": 1 - above, ">": above, ">=": above}.get(h.relation, np.nan)
    with np.errstate(divide="ignore"):
        ratio = float(np.divide(probability, 1 - probability))
    if h.relation == "=":
        ratio = _evidence(h, v, exact, mixture, p, only_coefficients, rope)
    inside = np.nan
    if rope is not None:
        low, high = rope
        inside = mixture.between(h.null + low, h.null + high) if mixture else float(((v > low) & (v < high)).mean())
    return {
        "estimate": float(v.mean()),
        "se": float(sd_of(v)),
        "lower": float(lower),
        "upper": float(upper),
        "p_direction": max(above, 1 - above),
        "probability": probability,
        "evidence_ratio": ratio,
        "p_rope": inside,
    }


def _evidence(
    h: Hypothesis,
    v: np.ndarray,
    exact: Combinations | None,
    mixture: Mixture | None,
    p: int,
    only_coefficients: bool,
    rope: Rope,
) -> float:
    """Posterior over prior density at the point; NaN where there is none and a rope answers instead."""
    why = ""
    if not only_coefficients:
        why = "it is not about coefficients alone, and the density of its prior is not known"
    elif exact is None:
        why = "the priors are not known as distributions"
    elif flat := flat_names(exact, h.weights[:p]):
        why = f"the prior of `{flat[0]}` is flat, which has no density to compare with"
    if why or exact is None:
        if rope is not None:
            return np.nan
        raise ArgumentError(
            f"hypothesis: `{h.text}` has no evidence ratio: {why}. Give a proper prior, or say with rope=(low, high) "
            "from where to where the difference counts as none"
        )
    prior = exact.prior_density(h.weights[:p], h.null, np.random.default_rng(0))
    assert prior is not None
    posterior = mixture.density(h.null) if mixture else _kernel_density(v)
    return posterior / prior if prior > 0 else np.nan


def _kernel_density(v: np.ndarray) -> float:
    """Density of draws (S,) at 0, by a kernel: for coefficients that had to be sampled."""
    from arviz_stats.base import array_stats

    grid, density, *_ = array_stats.kde(v, extend=True, bound_correction=False)
    return float(np.interp(0.0, grid, density, left=0.0, right=0.0))


def _sentence(h: Hypothesis, row: dict[str, float], rope: Rope, level: float) -> str:
    ends = f"{row['estimate']:.3g} ({row['lower']:.3g} to {row['upper']:.3g})"
    ratio = row["evidence_ratio"]
    if h.relation == "=":
        if np.isnan(ratio):
            text = f"`{h.text}`: the difference is {ends}; no evidence ratio"
        elif ratio >= 1:
            text = f"`{h.text}`: {ratio:.3g} times as plausible as before the data; the difference is {ends}"
        else:
            text = f"`{h.text}`: {1 / ratio if ratio else np.inf:.3g} times less plausible than before the data; " + (
                f"the difference is {ends}"
            )
    elif h.relation:
        text = f"`{h.text}`: probability {_probability(row['probability'])}, {_odds(ratio)}"
    else:
        sign = "positive" if row["estimate"] > 0 else "negative"
        text = f"`{h.text}`: {ends}, {sign} with probability {_probability(row['p_direction'])}"
    if rope is None:
        return text
    low, high = rope
    inside, outside = low < row["lower"] and row["upper"] < high, row["upper"] < low or row["lower"] > high
    told = "as good as none" if inside else "not none" if outside else "undecided"
    share = _probability(row["p_rope"])
    return f"{text}; between {low:g} and {high:g} with probability {share}: {told} ({100 * level:g}% interval)"


def _odds(ratio: float) -> str:
    if ratio == 0 or not np.isfinite(ratio):
        return "true in no draw" if ratio == 0 else "true in every draw"
    return f"odds {ratio:.3g} to 1 for it" if ratio >= 1 else f"odds {1 / ratio:.3g} to 1 against it"


def _probability(p: float) -> str:
    """Two digits of what is left to 0 or 1."""
    if 0.01 <= p <= 0.99:
        return f"{p:.2f}"
    left = min(p, 1 - p)
    digits = 2 if left <= 0 else int(np.clip(1 - np.floor(np.log10(left)), 2, 6))
    return f"{p:.{digits}f}"
