"""The PyMC model with b, and all coefficients with normal or flat priors, integrated out.

    p(sd, cor, sigma, beta_s | y)  is proportional to  p(y | C, sigma, beta_s) p(sd) p(cor) p(sigma) p(beta_s)

with C_g = diag(sd_g) L_g. Names, dims and priors are those of the hierarchical model; `beta_s`, the coefficients whose
priors are neither normal nor flat, are there as `beta_centred`. What was integrated out is drawn afterwards, exactly
(`complete`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayeslmm.bayes.hierarchical import correlation_factor, standard_deviations, variable
from bayeslmm.bayes.marginal_op import Data, log_density
from bayeslmm.bayes.names import TermNames, coords
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean

SAMPLED = "coef_sampled"


def marginal_model(design: Design, priors: Priors) -> pm.Model:
    """Return the model of a design, with its data.

    Parameters
    ----------
    design, priors
        The arrays, and the priors of their parameters.
    """
    data = Data(design, priors)
    sampled = data.integrated.sampled
    labels = coords(design)
    used = {d: labels[d] for t in design.terms for d in (TermNames.of(t).effect, TermNames.of(t).pair) if d in labels}
    with pm.Model(coords=used) as model:
        beta = _sampled_coefficients(design, priors, sampled)
        factors = [_factor(term, priors) for term in design.terms]
        sigma = variable("sigma", [priors.sigma], ())
        pm.Potential("y", log_density(data, pt.concatenate([C.ravel() for C in factors]), sigma, beta))
    return model


def marginal_logp(
    design: Design,
    priors: Priors,
    sd: Mapping[str, Any],
    sigma: Any,
    L: Mapping[str, Any] | None = None,
    beta: Any = None,
) -> Any:
    """The marginal log density of y as a PyTensor expression.

    Parameters
    ----------
    design, priors
        The arrays, and the priors, of which those of the integrated coefficients count.
    sd
        For each grouping factor its sds (k,), in units of the response; a number where k = 1.
    sigma
        Residual sd.
    L
        For each grouping factor with correlations the Cholesky factor (k, k) of its correlation matrix, as
        `pm.LKJCorr` draws it; its factor is diag(sd) L. One that is not named has none.
    beta
        The coefficients whose priors are neither normal nor flat, in order, on the scale that has the priors.

    Returns
    -------
    A scalar: `pm.Potential("y", ...)`.

    Raises
    ------
    ArgumentError
        A grouping factor is missing or unknown, or `beta` is missing or not wanted.
    """
    data = Data(design, priors)
    factors = {} if L is None else L
    _check_groups(design, sd, factors)
    names = [str(c) for c, s in zip(design.coef_names, data.integrated.sampled, strict=True) if s]
    if (beta is not None) != bool(names):
        wanted = ", ".join(f"`{n}`" for n in names)
        raise ArgumentError(
            f"marginal_logp: beta must be given: {wanted} cannot be integrated out, since the priors are not normal"
            if names
            else "marginal_logp: beta is not wanted: all coefficients are integrated out. To sample some, give them "
            'priors that are not normal, such as priors={"x": blm.StudentT(30, 0, 1)}'
        )
    flat = [_scaled(t, sd[t.group], factors.get(t.group)).ravel() for t in design.terms]
    return log_density(data, pt.concatenate(flat), sigma, np.zeros(0) if beta is None else pt.atleast_1d(beta))


def _sampled_coefficients(design: Design, priors: Priors, sampled: np.ndarray) -> Any:
    """beta_s (K - 1,)."""
    if not sampled.any():
        return np.zeros(0)
    chosen = np.flatnonzero(sampled)
    pm.modelcontext(None).add_coord(SAMPLED, [design.coef_names[j] for j in chosen])
    return variable("beta_centred", [priors.beta[j] for j in chosen], SAMPLED, priors.start[chosen])


def _factor(term: RandomTerm, priors: Priors) -> Any:
    """C (k, k)."""
    names = TermNames.of(term)
    sd = standard_deviations(term, names, priors)
    return _scaled(term, sd, correlation_factor(term, names, priors) if term.pairs else None)


def _scaled(term: RandomTerm, sd: Any, L: Any) -> Any:
    sd = pt.atleast_1d(sd)
    return pt.diag(sd) if L is None else sd[:, None] * pt.as_tensor(L)


def _check_groups(design: Design, sd: Mapping[str, Any], L: Mapping[str, Any]) -> None:
    groups = {t.group: t for t in design.terms}
    for name, given in (("sd", sd), ("L", L)):
        for group in given:
            if group not in groups:
                raise ArgumentError(f"marginal_logp: {name}: no grouping factor `{group}`{did_you_mean(group, groups)}")
    for group, term in groups.items():
        if group not in sd:
            raise ArgumentError(f"marginal_logp: sd has no entry for the grouping factor `{group}`")
        if group in L and not term.pairs:
            raise ArgumentError(f"marginal_logp: L: `{group}` has no correlations in the formula")
