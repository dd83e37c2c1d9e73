"""One evaluation in NumPy and SciPy: nothing to compile, and what the compiled loops are held against."""

import numpy as np

from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.evaluation import Evaluation, Parts
from bayeslmm.likelihood.gradient import lambda_gradient
from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import Factor, factorise, solve
from bayeslmm.likelihood.symbolic import Structure


def split(structure: Structure, flat: np.ndarray) -> tuple[np.ndarray, ...]:
    """The Lambda_t (k, k) that lie one after the other in `flat`."""
    out, at = [], 0
    for k in structure.k:
        out.append(flat[at : at + k * k].reshape(k, k))
        at += k * k
    return tuple(out)


def parts_of(factor: Factor) -> Parts:
    """Read the parts of the criterion off a factor."""
    return Parts(factor.log_det_Z, factor.log_det_X, max(factor.r2, 0.0))


def plain_value(A: CrossProducts, structure: Structure, flat: np.ndarray) -> Parts:
    """Parts of the criterion at the Lambdas in `flat`."""
    return parts_of(factorise(A, structure, split(structure, flat)))


def plain_modes(A: CrossProducts, structure: Structure, flat: np.ndarray) -> tuple[Parts, tuple[np.ndarray, ...]]:
    """Parts and u at the Lambdas in `flat`."""
    factor = factorise(A, structure, split(structure, flat))
    return parts_of(factor), solve(factor, structure)[0]


def plain_evaluation(
    A: CrossProducts, structure: Structure, flat: np.ndarray, nu: int, reml: bool, sigma: float | None
) -> Evaluation:
    """Value, gradient and solutions at the Lambdas in `flat`."""
    lambdas = split(structure, flat)
    factor = factorise(A, structure, lambdas)
    parts = parts_of(factor)
    u, gamma = solve(factor, structure)
    inverse = selected_inverse(factor, structure, with_X=reml)
    c = nu / max(parts.r2, np.finfo(float).tiny) if sigma is None else sigma**-2
    gradient = lambda_gradient(A, structure, lambdas, inverse, u, gamma, c)
    q = structure.q_tail
    b = tuple(L @ v for L, v in zip(lambdas, u, strict=True))
    flat_gradient = np.concatenate([np.zeros(0), *(G.ravel() for G in gradient)])
    return Evaluation(parts, factor.L_tail[q:, q:], gamma, u, b, flat_gradient)
