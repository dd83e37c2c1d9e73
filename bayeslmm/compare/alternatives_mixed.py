"""The mixed models of `blm.alternatives`: random intercepts, random slopes, the posterior."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from bayeslmm.compare.classical import Study
from bayeslmm.compare.methods import INTERCEPT, SLOPES
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.nodes import deparse
from bayeslmm.errors import BayeslmmError, BayeslmmWarning
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior


class Mixed(Protocol):
    """What is needed of a model."""

    @property
    def design(self) -> Design:
        """The arrays."""

    def fit(self) -> Fit:
        """Fit it by REML."""

    def sample(self, **options: Any) -> Posterior:
        """Draws from its posterior."""


def mixed_fits(make: Callable[[str], Mixed], model: Mixed, study: Study) -> dict[str, Fit | str]:
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
            return sentence(error)


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


def sampled(model: Mixed, seed: int | None) -> Posterior:
    """The posterior, without a warning: the note of its rows says what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        return model.sample(seed=seed, progressbar=False)


def sentence(error: BayeslmmError) -> str:
    """The message of an error, on one line."""
    return " ".join(str(error).split("\n")[0].split())
