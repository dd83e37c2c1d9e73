"""One evaluation in one call, where the tail is small: what the steps of `engine` do one by one elsewhere."""

import numpy as np

from bayeslmm.likelihood.compiled.derivative import gradient
from bayeslmm.likelihood.compiled.elimination import eliminate, fill_tail, tail_products
from bayeslmm.likelihood.compiled.plan import ENTRIES, LEVELS, N_LEAD, Q_TAIL, TERM
from bayeslmm.likelihood.compiled.tail import back_substitute, small_cholesky, small_inverse, tail_inverse
from bayeslmm.likelihood.compiled.vectors import by_address


@by_address
def evaluate(plan, a, lam, w, v, S, T, x, nu, c, G, u, b, e):
    """Value, gradient and solutions; c is 1 / sigma^2, or 0 where sigma is profiled out.

    Returns
    -------
    log|Lambda'Z'WZ Lambda + I|, log|R_X|^2 and the last pivot, whose square is r^2; NaN where a block is not positive
    definite. S holds the factor of the tail, X and y; x, G, u, b, e are as `gradient` describes them.
    """
    fill_tail(plan, a, lam, S)
    log_det = eliminate(plan, a, lam, w, S)
    q = plan.size[Q_TAIL]
    if plan.column.size:
        tail_products(plan, w, S, 0, q)
    small_cholesky(S)
    n = S.shape[0] - 1
    for i in range(q):
        log_det += 2.0 * np.log(S[i, i])
    log_det_X = 0.0
    for i in range(q, n):
        log_det_X += 2.0 * np.log(S[i, i])
    last = S[n, n]
    back_substitute(S, x)
    small_inverse(S, T)
    for i in range(plan.size[N_LEAD]):
        if plan.lead[i, ENTRIES]:
            tail_inverse(plan, w, v, T, i, 0, plan.term[plan.lead[i, TERM], LEVELS])
    if c == 0.0:
        c = nu / max(last * last, np.finfo(np.float64).tiny)
    gradient(plan, a, lam, w, v, T, x, c, G, u, b, e)
    return log_det, log_det_X, last
