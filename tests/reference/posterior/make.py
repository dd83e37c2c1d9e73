"""Reference posteriors by importance sampling, without PyMC and without bayeslmm's likelihood: NumPy and SciPy only.

    y_g ~ N(X_g beta, V_g),  V_g = Z_g G Z_g' + sigma^2 I,  G = diag(sd) R diag(sd),  one grouping factor, two effects

b is integrated out by V_g, beta by its normal prior; what is left is a density in x = (log sd_1, log sd_2, atanh r,
log sigma). Draws of x come from a multivariate t with 4 degrees of freedom, fitted in rounds, and have weights; each is
completed by a draw of beta given x, which is normal. Run it from the root of the project: `python -m
tests.reference.posterior.make`. With `--check`, each reference is also held against a long run of NUTS.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy import stats
from scipy.optimize import minimize

HOME = Path(__file__).parent
MODELS = {
    "salary": ("salary", "salary", "grade", "major"),
    "sleepstudy": ("sleepstudy", "Reaction", "Days", "Subject"),
}
DF, ROUNDS, SIZE, BATCH = 4, (20_000, 50_000, 100_000), 1_000_000, 20_000
PROBABILITIES = {"q025": 0.025, "q500": 0.5, "q975": 0.975}


class Density:
    """Log posterior density of x (m, 4), up to a constant, and beta given x."""

    below, above = np.array([np.inf, np.inf, np.inf, 6]), np.array([12, 12, np.inf, 6])

    def __init__(self, y, x, group):
        s_y, s_x = y.std(ddof=1), x.std(ddof=1)
        self.scale = np.array([s_y, s_y / s_x, s_y])  # of the sds of intercepts, slopes and residuals
        centred = x - x.mean()
        self.parts = [
            (y[group == g], np.column_stack([np.ones((group == g).sum()), centred[group == g]]),
             np.column_stack([np.ones((group == g).sum()), x[group == g]]))
            for g in np.unique(group)
        ]  # fmt: skip
        self.x_mean = x.mean()
        self.prior_mean = np.array([y.mean(), 0.0])
        self.prior_precision = np.diag(1 / np.array([2.5 * s_y, 2.5 * s_y / s_x]) ** 2)
        self.start = np.array([*np.log(self.scale[:2] / 3), 0.0, np.log(s_y / 2)])

    def normal_equations(self, x):
        """Precision (m, 2, 2) and right-hand side (m, 2) of beta, and log p(y | x) (m,) with beta integrated out."""
        sd, r, sigma = np.exp(x[:, :2]), np.tanh(x[:, 2]), np.exp(x[:, 3])
        R = np.ones((len(x), 2, 2))
        R[:, 0, 1] = R[:, 1, 0] = r
        G = sd[:, :, None] * R * sd[:, None, :]
        A = np.broadcast_to(self.prior_precision, (len(x), 2, 2)).copy()
        c = np.broadcast_to(self.prior_precision @ self.prior_mean, (len(x), 2)).copy()
        value = np.zeros(len(x)) + 0.5 * np.linalg.slogdet(self.prior_precision)[1]
        value -= 0.5 * self.prior_mean @ self.prior_precision @ self.prior_mean
        for y, X, Z in self.parts:
            L = np.linalg.cholesky(Z @ G @ Z.T + sigma[:, None, None] ** 2 * np.eye(y.size))
            white = np.linalg.solve(L, np.broadcast_to(np.column_stack([X, y]), (len(x), y.size, 3)))
            A += white[:, :, :2].transpose(0, 2, 1) @ white[:, :, :2]
            c += np.einsum("mni,mn->mi", white[:, :, :2], white[:, :, 2])
            value -= np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1) + 0.5 * (white[:, :, 2] ** 2).sum(axis=1)
        value += 0.5 * np.einsum("mi,mi->m", c, np.linalg.solve(A, c[:, :, None])[:, :, 0])
        value -= 0.5 * np.linalg.slogdet(A)[1]
        return A, c, value

    def __call__(self, x):
        """Log density; -inf where sigma differs from its start by a factor of e^6 or an sd is above e^12 times it."""
        inside = ((x > self.start - self.below) & (x < self.start + self.above)).all(axis=1)
        value = np.full(len(x), -np.inf)
        value[inside] = self._inside(x[inside])
        return value

    def _inside(self, x):
        sds, r = np.exp(x[:, [0, 1, 3]]), np.tanh(x[:, 2])
        prior = stats.t.logpdf(sds / self.scale, 3).sum(axis=1) + x[:, [0, 1, 3]].sum(axis=1)
        with np.errstate(divide="ignore"):
            prior += 2 * np.log1p(-(r**2))  # LKJ(2): (1 - r^2)^(2 - 1); dr/dx = 1 - r^2
        return prior + self.normal_equations(x)[2]

    def beta(self, x, rng):
        """One draw (m, 2) for each x, on the scale of the data."""
        low, high = self.start - self.below, self.start + self.above
        A, c, _ = self.normal_equations(np.clip(x, low, high))
        L = np.linalg.cholesky(A)
        z = rng.normal(size=c.shape)[:, :, None]
        centred = np.linalg.solve(A, c[:, :, None]) + np.linalg.solve(L.transpose(0, 2, 1), z)
        intercept, slope = centred[:, :, 0].T
        return np.column_stack([intercept - self.x_mean * slope, slope])


def in_batches(function, x):
    return np.concatenate([function(x[i : i + BATCH]) for i in range(0, len(x), BATCH)])


def importance_sample(density, rng):
    """x (SIZE, 4) and their normalised weights (SIZE,)."""
    mode = minimize(lambda x: -density(x[None])[0], density.start, method="Nelder-Mead", options={"maxiter": 4000})
    centre, covariance = mode.x, 0.3 * np.eye(4)
    for size in (*ROUNDS, SIZE):
        proposal = stats.multivariate_t(centre, covariance, df=DF)
        x = proposal.rvs(size=size, random_state=rng)
        log_w = in_batches(density, x) - proposal.logpdf(x)
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        centre = w @ x
        covariance = (x - centre).T @ ((x - centre) * w[:, None])
    return x, w, log_w


def summary(values, w):
    """Mean, sd and quantiles of weighted values (m,), each with its Monte Carlo standard error."""
    mean = w @ values
    sd = np.sqrt(w @ (values - mean) ** 2)
    out = {"mean": mean, "mean_se": np.sqrt(w**2 @ (values - mean) ** 2), "sd": sd}
    out["sd_se"] = np.sqrt(w**2 @ ((values - mean) ** 2 - sd**2) ** 2) / (2 * sd)
    order = np.argsort(values)
    cumulative = np.cumsum(w[order])
    for name, p in PROBABILITIES.items():
        q, below, above = (values[order][np.searchsorted(cumulative, t)] for t in (p, p - 0.01, p + 0.01))
        error = np.sqrt(w**2 @ ((values <= q) - p) ** 2)
        out |= {name: q, f"{name}_se": error * (above - below) / 0.02}
    return {k: float(v) for k, v in out.items()}


def reference(name, seed=1):
    file, response, predictor, group = MODELS[name]
    data = pd.read_csv(HOME.parent / "data" / f"{file}.csv")
    density = Density(data[response].to_numpy(float), data[predictor].to_numpy(float), data[group].to_numpy())
    rng = np.random.default_rng(seed)
    x, w, log_w = importance_sample(density, rng)
    beta = np.concatenate([density.beta(x[i : i + BATCH], rng) for i in range(0, len(x), BATCH)])
    columns = {
        "beta (Intercept)": beta[:, 0],
        f"beta {predictor}": beta[:, 1],
        "sd Intercept": np.exp(x[:, 0]),
        f"sd {predictor}": np.exp(x[:, 1]),
        f"cor Intercept, {predictor}": np.tanh(x[:, 2]),
        "sigma": np.exp(x[:, 3]),
    }
    _, k = array_stats.psislw(-log_w)
    return {
        "formula": f"{response} ~ 1 + {predictor} + (1 + {predictor} | {group})",
        "data": file,
        "group": group,
        "draws": SIZE,
        "ess": float(1 / (w**2).sum()),
        "pareto_k": float(k),
        "parameters": {key: summary(v, w) for key, v in columns.items()},
    }


def check(found):
    """The largest difference from a long run of NUTS, in Monte Carlo standard errors of both."""
    import bayeslmm as blm

    model = blm.Model(found["formula"], blm.datasets.load(found["data"]))
    post = model.sample(draws=25_000, seed=1, target_accept=0.99)
    g = found["group"]
    draws = {}
    dims = {"beta": "coef", f"sd_{g}": f"{g}_effect", f"cor_{g}": f"{g}_pair"}
    for variable, dim in dims.items():
        value, prefix = post.data["posterior"][variable], variable.removesuffix(f"_{g}")
        draws |= {f"{prefix} {label}": value.sel({dim: label}).to_numpy() for label in value[dim].to_numpy()}
    draws["sigma"] = post.data["posterior"]["sigma"].to_numpy()
    axes = {"chain_axis": 0, "draw_axis": 1}
    for key, expected in found["parameters"].items():
        v = draws[key]
        got = {"mean": (v.mean(), array_stats.mcse(v, method="mean", **axes))}
        got["sd"] = (v.std(), array_stats.mcse(v, method="sd", **axes))
        for q, p in PROBABILITIES.items():
            got[q] = (np.quantile(v, p), array_stats.mcse(v, method="quantile", prob=p, **axes))
        z = {s: (x - expected[s]) / np.hypot(se, expected[f"{s}_se"]) for s, (x, se) in got.items()}
        print(f"  {key:24}" + "  ".join(f"{s} {expected[s]:9.4f} {float(value):+5.2f}" for s, value in z.items()))
    print("  divergences", int(post.data["sample_stats"]["diverging"].sum()))


if __name__ == "__main__":
    for name in MODELS:
        found = reference(name)
        print(name, {k: found[k] for k in ("draws", "ess", "pareto_k")})
        (HOME / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        if "--check" in sys.argv:
            check(found)
