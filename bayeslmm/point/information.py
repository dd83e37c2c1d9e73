"""A model of the criterion's curvature that costs nothing: the information of a balanced design.

If every level of a term carried the same information as the average level, and terms did not share any, then in the
whitened basis (see `cone`) each of the J levels would show `N(0, sigma^2 (V + I))`, and

    E d2f / dV_i dV_j = J tr( (V + I)^-1 dV_i (V + I)^-1 dV_j ).

With V = X X' the curvature in X has a second part, `2 G (x) I`, G = df/dV, which the gradient gives where X has full
rank: df/dX = 2 G X. What real designs add is learnt on the way, by secants (see `quasi_newton`).
"""

import numpy as np
from scipy.linalg import lapack

from bayeslmm.likelihood.covariance import Covariance
from bayeslmm.point.cone import Block
from bayeslmm.point.objective import Point


def model_hessian(point: Point, n_levels: tuple[int, ...]) -> np.ndarray:
    """Curvature (cone.size, cone.size) of the criterion at a point, were the design balanced.

    Parameters
    ----------
    point
        Where; its gradient is used.
    n_levels
        J of every term.
    """
    cone = point.cone
    H = np.zeros((point.x.size, point.x.size))
    at = 0
    for block, X in zip(cone.blocks, cone.split(point.x), strict=True):
        own = slice(at, at + block.size)
        H[own, own] = _block(block, X, n_levels[block.term]) + _second_part(cone.covariance, block, X, point)
        at += block.size
    return H


def _block(block: Block, X: np.ndarray, J: int) -> np.ndarray:
    """J tr(W dV_i W dV_j), with dV_i = e_r x_c' + x_c e_r' for the entry (r, c) of X and W = (X X' + I)^-1."""
    if block.rank == 0:
        return np.zeros((0, 0))
    if block.k == 1:
        x2 = float(X[0, 0] ** 2)
        return np.array([[4 * J * x2 / (x2 + 1) ** 2]])
    W = X @ X.T
    W.ravel()[:: block.k + 1] += 1.0
    _, WX, _ = lapack.dposv(W, X)
    _, W, _ = lapack.dposv(W, np.eye(block.k))
    pairs = block.pairs
    crossed = WX.take(pairs.crossed)
    return 2 * J * (W.take(pairs.rows) * (X.T @ WX).take(pairs.columns) + crossed * crossed.T)


def _second_part(covariance: Covariance, block: Block, X: np.ndarray, point: Point) -> np.ndarray | float:
    """2 G (x) I from df/dX = 2 G X; nothing where X cannot be inverted."""
    if block.rank < block.k or point.evaluation is None:
        return 0.0
    start = sum(t.k**2 for t in covariance.terms[: block.term])
    k = covariance.terms[block.term].k
    full = point.evaluation.gradient[start : start + k * k].reshape(k, k)
    own = full if block.k == k else full[np.ix_(block.effects, block.effects)]
    _, _, G, failed = lapack.dgesv(X.T, own.T @ block.root)
    if failed:
        return 0.0
    pairs = block.pairs
    return (0.5 * (G + G.T)).take(pairs.rows) * pairs.same_column
