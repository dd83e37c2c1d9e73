"""The coefficients given theta and sigma, for many draws: alpha | y, theta, sigma ~ N(b0 + T gamma, sigma^2 T S^-1 T').

gamma and S^-1 are the part of the arrow's head that belongs to X (`arrow`), with the priors in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.arrow import FixedPart, Given
from bayeslmm.likelihood.arrow_factor import eliminate
from bayeslmm.likelihood.left_out import batches, best_arrow


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Moments of the coefficients that are integrated out: `mean` (S, p) and `covariance` (S, p, p)."""

    mean: np.ndarray
    covariance: np.ndarray


def coefficients(terms: Sequence[RandomTerm], fixed: FixedPart, given: Given) -> Coefficients:
    """Return the moments at every draw."""
    arrow, S, p = best_arrow(terms, fixed), given.sigma.size, fixed.X.shape[1]
    mean, covariance = np.empty((S, p)), np.empty((S, p, p))
    T = fixed.basis.T
    for draws in batches(S, arrow.numbers):
        part = given.part(draws)
        at = eliminate(arrow, part)
        mean[draws] = fixed.basis.b0 + at.tau[:, arrow.q :] @ T.T
        covariance[draws] = (part.sigma**2)[:, None, None] * (T @ at.S_inv[:, arrow.q :, arrow.q :] @ T.T)
    return Coefficients(mean, covariance)
