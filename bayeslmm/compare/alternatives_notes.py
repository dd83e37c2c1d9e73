"""What a reader of the alternatives must know: why there is no estimate, and which dependence nobody looked at."""

import numpy as np

from bayeslmm.compare.classical import Study
from bayeslmm.compare.methods import FIXED, INTERACTION, MEANS
from bayeslmm.design import Design, RandomTerm

LITTLE = 0.05
EXACT = 1e-9


def about_row(study: Study, method: str, name: str, estimate: float, se: float) -> str:
    """Why a coefficient has no estimate or no standard error by a method, or little behind it; else ""."""
    group = study.term.group
    if np.isnan(estimate):
        return f"none: {_why_none(study, method, name)}"
    if np.isnan(se):
        return f"no standard error: one level of {group} decides it alone"
    if method == MEANS and study.varies(name) and (share := between(study, name)) < LITTLE:
        percent = f"{100 * share:.1f}" if share >= 0.001 else "less than 0.1"
        return f"{percent}% of the variance of `{name}` lies between the levels of {group}: this rests on little"
    return ""


def _why_none(study: Study, method: str, name: str) -> str:
    group, J = study.term.group, study.term.n_levels
    if method == MEANS:
        if study.varies(name) and between(study, name) < EXACT:
            return f"`{name}` has the same mean in every level of {group}"
        return f"the means of {group} do not tell it from the other coefficients"
    if method in (FIXED, INTERACTION) and not study.varies(name):
        own = f"`{name}` does not vary within the levels of {group}"
        return f"{own}: with a constant for each level of {group}, nothing is left to tell it from"
    still = int((~_moves(study, name)).sum())
    if method == INTERACTION and study.design.coef_names.index(name) in study.slopes and still:
        verb = "has" if still == 1 else "have"
        return f"`{name}` does not vary within {still} of {J} levels of {group}, which {verb} no slope to average"
    own = "a constant and slopes" if method == INTERACTION else "a constant"
    return f"with {own} for each level of {group}, this cannot be told from differences between them"


def between(study: Study, name: str) -> float:
    """Share of the variance of a column of X that lies between the clusters."""
    x, w, index = study.design.X[:, study.design.coef_names.index(name)], study.design.weights, study.term.index
    mean = np.bincount(index, w * x) / np.bincount(index, w)
    centre = float(w @ x / w.sum())
    total = float(w @ (x - centre) ** 2)
    return float(w @ (mean[index] - centre) ** 2) / total if total > 0 else 0.0


def _moves(study: Study, name: str) -> np.ndarray:
    """(J,) bool: whether a column of X differs between rows of each cluster."""
    x, index, J = study.design.X[:, study.design.coef_names.index(name)], study.term.index, study.term.n_levels
    first = np.empty(J)
    first[index] = x
    return np.bincount(index, x != first[index], J) > 0


def about_groups(design: Design, clusters: RandomTerm) -> tuple[str, ...]:
    """Which grouping factors the analyses without random effects leave out, and what that means."""
    others = [t for t in design.terms if t.group != clusters.group]
    finer = [t.group for t in others if nested(t, clusters)]
    crossed = [t.group for t in others if t.group not in finer]
    found = []
    if crossed:
        found.append(
            f"rows of one level of {_listed(crossed)} are alike, too, wherever their {clusters.group}: all analyses "
            "but the mixed models and the Bayesian one take them for independent"
        )
    if finer:
        found.append(
            f"rows of one level of {_listed(finer)} are alike, too: fixed effects for {clusters.group} take them for "
            "independent"
        )
    return tuple(found)


def nested(inner: RandomTerm, outer: RandomTerm) -> bool:
    """Whether each level of one factor lies within one of the other."""
    first = np.empty(inner.n_levels, dtype=int)
    first[inner.index] = outer.index
    return bool((first[inner.index] == outer.index).all())


def _listed(names: list[str]) -> str:
    return " and of ".join(names)
