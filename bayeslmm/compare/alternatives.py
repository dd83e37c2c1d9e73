"""The alternatives that textbooks compare, for one mixed model: one table, one forest plot.

What a focal coefficient is, and how sure, by least squares with and without regard to the clusters, by the clusters'
means, by fixed and by random effects, and by the posterior; and the repeated-measures ANOVA where the design has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.compare.alternatives_asked import clusters_of, focal_names
from bayeslmm.compare.alternatives_forest import alternatives_forest
from bayeslmm.compare.alternatives_mixed import Mixed, mixed_fits, sampled, sentence
from bayeslmm.compare.alternatives_notes import about_groups
from bayeslmm.compare.alternatives_rows import CLASSICAL, Way, of_fit, of_posterior, rows_of
from bayeslmm.compare.classical import COLUMNS, Study
from bayeslmm.compare.methods import BAYES, METHODS, RM_ANOVA
from bayeslmm.compare.rm_anova import RmAnova, rm_anova
from bayeslmm.errors import DataError
from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.table_export import Tabular

WIDTH = 96


@dataclass(frozen=True, repr=False)
class Alternatives(Tabular):
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

    def plot(self, axes: Any = None, width: float = 7.0) -> np.ndarray:
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

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def _notes_of_all_terms(self) -> dict[str, str]:
        """Notes by method that are the same for several terms, to be told once."""
        if self.table["term"].nunique() < 2:
            return {}
        notes = self.table.groupby("method", sort=False)["note"].unique()
        return {str(m): str(said[0]) for m, said in notes.items() if len(said) == 1 and said[0]}

    def _block(self, term: str, told: dict[str, str]) -> str:
        own = self.table[self.table["term"] == term]
        decimals = rformat.decimals_for(own["se"].to_numpy(float))
        number = {c: ["" if pd.isna(v) else rformat.short(v, decimals) for v in own[c]] for c in COLUMNS}
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
    term = clusters_of(design, group)
    study = Study(design, term, focal_names(design, focal), level, group_contrasts, seed)
    fits = mixed_fits(make, model, study)
    post = sampled(model, seed) if bayes else None
    ways: dict[str, Way] = {**CLASSICAL, **{name: partial(of_fit, fit=fit) for name, fit in fits.items()}}
    if post is not None:
        ways[BAYES] = partial(of_posterior, post=post)
    table = pd.concat([rows_of(study, name, way) for name, way in ways.items()], ignore_index=True)
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


def _anova(study: Study) -> RmAnova | str:
    try:
        return rm_anova(study.design, study.term)
    except DataError as error:
        return sentence(error)
