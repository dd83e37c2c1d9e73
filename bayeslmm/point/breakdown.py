"""Fits that cannot be: a response that is reproduced exactly, and columns that double precision cannot tell apart."""

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack
from scipy.sparse.linalg import lsqr

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import DataError

SUSPECT = 1e-4
EXACT = 1e-9
FAR = 100.0


def check_residual(design: Design, sigma: float) -> None:
    """Refuse a response that fixed and random effects together reproduce exactly.

    An optimiser may stop anywhere on the way to sigma = 0, so a small sigma is only the occasion to look.

    Raises
    ------
    DataError
        The residual sd of least squares on all columns is below 1e-9 of the response's.
    """
    size = float(np.std(design.y_net))
    if sigma * _mean_root(design) < SUSPECT * size and (residual := _least(design)) < EXACT * size:
        raise DataError(
            f"the model reproduces the response `{design.response}` exactly (residual sd {residual:.2g}, sd of the "
            f"response {size:.3g}), which leaves no residual variance to estimate; is the response computed from the "
            "predictors or constant within the groups?"
        )


def breakdown(design: Design) -> DataError:
    """Return the reason why a criterion could not be computed."""
    try:
        check_residual(design, 0.0)
    except DataError as error:
        return error
    worst = max((_farthest(term) for term in design.terms), default=(0.0, "", ""))
    if worst[0] > FAR:
        ratio, effect, group = worst
        return DataError(
            f"the criterion could not be computed: the values of `{effect}` lie {ratio:.0f} times their sd away from "
            f"zero, so that its effects cannot be told from the intercepts of `{group}` in double precision; centre it "
            f"in the formula: scale({effect}, scale = FALSE)"
        )
    return DataError(
        "the criterion could not be computed: the columns of the random effects differ too much in size or are nearly "
        "collinear; centre and scale the predictors, scale(x), or take fewer random effects"
    )


def _mean_root(design: Design) -> float:
    """sqrt(mean 1/w): the residual sd of a typical row is sigma times this."""
    return float(np.sqrt((1 / design.weights).mean())) if design.has_weights else 1.0


def _least(design: Design) -> float:
    """Root mean square of what least squares on all columns leaves, random effects as fixed ones.

    As many columns as rows reproduce anything: then nothing is known, and the answer is infinite.
    """
    columns = hstack([csr_array(design.X), *(_sparse(t) for t in design.terms)], format="csr")
    if columns.shape[1] >= design.n:
        return np.inf
    length = np.sqrt(columns.multiply(columns).sum(axis=0))
    scaled = columns @ diags_array(1 / np.where(length > 0, length, 1.0))
    y = design.y_net
    found = lsqr(scaled, y - y.mean(), atol=1e-15, btol=1e-15, conlim=0, iter_lim=10 * columns.shape[1])
    return float(found[3]) / float(np.sqrt(design.n))


def _sparse(term: RandomTerm) -> csr_array:
    n, k = term.Z.shape
    columns = (term.index[:, None] * k + np.arange(k)).ravel()
    return csr_array((term.Z.ravel(), columns, np.arange(n + 1) * k), shape=(n, term.n_levels * k))


def _farthest(term: RandomTerm) -> tuple[float, str, str]:
    """The largest |mean| / sd of an effect's column, with the effect's name, where the group has intercepts too."""
    mean, sd = np.abs(term.Z.mean(axis=0)), term.Z.std(axis=0)
    ratio = np.divide(mean, sd, out=np.zeros_like(mean), where=sd > 0)
    worst = int(np.argmax(ratio))
    return float(ratio[worst]), term.effects[worst], term.group
