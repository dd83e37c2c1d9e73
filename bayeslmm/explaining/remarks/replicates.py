"""What tells crossed factors from labels that are used again: whether rows of one label are alike everywhere.

    y = X beta + (random part as written) + c[outer:inner] + e                                        (REML)

If label 1 of one level of `outer` is label 1 of the others, `inner` has a variance of its own. If it is another thing
in each, the variance is one of their combinations, and none is left for the labels. Each variance is tested by the
likelihood ratio without it, against 0.5 chi2(0) + 0.5 chi2(1) (Self & Liang 1987, case 5; Stram & Lee 1994).
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.rebuild import given_contrasts, rebuild
from bayeslmm.errors import BayeslmmError, DesignWarning
from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.remarks.remark import bars
from bayeslmm.explaining.spelling import written
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.point.estimates import Estimates, estimates
from bayeslmm.point.optimise import optimise

CUTOFF = 2.71  # the quantile of 0.95 of that mixture
AFFORDABLE = 0.005  # seconds for an evaluation, of which the three fits need about a hundred


@dataclass(frozen=True, slots=True)
class Replicates:
    """What the rows say.

    Attributes
    ----------
    label_sd, combination_sd
        Sds between the labels of the inner factor, and between combinations with the outer one.
    labels_differ, combinations_differ
        Whether the data speak for each of the two variances.
    """

    label_sd: float
    combination_sd: float
    labels_differ: bool
    combinations_differ: bool

    @property
    def nested(self) -> bool:
        """Whether combinations differ and labels do not."""
        return self.combinations_differ and not self.labels_differ

    @property
    def crossed(self) -> bool:
        """Whether labels differ, and no less than their combinations."""
        return self.labels_differ and self.label_sd >= self.combination_sd


def replicates(of: Anatomy, inner: str, outer: str) -> Replicates | None:
    """Ask the response; None where it cannot tell (one row for each combination) or its answer would take long."""
    design = _with_combinations(of, inner, outer)
    if design is None or plain_seconds(MarginalLikelihood.of(design).structure, design.p) > AFFORDABLE:
        return None
    groups = [t.group for t in design.terms]
    one, two = groups.index(inner), next(t for t, group in enumerate(groups) if group not in of.groups)
    try:
        whole, at = _fitted(design)
        without = [_fitted(replace(design, terms=design.terms[:t] + design.terms[t + 1 :]))[0] for t in (one, two)]
    except (np.linalg.LinAlgError, BayeslmmError):
        return None
    differ = [bool(criterion - whole > CUTOFF) for criterion in without]
    return Replicates(_typical_sd(design, at, one), _typical_sd(design, at, two), differ[0], differ[1])


def _with_combinations(of: Anatomy, inner: str, outer: str) -> Design | None:
    """The design with an intercept for each combination; None where there is none, or the data cannot estimate it."""
    if of.design is None or of.design.source is None:
        return None
    text = written(of.formula, [*(b.text() for b in bars(of)), f"(1 | {outer}:{inner})"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        try:
            return rebuild(text, of.design.source, given_contrasts(of.design), of.design.recipe.functions)
        except BayeslmmError:
            return None


def _fitted(design: Design) -> tuple[float, Estimates]:
    likelihood = MarginalLikelihood.of(design)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        optimum = optimise(likelihood, True, "lbfgs")
        return optimum.value, estimates(likelihood, optimum, True)


def _typical_sd(design: Design, at: Estimates, t: int) -> float:
    """sqrt(mean z'Vz): what the effects of a term add to a typical row."""
    Z = design.terms[t].Z
    return float(np.sqrt(max(np.einsum("nk,kl,nl->n", Z, at.covariances[t], Z).mean(), 0.0)))
