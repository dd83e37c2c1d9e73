"""Come back from the tail to the finest lead term: u, b, M^-1 on the pattern, and the gradient.

The maths is that of `inverse` and `gradient`. `w` holds L as `elimination` left it and becomes Q = -L^-T R on the way;
`v` receives the blocks of M^-1, in the same layout.
"""

import numpy as np

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
    K_MAX,
    LAM,
    LEVELS,
    N_LEAD,
    N_TERMS,
    PARENT,
    PTR,
    Q_TAIL,
    TERM,
    TO,
    UP,
    WIDTH,
    P,
)
from bayeslmm.likelihood.compiled.vectors import (
    CHUNK,
    add,
    add_gathered,
    add_product,
    compiled,
    dot,
    inner,
    multiply,
    scale,
    scatter_product,
)


@compiled
def gradient(plan, a, lam, w, v, T, x, c, G, u, b, e):
    """Come back from the tail to the finest lead term.

    Parameters
    ----------
    plan, a, lam, w
        As `eliminate` left them, with Q towards the tail in `w` and Q T in `v` (`tail_inverse`).
    T
        Lower triangle of the inverse of what remained: (q + p, q + p) with X in it, (q, q) without.
    x
        (q + p,): u of the tail, and gamma.
    c
        nu / r^2, or 1 / sigma^2.
    G, u, b, e
        Written: df/dLambda_t, flat as `lam`; u, b = Lambda u and e = Z'W(residual), (k, J) per term.
    """
    p_in = T.shape[0] - plan.size[Q_TAIL]
    G[:] = 0.0
    residuals_of_y(plan, a, x, e)
    tail_gradient(plan, a, lam, T, x, G, u, b, e)
    for i in range(plan.size[N_LEAD] - 1, -1, -1):
        J = plan.term[plan.lead[i, TERM], LEVELS]
        for lo in range(0, J, CHUNK):
            n = min(CHUNK, J - lo)
            lead_inverse(plan, w, v, T, x, u, i, lo, n)
            lead_gradient(plan, a, lam, v, p_in, G, u, b, e, i, lo, n)
    for t in range(plan.size[N_TERMS]):
        k, J, L = plan.term[t, WIDTH], plan.term[t, LEVELS], plan.term[t, LAM]
        for x1 in range(k):
            for z in range(k):
                product = dot(e, plan.term[t, EFFECTS] + x1 * J, u, plan.term[t, EFFECTS] + z * J, J)
                G[L + x1 * k + z] = 2.0 * (G[L + x1 * k + z] - c * product)


@inner
def residuals_of_y(plan, a, x, e):
    """e = Z'W(y - X beta), (k, J) per term, from gamma, the last p elements of x."""
    q, p = plan.size[Q_TAIL], plan.size[P]
    for t in range(plan.size[N_TERMS]):
        J, F = plan.term[t, LEVELS], plan.term[t, FIXED]
        for i in range(plan.term[t, WIDTH]):
            to = plan.term[t, EFFECTS] + i * J
            scale(e, to, 1.0, a, F + (i * (p + 1) + p) * J, J)
            for j in range(p):
                add(e, to, -x[q + j], a, F + (i * (p + 1) + j) * J, J)


@inner
def tail_gradient(plan, a, lam, T, x, G, u, b, e):
    """The tail's part of the gradient: u and b from x, contributions to G, and to e what b explains."""
    q, p, p_in = plan.size[Q_TAIL], plan.size[P], T.shape[0] - plan.size[Q_TAIL]
    for t in range(plan.size[N_TERMS]):
        first, k, J, L, ut = (
            plan.term[t, FIRST],
            plan.term[t, WIDTH],
            plan.term[t, LEVELS],
            plan.term[t, LAM],
            plan.term[t, EFFECTS],
        )
        if first < 0:
            continue
        for l in range(J):
            at, D, F = first + l * k, plan.term[t, DIAG] + l, plan.term[t, FIXED] + l
            for i in range(k):
                u[ut + i * J + l] = x[at + i]
                s = 0.0
                for d in range(k):
                    s += lam[L + i * k + d] * x[at + d]
                b[ut + i * J + l] = s
            for i in range(k):
                for d in range(k):
                    e[ut + i * J + l] -= a[D + (i * k + d) * J] * b[ut + d * J + l]
                for y in range(k):
                    s = 0.0
                    for d in range(k):
                        s += a[D + (i * k + d) * J] * lam[L + d * k + y]
                    for z in range(k):
                        G[L + i * k + z] += s * T[at + max(y, z), at + min(y, z)]
                for j in range(p_in):
                    for z in range(k):
                        G[L + i * k + z] += a[F + (i * (p + 1) + j) * J] * T[q + j, at + z]
    for row in range(plan.tail_pair.shape[0]):
        r, other, B, nnz, firsts, seconds = plan.tail_pair[row]
        kr, ks, Lr, Ls, Jr, Js = (
            plan.term[r, WIDTH],
            plan.term[other, WIDTH],
            plan.term[r, LAM],
            plan.term[other, LAM],
            plan.term[r, LEVELS],
            plan.term[other, LEVELS],
        )
        for m in range(nnz):
            lr, ls = plan.pool[firsts + m], plan.pool[seconds + m]
            i0, j0 = plan.term[r, FIRST] + lr * kr, plan.term[other, FIRST] + ls * ks
            br, bs = plan.term[r, EFFECTS] + lr, plan.term[other, EFFECTS] + ls
            for i in range(kr):
                for d in range(ks):
                    value = a[B + (i * ks + d) * nnz + m]
                    e[br + i * Jr] -= value * b[bs + d * Js]
                    e[bs + d * Js] -= value * b[br + i * Jr]
                    for y in range(kr):
                        for z in range(ks):
                            g = value * T[max(i0 + y, j0 + z), min(i0 + y, j0 + z)]
                            G[Lr + i * kr + y] += g * lam[Ls + d * ks + z]
                            G[Ls + d * ks + z] += g * lam[Lr + i * kr + y]


@inner
def lead_inverse(plan, w, v, T, x, u, i, lo, n):
    """For levels lo..lo+n of lead term i: Q, u, and the blocks of M^-1 in its rows, from those of what comes after."""
    q, p, p_in, t = plan.size[Q_TAIL], plan.size[P], T.shape[0] - plan.size[Q_TAIL], plan.lead[i, TERM]
    k, J, D, F, ut = (
        plan.term[t, WIDTH],
        plan.term[t, LEVELS],
        plan.term[t, DIAG],
        plan.term[t, FIXED],
        plan.term[t, EFFECTS],
    )
    V, E, at = plan.lead[i, CROSS], plan.lead[i, ENTRIES], plan.lead[i, COLUMN]
    e0, e1 = plan.pool[plan.lead[i, PTR] + lo], plan.pool[plan.lead[i, PTR] + lo + n]
    # towards X, and u = -Q_y + Q_X gamma + ...
    for j in range(p + 1):
        transposed_rows(w, D, F + j * J, k, (p + 1) * J, J, lo, n)
    for x1 in range(k):
        row = F + x1 * (p + 1) * J + lo
        scale(u, ut + x1 * J + lo, -1.0, w, row + p * J, n)
        for j in range(p):
            add(u, ut + x1 * J + lo, x[q + j], w, row + j * J, n)
        for j in range(p_in):
            scale(v, row + j * J, 0.0, w, row, n)
            for m in range(p_in):
                add(v, row + j * J, T[q + max(j, m), q + min(j, m)], w, row + m * J, n)
        for e in range(e0, e1):
            l, value, c = plan.level[at + e] - lo, w[V + x1 * E + e], plan.column[at + e]
            u[ut + x1 * J + lo + l] += value * x[c]
            for j in range(p_in):
                v[row + j * J + l] += value * T[q + j, c]
                v[V + x1 * E + e] += w[row + j * J + l] * T[q + j, c]
    for link in range(plan.chain.shape[0]):
        if plan.chain[link, FROM] == i:
            js, C, up = plan.chain[link, TO], plan.chain[link, BLOCK], plan.chain[link, PARENT] + lo
            s = plan.lead[js, TERM]
            ks, Js = plan.term[s, WIDTH], plan.term[s, LEVELS]
            for y in range(ks):
                transposed_rows(w, D, C + y * J, k, ks * J, J, lo, n)
                for x1 in range(k):
                    c = C + (x1 * ks + y) * J + lo
                    row = F + x1 * (p + 1) * J + lo
                    add_gathered(u, ut + x1 * J + lo, 1.0, w, c, u, plan.term[s, EFFECTS] + y * Js, plan.pool, up, n)
                    for j in range(p_in):
                        above = plan.term[s, FIXED] + (y * (p + 1) + j) * Js
                        add_gathered(v, row + j * J, 1.0, w, c, v, above, plan.pool, up, n)
                    for e in range(e0, e1):
                        above = plan.lead[js, CROSS] + y * plan.lead[js, ENTRIES] + plan.pool[plan.chain[link, UP] + e]
                        v[V + x1 * E + e] += w[c + plan.level[at + e] - lo] * v[above]
    # the diagonal blocks, and towards ancestors
    for x1 in range(k):
        for y in range(x1 + 1):
            to = D + (x1 * k + y) * J + lo
            scale(v, to, 0.0, w, to, n)
            for c in range(x1, k):
                add_product(v, to, 1.0, w, D + (c * k + x1) * J + lo, w, D + (c * k + y) * J + lo, n)
            for m in range(p_in):
                add_product(v, to, 1.0, v, F + (x1 * (p + 1) + m) * J + lo, w, F + (y * (p + 1) + m) * J + lo, n)
            for e in range(e0, e1):
                v[to + plan.level[at + e] - lo] += v[V + x1 * E + e] * w[V + y * E + e]
    for link in range(plan.chain.shape[0]):
        if plan.chain[link, FROM] == i:
            ks, C = plan.term[plan.lead[plan.chain[link, TO], TERM], WIDTH], plan.chain[link, BLOCK]
            inverse_to_ancestor(plan, w, v, p_in, i, link, lo, n)
            for x1 in range(k):
                for y in range(x1 + 1):
                    for z in range(ks):
                        first, second = C + (x1 * ks + z) * J + lo, C + (y * ks + z) * J + lo
                        add_product(v, D + (x1 * k + y) * J + lo, 1.0, v, first, w, second, n)


@inner
def transposed_rows(w, D, row, k, stride, J, lo, n):
    """Rows x = 0..k-1 of one column of a block, `stride` apart, become -L^-T times themselves; W lies at D."""
    for x in range(k):
        multiply(w, row + x * stride + lo, -1.0, w, D + (x * k + x) * J + lo, n)
        for c in range(x + 1, k):
            add_product(w, row + x * stride + lo, -1.0, w, D + (c * k + x) * J + lo, w, row + c * stride + lo, n)


@inner
def inverse_to_ancestor(plan, w, v, p_in, i, link, lo, n):
    """M^-1 between levels lo..lo+n of lead term i and the ancestor of this link."""
    p, t, js = plan.size[P], plan.lead[i, TERM], plan.chain[link, TO]
    s = plan.lead[js, TERM]
    k, J, F, V, E, at = (
        plan.term[t, WIDTH],
        plan.term[t, LEVELS],
        plan.term[t, FIXED],
        plan.lead[i, CROSS],
        plan.lead[i, ENTRIES],
        plan.lead[i, COLUMN],
    )
    ks, Js, C, up = plan.term[s, WIDTH], plan.term[s, LEVELS], plan.chain[link, BLOCK], plan.chain[link, PARENT] + lo
    for x in range(k):
        for y in range(ks):
            to = C + (x * ks + y) * J + lo
            scale(v, to, 0.0, w, to, n)
            for m in range(p_in):
                above = plan.term[s, FIXED] + (y * (p + 1) + m) * Js
                add_gathered(v, to, 1.0, w, F + (x * (p + 1) + m) * J + lo, v, above, plan.pool, up, n)
            for e in range(plan.pool[plan.lead[i, PTR] + lo], plan.pool[plan.lead[i, PTR] + lo + n]):
                above = plan.lead[js, CROSS] + y * plan.lead[js, ENTRIES] + plan.pool[plan.chain[link, UP] + e]
                v[to + plan.level[at + e] - lo] += w[V + x * E + e] * v[above]
            for other in range(plan.chain.shape[0]):
                if plan.chain[other, FROM] != i:
                    continue
                jo, Co = plan.chain[other, TO], plan.chain[other, BLOCK]
                ko = plan.term[plan.lead[jo, TERM], WIDTH]
                for z in range(ko):
                    c = Co + (x * ko + z) * J + lo
                    if jo == js:
                        above = plan.term[s, DIAG] + (max(y, z) * ks + min(y, z)) * Js
                        add_gathered(v, to, 1.0, w, c, v, above, plan.pool, up, n)
                    elif jo < js:
                        above = (
                            plan.chain[plan.link[jo, js], BLOCK] + (z * ks + y) * plan.term[plan.lead[jo, TERM], LEVELS]
                        )
                        add_gathered(v, to, 1.0, w, c, v, above, plan.pool, plan.chain[other, PARENT] + lo, n)
                    else:
                        above = plan.chain[plan.link[js, jo], BLOCK] + (y * ko + z) * Js
                        add_gathered(v, to, 1.0, w, c, v, above, plan.pool, up, n)


@inner
def lead_gradient(plan, a, lam, v, p_in, G, u, b, e, i, lo, n):
    """For levels lo..lo+n of lead term i: b, contributions to G, and to e what b explains."""
    p, t, K = plan.size[P], plan.lead[i, TERM], plan.size[K_MAX]
    k, J, L, D, F, ut = (
        plan.term[t, WIDTH],
        plan.term[t, LEVELS],
        plan.term[t, LAM],
        plan.term[t, DIAG],
        plan.term[t, FIXED],
        plan.term[t, EFFECTS],
    )
    V, E, at = plan.lead[i, CROSS], plan.lead[i, ENTRIES], plan.lead[i, COLUMN]
    half = np.empty(K * CHUNK)
    for x in range(k):
        scale(b, ut + x * J + lo, lam[L + x * k], u, ut + lo, n)
        for d in range(1, k):
            add(b, ut + x * J + lo, lam[L + x * k + d], u, ut + d * J + lo, n)
    for x in range(k):
        for d in range(k):
            add_product(e, ut + x * J + lo, -1.0, a, D + (x * k + d) * J + lo, b, ut + d * J + lo, n)
        for y in range(k):
            scale(half, y * CHUNK, lam[L + y], a, D + x * k * J + lo, n)
            for d in range(1, k):
                add(half, y * CHUNK, lam[L + d * k + y], a, D + (x * k + d) * J + lo, n)
        for z in range(k):
            s = 0.0
            for y in range(k):
                s += dot(half, y * CHUNK, v, D + (max(y, z) * k + min(y, z)) * J + lo, n)
            for j in range(p_in):
                s += dot(a, F + (x * (p + 1) + j) * J + lo, v, F + (z * (p + 1) + j) * J + lo, n)
            G[L + x * k + z] += s
    for link in range(plan.chain.shape[0]):
        if plan.chain[link, FROM] != i:
            continue
        s, C, up = plan.lead[plan.chain[link, TO], TERM], plan.chain[link, BLOCK] + lo, plan.chain[link, PARENT] + lo
        ks, Ls, bs, Js = plan.term[s, WIDTH], plan.term[s, LAM], plan.term[s, EFFECTS], plan.term[s, LEVELS]
        for x in range(k):
            for d in range(ks):
                block = C + (x * ks + d) * J
                add_gathered(e, ut + x * J + lo, -1.0, a, block, b, bs + d * Js, plan.pool, up, n)
                scatter_product(e, bs + d * Js, plan.pool, up, -1.0, a, block, b, ut + x * J + lo, n)
                for y in range(k):
                    for z in range(ks):
                        g = dot(a, block, v, C + (y * ks + z) * J, n)
                        G[L + x * k + y] += g * lam[Ls + d * ks + z]
                        G[Ls + d * ks + z] += g * lam[L + x * k + y]
    m, stop = plan.pool[plan.lead[i, PTR] + lo], plan.pool[plan.lead[i, PTR] + lo + n]
    while m < stop:
        r, l = plan.column_term[plan.column[at + m]], plan.level[at + m]
        kr, Jr, Lr = plan.term[r, WIDTH], plan.term[r, LEVELS], plan.term[r, LAM]
        br = plan.term[r, EFFECTS] + (plan.column[at + m] - plan.term[r, FIRST]) // kr
        for x in range(k):
            for d in range(kr):
                value = a[V + x * E + m + d]
                e[ut + x * J + l] -= value * b[br + d * Jr]
                e[br + d * Jr] -= value * b[ut + x * J + l]
                for y in range(k):
                    s = 0.0
                    for z in range(kr):
                        g = value * v[V + y * E + m + z]
                        s += g * lam[Lr + d * kr + z]
                        G[Lr + d * kr + z] += g * lam[L + x * k + y]
                    G[L + x * k + y] += s
        m += kr
