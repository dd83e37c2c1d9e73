"""Log predictive densities of rows and groups given all others, for every draw of a posterior.

What is integrated out exactly: the random effects, and the coefficients whose prior is normal or flat. Coefficients
with another prior, sds, correlations and sigma stay at their draw.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np

from bayeslmm.bayes.distributions import Flat, Normal
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design
from bayeslmm.design.rank import independent
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.arrow import FixedPart, Given
from bayeslmm.likelihood.left_out import LeftOut, groups_left_out, rows_left_out
from bayeslmm.likelihood.normal_prior import NormalPrior
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import covariance_root

COLLINEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Integrated:
    """A posterior ready to have b and beta integrated out.

    Attributes
    ----------
    design
        The arrays of the model.
    fixed
        The fixed part; the columns are those of the coefficients that have the priors, about the mean of X.
    given
        The draws of the rest, (S, ...).
    flat
        Columns (n,) of the coefficients with a flat prior, by name.
    inside
        Positions of the coefficients that are integrated out.
    """

    design: Design
    fixed: FixedPart
    given: Given
    flat: dict[str, np.ndarray]
    inside: tuple[int, ...]

    @property
    def outside(self) -> tuple[int, ...]:
        """Positions of the coefficients that stay at their draw."""
        return tuple(j for j in range(self.design.p) if j not in self.inside)

    @property
    def conditioned(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.design.coef_names[j] for j in self.outside)


def integrated(draws: Draws, priors: object) -> Integrated:
    """Sort the coefficients by their priors: integrated out, or taken from the draws.

    Raises
    ------
    ArgumentError
        The priors are not those of a model of this package.
    """
    if not isinstance(priors, Priors):
        raise ArgumentError(
            "the priors of this posterior are not known as distributions, so that coefficients cannot be integrated "
            "out; loo(conditional=True) does without"
        )
    design, slots = draws.design, priors.beta
    X = design.X - np.outer(design.X @ priors.levels, priors.centre)
    inside = [j for j, s in enumerate(slots) if isinstance(s.prior, Normal | Flat)]
    given = [j for j in range(design.p) if j not in inside]
    normal = [a for a, j in enumerate(inside) if isinstance(slots[j].prior, Normal)]
    known = [cast(Normal, slots[inside[a]].prior) for a in normal]
    prior = NormalPrior(
        np.eye(len(inside))[normal], np.array([n.mu for n in known]), np.array([n.sigma for n in known])
    )
    fixed = FixedPart.of(X[:, inside], X[:, given], design.y_net, design.weights, prior)
    beta = draws.beta
    alpha = beta + (beta @ priors.centre)[:, None] * priors.levels
    sigma = draws.sigma
    roots = tuple(covariance_root(draws, term) / sigma[:, None, None] for term in design.terms)
    flat = {design.coef_names[j]: X[:, j] for j in inside if isinstance(slots[j].prior, Flat)}
    return Integrated(design, fixed, Given(roots, sigma, alpha[:, given]), flat, tuple(inside))


def without_each_row(posterior: Integrated) -> LeftOut:
    """Log p(y_i | y_-i, phi) for each draw phi and row, and of a new response in its place: (S, n).

    Raises
    ------
    ArgumentError
        Without a row, a coefficient with a flat prior could have any value.
    """
    _check_rows(posterior)
    with one_blas_thread():
        return rows_left_out(posterior.design.terms, posterior.fixed, posterior.given)


def without_each_level(posterior: Integrated, group: object) -> tuple[tuple[str, ...], np.ndarray]:
    """Levels of a grouping factor, and log p(y_g | y_-g, phi) for each draw phi and level: (S, J).

    Raises
    ------
    ArgumentError
        No grouping factor has this name; or without a level, a coefficient with a flat prior could have any value.
    """
    names = [t.group for t in posterior.design.terms]
    if group not in names:
        raise ArgumentError(f"logo({group!r}): the model has no such grouping factor{did_you_mean(str(group), names)}")
    position = names.index(str(group))
    term = posterior.design.terms[position]
    for g in range(term.n_levels if posterior.flat else 0):
        _check_deletion(posterior, term.index == g, f"logo: without the level `{term.levels[g]}` of `{group}`")
    with one_blas_thread():
        found = groups_left_out(posterior.design.terms, posterior.fixed, posterior.given, position)
    return term.levels, found.without


def _check_rows(posterior: Integrated) -> None:
    """Look closer at the rows that have all of the leverage in some direction of the flat coefficients."""
    if not posterior.flat:
        return
    Q = np.linalg.qr(np.column_stack(list(posterior.flat.values())))[0]
    everything = np.arange(posterior.design.n)
    for row in np.flatnonzero((Q**2).sum(axis=1) > 1 - COLLINEAR):
        _check_deletion(posterior, everything == row, f"loo: without the row {posterior.design.rows[row]}")


def _check_deletion(posterior: Integrated, out: np.ndarray, head: str) -> None:
    """Refuse to leave out rows (n,) bool without which a flat coefficient is free."""
    columns = np.column_stack(list(posterior.flat.values()))[~out]
    kept = independent(columns).tolist()
    lost = [name for a, name in enumerate(posterior.flat) if a not in kept]
    if lost:
        other = ", or use loo(conditional=True)" if head.startswith("loo") else ""
        raise ArgumentError(
            f"{head} nothing is known about `{lost[0]}`, whose prior is flat, and there is no prediction to judge; "
            f"give it a normal prior{other}"
        )
