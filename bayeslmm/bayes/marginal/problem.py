"""Everything that the compiled density of the marginal posterior reads and writes, in flat arrays.

The free numbers x (d,) are, in this order: the scalars that have priors of their own (sds term by term, sigma, and the
coefficients that cannot be integrated out), each on a scale without bounds, then for each block of correlated effects
the partial correlations below the diagonal, row by row, as normal quantiles of (1 + z) / 2 (see `density`).
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, Self

import numpy as np
from scipy.special import betaln

from bayeslmm.bayes.bounds import support_of
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.priors import Slot
from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.compiled.plan import Plan, apart, apart_like

# columns of `row` and of `block`
START, WIDTH = range(2)
FACTOR, STRIDE, MEMBER, SIZE, FREE = range(5)
# how a scalar is bounded, and columns of `prior`
NOWHERE, BELOW, ABOVE, BETWEEN, ODDS = range(5)
LOWER, UPPER, SCALE, CONSTANT, FIRST, SECOND, THIRD = range(7)


class Problem(NamedTuple):
    """One thread's copy: what is only read is shared, workspaces are its own. Every field has one type for all models.

    Attributes
    ----------
    plan, a, w, v, S, T, lam, G, u, b, e, x
        As `likelihood.compiled.whole.evaluate` takes them; lam (sum of k^2,) are the relative factors, x (q + p,) the
        solution.
    corner, normal, response
        As in `Integrated`.
    nu
        (2,): n - p, and the constant of -2 log p(y).
    bound, code
        (s,): how each scalar is bounded, and the kernel of its prior.
    prior
        (s, 7): lower bound (the starting value where there is none), upper bound, scale; constant and numbers of its
        prior.
    row
        (sds, 2): where in the flat factors the row of each sd starts, and its length k.
    block
        (blocks, 5): of each block of correlated effects: offset of its factor, k, where in `member` its effects start,
        how many there are, and its first free number.
    member
        Effects of the blocks.
    lkj
        (blocks, 2): eta, and the constant of the density of the partial correlations.
    value, slope
        (s,): the scalars, and their derivatives by the free numbers.
    R, C, dC
        (sum of k^2,): factors of the correlations, C = diag(sd) R, and the derivative by C.
    d_beta
        (K - 1,): derivative by the sampled coefficients.
    key
        (1,): which Python function evaluates it, where the loops do not.
    """

    plan: Plan
    a: np.ndarray
    w: np.ndarray
    v: np.ndarray
    S: np.ndarray
    T: np.ndarray
    lam: np.ndarray
    G: np.ndarray
    u: np.ndarray
    b: np.ndarray
    e: np.ndarray
    x: np.ndarray
    corner: np.ndarray
    normal: np.ndarray
    response: np.ndarray
    nu: np.ndarray
    bound: np.ndarray
    code: np.ndarray
    prior: np.ndarray
    row: np.ndarray
    block: np.ndarray
    member: np.ndarray
    lkj: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    R: np.ndarray
    C: np.ndarray
    dC: np.ndarray
    d_beta: np.ndarray
    key: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Scalars:
    """The scalars with priors of their own, and how the free numbers are laid out.

    Attributes
    ----------
    slots
        Of the sds term by term, of sigma, and of the sampled coefficients.
    start
        (s,): least-squares estimates of the coefficients, 0 for all others.
    n_sd
        How many are sds.
    blocks
        (term, its block of at least two effects), in order.
    """

    slots: tuple[Slot, ...]
    start: np.ndarray
    n_sd: int
    blocks: tuple[tuple[int, tuple[int, ...]], ...]

    @classmethod
    def of(cls, integrated: Integrated, terms: tuple[RandomTerm, ...]) -> Self:
        """Lay out the free numbers of a model."""
        priors = integrated.priors
        sds = [slot for term in terms for slot in priors.sd(term)]
        coefficients = [slot for slot, given in zip(priors.beta, integrated.sampled, strict=True) if given]
        blocks = [(t, block) for t, term in enumerate(terms) for block in term.blocks if len(block) > 1]
        start = np.concatenate([np.zeros(len(sds) + 1), priors.start[integrated.sampled]])
        return cls((*sds, priors.sigma, *coefficients), start, len(sds), tuple(blocks))

    @property
    def d(self) -> int:
        """Number of free numbers."""
        return len(self.slots) + sum(len(b) * (len(b) - 1) // 2 for _, b in self.blocks)


def make_problem(integrated: Integrated, terms: tuple[RandomTerm, ...]) -> Problem:
    """Lay out one thread's problem; `integrated` must not be used by others meanwhile."""
    engine, p = integrated.engine, integrated.likelihood.p
    scalars = Scalars.of(integrated, terms)
    lam = list(accumulate((t.k**2 for t in terms), initial=0))
    n_effects = engine.layout.n_effects
    q = engine.structure.q_tail
    identity = np.concatenate([np.eye(t.k).ravel() for t in terms])
    return Problem(
        plan=engine.layout.plan,
        a=engine.a,
        w=engine.w,
        v=engine.v,
        S=engine.S,
        T=apart(q + p, q + p) if engine.is_small else apart(0, 0),
        lam=apart(lam[-1]),
        G=apart(lam[-1]),
        u=apart(n_effects),
        b=apart(n_effects),
        e=apart(n_effects),
        x=apart(q + p),
        corner=apart_like(integrated.corner),
        normal=apart_like(integrated.normal),
        response=apart_like(integrated.response),
        nu=np.array([integrated.nu, integrated.constant]),
        bound=np.array([bounded(slot) for slot in scalars.slots], dtype=np.int64),
        code=np.array([slot.prior.code for slot in scalars.slots], dtype=np.int64),
        prior=np.array([_prior(slot, start) for slot, start in zip(scalars.slots, scalars.start, strict=True)]),
        row=np.array([(lam[t] + r * term.k, term.k) for t, term in enumerate(terms) for r in range(term.k)]),
        block=_blocks(scalars, terms, lam),
        member=np.array([i for _, block in scalars.blocks for i in block], dtype=np.int64),
        lkj=np.array([_lkj(integrated, terms[t], len(block)) for t, block in scalars.blocks]).reshape(-1, 2),
        value=apart(len(scalars.slots)),
        slope=apart(len(scalars.slots)),
        R=apart_like(identity),
        C=apart(lam[-1]),
        dC=apart(lam[-1]),
        d_beta=np.empty(int(integrated.sampled.sum())),
        key=np.zeros(1, dtype=np.int64),
    )


def bounded(slot: Slot) -> int:
    """How a scalar is bounded."""
    lower, upper = support_of(slot)
    if np.isfinite(lower) and np.isfinite(upper):
        return BETWEEN
    if np.isfinite(lower):
        return ODDS if slot.kind == "sd" else BELOW
    return ABOVE if np.isfinite(upper) else NOWHERE


def _prior(slot: Slot, start: float) -> tuple[float, ...]:
    lower, upper = support_of(slot)
    return (lower if np.isfinite(lower) else start), upper, slot.scale, slot.prior.constant(), *slot.prior.numbers()


def _blocks(scalars: Scalars, terms: tuple[RandomTerm, ...], lam: list[int]) -> np.ndarray:
    rows, member, free = [], 0, len(scalars.slots)
    for t, block in scalars.blocks:
        size = len(block)
        rows.append((lam[t], terms[t].k, member, size, free))
        member, free = member + size, free + size * (size - 1) // 2
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def _lkj(integrated: Integrated, term: RandomTerm, k: int) -> tuple[float, float]:
    """Eta, and minus the log of the product of the constants of all partial correlations: see `density`."""
    eta = integrated.priors.cor(term).eta
    a = eta + (k - 2 - np.arange(k - 1)) / 2
    each = betaln(a, a) + (2 * a - 1) * np.log(2)
    return eta, -float((each * np.arange(k - 1, 0, -1)).sum())
