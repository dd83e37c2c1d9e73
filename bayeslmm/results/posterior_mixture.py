"""Linear functions of the coefficients, h = w'beta, as exact mixtures: their density is not one of a kernel.

Posterior (Rao & Blackwell; Gelfand & Smith 1990, JASA 85, 398-409): with beta integrated out in closed form given the
draw (theta, sigma)_s, h | y is the mean over s of N(w'mean_s, w'cov_s w). Prior: normal coefficients make h normal
given the others; those are averaged over draws of theirs, but for the last one where none is normal, whose own density
is used.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from bayeslmm.bayes.distributions import Normal
from bayeslmm.bayes.priors import Priors
from bayeslmm.likelihood.arrow_factor import LOG_2PI
from bayeslmm.likelihood.coefficients import Coefficients, coefficients
from bayeslmm.results.posterior_left_out import Integrated

PRIOR_DRAWS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Equal parts of N(mean, sd^2), (S,) each."""

    mean: np.ndarray
    sd: np.ndarray

    def density(self, x: float) -> float:
        """Density at x."""
        return float(np.exp(-0.5 * (((x - self.mean) / self.sd) ** 2 + LOG_2PI) - np.log(self.sd)).mean())

    def above(self, x: float) -> float:
        """P(h > x)."""
        return float(ndtr((self.mean - x) / self.sd).mean())

    def between(self, low: float, high: float) -> float:
        """P(low < h < high)."""
        return float((ndtr((high - self.mean) / self.sd) - ndtr((low - self.mean) / self.sd)).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Combinations:
    """All linear functions of the coefficients of one posterior.

    Attributes
    ----------
    posterior, priors
        What is integrated out, and the priors.
    moments
        Of the coefficients that are integrated out.
    """

    posterior: Integrated
    priors: Priors
    moments: Coefficients

    @classmethod
    def of(cls, posterior: Integrated, priors: Priors) -> "Combinations":
        """Find the moments at every draw."""
        return cls(posterior, priors, coefficients(posterior.design.terms, posterior.fixed, posterior.given))

    def posterior_of(self, w: np.ndarray) -> Mixture | None:
        """Posterior of w'beta, w (p,); None where no coefficient in it is integrated out."""
        w = self._about_the_mean(w)
        inside, outside = list(self.posterior.inside), list(self.posterior.outside)
        if not w[inside].any():
            return None
        mean = self.moments.mean @ w[inside] + self.posterior.given.coefficients @ w[outside]
        variance = np.einsum("i,sij,j->s", w[inside], self.moments.covariance, w[inside])
        return Mixture(mean, np.sqrt(variance))

    def prior_density(self, w: np.ndarray, x: float, rng: np.random.Generator) -> float | None:
        """Prior density of w'beta at x; None where a coefficient in it has no proper prior."""
        w = self._about_the_mean(w)
        slots = self.priors.beta
        used = np.flatnonzero(w)
        if not all(slots[j].prior.proper for j in used):
            return None
        normal = {j: p for j in used if isinstance(p := slots[j].prior, Normal)}
        others = [j for j in used if j not in normal]
        centre = sum(w[j] * p.mu for j, p in normal.items())
        sd = np.sqrt(sum((w[j] * p.sigma) ** 2 for j, p in normal.items()))
        last = None if normal else others.pop()
        rest = np.full(PRIOR_DRAWS if others else 1, float(centre))
        for j in others:
            rest += w[j] * slots[j].prior.draw(rng, rest.size)
        if last is None:
            return Mixture(rest, np.full(rest.size, sd)).density(x)
        return float(np.exp(slots[last].prior.logp((x - rest) / w[last])).mean() / abs(w[last]))

    def _about_the_mean(self, w: np.ndarray) -> np.ndarray:
        """The same function in the coefficients that have the priors."""
        return w - (w @ self.priors.levels) * self.priors.centre


def flat_names(combinations: Combinations, w: np.ndarray) -> list[str]:
    """Names of the coefficients in w'beta whose prior is not proper."""
    w = combinations._about_the_mean(w)
    slots, names = combinations.priors.beta, combinations.posterior.design.coef_names
    return [names[j] for j in np.flatnonzero(w) if not slots[j].prior.proper]
