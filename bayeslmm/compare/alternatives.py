"""The alternatives that textbooks compare, for one mixed model: one table, one forest plot.

What a focal coefficient is, and how sure, by least squares with and without regard to the clusters, by the clusters'
means, by fixed and by random effects, and by the posterior; and the repeated-measures ANOVA where the design has it.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bayeslmm.compare.alternatives_forest import alternatives_forest
from bayeslmm.compare.alternatives_notes import about_groups, about_row, nested
from bayeslmm.compare.classical import COLUMNS, Study, cluster_means, clustered, fixed_effects, ols, tested, wild
from bayeslmm.compare.comparison import summarise
from bayeslmm.compare.methods import (
    BAYES,
    CR2,
    FIXED,
    HC1,
    INTERACTION,
    INTERCEPT,
    MEANS,
    METHODS,
    OLS,
    RM_ANOVA,
    SLOPES,
    WILD,
)
from bayeslmm.compare.rm_anova import RmAnova, rm_anova
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.nodes import deparse
from bayeslmm.errors import ArgumentError, BayeslmmError, BayeslmmWarning, DataError, FormulaError, did_you_mean
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.posterior import Posterior

WIDTH = 96


class Mixed(Protocol):
    """What is needed of a model."""

    @property
    def design(self) -> Design:
        """The arrays."""

    def fit(self) -> Fit:
        """Fit it by REML."""

    def sample(self, **options: Any) -> Posterior:
        """Draws from its posterior."""


@dataclass(frozen=True, repr=False)
class Alternatives:
    """What `blm.alternatives` returns; `print` it, take `table`, or `plot()` it.

    Attributes
    ----------
    table
        DataFrame, one row for each focal coefficient and method: `term`, `method`, `estimate`, `se`, `df`, `t`, `p`,
        `lower`, `upper`, and `note`: why there is no estimate, or what to know about it. A posterior has no p; the
        wild bootstrap no df.
    methods
        DataFrame by method: `assumes`, `misleads`.
    group, clusters
        The grouping factor whose levels are the clusters, and their number.
    level
        Of the intervals.
    rm_anova
        The repeated-measures ANOVA, or the sentence that says why there is none.
    fits
        The mixed models by method, to look at.
    post
        The posterior, or None.
    notes
        What the analyses without random effects leave out.
    """

    table: pd.DataFrame
    methods: pd.DataFrame
    group: str
    clusters: int
    level: float
    rm_anova: RmAnova | str
    fits: dict[str, Fit]
    post: Posterior | None
    notes: tuple[str, ...] = ()

    def plot(self, axes: np.ndarray | None = None, width: float = 7.0) -> np.ndarray:
        """Forest plot: one panel for each focal coefficient, one row for each method.

        Parameters
        ----------
        axes
            As many axes as there are panels; None makes a figure.
        width
            Of the new figure, in inches.
        """
        return alternatives_forest(self.table, self.group, self.level, axes, width)

    def __str__(self) -> str:
        title = (
            f"{len(self.methods)} analyses of the same coefficients; clusters: {self.clusters} levels of {self.group}"
        )
        title = "\n".join([title, *(fill(note, WIDTH) for note in self.notes)])
        everywhere = self._notes_of_all_terms()
        blocks = [title, *(self._block(str(term), everywhere) for term in self.table["term"].unique())]
        blocks += ["\n".join(_noted(m, n) for m, n in everywhere.items())] if everywhere else []
        said = [self._said(str(name)) for name in self.methods.index]
        anova = str(self.rm_anova) if isinstance(self.rm_anova, RmAnova) else fill(self.rm_anova, WIDTH)
        if isinstance(self.rm_anova, RmAnova):
            anova += "\n" + _bullet("assumes", RM_ANOVA.assumes) + "\n" + _bullet("misleads", RM_ANOVA.misleads)
        return "\n\n".join([*blocks, anova, "What each assumes, and when it misleads\n" + "\n".join(said)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    def _notes_of_all_terms(self) -> dict[str, str]:
        """Notes by method that are the same for several terms, to be told once."""
        if self.table["term"].nunique() < 2:
            return {}
        notes = self.table.groupby("method", sort=False)["note"].unique()
        return {str(m): str(said[0]) for m, said in notes.items() if len(said) == 1 and said[0]}

    def _block(self, term: str, told: dict[str, str]) -> str:
        own = self.table[self.table["term"] == term]
        decimals = rformat.decimals_for(own["se"].to_numpy(float))
        number = {c: ["" if pd.isna(v) else rformat.fixed(v, decimals) for v in own[c]] for c in COLUMNS}
        interval = [f"[{a}, {b}]" if a and b else "" for a, b in zip(number["lower"], number["upper"], strict=True)]
        df = ["" if pd.isna(v) else rformat.fixed(v, 1) for v in own["df"]]
        p = ["" if pd.isna(v) else rformat.format_p_values([v], 2)[0] for v in own["p"]]
        columns = [list(own["method"]), number["estimate"], number["se"], df, p, interval]
        header = [term, "estimate", "se", "df", "p", f"{100 * self.level:g}% interval"]
        text = rformat.columns_as_text(header, columns, [True, *[False] * 5])
        notes = [_noted(m, n) for m, n in zip(own["method"], own["note"], strict=True) if n and m not in told]
        return "\n".join([text, *notes])

    def _said(self, name: str) -> str:
        assumes, misleads = (str(v) for v in self.methods.loc[name])
        return "\n".join([name, _bullet("assumes", assumes), _bullet("misleads", misleads)])


def _noted(method: str, note: str) -> str:
    return fill(f"{method}: {note}", WIDTH, subsequent_indent="  ")


def _bullet(what: str, text: str) -> str:
    return fill(f"  {what}: {text}", WIDTH, subsequent_indent="    ")


def alternatives(
    make: Callable[[str], Mixed],
    formula: str,
    focal: str | list[str] | None,
    group: str | None,
    group_contrasts: Any,
    bayes: bool,
    level: float,
    seed: int | None,
) -> Alternatives:
    """Compare; arguments as for `blm.alternatives`, and `make`, which makes a model of another formula."""
    check_level(level)
    model = make(formula)
    design = model.design
    term = _term(design, group)
    study = Study(design, term, _focal(design, focal), level, group_contrasts, seed)
    fits = _mixed(make, model, study)
    post = _sampled(model, seed) if bayes else None
    ways: dict[str, Way] = {**CLASSICAL, **{name: partial(_of_fit, fit=fit) for name, fit in fits.items()}}
    if post is not None:
        ways[BAYES] = partial(_of_posterior, post=post)
    table = pd.concat([_rows(study, name, way) for name, way in ways.items()], ignore_index=True)
    order = {name: i for i, name in enumerate(study.focal)}
    table = table.sort_values("term", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)
    return Alternatives(
        table[["term", "method", *COLUMNS, "note"]],
        _in_words([*ways]),
        term.group,
        term.n_levels,
        level,
        _anova(study),
        {name: fit for name, fit in fits.items() if isinstance(fit, Fit)},
        post,
        about_groups(design, term),
    )


def _in_words(names: list[str]) -> pd.DataFrame:
    """What each method assumes, and when it misleads."""
    rows = [[METHODS[name].assumes, METHODS[name].misleads] for name in names]
    return pd.DataFrame(rows, index=names, columns=["assumes", "misleads"])


# -- what is asked -------------------------------------------------------------------------------------------------


def _term(design: Design, group: str | None) -> RandomTerm:
    """The clusters: the coarsest grouping factor in which the others are nested, else the one with most levels."""
    known = {t.group: t for t in design.terms}
    if group is not None and group not in known:
        raise ArgumentError(f"alternatives: no grouping factor `{group}`" + did_you_mean(group, known))
    if group is not None:
        return known[group]
    coarsest = design.terms[-1]
    return coarsest if all(nested(t, coarsest) for t in design.terms) else design.terms[0]


def _focal(design: Design, focal: str | list[str] | None) -> tuple[str, ...]:
    """Names of coefficients; labels of terms stand for all of theirs."""
    names = design.coef_names
    if not names:
        raise FormulaError("alternatives: the fixed part has no coefficient to compare", design.formula.text)
    if focal is None:
        return tuple(n for n in names if n != "(Intercept)") or names
    terms = {t.label: tuple(names[j] for j in t.columns) for t in design.fixed_terms}
    found: list[str] = []
    for name in [focal] if isinstance(focal, str) else list(focal):
        if name not in names and not terms.get(name):
            raise ArgumentError(f"alternatives: no coefficient or term `{name}`" + did_you_mean(name, [*names, *terms]))
        found += [name] if name in names else terms[name]
    if not found:
        raise ArgumentError("alternatives: focal names no coefficient; leave it out for all")
    return tuple(dict.fromkeys(found))


# -- what is done --------------------------------------------------------------------------------------------------


type Way = Callable[[Study], tuple[pd.DataFrame, str]]


def _plainly(way: Callable[[Study], pd.DataFrame]) -> Way:
    return lambda study: (way(study), "")


CLASSICAL: dict[str, Way] = {
    OLS: _plainly(ols),
    HC1: _plainly(partial(clustered, kind="HC1")),
    CR2: _plainly(partial(clustered, kind="HC2")),
    WILD: _plainly(wild),
    MEANS: _plainly(cluster_means),
    FIXED: _plainly(partial(fixed_effects, interaction=False)),
    INTERACTION: _plainly(partial(fixed_effects, interaction=True)),
}


def _rows(study: Study, method: str, way: Way) -> pd.DataFrame:
    """Rows of one method; where it cannot be applied, empty ones with the reason."""
    try:
        found, note = way(study)
    except BayeslmmError as error:
        found, note = pd.DataFrame(np.nan, index=list(study.focal), columns=COLUMNS), f"none: {_sentence(error)}"
    rows = zip(found.index, found["estimate"], found["se"], strict=True)
    notes = [note or about_row(study, method, str(name), estimate, se) for name, estimate, se in rows]
    return found.assign(method=method, note=notes).rename_axis("term").reset_index()


# -- mixed models --------------------------------------------------------------------------------------------------


def _mixed(make: Callable[[str], Mixed], model: Mixed, study: Study) -> dict[str, Fit | str]:
    """REML fits with random intercepts and with random slopes, or why there is none."""
    design = study.design
    sloped = any(e != "(Intercept)" for t in design.terms for e in t.effects)
    slopes = [] if sloped else _slope_labels(study)
    found: dict[str, Fit | str] = {}
    found[INTERCEPT] = _fitted(partial(make, _formula(design, study.term, [])) if sloped else lambda: model)
    if sloped:
        found[SLOPES] = _fitted(lambda: model)
    elif slopes:
        found[SLOPES] = _fitted(partial(make, _formula(design, study.term, slopes)))
    else:
        found[SLOPES] = f"no focal predictor varies within {study.term.group}"
    return found


def _fitted(model: Callable[[], Mixed]) -> Fit | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        try:
            return model().fit()
        except BayeslmmError as error:
            return _sentence(error)


def _slope_labels(study: Study) -> list[str]:
    """Fixed terms with focal coefficients that vary within clusters."""
    varying = {study.design.coef_names.index(f) for f in study.focal if f != "(Intercept)" and study.varies(f)}
    return [t.label for t in study.design.fixed_terms if varying & set(t.columns)]


def _formula(design: Design, term: RandomTerm, slopes: list[str]) -> str:
    """The fixed part as written, random intercepts for all groups, and these slopes for one."""
    f = design.formula
    bars = {}
    for bar in f.random:
        group = ":".join(v.label for v in bar.group.variables)
        own = slopes if bar.group.name == term.group else []
        bars[group] = f"({' + '.join(['1', *own])} | {group})"
    fixed = ["1" if f.has_intercept else "0", *f.term_labels, *(deparse(o) for o in f.offsets)]
    return f"{f.response.label} ~ {' + '.join([*fixed, *bars.values()])}"


def _of_fit(study: Study, fit: Fit | str) -> tuple[pd.DataFrame, str]:
    if isinstance(fit, str):
        raise DataError(fit)
    tests = fit.tests().reindex(list(study.focal))
    table = tested(study, *(tests[c].to_numpy(float) for c in ("estimate", "se", "df")))
    return table, "singular fit: a variance is estimated as zero, or a correlation as 1" if fit.is_singular else ""


def _of_posterior(study: Study, post: Posterior) -> tuple[pd.DataFrame, str]:
    at = [study.design.coef_names.index(f) for f in study.focal]
    found = summarise(post.draws.beta[:, at], study.level, list(study.focal))
    table = found.rename(columns={"mean": "estimate", "sd": "se"}).reindex(columns=COLUMNS)
    return table, "" if post.diagnostics().ok else "the draws need a closer look: see .post.diagnostics()"


def _sampled(model: Mixed, seed: int | None) -> Posterior:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        return model.sample(seed=seed, progressbar=False)


def _anova(study: Study) -> RmAnova | str:
    try:
        return rm_anova(study.design, study.term)
    except DataError as error:
        return _sentence(error)


def _sentence(error: BayeslmmError) -> str:
    """The message of an error, on one line."""
    return " ".join(str(error).split("\n")[0].split())
