"""The first start of `search` in one compiled call, where Python would take longer than the likelihood.

Moment start (`start`), descent (`quasi_newton`) with the curvature of `information`, and the Hessian by differences of
the gradient (`objective`), step for step as in these files, over factors of full rank. It is used where the tail is
small and the compiled loops are there already; where the descent ends close to the boundary, `search` goes on from its
point.
"""

import numpy as np

from bayeslmm.likelihood.compiled.engine import Engine
from bayeslmm.likelihood.compiled.tail import small_cholesky, small_inverse
from bayeslmm.likelihood.compiled.vectors import compiled, dot, inner
from bayeslmm.likelihood.compiled.whole import evaluate
from bayeslmm.likelihood.evaluation import Parts
from bayeslmm.point.cone import Cone
from bayeslmm.point.information import SINGULAR
from bayeslmm.point.objective import Objective, Point
from bayeslmm.point.quasi_newton import Descent

# columns of the table of blocks: k, first entry of x, offset of the root (k, k), offset of Lambda_t in the flat
# Lambdas, width of Lambda_t, J, offset of (k, J) of the term in the flat u, offset of its effects
WIDTH, ENTRY, ROOT, LAM, TERM_WIDTH, LEVELS, U_START, EFFECTS = range(8)
DECREMENT, MAX_STEPS, ARMIJO, STEP = 1e-13, 200, 1e-4, 1e-4
LEAST, MOST = 0.1, 1e4
TINY = float(np.finfo(float).tiny)


@inner
def value_at(plan, a, w, v, S, T, x, beta, nu, reml, constant, cone_map, G, u, b, e, parts):
    """-2 log L at x, +inf where the factorisation breaks down; G, the solutions and the three `parts` are written."""
    log_Z, log_X, last = evaluate(plan, a, cone_map @ x, w, v, S, T, beta, nu, 0.0, G, u, b, e)
    if not np.isfinite(log_Z + log_X):
        return np.inf
    parts[0], parts[1], parts[2] = log_Z, log_X, last * last if last > 0.0 else 0.0
    return log_Z + reml * log_X + nu * np.log(max(parts[2], TINY)) + constant


@inner
def put_start(blocks, effects, u, sigma2, x):
    """Write the moment start into x, from u at V = I."""
    for i in range(blocks.shape[0]):
        k, J, at = blocks[i, WIDTH], blocks[i, LEVELS], blocks[i, ENTRY]
        V = np.empty((k, k))
        for r in range(k):
            for c in range(k):
                s = 0.0
                for level in range(J):
                    s += (
                        u[blocks[i, U_START] + effects[blocks[i, EFFECTS] + r] * J + level]
                        * u[blocks[i, U_START] + effects[blocks[i, EFFECTS] + c] * J + level]
                    )
                V[r, c] = 4.0 * s / J / sigma2 - (1.0 if r == c else 0.0)
        values, vectors = np.linalg.eigh(V)
        for r in range(k):
            for c in range(k):
                s = 0.0
                for j in range(k):
                    s += vectors[r, j] * min(max(values[j], LEAST), MOST) * vectors[c, j]
                V[r, c] = s
        small_cholesky(V)
        for c in range(k):
            for r in range(c, k):
                x[at] = V[r, c]
                at += 1


@inner
def curvature(blocks, effects, root, x, G, u, c, nu, H):
    """The model of `information` into H (size, size); c is nu / r^2."""
    H[:] = 0.0
    d = np.zeros(x.size)
    for i in range(blocks.shape[0]):
        k, J, at = blocks[i, WIDTH], blocks[i, LEVELS], blocks[i, ENTRY]
        C = root[blocks[i, ROOT] : blocks[i, ROOT] + k * k].reshape(k, k)
        X, W, G_V, V = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
        e = at
        shown = True
        for col in range(k):
            for r in range(col, k):
                X[r, col] = x[e]
                e += 1
            shown = shown and abs(X[col, col]) >= SINGULAR
        if shown:
            # V = X^-1; df/dX = C' (df/dLambda); U, then K and all that follows from it
            dX, U = np.zeros((k, k)), np.zeros((k, k))
            for col in range(k):
                V[col, col] = 1.0 / X[col, col]
                for r in range(col + 1, k):
                    s = 0.0
                    for j in range(col, r):
                        s += X[r, j] * V[j, col]
                    V[r, col] = -s / X[r, r]
            for r in range(k):
                for col in range(k):
                    for j in range(k):
                        row = effects[blocks[i, EFFECTS] + j] * blocks[i, TERM_WIDTH]
                        dX[r, col] += C[j, r] * G[blocks[i, LAM] + row + effects[blocks[i, EFFECTS] + col]]
                for col in range(r + 1):
                    first = blocks[i, U_START] + effects[blocks[i, EFFECTS] + r] * J
                    second = blocks[i, U_START] + effects[blocks[i, EFFECTS] + col] * J
                    U[r, col] = U[col, r] = c * dot(u, first, u, second, J)
            K, half, D = X.T @ dX * 0.5 + U, dX @ V * 0.25, V.T @ U
            W = V.T @ (K + K.T) @ V / (2.0 * J)
            G_V = half + half.T
            e = at
            for col in range(k):
                for r in range(col, k):
                    d[e] = -2.0 * D[r, col]
                    e += 1
        else:
            for r in range(k):
                for col in range(r + 1):
                    V[r, col] = 1.0 if r == col else 0.0
                    for j in range(col + 1):
                        V[r, col] += X[r, j] * X[col, j]
            small_cholesky(V)
            small_inverse(V, W)
            for r in range(k):
                for col in range(r):
                    W[col, r] = W[r, col]
        WX, GX = W @ X, G_V @ X
        Q, P = X.T @ WX, X.T @ GX
        row = at
        for col in range(k):
            for r in range(col, k):
                column = at
                for col2 in range(k):
                    for r2 in range(col2, k):
                        h = J * (W[r, r2] * Q[col, col2] + WX[r, col2] * WX[r2, col])
                        h -= WX[r2, col] * GX[r, col2] + WX[r, col2] * GX[r2, col]
                        h -= Q[col, col2] * G_V[r, r2] + W[r, r2] * P[col, col2]
                        if col == col2:
                            h += G_V[r, r2]
                        H[row, column] = 2.0 * h
                        column += 1
                row += 1
    for i in range(x.size):
        for j in range(x.size):
            H[i, j] -= d[i] * d[j] / nu


@compiled
def small_search(plan, a, w, v, S, T, cone_map, blocks, effects, root, unit, nu, reml, constant, sizes, G, u, b, e):
    """Descend from the moment start.

    Parameters
    ----------
    plan, a, w, v, S, T
        Of the engine; T (m, m) as `whole.evaluate` takes it.
    cone_map, blocks, effects, root, unit
        The cone at full rank: flat Lambdas are `cone_map @ x`; its blocks; the x of V = I.
    nu, reml, constant
        f = log_det_Z + reml log_det_X + nu log r^2 + constant.
    sizes
        (n, p, q): rows, fixed-effect columns, random effects.
    G, u, b, e
        Written: as `derivative.gradient` describes them, at the point found.

    Returns
    -------
    x, f, gradient, tail solutions and gamma, factor of the tail, quasi-Newton Hessian, Hessian by forward differences,
    the parts of f, evaluations.
    """
    size = cone_map.shape[1]
    x, beta, parts = unit.copy(), np.empty(S.shape[0] - 1), np.zeros(3)
    value_at(plan, a, w, v, S, T, x, beta, nu, reml, constant, cone_map, G, u, b, e, parts)
    squares = 0.0
    for i in range(u.size):
        squares += u[i] * u[i]
    n, p, q = sizes[0], sizes[1], sizes[2]
    rest, df = parts[2] - 2.0 * squares, n - p - q
    sigma2 = rest / df if df > 0.1 * n and rest > 0.0 else max(parts[2], TINY) / (n - p)
    put_start(blocks, effects, u, sigma2, x)
    f = value_at(plan, a, w, v, S, T, x, beta, nu, reml, constant, cone_map, G, u, b, e, parts)
    evaluations = 2
    g = cone_map.T @ G
    model, E = np.empty((size, size)), np.zeros((size, size))
    curvature(blocks, effects, root, x, G, u, nu / max(parts[2], TINY), nu, model)
    for _ in range(MAX_STEPS):
        values, vectors = np.linalg.eigh(model + E)
        along = vectors.T @ g
        largest = np.abs(values).max()
        decrement = 0.0
        for j in range(size):
            c = max(abs(values[j]), 1e-6 * largest)
            decrement += 0.5 * along[j] * along[j] / c
            along[j] /= c
        if not decrement >= DECREMENT:
            break
        step = -(vectors @ along)
        length, limit = np.sqrt((step * step).sum()), max(1.0, np.sqrt((x * x).sum()))
        if length > limit:
            step *= limit / length
        slope = (g * step).sum()
        noise = 1e-13 * max(1.0, abs(f))
        share, found = 1.0, False
        moved, f_moved = x, f
        while share > 1e-6:
            moved = x + share * step
            f_moved = value_at(plan, a, w, v, S, T, moved, beta, nu, reml, constant, cone_map, G, u, b, e, parts)
            evaluations += 1
            if f_moved <= f + ARMIJO * share * slope + noise:
                found = True
                break
            bend = f_moved - f - slope * share
            best = -slope * share * share / (2.0 * bend) if np.isfinite(bend) else 0.0
            share = min(max(best, 0.1 * share), 0.5 * share)
        if not found:
            f = value_at(plan, a, w, v, S, T, x, beta, nu, reml, constant, cone_map, G, u, b, e, parts)
            evaluations += 1
            break
        g_moved = cone_map.T @ G
        s = moved - x
        y = g_moved - g
        x, f, g = moved, f_moved, g_moved
        curvature(blocks, effects, root, x, G, u, nu / max(parts[2], TINY), nu, model)
        r = y - model @ s - E @ s
        rs = (r * s).sum()
        if abs(rs) > 1e-8 * np.sqrt((r * r).sum() * (s * s).sum()):
            for i in range(size):
                for j in range(size):
                    E[i, j] += r[i] * r[j] / rs
    gamma, factor = beta.copy(), S.copy()
    by_differences = np.empty((size, size))
    G2, u2 = np.empty_like(G), np.empty_like(u)
    b2, e2 = np.empty_like(u), np.empty_like(u)
    for i in range(size):
        h = STEP * max(1.0, abs(x[i]))
        moved = x.copy()
        moved[i] += h
        evaluate(plan, a, cone_map @ moved, w, v, S, T, beta, nu, 0.0, G2, u2, b2, e2)
        by_differences[i] = (cone_map.T @ G2 - g) / h
    return x, f, g, gamma, factor, model + E, 0.5 * (by_differences + by_differences.T), parts, evaluations + size


def from_moments(objective: Objective, engine: Engine, full: Cone) -> tuple[Descent, np.ndarray]:
    """The descent from the moment start, and the Hessian by differences where it ended."""
    likelihood, reml = objective.likelihood, objective.reml
    nu, plan, S, q = likelihood.nu(reml), engine.layout.plan, engine.S, engine.structure.q_tail
    blocks, effects, root = _tables(full)
    T = np.empty((S.shape[0] - 1 if reml else q,) * 2)
    G, (u, b, e) = np.empty(full.map.shape[0]), np.empty((3, engine.layout.n_effects))
    constant = likelihood.value(Parts(0.0, 0.0, float(nu)), reml) - nu * float(np.log(nu))
    sizes = np.array([likelihood.n, likelihood.p, u.size], dtype=float)
    work = (plan, engine.a, engine.w, engine.v, S, T, full.map)
    with engine.lock:
        x, f, g, solutions, factor, H, by_differences, parts, evaluations = small_search(
            *work, blocks, effects, root, full.unit, float(nu), float(reml), constant, sizes, G, u, b, e
        )
    found = engine.solution(Parts(*parts.tolist()), factor, solutions, u, b, G)
    objective.evaluations += evaluations
    return Descent(Point(full, x, f, g, found), H), by_differences


def _tables(full: Cone) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    terms = full.covariance.terms
    lam, u = [0], [0]
    for term in terms:
        lam.append(lam[-1] + term.k**2)
        u.append(u[-1] + term.k * term.n_levels)
    rows, entry, root, effect = [], 0, 0, 0
    for b in full.blocks:
        t = terms[b.term]
        rows.append((b.k, entry, root, lam[b.term], t.k, t.n_levels, u[b.term], effect))
        entry, root, effect = entry + b.size, root + b.k**2, effect + b.k
    effects = np.array([i for b in full.blocks for i in b.effects], dtype=np.int64)
    return np.array(rows, dtype=np.int64), effects, np.concatenate([b.root.ravel() for b in full.blocks])
