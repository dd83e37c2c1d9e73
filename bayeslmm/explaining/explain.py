"""`blm.explain`: a formula in words and equations, with its levels, rows, parameters and equivalent spellings."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from textwrap import indent, wrap
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.formula import Formula, parse
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.explaining.advice import Advice, advice
from bayeslmm.explaining.anatomy import Anatomy, anatomy, of_design
from bayeslmm.explaining.equations import combined, distributions, layout, level_one, level_two
from bayeslmm.explaining.mathml import mathml
from bayeslmm.explaining.pens import Latex, Pen, Plain
from bayeslmm.explaining.relations import nesting, relations
from bayeslmm.explaining.spelling import spellings
from bayeslmm.explaining.words import words
from bayeslmm.results.frames import preformatted
from bayeslmm.results.table_export import Tabular

OPTIONS = ("weights", "offset", "contrasts", "functions")
WIDTH = 100


@dataclass(frozen=True, repr=False)
class Explanation(Tabular):
    """What `blm.explain` returns; `print` it, or take its parts. Notebooks show the equations typeset.

    Where the package math-core is installed, as MathML, for which a notebook's page needs neither MathJax nor a
    network; else as LaTeX.

    Attributes
    ----------
    formula
        The formula as given.
    anatomy
        Formula and data, taken apart.
    """

    formula: str
    anatomy: Anatomy

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per term: `part`, `term`, `parameters` (how many), `meaning`."""
        return pd.DataFrame([asdict(w) for w in words(self.anatomy)])

    @cached_property
    def parameters(self) -> pd.Series:
        """How many parameters: `fixed` coefficients, `sd`, `cor`, `sigma` and `total`.

        Without data every variable counts as a number: a factor of k levels has k - 1 columns in place of one.
        """
        fixed = sum(len(p.columns) for p in self.anatomy.fixed)
        sd = sum(len(b.effects) for b in self.anatomy.bars)
        cor = sum(b.n_correlations for b in self.anatomy.bars)
        counts = {"fixed": fixed, "sd": sd, "cor": cor, "sigma": 1, "total": fixed + sd + cor + 1}
        return pd.Series(counts, name="parameters")

    @cached_property
    def groups(self) -> pd.DataFrame:
        """By grouping factor: `levels`, and the rows behind one: `rows_min`, `rows_median`, `rows_max`."""
        columns = ["group", "levels", "rows_min", "rows_median", "rows_max"]
        rows = [
            [name, len(r.labels), int(r.counts.min()), float(np.median(r.counts)), int(r.counts.max())]
            for name, r in self.anatomy.groups.items()
        ]
        return pd.DataFrame(rows, columns=columns).set_index("group")

    @cached_property
    def relations(self) -> pd.DataFrame:
        """How the grouping factors lie to each other in the data: `first`, `relation`, `second`, `seen`."""
        return relations(self.anatomy)

    @cached_property
    def spellings(self) -> pd.DataFrame:
        """Other formulas for the same model: `formula`, and `why` it is the same."""
        return pd.DataFrame(spellings(self.anatomy), columns=["formula", "why"])

    @cached_property
    def advice(self) -> Advice:
        """Where data and formula do not fit, with the cure; empty without data."""
        return advice(self.anatomy)

    @property
    def plain(self) -> str:
        """The equations as text: combined, by levels, distributions."""
        return "\n\n".join(f"{title}\n{indent(text, '  ')}" for title, text in self._equations(Plain()))

    @property
    def latex(self) -> str:
        """The equations as LaTeX: one `aligned` environment, for `$$ ... $$` or `equation`."""
        parts = [text for _, text in self._equations(Latex())]
        return "\\begin{aligned}\n" + " \\\\[6pt]\n".join(parts) + "\n\\end{aligned}"

    def _equations(self, pen: Pen) -> list[tuple[str, str]]:
        of, plan = self.anatomy, layout(self.anatomy)
        by_level: list[tuple[str, Callable[..., list[str]]]] = [
            ("level 1: rows", level_one),
            ("level 2: coefficients that vary between groups", level_two),
        ]
        wanted = [("combined", combined), *(by_level if plan.random else []), ("distributions", distributions)]
        return [(title, pen.newline.join(make(of, plan, pen))) for title, make in wanted]

    def __str__(self) -> str:
        sections = [
            self.formula,
            *(
                [f"! the model cannot be fitted: {self.anatomy.problem.splitlines()[0]}"]
                if self.anatomy.problem
                else []
            ),
            self._terms(),
            self.plain,
            self._count(),
            self._levels(),
            self._others(),
            self._remarks(),
        ]
        return "\n\n".join(s for s in sections if s)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    def _repr_markdown_(self) -> str:
        before, after = self._around_equations()
        return f"```\n{before}\n```\n\n$$\n{self.latex}\n$$\n\n```\n{after}\n```"

    def _repr_html_(self) -> str | None:
        """With MathML, which browsers draw without a script; None, and so Markdown, without `math_core`."""
        formula = mathml(self.latex)
        if formula is None:
            return None
        before, after = self._around_equations()
        return f"{preformatted(before)}{formula}{preformatted(after)}"

    def _around_equations(self) -> tuple[str, str]:
        before, after = str(self).split(self.plain)
        return before.strip(), after.strip()

    def _terms(self) -> str:
        width = min(28, max(len(t) for t in self.table["term"]))
        lines: list[str] = []
        for part, term, _, meaning in self.table.itertuples(index=False):
            head = f"{part:<9} {term:<{width}}  "
            lines += wrap(str(meaning), WIDTH, initial_indent=head, subsequent_indent=" " * (width + 12))
        return "\n".join(lines)

    def _count(self) -> str:
        p = self.parameters
        cor = f", {p['cor']} correlation{'s' if p['cor'] != 1 else ''}" if p["cor"] else ""
        note = "" if self.anatomy.frame is not None else " (each variable taken for a number)"
        sds = f", {p['sd']} sd{'s' if p['sd'] != 1 else ''} of random effects" if p["sd"] else ""
        return f"{p['total']} parameters: {p['fixed']} fixed{sds}{cor}, 1 residual sd{note}"

    def _levels(self) -> str:
        frame = self.anatomy.frame
        if frame is None:
            return ""
        left_out = frame.n_total - frame.rows.size
        lines = [f"{frame.rows.size} rows" + (f"; {left_out} left out, a value is missing" if left_out else "")]
        lines += [
            f"{name}: {len(r.labels)} levels with {_range(r.counts)} each" for name, r in self.anatomy.groups.items()
        ]
        lines += [f"{r.first} {r.relation} {r.second}: {r.seen}" for r in self.relations.itertuples()]
        lines += nesting(self.anatomy)
        return "\n".join(part for line in lines for part in wrap(line, WIDTH, subsequent_indent="  "))

    def _others(self) -> str:
        if self.spellings.empty:
            return ""
        return "the same model:\n" + "\n".join(f"  {s.formula}   # {s.why}" for s in self.spellings.itertuples())

    def _remarks(self) -> str:
        n = len(self.advice)
        return f"{n} remark{'s' if n > 1 else ''} on how formula and data fit: .advice" if n else ""


def _range(counts: np.ndarray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return (f"{low} row" + ("s" if low != 1 else "")) if low == high else f"{low} to {high} rows"


def explain(formula: Any, data: Any = None, **options: Any) -> Explanation:
    """Say what a formula means: in words, as equations, and, with data, the levels and rows behind every term.

    Parameters
    ----------
    formula
        An lme4-style formula; or a `Model`, `Fit` or `Posterior`, which brings its data along.
    data
        Any frame that narwhals reads, or None. A model that cannot be fitted to it is explained all the same.
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Raises
    ------
    FormulaError, DataError
        The formula cannot be read, or names what the data do not have.
    ArgumentError
        Data beside a model, or an option that there is not.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> found = blm.explain("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> int(found.parameters["total"])
    6
    >>> print(found.plain.splitlines()[1].strip())
    Reaction[i] = b0 + b1 Days + u0[Subject] + u1[Subject] Days + e[i]
    """
    return Explanation(*_taken_apart(formula, data, options, "explain"))


def advise(formula: Any, data: Any = None, **options: Any) -> Advice:
    """Look where formula and data do not fit: what, why, and the cure as code that runs.

    Slopes of predictors that do not vary within groups, and slopes that are missing; nesting coded with labels that are
    used again; few levels, one row per level, groups of numbers; predictors far from zero.

    Parameters
    ----------
    formula, data, **options
        As for `explain`; data are needed.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> blm.advise("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy")).table["check"].tolist()
    ['missing slope']
    """
    text, of = _taken_apart(formula, data, options, "advise")
    if of.frame is None:
        raise ArgumentError(f"advise needs the data: blm.advise({text!r}, data)")
    return advice(of)


def _taken_apart(formula: Any, data: Any, options: dict[str, Any], verb: str) -> tuple[str, Anatomy]:
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        near = did_you_mean(unknown[0], OPTIONS)
        raise ArgumentError(f"{verb} has no argument `{unknown[0]}`{near}")
    design = getattr(formula, "design", None)
    if isinstance(design, Design):
        if data is not None or options:
            raise ArgumentError(
                f"a {type(formula).__name__} brings its data along: blm.{verb}(model) takes nothing else"
            )
        return design.formula.text, of_design(design)
    parsed = formula if isinstance(formula, Formula) else parse(formula)
    return parsed.text, anatomy(parsed, data, options)
