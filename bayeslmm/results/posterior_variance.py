"""Shares of variance, draw by draw: intraclass correlation and Bayesian R2."""

import numpy as np
import pandas as pd

from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import make_predictor
from bayeslmm.results.posterior_tables import one_number


def between_variances(draws: Draws) -> dict[str, np.ndarray]:
    """(S,) for each grouping factor: its variance averaged over the rows, mean(z'Vz) (Johnson 2014)."""
    return {t.group: np.einsum("ij,sij->s", t.Z.T @ t.Z / draws.design.n, draws.cov(t)) for t in draws.design.terms}


def residual_variance(draws: Draws) -> np.ndarray:
    """(S,): residual variance averaged over the rows; prior weights divide it."""
    return draws.sigma**2 * (1 / draws.design.weights).mean()


def icc_draws(draws: Draws, level: float, by_group: bool) -> pd.Series | pd.DataFrame:
    """Share of the variance between groups, in all or of each grouping factor."""
    between = between_variances(draws)
    total = sum(between.values(), residual_variance(draws))
    if by_group:
        return pd.DataFrame({g: one_number(v / total, level, g) for g, v in between.items()}).T
    return one_number(1 - residual_variance(draws) / total, level, "icc")


def r2_draws(draws: Draws, level: float) -> pd.Series:
    """Var(eta) / (Var(eta) + residual variance) over the rows (Gelman, Goodrich, Gabry & Vehtari 2019, eq. 3)."""
    S = draws.size
    total, squares, n = np.zeros(S), np.zeros(S), draws.design.n
    predictor = make_predictor(draws)
    centre = float(draws.design.y.mean())
    for _, eta in predictor.chunks("expected"):
        total += (eta - centre).sum(axis=1)
        squares += ((eta - centre) ** 2).sum(axis=1)
    explained = (squares - total**2 / n) / (n - 1)
    return one_number(explained / (explained + residual_variance(draws)), level, "bayes_r2")
