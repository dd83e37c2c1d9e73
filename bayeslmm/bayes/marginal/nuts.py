"""The no-U-turn sampler, compiled, for a log density that is given by address.

Multinomial NUTS (Hoffman & Gelman 2014; Betancourt 2017, appendix A) with unit mass in z, where x = centre + root z. A
tree of depth h is built leaf by leaf; of the nodes that a later leaf must be compared with, one per level is kept
(Phan, Pradhan & Jankowiak 2019). The criterion is rho'r <= 0 at either end, rho the sum of all momenta between, also
between each half and the first leaf of the other (as in Stan). The step size follows dual averaging (Hoffman & Gelman
2014, section 3.2).

Random numbers come from outside: momenta as normal numbers, and one 64-bit seed per draw for directions and choices.
So a run can be cut into blocks anywhere, and continued, without a change in any bit.
"""

import numpy as np

from bayeslmm.likelihood.compiled.plan import GAP
from bayeslmm.likelihood.compiled.vectors import compiled, inner

MAX_DEPTH, MAX_ENERGY = 10, 1000.0
GAMMA, T0, KAPPA = 0.05, 10.0, 0.75
# columns of the statistics
DIVERGING, ENERGY, LP, ACCEPTANCE, STEP, LEAVES, DEPTH, N_STATISTICS = range(8)
# what adaptation remembers
LOG_STEP, LOG_STEP_BAR, ERROR, COUNT, GOAL, N_ADAPTATION = range(6)


@inner
def uniform(counter):
    """The next number in (0, 1) of a counter (1,): SplitMix64 (Steele, Lea & Flood 2014)."""
    counter[0] += np.uint64(0x9E3779B97F4A7C15)
    s = counter[0]
    s = (s ^ (s >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    s = (s ^ (s >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    s = s ^ (s >> np.uint64(31))
    return (np.float64(s >> np.uint64(11)) + 0.5) * 2.0**-53


@inner
def log_add(a, b):
    """log(exp(a) + exp(b))."""
    top = max(a, b)
    return top if top == -np.inf else top + np.log(np.exp(a - top) + np.exp(b - top))


@inner
def turns(d, a, b, first, last):
    """Whether a stretch with these momenta at its ends, and a + b the sum of all, has begun to turn."""
    s, t = 0.0, 0.0
    for i in range(d):
        s += (a[i] + b[i]) * first[i]
        t += (a[i] + b[i]) * last[i]
    return s <= 0.0 or t <= 0.0


@inner
def value_at(density, evaluate, problem, centre, root, z, x, gx, g):
    """Log density at z, and its gradient g; x and gx are workspaces."""
    d = centre.size
    for i in range(d):
        s = centre[i]
        for j in range(d):
            s += root[i, j] * z[j]
        x[i] = s
    lp = density(evaluate, problem, x[:d], gx[:d])
    for j in range(d):
        s = 0.0
        for i in range(d):
            s += root[i, j] * gx[i]
        g[j] = s
    return lp


@inner
def adapt(adaptation, acceptance, target):
    """One step of dual averaging; returns the step size to go on with."""
    adaptation[COUNT] += 1.0
    m = adaptation[COUNT]
    weight = 1.0 / (m + T0)
    adaptation[ERROR] = (1.0 - weight) * adaptation[ERROR] + weight * (target - acceptance)
    adaptation[LOG_STEP] = adaptation[GOAL] - np.sqrt(m) / GAMMA * adaptation[ERROR]
    share = m**-KAPPA
    adaptation[LOG_STEP_BAR] = share * adaptation[LOG_STEP] + (1.0 - share) * adaptation[LOG_STEP_BAR]
    return np.exp(adaptation[LOG_STEP])


@compiled
def advance(density, evaluate, problem, centre, root, normals, seeds, z, adaptation, target, tuning, draws, statistics):
    """Draw n times.

    Parameters
    ----------
    density
        Log density at x and its gradient: `density(evaluate, problem, x, gradient)`.
    evaluate, problem
        What it works by and on.
    centre, root
        (d,), (d, d): x = centre + root z.
    normals, seeds
        (n, d), (n,): the random numbers.
    z
        (d,): where the chain is; overwritten. All arrays of numbers must end far from the next (`apart`).
    adaptation
        (5,): state of dual averaging; overwritten while `tuning`.
    target
        Acceptance rate aimed at.
    tuning
        Whether the step size changes from draw to draw.
    draws
        (n, d): written: x.
    statistics
        (n, 7): written.
    """
    d = centre.size
    D = d + GAP
    x, gx, g = np.empty(D), np.empty(D), np.empty(D)
    counter = np.empty(1, dtype=np.uint64)
    # ends of the trajectory, the point that is built on, the proposal of the new subtree, and sums of momenta
    z_left, r_left, g_left = np.empty(D), np.empty(D), np.empty(D)
    z_right, r_right, g_right = np.empty(D), np.empty(D), np.empty(D)
    z_new, r_new, g_new, r_first = np.empty(D), np.empty(D), np.empty(D), np.empty(D)
    z_subtree, g_subtree = np.empty(D), np.empty(D)
    rho, rho_new = np.empty(D), np.empty(D)
    kept_r, kept_rho = np.empty((MAX_DEPTH + 1, D)), np.empty((MAX_DEPTH + 1, D))
    lp = value_at(density, evaluate, problem, centre, root, z, x, gx, g)
    step = np.exp(adaptation[LOG_STEP] if tuning else adaptation[LOG_STEP_BAR])
    for n in range(seeds.size):
        counter[0] = seeds[n]
        start = -lp
        for i in range(d):
            r = normals[n, i]
            start += 0.5 * r * r
            z_left[i] = z_right[i] = z[i]
            r_left[i] = r_right[i] = rho[i] = r
            g_left[i] = g_right[i] = g[i]
        log_weight, energy, acceptance, leaves, depth = 0.0, start, 0.0, 0, 0
        diverging = turning = False
        while depth < MAX_DEPTH and not turning and not diverging:
            forwards = uniform(counter) < 0.5
            sign = 1.0 if forwards else -1.0
            for i in range(d):
                z_new[i] = z_right[i] if forwards else z_left[i]
                r_new[i] = r_right[i] if forwards else r_left[i]
                g_new[i] = g_right[i] if forwards else g_left[i]
                rho_new[i] = 0.0
            log_new, lp_subtree, energy_subtree = -np.inf, 0.0, 0.0
            for leaf in range(1 << depth):
                for i in range(d):
                    r_new[i] += 0.5 * sign * step * g_new[i]
                    z_new[i] += sign * step * r_new[i]
                lp_new = value_at(density, evaluate, problem, centre, root, z_new, x, gx, g_new)
                now = -lp_new
                for i in range(d):
                    r_new[i] += 0.5 * sign * step * g_new[i]
                    now += 0.5 * r_new[i] * r_new[i]
                    rho_new[i] += r_new[i]
                    if leaf == 0:
                        r_first[i] = r_new[i]
                leaves += 1
                change = start - now
                if not change > -MAX_ENERGY:  # NaN too
                    diverging = True
                    break
                acceptance += min(1.0, np.exp(change))
                log_new = log_add(log_new, change)
                if np.log(uniform(counter)) < change - log_new:
                    lp_subtree, energy_subtree = lp_new, now
                    for i in range(d):
                        z_subtree[i], g_subtree[i] = z_new[i], g_new[i]
                level, ones, odd = 0, 0, leaf
                while odd & 1:
                    ones += 1
                    odd >>= 1
                rest = leaf >> 1
                while rest:
                    level += rest & 1
                    rest >>= 1
                if leaf & 1 == 0:
                    for i in range(d):
                        kept_r[level, i], kept_rho[level, i] = r_new[i], rho_new[i]
                else:
                    for k in range(level, level - ones, -1):
                        s, t = 0.0, 0.0
                        for i in range(d):
                            between = rho_new[i] - kept_rho[k, i] + kept_r[k, i]
                            s += between * kept_r[k, i]
                            t += between * r_new[i]
                        turning = turning or s <= 0.0 or t <= 0.0
                    if turning:
                        break
            depth += 1
            if turning or diverging:
                break
            if np.log(uniform(counter)) < log_new - log_weight:
                lp, energy = lp_subtree, energy_subtree
                for i in range(d):
                    z[i], g[i] = z_subtree[i], g_subtree[i]
            log_weight = log_add(log_weight, log_new)
            near, far = (r_right, r_left) if forwards else (r_left, r_right)
            turning = (
                turns(d, rho, rho_new, far, r_new)
                or turns(d, rho, r_first, far, r_first)
                or turns(d, rho_new, near, near, r_new)
            )
            for i in range(d):
                rho[i] += rho_new[i]
                if forwards:
                    z_right[i], r_right[i], g_right[i] = z_new[i], r_new[i], g_new[i]
                else:
                    z_left[i], r_left[i], g_left[i] = z_new[i], r_new[i], g_new[i]
        acceptance /= leaves
        statistics[n, DIVERGING] = 1.0 if diverging else 0.0
        statistics[n, ENERGY], statistics[n, LP], statistics[n, ACCEPTANCE] = energy, lp, acceptance
        statistics[n, STEP], statistics[n, LEAVES], statistics[n, DEPTH] = step, leaves, depth
        if tuning:
            step = adapt(adaptation, acceptance, target)
        for i in range(d):
            s = centre[i]
            for j in range(d):
                s += root[i, j] * z[j]
            draws[n, i] = s
