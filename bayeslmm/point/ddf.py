"""The choice of a method of degrees of freedom."""

from typing import Literal, get_args

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.containment import containment
from bayeslmm.point.inference import Inference, asymptotic, residual
from bayeslmm.point.kenward_roger import kenward_roger
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.satterthwaite import Satterthwaite

Ddf = Literal["satterthwaite", "kenward-roger", "residual", "asymptotic", "containment"]


def check_ddf(ddf: str) -> None:
    """Refuse a method of degrees of freedom that there is not."""
    known = get_args(Ddf)
    if ddf not in known:
        near = did_you_mean(str(ddf), known) if isinstance(ddf, str) else ""
        hint = near if near.startswith("; did") else ""
        raise ArgumentError(f'ddf="{ddf}" is not known; it is one of {", ".join(known)}{hint}')


def inference(
    ddf: Ddf, design: Design, likelihood: MarginalLikelihood, optimum: Optimum, vcov: np.ndarray, reml: bool
) -> Inference:
    """Return the tests by one method.

    Parameters
    ----------
    ddf
        "satterthwaite", "kenward-roger" (REML), "containment" (nested groups), "residual" or "asymptotic".
    design, likelihood, optimum, reml
        The fit.
    vcov
        (p, p): Var(beta_hat).

    Raises
    ------
    ArgumentError
        The method is not known, or not defined for this fit.
    """
    check_ddf(ddf)
    match ddf:
        case "satterthwaite":
            return Satterthwaite.of(likelihood, optimum, reml)
        case "kenward-roger":
            return kenward_roger(likelihood, optimum, reml)
        case "containment":
            return containment(design, likelihood.structure, vcov)
        case "residual":
            return residual(vcov, design.n)
        case _:
            return asymptotic(vcov)
