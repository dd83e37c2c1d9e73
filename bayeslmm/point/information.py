"""A model of the criterion's curvature that costs nothing: that of a balanced design which shows what this one shows.

Let every one of the J levels of a term carry the same information C on its effects (in the whitened basis, see `cone`),
and let terms share none. With sigma given, V = X X' and W = (V + C^-1)^-1 the criterion is then J log|V + C^-1| +
tr(W S), S what the levels show, and with G = df/dV = J W - W S W

    d2f[dV, dV'] = J tr(W dV W dV') - 2 tr(dV W dV' G),

to which V = X X' adds `2 G (x) I` for the elements of X. C and S are not assumed but read off the point: the gradient
df/dX = 2 G X, and `X'W X = K / J`, K the sum of I - [M^-1]_ll over levels, which is K = X' df/dX / 2 + c U with U = sum
u_l u_l' and c = nu / r^2. That sigma is profiled out takes off d d' / nu, d = -2 c X^-T U the derivative of nu log r^2.
Where X is singular, or nearly, C = I is assumed, which the whitening makes true on average.
What real designs add is learnt on the way, by secants (see `quasi_newton`).
"""

import numpy as np
from scipy.linalg import lapack

from bayeslmm.likelihood.covariance import Covariance
from bayeslmm.point.cone import Block
from bayeslmm.point.objective import Point

TINY = float(np.finfo(float).tiny)
SINGULAR = 0.01  # diagonal elements of X up to which a point says nothing of C


def model_hessian(point: Point, n_levels: tuple[int, ...], nu: int) -> np.ndarray:
    """Curvature (cone.size, cone.size) of the criterion at a point, were the design balanced.

    Parameters
    ----------
    point
        Where; its gradient and its modes are used.
    n_levels
        J of every term.
    nu
        Degrees of freedom of the residual.
    """
    H, d, at = np.zeros((point.x.size, point.x.size)), np.zeros(point.x.size), 0
    for block, X in zip(point.cone.blocks, point.cone.split(point.x), strict=True):
        own = slice(at, at + block.size)
        if block.rank:
            H[own, own], d[own] = _block(block, X, point, n_levels[block.term], nu)
        at += block.size
    return H - d[:, None] * (d / nu)


def _block(block: Block, X: np.ndarray, point: Point, J: int, nu: int) -> tuple[np.ndarray, np.ndarray | float]:
    """The curvature (size, size) by the elements of one block's X (k, rank), and its part of d (size,)."""
    if point.evaluation is None or block.rank < block.k or np.abs(X.diagonal()).min() < SINGULAR:
        return _curvature(block, X, _assumed(X), np.zeros((block.k, block.k)), J), 0.0
    found = point.evaluation
    u = found.u[block.term] if block.k == len(found.u[block.term]) else found.u[block.term][list(block.effects)]
    inverse, dX = lapack.dtrtri(X, lower=1)[0], _gradient(block, point.cone.covariance, found.gradient)
    U = nu / max(found.parts.r2, TINY) * (u @ u.T)
    K, G = X.T @ dX / 2 + U, dX @ inverse / 2
    W = inverse.T @ (K + K.T) @ inverse / (2 * J)
    return _curvature(block, X, W, (G + G.T) / 2, J), -2 * (inverse.T @ U)[block.lower]


def _assumed(X: np.ndarray) -> np.ndarray:
    """(X X' + I)^-1."""
    W = X @ X.T
    W.ravel()[:: len(W) + 1] += 1.0
    return lapack.dposv(W, np.eye(len(W)))[1]


def _gradient(block: Block, covariance: Covariance, gradient: np.ndarray) -> np.ndarray:
    """df/dX (k, k) of a block, the elements that are not searched among them."""
    start, k = sum(t.k**2 for t in covariance.terms[: block.term]), covariance.terms[block.term].k
    full = gradient[start : start + k * k].reshape(k, k)
    return block.root.T @ (full if block.k == k else full[np.ix_(block.effects, block.effects)])


def _curvature(block: Block, X: np.ndarray, W: np.ndarray, G: np.ndarray, J: int) -> np.ndarray:
    """J tr(W dV_i W dV_j) - 2 tr(dV_i W dV_j G) + 2 G (x) I, with dV_i = e_r x_c' + x_c e_r' for the entry (r, c)."""
    pairs = block.pairs
    WX, GX = W @ X, G @ X
    crossed, crossed_G = WX.take(pairs.crossed), GX.take(pairs.crossed)
    W_rows, G_rows = W.take(pairs.rows), G.take(pairs.rows)
    Q, P = (X.T @ WX).take(pairs.columns), (X.T @ GX).take(pairs.columns)
    middle = crossed.T * crossed_G + crossed * crossed_G.T + Q * G_rows + W_rows * P
    return 2 * (J * (W_rows * Q + crossed * crossed.T) - middle + G_rows * pairs.same_column)
