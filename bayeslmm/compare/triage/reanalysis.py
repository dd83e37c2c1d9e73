"""`reanalyse`: from a singular fit to an answer, in one call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayeslmm.bayes.files import PathLike
from bayeslmm.bayes.sample_warnings import too_near
from bayeslmm.compare.same import check_same
from bayeslmm.compare.triage import pictures
from bayeslmm.compare.triage.alternatives import Alternatives, alternatives_part, conclude, focal_functions
from bayeslmm.compare.triage.posterior_part import PosteriorPart, posterior_part
from bayeslmm.compare.triage.ratio import Bootstrap, check_bootstrap
from bayeslmm.compare.triage.report import report_of_reanalysis
from bayeslmm.compare.triage.singular import Singular, singular_part
from bayeslmm.compare.triage.text import as_text
from bayeslmm.compare.triage.verdict import POSTERIOR, Verdict, verdict_part
from bayeslmm.design.rebuild import given_contrasts, rebuild
from bayeslmm.errors import ArgumentError
from bayeslmm.point.ddf import check_ddf
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.report import Report
from bayeslmm.results.table_export import Tabular

GLANCE = {"draws": 50, "tune": 100, "check": False}
OPTIONS = ("post", "focal", "ddf", "level", "near", "seed", "sensitivity", "sampling", "bootstrap")


@dataclass(frozen=True, repr=False)
class Reanalysis(Tabular):
    """What `reanalyse` returns; `print` it, take the tables of its parts, or plot it.

    Attributes
    ----------
    fit
        The model as first written.
    singular
        What is singular: `.reasons`, `.parameters`, `.components`.
    alternatives
        What else could be done in the frequentist frame, tried: `.table`, `.effects`.
    posterior
        The posterior of the same model: `.table`, `.effects`, `.boundary`, `.decisions`, `.post`.
    verdict
        `.recommendation`, `.sentences`, `.conclusions`, `.flags`.
    effects
        DataFrame, one row for each analysis and effect that matters, as `alternatives.effects`, the posterior last
        (median, sd and equal-tailed interval; no df, t and p).
    level
        Of all intervals.
    """

    fit: Fit
    singular: Singular
    alternatives: Alternatives
    posterior: PosteriorPart
    verdict: Verdict
    effects: pd.DataFrame
    level: float

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, for files."""
        return {
            "singular": self.singular.reasons,
            "variances": self.singular.parameters,
            "components": self.singular.components,
            "alternatives": self.alternatives.table,
            "effects": self.effects,
            "posterior": self.posterior.table,
            "boundary": self.posterior.boundary,
            "conclusions": self.verdict.conclusions,
        }

    @property
    def simpler_fit(self) -> Fit | None:
        """The fit of the simpler model that is recommended; None where none is, or it has no random effects."""
        design, formula = self.fit.design, self.verdict.formula
        if self.verdict.recommendation != "simpler" or design.source is None:
            return None
        other = rebuild(formula, design.source, given_contrasts(design), design.recipe.functions)
        usable = other.terms and np.array_equal(other.rows, design.rows)
        return self.fit.refit_design(other) if usable else None

    def plot(self, effect: str | None = None, ax: Axes | None = None, width: float = 7.0) -> Axes:
        """Forest: one effect that matters under all analyses; those that the data speak against are grey.

        Parameters
        ----------
        effect
            Which; the first by default.
        ax, width
            Axes to draw on; or the width of a new figure, in inches.
        """
        return pictures.forest(self, effect, ax, width)

    def plot_posterior(self, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """The posterior of the sds and correlations, with the estimate marked and the boundary's neighbourhood.

        Parameters
        ----------
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        return pictures.variances(self, width, axes)

    def plot_profile(self, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """How much the criterion rises when an sd or a correlation is moved away from its estimate.

        Parameters
        ----------
        width, axes
            Of the figure in inches; or the axes to draw into, one for each panel.
        """
        return pictures.profiles(self, width, axes)

    def report(self, path: PathLike | None = None, title: str | None = None) -> Report:
        """One HTML page that needs nothing else: verdict, paragraphs to copy, tables, pictures, code to make it again.

        Parameters
        ----------
        path
            A name that ends in .html; None returns the report without writing it.
        title
            Of the page.
        """
        return report_of_reanalysis(self, path, title)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.effects


def reanalyse(
    fit: Fit,
    post: Posterior | None = None,
    focal: Any = None,
    ddf: Ddf = "satterthwaite",
    level: float = 0.95,
    near: float = 0.1,
    seed: int | None = 1,
    sensitivity: bool = True,
    sampling: Mapping[str, Any] | None = None,
    bootstrap: Bootstrap = "auto",
) -> Reanalysis:
    """Find out what a fit can tell: what is singular, what else could be done, what the posterior says, what to report.

    Parameters
    ----------
    fit
        A REML or ML fit; not only a singular one.
    post
        The posterior of the same model; sampled here where it is left out.
    focal
        The effects that matter, as `Fit.contrast` takes them: "grade", ["x", "recipeB - recipeC"]; by default all
        coefficients but the intercept.
    ddf
        Degrees of freedom of the tests.
    level
        Of all intervals, and of the profiles.
    near
        What counts as near the boundary: an sd that adds less than this share of the residual sd to a typical row, a
        correlation beyond one less it.
    seed, sampling
        Of all random numbers, and other options of the sampler as for `Model.sample`.
    sensitivity
        Ask how far the priors would have to change to turn the posterior's conclusions (up to four effects).
    bootstrap
        Refits of the parametric bootstrap that tests each simpler model (but those whose test is exact); 0 for none;
        "auto" takes 199 where the distribution at the boundary is not known, its plain chi-square leaves the matter
        open, and refits are cheap, and goes on to at most 1,999 while they do not tell p from 0.05.

    Returns
    -------
    Reanalysis
        The rules of its verdict: `bayeslmm.compare.triage.verdict`.

    Raises
    ------
    ArgumentError
        An argument has no meaning, an effect is not known, or the posterior is of another model.
    """
    check_level(level)
    check_ddf(ddf)
    if isinstance(near, bool) or not isinstance(near, int | float | np.number) or not 0 < near < 1:
        raise ArgumentError(f"reanalyse(near={near!r}): near must lie between 0 and 1, such as 0.1")
    if not isinstance(sensitivity, bool | np.bool_):
        raise ArgumentError(f"reanalyse(sensitivity={sensitivity!r}): sensitivity is True or False")
    refits = check_bootstrap(bootstrap)
    functions = focal_functions(fit.design, focal)
    if post is not None:
        check_same(fit, post, "reanalyse")
    singular = singular_part(fit, level)
    tried = alternatives_part(fit, functions, ddf, level, refits, seed)
    sampled, usable = _sampled(fit, {"seed": seed, **(sampling or {})}) if post is None else (post, True)
    found = posterior_part(fit, sampled, functions, level, float(near), sensitivity and usable)
    effects = _with_posterior(tried.effects, found.effects)
    verdict = verdict_part(fit, singular, tried, effects, found)
    return Reanalysis(fit, singular, tried, found, verdict, effects, level)


def _sampled(fit: Fit, options: Mapping[str, Any]) -> tuple[Posterior, bool]:
    """The posterior, and whether it is one to use: where a predictor has to be centred first, a glance is enough.

    Such posteriors are long ridges, on which chains take up to a hundred times as many steps.
    """
    usable = not too_near(fit.design, fit.model.priors)
    shorter = {} if usable else GLANCE
    return fit.sample(**{"progressbar": False, **options, **shorter}), usable


def _with_posterior(effects: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """The posterior's rows below those of the other analyses."""
    if own.empty:
        return effects
    first = effects.iloc[: len(own)].set_index("effect")
    rows = own.drop(columns="positive").assign(
        analysis=POSTERIOR,
        df=np.nan,
        t=np.nan,
        p=np.nan,
        shift=(own["estimate"] - first["estimate"]) / first["se"],
        conclusion=[conclude(a, b) for a, b in zip(own["lower"], own["upper"], strict=True)],
    )
    return pd.concat([effects, rows.rename_axis("effect").reset_index()[effects.columns]], ignore_index=True)
