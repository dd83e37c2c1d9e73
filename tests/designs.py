"""Random designs of every shape, as Hypothesis strategies: nested, crossed, unbalanced, weighted, `||`."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from hypothesis import strategies as st

from bayeslmm.design import Design, RandomTerm, parse
from bayeslmm.design.recipe import Recipe

SHAPES = ("one", "slopes", "uncorrelated", "nested", "nested three deep", "crossed", "partially crossed", "everything")


def together(k: int) -> tuple[tuple[int, ...], ...]:
    """All k effects correlated."""
    return (tuple(range(k)),)


def apart(k: int) -> tuple[tuple[int, ...], ...]:
    """No correlation."""
    return tuple((i,) for i in range(k))


def random_term(name: str, index: np.ndarray, k: int, blocks: tuple, rng: np.random.Generator) -> RandomTerm:
    """A term with an intercept and k - 1 random columns; levels that do not occur are dropped."""
    levels, dense = np.unique(index, return_inverse=True)
    Z = np.column_stack([np.ones(index.size), *(rng.normal(1.0, 1.0, index.size) for _ in range(k - 1))])
    effects = ("(Intercept)", *(f"z{i}" for i in range(1, k)))
    return RandomTerm(name, effects, blocks, Z, dense.astype(np.int64), tuple(map(str, levels)))


def terms(shape: str, n: int, rng: np.random.Generator, levels: int = 5) -> tuple[RandomTerm, ...]:
    """The grouping factors of one shape, with unequal group sizes."""
    share = np.arange(levels, 0, -1.0) ** 2
    g = rng.choice(levels, n, p=share / share.sum())
    s, h = g * 3 + rng.integers(0, 3, n), g // 2
    item, rater = rng.integers(0, levels - 1, n), (g + rng.integers(0, 2, n)) % (levels + 1)
    layout: dict[str, Sequence[tuple[str, np.ndarray, int, tuple]]] = {
        "one": [("g", g, 1, together(1))],
        "slopes": [("g", g, 3, together(3))],
        "uncorrelated": [("g", g, 3, ((0, 2), (1,)))],
        "nested": [("s:g", s, 2, together(2)), ("g", g, 1, together(1))],
        "nested three deep": [("s:g", s, 1, together(1)), ("g", g, 2, together(2)), ("h", h, 2, apart(2))],
        "crossed": [("g", g, 2, together(2)), ("item", item, 2, apart(2))],
        "partially crossed": [("s:g", s, 1, together(1)), ("rater", rater, 2, together(2))],
        "everything": [
            ("s:g", s, 1, together(1)),
            ("g", g, 2, together(2)),
            ("h", h, 1, together(1)),
            ("item", item, 2, together(2)),
            ("rater", rater, 1, together(1)),
        ],
    }
    return tuple(random_term(name, index, k, blocks, rng) for name, index, k, blocks in layout[shape])


def make_design(shape: str, seed: int, weighted: bool = False, n: int = 48, p: int = 3, levels: int = 5) -> Design:
    """A design of one shape with random numbers."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), *(rng.normal(2.0, 1.0, n) for _ in range(p - 1))])
    groups = terms(shape, n, rng, levels)
    y = X @ rng.normal(size=p) + rng.normal(size=n) + 10
    for term in groups:
        y += np.einsum("nk,nk->n", term.Z, rng.normal(size=(term.n_levels, term.k))[term.index])
    return from_arrays(y, X, groups, weights=rng.uniform(0.3, 3.0, n) if weighted else None)


def from_arrays(
    y: np.ndarray, X: np.ndarray, groups: tuple[RandomTerm, ...], weights: np.ndarray | None = None
) -> Design:
    """A design without a data frame behind it."""
    n = y.size
    return Design(
        formula=parse("y ~ x + (1 | g)"),
        response="y",
        y=y,
        X=X,
        coef_names=tuple(f"x{i}" for i in range(X.shape[1])),
        fixed_terms=(),
        terms=groups,
        weights=np.ones(n) if weights is None else weights,
        offset=np.zeros(n),
        has_weights=weights is not None,
        has_offset=False,
        rows=np.arange(n),
        n_missing=0,
        dropped=(),
        contrasts={},
        recipe=cast(Recipe, None),
        variables={},
    )


@st.composite
def designs(draw: st.DrawFn) -> Design:
    """A random design of a random shape."""
    shape = draw(st.sampled_from(SHAPES))
    return make_design(shape, draw(st.integers(0, 10_000)), draw(st.booleans()))


@st.composite
def designs_with_theta(draw: st.DrawFn) -> tuple[Design, np.ndarray]:
    """A random design and a theta for it; some of its elements are zero in a third of the cases, all in some."""
    from bayeslmm.likelihood.marginal import MarginalLikelihood

    design = draw(designs())
    m = MarginalLikelihood.of(design).covariance.m
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    theta = rng.normal(size=m)
    kind = draw(st.sampled_from(["general", "some zero", "all zero"]))
    if kind == "some zero":
        theta = theta * (rng.random(m) > 0.5)
    return design, theta if kind != "all zero" else np.zeros(m)
