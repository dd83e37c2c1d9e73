"""Importance sampling from a t distribution at the mode, for posteriors of which one evaluation takes long.

    x ~ t_5(mode, root root'),    log w = log p(x | y) - log q(x),    smoothed by `psis`

Each proposal is one factorisation, which serves the weight and the exact draw of (beta, b). Proposals are added until
the weights are worth `ENOUGH` independent draws; then draws are taken in proportion to the weights.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal.mode import Gaussian, at_mode
from bayeslmm.bayes.marginal.run import Progress
from bayeslmm.bayes.marginal.target import Target
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.psis import GOOD, Smoothed
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.bayes.settings import Settings
from bayeslmm.design import Design
from bayeslmm.likelihood.threads import one_blas_thread

DF, ROUND, ENOUGH = 5.0, 400, 1200.0


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """What importance sampling found.

    Attributes
    ----------
    raw
        Draws in proportion to the weights, in chains of independent draws; None where the weights cannot be used.
    k
        Pareto shape of the weights; above 0.7 they cannot be used.
    ess
        How many independent draws the weights are worth.
    proposals
        How many there were.
    """

    raw: RawDraws | None
    k: float
    ess: float
    proposals: int


def importance(design: Design, priors: Priors, settings: Settings, progress: Progress | None = None) -> Importance:
    """Sample the marginal posterior by importance sampling: `settings.chains` x `settings.draws` draws.

    Ctrl-C ends the proposals; the draws are taken from those that there are.
    """
    with one_blas_thread():
        target = Target.of(Integrated.of(design, priors), design.terms)
        gaussian = at_mode(target.log_density, np.zeros(target.scalars.d))
        proposed = _Proposals(target, gaussian, np.random.default_rng(settings.seed))
        most = max(ROUND, 2 * settings.chains * settings.draws)
        found = None
        try:
            while proposed.size < most and (found is None or found.ess < ENOUGH):
                proposed.add(min(ROUND, most - proposed.size))
                found = Smoothed.of(np.array(proposed.log_ratios))
                if progress is not None:
                    progress.update(0, int(min(found.ess, ENOUGH)), int(ENOUGH), 0, float("nan"))
        except KeyboardInterrupt:
            if proposed.size < ROUND:
                raise
            found = Smoothed.of(np.array(proposed.log_ratios))
        if found is None or not found.k <= GOOD:
            return Importance(None, np.inf if found is None else found.k, 0.0, proposed.size)
        return Importance(proposed.chosen(found, settings), found.k, found.ess, proposed.size)


class _Proposals:
    """Proposals so far, each with its log ratio and its draw of the effects."""

    def __init__(self, target: Target, gaussian: Gaussian, rng: np.random.Generator):
        self.target, self.gaussian, self.rng = target, gaussian, rng
        self.log_ratios: list[float] = []
        self.draws: list[tuple[np.ndarray, ...]] = []

    @property
    def size(self) -> int:
        return len(self.log_ratios)

    def add(self, n: int) -> None:
        """Propose n times."""
        d = self.gaussian.centre.size
        for _ in range(n):
            t = self.rng.normal(size=d) / np.sqrt(self.rng.chisquare(DF) / DF)
            z = self.rng.normal(size=self.target.n_normals)
            x = self.gaussian.centre + self.gaussian.root @ t
            log_p, scalars, R, gamma, b = self.target.log_density_and_draw(x, z)
            self.draws.append((scalars, R, gamma, b))
            self.log_ratios.append(log_p + (DF + d) / 2 * np.log1p(t @ t / DF))

    def chosen(self, found: Smoothed, settings: Settings) -> RawDraws:
        """Draws in proportion to the weights (systematic resampling), in random order."""
        S = settings.chains * settings.draws
        places = (np.arange(S) + self.rng.uniform()) / S
        picked = np.minimum(np.searchsorted(np.cumsum(found.weights), places), self.size - 1)
        picked = self.rng.permutation(picked)
        parts = [np.stack([self.draws[i][j] for i in picked]) for j in range(4)]
        values = self.target.named(*parts)
        shape = (settings.chains, settings.draws)
        return RawDraws(
            {name: v.reshape(*shape, *v.shape[1:]) for name, v in values.items()},
            {"log_ratio": np.array(self.log_ratios)[picked].reshape(shape)},
        )
