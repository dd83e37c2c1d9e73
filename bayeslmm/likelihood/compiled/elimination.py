"""Eliminate the lead terms, level by level, and what that leaves for the tail, X and y.

The maths is that of `kernel`, and so are the names. `a` holds the cross-products, `w` the rows of L: W = L_t^-1 of a
lead term, R = L^-1 M towards [X y], C towards an ancestor, V towards the tail. What is laid out for speed:

- Element (i, j) of a block (k, c, J) at offset o is the J numbers from o + (i c + j) J: the level is innermost, and all
  work on a lead term is done for `CHUNK` levels at a time. Every inner loop runs over levels, contiguous and
  independent, so that it vectorises, and the blocks of a chunk stay in the nearest cache.
- The rows of a level towards the tail are sparse, one entry for each tail column; their products go straight into the
  dense lower triangle S.
"""

import numpy as np

from bayeslmm.likelihood.compiled.plan import (
    BLOCK,
    COLUMN,
    CORNER,
    CROSS,
    DIAG,
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
    WIDEST,
    WIDTH,
    P,
)
from bayeslmm.likelihood.compiled.vectors import (
    CHUNK,
    add,
    add_product,
    by_address,
    compiled,
    dot,
    inner,
    multiply,
    pivot,
    scale,
    scatter_product,
    sum_log,
)


@compiled
def fill_tail(plan, a, lam, S):
    """Write Lambda' A Lambda + I of the tail, and its rows of X and y, into the lower triangle of S (q+p+1, q+p+1)."""
    q, p, corner = plan.size[Q_TAIL], plan.size[P], plan.size[CORNER]
    S[:] = 0.0
    for i in range(p + 1):
        for j in range(i + 1):
            S[q + i, q + j] = a[corner + i * (p + 1) + j]
    half = np.empty(plan.size[K_MAX])
    for t in range(plan.size[N_TERMS]):
        first, k, J, L = plan.term[t, FIRST], plan.term[t, WIDTH], plan.term[t, LEVELS], plan.term[t, LAM]
        if first < 0:
            continue
        for l in range(J):
            at, D, F = first + l * k, plan.term[t, DIAG] + l, plan.term[t, FIXED] + l
            for x in range(k):
                for d in range(k):
                    s = 0.0
                    for c in range(k):
                        s += lam[L + c * k + x] * a[D + (c * k + d) * J]
                    half[d] = s
                for y in range(x + 1):
                    s = 0.0
                    for d in range(k):
                        s += half[d] * lam[L + d * k + y]
                    S[at + x, at + y] = s
                S[at + x, at + x] += 1.0
                for j in range(p + 1):
                    s = 0.0
                    for c in range(k):
                        s += lam[L + c * k + x] * a[F + (c * (p + 1) + j) * J]
                    S[q + j, at + x] = s
    for row in range(plan.tail_pair.shape[0]):
        r, other, B, nnz, firsts, seconds = plan.tail_pair[row]
        kr, ks, Lr, Ls = plan.term[r, WIDTH], plan.term[other, WIDTH], plan.term[r, LAM], plan.term[other, LAM]
        for e in range(nnz):
            i0 = plan.term[r, FIRST] + plan.pool[firsts + e] * kr
            j0 = plan.term[other, FIRST] + plan.pool[seconds + e] * ks
            for x in range(kr):
                for d in range(ks):
                    s = 0.0
                    for c in range(kr):
                        s += lam[Lr + c * kr + x] * a[B + (c * ks + d) * nnz + e]
                    half[d] = s
                for y in range(ks):
                    s = 0.0
                    for d in range(ks):
                        s += half[d] * lam[Ls + d * ks + y]
                    S[max(i0 + x, j0 + y), min(i0 + x, j0 + y)] = s


@by_address
def eliminate(plan, a, lam, w, S):
    """Eliminate the lead terms, finest first.

    Writes W and the rows R, C, V into `w`, and subtracts what they contribute to X and y from S; the products between
    tail columns follow in `tail_products`.

    Returns
    -------
    log|L_lead|^2; NaN where a block is not positive definite.
    """
    q, p, K = plan.size[Q_TAIL], plan.size[P], plan.size[K_MAX]
    half, det = np.empty(K * K * CHUNK), np.ones(CHUNK)
    w[:] = 0.0
    log_det = 0.0
    for i in range(plan.size[N_LEAD]):
        t = plan.lead[i, TERM]
        k, J, L, D, F = (
            plan.term[t, WIDTH],
            plan.term[t, LEVELS],
            plan.term[t, LAM],
            plan.term[t, DIAG],
            plan.term[t, FIXED],
        )
        V, E, at = plan.lead[i, CROSS], plan.lead[i, ENTRIES], plan.lead[i, COLUMN]
        for lo in range(0, J, CHUNK):
            n = min(CHUNK, J - lo)
            # W += Lambda' D Lambda + I: until here W holds what finer terms subtracted
            for c in range(k):
                for y in range(k):
                    scale(half, (c * k + y) * CHUNK, lam[L + y], a, D + c * k * J + lo, n)
                    for d in range(1, k):
                        add(half, (c * k + y) * CHUNK, lam[L + d * k + y], a, D + (c * k + d) * J + lo, n)
            for x in range(k):
                for y in range(x + 1):
                    for c in range(k):
                        add(w, D + (x * k + y) * J + lo, lam[L + c * k + x], half, (c * k + y) * CHUNK, n)
                for l in range(n):
                    w[D + (x * k + x) * J + lo + l] += 1.0
            # Cholesky with 1 / L_xx on the diagonal, then L^-1 in place, row by row
            for j in range(k):
                jj = D + (j * k + j) * J + lo
                for c in range(j):
                    add_product(w, jj, -1.0, w, D + (j * k + c) * J + lo, w, D + (j * k + c) * J + lo, n)
                pivot(det, 0, w, jj, n)
                if j % 4 == 3 or j == k - 1:
                    log_det += sum_log(det, 0, n)
                for x in range(j + 1, k):
                    xj = D + (x * k + j) * J + lo
                    for c in range(j):
                        add_product(w, xj, -1.0, w, D + (x * k + c) * J + lo, w, D + (j * k + c) * J + lo, n)
                    multiply(w, xj, 1.0, w, jj, n)
            for x in range(1, k):
                for j in range(x):
                    xj = D + (x * k + j) * J + lo
                    multiply(w, xj, 1.0, w, D + (j * k + j) * J + lo, n)
                    for c in range(j + 1, x):
                        add_product(w, xj, 1.0, w, D + (x * k + c) * J + lo, w, D + (c * k + j) * J + lo, n)
                    multiply(w, xj, -1.0, w, D + (x * k + x) * J + lo, n)
            # R, and what is left for X and y
            for j in range(p + 1):
                for x in range(k):
                    for c in range(k):
                        add(w, F + (x * (p + 1) + j) * J + lo, lam[L + c * k + x], a, F + (c * (p + 1) + j) * J + lo, n)
                solve_rows(w, D, F + j * J, k, (p + 1) * J, J, lo, n)
                for m in range(j + 1):
                    for x in range(k):
                        row = F + x * (p + 1) * J + lo
                        S[q + j, q + m] -= dot(w, row + j * J, w, row + m * J, n)
            # C towards each ancestor
            for link in range(plan.chain.shape[0]):
                if plan.chain[link, FROM] == i:
                    anc, C = plan.lead[plan.chain[link, TO], TERM], plan.chain[link, BLOCK]
                    ks, Ls = plan.term[anc, WIDTH], plan.term[anc, LAM]
                    for y in range(ks):
                        for c in range(k):
                            scale(half, c * CHUNK, lam[Ls + y], a, C + c * ks * J + lo, n)
                            for d in range(1, ks):
                                add(half, c * CHUNK, lam[Ls + d * ks + y], a, C + (c * ks + d) * J + lo, n)
                        for x in range(k):
                            for c in range(k):
                                add(w, C + (x * ks + y) * J + lo, lam[L + c * k + x], half, c * CHUNK, n)
                        solve_rows(w, D, C + y * J, k, ks * J, J, lo, n)
            # V towards the tail, one tail level (kr columns) at a time
            e, stop = plan.pool[plan.lead[i, PTR] + lo], plan.pool[plan.lead[i, PTR] + lo + n]
            while e < stop:
                r, l = plan.column_term[plan.column[at + e]], plan.level[at + e]
                kr, Lr = plan.term[r, WIDTH], plan.term[r, LAM]
                for y in range(kr):
                    for c in range(k):
                        s = 0.0
                        for d in range(kr):
                            s += a[V + c * E + e + d] * lam[Lr + d * kr + y]
                        half[c] = s
                    for x in range(k):
                        s = w[V + x * E + e + y]
                        for c in range(k):
                            s += lam[L + c * k + x] * half[c]
                        half[k + x] = s
                    for x in range(k):
                        s = 0.0
                        for c in range(x + 1):
                            s += w[D + (x * k + c) * J + l] * half[k + c]
                        w[V + x * E + e + y] = s
                    for j in range(p + 1):
                        s = 0.0
                        for x in range(k):
                            s += w[V + x * E + e + y] * w[F + (x * (p + 1) + j) * J + l]
                        S[q + j, plan.column[at + e + y]] -= s
                e += kr
            to_ancestors(plan, w, i, lo, n)
    return log_det


@inner
def solve_rows(w, D, row, k, stride, J, lo, n):
    """Rows x = 0..k-1 of one column of a block, `stride` apart, become L^-1 times themselves; W lies at D."""
    for x in range(k - 1, -1, -1):
        multiply(w, row + x * stride + lo, 1.0, w, D + (x * k + x) * J + lo, n)
        for c in range(x):
            add_product(w, row + x * stride + lo, 1.0, w, D + (x * k + c) * J + lo, w, row + c * stride + lo, n)


@inner
def to_ancestors(plan, w, i, lo, n):
    """Subtract from all ancestors of lead term i what its levels lo..lo+n contribute."""
    p, t = plan.size[P], plan.lead[i, TERM]
    k, J, F, V, E, at = (
        plan.term[t, WIDTH],
        plan.term[t, LEVELS],
        plan.term[t, FIXED],
        plan.lead[i, CROSS],
        plan.lead[i, ENTRIES],
        plan.lead[i, COLUMN],
    )
    for link in range(plan.chain.shape[0]):
        if plan.chain[link, FROM] != i:
            continue
        j, C, up = plan.chain[link, TO], plan.chain[link, BLOCK] + lo, plan.chain[link, PARENT] + lo
        s = plan.lead[j, TERM]
        ks, Js, Ds, Fs = plan.term[s, WIDTH], plan.term[s, LEVELS], plan.term[s, DIAG], plan.term[s, FIXED]
        for c in range(k):
            for x in range(ks):
                cx = C + (c * ks + x) * J
                for y in range(x + 1):
                    cy = C + (c * ks + y) * J
                    scatter_product(w, Ds + (x * ks + y) * Js, plan.pool, up, -1.0, w, cx, w, cy, n)
                for m in range(p + 1):
                    row = F + (c * (p + 1) + m) * J + lo
                    scatter_product(w, Fs + (x * (p + 1) + m) * Js, plan.pool, up, -1.0, w, cx, w, row, n)
        for other in range(plan.chain.shape[0]):
            if plan.chain[other, FROM] != j:
                continue
            far = plan.chain[other, TO]
            k2, C2 = plan.term[plan.lead[far, TERM], WIDTH], plan.chain[plan.link[i, far], BLOCK] + lo
            for c in range(k):
                for x in range(ks):
                    for y in range(k2):
                        to = plan.chain[other, BLOCK] + (x * k2 + y) * Js
                        cx, cy = C + (c * ks + x) * J, C2 + (c * k2 + y) * J
                        scatter_product(w, to, plan.pool, up, -1.0, w, cx, w, cy, n)
        Vs, Es, map_at = plan.lead[j, CROSS], plan.lead[j, ENTRIES], plan.chain[link, UP]
        for e in range(plan.pool[plan.lead[i, PTR] + lo], plan.pool[plan.lead[i, PTR] + lo + n]):
            l = plan.level[at + e] - lo
            for x in range(ks):
                total = 0.0
                for c in range(k):
                    total += w[C + (c * ks + x) * J + l] * w[V + c * E + e]
                w[Vs + x * Es + plan.pool[map_at + e]] -= total


@compiled
def tail_products(plan, w, S, start, stop):
    """Subtract V'V of all lead levels from the rows [start, stop) of the tail's lower triangle in S."""
    product = np.empty(plan.size[WIDEST])
    for i in range(plan.size[N_LEAD]):
        k, V, E, at = (
            plan.term[plan.lead[i, TERM], WIDTH],
            plan.lead[i, CROSS],
            plan.lead[i, ENTRIES],
            plan.lead[i, COLUMN],
        )
        for l in range(plan.term[plan.lead[i, TERM], LEVELS]):
            e0, e1 = plan.pool[plan.lead[i, PTR] + l], plan.pool[plan.lead[i, PTR] + l + 1]
            for e in range(e0, e1):
                row, n = plan.column[at + e], e - e0 + 1
                if row < start or row >= stop:
                    continue
                scale(product, 0, w[V + e], w, V + e0, n)
                for c in range(1, k):
                    add(product, 0, w[V + c * E + e], w, V + c * E + e0, n)
                for m in range(n):
                    S[row, plan.column[at + e0 + m]] -= product[m]
