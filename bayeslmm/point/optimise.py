"""Maximise the likelihood: the choice of optimiser."""

from typing import Literal, get_args

import numpy as np

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.certificate import Boundary, certify
from bayeslmm.point.cone import Cone
from bayeslmm.point.derivative_free import derivative_free
from bayeslmm.point.objective import Objective
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.search import search

Optimizer = Literal["lbfgs", "bobyqa", "nelder-mead"]


def optimise(
    likelihood: MarginalLikelihood, reml: bool, optimizer: Optimizer, near: np.ndarray | None = None
) -> Optimum:
    """Minimise the REML criterion or the ML deviance over theta.

    Parameters
    ----------
    likelihood, reml
        What is minimised.
    optimizer
        One of three.
    near
        (m,): a theta close to the optimum, from which "lbfgs" starts.

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
    objective = Objective(likelihood, reml)
    try:
        with one_blas_thread():
            if likelihood.covariance.m == 0:
                return _nothing_to_do(objective)
            if optimizer == "lbfgs":
                return search(objective, near)
            return derivative_free(objective, optimizer)
    finally:
        objective.progress.done()


def _nothing_to_do(objective: Objective) -> Optimum:
    likelihood = objective.likelihood
    point = objective(Cone.of(likelihood), np.zeros(0))
    certificate = certify(objective, point, Boundary.at(objective, point))
    return Optimum.of(point, "none (no random effects)", objective.evaluations, certificate)
