"""Posteriors made by hand: random numbers around known values, in the shape that sampling gives."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.design import Design, build
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.tables import estimated_pairs


@dataclass(frozen=True)
class Case:
    """A posterior and the arrays it was made of: chains joined, (S, ...)."""

    post: Posterior
    beta: np.ndarray
    sigma: np.ndarray
    sd: dict[str, np.ndarray]
    corr: dict[str, np.ndarray]
    b: dict[str, np.ndarray]

    @property
    def design(self) -> Design:
        return self.post.design

    def eta(self, b: dict[str, np.ndarray] | None = None) -> np.ndarray:
        """(S, n): linear predictor of the fitted rows, one row and draw at a time."""
        design, b = self.design, self.b if b is None else b
        out = np.empty((len(self.sigma), design.n))
        for s in range(out.shape[0]):
            for i in range(design.n):
                value = design.offset[i] + design.X[i] @ self.beta[s]
                for t in design.terms:
                    value += t.Z[i] @ b[t.group][s, t.index[i]]
                out[s, i] = value
        return out


def short(effect: str) -> str:
    return "Intercept" if effect == "(Intercept)" else effect


def frame(seed: int = 1, n: int = 60) -> pd.DataFrame:
    """Rows with nested (a/b) and crossed (g, h) groups, a factor, weights and an offset."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(10, 3, n),
            "x": rng.normal(2, 1, n),
            "z": rng.normal(0, 1, n),
            "f": np.array(["lo", "mid", "hi"])[rng.integers(0, 3, n)],
            "g": [f"g{i % 6}" for i in range(n)],
            "h": [f"h{i // 6 % 5}" for i in range(n)],
            "a": [f"a{i % 4}" for i in range(n)],
            "b": [f"b{i // 4 % 3}" for i in range(n)],
            "w": rng.uniform(0.5, 2, n),
            "o": rng.normal(5, 1, n),
        }
    )


def case(
    formula: str, data: pd.DataFrame | None = None, chains: int = 2, draws: int = 40, seed: int = 0, **options
) -> Case:
    """A posterior of this formula by hand."""
    design = build(formula, frame() if data is None else data, **options)
    rng, S = np.random.default_rng(seed), chains * draws
    beta = rng.normal(np.arange(1, design.p + 1), 0.2, (S, design.p))
    sigma = np.exp(rng.normal(0, 0.1, S))
    sd, corr, b = {}, {}, {}
    for t in design.terms:
        sd[t.group] = np.exp(rng.normal(-0.5, 0.2, (S, t.k)))
        corr[t.group] = np.broadcast_to(np.eye(t.k), (S, t.k, t.k)).copy()
        for i, j in estimated_pairs(t):
            corr[t.group][:, i, j] = corr[t.group][:, j, i] = rng.uniform(-0.4, 0.4, S)
        b[t.group] = rng.normal(0, 1, (S, t.n_levels, t.k)) * sd[t.group][:, None, :]
    tree = make_tree(design, (chains, draws), beta, sigma, sd, corr, b, rng)
    priors = SimpleNamespace(
        table=pd.DataFrame({"parameter": ["sigma"], "prior": ["HalfStudentT(3, 3)"], "why": ["sd of y"]})
    )
    model = SimpleNamespace(fit=lambda reml=True: "REML" if reml else "ML")
    return Case(Posterior(data=tree, design=design, priors=priors, model=model), beta, sigma, sd, corr, b)


def make_tree(design, shape, beta, sigma, sd, corr, b, rng) -> xr.DataTree:
    """The tree that sampling gives."""
    cube = lambda x: x.reshape(*shape, *x.shape[1:])  # noqa: E731
    variables = {"beta": (("chain", "draw", "coef"), cube(beta)), "sigma": (("chain", "draw"), cube(sigma))}
    coords = {"chain": np.arange(shape[0]), "draw": np.arange(shape[1]), "coef": list(design.coef_names)}
    for t in design.terms:
        g, pairs = t.group, estimated_pairs(t)
        coords |= {g: list(t.levels), f"{g}_effect": [short(e) for e in t.effects]}
        variables[f"sd_{g}"] = (("chain", "draw", f"{g}_effect"), cube(sd[g]))
        variables[f"b_{g}"] = (("chain", "draw", g, f"{g}_effect"), cube(b[g]))
        if pairs:
            coords[f"{g}_pair"] = [f"{short(t.effects[j])}, {short(t.effects[i])}" for i, j in pairs]
            values = np.stack([corr[g][:, i, j] for i, j in pairs], axis=1)
            variables[f"cor_{g}"] = (("chain", "draw", f"{g}_pair"), cube(values))
    stats = {
        "diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
        "energy": (("chain", "draw"), rng.normal(size=shape)),
        "maxdepth_reached": (("chain", "draw"), np.zeros(shape, dtype=bool)),
    }
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(variables, coords),
            "sample_stats": xr.Dataset(stats, {"chain": coords["chain"], "draw": coords["draw"]}),
            "observed_data": xr.Dataset({"y": ("obs", design.y)}, {"obs": design.rows}),
        }
    )
