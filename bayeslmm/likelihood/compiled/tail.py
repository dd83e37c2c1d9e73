"""The dense tail, X and y, where small: factor, inverse, solution; and the inverse of the tail in the lead's rows."""

import numpy as np

from bayeslmm.likelihood.compiled.plan import COLUMN, CROSS, DIAG, ENTRIES, LEVELS, PTR, TERM, WIDEST, WIDTH
from bayeslmm.likelihood.compiled.vectors import add, compiled, dot, scale


@compiled
def small_cholesky(S):
    """Lower Cholesky factor of S (n, n) in place; NaN where S is not positive definite."""
    n = S.shape[0]
    flat = S.reshape(n * n)
    for i in range(n):
        for j in range(i + 1):
            s = flat[i * n + j] - dot(flat, i * n, flat, j * n, j)
            flat[i * n + j] = np.sqrt(s) if i == j else s / flat[j * n + j]


@compiled
def small_inverse(L, T):
    """Lower triangle of (L L')^-1 into T (m, m), from the leading m rows and columns of L."""
    m, stride = T.shape[0], L.shape[0]
    flat, out, U = L.reshape(stride * stride), T.reshape(m * m), np.zeros(m * m)
    for i in range(m):
        for c in range(i):
            add(U, i * m, -flat[i * stride + c], U, c * m, c + 1)
        U[i * m + i] = 1.0
        scale(U, i * m, 1.0 / flat[i * stride + i], U, i * m, i + 1)
    T[:] = 0.0
    for c in range(m):
        for i in range(c + 1):
            add(out, i * m, U[c * m + i], U, c * m, i + 1)


@compiled
def back_substitute(L, x):
    """Solve L_mm' x = l, l the first m entries of the last row of L (m + 1, m + 1), into x (m,)."""
    m, n = x.size, L.shape[0]
    flat = L.reshape(n * n)
    scale(x, 0, 1.0, flat, m * n, m)
    for i in range(m - 1, -1, -1):
        x[i] /= flat[i * n + i]
        add(x, 0, -x[i], flat, i * n, i)


@compiled
def tail_inverse(plan, w, v, T, i, start, stop):
    """For levels [start, stop) of lead term i: Q towards the tail into `w`, and Q T on the pattern into `v`.

    T holds the lower triangle of the tail's inverse; each element is read once and serves both sides.
    """
    t = plan.lead[i, TERM]
    k, J, D, V, E, at = (
        plan.term[t, WIDTH],
        plan.term[t, LEVELS],
        plan.term[t, DIAG],
        plan.lead[i, CROSS],
        plan.lead[i, ENTRIES],
        plan.lead[i, COLUMN],
    )
    row = np.empty(plan.size[WIDEST])
    for l in range(start, stop):
        e0, e1 = plan.pool[plan.lead[i, PTR] + l], plan.pool[plan.lead[i, PTR] + l + 1]
        for x in range(k):
            scale(w, V + x * E + e0, -w[D + (x * k + x) * J + l], w, V + x * E + e0, e1 - e0)
            for c in range(x + 1, k):
                add(w, V + x * E + e0, -w[D + (c * k + x) * J + l], w, V + c * E + e0, e1 - e0)
            scale(v, V + x * E + e0, 0.0, w, V + x * E + e0, e1 - e0)
        for e in range(e0, e1):
            n = e - e0
            for m in range(n + 1):
                row[m] = T[plan.column[at + e], plan.column[at + e0 + m]]
            for x in range(k):
                s = dot(row, 0, w, V + x * E + e0, n + 1)
                add(v, V + x * E + e0, w[V + x * E + e], row, 0, n)
                v[V + x * E + e] += s
