"""The factor of an arrow at many draws: its shaft eliminated, level by level, and the head S; see `arrow`."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.arrow import Arrow, Given

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Eliminated:
    """The arrow's factor at B draws.

    Attributes
    ----------
    L_inv
        (B, J, own, own): inverses of the factors of D_g.
    R
        (B, J, own, d + p + 1): L_g^-1 B_g, y last.
    U
        (B, J, d + p + 1, d + p + 1): what the rows of g tell about R, and y.
    log_det
        (B, J): log |D_g|.
    S_inv
        (B, Q, Q): inverse of S.
    tau
        (B, Q): mode of R.
    log_p
        (B,): log p(y | theta, sigma, given coefficients).
    """

    L_inv: np.ndarray
    R: np.ndarray
    U: np.ndarray
    log_det: np.ndarray
    S_inv: np.ndarray
    tau: np.ndarray
    log_p: np.ndarray


def eliminate(arrow: Arrow, given: Given) -> Eliminated:
    """Factorise at B draws.

    Raises
    ------
    numpy.linalg.LinAlgError
        M is not numerically positive definite.
    """
    own = arrow.own
    scaled = arrow.scaled(np.swapaxes(arrow.scaled(arrow.A[None], given), 2, 3), given)
    D = scaled[:, :, :own, :own] + np.eye(own)
    L = np.linalg.cholesky(D)
    L_inv = np.linalg.inv(L)
    R = L_inv @ scaled[:, :, :own, own:]
    U = scaled[:, :, own:, own:] - np.swapaxes(R, 2, 3) @ R
    log_det = 2 * np.log(np.diagonal(L, axis1=2, axis2=3)).sum(axis=2)
    S = _head(arrow, U, given.sigma)
    L_S = np.linalg.cholesky(S[:, :-1, :-1])
    root = np.linalg.inv(L_S)
    l_y = (root @ S[:, :-1, -1:])[:, :, 0]
    r2 = S[:, -1, -1] - (l_y**2).sum(axis=1)
    tau = (np.swapaxes(root, 1, 2) @ l_y[:, :, None])[:, :, 0]
    fixed, n = arrow.fixed, arrow.group.size
    total = log_det.sum(axis=1) + 2 * np.log(np.diagonal(L_S, axis1=1, axis2=2)).sum(axis=1)
    deviance = total + (n - arrow.p) * (LOG_2PI + 2 * np.log(given.sigma)) + r2 / given.sigma**2
    log_p = -0.5 * (deviance + fixed.constant - np.log(fixed.weights).sum())
    return Eliminated(L_inv, R, U, log_det, np.swapaxes(root, 1, 2) @ root, tau, log_p)


def _head(arrow: Arrow, U: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """S with y: (B, Q + 1, Q + 1)."""
    B, size = sigma.size, arrow.q + arrow.p + 1
    crossed = arrow.shared.shape[1] > 0
    S = (arrow.scatter @ U.reshape(B, -1).T).T.reshape(B, size, size) if crossed else U.sum(axis=1)
    diagonal = np.arange(arrow.q)
    S[:, diagonal, diagonal] += 1.0
    S[:, arrow.q :, arrow.q :] += sigma[:, None, None] ** 2 * arrow.fixed.corner
    return S
