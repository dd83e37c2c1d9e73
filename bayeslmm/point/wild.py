"""Wild cluster bootstrap of t tests, the null imposed: for few clusters.

y = X beta + e with errors dependent within G clusters (all times sqrt(w) where there are weights). To test
beta_k = c, the model is fitted under it, with residuals u_g(c) in cluster g; each bootstrap sample has the responses
X beta(c) + v_g u_g(c) with random weights v_g of mean 0 and variance 1, and p is the share of samples whose
|t*(c)| = |beta*_k - c| / se*_k reaches that of the data (Cameron, Gelbach & Miller 2008, Review of Economics and
Statistics 90, 414-427, "WCR"; se the cluster-robust HC1). Weights: Rademacher, -1 or 1; Webb's six points
(-+ sqrt(3/2), -+ 1, -+ sqrt(1/2)) where there are few clusters, so that Rademacher's 2^G samples are too few (Webb
2023, Canadian Journal of Economics 56, 839-858). Where all samples there are, are no more than those asked for, each
is taken once. The interval is the set of c that is not rejected.

Nothing is refitted. With x the residual of column k on the others and S_g(c) = X_g'u_g(c), a_g(c) = x_g'u_g(c),

    beta*_k - c = sum_g v_g a_g / x'x,      scores: v_h a_h - x_h'X_h (X'X)^-1 sum_g v_g S_g,

and u(c) = u(0) - c x, so that both are linear in c (Roodman, MacKinnon, Nielsen & Webb 2019, Stata Journal 19, 4-60).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.point.seeds import generator

Weights = Literal["auto", "rademacher", "webb"]
POINTS = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.sqrt([1.5, 1.0, 0.5])[[0, 1, 2, 2, 1, 0]] * np.array([-1, -1, -1, 1, 1, 1]),
}
FEW = 12
SAME = 1e-9
FARTHEST = 2.0**20
HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Test:
    """One coefficient: estimate, se, t of the data; p; interval by inversion, infinite where no value is rejected."""

    estimate: float
    se: float
    t: float
    p: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Signs:
    """The weights of all samples.

    Attributes
    ----------
    values
        (B, G).
    kind
        "rademacher" or "webb".
    complete
        Whether these are all samples that there are.
    """

    values: np.ndarray
    kind: str
    complete: bool

    @classmethod
    def draw(cls, G: int, kind: Weights, draws: int, seed: int | np.random.Generator | None) -> "Signs":
        """Weights of G clusters; "auto" takes Webb's for fewer than 12."""
        chosen = ("webb" if FEW > G else "rademacher") if kind == "auto" else kind
        points = POINTS[chosen]
        if points.size**G <= draws:
            return cls(np.array(list(product(points, repeat=G))), chosen, True)
        rng = generator(seed)
        return cls(points[rng.integers(0, points.size, size=(draws, G))], chosen, False)


def wild_test(design: Design, clusters: Clusters, k: int, signs: Signs, level: float) -> Test:
    """Test that coefficient k is zero, and find the values that are not rejected."""
    scores = Scores.of(design, clusters, k)
    samples = Samples.of(scores, signs)
    estimate, se = scores.estimate, scores.se

    def p(distance: float) -> float:
        return samples.p_value(distance, abs(distance) / se)

    lower, upper = (estimate + _edge(p, side * se, 1 - level) for side in (-1, 1))
    return Test(estimate, se, estimate / se, p(-estimate), lower, upper)


@dataclass(frozen=True, slots=True)
class Scores:
    """Sums by cluster of one coefficient: of the residuals under c = beta_hat_k + d, which are e - d x.

    Attributes
    ----------
    estimate
        beta_hat_k.
    a, S
        (2, G) and (2, G, p): of e and of x; S in an orthonormal basis of the columns of X.
    P
        (G, p): x_g'X_g in that basis.
    length
        x'x.
    factor
        G / (G - 1) (n - 1) / (n - p).
    """

    estimate: float
    a: np.ndarray
    S: np.ndarray
    P: np.ndarray
    length: float
    factor: float

    @classmethod
    def of(cls, design: Design, clusters: Clusters, k: int) -> "Scores":
        """Partial the other columns out of column k."""
        root, G = np.sqrt(design.weights), clusters.count
        X, y = design.X * root[:, None], design.y_net * root
        left, _ = np.linalg.qr(X)
        others, _ = np.linalg.qr(np.delete(X, k, axis=1))
        x, e = X[:, k] - others @ (others.T @ X[:, k]), y - left @ (left.T @ y)
        S = np.zeros((2, G, design.p))
        for part, v in zip(S, (e, x), strict=True):
            np.add.at(part, clusters.index, left * v[:, None])
        a = np.array([np.bincount(clusters.index, x * v, G) for v in (e, x)])
        length = float(x @ x)
        factor = G / (G - 1) * (design.n - 1) / (design.n - design.p)
        return cls(float(x @ y) / length, a, S, S[1], length, factor)

    @property
    def se(self) -> float:
        """The cluster-robust standard error (HC1)."""
        return float(np.sqrt(self.factor * (self.a[0] ** 2).sum()) / self.length)


@dataclass(frozen=True, slots=True)
class Samples:
    """All bootstrap samples, as functions of d = c - beta_hat_k.

    Attributes
    ----------
    top
        (2, B): x'x (beta* - c) = top[0] - d top[1].
    square
        (3, B): (x'x se*)^2 = square[0] - 2 d square[1] + d^2 square[2].
    complete
        Whether these are all samples that there are.
    """

    top: np.ndarray
    square: np.ndarray
    complete: bool

    @classmethod
    def of(cls, scores: Scores, signs: Signs) -> "Samples":
        """Made once; each p-value takes them as they are."""
        v, f = signs.values, scores.factor
        top = np.array([v @ a for a in scores.a])
        own, unit = (v * a - (v @ S) @ scores.P.T for a, S in zip(scores.a, scores.S, strict=True))
        square = np.array([np.einsum("bg,bg->b", x, z) for x, z in ((own, own), (own, unit), (unit, unit))])
        return cls(top, f * square, signs.complete)

    def p_value(self, d: float, t: float) -> float:
        """Share of samples with |t*| >= t; samples drawn at random have the data among them."""
        top = np.abs(self.top[0] - d * self.top[1])
        spread = np.sqrt(np.maximum(self.square[0] - 2 * d * self.square[1] + d**2 * self.square[2], 0.0))
        as_far = int((top >= t * (1 - SAME) * spread).sum())
        return as_far / top.size if self.complete else (1 + as_far) / (1 + top.size)


def _edge(p: Callable[[float], float], step: float, alpha: float) -> float:
    """At which distance p falls below alpha, in the direction of the step."""
    far = 1.0
    while p(far * step) >= alpha:
        far *= 2
        if far > FARTHEST:
            return float(np.copysign(np.inf, step))
    near = 0.0 if far == 1 else far / 2
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if p(middle * step) >= alpha else (near, middle)
        if far - near < 1e-6 * max(far, 1.0):
            break
    return near * step
