"""Power-scaling: how the posterior changes when the priors, or the likelihood, count a little more or less.

    p_alpha(x | y)  proportional to  p(y | x) p(x)^alpha      or      p(y | x)^alpha p(x),      alpha = 0.99, 1.01

by importance weights of the draws. A sensitivity is the cumulative Jensen-Shannon distance between the posteriors of a
parameter with and without scaling, per doubling of alpha. x are the parameters that have priors; random effects are
no parameters here: their distribution given the sds belongs to the likelihood p(y | beta, sd, cor, sigma), in which
they are integrated out. Scaling the likelihood given the random effects instead would ask what more rows of the same
groups would do, which is not what the sds and correlations of effects learn from.

References
----------
Kallioinen, Paananen, Buerkner & Vehtari (2024), Statistics and Computing 34: 57. Computed by ArviZ.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

from bayeslmm.bayes.names import pair_labels, short
from bayeslmm.bayes.priors import Priors
from bayeslmm.errors import check_whole
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.results.contrasts import table_text
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.prior_parameters import log_priors
from bayeslmm.results.table_export import Tabular

ALPHAS, THRESHOLD = (0.99, 1.01), 0.05
DATA = "the data decide"
BOTH = "prior and data both matter, and may disagree"
PRIOR = "the prior decides: the data say little"


@dataclass(frozen=True)
class PriorSensitivity(Tabular):
    """What `post.prior_sensitivity()` returns; `print` it, or take `table`.

    Attributes
    ----------
    table
        By parameter: `prior` and `likelihood` (sensitivities), `which` (the prior that matters most, where one does)
        and `verdict` in words.
    notes
        How the numbers were made and how to read them.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the data decide about every parameter."""
        return bool((self.table["verdict"] == DATA).all())

    def __str__(self) -> str:
        return "\n".join([table_text(self.table.round(3)), *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def prior_sensitivity(draws: Draws, priors: Priors, most: int) -> PriorSensitivity:
    """Sensitivity of every parameter to all priors, to the likelihood, and to single priors.

    Parameters
    ----------
    draws, priors
        The posterior, and its priors.
    most
        The likelihood is evaluated at this many draws, evenly spaced.
    """
    check_whole("draws", most, 100, "prior_sensitivity")
    chosen = np.unique(np.linspace(0, draws.size - 1, min(int(most), draws.size)).astype(int))
    values, names = parameter_draws(draws)
    by_class = {name: x[chosen] for name, x in log_priors(draws, priors).items()}
    likelihood = marginal_log_likelihood(draws, chosen)
    x = values[chosen]
    prior = sensitivities(x, np.sum(list(by_class.values()), axis=0))
    single = np.stack([sensitivities(x, log_prior) for log_prior in by_class.values()])
    data = sensitivities(x, likelihood)
    rows = [
        (p, d, list(by_class)[int(single[:, j].argmax())] if p >= THRESHOLD else "", _verdict(p, d))
        for j, (p, d) in enumerate(zip(prior, data, strict=True))
    ]
    table = pd.DataFrame(rows, index=names, columns=["prior", "likelihood", "which", "verdict"])
    notes = (
        f"change of the posterior per doubling of the priors' or the likelihood's weight ({chosen.size} of "
        f"{draws.size} draws); from {THRESHOLD} on it is felt",
        "likelihood with the random effects integrated out",
    )
    return PriorSensitivity(table, notes)


def _verdict(prior: float, likelihood: float) -> str:
    if not np.isfinite(prior):
        return "constant"
    if prior < THRESHOLD:
        return DATA
    return BOTH if likelihood >= THRESHOLD else PRIOR


def sensitivities(x: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """Sensitivity (m,) of the parameters x (S, m) to power-scaling a density whose log is given (S,)."""
    if not np.ptp(log_density) > 0:
        return np.where(np.ptp(x, axis=0) > 0, 0.0, np.nan)
    less, more = (_weights(log_density, alpha)[None] for alpha in ALPHAS)
    out = np.full(x.shape[1], np.nan)
    for j in np.flatnonzero(np.ptp(x, axis=0) > 0):
        out[j] = array_stats.power_scale_sense(x[None, :, j], less, more, *ALPHAS)
    return out


def _weights(log_density: np.ndarray, alpha: float) -> np.ndarray:
    """Normalised weights (S,) of the draws where a density counts alpha times."""
    w = np.exp(array_stats.power_scale_lw(log_density, alpha=alpha))
    return w / w.sum()


def parameter_draws(draws: Draws) -> tuple[np.ndarray, list[str]]:
    """Draws (S, m) of all parameters and their names: coefficients on the user's scale, sds, correlations, sigma."""
    parts, names = [draws.beta], list(map(short, draws.design.coef_names))
    for term in draws.design.terms:
        parts += [draws.sd(term), draws.cor(term)]
        names += [f"sd_{term.group}[{short(e)}]" for e in term.effects]
        names += [f"cor_{term.group}[{label}]" for label in pair_labels(term)]
    return np.concatenate([*parts, draws.sigma[:, None]], axis=1), [*names, "sigma"]


def marginal_log_likelihood(draws: Draws, chosen: np.ndarray) -> np.ndarray:
    """log p(y | beta, sd, cor, sigma) at the chosen draws (r,), random effects integrated out."""
    likelihood = MarginalLikelihood.of(draws.design)
    V = [draws.cov(term)[chosen] for term in draws.design.terms]
    beta, sigma = draws.beta[chosen], draws.sigma[chosen]
    out = np.empty(chosen.size)
    for s in range(chosen.size):
        theta = likelihood.covariance.factor([v[s] / sigma[s] ** 2 for v in V])
        out[s] = likelihood.log_density(beta[s], theta, float(sigma[s]))
    return out
