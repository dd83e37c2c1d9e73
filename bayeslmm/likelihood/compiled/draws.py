"""Exact draws of (u, gamma) given Lambda and sigma, from the factor: L' s = L^-1 rhs + sigma z, z ~ N(0, I).

`eliminate` leaves L^-1 of the diagonal blocks and the rows L^-1 [M towards what comes after, rhs] of the lead terms in
`w`; the tail's factor is in S, whose last row is L^-1 rhs.
"""

import numpy as np

from bayeslmm.likelihood.compiled.elimination import eliminate, fill_tail, tail_products
from bayeslmm.likelihood.compiled.plan import (
    BLOCK,
    COLUMN,
    CROSS,
    DIAG,
    EFFECTS,
    ENTRIES,
    FIRST,
    FIXED,
    FROM,
    LAM,
    LEVELS,
    N_EFFECTS,
    N_LEAD,
    N_TERMS,
    PARENT,
    PTR,
    Q_TAIL,
    TERM,
    TO,
    WIDTH,
    P,
)
from bayeslmm.likelihood.compiled.tail import small_cholesky
from bayeslmm.likelihood.compiled.vectors import add, compiled


@compiled
def conditional_draw(plan, a, lam, w, S, sigma, z, x, u, b):
    """Factorise a problem with a small tail and draw: x (q + p,), u and b flat, from z (effects + p,).

    Returns
    -------
    log|Lambda'Z'WZ Lambda + I|, log|R_X|^2 and the last pivot, as `whole.evaluate`.
    """
    fill_tail(plan, a, lam, S)
    log_det = eliminate(plan, a, lam, w, S)
    q = plan.size[Q_TAIL]
    if plan.column.size:
        tail_products(plan, w, S, 0, q)
    small_cholesky(S)
    m, n = x.size, S.shape[0]
    flat, log_det_X = S.reshape(n * n), 0.0
    spread_normals(plan, z, x)
    for i in range(m):
        x[i] = sigma * x[i] + flat[m * n + i]
    for i in range(m - 1, -1, -1):
        x[i] /= flat[i * n + i]
        add(x, 0, -x[i], flat, i * n, i)
        if i < q:
            log_det += 2.0 * np.log(flat[i * n + i])
        else:
            log_det_X += 2.0 * np.log(flat[i * n + i])
    draw_effects(plan, lam, w, x, sigma, z, u, b)
    return log_det, log_det_X, flat[n * n - 1]


@compiled
def spread_normals(plan, z, x):
    """Write the numbers z of the tail's effects and of gamma into x (q + p,), which goes level by level."""
    q = plan.size[Q_TAIL]
    for j in range(plan.size[P]):
        x[q + j] = z[plan.size[N_EFFECTS] + j]
    for t in range(plan.size[N_TERMS]):
        first, k, J = plan.term[t, FIRST], plan.term[t, WIDTH], plan.term[t, LEVELS]
        if first >= 0:
            for l in range(J):
                for i in range(k):
                    x[first + l * k + i] = z[plan.term[t, EFFECTS] + i * J + l]


@compiled
def draw_effects(plan, lam, w, x, sigma, z, u, b):
    """Go back from the tail's x (q + p,) to the finest lead term; write u and b = Lambda u, (k, J) per term."""
    q, p = plan.size[Q_TAIL], plan.size[P]
    for t in range(plan.size[N_TERMS]):
        first, k, J, at = plan.term[t, FIRST], plan.term[t, WIDTH], plan.term[t, LEVELS], plan.term[t, EFFECTS]
        if first >= 0:
            for l in range(J):
                for i in range(k):
                    u[at + i * J + l] = x[first + l * k + i]
    for i in range(plan.size[N_LEAD] - 1, -1, -1):
        t = plan.lead[i, TERM]
        k, J, D, F, at = (
            plan.term[t, WIDTH],
            plan.term[t, LEVELS],
            plan.term[t, DIAG],
            plan.term[t, FIXED],
            plan.term[t, EFFECTS],
        )
        V, E, entry, ptr = plan.lead[i, CROSS], plan.lead[i, ENTRIES], plan.lead[i, COLUMN], plan.lead[i, PTR]
        right = np.empty(k)
        for l in range(J):
            for c in range(k):
                row = F + c * (p + 1) * J + l
                s = w[row + p * J] + sigma * z[at + c * J + l]
                for j in range(p):
                    s -= w[row + j * J] * x[q + j]
                for e in range(plan.pool[ptr + l], plan.pool[ptr + l + 1]):
                    s -= w[V + c * E + e] * x[plan.column[entry + e]]
                for link in range(plan.chain.shape[0]):
                    if plan.chain[link, FROM] == i:
                        above = plan.lead[plan.chain[link, TO], TERM]
                        ks, Js = plan.term[above, WIDTH], plan.term[above, LEVELS]
                        parent = plan.pool[plan.chain[link, PARENT] + l]
                        for y in range(ks):
                            block = plan.chain[link, BLOCK] + (c * ks + y) * J + l
                            s -= w[block] * u[plan.term[above, EFFECTS] + y * Js + parent]
                right[c] = s
            for y in range(k):
                s = 0.0
                for c in range(y, k):
                    s += w[D + (c * k + y) * J + l] * right[c]
                u[at + y * J + l] = s
    for t in range(plan.size[N_TERMS]):
        k, J, L, at = plan.term[t, WIDTH], plan.term[t, LEVELS], plan.term[t, LAM], plan.term[t, EFFECTS]
        for i in range(k):
            for l in range(J):
                s = 0.0
                for d in range(k):
                    s += lam[L + i * k + d] * u[at + d * J + l]
                b[at + i * J + l] = s
