"""Posteriors by hand around a REML fit: what sampling would give if it agreed, and what it gives where it does not."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd

import bayeslmm as blm
from bayeslmm.errors import BayeslmmWarning
from bayeslmm.likelihood.covariance import sd_and_correlation
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import estimated_pairs
from tests.results.posterior_draws import make_tree

SALARY = "salary ~ 1 + grade + (1 + grade | major)"
SLEEP = "Reaction ~ Days + (Days | Subject)"


def fitted(formula: str, data: str | pd.DataFrame, **options) -> blm.Fit:
    """A fit, its warnings left aside."""
    frame = blm.datasets.load(data) if isinstance(data, str) else data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        return blm.lmer(formula, frame, **options)


def around(fit: blm.Fit, seed: int = 0, draws: int = 250, widen: float = 1.0, shift: float = 0.0) -> Posterior:
    """A posterior around a fit.

    Parameters
    ----------
    widen
        Factor on the standard errors of the fixed effects.
    shift
        Added to every fixed effect, in standard errors.
    """
    rng, design, shape = np.random.default_rng(seed), fit.design, (4, draws)
    S = shape[0] * shape[1]
    vcov, se = fit.vcov.to_numpy(), fit.bse.to_numpy()
    beta = rng.multivariate_normal(fit.fixef.to_numpy() + shift * se, widen**2 * vcov, size=S)
    sigma = fit.sigma * np.exp(rng.normal(0, 0.1, S))
    modes = fit.ranef()
    sd, corr, b = {}, {}, {}
    for term, V in zip(design.terms, fit.estimates.covariances, strict=True):
        scale, correlation = sd_and_correlation(V)
        floor = 0.3 * fit.sigma / np.sqrt((term.Z**2).mean(axis=0))
        sd[term.group] = np.maximum(scale, floor) * np.exp(rng.normal(0, 0.3, (S, term.k)))
        corr[term.group] = np.broadcast_to(np.eye(term.k), (S, term.k, term.k)).copy()
        for i, j in estimated_pairs(term):
            r = np.tanh(np.arctanh(np.clip(np.nan_to_num(correlation[i, j]), -0.8, 0.8)) + rng.normal(0, 0.4, S))
            corr[term.group][:, i, j] = corr[term.group][:, j, i] = r
        own = modes[modes["group"] == term.group]
        centre, spread = (own[c].to_numpy().reshape(term.n_levels, term.k) for c in ("estimate", "se"))
        b[term.group] = centre + np.maximum(spread, 0.3 * floor) * rng.normal(size=(S, term.n_levels, term.k))
    tree = make_tree(design, shape, beta, sigma, sd, corr, b, rng)
    priors = SimpleNamespace(table=pd.DataFrame({"parameter": ["sigma"], "prior": ["by hand"], "why": ["tests"]}))
    return Posterior(data=tree, design=design, priors=priors, model=fit.model)
