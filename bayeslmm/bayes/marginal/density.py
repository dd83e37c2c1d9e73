"""The log density of the free numbers x, with its gradient, in one compiled call.

    log p(x | y) = log p(y | C, sigma, beta_s) + sum_j [log p_j(v_j) + log|dv_j/dx_j|] + sum_i>j log p(x_ij)

The scalars v_j are, with Phi the standard normal distribution function,

    sds             scale Phi(x) / Phi(-x)          positive: lower + scale exp(x)         bounded: lower + width Phi(x)

so that a flat likelihood near sd = 0, which a singular fit has, gives x a normal tail there and not the exponential one
of log sd, in which a sampler loses time. A block of k correlated effects has the factor R (k, k) of its correlations
from partial correlations z_ij = 2 Phi(x_ij) - 1 of a C-vine,

    R_ij = z_ij prod_{l<j} sqrt(1 - z_il^2),    R_ii = prod_{l<i} sqrt(1 - z_il^2),

which under LKJ(eta) are independent, z_ij = 2 Beta(a_j, a_j) - 1 with a_j = eta + (k - 2 - j) / 2, j = 0, 1, ...
(Lewandowski, Kurowicka & Joe 2009, section 2.4): log p(x_ij) = (a_j - 1) log(1 - z_ij^2) + log(2 phi(x_ij)) + constant.
"""

from math import erfc

import numpy as np

from bayeslmm.bayes.densities import log_density
from bayeslmm.bayes.marginal.problem import (
    ABOVE,
    BELOW,
    BETWEEN,
    CONSTANT,
    FACTOR,
    FIRST,
    FREE,
    LOWER,
    MEMBER,
    ODDS,
    SCALE,
    SECOND,
    SIZE,
    START,
    STRIDE,
    THIRD,
    UPPER,
    WIDTH,
)
from bayeslmm.likelihood.compiled import plan as layout
from bayeslmm.likelihood.compiled.draws import conditional_draw
from bayeslmm.likelihood.compiled.plan import CORNER, EFFECTS, FIXED, GAP, LEVELS, N_TERMS, Q_TAIL, P
from bayeslmm.likelihood.compiled.vectors import by_address, compiled, dot, inner
from bayeslmm.likelihood.compiled.whole import evaluate

HALF_ROOT, LOG_2 = 0.5**0.5, float(np.log(2))
LOG_2PI = float(np.log(2 * np.pi))
TERM_WIDTH = layout.WIDTH


@inner
def normal_tails(x):
    """Phi(x), Phi(-x) and log phi(x) of the standard normal distribution."""
    return 0.5 * erfc(-x * HALF_ROOT), 0.5 * erfc(x * HALF_ROOT), -0.5 * (x * x + LOG_2PI)


@inner
def constrain(problem, x, gradient):
    """Scalars, R and C at x; the gradient of their prior is written. Returns the log prior, Jacobian included."""
    total = 0.0
    for j in range(problem.code.size):
        prior, bound = problem.prior[j], problem.bound[j]
        scale = prior[SCALE]
        if bound == ODDS:
            below, above, log_normal = normal_tails(x[j])
            hazard = np.exp(log_normal) / above
            value, slope = prior[LOWER] + scale * below / above, scale * hazard / above
            log_slope, bend = np.log(scale) + log_normal - 2.0 * np.log(above), 2.0 * hazard - x[j]
        elif bound == BELOW:
            slope = scale * np.exp(x[j])
            value, log_slope, bend = prior[LOWER] + slope, np.log(scale) + x[j], 1.0
        elif bound == ABOVE:
            slope = scale * np.exp(-x[j])
            value, log_slope, bend = prior[UPPER] - slope, np.log(scale) - x[j], -1.0
        elif bound == BETWEEN:
            below, above, log_normal = normal_tails(x[j])
            width = prior[UPPER] - prior[LOWER]
            value, slope = prior[LOWER] + width * below, width * np.exp(log_normal)
            log_slope, bend = np.log(width) + log_normal, -x[j]
        else:
            value, slope, log_slope, bend = prior[LOWER] + scale * x[j], scale, np.log(scale), 0.0
        log_p, by_value = log_density(
            problem.code[j], prior[CONSTANT], prior[FIRST], prior[SECOND], prior[THIRD], value
        )
        problem.value[j], problem.slope[j] = value, slope
        gradient[j] = by_value * slope + bend
        total += log_p + log_slope
    for i in range(problem.block.shape[0]):
        block, at = problem.block[i], problem.block[i, FREE]
        eta, k = problem.lkj[i, 0], block[SIZE]
        total += problem.lkj[i, 1]
        for r in range(1, k):
            rest = 0.0  # log of the squared length that is left of the row
            row = block[FACTOR] + problem.member[block[MEMBER] + r] * block[STRIDE]
            for c in range(r):
                below, above, log_normal = normal_tails(x[at])
                density = np.exp(log_normal)
                log_left, power = np.log(4.0 * below * above), eta - 1.0 + 0.5 * (k - 2 - c)
                problem.R[row + problem.member[block[MEMBER] + c]] = (below - above) * np.exp(0.5 * rest)
                gradient[at] = power * (density / below - density / above) - x[at]
                total += power * log_left + LOG_2 + log_normal
                rest += log_left
                at += 1
            problem.R[row + problem.member[block[MEMBER] + r]] = np.exp(0.5 * rest)
    for j in range(problem.row.shape[0]):
        for c in range(problem.row[j, START], problem.row[j, START] + problem.row[j, WIDTH]):
            problem.C[c] = problem.value[j] * problem.R[c]
    return total


@inner
def pull_back(problem, x, d_sigma, gradient):
    """Add to the gradient what the derivatives by C, sigma and the sampled coefficients give."""
    n_sd = problem.row.shape[0]
    for j in range(n_sd):
        start, k = problem.row[j, START], problem.row[j, WIDTH]
        gradient[j] += problem.slope[j] * dot(problem.dC, start, problem.R, start, k)
    gradient[n_sd] += problem.slope[n_sd] * d_sigma
    for j in range(problem.d_beta.size):
        gradient[n_sd + 1 + j] += problem.slope[n_sd + 1 + j] * problem.d_beta[j]
    sd = 0
    for i in range(problem.block.shape[0]):
        block, at = problem.block[i], problem.block[i, FREE]
        while problem.row[sd, START] < block[FACTOR]:
            sd += 1
        for r in range(1, block[SIZE]):
            effect = problem.member[block[MEMBER] + r]
            row, scale = block[FACTOR] + effect * block[STRIDE], problem.value[sd + effect]
            here = row + effect
            later = scale * problem.dC[here] * problem.R[here]  # sum of dR_rc R_rc over the columns to the right
            for c in range(r - 1, -1, -1):
                here = row + problem.member[block[MEMBER] + c]
                below, above, log_normal = normal_tails(x[at + c])
                z, slope = below - above, 2.0 * np.exp(log_normal)
                by_entry = scale * problem.dC[here]
                # R_rc / z is what was left of the row's length before it
                length = problem.R[here] / z if z != 0.0 else left_of(x, at, c)
                gradient[at + c] += slope * (by_entry * length - z / (4.0 * below * above) * later)
                later += by_entry * problem.R[here]
            at += r


@inner
def left_of(x, at, c):
    """prod_{l<c} sqrt(1 - z_l^2)."""
    length = 1.0
    for i in range(at, at + c):
        length *= np.sqrt(erfc(-x[i] * HALF_ROOT) * erfc(x[i] * HALF_ROOT))
    return length


@inner
def respond(problem, sigma):
    """Write the cross-products with the response E c, and the rows of the prior, into `a`; c = (1, -beta_s)."""
    plan, a = problem.plan, problem.a
    p, s2, n_sd, K = plan.size[P], sigma * sigma, problem.row.shape[0], problem.response.shape[0]
    at = plan.size[CORNER]
    for i in range(p + K):
        ci = 1.0 if i <= p else -problem.value[n_sd + i - p]
        if i == p:
            for j in range(p + 1):
                a[at + p * (p + 1) + j] = 0.0
        for j in range(i + 1):
            cj = 1.0 if j <= p else -problem.value[n_sd + j - p]
            twice = 2.0 if j >= p and j < i else 1.0
            term = twice * ci * cj * (problem.corner[i, j] + s2 * problem.normal[i, j])
            if i < p:
                a[at + i * (p + 1) + j] = term
            else:
                a[at + p * (p + 1) + min(j, p)] += term
    if K > 1:
        for t in range(plan.size[N_TERMS]):
            J, F, first = plan.term[t, LEVELS], plan.term[t, FIXED], plan.term[t, EFFECTS]
            for i in range(plan.term[t, TERM_WIDTH]):
                for level in range(J):
                    s = problem.response[0, first + i * J + level]
                    for m in range(1, K):
                        s -= problem.value[n_sd + m] * problem.response[m, first + i * J + level]
                    a[F + (i * (p + 1) + p) * J + level] = s


@inner
def log_likelihood(problem):
    """Log p(y | C, sigma, beta_s): see `Integrated`. Writes dC and d_beta.

    Returns
    -------
    The value, -inf where the factorisation breaks down, and the derivative by sigma.
    """
    plan, n_sd = problem.plan, problem.row.shape[0]
    p, q, K, sigma = plan.size[P], plan.size[Q_TAIL], problem.response.shape[0], problem.value[n_sd]
    respond(problem, sigma)
    for i in range(problem.lam.size):
        problem.lam[i] = problem.C[i] / sigma
    log_Z, log_X, last = evaluate(
        plan,
        problem.a,
        problem.lam,
        problem.w,
        problem.v,
        problem.S,
        problem.T,
        problem.x,
        1.0,
        1.0 / (sigma * sigma),
        problem.G,
        problem.u,
        problem.b,
        problem.e,
    )
    if not np.isfinite(log_Z + log_X):
        return -np.inf, 0.0
    r2 = last * last if last > 0.0 else 0.0
    f = log_Z + log_X + problem.nu[0] * (LOG_2PI + 2.0 * np.log(sigma)) + r2 / (sigma * sigma) + problem.nu[1]
    by_sigma = 2.0 * problem.nu[0] / sigma - 2.0 * r2 / sigma**3
    for i in range(p):
        for j in range(i + 1):
            by_sigma += (2.0 if i == j else 4.0) * sigma * problem.T[q + i, q + j] * problem.normal[i, j]
    for i in range(p + K):
        gi = -problem.x[q + i] if i < p else (1.0 if i == p else -problem.value[n_sd + i - p])
        Ag, Ng = 0.0, 0.0
        for j in range(p + K):
            gj = -problem.x[q + j] if j < p else (1.0 if j == p else -problem.value[n_sd + j - p])
            Ag += problem.corner[i, j] * gj
            Ng += problem.normal[i, j] * gj
        by_sigma += 2.0 * gi * Ng / sigma
        if i > p:
            explained = 0.0
            for m in range(problem.b.size):
                explained += problem.response[i - p, m] * problem.b[m]
            problem.d_beta[i - p - 1] = (Ag - explained) / (sigma * sigma) + Ng
    for i in range(problem.C.size):
        by_sigma -= problem.G[i] * problem.C[i] / (sigma * sigma)
        problem.dC[i] = -0.5 * problem.G[i] / sigma
    return -0.5 * f, -0.5 * by_sigma


@by_address
def log_posterior(problem, x, gradient):
    """Log density at x (d,); -inf where it cannot be computed. The gradient (d,) is written."""
    log_prior = constrain(problem, x, gradient)
    n_sd = problem.row.shape[0]
    if not np.isfinite(log_prior) or not problem.value[n_sd] > 0.0 or not np.isfinite(problem.value[: n_sd + 1].sum()):
        return -np.inf
    value, d_sigma = log_likelihood(problem)
    pull_back(problem, x, d_sigma, gradient)
    return log_prior + value


@compiled
def constrain_at(problem, x, gradient):
    """`constrain`, for callers in Python."""
    return constrain(problem, x, gradient)


@compiled
def pull_back_at(problem, x, d_sigma, gradient):
    """`pull_back`, for callers in Python."""
    pull_back(problem, x, d_sigma, gradient)


@compiled
def constrain_all(problem, X, scalars, R):
    """Write the scalars (n, s) and the factors of the correlations (n, sum of k^2) at the rows of X (n, d)."""
    gradient = np.empty(X.shape[1] + GAP)
    for i in range(X.shape[0]):
        constrain(problem, X[i], gradient)
        scalars[i], R[i] = problem.value, problem.R


@compiled
def draw_all(problem, X, z, scalars, R, gamma, b):
    """The same, and exact draws of gamma (n, p) and b (n, effects) from z (n, effects + p); whether all went well."""
    n_sd, q = problem.row.shape[0], problem.plan.size[Q_TAIL]
    gradient, fine = np.empty(X.shape[1] + GAP), True
    for i in range(X.shape[0]):
        constrain(problem, X[i], gradient)
        scalars[i], R[i] = problem.value, problem.R
        sigma = problem.value[n_sd]
        respond(problem, sigma)
        for j in range(problem.lam.size):
            problem.lam[j] = problem.C[j] / sigma
        log_Z, log_X, _ = conditional_draw(
            problem.plan, problem.a, problem.lam, problem.w, problem.S, sigma, z[i], problem.x, problem.u, b[i]
        )
        fine = fine and np.isfinite(log_Z + log_X)
        for j in range(gamma.shape[1]):
            gamma[i, j] = problem.x[q + j]
    return fine
