"""The problems that fits are timed on: real data where small or in R, simulated where large."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import bayeslmm as blm


@dataclass(frozen=True, slots=True)
class Problem:
    """One fit.

    Attributes
    ----------
    formula
        As R and bayeslmm take it.
    frame
        Makes the data; takes the folder where R may have put its own data sets.
    repetitions
        How often each side fits it.
    what
        Size and shape, for the table.
    calls
        Calls in a row each time.
    """

    formula: str
    frame: Callable[[Path], pd.DataFrame]
    repetitions: int
    what: str
    calls: int = 1


def sleepstudy(_: Path) -> pd.DataFrame:
    """Packaged."""
    return blm.datasets.load("sleepstudy")


def penicillin(_: Path) -> pd.DataFrame:
    """Packaged."""
    return blm.datasets.load("penicillin")


def insteval(folder: Path) -> pd.DataFrame:
    """From R's lme4, which carries it; 73,421 ratings of 1,128 lecturers by 2,972 students."""
    frame = pd.read_csv(folder / "InstEval.csv")
    return frame.astype(dict.fromkeys(["s", "d", "dept", "service"], "category"))


def slopes(_: Path) -> pd.DataFrame:
    """500 groups of 40 rows with an intercept and three slopes, correlated."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(500), 40)
    X = rng.normal(size=(g.size, 3))
    b = rng.normal(size=(500, 4)) @ np.linalg.cholesky(0.4 * np.eye(4) + 0.6).T
    y = b[g, 0] + (X * b[g, 1:]).sum(axis=1) + X @ [1, -1, 0.5] + rng.normal(scale=1.5, size=g.size)
    return pd.DataFrame({"y": y, "x1": X[:, 0], "x2": X[:, 1], "x3": X[:, 2], "g": pd.Categorical(g)})


def nested(_: Path) -> pd.DataFrame:
    """A million rows: 2,000 groups with a slope, 40,000 subgroups."""
    rng = np.random.default_rng(2)
    n = 1_000_000
    g, s, x = np.repeat(np.arange(2000), 500), np.tile(np.repeat(np.arange(20), 25), 2000), rng.normal(size=n)
    b = rng.normal(size=(2000, 2)) * [0.7, 0.3]
    c = rng.normal(scale=0.5, size=40_000)
    y = 1 + 0.5 * x + b[g, 0] + b[g, 1] * x + c[g * 20 + s] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": pd.Categorical(g), "s": pd.Categorical(s)})


def ratings(_: Path) -> pd.DataFrame:
    """A million ratings of 3,700 films by 6,000 people, both with long tails: the shape of MovieLens-1M."""
    rng = np.random.default_rng(3)
    n, users, films = 1_000_000, 6000, 3700
    activity, fame = rng.lognormal(0, 1.0, users), rng.lognormal(0, 1.3, films)
    u = rng.choice(users, n, p=activity / activity.sum())
    f = rng.choice(films, n, p=fame / fame.sum())
    y = (
        3.5
        + rng.normal(scale=0.4, size=users)[u]
        + rng.normal(scale=0.6, size=films)[f]
        + rng.normal(scale=0.9, size=n)
    )
    return pd.DataFrame({"y": y, "user": pd.Categorical(u), "film": pd.Categorical(f)})


def maximal(_: Path) -> pd.DataFrame:
    """56 subjects by 32 items, a 2 x 2 x 2 design within both, everything random: two 8 x 8 covariances."""
    rng = np.random.default_rng(4)
    subject, item = np.repeat(np.arange(56), 32), np.tile(np.arange(32), 56)
    condition = (subject + item) % 8
    A, B, C = (np.where(condition >> bit & 1, 1.0, -1.0) for bit in range(3))
    X = np.column_stack([np.ones(A.size), A, B, C, A * B, A * C, B * C, A * B * C])
    by_subject = 300 * rng.normal(size=(56, 8)) @ np.linalg.cholesky(0.3 * np.eye(8) + 0.2).T
    by_item = 300 * rng.normal(size=(32, 8)) @ np.linalg.cholesky(0.2 * np.eye(8) + 0.1).T
    mean = 2000 + X @ [0, 50, -80, 20, 10, -10, 5, 0]
    y = mean + (X * (by_subject[subject] + by_item[item])).sum(axis=1) + rng.normal(scale=500, size=A.size)
    return pd.DataFrame({"y": y, "A": A, "B": B, "C": C, "subj": pd.Categorical(subject), "item": pd.Categorical(item)})


SMALL = {
    "sleepstudy": Problem("Reaction ~ Days + (Days | Subject)", sleepstudy, 12, "180 rows, correlated slopes", 12),
    "Penicillin": Problem("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin, 12, "144 rows, crossed", 12),
    "slopes500": Problem(
        "y ~ x1 + x2 + x3 + (1 + x1 + x2 + x3 | g)", slopes, 5, "500 x 40 rows, 4 correlated slopes", 3
    ),
    "InstEval": Problem(
        "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", insteval, 4, "73,421 rows, 2,972 x 1,128 crossed"
    ),
}
LARGE = {
    "nested1e6": Problem("y ~ x + (1 + x | g) + (1 | g:s)", nested, 1, "10^6 rows, 2,000 / 40,000 nested"),
    "maximal": Problem("y ~ A*B*C + (A*B*C | subj) + (A*B*C | item)", maximal, 1, "1,792 rows, 8x8 + 8x8 covariances"),
    "ratings1e6": Problem("y ~ 1 + (1 | user) + (1 | film)", ratings, 1, "10^6 rows, 6,000 x 3,700 crossed"),
}
