"""Maximise the likelihood: the choice of optimiser."""

from typing import Literal, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.certificate import certify
from bayeslmm.point.cone import Cone
from bayeslmm.point.derivative_free import derivative_free
from bayeslmm.point.lbfgs import lbfgs
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimum import Optimum

Optimizer = Literal["lbfgs", "bobyqa", "nelder-mead"]


def optimise(likelihood: MarginalLikelihood, reml: bool, optimizer: Optimizer) -> Optimum:
    """Minimise the REML criterion or the ML deviance over theta.

    Raises
    ------
    ArgumentError
        `optimizer` is not one of the three.
    """
    if optimizer not in get_args(Optimizer):
        names = get_args(Optimizer)
        raise ArgumentError(
            f'optimizer="{optimizer}" is not known; it is one of {", ".join(names)}' + did_you_mean(optimizer, names)
        )
    with threadpool_limits(limits=1):
        if likelihood.covariance.m == 0:
            return _nothing_to_do(likelihood, reml)
        if optimizer == "lbfgs":
            return lbfgs(likelihood, reml)
        return derivative_free(likelihood, reml, optimizer)


def _nothing_to_do(likelihood: MarginalLikelihood, reml: bool) -> Optimum:
    objective, cone, x = Objective(likelihood, reml), Cone.of(likelihood), np.zeros(0)
    value = objective(cone, x)[0]
    return Optimum(x, value, cone, x, "none (no random effects)", objective.evaluations, certify(objective, cone, x))
